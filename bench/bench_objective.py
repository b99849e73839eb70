"""Recorded objectives: cost of a point, one by one and in blocks, against plain NumPy.

Goals: the gradient of Müller-Brown at 1e5 points at most 2.5 times the time of a hand-written SIMD
loop; recording and all derivatives of Müller-Brown within 10 ms; f(x) at one point a few
microseconds. ``extra_info["ns_per_point"]`` is the cost of a point.
"""

import numpy as np
import pytest

import talweg

A = np.array([-200.0, -100.0, -170.0, 15.0])
B = np.array([-1.0, -1.0, -6.5, 0.7])
C = np.array([0.0, 0.0, 11.0, 0.6])
D = np.array([-10.0, -10.0, -6.5, 0.7])
X0 = np.array([1.0, 0.0, -0.5, -1.0])
Y0 = np.array([0.0, 0.5, 1.5, 1.0])
POINTS = 100_000


def numpy_gradient(points):
    """The gradient of Müller-Brown as one would write it in NumPy."""
    dx, dy = points[:, :1] - X0, points[:, 1:] - Y0
    term = A * np.exp(B * dx * dx + C * dx * dy + D * dy * dy)
    gradient = np.empty_like(points)
    gradient[:, 0] = (term * (2 * B * dx + C * dy)).sum(axis=1)
    gradient[:, 1] = (term * (C * dx + 2 * D * dy)).sum(axis=1)
    return gradient


@pytest.fixture(scope="module")
def surface():
    return talweg.surfaces.muller_brown()


@pytest.fixture(scope="module")
def points(surface):
    low, high = surface.bounds.T
    return np.random.default_rng(0).uniform(low, high, size=(POINTS, 2))


def per_point(benchmark, count=POINTS):
    # Without statistics when the suite runs as tests (--benchmark-disable).
    if benchmark.stats is not None:
        benchmark.extra_info["ns_per_point"] = benchmark.stats.stats.min / count * 1e9


@pytest.mark.benchmark(group="Müller-Brown, 1e5 points: gradient")
def test_gradient_recorded(benchmark, surface, points):
    gradient = benchmark(surface.grad, points)
    np.testing.assert_allclose(gradient, numpy_gradient(points), rtol=1e-10, atol=1e-9)
    per_point(benchmark)


@pytest.mark.benchmark(group="Müller-Brown, 1e5 points: gradient")
def test_gradient_numpy(benchmark, points):
    benchmark(numpy_gradient, points)
    per_point(benchmark)


@pytest.mark.benchmark(group="Müller-Brown, 1e5 points: other quantities")
@pytest.mark.parametrize("quantity", ["value", "hess", "hessp", "third"])
def test_other_quantities(benchmark, surface, points, quantity):
    method = surface if quantity == "value" else getattr(surface, quantity)
    vectors = (np.array([0.6, 0.8]),) if quantity in ("hessp", "third") else ()
    benchmark(method, points, *vectors)
    per_point(benchmark)


@pytest.mark.benchmark(group="Müller-Brown, one point")
@pytest.mark.parametrize("quantity", ["value", "grad", "hess"])
def test_one_point(benchmark, surface, quantity):
    method = surface if quantity == "value" else getattr(surface, quantity)
    benchmark(method, np.array([0.1, 0.2]))
    per_point(benchmark, 1)


def record_and_differentiate():
    surface = talweg.surfaces.muller_brown()
    x, v = np.array([0.1, 0.2]), np.array([0.6, 0.8])
    return surface(x), surface.grad(x), surface.hess(x), surface.hessp(x, v), surface.third(x, v)


@pytest.mark.benchmark(group="from a Python function to all derivatives")
def test_record_muller_brown(benchmark):
    benchmark(record_and_differentiate)


@pytest.mark.benchmark(group="from a Python function to all derivatives")
def test_record_a_verified_function(benchmark):
    benchmark(talweg.Objective, lambda x: np.sum(A * np.exp(-((x[0] - X0) ** 2) - x[1] ** 2)), 2)


@pytest.mark.benchmark(group="logistic regression, 569 rows, n = 31")
@pytest.mark.parametrize("quantity", ["value", "grad", "hess", "hessp"])
def test_logistic(benchmark, quantity):
    pytest.importorskip("sklearn")
    f = talweg.datasets.logistic("breast-cancer")
    w = np.random.default_rng(0).normal(scale=0.3, size=31)
    method = f if quantity == "value" else getattr(f, quantity)
    benchmark(method, w, *((w,) if quantity == "hessp" else ()))
    per_point(benchmark, 1)
