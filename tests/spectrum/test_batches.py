"""Decompositions of batches: residuals, and NumPy's and mpmath's answers."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.spectrum.matrices import KINDS, goe, norms

from talweg import Status, spectrum

EPS = np.finfo(float).eps

kinds = st.sampled_from(sorted(KINDS))
sizes = st.integers(1, 70)
seeds = st.integers(0, 2**32 - 1)


def scaled(H):
    """The matrices with norms about 1, and what they were divided by."""
    largest = np.abs(H).max(axis=(-1, -2), keepdims=True, initial=0.0)
    _, exponent = np.frexp(np.where(largest == 0.0, 1.0, largest))
    # In two steps: a power of two may be out of range where the quotient is not.
    half = exponent // 2
    return np.ldexp(np.ldexp(H, -half), half - exponent), exponent[..., 0, 0]


@given(kinds, sizes, seeds)
def test_eigenpairs(kind, n, seed):
    rng = np.random.default_rng(seed)
    H = KINDS[kind](rng, int(rng.integers(1, 40)), n)
    values, vectors = spectrum.eigh(H)
    a, exponent = scaled(H)
    assert (np.diff(values, axis=-1) >= 0).all()
    half = (exponent // 2)[:, None]
    w = np.ldexp(np.ldexp(values, -half), half - exponent[:, None])
    bound = 10 * n * EPS
    assert (norms(a @ vectors - vectors * w[:, None, :]) <= bound * norms(a)).all()
    assert (norms(vectors.swapaxes(-1, -2) @ vectors - np.eye(n)) <= bound).all()
    largest = np.abs(vectors).max(axis=-2)
    near = np.abs(vectors) >= largest[:, None, :] * (1 - 1e-6)
    assert (np.where(near, vectors, -1).max(axis=-2) > 0).all()
    only = spectrum.eigvalsh(H)
    reference = np.linalg.eigvalsh(a)
    only = np.ldexp(np.ldexp(only, -half), half - exponent[:, None])
    assert (np.abs(only - reference) <= bound * norms(a)[:, None]).all()


@given(kinds, sizes, seeds)
def test_inertia_counts_eigenvalues(kind, n, seed):
    rng = np.random.default_rng(seed)
    H = KINDS[kind](rng, int(rng.integers(1, 40)), n)
    counts = np.stack(spectrum.inertia(H), axis=-1)
    assert (counts.sum(axis=-1) == n).all()
    a, _ = scaled(H)
    values = np.linalg.eigvalsh(a)
    # What is on either side of zero for certain, whatever either side's rounding.
    doubt = 20 * n * EPS * norms(a)[:, None]
    assert (counts[:, 0] >= (values < -doubt).sum(axis=-1)).all()
    assert (counts[:, 2] >= (values > doubt).sum(axis=-1)).all()
    # An eigenvalue in doubt is called zero only if it may be.
    assert (counts[:, 1] <= (np.abs(values) <= doubt).sum(axis=-1)).all()


@given(kinds, sizes, seeds)
def test_determinants(kind, n, seed):
    rng = np.random.default_rng(seed)
    H = KINDS[kind](rng, int(rng.integers(1, 40)), n)
    sign, logarithm = spectrum.slogdet(H)
    np.testing.assert_array_equal(spectrum.logabsdet(H), logarithm)
    a, exponent = scaled(H)
    _, expected = np.linalg.slogdet(a)
    expected = expected + n * exponent * np.log(2.0)
    # What an error of the promised size in the matrix costs, to first order, and NumPy's own.
    values = np.abs(np.linalg.eigvalsh(a))
    error = 512 * n * (n + 4) * EPS * np.abs(a).max(axis=(-1, -2))
    certain = values.min(axis=-1) > 4 * error
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = 2 * (error[:, None] / values).sum(axis=-1) + 1e-13 * np.abs(expected)
        apart = np.abs(logarithm - expected)
    assert (apart[certain] <= bound[certain]).all()
    assert (sign[certain] == np.linalg.slogdet(a)[0][certain]).all()
    zero = sign == 0
    assert (logarithm[zero] == -np.inf).all()
    assert (logarithm[~zero] > -np.inf).all()


@pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 17, 33, 66])
def test_determinants_of_many_digits(n):
    H = goe(np.random.default_rng(n), 12, n)
    sign, logarithm = spectrum.slogdet(H)
    for k in range(len(H)):
        with mpmath.workdps(60):
            exact = mpmath.det(mpmath.matrix(H[k].tolist()))
            error = abs(mpmath.log(abs(exact)) - mpmath.mpf(float(logarithm[k])))
        smallest = np.abs(np.linalg.eigvalsh(H[k])).min()
        assert sign[k] == mpmath.sign(exact)
        assert error <= 40 * n * EPS * (1 + np.abs(logarithm[k]) + norms(H[k]) / smallest)


@pytest.mark.parametrize("n", [2, 8, 40])
def test_determinants_of_shifted_matrices(n):
    H = goe(np.random.default_rng(0), 30, n)
    sign, logarithm = spectrum.slogdet(H, offset=1, factor=-0.3 / n)
    expected = np.linalg.slogdet(np.eye(n) - 0.3 / n * H)
    np.testing.assert_array_equal(sign, expected.sign)
    np.testing.assert_allclose(logarithm, expected.logabsdet, rtol=0, atol=1e-12)
    alone = spectrum.logabsdet(H, offset=1, factor=-0.3 / n)
    np.testing.assert_array_equal(alone, logarithm)


def test_a_determinant_near_one_is_as_accurate_as_its_logarithm():
    tiny = 1e-9
    H = np.diag([tiny, -tiny, 2 * tiny])
    exact = mpmath.log((1 + mpmath.mpf(tiny)) * (1 - mpmath.mpf(tiny)) * (1 + 2 * mpmath.mpf(tiny)))
    # The diagonal is rounded to eps; nothing is lost beyond.
    assert abs(spectrum.logabsdet(H, offset=1.0) - float(exact)) <= 4 * EPS


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 16, 40, 64, 65])
def test_single_precision_is_double_precision_rounded(n):
    H = goe(np.random.default_rng(n), 20, n).astype(np.float32)
    twice = H.astype(float)
    for function in (spectrum.eigh, spectrum.slogdet):
        for single, double in zip(function(H), function(twice), strict=True):
            assert single.dtype == np.float32
            np.testing.assert_array_equal(single, double.astype(np.float32))
    np.testing.assert_array_equal(spectrum.inertia(H), spectrum.inertia(twice))
    values = spectrum.eigvalsh(H)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, spectrum.eigvalsh(twice).astype(np.float32))


@pytest.mark.parametrize("n", [1, 2, 3, 6, 16, 17, 50, 64, 65])
def test_any_number_of_threads_and_any_company_give_the_same_bits(n):
    H = goe(np.random.default_rng(n), 3000 // n + 3, n)
    all_of_them = (spectrum.eigh, spectrum.slogdet, spectrum.inertia)
    for function in all_of_them:
        one = function(H, workers=1)
        for workers in (2, 3, None):
            for a, b in zip(function(H, workers=workers), one, strict=True):
                np.testing.assert_array_equal(a, b)
        for k in (0, 1, len(H) - 1):
            for a, b in zip(function(H[k]), one, strict=True):
                np.testing.assert_array_equal(a, b[k])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 20, 64, 66])
def test_a_matrix_that_is_not_finite_is_nan_and_the_others_are_right(n, bad):
    rng = np.random.default_rng(n)
    H = goe(rng, 30, n)
    good = [spectrum.eigh(H), spectrum.slogdet(H), spectrum.inertia(H)]
    broken = H.copy()
    for k in (0, 11, 29):
        i, j = rng.integers(0, n, size=2)
        broken[k, i, j] = broken[k, j, i] = bad
    codes = np.full(30, -1, dtype=np.intc)
    for function, results in zip(
        (spectrum.eigh, spectrum.slogdet, spectrum.inertia), good, strict=True
    ):
        codes[:] = -1
        for now, before in zip(function(broken, status_out=codes), results, strict=True):
            lost = now[[0, 11, 29]]
            assert (np.isnan(lost) if lost.dtype.kind == "f" else lost == -1).all()
            rest = np.delete(np.arange(30), [0, 11, 29])
            np.testing.assert_array_equal(now[rest], before[rest])
        assert (codes[[0, 11, 29]] == Status.NON_FINITE).all()
        assert (np.delete(codes, [0, 11, 29]) == Status.CONVERGED).all()
    assert np.isnan(spectrum.eigvalsh(broken)[[0, 11, 29]]).all()


def test_shapes():
    H = goe(np.random.default_rng(0), 24, 5).reshape(2, 3, 4, 5, 5)
    values, vectors = spectrum.eigh(H)
    assert values.shape == (2, 3, 4, 5)
    assert vectors.shape == H.shape
    assert spectrum.logabsdet(H).shape == (2, 3, 4)
    assert spectrum.inertia(H).zero.shape == (2, 3, 4)
    np.testing.assert_allclose(H @ vectors, vectors * values[..., None, :], atol=1e-13)
    assert isinstance(spectrum.logabsdet(H[0, 0, 0]), float)
    assert spectrum.inertia(-np.eye(3)) == (3, 0, 0)
    assert all(type(count) is int for count in spectrum.inertia(np.eye(3)))


def test_nothing_at_all():
    for shape in ((0, 3, 3), (4, 0, 0), (0, 0, 0), (2, 0, 5, 5), (0, 0)):
        H = np.zeros(shape)
        values, vectors = spectrum.eigh(H)
        assert values.shape == shape[:-1]
        assert vectors.shape == shape
        assert spectrum.eigvalsh(H).shape == shape[:-1]
        np.testing.assert_array_equal(spectrum.slogdet(H), np.linalg.slogdet(H))
        for counts in spectrum.inertia(H):
            np.testing.assert_array_equal(counts, np.zeros(shape[:-2]))


@pytest.mark.parametrize("diagonal", [0.0, 1.0, -3.0, 1e300, 1e-300])
@pytest.mark.parametrize("exponent", [-8, -150, -156, -160, -163, -170, -300, -323])
def test_multiples_of_the_unit_matrix_but_for_very_little(diagonal, exponent):
    little = float(f"1e{exponent}")
    H = np.array([[diagonal, little], [little, diagonal]])
    values, vectors = spectrum.eigh(H)
    np.testing.assert_allclose(values, [diagonal - little, diagonal + little], rtol=2 * EPS)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(2), atol=8 * EPS)
    if abs(diagonal) < 1e200:
        exact = np.sqrt(0.5) * np.array([[1, 1], [-1, 1]])
        np.testing.assert_allclose(vectors, exact, rtol=4 * EPS)
    np.testing.assert_array_equal(spectrum.eigvalsh(H), values)


@pytest.mark.parametrize("n", [3, 4, 8, 11, 16, 20])
def test_neighbours_that_need_scaling_change_nothing(n):
    rng = np.random.default_rng(n)
    grades = np.logspace(-150, 0, n)
    graded = goe(rng, 64, n) * grades[:, None] * grades
    mixed = np.zeros((128, n, n))
    mixed[::2] = graded
    for function in (spectrum.eigvalsh, lambda H: spectrum.eigh(H).eigenvectors):
        np.testing.assert_array_equal(function(mixed)[::2], function(graded))
