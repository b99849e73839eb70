"""Descent of ensembles: points times steps a second, by talweg and by its peers at their best.

Floors, for vectors of V doubles and two multiply-adds a cycle (`test_floor` measures their rate);
all state fits registers or the first-level cache, so no row is
about memory: 16 n bytes a point and run, which is 0.01 ns a step over 1000 steps.

    Rosenbrock, n = 2            5 multiplications and multiply-adds and one addition a step: 2.5 / V cycles
    quadratic + cubic, n = 10    10 squares, 110 multiply-adds: 60 / V cycles
    followed, n = 2              14 and a square root, during which the processor that these figures
                                 are from (Zen 3) multiplies no more: 7 / V cycles and 9 / V

Goals: plain Rosenbrock 1.2 times the best peer interpreted and 5 times compiled; n = 10 4 times;
followed 15 times numba's loop by hand; two threads 1.8 times one. A peer that keeps a block of points
in local arrays (`numba blocks`) comes within two times of the first two floors itself, which puts
those goals out of reach of any code; what a user writes first are `numba points` and `jax`.

The last points of each peer are compared with talweg's before it is timed. Run with
`--benchmark-timer=time.process_time` on a machine that is busy, and one thread for all:
`OPENBLAS_NUM_THREADS=1 XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"`.
"""

import ctypes
import time

import numpy as np
import pytest

import talweg

pytest.importorskip("llvmlite")
numba = pytest.importorskip("numba")
jax = pytest.importorskip("jax")
jax.config.update("jax_enable_x64", True)
import jax.numpy as jnp  # noqa: E402

from talweg.machine_code.descent_loop import DescentLoop  # noqa: E402

POINTS, STEPS = 100_000, 1000
STEP = 1e-3
BLOCK = 64
RNG = np.random.default_rng(0)
CUBIC = 0.3
MATRIX = np.diag(1.0 + np.arange(10)) + 0.1 * np.cos(
    np.add.outer(np.arange(10), np.arange(10)) + np.outer(np.arange(10), np.arange(10))
)


def timed(benchmark, run, points, steps, rounds=5):
    benchmark.pedantic(run, rounds=rounds, warmup_rounds=1)
    if benchmark.stats is not None:
        each = benchmark.stats.stats.median / (points * steps)
        benchmark.extra_info["ns_per_point_and_step"] = each * 1e9


def rosenbrock_starts(points):
    return np.stack([RNG.uniform(-0.3, 0.3, points), RNG.uniform(-1.0, 1.0, points)], axis=1)


# Peers: functions of the points, shape (m, 2) or (m, 10), and the number of steps.


def rosenbrock_numpy(points, steps):
    found = []
    for block in np.array_split(points, max(1, len(points) // 4000)):
        x, y = block.T.copy()
        u = np.empty_like(x)
        t = np.empty_like(x)
        for _ in range(steps):
            np.multiply(x, x, out=t)
            np.subtract(y, t, out=t)
            np.multiply(x, t, out=u)
            u *= 400.0 * STEP
            x *= 1.0 - 2.0 * STEP
            x += u
            x += 2.0 * STEP
            t *= 200.0 * STEP
            y -= t
        found.append(np.stack([x, y], axis=1))
    return np.concatenate(found)


@numba.njit(fastmath=True)
def _rosenbrock_points(x, y, steps):
    for i in range(x.size):
        a, b = x[i], y[i]
        for _ in range(steps):
            t = b - a * a
            a, b = a - STEP * (-400.0 * a * t - 2.0 * (1.0 - a)), b - STEP * 200.0 * t
        x[i], y[i] = a, b


# Without fast-math it is faster here: the multiplications that it moves cost more than they save.
@numba.njit
def _rosenbrock_blocks(x, y, steps):
    a, b = np.empty(BLOCK), np.empty(BLOCK)
    for first in range(0, x.size - BLOCK + 1, BLOCK):
        a[:], b[:] = x[first : first + BLOCK], y[first : first + BLOCK]
        for _ in range(steps):
            for i in range(BLOCK):
                t = b[i] - a[i] * a[i]
                a[i] = a[i] - STEP * (-400.0 * a[i] * t - 2.0 * (1.0 - a[i]))
                b[i] = b[i] - STEP * 200.0 * t
        x[first : first + BLOCK], y[first : first + BLOCK] = a, b


def with_columns(function):
    def run(points, steps):
        padded = np.resize(points, (-(-len(points) // BLOCK) * BLOCK, 2))
        x, y = np.ascontiguousarray(padded.T)
        function(x, y, steps)
        return np.stack([x, y], axis=1)[: len(points)]

    return run


def rosenbrock_jax(points, steps):
    return np.asarray(_rosenbrock_jax(points, steps))


@jax.jit
def _rosenbrock_jax(points, steps):
    def step(_, state):
        x, y = state
        t = y - x * x
        return x - STEP * (-400.0 * x * t - 2.0 * (1.0 - x)), y - STEP * 200.0 * t

    return jnp.stack(jax.lax.fori_loop(0, steps, step, (points[:, 0], points[:, 1])), axis=1)


def rosenbrock_jax_blocks(points, steps):
    blocks = np.array_split(points, max(1, len(points) // 8192))
    return np.concatenate([rosenbrock_jax(block, steps) for block in blocks])


PLAIN = {
    "numpy": rosenbrock_numpy,
    "numba points": with_columns(_rosenbrock_points),
    "numba blocks": with_columns(_rosenbrock_blocks),
    "jax": rosenbrock_jax,
    "jax blocks": rosenbrock_jax_blocks,
}


@pytest.mark.parametrize("how", ["compiled", "interpreted", *PLAIN])
@pytest.mark.benchmark(group="descent on Rosenbrock's function")
def test_plain(benchmark, how):
    f = talweg.surfaces.rosenbrock(2)
    f = f if how == "interpreted" else f.compile()
    starts = rosenbrock_starts(POINTS)

    def run(points=starts, steps=STEPS):
        if how in PLAIN:
            return PLAIN[how](points, steps)
        return talweg.descend(f, points, STEP, steps, workers=1).x

    few = starts[:100]
    np.testing.assert_allclose(run(few, 50), talweg.descend(f, few, STEP, 50).x, rtol=1e-9)
    timed(benchmark, run, POINTS, STEPS)


@pytest.mark.benchmark(group="descent on Rosenbrock's function")
def test_floor(benchmark):
    # A step of these six coordinates is six multiply-adds, and 12 vectors of them hide their latency.
    f = talweg.Objective(lambda x: (x**2).sum() / 2.0, 6).compile()
    loop = DescentLoop(f, vectors=2)
    advance = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)(
        loop.address
    )
    state, parameters = np.ones((6, loop.lanes)), loop.parameters(1e-9)
    steps = 1_000_000

    def run():
        advance(state.ctypes.data, steps, parameters.ctypes.data)

    benchmark.pedantic(run, rounds=9, warmup_rounds=1)
    if benchmark.stats is not None:
        each = benchmark.stats.stats.median / (6 * loop.lanes * steps) * 1e9
        benchmark.extra_info["ns_per_multiply_add_and_lane"] = each
        benchmark.extra_info["ns_floors_plain_many"] = [5 * each, 120 * each]


@pytest.mark.benchmark(group="descent on Rosenbrock's function, two threads")
def test_two_threads(benchmark):
    f = talweg.surfaces.rosenbrock(2).compile()
    starts = rosenbrock_starts(POINTS)

    def run(workers):
        wall, processor = time.perf_counter(), time.process_time()
        talweg.descend(f, starts, STEP, STEPS, workers=workers)
        return time.perf_counter() - wall, time.process_time() - processor

    run(2)
    times = np.array([[run(workers) for workers in (1, 2)] for _ in range(9)])
    benchmark.pedantic(run, args=(2,), rounds=3)
    one, two = np.median(times, axis=0)
    benchmark.extra_info["wall_time_ratio"] = one[0] / two[0]
    # What two threads would reach if nothing else ran: the work is shared evenly.
    benchmark.extra_info["processor_time_ratio"] = 2.0 * one[1] / two[1]


# n = 10.


def many_numpy(points, steps):
    x, m = points.T.copy(), np.eye(10) - 0.01 * MATRIX
    for _ in range(steps):
        x = m @ x - (0.01 * CUBIC) * x * x
    return x.T


@numba.njit(fastmath=True)
def _many_blocks(x, matrix, steps):
    a, b = np.empty((10, 128)), np.empty((10, 128))
    for first in range(0, x.shape[1] - 127, 128):
        a[:] = x[:, first : first + 128]
        for _ in range(steps):
            for i in range(10):
                m = matrix[i]
                m0, m1, m2, m3, m4 = m[0], m[1], m[2], m[3], m[4]
                m5, m6, m7, m8, m9 = m[5], m[6], m[7], m[8], m[9]
                for k in range(128):
                    b[i, k] = a[i, k] - 0.01 * (
                        m0 * a[0, k] + m1 * a[1, k] + m2 * a[2, k] + m3 * a[3, k] + m4 * a[4, k]
                        + m5 * a[5, k] + m6 * a[6, k] + m7 * a[7, k] + m8 * a[8, k] + m9 * a[9, k]
                        + CUBIC * a[i, k] * a[i, k]
                    )  # fmt: skip
            for i in range(10):
                for k in range(128):
                    a[i, k] = b[i, k]
        x[:, first : first + 128] = a


@numba.njit(fastmath=True)
def _many_points(x, matrix, steps):
    g = np.empty(10)
    for k in range(x.shape[1]):
        a = x[:, k].copy()
        for _ in range(steps):
            for i in range(10):
                s = CUBIC * a[i] * a[i]
                for j in range(10):
                    s += matrix[i, j] * a[j]
                g[i] = s
            for i in range(10):
                a[i] -= 0.01 * g[i]
        x[:, k] = a


def with_rows(function):
    def run(points, steps):
        x = np.resize(points, (-(-len(points) // 128) * 128, 10)).T.copy()
        function(x, MATRIX, steps)
        return x.T[: len(points)]

    return run


def many_jax(points, steps):
    return np.asarray(_many_jax(points.T, steps)).T


@jax.jit
def _many_jax(x, steps):
    return jax.lax.fori_loop(
        0, steps, lambda _, x: x - 0.01 * (jnp.asarray(MATRIX) @ x + CUBIC * x * x), x
    )


def many_jax_blocks(points, steps):
    return np.concatenate([many_jax(part, steps) for part in np.array_split(points, 20)])


MANY = {
    "numpy": many_numpy,
    "numba points": with_rows(_many_points),
    "numba blocks": with_rows(_many_blocks),
    "jax": many_jax,
    "jax blocks": many_jax_blocks,
}


@pytest.mark.parametrize("how", ["compiled", "interpreted", *MANY])
@pytest.mark.benchmark(group="descent on a quadratic and a cubic in 10 coordinates")
def test_many_coordinates(benchmark, how):
    f = talweg.Objective(lambda x: 0.5 * x @ (MATRIX @ x) + CUBIC / 3.0 * (x**3).sum(), 10)
    f = f if how == "interpreted" else f.compile()
    points, steps = 20_480, 500
    starts = RNG.uniform(-0.3, 0.3, size=(points, 10))

    def run(points=starts, steps=steps):
        if how in MANY:
            return MANY[how](points, steps)
        return talweg.descend(f, points, 0.01, steps, workers=1).x

    few = starts[:100]
    np.testing.assert_allclose(run(few, 50), talweg.descend(f, few, 0.01, 50).x, rtol=1e-9)
    timed(benchmark, run, points, steps, 3)


# With log volume and the extreme eigenvalues.


@numba.njit(fastmath=True)
def _followed_points(x, y, volume, low, high, steps):
    for i in range(x.size):
        a, b, v, l, h = x[i], y[i], 0.0, 1e300, -1e300
        for _ in range(steps):
            t = b - a * a
            p, q = 1200.0 * a * a - 400.0 * b + 2.0, -400.0 * a
            v += np.log(abs((1.0 - STEP * p) * (1.0 - STEP * 200.0) - STEP * STEP * q * q))
            root = np.sqrt((0.5 * (p - 200.0)) ** 2 + q * q)
            l, h = min(l, 0.5 * (p + 200.0) - root), max(h, 0.5 * (p + 200.0) + root)
            a, b = a - STEP * (-400.0 * a * t - 2.0 * (1.0 - a)), b - STEP * 200.0 * t
        x[i], y[i], volume[i], low[i], high[i] = a, b, v, l, h


@numba.njit(fastmath=True)
def _followed_blocks(x, y, volume, low, high, steps):
    a, b, d, l, h = (
        np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK), np.empty(BLOCK)
    )  # fmt: skip
    for first in range(0, x.size - BLOCK + 1, BLOCK):
        a[:], b[:] = x[first : first + BLOCK], y[first : first + BLOCK]
        d[:], l[:], h[:] = 1.0, 1e300, -1e300
        for k in range(steps):
            for i in range(BLOCK):
                t = b[i] - a[i] * a[i]
                p, q = 1200.0 * a[i] * a[i] - 400.0 * b[i] + 2.0, -400.0 * a[i]
                d[i] *= (1.0 - STEP * p) * (1.0 - STEP * 200.0) - STEP * STEP * q * q
                root = np.sqrt((0.5 * (p - 200.0)) ** 2 + q * q)
                l[i] = min(l[i], 0.5 * (p + 200.0) - root)
                h[i] = max(h[i], 0.5 * (p + 200.0) + root)
                a[i] = a[i] - STEP * (-400.0 * a[i] * t - 2.0 * (1.0 - a[i]))
                b[i] = b[i] - STEP * 200.0 * t
            if k % 16 == 15 or k == steps - 1:
                for i in range(BLOCK):
                    volume[first + i] += np.log(abs(d[i]))
                    d[i] = 1.0
        x[first : first + BLOCK], y[first : first + BLOCK] = a, b
        low[first : first + BLOCK], high[first : first + BLOCK] = l, h


def with_measures(function):
    def run(points, steps):
        padded = np.resize(points, (-(-len(points) // BLOCK) * BLOCK, 2))
        x, y = np.ascontiguousarray(padded.T)
        measures = np.zeros((3, len(padded)))
        function(x, y, *measures, steps)
        return np.stack([x, y, *measures], axis=1)[: len(points)]

    return run


def followed_jax(points, steps):
    return np.asarray(_followed_jax(points, steps))


@jax.jit
def _followed_jax(points, steps):
    def step(_, state):
        a, b, v, l, h = state
        t = b - a * a
        p, q = 1200.0 * a * a - 400.0 * b + 2.0, -400.0 * a
        v += jnp.log(abs((1.0 - STEP * p) * (1.0 - STEP * 200.0) - STEP * STEP * q * q))
        root = jnp.sqrt((0.5 * (p - 200.0)) ** 2 + q * q)
        l = jnp.minimum(l, 0.5 * (p + 200.0) - root)
        h = jnp.maximum(h, 0.5 * (p + 200.0) + root)
        return a - STEP * (-400.0 * a * t - 2.0 * (1.0 - a)), b - STEP * 200.0 * t, v, l, h

    zero = jnp.zeros(len(points))
    start = (points[:, 0], points[:, 1], zero, zero + 1e300, zero - 1e300)
    return jnp.stack(jax.lax.fori_loop(0, steps, step, start), axis=1)


FOLLOWED = {
    "numba points": with_measures(_followed_points),
    "numba blocks": with_measures(_followed_blocks),
    "jax": followed_jax,
}


@pytest.mark.parametrize("how", ["compiled", "interpreted", *FOLLOWED])
@pytest.mark.benchmark(group="descent with log volume and extreme eigenvalues")
def test_followed(benchmark, how):
    f = talweg.surfaces.rosenbrock(2)
    f = f if how == "interpreted" else f.compile()
    points, steps = 20_480, 500
    starts = rosenbrock_starts(points)

    def ours(points, steps):
        d = talweg.descend(f, points, STEP, steps, workers=1, log_volume=True, eigenvalues=True)
        return np.column_stack([d.x, d.log_volume, d.smallest_eigenvalue, d.largest_eigenvalue])

    def run(points=starts, steps=steps):
        return FOLLOWED[how](points, steps) if how in FOLLOWED else ours(points, steps)

    few = starts[:100]
    np.testing.assert_allclose(run(few, 50), ours(few, 50), rtol=1e-8, atol=1e-9)
    timed(benchmark, run, points, steps, 3)
