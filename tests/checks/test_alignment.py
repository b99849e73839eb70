"""Rates of alignment: published ones, and many random spectra against rates worked out by hand."""

import dataclasses
import math

import numpy as np
import pytest

import talweg
from talweg import Status
from talweg.checks import alignment
from talweg.theory import alignment_rate, step_bounds

from .random_spectra import KINDS, case

normal_form = talweg.models.normal_form
SOFT = {(0, 0, 1): 0.5, (0, 0, 2): 0.5}


@pytest.mark.parametrize(
    "values, forces, step, expected, branch",
    [
        ((1, 2, 4), SOFT, 0.39, 0.91803, 0),
        ((1, 2, 4), SOFT, 0.41, 0.92188, 2),
        ((1, 2, 4), SOFT, 0.45, 0.6875, 2),
        ((1, 2, 4), {(2, 2, 0): 0.5, (2, 2, 1): 0.5}, 0.45, 0.8, 2),
        ((1, 4, 5), SOFT, 0.3, 0.71429, 0),
    ],
)
def test_published_factors(values, forces, step, expected, branch):
    check = alignment(normal_form(values, forces), np.zeros(3), step)
    assert check.agrees and check.aligned_with == branch
    assert round(check.measured_factor, 5) == expected
    assert check.error < 1e-9


def test_the_best_heavy_ball_aligns_at_the_chebyshev_rate():
    # Polyak's parameters for the eigenvalues from the second on, whose roots are double then.
    values = [1.0, 2.0, 7.0]
    best = step_bounds(values).best_momentum
    x = (7.0 + 2.0 - 2.0) / (7.0 - 2.0)
    f = talweg.models.quadratic(values)
    check = alignment(f, np.zeros(3), best.step_length, momentum=best.momentum)
    assert check.agrees and check.logarithmic
    assert round(check.measured_factor, 4) == 0.4202
    assert check.measured_factor == pytest.approx(x - math.sqrt(x * x - 1.0), rel=1e-6)
    without = alignment(f, np.zeros(3), step_bounds(values).best_alignment)
    assert without.agrees and without.measured_factor == pytest.approx(1.0 / x)


@pytest.mark.parametrize(
    "f, x",
    [
        (talweg.surfaces.himmelblau(), [3.0, 2.0]),
        (talweg.surfaces.muller_brown(), [-0.558, 1.442]),
        (talweg.surfaces.rosenbrock(2), [1.0, 1.0]),
        (normal_form([1.0, 1.602, 4.0, 7.811], {(0, 0, 1): 0.3, (0, 0, 3): 0.2}), np.zeros(4)),
        (normal_form([1.0, 2.3, 2.32, 4.1], {(0, 0, 1): 0.3, (0, 1, 2): 0.2}), np.zeros(4)),
    ],
)
def test_the_best_heavy_ball_of_a_forced_function(f, x):
    # Chosen so that free and forced terms fall equally fast, over free ones that have double roots.
    values = np.linalg.eigvalsh(f.hess(talweg.critical_points(f, starts=x)[0].x))
    best = step_bounds(values, forcing=1).best_momentum
    assert best.momentum > 0.0
    check = alignment(f, x, best.step_length, momentum=best.momentum)
    assert check.agrees, check
    assert check.measured_factor == pytest.approx(best.factor, rel=5e-3)


def test_what_is_lost_in_one_step():
    check = alignment(talweg.models.quadratic([1.0, 5.0]), [0.0, 0.0], 0.2)
    assert check.predicted.factor == 0.0 and check.agrees
    assert "in one step" in check.message and check.sine[1:].max() < 1e-15


def test_alignment_within_a_few_steps_is_undecided_and_says_so():
    f = talweg.models.quadratic([[2.0, 0.7], [0.7, 5.0]])
    values = np.linalg.eigvalsh(f.hess([0.0, 0.0]))
    check = alignment(f, [0.0, 0.0], 0.999 / values[1])
    assert check.verdict == "undecided"
    assert "records are above rounding" in check.message and "few steps" in check.message


def test_both_sides_of_the_bound_of_nesterov():
    f = normal_form([1.0, 4.0], {(0, 0, 1): 0.3, (1, 1, 0): 0.3})
    bound = step_bounds([1.0, 4.0], 0.5, nesterov=True).alignment
    assert round(bound, 5) == 0.31231
    for step, branch in ((0.98 * bound, 0), (1.02 * bound, 1)):
        check = alignment(f, [0.0, 0.0], step, momentum=0.5, nesterov=True)
        assert check.agrees, check
        assert check.aligned_with == branch == check.predicted.dominant_branch


def test_the_best_step_is_the_best():
    f = normal_form([1.0, 5.0, 6.0], {(0, 0, 1): 0.5, (0, 0, 2): 0.5, (1, 1, 0): 0.2})
    factors = {
        step: alignment(f, np.zeros(3), step).measured_factor
        for step in (0.2, 2 / 11, 0.25834, 0.27)
    }
    assert round(factors[0.25834], 5) == 0.74166
    assert round(factors[2 / 11], 3) == 0.818
    assert min(factors.values()) == factors[0.25834]


def test_nesterov_without_momentum_is_refused():
    f = normal_form([1.0, 4.0])
    for run in (
        lambda: alignment(f, [0.0, 0.0], 0.1, nesterov=True),
        lambda: talweg.checks.stationary(f, [0.0, 0.0], 0.1, 1e-4, nesterov=True),
        lambda: talweg.checks.volume(f, (-0.1, 0.1), step_length=0.1, nesterov=True),
        lambda: talweg.reports.descent_report(f, bounds=[(-1, 1)] * 2, nesterov=True),
    ):
        with pytest.raises(ValueError, match="nesterov: want momentum"):
            run()


# Random spectra.


def by_hand(number):
    """The slowest exponent a unit of time, from the recursion's roots; the case's own order p."""
    f, _, arguments, kind = case(number)
    values = np.sort(np.diag(f.hess(np.zeros(f.n))))
    order = 1
    if kind == "higher order":
        power = 3 if abs(f.grad(np.array([1e-2, *np.zeros(f.n - 1)]))[1]) > 1e-8 else 4
        order = power - 1
    step = arguments.get("step_length")
    if step is None:
        decay = values
    else:
        beta = arguments.get("momentum", 0.0)
        decay = []
        for value in values:
            mu = 1.0 - step * value
            if arguments.get("nesterov"):
                roots = np.roots([1.0, -(1.0 + beta) * mu, beta * mu])
            else:
                roots = np.roots([1.0, -(mu + beta), beta])
            decay.append(-np.log(np.abs(roots).max()) / step)
        decay = np.array(decay)
    slowest = np.sort(decay)
    return min(slowest[1] - slowest[0], order * slowest[0])


@pytest.fixture(scope="module")
def checked():
    found = {}

    def at(number):
        if number not in found:
            f, x, arguments, kind = case(number)
            found[number] = alignment(f, x, **arguments), kind
        return found[number]

    return at


def assert_right(checks):
    for number, (check, kind) in checks.items():
        assert check.verdict != "disagrees", (number, kind, check)
        if check.agrees:
            expected = by_hand(number)
            assert abs(check.measured - expected) <= 4.0 * check.error, (number, kind, check)
            assert check.error < 0.002 * expected
            # The whole window is asymptotic and above rounding.
            assert check.window_sine[1] < 0.1
        else:
            # Only where the angle cannot get small, or forcing shows too late.
            assert kind in ("small gap", "weak forcing", "higher order"), (number, check)
            if kind == "small gap":
                assert by_hand(number) * check.times[-1] < 8.0
            assert "No asymptotic window" in check.message


def test_random_spectra(checked):
    checks = {number: checked(number) for number in range(3 * len(KINDS))}
    assert_right(checks)
    assert {kind for check, kind in checks.values() if check.agrees} == set(KINDS)


def test_two_hundred_random_spectra(checked):
    checks = {number: checked(number) for number in range(200)}
    assert_right(checks)
    decided = [check for check, _ in checks.values() if check.agrees]
    assert len(decided) > 165
    leaning = np.array([(c.measured - c.predicted.rate) / c.error for c in decided])
    deviations = np.abs(leaning)
    # Stated errors are standard errors: neither too small, as a test of the mean square tells.
    assert np.sqrt((deviations**2).mean()) < 1.5
    assert np.abs(leaning.mean()) < 0.2


def test_wrong_predictions_are_never_confirmed(checked):
    confirmed, refuted = [], 0
    for number in range(3 * len(KINDS)):
        check, kind = checked(number)
        for factor in (0.9, 0.99, 1.01, 1.1, 2.0):
            wrong = dataclasses.replace(check.predicted, rate=factor * check.predicted.rate)
            verdict, _ = check.against(wrong)
            refuted += verdict == "disagrees"
            if verdict == "agrees":
                confirmed.append((number, kind, factor))
    assert not confirmed
    assert refuted > 5 * 25


def test_the_wrong_mechanism_is_refuted(checked):
    refuted = 0
    for number in range(2 * len(KINDS)):
        check, kind = checked(number)
        if kind not in ("flow", "descent", "above the bound", "weak forcing", "near-resonant flow"):
            continue
        for forcing in (None, 1, 2):
            other = alignment_rate(check.eigenvalues, check.step_length, forcing=forcing)
            verdict, message = check.against(other)
            # Exponents that are not resolved are one mechanism.
            if abs(other.rate - check.predicted.rate) > 10.0 * check.error:
                assert verdict != "agrees", (number, kind, message)
                refuted += verdict == "disagrees"
    assert refuted >= 8


def test_a_resonance_without_its_logarithm_is_refuted():
    # lambda_2 = 2 lambda_1, and the square of the first coordinate forces only the third.
    f = normal_form([1.0, 2.0, 3.7], {(0, 0, 2): 0.5, (1, 1, 0): 0.4})
    check = alignment(f, np.zeros(3))
    assert check.agrees and not check.predicted.logarithmic
    verdict, message = check.against(alignment_rate([1.0, 2.0, 3.7], forcing=1))
    assert verdict == "disagrees" and "resonance" in message


# Where there is no window.


def test_forcing_below_rounding_is_undecided():
    f = normal_form([1.0, 2.5], {(0, 0, 1): 1e-12})
    check = alignment(f, [0.0, 0.0])
    assert check.predicted.mechanism == "lambda_1"
    assert check.verdict == "undecided" and "rounding" in check.message
    assert check.slope == pytest.approx(1.5, rel=0.05)


def test_an_angle_that_stays_wide_is_undecided():
    check = alignment(normal_form([1.0, 1.0001]), [0.0, 0.0])
    assert check.verdict == "undecided" and "still" in check.message


def test_too_few_steps_are_undecided():
    f = normal_form([1.0, 2.0, 4.0], SOFT)
    check = alignment(f, np.zeros(3), 0.3, max_steps=5)
    assert check.verdict == "undecided" and np.isnan(check.measured)


# No direction wins.


def test_the_two_cycle_at_the_bound():
    check = alignment(normal_form([1.0, 2.0, 4.0], SOFT), np.zeros(3), 0.4)
    assert check.predicted.mechanism == "none" and check.agrees
    assert np.median(check.sine[-1]) > 0.1
    # A step away from the bound the same prediction is refuted.
    check = alignment(normal_form([1.0, 2.0, 4.0], SOFT), np.zeros(3), 0.35)
    assert check.predicted.mechanism != "none"


def test_polyak_parameters_do_not_align():
    condition = math.sqrt(9.0)
    beta = ((condition - 1.0) / (condition + 1.0)) ** 2 * (1.0 + 1e-12)
    step = (2.0 / (1.0 + math.sqrt(9.0))) ** 2
    f = normal_form([1.0, 4.0, 9.0], {(0, 0, 1): 0.3})
    check = alignment(f, np.zeros(3), step, momentum=beta)
    assert check.predicted.mechanism == "none" and check.agrees, check


def test_an_unstable_step():
    check = alignment(normal_form([1.0, 2.0, 4.0], SOFT), np.zeros(3), 0.52)
    assert check.agrees and "do not stay" in check.message
    assert (check.status == Status.NON_FINITE).all()


def test_equal_eigenvalues_keep_every_direction():
    check = alignment(talweg.models.quadratic([2.0, 2.0]), [0.0, 0.0])
    assert check.predicted.mechanism == "none" and check.agrees


# Functions of every kind.


def test_a_surface_away_from_the_origin():
    f = talweg.surfaces.himmelblau()
    values = np.linalg.eigvalsh(f.hess([3.0, 2.0]))
    for step in (None, 0.01):
        check = alignment(f, [3.001, 2.0], step)
        assert check.agrees, check
        soft = values[0] if step is None else -math.log(1.0 - step * values[0]) / step
        assert check.measured == pytest.approx(soft, rel=1e-4)
        # Directions mean something far below the spacing of floats at x_min.
        place = np.argmin(np.abs(check.times - check.window[1]))
        assert check.distance[place].max() < 1e-7


def test_a_metric():
    f = talweg.surfaces.himmelblau()
    metric = np.array([[2.0, 0.3], [0.3, 1.0]])
    pencil = np.sort(np.linalg.eigvals(np.linalg.solve(metric, f.hess([3.0, 2.0]))).real)
    check = alignment(f.with_metric(metric), [3.0, 2.0])
    assert check.agrees, check
    assert check.eigenvalues == pytest.approx(pencil)
    assert check.measured == pytest.approx(min(pencil[0], pencil[1] - pencil[0]), rel=1e-4)


def test_forcing_is_read_off_the_function():
    def fun(x):
        return x[0] ** 2 / 2 + 4 * x[1] ** 2 + 0.5 * x[0] ** 4 * x[1]

    check = alignment(talweg.Objective(fun, 2), [0.0, 0.0])
    assert check.predicted.forcing == 3 and check.predicted.mechanism == "higher order"
    # d^5 f / dx^4 dy = 0.5 * 4!
    assert check.forcing == pytest.approx([0.0, 12.0])
    assert check.agrees and check.measured == pytest.approx(3.0)


def test_callables():
    matrix = np.diag([1.0, 3.0])
    f = talweg.Objective.from_callables(
        lambda x: np.einsum("mi,ij,mj->m", x, matrix, x) / 2,
        lambda x: x @ matrix,
        n=2,
        batched=True,
    )
    check = alignment(f, [0.0, 0.0], 0.2)
    assert check.agrees and check.measured_factor == pytest.approx(0.4 / 0.8)


def test_starts_and_workers_do_not_matter():
    f = normal_form([1.0, 1.7, 4.0], SOFT)
    one, two = (alignment(f, np.zeros(3), 0.3, rng=3, workers=w) for w in (1, 2))
    assert (one.sine == two.sine).all() and one.measured == two.measured
    other = alignment(f, np.zeros(3), 0.3, rng=4)
    assert other.measured != one.measured
    assert abs(other.measured - one.measured) < 4.0 * math.hypot(one.error, other.error)


# Strong stable manifolds.


@pytest.mark.parametrize("step", [None, 0.2])
@pytest.mark.parametrize("branch", [0, 1, 2, 3])
def test_strong_stable_manifolds(step, branch):
    values = np.array([1.0, 1.7, 2.2, 3.0])
    forces = {(0, 1, 1): 0.5, (0, 2, 2): 0.4, (0, 3, 3): 0.3, (1, 2, 2): 0.4, (2, 3, 3): 0.5}
    forces |= {(0, 0, 1): 0.3, (0, 1, 2): 0.6, (1, 3, 3): 0.3}
    check = alignment(normal_form(values, forces), np.zeros(4), step, branch=branch)
    decay = values if step is None else -np.log(1.0 - step * values) / step
    # Every direction is forced by the square of some other one: p = 1.
    expected = min([decay[branch], *(decay[branch + 1 :] - decay[branch])])
    assert check.agrees, check
    assert check.aligned_with == branch == check.predicted.dominant_branch
    assert abs(check.measured - expected) <= 4.0 * check.error < 1e-3 * expected


def test_a_start_next_to_the_manifold_leaves_it():
    # What the shooting is for: the tangent space is not the manifold.
    f = normal_form([1.0, 1.7, 4.0], {(0, 1, 1): 0.5})
    check = alignment(f, np.zeros(3), branch=1)
    start = check.x0[:4].copy()
    assert np.abs(start[:, 0]).min() > 1e-6
    times = np.linspace(0.0, 8.0, 9)
    good = talweg.flow(f, start, times).x
    start[:, 0] = 0.0
    bad = talweg.flow(f, start, times).x
    assert np.abs(good[-1, :, 0] / good[-1, :, 1]).max() < 1e-6
    assert np.abs(bad[-1, :, 0] / bad[-1, :, 1]).min() > 1e-3


def test_a_straight_manifold():
    check = alignment(talweg.models.quadratic([1.0, 3.0]), [0.0, 0.0], branch=1)
    assert check.agrees and check.predicted.rate == np.inf


# Bad input and trouble on the way.


@pytest.mark.parametrize(
    "fun, x, why",
    [
        (lambda x: x[0] ** 2 - x[1] ** 2, [0.0, 0.0], "negative"),
        (lambda x: x[0] ** 2 + x[1] ** 4, [0.0, 0.0], "nondegenerate"),
        (lambda x: x[0] ** 2 + np.sin(x[1]), [0.0, 1.0], "critical point"),
        (lambda x: x[0] ** 2 + x[1] ** 2, [0.0], "shape"),
    ],
)
def test_points_that_are_no_minima(fun, x, why):
    with pytest.raises(ValueError, match=f"x_min.*{why}"):
        alignment(talweg.Objective(fun, 2), x)


@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"momentum": 0.5}, ValueError),
        ({"step_length": 0.0}, ValueError),
        ({"branch": 2}, ValueError),
        ({"branch": 0.5}, TypeError),
        ({"branch": 1, "momentum": 0.5, "step_length": 0.1}, ValueError),
        ({"n_trajectories": 3}, ValueError),
        ({"radius": -1.0}, ValueError),
        ({"records": 4}, ValueError),
    ],
)
def test_bad_arguments(arguments, error):
    f = talweg.models.quadratic([1.0, 2.0])
    with pytest.raises(error, match="|".join(arguments)):
        alignment(f, [0.0, 0.0], **arguments)


def test_one_coordinate_has_no_angle():
    with pytest.raises(ValueError, match="two coordinates"):
        alignment(talweg.models.quadratic([1.0]), [0.0])


def test_trajectories_that_are_lost_are_left_out():
    # Starts beyond 1 run down to minus infinity, those beyond 1.5 have no value.
    def fun(x):
        wall = np.where(x[0] > 1.5, 1.0, 0.0)
        return (x[0] ** 2 / 2 - x[0] ** 3 / 3) + 1.5 * x[1] ** 2 + np.log(1.0 - wall)

    f = talweg.Objective(fun, 2, bounds=[(-1, 1), (-1, 1)], verify=False)
    check = alignment(f, [0.0, 0.0], 0.1, radius=1.6)
    lost = (check.status == Status.NON_FINITE).sum()
    assert 0 < lost < 12
    assert check.agrees and f"{lost} trajectories" in check.message, check


def test_interruption_keeps_what_was_done():
    calls = []
    limit = [10**9]

    def grad(x):
        calls.append(1)
        if len(calls) > limit[0]:
            raise KeyboardInterrupt
        return x * [1.0, 3.0]

    f = talweg.Objective.from_callables(
        lambda x: (x[0] ** 2 + 3 * x[1] ** 2) / 2,
        grad,
        lambda x: np.diag([1.0, 3.0]),
        n=2,
        batched=False,
    )
    alignment(f, [0.0, 0.0], 0.01, n_trajectories=4)
    limit[0] = 2 * len(calls) - 100
    with pytest.raises(KeyboardInterrupt) as caught:
        alignment(f, [0.0, 0.0], 0.01, n_trajectories=4)
    check = caught.value.result
    assert check.verdict == "undecided" and "Interrupted" in check.message
    assert (check.status == Status.INTERRUPTED).any()
    assert np.isfinite(check.sine[0]).all()


@pytest.mark.parametrize("step", [None, 0.2])
def test_interruption_while_starts_are_looked_for(step, monkeypatch):
    from talweg.checks.method import Method

    runs, run = [], Method.run

    def interrupted(self, *arguments):
        runs.append(1)
        if len(runs) == 3:
            raise KeyboardInterrupt
        return run(self, *arguments)

    monkeypatch.setattr(Method, "run", interrupted)
    f = normal_form([1.0, 1.7, 4.0], {(0, 1, 1): 0.5})
    with pytest.raises(KeyboardInterrupt) as caught:
        alignment(f, np.zeros(3), step, branch=1)
    check = caught.value.result
    assert check.verdict == "undecided" and check.agrees is None
    assert "strong stable manifold" in check.message
    assert (check.status == Status.INTERRUPTED).all()
    assert check.x0.shape == (16, 3) and np.isfinite(check.x0).all()
    assert np.isnan(check.measured) and check.sine.shape == (1, 16)


@pytest.mark.parametrize("max_order, words", [(8, "max_order"), (12, "below the rounding")])
def test_forcing_of_an_order_that_is_not_seen_refutes_nothing(max_order, words):
    f = talweg.Objective(lambda x: x[0] ** 2 / 2 + 30 * x[1] ** 2 + 0.1 * x[0] ** 10 * x[1], 2)
    check = alignment(f, [0.0, 0.0], max_order=max_order)
    assert check.measured == pytest.approx(9.0, rel=1e-6)
    assert check.verdict == "undecided" and words in check.message


def test_trajectories_to_another_minimum_are_left_out():
    # The left minimum is nearer to the right one than many starts are.
    f = talweg.Objective(lambda x: (x[0] ** 2 - 1) ** 2 + 3 * (x[1] - x[0] ** 2 + 1) ** 2, 2)
    check = alignment(f, [1.0, 0.0], 0.01, radius=2.2, n_trajectories=24)
    far = check.distance[-1] > 1.0
    assert 4 <= far.sum() <= 20
    assert check.verdict == "agrees" and f"{far.sum()} trajectories" in check.message
