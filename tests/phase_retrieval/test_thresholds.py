"""Threshold states against printed values and a quadrature over z."""

import math

import numpy as np
import pytest

from talweg.phase_retrieval import (
    alpha_threshold,
    bbp_ratio,
    curvature_weights,
    left_edge,
    threshold_law,
    threshold_state,
)


@pytest.mark.parametrize(
    ("a", "alpha"), [(0.01, 4.436), (0.1, 5.103), (0.5, 6.300), (1.0, 7.094), (2.0, 8.057)]
)
def test_printed_values(a, alpha):
    found = alpha_threshold(a)
    assert round(found.alpha, 3) == alpha
    assert np.abs(found.residuals).max() < 1e-10
    assert found.error < 1e-6


def test_the_plain_loss():
    found = alpha_threshold(math.inf)
    assert round(found.alpha, 2) == 13.80
    # The limit of large a, with chi and s in units of a.
    near = alpha_threshold(1e6)
    assert near.alpha == pytest.approx(found.alpha, rel=1e-5)
    assert near.chi / 1e6 == pytest.approx(found.chi, rel=1e-4)
    assert near.s / 1e6 == pytest.approx(found.s, rel=1e-4)


def conditions_over_z(state, steps=400):
    """The three left sides, from minimisers found on a grid of z."""
    a, chi, s = state.a, state.chi, state.s
    # Midpoints in u and z > 0; all is even in both.
    h = 8.0 / steps
    z = (np.arange(steps) + 0.5) * h
    total = np.zeros(4)
    for u in (np.arange(250) + 0.5) * 8.0 / 250:
        kappa = 1.0 if math.isinf(a) else 1.0 / (a + u * u)

        def energy(x, kappa=kappa, u=u):
            return kappa * (x * x - u * u) ** 2 / 2 + (x - z) ** 2 / (2 * chi)

        # Newton's method from the best of a grid of starts, for each z.
        starts = np.linspace(0.0, 12.0, 2401)
        best = kappa * (starts**2 - u * u) ** 2 / 2 + starts**2 / (2 * chi)
        x = starts[np.argmin(best[None, :] - z[:, None] * starts / chi, axis=1)]
        for _ in range(8):
            force = 2 * kappa * x * (x * x - u * u)
            slope = 2 * kappa * (3 * x * x - u * u)
            step = (force + (x - z) / chi) / (slope + 1 / chi)
            x = x - np.clip(step, -0.01, 0.01)
        weight = np.exp(-z * z / 2 - s * energy(x))
        weight /= weight.sum()
        d = 2.0 * kappa * (3 * x * x - u * u)
        ratio = chi * d / (1 + chi * d)
        values = np.array(
            [weight @ (x - z) ** 2, weight @ ratio**2, weight @ ratio * (1 - u * u), 1.0]
        )
        total += values * math.exp(-u * u / 2)
    first, second, third = total[:3] / total[3]
    return np.array(
        [state.alpha * first * (chi + s) / chi, state.alpha * second, state.alpha * third]
    )


@pytest.mark.parametrize(
    ("a", "tolerance"), [(0.5, 1e-5), (1.0, 1e-5), (20.0, 4e-3), (math.inf, 4e-3)]
)
def test_the_equations_over_z(a, tolerance):
    # With a gap the minimiser jumps at z = 0, and the midpoint rule is poor there.
    found = conditions_over_z(alpha_threshold(a))
    assert found[[0, 2]] == pytest.approx(np.ones(2), abs=tolerance)
    # The second integrand is singular where the gap opens.
    assert found[1] == pytest.approx(1.0, abs=tolerance if a < 4.0 else 0.06)


@pytest.mark.parametrize("a", [1e-4, 0.1, 1.0, 3.0])
def test_the_edge_is_the_multiplier(a):
    # Marginality: the Riemannian Hessian's bulk begins at 0. An identity by parts in z, which no
    # equation that was solved contains.
    state = alpha_threshold(a)
    assert state.chi < 0.5
    assert state.edge == pytest.approx(state.multiplier, abs=1e-9)
    edge = left_edge(state.law(), state.alpha)
    assert edge.q == pytest.approx(state.chi, rel=1e-9)
    assert edge.eigenvalue == pytest.approx(state.edge, abs=1e-9)


def test_a_gap_makes_them_differ():
    state = alpha_threshold(20.0)
    assert state.chi > 0.5
    assert 1e-6 < state.edge - state.multiplier < 0.01 * state.multiplier


def test_errors_are_bounds():
    import talweg.phase_retrieval.thresholds as module

    for a in (0.01, 1.0, 20.0):
        state = alpha_threshold(a)
        chi, s = module._solve_threshold(a, (state.chi, state.s), 2.0)
        finer = 1.0 / module._conditions(module.threshold_nodes(a, chi, s, 2.0), chi)[1]
        assert abs(finer - state.alpha) <= state.error


@pytest.mark.parametrize("a", [0.3, 1.0, 30.0])
def test_instability_changes_at_the_threshold(a):
    at = alpha_threshold(a).alpha
    for factor, sign in ((0.9, -1), (1.0, 0), (1.1, 1)):
        state = threshold_state(a, factor * at)
        assert np.abs(state.residuals[:2]).max() < 1e-9
        ratio = bbp_ratio(threshold_law(a, factor * at), factor * at).value
        assert ratio == pytest.approx(state.ratio, abs=1e-8)
        if sign:
            assert (ratio - 1.0) * sign > 0.0
        else:
            assert ratio == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize("a", [0.5, 1.0, 20.0, math.inf])
def test_the_density_is_the_law(a):
    state = alpha_threshold(a)
    x = (np.arange(1500) + 0.5) * 7.0 / 1500
    u = (np.arange(200) + 0.5) * 7.0 / 200
    density = state.density(x[:, None], u)
    cell = 4.0 * (7.0 / 1500) * (7.0 / 200)
    assert density.sum() * cell == pytest.approx(1.0, abs=3e-3)
    for power in (1, 2):
        mean = (density * x[:, None] ** (2 * power)).sum() * cell
        law = state.law().expect(lambda lam, u, p=power: lam ** (2 * p)).value
        assert mean == pytest.approx(law, rel=5e-3)
    assert state.density(0.3, 0.5) == pytest.approx(state.density(-0.3, -0.5))


def test_weights_of_the_law_are_those_of_the_loss():
    law = threshold_law(2.0)
    assert law.d == pytest.approx(curvature_weights(law.lam, law.u, 2.0), abs=1e-10)
    # Minimisers are stable.
    assert (1.0 + threshold_state(2.0).chi * law.d > 0.0).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: alpha_threshold(-1.0), ValueError, "a: want"),
        (lambda: threshold_state(1.0, 0.0), ValueError, "alpha: want"),
        (lambda: threshold_law("1"), TypeError, "a: want"),
        (lambda: threshold_state(1.0, 0.9), ArithmeticError, "alpha: no threshold state"),
        (lambda: alpha_threshold(1.0).density("x", 1.0), TypeError, "lam: want real"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
