"""Objectives from Python callables: what a call costs beyond the function itself.

Floor: the NumPy function alone, on the same points in blocks of the same size. Goal: at most 25 ns
a point above it in blocks of 1024. The function of `test_overhead` does nothing but return a
column, so that its own time is small; ``extra_info["overhead_ns_per_point"]`` is what is left
of a median after the floor's. The others compare a derivative by differences with the number of calls
it takes, and algebra with its operands.
"""

import time

import numpy as np
import pytest

import talweg
from talweg.quantity import GRADIENT, VALUE

POINTS = 1024 * 64


def first_coordinate(x):
    return x[:, 0]


def same_points(x):
    return x


def floor(function, points, block):
    """Median seconds of the function alone on all points, block by block."""
    blocks = [points[i : i + block].copy() for i in range(0, len(points), block)]
    times = []
    for _ in range(15):
        start = time.perf_counter()
        for x in blocks:
            function(x)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


@pytest.mark.benchmark(group="call overhead")
@pytest.mark.parametrize("n", [2, 10])
@pytest.mark.parametrize("block", [1, 16, 64, 256, 1024])
@pytest.mark.parametrize("quantity", ["value", "gradient"])
def test_overhead(benchmark, quantity, block, n):
    f = talweg.Objective.from_callables(first_coordinate, same_points, n=n, verify=False, scale=1.0)
    count = max(block, POINTS // (1 if block > 16 else 16))
    points = np.random.default_rng(0).normal(size=(count, n))
    bit = VALUE if quantity == "value" else GRADIENT
    blocks = [points[i : i + block].copy() for i in range(0, count, block)]

    def evaluate():
        for x in blocks:
            f._core.evaluate(x, bit)

    benchmark(evaluate)
    if benchmark.stats is not None:
        function = first_coordinate if quantity == "value" else same_points
        own = floor(function, points, block)
        total = benchmark.stats.stats.median
        benchmark.extra_info["ns_per_point"] = total / count * 1e9
        benchmark.extra_info["overhead_ns_per_point"] = (total - own) / count * 1e9


@pytest.mark.benchmark(group="SciPy's functions, one point a call")
@pytest.mark.parametrize("who", ["talweg", "scipy"])
def test_scipy_functions(benchmark, who):
    optimize = pytest.importorskip("scipy.optimize")
    x = np.random.default_rng(0).normal(size=(1000, 4))
    if who == "scipy":
        benchmark(lambda: [optimize.rosen(row) for row in x])
    else:
        f = talweg.Objective.from_callables(
            optimize.rosen, optimize.rosen_der, n=4, batched=False, scale=1.0, verify=False
        )
        benchmark(f, x)


@pytest.mark.benchmark(group="derivatives by differences, 1000 points of Müller-Brown")
@pytest.mark.parametrize("quantity", ["grad", "hess", "third"])
@pytest.mark.parametrize("given", [(), ("grad",), ("grad", "hess")])
def test_differences(benchmark, quantity, given):
    exact = talweg.surfaces.muller_brown()
    f = talweg.Objective.from_callables(
        exact, **{name: getattr(exact, name) for name in given}, n=2, bounds=exact.bounds
    )
    x = np.random.default_rng(0).uniform(*exact.bounds.T, size=(1000, 2))
    vectors = (np.array([0.6, 0.8]),) if quantity == "third" else ()
    got = benchmark(getattr(f, quantity), x, *vectors)
    want = getattr(exact, quantity)(x, *vectors)
    benchmark.extra_info["relative_error"] = float(np.abs(got - want).max() / np.abs(want).max())


@pytest.mark.benchmark(group="survey of Müller-Brown")
@pytest.mark.parametrize("given", [None, ("grad", "hess"), ("grad",), ()])
def test_survey(benchmark, given):
    exact = talweg.surfaces.muller_brown()
    f = exact
    if given is not None:
        f = talweg.Objective.from_callables(
            exact, **{name: getattr(exact, name) for name in given}, n=2, bounds=exact.bounds
        )
    benchmark(talweg.survey, f)


@pytest.mark.benchmark(group="1e5 points of 10 coordinates: gradient")
@pytest.mark.parametrize("what", ["operand", "2 f + g", "restricted to 5", "rotated"])
def test_algebra(benchmark, what):
    recorded = talweg.surfaces.rosenbrock(10)
    f = talweg.Objective.from_callables(
        recorded, recorded.grad, n=10, bounds=recorded.bounds, scale=1.0, verify=False
    )
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(10, 10)))[0]
    made = {
        "operand": f,
        "2 f + g": 2 * f + f,
        "restricted to 5": f.fixed(dict.fromkeys(range(5), 1.0)),
        "rotated": f.restricted(np.zeros(10), rotation),
    }[what]
    points = np.random.default_rng(1).normal(size=(100_000, made.n))
    benchmark(made.grad, points)
