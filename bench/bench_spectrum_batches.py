"""Batches of small symmetric matrices, and Hessians: time a matrix, against every peer.

Goals on a processor with AVX-512, against the best of NumPy, PyTorch and JAX on one thread: `eigh`
25, 24, 16, 12, 10, 7 and 6 times for n = 2, 3, 4, 8, 16, 32 and 64, `eigvalsh` 15 times up to n = 16,
`logabsdet` 10, 9, 8 and 9 times for n = 4, 8, 16 and 32, and eigenvalues of a recorded function's
Hessian, n = 2, 10 times numba by hand. With AVX2 vectors are half as long.

Floor (``extra_info["floor_us"]``, microseconds a matrix): the longer of the arithmetic at 48 flops a
nanosecond (one AVX2 core at 3 GHz with two fused multiply-adds a cycle) and of reading the matrix
and writing the results at 10 bytes a nanosecond. The arithmetic is counted as 4/3 n^3 for
eigenvalues (tridiagonalisation alone), 4 n^3 with vectors, n^3 / 3 for a determinant and twice that
for inertia. Batches are 256 kilobytes, so that no peer waits for memory.

`test_fused` compares ``hessian_eigvalsh`` of a recorded and a compiled function with numba by hand:
the closed form of 2 x 2 matrices in a loop over points with fastmath, whose derivatives are written
out, and the same loop with ``numpy.linalg.eigvalsh``. The floor there is 32 bytes a point; what
Müller-Brown needs beyond is four exponentials, which scalar code has to call one by one. One thread
everywhere (OPENBLAS_NUM_THREADS=1, XLA_FLAGS="--xla_cpu_multi_thread_eigen=false
intra_op_parallelism_threads=1"), but for `test_two_threads`.
"""

import numpy as np
import pytest

import talweg
from talweg import spectrum

SIZES = [2, 3, 4, 8, 16, 32, 64]
FLOPS = {
    "eigh": lambda n: 4 * n**3,
    "eigvalsh": lambda n: 4 * n**3 / 3,
    "logabsdet": lambda n: n**3 / 3,
    "inertia": lambda n: 2 * n**3 / 3,
}
STORED = {"eigh": lambda n: n * n + n, "eigvalsh": lambda n: n, "logabsdet": lambda n: 1}
STORED["inertia"] = lambda n: 3

every_size = pytest.mark.parametrize("n", SIZES)
every_function = pytest.mark.parametrize("name", FLOPS)
# The peers' determinants come with signs, and none of them counts eigenvalues.
every_peer_function = pytest.mark.parametrize("name", ["eigh", "eigvalsh", "slogdet"])


def matrices(n, bytes_in_all=1 << 18):
    a = np.random.default_rng(0).normal(size=(max(1, bytes_in_all // (8 * n * n)), n, n))
    return a + a.swapaxes(1, 2)


def outputs(name, H):
    count, n, _ = H.shape
    if name == "inertia":
        return np.empty((count, 3), np.intc)
    if name == "logabsdet":
        return np.empty(count)
    return (np.empty((count, n)), np.empty(H.shape)) if name == "eigh" else np.empty((count, n))


def group(benchmark, name, n):
    benchmark.group = f"{name.replace('slogdet', 'logabsdet')}, n = {n}"


def per_matrix(benchmark, name, n, count):
    # Without statistics when the suite runs as tests (--benchmark-disable).
    if benchmark.stats is None:
        return
    name = name.replace("slogdet", "logabsdet")
    moved = 8 * (n * n + STORED[name](n))
    benchmark.extra_info["floor_us"] = max(FLOPS[name](n) / 48, moved / 10) / 1e3
    benchmark.extra_info["us_per_matrix"] = benchmark.stats.stats.min / count * 1e6


def measure(benchmark, name, n, call, count):
    group(benchmark, name, n)
    benchmark(call)
    per_matrix(benchmark, name, n, count)


@pytest.mark.benchmark(min_rounds=5, max_time=0.2)
@every_size
@every_function
def test_talweg(benchmark, name, n):
    H = matrices(n)
    function, out = getattr(spectrum, name), outputs(name, H)
    measure(benchmark, name, n, lambda: function(H, out=out, workers=1), len(H))


@pytest.mark.benchmark(min_rounds=5, max_time=0.2)
@every_size
@every_function
def test_two_threads(benchmark, name, n):
    # A larger batch: one of the others takes as long as waking a thread.
    H = matrices(n, 1 << 21)
    function, out = getattr(spectrum, name), outputs(name, H)
    measure(benchmark, name, n, lambda: function(H, out=out, workers=2), len(H))


@pytest.mark.benchmark(min_rounds=5, max_time=0.2)
@every_size
@every_peer_function
def test_numpy(benchmark, name, n):
    H = matrices(n)
    function = getattr(np.linalg, name)
    measure(benchmark, name, n, lambda: function(H), len(H))


@pytest.mark.benchmark(min_rounds=5, max_time=0.2)
@every_size
@every_peer_function
def test_torch(benchmark, name, n):
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    H = matrices(n)
    function, own = getattr(torch.linalg, name), torch.from_numpy(H)
    measure(benchmark, name, n, lambda: function(own), len(H))


@pytest.mark.benchmark(min_rounds=5, max_time=0.2)
@every_size
@every_peer_function
def test_jax(benchmark, name, n):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    H = matrices(n)
    function = getattr(jax.numpy.linalg, name)
    options = {} if name == "slogdet" else {"symmetrize_input": False}
    compiled = jax.jit(jax.vmap(lambda a: function(a, **options)))
    own = jax.numpy.asarray(H)
    jax.block_until_ready(compiled(own))
    measure(benchmark, name, n, lambda: jax.block_until_ready(compiled(own)), len(H))


@pytest.mark.parametrize("name", FLOPS)
def test_one_small_matrix(benchmark, name):
    benchmark.group = "one 3 x 3 matrix"
    (H,) = matrices(3)[:1]
    benchmark(getattr(spectrum, name), H)


POINTS = 1 << 14


def muller_brown_by_hand(numba, eigenvalues):
    A, a = (-200.0, -100.0, -170.0, 15.0), (-1.0, -1.0, -6.5, 0.7)
    b, c = (0.0, 0.0, 11.0, 0.6), (-10.0, -10.0, -6.5, 0.7)
    x0, y0 = (1.0, 0.0, -0.5, -1.0), (0.0, 0.5, 1.5, 1.0)

    @numba.njit(fastmath=True)
    def spectra(x, out):
        for k in range(x.shape[0]):
            xx = xy = yy = 0.0
            for t in range(4):
                dx, dy = x[k, 0] - x0[t], x[k, 1] - y0[t]
                e = A[t] * np.exp(a[t] * dx * dx + b[t] * dx * dy + c[t] * dy * dy)
                u, v = 2 * a[t] * dx + b[t] * dy, b[t] * dx + 2 * c[t] * dy
                xx += e * (u * u + 2 * a[t])
                xy += e * (u * v + b[t])
                yy += e * (v * v + 2 * c[t])
            eigenvalues(xx, xy, yy, out[k])

    return spectra


def rosenbrock_by_hand(numba, eigenvalues):
    @numba.njit(fastmath=True)
    def spectra(x, out):
        for k in range(x.shape[0]):
            s, t = x[k, 0], x[k, 1]
            eigenvalues(1200 * s * s - 400 * t + 2, -400 * s, 200.0, out[k])

    return spectra


def closed_form(numba):
    @numba.njit(fastmath=True)
    def eigenvalues(xx, xy, yy, out):
        half = 0.5 * (xx - yy)
        radius, middle = np.sqrt(half * half + xy * xy), 0.5 * (xx + yy)
        out[0], out[1] = middle - radius, middle + radius

    return eigenvalues


def by_lapack(numba):
    @numba.njit(fastmath=True)
    def eigenvalues(xx, xy, yy, out):
        h = np.empty((2, 2))
        h[0, 0], h[0, 1], h[1, 0], h[1, 1] = xx, xy, xy, yy
        out[:] = np.linalg.eigvalsh(h)

    return eigenvalues


SURFACES = {
    "Müller-Brown": (talweg.surfaces.muller_brown, muller_brown_by_hand),
    "Rosenbrock": (lambda: talweg.surfaces.rosenbrock(2), rosenbrock_by_hand),
}


@pytest.mark.benchmark(min_rounds=20, max_time=0.2)
@pytest.mark.parametrize("way", ["recorded", "compiled", "numba", "numba and LAPACK", "f.hess"])
@pytest.mark.parametrize("surface", SURFACES)
def test_fused(benchmark, surface, way):
    benchmark.group = f"eigenvalues of the Hessian, {surface}"
    make, by_hand = SURFACES[surface]
    f = make()
    x = np.random.default_rng(0).uniform(*f.bounds.T, size=(POINTS, 2))
    out, expected = np.empty_like(x), np.linalg.eigvalsh(f.hess(x))
    if way.startswith("numba"):
        numba = pytest.importorskip("numba")
        spectra = by_hand(numba, closed_form(numba) if way == "numba" else by_lapack(numba))

        def call():
            spectra(x, out)
    elif way == "f.hess":

        def call():
            spectrum.eigvalsh(f.hess(x), out=out, workers=1)
    else:
        if way == "compiled":
            pytest.importorskip("llvmlite")
            f = f.compile()

        def call():
            spectrum.hessian_eigvalsh(f, x, out=out, workers=1)

    call()
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    benchmark(call)
    if benchmark.stats is not None:
        benchmark.extra_info["floor_ns"] = 3.2
        benchmark.extra_info["ns_per_point"] = benchmark.stats.stats.min / POINTS * 1e9
