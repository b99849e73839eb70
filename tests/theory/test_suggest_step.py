"""Step suggestions against whole spectra, and what is said where there is none to give."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.theory import alignment_rate, step_bounds, suggest_step


def logistic(n):
    rng = np.random.default_rng(n)
    data = rng.normal(size=(2 * n + 40, n)) * np.linspace(0.3, 1.5, n)
    f = talweg.models.logistic_regression(data, rng.integers(0, 2, size=len(data)), ridge=0.5)
    return f, np.zeros(f.n)


def chain(n):
    f = talweg.models.phi4_chain(n, coupling=2.0)
    return f, np.linspace(0.7, 1.4, n)


@pytest.mark.parametrize("make", [chain, logistic])
@pytest.mark.parametrize("n", [2, 3, 10, 60, 260])
def test_against_the_whole_spectrum(make, n):
    f, x = make(n)
    values = np.linalg.eigvalsh(f.hess(x))
    found = suggest_step(f, x)
    rounding = 1e-13 * abs(values).max()
    assert found.status == talweg.Status.CONVERGED
    assert abs(found.smallest - values[0]) <= found.smallest_error + rounding
    assert abs(found.largest - values[-1]) <= found.largest_error + rounding
    assert found.smallest_error + found.largest_error <= 2e-6 * values[-1]
    assert abs(found.second - values[1]) <= found.second_error + rounding
    assert math.isclose(found.stability, 2 / values[-1], rel_tol=1e-5)
    assert math.isclose(found.alignment, 2 / (values[0] + values[-1]), rel_tol=1e-5)
    assert found.step_length < found.alignment < found.stability
    assert math.isclose(found.condition_number, values[-1] / values[0], rel_tol=1e-4)
    best = step_bounds(values[[0, 1, -1]])
    assert math.isclose(found.step_length, best.best_alignment, rel_tol=1e-5)
    assert found.aligning
    assert math.isclose(found.momentum.momentum, best.best_momentum.momentum, abs_tol=1e-4)
    assert found.kind == "convex" and "no critical point" in found.message
    assert found.products == 0 or f.n > 200


def test_ten_thousand_coordinates():
    # At the uniform minimum of a ring the spectrum is 2 + 2 c (1 - cos(2 pi k / n)), with all but the
    # ends of it twice.
    n, c = 10_000, 0.5
    found = suggest_step(talweg.models.phi4_chain(n, coupling=c, periodic=True), np.ones(n))
    assert found.kind == "minimum"
    assert abs(found.smallest - 2.0) <= found.smallest_error + 1e-12
    assert abs(found.largest - (2.0 + 4.0 * c)) <= found.largest_error + 1e-12
    assert math.isclose(found.alignment, 2.0 / (4.0 + 4.0 * c), rel_tol=1e-5)
    if math.isnan(found.second):
        assert not found.aligning and "too close" in found.message
        assert math.isclose(found.step_length, 1.0 / (2.0 + 4.0 * c), rel_tol=1e-5)
    else:
        assert found.second - found.second_error > 2.0
    assert found.step_length < found.alignment


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=6))
def test_the_suggested_step_aligns(values):
    f = talweg.models.quadratic(np.diag(values))
    found = suggest_step(f, np.zeros(len(values)))
    assert found.kind == "minimum"
    spread = np.sort(values)
    assert 0.0 < found.step_length < found.stability
    if spread[-1] - spread[0] > 1e-6 * spread[-1]:
        assert found.step_length < found.alignment
        rate = alignment_rate(values, found.step_length)
        assert rate.dominant_branch == 0
    if found.aligning:
        # Neither a longer nor a shorter step aligns faster.
        for s in (0.999 * found.step_length, 1.001 * found.step_length):
            if s < found.alignment:
                assert alignment_rate(values, s).factor >= rate.factor - 1e-9


def test_momentum_without_a_gap_contracts_fastest():
    found = suggest_step(talweg.models.quadratic([3.0, 3.0, 3.0]), [0, 0, 0])
    assert not found.aligning and found.momentum.momentum < 1e-12
    assert math.isclose(found.step_length, 1 / 3, rel_tol=1e-12)
    assert "equally stiff" in found.message
    # Two softest directions that rounding does not tell apart.
    twin = suggest_step(talweg.models.quadratic([1.0, 1.0, 9.0]), [0, 0, 0])
    assert math.isclose(twin.second, 9.0) and twin.aligning


def test_polyak_where_the_iteration_cannot_tell_the_softest_apart():
    values = np.concatenate([[1.0, 1.0 + 1e-12], np.linspace(2.0, 9.0, 298)])
    found = suggest_step(talweg.models.quadratic(values), np.zeros(300), tol=1e-4)
    assert math.isclose(found.step_length, 1 / 9, rel_tol=1e-3)
    assert not found.aligning and math.isnan(found.second)
    assert math.isclose(found.momentum.factor, (3 - 1) / (3 + 1), rel_tol=1e-3)
    assert math.isclose(found.momentum.momentum, 0.25, rel_tol=1e-2)
    assert "too close" in found.message


def test_saddles_and_maxima():
    f = talweg.surfaces.himmelblau()
    saddle = talweg.critical_points(f, starts=[[0.0867, 2.8843]])[0]
    found = suggest_step(f, saddle.x)
    assert found.kind == "saddle" and "saddle" in found.message
    assert math.isclose(found.step_length, 1 / np.abs(saddle.eigenvalues).max(), rel_tol=1e-9)
    assert math.isnan(found.alignment) and math.isnan(found.condition_number)
    assert found.momentum is None
    top = suggest_step(talweg.models.quadratic([-1.0, -4.0]), [0.0, 0.0])
    assert top.kind == "maximum" and top.step_length == pytest.approx(0.25)
    assert top.stability == math.inf
    away = suggest_step(f, [0.0, 0.0])
    assert away.kind == "concave" and away.slope == pytest.approx(np.linalg.norm(f.grad([0, 0])))


def test_flat_directions():
    valley = suggest_step(lambda x: x[0] ** 4 + 2 * x[1] ** 2, [0.0, 0.0])
    assert valley.kind == "flat" and valley.status == talweg.Status.DEGENERATE
    assert valley.step_length == pytest.approx(0.25) and valley.condition_number == math.inf
    monkey = suggest_step(talweg.surfaces.monkey_saddle(), [0.0, 0.0])
    assert monkey.kind == "flat" and math.isnan(monkey.step_length)


def test_values_that_are_not_finite():
    f = talweg.Objective(lambda x: np.sqrt(x[0]) + x[1] ** 2, 2, bounds=[(1, 2), (-1, 1)])
    found = suggest_step(f, [-1.0, 0.0])
    assert found.status == talweg.Status.NON_FINITE and found.kind == "unknown"
    assert math.isnan(found.step_length) and "not finite" in found.message
    # A gradient that is finite, beside a Hessian that is not.
    steep = talweg.Objective(lambda x: x[0] ** 1.5 + x[1] ** 2, 2, bounds=[(1, 2), (-1, 1)])
    assert suggest_step(steep, [0.0, 0.0]).status == talweg.Status.NON_FINITE


def test_in_a_metric():
    rng = np.random.default_rng(1)
    for n in (3, 250):
        root = rng.normal(size=(n, n)) / np.sqrt(n)
        metric = root @ root.T + np.eye(n)
        f = talweg.models.quadratic(np.linspace(1.0, 5.0, n)).with_metric(metric)
        inverse = np.linalg.inv(np.linalg.cholesky(metric))
        values = np.linalg.eigvalsh(inverse @ np.diag(np.linspace(1.0, 5.0, n)) @ inverse.T)
        found = suggest_step(f, np.zeros(n))
        assert found.largest == pytest.approx(values[-1], rel=1e-5)
        assert found.smallest == pytest.approx(values[0], rel=1e-5)


def test_molecules_leave_their_motions_out():
    f = talweg.models.lennard_jones(3)
    x = talweg.critical_points(f, starts=[0, 0, 0, 1.1, 0, 0, 0.5, 1, 0])[0]
    found = suggest_step(f, x.x)
    assert found.kind == "minimum"
    assert found.smallest == pytest.approx(x.eigenvalues[0], rel=1e-8)


def test_an_iteration_that_is_cut_short_says_so():
    f, x = chain(300)
    found = suggest_step(f, x, maxiter=5)
    assert found.status == talweg.Status.NOT_CONVERGED
    assert "not as accurate" in found.message
    values = np.linalg.eigvalsh(f.hess(x))
    if math.isfinite(found.step_length):
        assert abs(found.largest - values[-1]) <= found.largest_error


@pytest.mark.parametrize(
    "keywords, error, match",
    [
        ({"tol": 0.0}, ValueError, "tol"),
        ({"tol": 1.0}, ValueError, "tol"),
        ({"maxiter": 0}, ValueError, "maxiter"),
        ({"maxiter": 1.5}, TypeError, "maxiter"),
        ({"x": [1.0]}, ValueError, "x: want shape"),
        ({"x": [math.nan, 0.0]}, ValueError, "x"),
        ({"f": 3}, TypeError, "f"),
    ],
)
def test_bad_input(keywords, error, match):
    arguments = {"f": talweg.surfaces.himmelblau(), "x": [3.0, 2.0]} | keywords
    with pytest.raises(error, match=match):
        suggest_step(arguments.pop("f"), arguments.pop("x"), **arguments)
