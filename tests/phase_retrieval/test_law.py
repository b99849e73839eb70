"""Quadratures against closed forms, and errors against samples."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

from talweg.phase_retrieval import (
    bbp_ratio,
    curvature_weights,
    empirical_law,
    gaussian_law,
    outlier,
    threshold_law,
)

from .exact import quick_means, resolvent_means


@pytest.mark.parametrize("a", [1e-4, 0.01, 0.3, 1.0, 2.0, 40.0])
@pytest.mark.parametrize("q", [0.05, 0.3, 0.4999])
def test_means_of_the_resolvent(a, q):
    compare_means(a, q, quick_means, 1e-9)


@pytest.mark.parametrize(("a", "q"), [(1e-3, 0.4), (1.0, 0.37)])
def test_means_in_high_precision(a, q):
    compare_means(a, q, resolvent_means, 1e-11)


def compare_means(a, q, exact_means, tolerance):
    law = gaussian_law(a)
    ratio = law.d / (1.0 + q * law.d)
    found = [
        law.mean(ratio),
        law.mean(ratio**2),
        law.mean(ratio * (1.0 - law.u**2)),
        law.mean(ratio**2 * law.u**2),
    ]
    for value, exact in zip(found, exact_means(a, q)):
        assert value == pytest.approx(float(exact), rel=tolerance, abs=tolerance)


@given(st.floats(-0.95, 0.95), st.floats(0.01, 100.0))
@settings(max_examples=25)
def test_moments_of_correlated_gaussians(m, a):
    law = gaussian_law(a, m)
    value, error = law.expect(
        lambda lam, u: np.stack([lam, lam * u, lam**2, lam**2 * u**2, lam**3 * u])
    )
    exact = [0.0, m, 1.0, 1.0 + 2.0 * m * m, 3.0 * m]
    assert value == pytest.approx(exact, abs=1e-8)
    assert (np.abs(value - exact) <= np.maximum(error, 1e-12)).all()


def test_a_correlated_mean_against_scipy():
    a, m, q = 1.0, 0.6, 0.37
    narrow = math.sqrt(1.0 - m * m)

    def integrand(lam, u):
        form = (lam * lam + u * u - 2.0 * m * lam * u) / (2.0 * narrow**2)
        d = float(curvature_weights(lam, u, a))
        away = (u - m * lam) / narrow
        return math.exp(-form) / (2.0 * math.pi * narrow) * d * (1.0 - away * away) / (1.0 + q * d)

    exact, _ = integrate.dblquad(integrand, -9, 9, -9, 9, epsabs=1e-9)
    law = gaussian_law(a, m)
    found = law.mean(law.d * (1.0 - law.direction_squared) / (1.0 + q * law.d))
    assert found == pytest.approx(exact, abs=1e-8)


def test_weights_are_second_derivatives_of_the_loss():
    lam, u, a, h = 0.7, -1.3, 0.4, 1e-4

    def loss(x, constant):
        scale = 1.0 if math.isinf(constant) else 1.0 / (constant + u * u)
        return scale * (x * x - u * u) ** 2 / 2.0

    for constant in (a, math.inf):
        second = (
            loss(lam + h, constant) - 2 * loss(lam, constant) + loss(lam - h, constant)
        ) / h**2
        assert curvature_weights(lam, u, constant) == pytest.approx(second, rel=1e-6)


def test_averaged_weights_are_means_over_lambda():
    u, a = np.array([0.2, 1.0, 3.0]), 0.7
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    weights = weights / weights.sum()
    full = curvature_weights(nodes[:, None], u, a)
    assert weights @ full == pytest.approx(curvature_weights(0.0, u, a, "averaged"))
    # The square of the derivative of lambda^2 contributes 4 lambda^2 / (a + u^2).
    rest = full - 4.0 * nodes[:, None] ** 2 / (a + u**2)
    assert weights @ rest == pytest.approx(curvature_weights(0.0, u, a, "without-gauss-newton"))


def test_standard_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(5)
    alpha, found = 3.0, []
    for _ in range(120):
        lam, u = rng.standard_normal((2, 4000))
        found.append(outlier(empirical_law(lam, u), alpha))
    for name in ("eigenvalue", "overlap_squared", "ratio", "edge"):
        values = np.array([getattr(one, name) for one in found])
        errors = np.array([getattr(one, f"{name}_error") for one in found])
        # 120 values give their spread to some 7 per cent.
        assert values.std(ddof=1) == pytest.approx(np.median(errors), rel=0.25), name


def test_standard_errors_agree_with_the_bootstrap():
    rng = np.random.default_rng(8)
    u, z = rng.standard_normal((2, 3000))
    m = 0.5
    lam = m * u + math.sqrt(1 - m * m) * z
    law = empirical_law(lam, u, 0.5, overlap=m)
    values = []
    for _ in range(150):
        pick = rng.integers(0, 3000, 3000)
        values.append(bbp_ratio(empirical_law(lam[pick], u[pick], 0.5, overlap=m), 4.0).value)
    assert bbp_ratio(law, 4.0).error == pytest.approx(np.std(values), rel=0.25)


def test_weights_count_like_repetitions():
    rng = np.random.default_rng(2)
    lam, u = rng.standard_normal((2, 500))
    times = rng.integers(0, 4, 500)
    weighted = outlier(empirical_law(lam, u, weights=times), 3.0)
    repeated = outlier(empirical_law(np.repeat(lam, times), np.repeat(u, times)), 3.0)
    for name in ("eigenvalue", "overlap_squared", "ratio", "edge"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-12)


def test_means_of_a_symmetric_law_see_all_quadrants():
    for law in (gaussian_law(1.0), threshold_law(1.0)):
        assert law.expect(lambda lam, u: lam).value == pytest.approx(0.0, abs=1e-14)
        assert law.expect(lambda lam, u: lam * u).value == pytest.approx(0.0, abs=1e-14)
        assert law.expect(lambda lam, u: u**2).value == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gaussian_law(0.0), "a: want a positive number"),
        (lambda: gaussian_law(-1.0), "a: want a positive number"),
        (lambda: gaussian_law(math.nan), "a: want a positive number"),
        (lambda: gaussian_law(1.0, 1.0), "overlap: want a number of modulus"),
        (lambda: gaussian_law(1.0, hessian="half"), "hessian: want one of full"),
        (lambda: empirical_law([[1.0]], [[1.0]]), "lam: want shape"),
        (lambda: empirical_law([1.0, 2.0], [1.0]), "u: want the shape of lam"),
        (lambda: empirical_law([1.0, math.nan], [1.0, 2.0]), "lam: want finite"),
        (lambda: empirical_law([1.0, 2.0], [1.0, 2.0], weights=[-1.0, 2.0]), "weights: want"),
        (lambda: empirical_law([1.0, 2.0], [1.0, 2.0], weights=[0.0, 0.0]), "weights: want"),
        (lambda: empirical_law([1.0, 2.0], [1.0, 2.0], curvature=[1.0]), "curvature: want"),
        (lambda: gaussian_law(1.0).expect(lambda lam, u: 1.0), "function: want values"),
    ],
)
def test_bad_values_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gaussian_law("1"), "a: want a positive number"),
        (lambda: gaussian_law(True), "a: want a positive number"),
        (lambda: gaussian_law(1.0, "0"), "overlap: want a number"),
        (lambda: empirical_law(["x", "y"], [1.0, 2.0]), "lam: want real numbers"),
    ],
)
def test_bad_types_are_named(call, words):
    with pytest.raises(TypeError, match=words):
        call()
