"""One dense symmetric matrix, all eigenpairs and the k smallest, against NumPy's and SciPy's drivers.

Floor. Reduction to tridiagonal form takes 4 n^3 / 3 flops, half of them as products of the matrix
with vectors at the speed of the cache or memory that holds it; going back with k vectors 2 n^2 k. At
20 Gflop/s n = 1000 takes 67 ms reduced, all pairs about three times that.

Goal: never slower than the best of NumPy's eigh and SciPy's drivers, faster for a few pairs. Run with
OPENBLAS_NUM_THREADS=1.
"""

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse.linalg

from talweg import _core
from talweg.spectrum import eigh, eigvalsh, lowest


def matrix_of(n):
    """A Hessian as phase retrieval has it: a crowded left edge and some outliers to the right."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3 * n, n)) / np.sqrt(3 * n)
    weights = 1.0 + 1.5 * rng.standard_normal(3 * n)
    a = (x.T * weights) @ x
    return (a + a.T) / 2


ALL = {
    "talweg": eigh,
    "numpy": np.linalg.eigh,
    "scipy evd": lambda a: scipy.linalg.eigh(a, driver="evd", check_finite=False),
    "scipy evr": lambda a: scipy.linalg.eigh(a, driver="evr", check_finite=False),
}
VALUES = {"talweg": eigvalsh, "numpy": np.linalg.eigvalsh}
FEW = {
    "talweg dense": lambda a, k: _core.dense_eigen(a, 0, k),
    "talweg lowest": lambda a, k: lowest(a, k=k, tol=1e-10),
    "scipy evr": lambda a, k: scipy.linalg.eigh(
        a, driver="evr", subset_by_index=(0, k - 1), check_finite=False
    ),
    "scipy evx": lambda a, k: scipy.linalg.eigh(
        a, driver="evx", subset_by_index=(0, k - 1), check_finite=False
    ),
    "scipy eigsh": lambda a, k: scipy.sparse.linalg.eigsh(a, k=k, which="SA", tol=1e-10),
}


@pytest.mark.parametrize("n", [65, 100, 200, 500, 1000])
@pytest.mark.parametrize("who", ALL)
def test_all_pairs(benchmark, n, who):
    benchmark.group = f"all eigenpairs, n = {n}"
    benchmark(ALL[who], matrix_of(n))


@pytest.mark.parametrize("n", [65, 200, 1000])
@pytest.mark.parametrize("who", VALUES)
def test_all_values(benchmark, n, who):
    benchmark.group = f"all eigenvalues, n = {n}"
    benchmark(VALUES[who], matrix_of(n))


@pytest.mark.parametrize("k", [1, 4, 10, "n / 5"])
@pytest.mark.parametrize("n", [100, 500, 1000, 2000])
@pytest.mark.parametrize("who", FEW)
def test_few_pairs(benchmark, n, k, who):
    benchmark.group = f"{k} smallest, n = {n}"
    count = n // 5 if k == "n / 5" else k
    if count > 10 and who in ("talweg lowest", "scipy eigsh"):
        pytest.skip("for a few pairs only")
    benchmark(FEW[who], matrix_of(n), count)
