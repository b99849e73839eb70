"""One dense symmetric matrix of any size, with and without LAPACK."""

import numpy as np
import pytest
import scipy.linalg

from talweg import _core
from talweg.status import Status

EPSILON = np.finfo(float).eps


def orthogonal(n, rng):
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def with_spectrum(values, rng):
    turn = orthogonal(len(values), rng)
    matrix = (turn * values) @ turn.T
    return (matrix + matrix.T) / 2


def matrices(n):
    """The classes of spectra that eigensolvers get wrong, by name."""
    rng = np.random.default_rng(n)
    a = rng.standard_normal((n, n))
    grades = 10.0 ** np.linspace(0, -12, n)
    u = rng.standard_normal(n)
    return {
        "goe": (a + a.T) / 2,
        "graded": (a + a.T) * np.sqrt(np.outer(grades, grades)),
        "clustered": with_spectrum(1 + 1e-9 * rng.integers(0, 3, n) + (np.arange(n) > n // 2), rng),
        "two values": with_spectrum(np.where(np.arange(n) % 2, 1.0, -1.0), rng),
        "rank one": np.outer(u, u),
        "zero": np.zeros((n, n)),
        "diagonal": np.diag(rng.standard_normal(n)),
        "second differences": 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1),
        "huge": 1e300 * (a + a.T) / 10,
        "tiny": 1e-300 * (a + a.T),
    }


CASES = [pytest.param(n, name, id=f"{name} {n}") for n in (65, 150) for name in matrices(2)]


@pytest.mark.parametrize("lapack", [True, False])
@pytest.mark.parametrize(("n", "name"), CASES)
def test_residual_and_orthogonality(n, name, lapack):
    matrix = matrices(n)[name]
    scale = np.abs(matrix).max() or 1.0
    size = np.linalg.norm(matrix / scale)
    reference = scipy.linalg.eigvalsh(matrix / scale)
    for first, count in ((0, n), (0, 1), (0, 5), (n - 4, 4), (n // 3, 10), (0, n // 3), (1, n - 1)):
        values, vectors, status = _core.dense_eigen(matrix, first, count, True, lapack)
        assert status == Status.CONVERGED
        assert vectors.shape == (n, count)
        residual = matrix / scale @ vectors - vectors * (values / scale)
        assert np.linalg.norm(residual) <= 10 * n * EPSILON * size
        gram = vectors.T @ vectors
        assert np.linalg.norm(gram - np.eye(count)) <= 10 * n * EPSILON
        error = np.abs(values / scale - reference[first : first + count]).max()
        assert error <= 10 * n * EPSILON * size
        assert (np.diff(values) >= 0).all()
        largest = np.abs(vectors).argmax(axis=0)
        tied = np.abs(vectors) >= np.abs(vectors[largest, np.arange(count)]) * (1 - 1e-8)
        assert np.where(tied, vectors, -1).max(axis=0).min() > 0
        only, nothing, _ = _core.dense_eigen(matrix, first, count, False, lapack)
        assert nothing is None
        assert np.abs(only / scale - values / scale).max() <= 10 * n * EPSILON * size


@pytest.mark.parametrize("seed", [193, 321, 542, 683, 899, 1154])
def test_entries_whose_squares_are_subnormal(seed):
    # Of a thousand such matrices OpenBLAS decomposes these wrongly, or the last not at all.
    n = 66
    rng = np.random.default_rng(seed)
    a = np.diag(rng.integers(-1, 2, n) * 1.0)
    a += rng.uniform(-1, 1, (n, n)) * 10.0 ** rng.uniform(-330, 0, (n, n))
    a = np.tril(a) + np.tril(a, -1).T
    bound = 10 * n * EPSILON
    size = np.linalg.norm(a)
    all_values, _, _ = _core.dense_eigen(a, 0, n, True, True)
    for first, count in ((0, n), (0, 4), (n - 2, 2)):
        values, vectors, status = _core.dense_eigen(a, first, count, True, True)
        assert status == Status.CONVERGED
        assert np.linalg.norm(vectors.T @ vectors - np.eye(count)) <= bound
        assert np.linalg.norm(a @ vectors - vectors * values) <= bound * size
        only, _, _ = _core.dense_eigen(a, first, count, False, True)
        for found in (values, only):
            assert np.abs(found - all_values[first : first + count]).max() <= bound * size


def test_matrices_with_entries_that_are_not_finite():
    matrix = np.eye(100)
    matrix[4, 7] = matrix[7, 4] = np.inf
    values, vectors, status = _core.dense_eigen(matrix, 0, 3)
    assert status == Status.NON_FINITE
    assert np.isnan(values).all()
    assert np.isnan(vectors).all()


def test_the_matrix_is_left_alone():
    matrix = matrices(70)["goe"]
    before = matrix.copy()
    _core.dense_eigen(matrix, 0, 70)
    _core.dense_eigen(matrix, 0, 7)
    np.testing.assert_array_equal(matrix, before)


def test_lapack_pays_for_few_pairs_up_to_a_size_that_grows_with_their_number():
    limits = [_core.lanczos_pays_from(k) for k in range(1, 11)]
    assert limits == sorted(limits)
    assert limits[0] > 65


def test_bad_ranges():
    with pytest.raises(ValueError, match="want eigenvalues among"):
        _core.dense_eigen(np.eye(5), 3, 3)
    with pytest.raises(ValueError, match="want shape"):
        _core.dense_eigen(np.zeros((3, 4)), 0, 1)
