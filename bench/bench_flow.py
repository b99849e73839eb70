"""Gradient flow of an ensemble on the Müller-Brown surface: time a trajectory, at equal error.

20,000 trajectories from points of a box to t = 0.05, some 50 relaxation times of the stiffest mode.
A step of the method of order 8 is 12 gradients, and the tail of each trajectory is held at the edge of
stability, about 6 over the largest eigenvalue, which makes some 50 accepted steps and 10 in vain at a
tolerance of 1e-10. Floor: 60 * 12 gradients at the rate of `bench_machine_code.py` (20 cycles, 6 ns:
4 us a trajectory); sums over stages add 80 multiply-adds a coordinate, 40 cycles a step. Memory: nothing.

Goals: 2 times heyoka's batch mode compiled, 0.8 times interpreted, 1000 times SciPy's DOP853; 1.8 times
with two threads. Errors are against SciPy at its tightest tolerance, their median and maximum over 400
trajectories in `extra_info`; heyoka's tolerance of 1e-8 gives errors between those of 1e-10 and 1e-12 here.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import talweg

# SciPy tries points far outside, where a bump overflows.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

COUNT, CHECKED, T = 20_000, 100, 0.05
PARAMETERS = (
    (-200.0, -1.0, 0.0, -10.0, 1.0, 0.0),
    (-100.0, -1.0, 0.0, -10.0, 0.0, 0.5),
    (-170.0, -6.5, 11.0, -6.5, -0.5, 1.5),
    (15.0, 0.7, 0.6, 0.7, -1.0, 1.0),
)


def starts(count=COUNT):
    return np.random.default_rng(0).uniform([-1.5, -0.3], [1.0, 2.0], size=(count, 2))


_expected = None


def expected():
    global _expected
    if _expected is None:
        f = talweg.surfaces.muller_brown()
        _expected = np.array(
            [
                solve_ivp(lambda _, x: -f.grad(x), (0, T), x, "DOP853", rtol=2.3e-14, atol=1e-15).y[
                    :, -1
                ]
                for x in starts()[:CHECKED]
            ]
        )
    return _expected


def report(benchmark, ends, count):
    error = np.abs(ends[:CHECKED] - expected()[: len(ends)]).max(axis=1)
    benchmark.extra_info["error_median"] = float(np.median(error))
    benchmark.extra_info["error_max"] = float(error.max())
    if benchmark.stats is not None:
        benchmark.extra_info["us_per_trajectory"] = benchmark.stats.stats.min / count * 1e6


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("how", ["interpreted", "compiled"])
@pytest.mark.parametrize("tolerance", [1e-8, 1e-10, 1e-12])
@pytest.mark.benchmark(group="flow")
def test_talweg(benchmark, tolerance, how, workers):
    f = talweg.surfaces.muller_brown()
    if how == "compiled":
        pytest.importorskip("llvmlite")
        f = f.compile()
    x0 = starts()
    run = lambda: talweg.flow(f, x0, T, tolerance, tolerance, workers=workers)  # noqa: E731
    found = run()
    benchmark.pedantic(run, rounds=5)
    report(benchmark, found.x, COUNT)
    benchmark.extra_info["steps"] = float(found.steps.mean())
    benchmark.extra_info["rejected"] = float(found.rejected.mean())


@pytest.mark.parametrize("tolerance", [1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize("lanes", [4, 8])
@pytest.mark.benchmark(group="flow")
def test_heyoka(benchmark, lanes, tolerance):
    heyoka = pytest.importorskip("heyoka")
    x, y = heyoka.make_vars("x", "y")
    dx = dy = 0.0
    for height, a, b, c, x1, y1 in PARAMETERS:
        u, v = x - x1, y - y1
        bump = height * heyoka.exp(a * u * u + b * u * v + c * v * v)
        dx = dx - bump * (2 * a * u + b * v)
        dy = dy - bump * (b * u + 2 * c * v)
    x0 = starts(4000)
    batch = heyoka.taylor_adaptive_batch(
        [(x, dx), (y, dy)], np.ascontiguousarray(x0[:lanes].T), tol=tolerance
    )
    ends = np.empty_like(x0)

    def run():
        for first in range(0, len(x0), lanes):
            batch.set_time(0.0)
            batch.state[:] = x0[first : first + lanes].T
            batch.propagate_until(T)
            ends[first : first + lanes] = batch.state.T

    benchmark.pedantic(run, rounds=5)
    report(benchmark, ends, len(x0))


@pytest.mark.benchmark(group="flow")
def test_scipy(benchmark):
    parameters = np.array(PARAMETERS).T
    height, a, b, c, x1, y1 = parameters

    def right(_, p):
        u, v = p[0] - x1, p[1] - y1
        bump = height * np.exp(a * u * u + b * u * v + c * v * v)
        return np.array([-(bump * (2 * a * u + b * v)).sum(), -(bump * (b * u + 2 * c * v)).sum()])

    x0 = starts(20)
    ends = np.empty_like(x0)

    def run():
        for i, x in enumerate(x0):
            ends[i] = solve_ivp(right, (0, T), x, "DOP853", rtol=1e-10, atol=1e-10).y[:, -1]

    benchmark.pedantic(run, rounds=3)
    report(benchmark, ends, len(x0))
