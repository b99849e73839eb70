"""Decompositions in single precision with corrected pairs, against full ones."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.phase_retrieval import Problem
from talweg.spectrum import lowest

RANDOM = np.random.default_rng(11)
N = 120


def quadratic(values, seed=0):
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values),) * 2))[0]
    a = q * values @ q.T
    return (a + a.T) / 2


def refined(a, k, which, **options):
    f = talweg.models.quadratic(a)
    return lowest(f, np.zeros(len(a)), k=k, which=which, method="refined", **options)


def check(a, found, k, which, tol=1e-8):
    assert found.success, found
    size = np.linalg.norm(a, 2)
    values = np.linalg.eigvalsh(a)
    values = values[:k] if which == "smallest" else values[-k:]
    v = found.eigenvectors
    residuals = np.linalg.norm(a @ v - v * found.eigenvalues, axis=0)
    assert residuals.max() <= 1.001 * tol * size + 1e-13 * size
    np.testing.assert_allclose(found.residuals, residuals, atol=1e-13 * size)
    assert (np.abs(found.eigenvalues - values) <= found.errors + 2e-14 * size).all()
    np.testing.assert_allclose(v.T @ v, np.eye(k), atol=1e-12)
    assert found.norm <= size * (1 + 1e-12)
    assert found.missed_probability == 0.0


@pytest.mark.parametrize("which", ["smallest", "largest"])
@pytest.mark.parametrize("k", [1, 4, 20])
@pytest.mark.parametrize("tol", [1e-5, 1e-8, 1e-12])
def test_against_full_decompositions(k, which, tol):
    a = quadratic(RANDOM.standard_normal(N))
    found = refined(a, k, which, tol=tol)
    assert found.method == "refined"
    check(a, found, k, which, tol)


@pytest.mark.parametrize("which", ["smallest", "largest"])
@pytest.mark.parametrize("distance", [0.0, 1e-13, 1e-9, 1e-7, 1e-6, 1e-5, 1e-4])
@pytest.mark.parametrize("copies", [2, 3, 6])
def test_pairs_that_single_precision_cannot_tell_apart(which, distance, copies):
    # The third wanted pair has neighbours that are not wanted.
    values = np.r_[0.0, 0.05, 0.1 + distance * np.arange(copies), RANDOM.uniform(0.3, 1, 100)]
    a = quadratic(values if which == "smallest" else -values)
    found = refined(a, 3, which)
    assert found.method == "refined"
    check(a, found, 3, which)


@pytest.mark.parametrize(
    "values",
    [
        np.full(N, 2.5),
        np.zeros(N),
        np.r_[np.full(40, -1.0), np.ones(80)],
        np.logspace(-14, 0, N),
        1e300 * RANDOM.standard_normal(N),
        1e-300 * RANDOM.standard_normal(N),
        1e20 * RANDOM.standard_normal(N),
        1e-30 * RANDOM.standard_normal(N),
    ],
    ids=["one", "zero", "two", "graded", "huge", "tiny", "above single", "below single"],
)
def test_what_single_precision_does_not_serve_is_decomposed_in_double(values):
    a = quadratic(values)
    found = refined(a, 3, "smallest")
    assert found.method == "dense"
    size = np.abs(values).max()
    np.testing.assert_allclose(
        found.eigenvalues, np.sort(values)[:3], rtol=0, atol=1e-12 * size, equal_nan=False
    )


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.sampled_from(["smallest", "largest"]))
@settings(max_examples=60, deadline=None)
def test_random_spectra_with_near_copies(seed, n, which):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(n)
    near = rng.integers(n, size=n // 2)
    values[: n // 2] = values[near] + 10.0 ** rng.uniform(-14, -2) * rng.standard_normal(n // 2)
    a = quadratic(values, seed)
    k = int(rng.integers(1, n + 1))
    found = refined(a, k, which)
    size = np.linalg.norm(a, 2)
    expected = np.linalg.eigvalsh(a)
    expected = expected[:k] if which == "smallest" else expected[-k:]
    np.testing.assert_allclose(found.eigenvalues, expected, rtol=0, atol=1e-12 * size)
    v = found.eigenvectors
    assert np.linalg.norm(a @ v - v * found.eigenvalues, axis=0).max() <= 1.01e-8 * size


def test_both_ends_and_functions_are_decomposed_in_double():
    a = quadratic(RANDOM.standard_normal(N))
    assert refined(a, 2, "both").method == "dense"
    found = lowest(lambda v: a @ v, n=N, k=2, method="refined")
    assert found.method == "dense" and found.success


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("workers", [1, 2])
def test_phase_retrieval(dtype, workers):
    problem = Problem(320, 3.0, rng=3, dtype=dtype, workers=workers)
    w = problem.random_point(4)
    hessian = problem.sphere_hessian(w)
    expected = np.linalg.eigvalsh(hessian.matmat(np.eye(320)))
    for which, values in (("smallest", expected[:5]), ("largest", expected[-5:])):
        pairs = lowest(hessian, k=5, which=which)
        assert pairs.method == "refined"
        np.testing.assert_allclose(pairs.eigenvalues, values, atol=1e-12 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_observations(dtype):
    # Sums of so many terms in single precision would be wrong in the sixth digit.
    problem = Problem(300, 200.0, rng=1, dtype=dtype, workers=1)
    hessian = problem.sphere_hessian(problem.random_point(2))
    found = lowest(hessian, k=3)
    assert found.method == "refined"
    np.testing.assert_allclose(
        found.eigenvalues, lowest(hessian, k=3, method="dense").eigenvalues, atol=1e-12 * found.norm
    )


def test_workers_give_the_same_bits():
    found = []
    for workers in (1, 2, 3):
        problem = Problem(310, 2.0, rng=5, workers=workers)
        found.append(problem.extreme_pairs(problem.random_point(6), 3).eigenvectors)
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_lanczos_where_the_end_of_the_spectrum_is_not_crowded():
    problem = Problem(1210, 3.0, rng=2, workers=1)
    hessian = problem.sphere_hessian(problem.random_point(3))
    low = lowest(hessian, k=4)
    assert low.method == "refined" and low.products == 8
    again = lowest(hessian, k=4, method="block")
    assert again.method == "block"
    np.testing.assert_allclose(low.eigenvalues, again.eigenvalues, atol=1e-9 * low.norm)
    assert lowest(hessian, k=1, which="largest").method == "block"


def test_large_terms_that_cancel():
    # The errors that they make in single precision are in one coordinate, where the eigenvectors that
    # are found first do not live.
    n, rows, size, many = 320, 960, 1e6, 12
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((rows, n))
        x[:, 0] = 0.0
        w = rng.standard_normal(n)
        w[0] = 0.0
        w *= np.sqrt(n) / np.linalg.norm(w)
        y = (x @ rng.standard_normal(n)) ** 2 / n
        # lambda is 1 in all of them.
        x[:many] = 0.0
        x[:many, 0] = size
        x[:many, 1] = np.sqrt(n) / w[1]
        y[:many] = 3 + rng.uniform(-2, 2, many)
        rest = -0.8 * rows / size**2 - (2 * (3 - y[: many - 1]) / (1 + y[: many - 1])).sum()
        y[many - 1] = (6 - rest) / (2 + rest)
        if y[many - 1] < 0:
            continue
        hessian = Problem.from_data(x, y, workers=1).sphere_hessian(w)
        found = lowest(hessian, k=2)
        expected = np.linalg.eigvalsh(hessian.matmat(np.eye(n)))[:2]
        np.testing.assert_allclose(found.eigenvalues, expected, atol=1e-5 * found.norm)
