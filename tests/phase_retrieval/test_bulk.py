"""Densities against eigenvalues of random matrices, and the equations that define them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talweg.phase_retrieval import (
    bulk_density,
    curvature_weights,
    empirical_law,
    gaussian_law,
    left_edge,
    threshold_law,
)

from .exact import quick_means
from .matrices import projections, weighted


def distribution(bulk, at):
    """The cumulative distribution of a density at other points."""
    steps = 0.5 * (bulk.density[1:] + bulk.density[:-1]) * np.diff(bulk.z)
    return np.interp(at, bulk.z, np.concatenate([[0.0], np.cumsum(steps)]))


def kolmogorov(bulk, eigenvalues):
    eigenvalues = np.sort(eigenvalues)
    theory = distribution(bulk, eigenvalues)
    n = len(eigenvalues)
    return max(
        np.abs(theory - np.arange(n) / n).max(), np.abs(theory - np.arange(1, n + 1) / n).max()
    )


def fine(law, alpha, right):
    edge = left_edge(law, alpha).eigenvalue
    return bulk_density(law, alpha, edge + (right - edge) * np.linspace(0.0, 1.0, 700) ** 3)


@pytest.mark.parametrize(("a", "alpha"), [(1.0, 3.0), (0.1, 4.0), (2.0, 1.4)])
def test_eigenvalues_of_random_matrices(a, alpha):
    X, _, _, lam, u = projections(800, alpha, np.random.default_rng(11))
    eigenvalues = np.linalg.eigvalsh(weighted(X, curvature_weights(lam, u, a)))
    right = 1.2 * eigenvalues[-1]
    # The weights are a sample of the law: fluctuations like 1/sqrt(M).
    assert kolmogorov(fine(gaussian_law(a), alpha, right), eigenvalues) < 2.0 / math.sqrt(len(X))
    # With the law of this very sample they are like 1/N.
    assert kolmogorov(fine(empirical_law(lam, u, a), alpha, right), eigenvalues) < 5.0 / 800


@pytest.mark.parametrize("alpha", [0.5, 1.0, 4.0])
def test_marchenko_pastur(alpha):
    ones = np.ones(2)
    law = empirical_law(ones, ones, curvature=ones)
    low, high = (1 - alpha**-0.5) ** 2, (1 + alpha**-0.5) ** 2
    z = np.linspace(low, high, 41)[1:-1]
    bulk = bulk_density(law, alpha, z)
    exact = alpha * np.sqrt((high - z) * (z - low)) / (2.0 * np.pi * z)
    assert bulk.density == pytest.approx(exact, rel=1e-6)
    assert bulk.atom == max(0.0, 1.0 - alpha)
    # Below alpha = 1 the eigenvalue 0 is further left than the rest.
    assert bulk.edge.eigenvalue == pytest.approx(low if alpha > 1 else 0.0, abs=1e-12)
    assert bulk.edge.kind == ("square root" if alpha > 1 else "rank")


@pytest.mark.parametrize("a", [0.1, 1.0, 3.0, math.inf])
@pytest.mark.parametrize("alpha", [1.3, 5.0])
def test_mass_and_moments(a, alpha):
    law = gaussian_law(a)
    z = bulk_density(law, alpha).z
    # Panels between the points of the default window, and far beyond for the tails of the weights.
    ends = np.concatenate([z[:41:4], z[40::6], z[-1] + (z[-1] - z[0]) * np.array([0.3, 1.0, 3.0])])
    ends = np.unique(ends)
    t, dt = np.polynomial.legendre.leggauss(8)
    half = 0.5 * np.diff(ends)[:, None]
    at, weights = (ends[:-1, None] + half * (1.0 + t)).ravel(), (half * dt).ravel()
    density = bulk_density(law, alpha, at).density
    # The first panel of an unbounded bulk leaves something out on the left.
    bounded = math.isfinite(a)
    assert weights @ density == pytest.approx(1.0, abs=3e-5 if bounded else 2e-3)
    mean = float(law.mean(law.d))
    assert weights @ (density * at) == pytest.approx(mean, rel=1e-3 if bounded else 2e-2)


@given(st.floats(0.02, 30.0), st.floats(0.5, 20.0))
@settings(max_examples=25)
def test_the_edge_is_where_z_is_stationary(a, alpha):
    law = gaussian_law(a)
    edge = left_edge(law, alpha)
    first, second, _, _ = quick_means(a, edge.q)
    slope = 1.0 / (alpha * edge.q**2) - second
    assert edge.eigenvalue == pytest.approx(first - 1.0 / (alpha * edge.q), rel=1e-9, abs=1e-9)
    if edge.kind == "square root":
        assert abs(slope) < 1e-6 * second
    else:
        assert edge.q == 0.5
        assert slope >= 0.0


def test_the_density_grows_like_a_square_root():
    law, alpha = gaussian_law(0.5), 3.0
    edge = left_edge(law, alpha)
    ratio = law.d / (1.0 + edge.q * law.d)
    # z'' / 2 at the edge gives the coefficient of sqrt(z - z_-).
    curvature = -2.0 / (alpha * edge.q**3) + 2.0 * law.mean(ratio**3)
    h = np.array([1e-6, 1e-5])
    exact = alpha / math.pi * np.sqrt(2.0 * h / abs(curvature))
    found = bulk_density(law, alpha, edge.eigenvalue + h).density
    assert found == pytest.approx(exact, rel=1e-3)


def test_an_exponential_edge():
    law, alpha = gaussian_law(2.0), 1.4
    edge = left_edge(law, alpha)
    assert edge.kind == "exponential"
    h = np.array([0.02, 0.04, 0.08, 0.16])
    density = bulk_density(law, alpha, edge.eigenvalue + h).density
    assert (np.diff(np.log(density)) > 0).all()
    # Faster than any power: the slope in log-log grows towards the edge.
    slopes = np.diff(np.log(density)) / np.diff(np.log(h))
    assert (np.diff(slopes) < 0).all()
    assert slopes[0] > 5.0


def test_density_is_zero_outside_and_never_negative():
    law = gaussian_law(1.0)
    bulk = bulk_density(law, 3.0, np.linspace(-3.0, 200.0, 400))
    assert (bulk.density >= 0.0).all()
    assert (bulk.density[bulk.z < bulk.edge.eigenvalue] == 0.0).all()
    assert bulk.residual.max() < 1e-8


def test_quadrature_errors_are_bounds():
    law = gaussian_law(0.3)
    for alpha in (0.7, 2.5):
        z = np.array([-0.4, 0.05, 0.5, 3.0])
        bulk = bulk_density(law, alpha, z)
        # The same without a contour and with the mean over lambda in closed form.
        from scipy.special import wofz

        u, du = np.polynomial.legendre.leggauss(600)
        u, du = 4.5 * (u + 1.0), 4.5 * du
        du = du * np.exp(-u * u / 2) * math.sqrt(2 / math.pi)
        for q, at, error in zip(bulk.q, z, bulk.error):
            if q.imag < 1e-3:
                continue
            c = (0.3 + (1 - 2 * q) * u * u) / (6 * q)
            root = np.sqrt(c)
            first = math.sqrt(math.pi / 2) / root * wofz(1j * root / math.sqrt(2))
            mean = (1.0 - du @ ((0.3 + u * u) / (6 * q) * first)) / q
            assert abs(mean - 1.0 / (alpha * q) - at) < 100 * error + 1e-9


def test_the_plain_loss_has_no_left_edge():
    edge = left_edge(gaussian_law(math.inf), 5.0)
    assert edge.eigenvalue == -math.inf
    assert edge.kind == "unbounded"


def test_the_default_window_holds_nearly_all():
    for law, alpha in (
        (gaussian_law(0.01), 3.0),
        (gaussian_law(50.0), 3.0),
        (threshold_law(1.0), 7.0939618886),
    ):
        bulk = bulk_density(law, alpha)
        assert np.trapezoid(bulk.density, bulk.z) == pytest.approx(1.0, abs=0.005)
        assert (np.diff(bulk.z) > 0).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: left_edge("law", 1.0), TypeError, "law: want a Law"),
        (lambda: left_edge(gaussian_law(), 0.0), ValueError, "alpha: want a positive"),
        (lambda: bulk_density(gaussian_law(), 1.0, []), ValueError, "z: want shape"),
        (lambda: bulk_density(gaussian_law(), 1.0, [math.inf]), ValueError, "z: want finite"),
        (lambda: bulk_density(gaussian_law(), "2"), TypeError, "alpha: want a positive"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
