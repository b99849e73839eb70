"""Volume and concentration: closed forms, image areas, repetition, and everything that can go wrong."""

import dataclasses
import math

import numpy as np
import pytest

import talweg
from talweg.checks import volume
from talweg.checks.carrying import Mover
from talweg.checks.shares import Sums
from talweg.status import Status

LIGHT = {"n_points": 4000}


def quadratic(*eigenvalues):
    n = len(eigenvalues)
    return talweg.Objective(lambda x: sum(v * x[i] ** 2 / 2 for i, v in enumerate(eigenvalues)), n)


@pytest.fixture(scope="module")
def bent():
    return talweg.Objective(lambda x: x[0] ** 2 / 2 + 3 * x[1] ** 2 / 2 + x[0] ** 2 * x[1] / 2, 2)


def share_within(slope):
    """Share of a square around 0 with ``|y| <= slope |x|``."""
    return slope / 2 if slope <= 1 else 1 - 1 / (2 * slope)


def near(estimate, error, exact, sigmas=4.0):
    return abs(estimate - exact) <= sigmas * error


# --- what is measured


def test_the_case_of_the_theory_page(bent):
    found = volume(bent, (-0.4, 0.4), step_length=0.1, steps=[0, 10, 20, 30, 40], n_points=40_000)
    # The published figures are estimates too, from fewer points.
    known = np.array([0.051, 0.600, 0.968, 0.9974, 0.99976])
    assert (np.abs(found.cone.share - known) <= 4 * found.cone.error + 2e-3).all()
    assert abs(1 - found.cone.share[4]) < 1e-3
    assert np.exp(found.log_mean_volume[1]) == pytest.approx(9.87e-3, rel=1e-3)
    assert np.exp(found.predicted_log_volume[1]) == pytest.approx(0.63**10, rel=1e-12)
    # All of the plane next to the minimum: 2 > sqrt(3).
    assert "all points are in V_R" in found.message
    assert found.verdict == "agrees" and found.directions.agrees and found.injective


@pytest.mark.parametrize("flow", [False, True])
def test_a_linear_map_has_shares_in_closed_form(flow):
    f, R, width = quadratic(1.0, 8.0), 1.5, 0.2
    times = np.array([0, 2, 5, 9])
    if flow:
        times = times * 0.1
        shrink = np.exp(-7.0 * times)
        found = volume(f, (-1, 1), times=times, ratio=R, cone=width)
        predicted = -9.0 * times
    else:
        shrink = (0.2 / 0.9) ** times
        found = volume(f, (-1, 1), step_length=0.1, steps=times, ratio=R, cone=width)
        predicted = times * math.log(0.9 * 0.2)
    # |Hx|^2 <= R^2 lambda_1 (lambda_1 x^2 + lambda_2 y^2) is a cone as well.
    valley = math.sqrt((R**2 - 1) / (8.0 * (8.0 - R**2)))
    cone = width / math.sqrt(1 - width**2)
    for one, slope in ((found.cone, cone), (found.valley, valley)):
        exact = np.array([share_within(slope / s) for s in shrink])
        assert near(one.share, one.error, exact).all()
        np.testing.assert_allclose(one.share + one.outside, 1.0, rtol=1e-12)
        # All points weigh the same.
        np.testing.assert_allclose(one.effective_size, found.n_points, rtol=1e-6)
    np.testing.assert_allclose(found.mean_log_volume, predicted, rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(found.log_mean_volume, predicted, rtol=1e-7, atol=1e-12)
    assert found.agrees


def test_the_image_has_the_area_of_the_polygon_that_its_edge_goes_to(bent):
    side, count = 0.4, 4000
    u = np.linspace(-side, side, count, endpoint=False)
    edge = np.concatenate(
        [
            np.stack([u, np.full(count, -side)], 1),
            np.stack([np.full(count, side), u], 1),
            np.stack([-u, np.full(count, side)], 1),
            np.stack([np.full(count, -side), -u], 1),
        ]
    )
    found = volume(bent, (-side, side), step_length=0.2, steps=[3, 8], n_points=40_000)
    for k, steps in enumerate((3, 8)):
        x, y = talweg.descend(bent, edge, 0.2, steps).x.T
        area = 0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))
        exact = math.log(area / (2 * side) ** 2)
        assert near(found.log_mean_volume[k], found.log_mean_volume_error[k], exact)
        assert found.log_mean_volume_error[k] < 0.01


def test_errors_are_those_of_repetition(bent):
    runs = [
        volume(bent, (-0.4, 0.4), step_length=0.2, steps=[2, 6], rng=seed, n_points=1000)
        for seed in range(60)
    ]
    for name in ("cone", "valley"):
        shares = np.array([getattr(run, name).share for run in runs])
        errors = np.array([getattr(run, name).error for run in runs]).mean(axis=0)
        moving = shares.std(axis=0) > 0
        # The spread of 60 is known to about a tenth.
        np.testing.assert_allclose(shares.std(axis=0)[moving], errors[moving], rtol=0.4)
    logs = np.array([run.log_mean_volume for run in runs])
    said = np.mean([run.log_mean_volume_error for run in runs], axis=0)
    np.testing.assert_allclose(logs.std(axis=0), said, rtol=0.4)


def test_errors_are_those_of_the_bootstrap():
    rng = np.random.default_rng(3)
    logs, inside = rng.normal(size=(1, 2000)), rng.random((1, 1, 2000)) < 0.8
    inside[0, 0] &= logs[0] < 1.5

    def estimate(chosen):
        sums = Sums(1, 1, 10)
        sums.add(0, np.ones(len(chosen)), logs[:, chosen], inside[:, :, chosen])
        return sums.concentration(0, 0.1)

    one = estimate(np.arange(2000))
    weights = np.exp(logs[0])
    assert one.share[0] == pytest.approx((weights * inside[0, 0]).sum() / weights.sum())
    assert one.effective_size[0] == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    again = [estimate(rng.integers(2000, size=2000)).share[0] for _ in range(400)]
    assert np.std(again) == pytest.approx(one.error[0], rel=0.15)


@pytest.mark.parametrize(
    ("eigenvalues", "step"),
    [((1.0, 3.0), 0.1), ((1.0, 1.5, 4.0), 0.15), ((1.0, 3.0), None), ((1.0, 2.0, 2.5), None)],
)
def test_rates_agree_with_theory(eigenvalues, step):
    n = len(eigenvalues)
    shift = np.linspace(1.0, 2.0, n)

    def function(x):
        y = [x[i] - shift[i] for i in range(n)]
        forced = 0.3 * y[0] ** 2 * y[1] + 0.2 * y[1] ** 2 * y[-1] - 0.1 * y[0] ** 3
        return sum(v * y[i] ** 2 / 2 for i, v in enumerate(eigenvalues)) + forced

    f = talweg.Objective(function, n)
    found = volume(f, np.stack([shift - 0.2, shift + 0.2], 1), step_length=step, n_points=10_000)
    values = np.array(eigenvalues)
    single = -values if step is None else np.log(1 - step * values)
    np.testing.assert_allclose(found.x_min, shift, atol=1e-12)
    np.testing.assert_allclose(found.directions.predicted, single, rtol=1e-9)
    assert found.predicted == pytest.approx(single.sum())
    assert found.decay.predicted == pytest.approx(single[1] - single[0])
    for one in (found.volume_rate, found.directions, found.decay):
        assert one.agrees, one
        assert np.all(one.error < 0.15 * np.abs(one.predicted)), one


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e8])
def test_verdicts_do_not_depend_on_the_scale_of_the_function(scale, bent):
    found = volume(scale * bent, (-0.4, 0.4), **LIGHT)
    plain = volume(bent, (-0.4, 0.4), **LIGHT)
    assert found.verdict == plain.verdict == "agrees"
    assert found.directions.verdict == plain.directions.verdict == "agrees"
    assert found.error == pytest.approx(scale * plain.error, rel=0.01)


def test_directions_that_never_mix_are_told_apart_by_their_rates():
    # The first coordinate is the stiffer one, and no Hessian turns a frame.
    f = talweg.Objective(lambda x: 1.5 * x[0] ** 2 + 0.1 * x[0] ** 3 + x[1] ** 2 / 2, 2)
    for options in ({"step_length": 0.1}, {}):
        assert volume(f, (-0.4, 0.4), **options, **LIGHT).directions.verdict == "agrees"


def test_errors_of_volume_with_weights_are_those_of_repetition():
    rng = np.random.default_rng(5)
    m, found = 1000, []
    for _ in range(300):
        weight = rng.choice([0.1, 1.0, 5.0], size=m)
        logs = rng.normal(-3.0, 0.5, size=m) + 0.1 * weight
        logs[rng.random(m) < 0.1] = -np.inf
        sums = Sums(1, 1, 40)
        for first in range(0, m, 300):
            part = slice(first, first + 300)
            inside = (logs[None, None, part] > -3.0) | (weight[None, None, part] > 1.0)
            sums.add(first, weight[part], logs[None, part], inside)
        cone = sums.concentration(0, 0.1)
        finite = np.isfinite(logs)
        mean, log_mean = sums.mean_log_volume(), sums.log_mean_volume()
        assert mean[0][0] == pytest.approx(np.average(logs[finite], weights=weight[finite]))
        assert log_mean[0][0] == pytest.approx(np.log(np.average(np.exp(logs), weights=weight)))
        found.append([mean, log_mean, (cone.share, cone.error)])
    values, errors = np.moveaxis(np.array(found)[..., 0], 2, 0)
    # 300 repetitions tell a standard deviation to 4 percent.
    assert np.std(values, axis=0) / errors.mean(axis=0) == pytest.approx(1.0, abs=0.2)


def test_heavier_points_in_later_batches_lose_nothing():
    sums = Sums(1, 1, 40)
    sums.add(0, np.ones(100), np.full((1, 100), -2000.0), np.ones((1, 1, 100), bool))
    sums.add(100, np.ones(100), np.full((1, 100), -1000.0), np.zeros((1, 1, 100), bool))
    assert sums.log_mean_volume()[0][0] == pytest.approx(-1000.0 - np.log(2.0))
    assert sums.concentration(0, 0.1).share[0] == 0.0
    assert sums.effective_size()[0] == pytest.approx(100.0)


def test_directions_mean_something_far_below_the_rounding_of_coordinates():
    # By the time that the cone is full points are at 1e-40 from a minimum at (1, 2).
    f = talweg.Objective(
        lambda x: (x[0] - 1) ** 2 / 2 + 1.05 * (x[1] - 2) ** 2 / 2 + 0.1 * (x[0] - 1) ** 3, 2
    )
    found = volume(f, [(0.9, 1.1), (1.9, 2.1)], times=np.linspace(0, 100, 30), **LIGHT)
    assert np.linalg.norm(found.cloud[-1], axis=1).max() < 1e-40
    assert found.unresolved.max() == 0.0
    assert found.decay.agrees and found.decay.predicted == pytest.approx(-0.05)
    slope = 0.1 / math.sqrt(0.99)
    exact = [share_within(slope * math.exp(0.05 * t)) for t in found.times[15:]]
    assert near(found.cone.share[15:], found.cone.error[15:], exact).all()


def test_a_region_on_one_side_has_no_line_to_fit(bent):
    # Nothing stays outside the cone for ever: no point of the region goes to it sideways.
    for seed in range(4):
        found = volume(bent, [[0.1, 0.4], [0.1, 0.4]], step_length=0.05, n_points=4000, rng=seed)
        assert found.decay.verdict == "undecided" and found.verdict == "agrees"


def test_beyond_the_bound_of_alignment_no_decay_is_predicted():
    found = volume(quadratic(1.0, 3.0), (-1, 1), step_length=0.6, steps=20, **LIGHT)
    assert found.decay.agrees is None and "no faster" in found.decay.message
    assert found.cone.share[-1] < 0.01


# --- sets


def test_membership_is_that_of_the_valley_functions():
    f = talweg.surfaces.muller_brown()
    survey = talweg.survey(f)
    minimum = next(p for p in survey.critical_points if p.type == "minimum")
    curve = talweg.trace_talweg(f, minimum.x)
    x = np.random.default_rng(0).uniform([-1.5, 0.0], [0.5, 1.9], size=(5000, 2))
    for valley in (survey, curve):
        found = volume(
            f, None, points=x, step_length=1e-4, steps=[0, 1], valley=valley, x_min=minimum
        )
        levels = talweg.valleys.least_slope(valley, f(x))[0]
        ratio = np.linalg.norm(f.grad(x), axis=1) / levels
        inside, covered = found.membership.inside(x - found.x_min)
        sure = ~(np.abs(ratio - 2.0) < 1e-9)
        np.testing.assert_array_equal(inside[sure], (ratio <= 2.0)[sure])
        np.testing.assert_array_equal(covered, ~np.isnan(levels))
        assert 0.01 < inside.mean() < 0.9


def test_next_to_the_minimum_the_valley_is_that_of_the_quadratic(bent):
    x = np.random.default_rng(0).normal(size=(500, 2))
    found = volume(bent, (-0.1, 0.1), step_length=0.1, steps=[0, 1], ratio=1.3, **LIGHT)
    gradient = x * [1.0, 3.0]
    height = (x[:, 0] ** 2 + 3 * x[:, 1] ** 2) / 2
    ratio = np.linalg.norm(gradient, axis=1) / np.sqrt(2 * height)
    for scale in (1e-6, 1e-12, 1e-100):
        inside, covered = found.membership.inside(scale * x)
        assert covered.all()
        sure = np.abs(ratio - 1.3) > 1e-4
        np.testing.assert_array_equal(inside[sure], (ratio <= 1.3)[sure])


def test_distances_are_those_from_a_dense_curve():
    from scipy.interpolate import CubicHermiteSpline
    from scipy.spatial import cKDTree

    from talweg.checks.cone import TalwegDistance

    f = talweg.surfaces.muller_brown()
    minimum = talweg.critical_points(f, starts=[-0.5, 1.4])[0]
    curve = talweg.trace_talweg(f, minimum.x)
    found = TalwegDistance(curve, minimum.x, minimum.eigenvectors[:, 0])
    spline = CubicHermiteSpline(curve.arclength, curve.x - minimum.x, curve.tangent)
    dense = cKDTree(spline(np.linspace(0, curve.length, 200_001)))
    x = np.random.default_rng(0).uniform([-0.6, -0.5], [0.5, 0.4], size=(4000, 2))
    x = x[np.linalg.norm(x, axis=1) > 0.02]
    exact = dense.query(x)[0] / np.linalg.norm(x, axis=1)
    np.testing.assert_allclose(found.quotient(x), exact, atol=1e-4)
    for scale in (1.0, 0.1, 1e-3, 1e-9):
        for width in (0.03, 0.1, 0.4):
            whole = found.quotient(scale * x) <= width
            np.testing.assert_array_equal(found.within(scale * x, width), whole)
            assert 0 < whole.mean() < 1


def test_the_tangent_instead_of_the_talweg(bent):
    found = volume(
        bent, (-0.4, 0.4), step_length=0.1, steps=[0, 1], distance="tangent", n_points=20_000
    )
    exact = share_within(0.1 / math.sqrt(0.99))
    assert near(found.cone.share[0], found.cone.error[0], exact)


# --- regions


def test_a_ball_and_weighted_points_stand_for_the_same_region():
    f = quadratic(1.0, 4.0)
    ball = volume(f, ([0.0, 0.0], 0.5), step_length=0.1, steps=[0, 5], n_points=20_000)
    assert ball.region_volume == pytest.approx(math.pi / 4)
    r, angle = np.meshgrid((np.arange(100) + 0.5) / 200, (np.arange(200) + 0.5) * math.pi / 100)
    points = np.stack([(r * np.cos(angle)).ravel(), (r * np.sin(angle)).ravel()], 1)
    rings = volume(f, None, points=points, weights=r.ravel(), step_length=0.1, steps=[0, 5])
    # The angle of the cone, scaled: no sampling in it.
    shrink = 0.6 / 0.9
    exact = [2 / math.pi * math.atan(math.tan(math.asin(0.1)) / shrink**k) for k in (0, 5)]
    assert near(ball.cone.share, ball.cone.error, exact).all()
    np.testing.assert_allclose(rings.cone.share, exact, atol=0.01)
    assert np.linalg.norm(ball.cloud[0], axis=1).max() <= 0.5


def test_several_basins():
    f = talweg.surfaces.himmelblau()
    box = [(-4.0, 4.0), (-4.0, 4.0)]
    map_ = talweg.basins(f, box, resolution=100)
    found = volume(f, box, times=[0.0, 0.05], **LIGHT)
    assert found.basin_share[0] > map_.share.max() - 0.1
    assert found.basin_share.sum() == pytest.approx(1.0)
    order = [int(np.linalg.norm(map_.minima - x, axis=1).argmin()) for x in found.minima]
    np.testing.assert_allclose(found.basin_share, map_.share[order], atol=0.03)
    assert "other minima" in found.message
    other = volume(f, box, times=[0.0, 0.05], x_min=found.minima[1], **LIGHT)
    np.testing.assert_allclose(other.x_min, found.minima[1], atol=1e-8)
    assert other.basin_share[0] == pytest.approx(found.basin_share[1], abs=1e-12)


# --- trouble


def test_a_singular_map_leaves_no_volume():
    found = volume(quadratic(1.0, 4.0), (-1, 1), step_length=0.25, steps=[0, 2, 4], **LIGHT)
    assert found.predicted == -np.inf and found.agrees is None
    assert found.singular == 4000 and found.injective is False
    assert not found.cone.decided[1:].any() and np.isnan(found.cone.share[1:]).all()
    assert "undecided" in found.cone.message and "singular" in found.message
    assert (found.log_mean_volume[1:] == -np.inf).all()


def test_determinants_of_both_signs_are_said(bent):
    found = volume(bent, [(-0.9, 0.9), (-0.4, 0.4)], step_length=0.32, steps=[0, 1], **LIGHT)
    x = found.cloud[0] + found.x_min
    determinant = np.linalg.det(np.eye(2) - 0.32 * bent.hess(x))
    assert (determinant < 0).any() and (determinant > 0).any()
    assert found.injective is False and "not injective" in found.message
    assert 0 < found.flipped < found.n_points


def test_longer_steps_than_the_inverse_curvature_are_not_called_injective():
    found = volume(quadratic(1.0, 4.0), (-1, 1), step_length=0.3, steps=[0, 3], **LIGHT)
    assert found.injective is None and "injectivity is not shown" in found.message
    slope = 0.1 / math.sqrt(0.99) * (0.7 / 0.2) ** 3
    assert near(found.cone.share[1], found.cone.error[1], share_within(slope))


def test_points_that_diverge_are_left_out_and_counted():
    f = talweg.Objective(lambda x: x[0] ** 2 / 2 + x[1] ** 2 + x[0] ** 4 / 4, 2)
    found = volume(f, [(-6, 6), (-1, 1)], step_length=0.1, steps=[0, 20, 40], **LIGHT)
    # |x| grows when 0.1 (1 + x^2) > 2.
    assert found.diverged == pytest.approx(1 - math.sqrt(19) / 6, abs=0.03)
    assert found.basin_share[0] == pytest.approx(1 - found.diverged)
    assert "not finite" in found.message


def test_where_few_points_carry_all_weight_no_rate_is_fitted():
    # Next to x = 0 the curvature 1 / x^2 makes factors of volume of all sizes, and determinants of
    # both signs.
    f = talweg.Objective(lambda x: x[0] - talweg.log(x[0]) + (x[1] - 1) ** 2, 2)
    found = volume(f, [(-1, 3), (0, 2)], step_length=0.1, **LIGHT)
    assert found.diverged == pytest.approx(0.25, abs=0.05)
    assert not found.cone.decided.all() and (found.effective_size < 200).any()
    assert found.decay.agrees is None and "few points carry" in found.decay.message


def test_too_few_points_are_undecided():
    found = volume(quadratic(1.0, 3.0), (-1, 1), step_length=0.1, steps=[0, 5], n_points=20)
    assert not found.cone.decided.any() and np.isnan(found.cone.error).all()
    assert "undecided" in found.message and "undecided" in repr(found)


def test_a_repeated_softest_eigenvalue_has_no_talweg():
    found = volume(quadratic(2.0, 2.0), (-1, 1), step_length=0.1, steps=[0, 5, 10], **LIGHT)
    assert found.cone is None and found.valley is None
    assert "No talweg starts" in found.message and ".." not in found.message
    assert found.decay.agrees is None and found.agrees


def test_one_coordinate():
    found = volume(quadratic(2.0), (-1, 1), step_length=0.1, steps=[0, 5, 10], **LIGHT)
    np.testing.assert_allclose(found.cone.share, 1.0)
    np.testing.assert_allclose(found.mean_log_volume, found.times * math.log(0.8))
    assert found.agrees and found.decay.agrees is None


@pytest.mark.parametrize("nesterov", [False, True])
def test_with_momentum_rates_alone(nesterov, bent):
    found = volume(
        bent, (-0.1, 0.1), step_length=0.1, momentum=0.5, nesterov=nesterov, n_points=500
    )
    assert found.cone is None and found.valley is None and "pairs of iterates" in found.message
    want = 2 * math.log(0.5) + (math.log(0.9 * 0.7) if nesterov else 0.0)
    assert found.predicted == pytest.approx(want)
    assert found.agrees, found.volume_rate
    found.plot()


def test_an_interrupt_keeps_whole_batches(bent, monkeypatch):
    carry, calls = Mover.carry, []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return carry(self, *arguments)

    monkeypatch.setattr(Mover, "carry", interrupted)
    monkeypatch.setattr("talweg.checks.volume_run._BATCH", 6000)
    with pytest.raises(KeyboardInterrupt) as caught:
        volume(bent, (-0.4, 0.4), step_length=0.1, steps=[0, 10])
    partly = caught.value.result
    assert partly.status == Status.INTERRUPTED and not partly.success
    assert 0 < partly.n_points < 20_000 and "interrupted" in partly.message.lower()
    assert near(partly.cone.share[1], partly.cone.error[1], 0.6043)
    assert partly.directions.agrees is None and "interrupted" in partly.directions.message


def test_an_interrupt_before_anything_is_done(bent, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Mover, "carry", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        volume(bent, (-0.4, 0.4), step_length=0.1, steps=[0, 10])
    assert caught.value.result is None


def test_the_same_bits_for_any_number_of_threads_and_batches(bent, monkeypatch):
    def run(workers):
        return volume(bent, (-0.4, 0.4), step_length=0.1, steps=[0, 10], workers=workers, **LIGHT)

    one, two = run(1), run(2)
    np.testing.assert_array_equal(one.cone.share, two.cone.share)
    np.testing.assert_array_equal(one.mean_log_volume, two.mean_log_volume)
    monkeypatch.setattr("talweg.checks.volume_run._BATCH", 6000)
    np.testing.assert_allclose(run(2).cone.share, one.cone.share, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": [0, 5]}, "steps: want a step_length"),
        ({"step_length": 0.1, "times": [0.0, 1.0]}, "times: want no step_length"),
        ({"step_length": -1.0}, "step_length"),
        ({"step_length": 0.1, "steps": [5, 2]}, "steps: want increasing"),
        ({"step_length": 0.1, "steps": [0]}, "steps: want a number above 0"),
        ({"step_length": 0.1, "steps": [0.5, 1.5]}, "steps: want whole numbers"),
        ({"times": [0.0, np.inf]}, "times: want increasing finite"),
        ({"ratio": 1.0}, "ratio: want a ratio above 1"),
        ({"cone": 1.5}, "cone: want a half-width below 1"),
        ({"distance": "line"}, "distance: want 'talweg'"),
        ({"valley": "all"}, "valley: want 'region'"),
        ({"n_points": 1}, "n_points"),
        ({"nesterov": True, "step_length": 0.1}, "nesterov: want momentum"),
        ({"momentum": 0.5}, "momentum: gradient flow has none"),
        ({"points": [[0.0, 0.1]]}, "region: want a region or points"),
        ({"weights": [1.0]}, "weights: want points"),
        ({"x_min": [0.3, 0.3]}, "x_min: want a nondegenerate minimum"),
        ({"x_min": [0.0]}, "x_min: want shape"),
        ({"workers": 0}, "workers"),
    ],
)
def test_unusable_arguments_are_named(change, words, bent):
    with pytest.raises((ValueError, TypeError), match=words):
        volume(bent, (-0.4, 0.4), **(LIGHT | change))


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ([(0, 1)], "region: want shape"),
        ((1, -1), "region: want low < high"),
        (([0.0, 0.0], -1.0), "region: want a positive"),
        (([0.0], 1.0), "region: want a centre"),
        (None, "region: want bounds"),
    ],
)
def test_unusable_regions_are_named(region, words, bent):
    with pytest.raises((ValueError, TypeError), match=words):
        volume(bent, region, **LIGHT)


def test_a_region_that_comes_to_no_rest():
    f = talweg.Objective(lambda x: -(x[0] ** 2) - x[1] ** 2, 2)
    with pytest.raises(ValueError, match="x_min: no trial point"):
        volume(f, (-1, 1), step_length=0.1, **LIGHT)


# --- what comes back


def test_fields_by_name(bent):
    found = volume(bent, (-0.4, 0.4), step_length=0.1, steps=[0, 10], **LIGHT)
    fields = found.asdict()
    assert fields["cone"]["share"][0] == found.cone.share[0]
    assert set(fields) | {"membership"} == {field.name for field in dataclasses.fields(found)}
    assert "VolumeCheck(4000 points, steps of 0.1" in repr(found)
