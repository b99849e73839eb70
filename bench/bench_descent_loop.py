"""Gradient descent: points times steps a second, by one compiled loop and by its peers.

A compiled function's gradient is written into a loop over steps, whose state stays in registers.
Floor: the gradient's own operations (see bench_machine_code.py: 20 cycles a point for Müller-Brown,
under 1 for Rosenbrock) plus one multiply-add a coordinate, and at least the time from one step's
gradient to the next, about 60 cycles for Rosenbrock and 150 for Müller-Brown a vector, as one
vector's steps wait for one another. Memory: nothing. Beside the loop itself and `talweg.descend` on
one thread: the same steps through the compiled gradient's arrays, one call a step; NumPy by hand; and
numba by hand, a loop over points and steps (Rosenbrock alone), whose time is that of the dependent
operations of one step, point after point.
"""

import numpy as np
import pytest

import talweg
from talweg.quantity import GRADIENT

pytest.importorskip("llvmlite")

from talweg.machine_code.descent_loop import DescentLoop

LANES, STEPS = 1024, 100
CASES = {
    "Müller-Brown": (talweg.surfaces.muller_brown, 1e-5),
    "Rosenbrock": (lambda: talweg.surfaces.rosenbrock(2), 1e-4),
}


def starts(f):
    low, high = f.bounds.T[:, :, None]
    return np.random.default_rng(0).uniform(0.4 * low, 0.4 * high, size=(f.n, LANES))


def through_arrays(f, x, step):
    arrays = {"x": x, "gradient": np.empty_like(x)}
    for _ in range(STEPS):
        f._core.evaluate_block(GRADIENT, arrays, LANES)
        x -= step * arrays["gradient"]


def rosenbrock_in_numpy(x, step):
    for _ in range(STEPS):
        a, b = x
        c = b - a * a
        x -= step * np.stack([-400.0 * a * c - 2.0 * (1.0 - a), 200.0 * c])


def rosenbrock_in_numba():
    numba = pytest.importorskip("numba")

    @numba.njit
    def descend(x, step):
        for lane in range(x.shape[1]):
            a, b = x[0, lane], x[1, lane]
            for _ in range(STEPS):
                c = b - a * a
                da, db = -400.0 * a * c - 2.0 * (1.0 - a), 200.0 * c
                a, b = a - step * da, b - step * db
            x[0, lane], x[1, lane] = a, b

    return descend


HOW = ["one loop", "one loop, two vectors", "talweg.descend", "through arrays", "NumPy", "numba"]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.benchmark(group=f"{STEPS} descent steps of {LANES} points")
def test_descent(benchmark, name, how):
    surface, step = CASES[name]
    f = surface().compile()
    if how in ("NumPy", "numba") and name != "Rosenbrock":
        pytest.skip("by hand for Rosenbrock alone")
    if how == "through arrays":

        def run(x):
            through_arrays(f, x, step)

    elif how == "talweg.descend":

        def run(x):
            x[:] = talweg.descend(f, x.T, step, STEPS, workers=1).x.T

    elif how == "NumPy":

        def run(x):
            rosenbrock_in_numpy(x, step)

    elif how == "numba":
        compiled = rosenbrock_in_numba()

        def run(x):
            compiled(x, step)

    else:
        loop = DescentLoop(f, 2 if "two" in how else 1)

        def run(x):
            loop.advance(x, STEPS, step)

    expected, found = starts(f), starts(f)
    through_arrays(f, expected, step)
    run(found)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    benchmark.pedantic(run, setup=lambda: ((starts(f),), {}), rounds=30)
    if benchmark.stats is not None:
        each = benchmark.stats.stats.median / (LANES * STEPS)
        benchmark.extra_info["ns_per_point_and_step"] = each * 1e9
