"""Outliers against eigenvalues of random matrices."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talweg.phase_retrieval import (
    bbp_ratio,
    curvature_weights,
    empirical_law,
    gaussian_law,
    left_edge,
    outlier,
)

from .exact import quick_means, resolvent_means
from .matrices import lowest, projections, weighted


@pytest.mark.parametrize(
    ("a", "alpha", "eigenvalue", "edge", "overlap"),
    [(1.0, 3.0, -0.504, -0.457, 0.284), (0.5, 2.5, -0.667, -0.645, 0.184)],
)
def test_known_values(a, alpha, eigenvalue, edge, overlap):
    found = outlier(gaussian_law(a), alpha)
    assert found.exists
    assert round(found.eigenvalue, 3) == eigenvalue
    assert round(found.edge, 3) == edge
    assert round(found.overlap_squared, 3) == overlap
    assert found.eigenvalue_error < 1e-7


@pytest.mark.parametrize(("a", "alpha"), [(1.0, 3.0), (0.5, 2.5)])
def test_a_matrix_of_1500(a, alpha):
    X, _, signal, lam, u = projections(1500, alpha, np.random.default_rng(1))
    value, overlap = lowest(weighted(X, curvature_weights(lam, u, a)), signal)
    limit = outlier(gaussian_law(a), alpha)
    sample = outlier(empirical_law(lam, u, a), alpha)
    # The weights of one sample move the limits by their standard errors.
    assert abs(value - limit.eigenvalue) < 3.5 * sample.eigenvalue_error
    assert abs(overlap - limit.overlap_squared) < 3.5 * sample.overlap_squared_error
    # Given these weights, less is left to chance.
    assert abs(value - sample.eigenvalue) < 1.5 * sample.eigenvalue_error


def test_no_outlier_below_the_transition():
    found = outlier(gaussian_law(1.0), 0.8)
    assert not found.exists
    assert found.overlap_squared == 0.0
    assert math.isnan(found.eigenvalue)
    X, _, signal, lam, u = projections(1500, 0.8, np.random.default_rng(3))
    value, overlap = lowest(weighted(X, curvature_weights(lam, u, 1.0)), signal)
    edge = left_edge(empirical_law(lam, u, 1.0), 0.8)
    assert abs(value - edge.eigenvalue) < 0.05 * abs(edge.eigenvalue)
    # Of order 1/N with a factor that grows towards the transition.
    assert overlap < 0.1


def test_an_iterate_with_an_overlap():
    m, alpha = 0.6, 3.0
    law = gaussian_law(1.0, m)
    found = outlier(law, alpha)
    assert found.ratio == pytest.approx(1.251, abs=0.003)
    assert found.exists
    # Without the correction the same law seems to have none.
    q = left_edge(law, alpha).q
    plain = alpha * q * law.mean(law.d * (1.0 - law.u**2) / (1.0 + q * law.d))
    assert round(plain, 3) == 0.787
    X, w, signal, lam, u = projections(1500, alpha, np.random.default_rng(0), m)
    matrix = weighted(X, curvature_weights(lam, u, 1.0))
    n = len(w)
    projector = np.eye(n) - np.outer(w, w) / n
    # The iterate's own direction is sent far to the right.
    value, overlap = lowest(projector @ matrix @ projector + 50.0 * np.outer(w, w) / n, signal)
    sample = outlier(empirical_law(lam, u, 1.0, overlap=m), alpha)
    assert sample.exists
    assert abs(value - found.eigenvalue) < 3.5 * sample.eigenvalue_error
    assert abs(overlap - found.overlap_squared) < 3.5 * sample.overlap_squared_error
    assert abs(value - sample.eigenvalue) < 1.5 * sample.eigenvalue_error
    assert overlap > 20.0 / 1500


@given(st.floats(0.01, 5.0), st.floats(3.0, 30.0))
@settings(max_examples=12)
def test_equations_by_another_quadrature(a, alpha):
    found = outlier(gaussian_law(a), alpha)
    if not found.exists:
        q = left_edge(gaussian_law(a), alpha).q
        assert alpha * q * quick_means(a, q)[2] <= 1.0 + 1e-9
        return
    first, second, third, fourth = quick_means(a, found.q)
    assert alpha * found.q * third == pytest.approx(1.0, abs=1e-9)
    # The bulk's equation and E[d u^2 / (1 + q d)] agree there.
    assert found.eigenvalue == pytest.approx(first - 1.0 / (alpha * found.q), rel=1e-7, abs=1e-9)
    tau = 1.0 / (alpha * found.q**2) - second
    assert tau > 0.0
    assert found.overlap_squared == pytest.approx(tau / (tau + fourth), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(("a", "alpha"), [(0.2, 4.0), (1.0, 3.0), (2.0, 2.0)])
def test_the_slope_of_the_left_side(a, alpha):
    # z(q) - E[d u^2/(1 + q d)] grows with the slope tau + B > 0, so it has one root at most.
    h = 1e-3
    for q in np.linspace(0.05, left_edge(gaussian_law(a), alpha).q - 2 * h, 3):

        def difference(at):
            return (quick_means(a, at)[2] * alpha * at - 1.0) / (alpha * at)

        _, second, _, pull = (float(x) for x in resolvent_means(a, q))
        tau = 1.0 / (alpha * q * q) - second
        slope = (difference(q + h) - difference(q - h)) / (2 * h)
        assert slope == pytest.approx(tau + pull, rel=1e-3)
        assert tau + pull > 0.0


def test_a_spiked_covariance():
    # d = 1 + noise free of u has no outlier; d = f(u) of Baik, Ben Arous, Péché type has a known one:
    # weights -1 in a direction of variance s come from samples tilted by exp(-(1/s - 1) u^2 / 2).
    s, alpha = 4.0, 3.0
    u, w = np.polynomial.hermite_e.hermegauss(80)
    # u ~ N(0, s) as samples, d = -1: the top of a spiked Wishart matrix, upside down.
    spread = math.sqrt(s) * u
    law = empirical_law(spread, spread, weights=w, curvature=-np.ones(80))
    found = outlier(law, alpha)
    assert found.eigenvalue == pytest.approx(-s * (1.0 + 1.0 / (alpha * (s - 1.0))), rel=1e-9)
    exact = (1.0 - 1.0 / (alpha * (s - 1.0) ** 2)) / (1.0 + 1.0 / (alpha * (s - 1.0)))
    assert found.overlap_squared == pytest.approx(exact, rel=1e-9)
    assert left_edge(law, alpha).eigenvalue == pytest.approx(-((1 + alpha**-0.5) ** 2), rel=1e-9)
    # The transition of the spiked model: (s - 1)^2 alpha = 1.
    at = 1.0 / (s - 1.0) ** 2
    assert bbp_ratio(law, at).value == pytest.approx(1.0, rel=1e-9)


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="law: want a Law"):
        outlier(3.0, 1.0)
    with pytest.raises(ValueError, match="alpha: want a positive"):
        bbp_ratio(gaussian_law(), -1.0)
