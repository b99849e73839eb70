"""Bounds on steps against simulated recursions and the formulas of the theory page."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_lyapunov

import talweg
from talweg.theory import contraction, stationary_variance, step_bounds

spectra = st.lists(st.floats(0.05, 20.0), min_size=2, max_size=6).filter(
    lambda values: np.diff(sorted(values)).min() > 1e-3
)
momenta = st.sampled_from([0.0, 0.1, 0.5, 0.8, 0.95])


def companion(value, s, beta, nesterov):
    mu = 1.0 - s * value
    if nesterov:
        return np.array([[(1.0 + beta) * mu, -beta * mu], [1.0, 0.0]])
    return np.array([[mu + beta, -beta], [1.0, 0.0]])


def radii(values, s, beta, nesterov):
    return np.array(
        [abs(np.linalg.eigvals(companion(value, s, beta, nesterov))).max() for value in values]
    )


@given(spectra, momenta, st.booleans(), st.floats(0.01, 0.99))
def test_contraction_is_the_spectral_radius_of_the_recursion(values, beta, nesterov, part):
    s = part * 2.0 / max(values)
    found = contraction(values, s, beta, nesterov)
    # A double root is only as good as the square root of rounding.
    assert np.allclose(found, radii(values, s, beta, nesterov), atol=1e-7)


@given(spectra, momenta, st.booleans())
def test_steps_are_stable_up_to_the_bound(values, beta, nesterov):
    bound = step_bounds(values, beta, nesterov, resonant_order=0).stability
    assert radii(values, 0.999 * bound, beta, nesterov).max() < 1.0
    assert radii(values, 1.001 * bound, beta, nesterov).max() > 1.0


@given(spectra, momenta, st.booleans())
def test_the_softest_direction_wins_up_to_the_bound(values, beta, nesterov):
    values = sorted(values)
    bound = step_bounds(values, beta, nesterov, resonant_order=0).alignment
    for part in (0.3, 0.9, 0.999):
        before = radii(values, part * bound, beta, nesterov)
        assert before[0] > before[1:].max() * (1.0 + 1e-9)
    after = radii(values, 1.001 * bound, beta, nesterov)
    assert after[0] <= after[1:].max() * (1.0 + 1e-6)


@settings(max_examples=30)
@given(spectra, momenta, st.booleans(), st.sampled_from([None, 1, 2]))
def test_no_other_step_aligns_faster(values, beta, nesterov, forcing):
    values = sorted(values)
    bounds = step_bounds(values, beta, nesterov, forcing=forcing, resonant_order=0)

    def factor(s):
        rho = contraction(values, s, beta, nesterov)
        linear = rho[1:].max() / rho[0]
        return linear if forcing is None else max(linear, rho[0] ** forcing)

    assert math.isclose(factor(bounds.best_alignment), bounds.best_factor, rel_tol=1e-9)
    others = [factor(s) for s in np.linspace(0.0, bounds.alignment, 300)[1:-1]]
    assert bounds.best_factor <= min(others) * (1.0 + 1e-6)


def test_published_numbers():
    bounds = step_bounds([1.0, 5.0, 6.0], forcing=1)
    assert round(bounds.best_alignment, 5) == 0.25834
    assert round(bounds.best_factor, 5) == 0.74166
    plain = step_bounds([1.0, 2.0, 7.0])
    assert round(plain.best_factor, 5) == 0.71429
    assert round(plain.best_momentum.factor, 5) == 0.42020


@given(spectra)
def test_the_best_momentum_has_the_chebyshev_rate(values):
    values = sorted(values)
    best = step_bounds(values, resonant_order=0).best_momentum
    if len(values) > 2:
        ratio = (values[-1] + values[1] - 2.0 * values[0]) / (values[-1] - values[1])
        assert math.isclose(best.factor, 1.0 / (ratio + math.sqrt(ratio**2 - 1.0)), rel_tol=1e-6)
    rho = contraction(values, best.step_length, best.momentum)
    # The others sit on a double root, whose modulus is as good as the square root of rounding.
    assert math.isclose(rho[1:].max() / rho[0], best.factor, rel_tol=1e-6, abs_tol=1e-6)


@settings(max_examples=20)
@given(spectra, st.sampled_from([1, 2]))
def test_a_forced_best_momentum_is_no_worse_than_others(values, forcing):
    values = sorted(values)
    best = step_bounds(values, forcing=forcing, resonant_order=0).best_momentum
    for beta in (0.0, 0.02, 0.1, 0.3, 0.6):
        other = step_bounds(values, beta, forcing=forcing, resonant_order=0).best_factor
        assert best.factor <= other * (1.0 + 1e-6)


@given(spectra, momenta, st.booleans(), st.floats(0.05, 0.95))
def test_stationary_variance_solves_the_lyapunov_equation(values, beta, nesterov, part):
    values = sorted(values)
    s = part * step_bounds(values, beta, nesterov, resonant_order=0).stability
    found = stationary_variance(values, s, 0.3, beta, nesterov)
    for value, variance in zip(values, found):
        matrix = companion(value, s, beta, nesterov)
        expected = solve_discrete_lyapunov(matrix, np.diag([0.3 * s**2, 0.0]))[0, 0]
        assert math.isclose(variance, expected, rel_tol=1e-7)


@given(spectra, momenta, st.booleans())
def test_noise_is_largest_along_the_softest_direction_up_to_the_bound(values, beta, nesterov):
    values = sorted(values)
    bounds = step_bounds(values, beta, nesterov, resonant_order=0)
    below = stationary_variance(values, 0.99 * bounds.noise, 1.0, beta, nesterov)
    assert np.argmax(below) == 0
    if 1.01 * bounds.noise < bounds.stability:
        above = stationary_variance(values, 1.01 * bounds.noise, 1.0, beta, nesterov)
        assert np.argmax(above) == len(values) - 1


def test_resonant_steps_are_resonant():
    values = np.array([1.0, 2.3, 4.1])
    found = step_bounds(values, resonant_order=4)
    assert found.resonant_order == 4 and len(found.resonant) > 5
    for one in found.resonant:
        assert 0.0 < one.step_length < found.stability
        mu = 1.0 - one.step_length * values
        assert abs(mu[one.index] - np.prod(mu[list(one.powers)])) < 1e-9
    # mu_0 = mu_2^2: 1 - s = 1 - 8.2 s + 16.81 s^2.
    by_hand = 7.2 / 16.81
    assert any(
        one.index == 0 and one.powers == (2, 2) and math.isclose(one.step_length, by_hand)
        for one in found.resonant
    )


def test_singular_steps():
    assert step_bounds([1.0, 4.0, 4.0]).singular.tolist() == [0.25, 1.0]
    assert step_bounds([1.0, 4.0], 0.5).singular.size == 0
    assert step_bounds([1.0, 4.0], 0.5, nesterov=True).singular.tolist() == [0.25, 1.0]


def test_many_eigenvalues_lower_the_order():
    bounds = step_bounds(np.linspace(1.0, 2.0, 60), resonant_order=5)
    assert bounds.resonant_order < 5


def test_equal_eigenvalues_have_nothing_to_align():
    bounds = step_bounds([2.0, 2.0])
    assert bounds.stability == 1.0 and math.isnan(bounds.alignment)
    assert bounds.best_momentum is None


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1.0, -1.0],), "eigenvalues: want those of a nondegenerate minimum"),
        (([],), "eigenvalues: want shape"),
        (([1.0, 2.0], 1.0), "momentum: want 0 <= momentum < 1"),
        (([1.0, np.nan],), "eigenvalues: want finite"),
    ],
)
def test_misuse_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        step_bounds(*arguments)


def test_an_unstable_step_has_no_stationary_state():
    with pytest.raises(ValueError, match="unstable"):
        talweg.theory.stationary_variance([1.0, 4.0], 0.6)


@pytest.mark.parametrize("scale", [1e-14, 1e14])
@pytest.mark.parametrize("nesterov", [False, True])
def test_bounds_scale_with_the_eigenvalues(scale, nesterov):
    values = np.array([1.0, 2.0, 4.0])
    plain = step_bounds(values, 0.5, nesterov, forcing=1)
    scaled = step_bounds(scale * values, 0.5, nesterov, forcing=1)
    for name in ("stability", "alignment", "best_alignment", "noise"):
        assert getattr(scaled, name) * scale == pytest.approx(getattr(plain, name), rel=1e-9), name
    assert scaled.best_momentum.factor == pytest.approx(plain.best_momentum.factor, rel=1e-7)
