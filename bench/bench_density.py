"""Spectral density of a Hessian of a million coordinates, against reorthogonalised Lanczos.

Floor. A step of the recurrence reads product, current and previous vector twice or once and writes
the next: 2 + 4 passes of 8 n bytes, 48 MB for n = 1e6, 2.4 ms at 20 GB/s. The chain's H v reads the
vector and the point and writes the product, 24 MB. Reorthogonalising step j twice reads all j earlier
vectors four times, 32 n j bytes: 57 GB over 60 steps, 2.9 s.

Goal: 60 steps from one probe at least 15 times faster than with full reorthogonalisation by NumPy.
Run with OPENBLAS_NUM_THREADS=1; talweg is held to one thread.
"""

import numpy as np
import pytest

import talweg
from talweg.spectrum import density

N, STEPS = 1_000_000, 60


@pytest.fixture(scope="module")
def chain():
    f = talweg.models.phi4_chain(N)
    x = np.random.default_rng(0).uniform(-1.5, 1.5, N)
    return f, x


def product_of(f, x):
    """H v of the chain with NumPy, three passes."""
    diagonal = f.hessp(x, np.eye(1, N, 0).ravel())[0] - 3 * x[0] ** 2 + 3 * x**2
    side = f.hessp(x, np.eye(1, N, 5).ravel())[4]

    # Free ends have one neighbour only.
    last = f.hessp(x, np.eye(1, N, N // 2).ravel())[N // 2] - 3 * x[N // 2] ** 2
    diagonal[1:-1] = last + 3 * x[1:-1] ** 2
    diagonal[-1] = f.hessp(x, np.eye(1, N, N - 1).ravel())[N - 1]

    def product(v, out):
        np.multiply(diagonal, v, out=out)
        out[1:] += side * v[:-1]
        out[:-1] += side * v[1:]
        return out

    v = np.random.default_rng(1).standard_normal(N)
    np.testing.assert_allclose(product(v, np.empty(N)), f.hessp(x, v), rtol=1e-12, atol=1e-10)
    return product


@pytest.mark.benchmark(group="density: one probe of 60 steps, n = 1e6")
@pytest.mark.parametrize("probes", [1, 4])
def test_talweg(benchmark, chain, probes):
    f, x = chain
    found = benchmark.pedantic(
        lambda: density(f, x, probes=probes, steps=STEPS, rng=0, workers=1), rounds=3
    )
    benchmark.extra_info["ms a step and probe"] = 1e3 * benchmark.stats.stats.min / STEPS / probes
    assert found.products == probes * STEPS


@pytest.mark.benchmark(group="density: one probe of 60 steps, n = 1e6")
def test_reorthogonalised(benchmark, chain):
    product = product_of(*chain)
    start = np.random.default_rng(0).choice([-1.0, 1.0], N) / np.sqrt(N)

    def run():
        basis = np.empty((STEPS + 1, N))
        basis[0] = start
        w = np.empty(N)
        alphas, betas = [], []
        for j in range(STEPS):
            product(basis[j], w)
            alphas.append(basis[j] @ w)
            for _ in range(2):
                w -= basis[: j + 1].T @ (basis[: j + 1] @ w)
            betas.append(np.linalg.norm(w))
            np.divide(w, betas[-1], out=basis[j + 1])
        return alphas, betas

    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info["ms a step and probe"] = 1e3 * benchmark.stats.stats.min / STEPS
