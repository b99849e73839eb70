"""Function pointers: cost of a point in blocks of 1, 64 and 1024, against a compiled loop.

The function is Rosenbrock's in two coordinates, as numba cfuncs. Floor: the same functions called
by a compiled loop over the points. Goals: at most 25 ns a point above the floor in blocks of 1024;
a block function at the cost of its arithmetic. ``extra_info["ns_per_point"]`` is the cost of a
point; at one point Python's own call weighs most.
"""

import numpy as np
import pytest

import talweg

numba = pytest.importorskip("numba")
from numba import types  # noqa: E402

DOUBLES = types.CPointer(types.float64)
OUT = types.void(types.intc, DOUBLES, DOUBLES)
SIZES = [1, 64, 1024]


@numba.cfunc(types.float64(types.intc, DOUBLES))
def fun(n, x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


@numba.cfunc(OUT)
def grad(n, x, out):
    d = x[1] - x[0] ** 2
    out[0] = -400 * d * x[0] - 2 * (1 - x[0])
    out[1] = 200 * d


@numba.cfunc(OUT)
def hess(n, x, out):
    out[0] = 1200 * x[0] ** 2 - 400 * x[1] + 2
    out[1] = out[2] = -400 * x[0]
    out[3] = 200.0


@numba.cfunc(types.void(types.intc, DOUBLES, DOUBLES, DOUBLES))
def third(n, x, v, out):
    out[0] = 2400 * x[0] * v[0] - 400 * v[1]
    out[1] = out[2] = -400 * v[0]
    out[3] = 0.0


@numba.cfunc(types.void(types.uintc, *[types.size_t] * 3, *[DOUBLES] * 7))
def block(quantities, n, lanes, stride, x, v, value, gradient, hessian, t, product):
    for l in range(lanes):
        a, b = x[l], x[stride + l]
        d = b - a**2
        if quantities & 1:
            value[l] = 100 * d**2 + (1 - a) ** 2
        if quantities & 2:
            gradient[l] = -400 * d * a - 2 * (1 - a)
            gradient[stride + l] = 200 * d
        if quantities & 4:
            hessian[l] = 1200 * a**2 - 400 * b + 2
            hessian[stride + l] = -400 * a
            hessian[2 * stride + l] = 200.0
        if quantities & 8:
            t[l] = 2400 * a * v[l] - 400 * v[stride + l]
            t[stride + l] = -400 * v[l]
            t[2 * stride + l] = 0.0


@numba.njit
def floor(function, x, out):
    """Call a compiled function of one point for every row."""
    for i in range(len(x)):
        function(x[i], out[i])


@numba.njit
def gradient_of_point(x, out):
    d = x[1] - x[0] ** 2
    out[0] = -400 * d * x[0] - 2 * (1 - x[0])
    out[1] = 200 * d


@pytest.fixture(scope="module")
def objectives():
    provides = ("fun", "grad", "hess", "third")
    return {
        "points": talweg.Objective.from_pointers(fun, grad, hess, third=third, n=2),
        "block": talweg.Objective.from_pointers(block=block, provides=provides, n=2),
        "recorded": talweg.surfaces.rosenbrock(2),
    }


def per_point(benchmark, count):
    if benchmark.stats is not None:
        benchmark.extra_info["ns_per_point"] = benchmark.stats.stats.min / count * 1e9


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quantity", ["value", "grad", "hess", "third"])
@pytest.mark.parametrize("kind", ["points", "block", "recorded"])
def test_pointers(benchmark, objectives, kind, quantity, size):
    benchmark.group = f"function pointers, {quantity}, {size} points"
    f = objectives[kind]
    x, v = np.random.default_rng(0).normal(size=(2, size, 2))
    method = f if quantity == "value" else getattr(f, quantity)
    result = benchmark(method, x, *((v,) if quantity == "third" else ()))
    other = objectives["recorded"]
    other = other if quantity == "value" else getattr(other, quantity)
    wanted = other(x, *((v,) if quantity == "third" else ()))
    np.testing.assert_allclose(result, wanted, rtol=1e-12, atol=1e-9)
    per_point(benchmark, size)


@pytest.mark.parametrize("size", SIZES)
def test_floor(benchmark, size):
    benchmark.group = f"function pointers, grad, {size} points"
    x = np.random.default_rng(0).normal(size=(size, 2))
    out = np.empty_like(x)
    benchmark(floor, gradient_of_point, x, out)
    per_point(benchmark, size)
