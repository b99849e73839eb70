"""Spectral starts and curvature along descents of complex data."""

import math

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.optimize import brentq
from scipy.special import exp1

from talweg import Status, phase_retrieval
from talweg.phase_retrieval import Problem, descend, spectral_overlap, spectral_start

from .complex_data import in_coordinates

LABEL_KINDS = ("averaged-hessian", "mondelli-montanari", "optimal")


def as_complex(w):
    return w[: len(w) // 2] + 1j * w[len(w) // 2 :]


def hermitian(problem, weights):
    """(1/M) sum T x^* x^T."""
    X = problem.X[:, : problem.N] - 1j * problem.X[:, problem.N :]
    return (X.conj().T * weights) @ X / problem.M


def horizontal_pairs(problem, w):
    """Eigenpairs of the Hessian on the sphere, orthogonal to w and i w, from derivatives of the loss."""
    plane = in_coordinates(as_complex(w))
    basis = np.linalg.svd(plane.T)[2][2:].T
    euclidean = problem.N * problem.hess(w)
    values, vectors = np.linalg.eigh(basis.T @ euclidean @ basis)
    return values - w @ problem.grad(w), basis @ vectors


# Starts.


def test_starts_are_the_eigenvectors_that_they_say():
    problem = Problem(40, 3.0, rng=4, complex=True)
    y = problem.y
    for kind, T in {
        "averaged-hessian": -2 * (2 - y) / (1 + y),
        "mondelli-montanari": (y - 1) / (y + np.sqrt(3.0) - 1),
        "optimal": 1 - 1 / y,
    }.items():
        w = spectral_start(problem, kind)
        assert w @ w == pytest.approx(40)
        v, A = as_complex(w), hermitian(problem, T)
        value = np.vdot(v, A @ v).real / 40
        assert np.linalg.norm(A @ v - value * v) < 1e-8 * np.abs(A).sum(axis=0).max()
        assert value == pytest.approx(np.linalg.eigvalsh(A)[-1])
        largest = v[np.abs(v).argmax()]
        assert largest.real == pytest.approx(abs(largest))
    w = spectral_start(problem, "hessian", rng=6)
    rng = np.random.default_rng(np.random.SeedSequence(6, spawn_key=(1,)))
    _, vectors = horizontal_pairs(problem, problem.random_point(rng))
    assert abs(vectors[:, 0] @ w) / np.sqrt(40) == pytest.approx(1, abs=1e-8)


def test_large_problems_use_products_only(monkeypatch):
    problem = Problem(40, 3.0, rng=9, complex=True)
    dense = {kind: spectral_start(problem, kind) for kind in LABEL_KINDS}
    monkeypatch.setattr("talweg.phase_retrieval.spectral_starts._DENSE", 10)
    for kind, w in dense.items():
        assert spectral_start(problem, kind) @ w / 40 == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("alpha", [1.5, 6.0])
@pytest.mark.parametrize("kind", LABEL_KINDS)
def test_overlaps_agree_with_theory(kind, alpha):
    squares = []
    for seed in range(12):
        problem = Problem(300, alpha, 0.5, rng=seed, complex=True)
        squares.append(problem.overlap(spectral_start(problem, kind)) ** 2)
    expected = spectral_overlap(alpha, kind, a=0.5, complex=True).value
    if expected == 0.0:
        assert np.mean(squares) < 0.1
    else:
        error = np.std(squares, ddof=1) / np.sqrt(len(squares))
        assert abs(np.mean(squares) - expected) < 3 * error + 4 / 300


def test_overlaps_of_the_hessian_at_a_random_point():
    # The two lowest vectors are a pair that is one in the limit: the share of both is expected.
    alpha, shares = 8.0, []
    expected = spectral_overlap(alpha, "hessian", complex=True).value
    for seed in range(8):
        problem = Problem(200, alpha, rng=seed, complex=True)
        w = problem.random_point(rng=seed)
        pairs = problem.extreme_pairs(w, k=2, phase=False)
        plane = in_coordinates(as_complex(problem.signal))
        shares.append(((plane.T @ pairs.eigenvectors) ** 2).sum() / 2)
        start = spectral_start(problem, "hessian", rng=seed)
        share = (plane.T @ pairs.eigenvectors[:, 0]) ** 2
        assert problem.overlap(start) ** 2 == pytest.approx(share.sum(), abs=1e-6)
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    assert abs(np.mean(shares) - expected) < 3 * error + 4 / 200


def test_weak_recovery_begins_at_one():
    for kind in ("optimal", "mondelli-montanari"):
        assert spectral_overlap(1.0, kind, complex=True).value == 0.0
        assert spectral_overlap(0.9, kind, complex=True).value == 0.0
        assert 0.0 < spectral_overlap(1.004, kind, complex=True).value < 0.003


def test_no_preprocessing_beats_the_optimal_one():
    for alpha in (1.1, 2.0, 5.0):
        best = spectral_overlap(alpha, complex=True).value
        for kind in ("mondelli-montanari", "averaged-hessian", "without-gauss-newton", "hessian"):
            assert spectral_overlap(alpha, kind, a=0.3, complex=True).value < best
        trimmed = spectral_overlap(
            alpha, lambda y: y * (y < 5), supremum=5.0, breakpoints=[5.0], complex=True
        )
        assert trimmed.value < best


def test_the_optimal_overlap_by_exponential_integrals():
    # d/(1 + q d) is (1 - y)/((1 - q) (y + c)) for d = 1/y - 1, c = q/(1 - q).
    alpha = 2.5

    def means(q):
        c = q / (1.0 - q)
        first = math.exp(c) * exp1(c)
        # Over exp(-y): (1 - y)^2/(y + c), (1 - y)^2/(y + c)^2 and y times that.
        once = (1.0 + c) ** 2 * first - 1.0 - c
        twice = (1.0 + c) ** 2 * (1.0 / c - first) - 2.0 * (1.0 + c) * first + 1.0
        return once / (1.0 - q), twice / (1.0 - q) ** 2, (once - c * twice) / (1.0 - q) ** 2

    q = brentq(lambda t: alpha * t * means(t)[0] - 1.0, 1e-3, 0.99, xtol=1e-15)
    _, square, pull = means(q)
    tau = 1.0 / (alpha * q * q) - square
    found = spectral_overlap(alpha, complex=True)
    assert found.value == pytest.approx(tau / (tau + pull), rel=1e-8)
    assert found.error < 1e-6


def test_small_alpha_is_refused():
    problem = Problem(30, 0.9, rng=1, complex=True)
    with pytest.raises(ValueError, match="needs alpha above 1 for complex data"):
        spectral_start(problem, "mondelli-montanari")
    with pytest.raises(TypeError, match="complex: want True or False"):
        spectral_overlap(2.0, complex=1)


# Eigenpairs without the phase.


@pytest.mark.parametrize("N", [20, 90])
@pytest.mark.parametrize("which", ["lowest", "highest", "both"])
def test_pairs_without_the_phase(N, which):
    problem = Problem(N, 4.0, rng=3, complex=True)
    w = problem.random_point(rng=2)
    exact, _ = horizontal_pairs(problem, w)
    pairs = problem.extreme_pairs(w, k=3, which=which, phase=False)
    wanted = {"lowest": exact[:3], "highest": exact[-3:], "both": np.r_[exact[:3], exact[-3:]]}
    assert pairs.eigenvalues == pytest.approx(wanted[which], abs=1e-6)
    assert np.abs(in_coordinates(as_complex(w)).T @ pairs.eigenvectors).max() < 1e-6


def test_many_pairs_without_the_phase():
    # So many that the stand-ins of w and i w lie among them.
    problem = Problem(60, 0.2, 3.0, rng=3, complex=True)
    w = problem.random_point(rng=2)
    pairs = problem.extreme_pairs(w, k=11, which="lowest", phase=False)
    assert pairs.eigenvalues == pytest.approx(horizontal_pairs(problem, w)[0][:11], abs=1e-6)
    assert np.abs(in_coordinates(as_complex(w)).T @ pairs.eigenvectors).max() < 1e-4


def test_the_phase_of_a_minimum_is_left_out():
    problem = Problem(50, 6.0, rng=3, complex=True)
    w = problem.signal
    with_phase = problem.extreme_pairs(w, k=2)
    assert with_phase.eigenvalues[0] == pytest.approx(0.0, abs=1e-7)
    turned = in_coordinates(as_complex(w))[:, 1]
    assert abs(turned @ with_phase.eigenvectors[:, 0]) == pytest.approx(1.0, abs=1e-6)
    without = problem.extreme_pairs(w, phase=False)
    assert without.eigenvalues[0] == pytest.approx(with_phase.eigenvalues[1], abs=1e-6)
    assert without.eigenvalues[0] > 0.01


def test_pairs_that_there_are_not():
    problem = Problem(3, 4.0, rng=0, complex=True)
    w = problem.random_point(rng=1)
    assert len(problem.extreme_pairs(w, k=4, phase=False).eigenvalues) == 4
    with pytest.raises(ValueError, match="k: want at most 4"):
        problem.extreme_pairs(w, k=5, phase=False)
    with pytest.raises(TypeError, match="phase: want True or False"):
        problem.extreme_pairs(w, phase=0)
    real = Problem(6, 4.0, rng=0)
    w = real.random_point(rng=1)
    pairs = [real.extreme_pairs(w, k=5, phase=phase).eigenvalues for phase in (True, False)]
    assert pairs[0] == pytest.approx(pairs[1])


# Descents.


def test_records_of_the_curvature():
    problem = Problem(40, 5.0, rng=11, complex=True)
    starts = problem.random_point(rng=5, size=2)
    found = descend(problem, starts, 0.05, 60, record=20, curvature=True, tol=1e-9)
    for j, k in enumerate(found.step):
        points = descend(problem, starts, 0.05, int(k)).w
        for r, w in enumerate(points):
            values, vectors = horizontal_pairs(problem, w)
            assert found.path_eigenvalue[j, r] == pytest.approx(values[0], abs=1e-6)
            if values[1] - values[0] > 1e-2:
                share = abs(np.vdot(as_complex(problem.signal), as_complex(vectors[:, 0]))) ** 2
                assert found.path_eigenvector_overlap[j, r] == pytest.approx(share / 40, abs=1e-5)


def test_a_descent_ends_in_a_minimum_up_to_the_phase():
    problem = Problem(30, 10.0, rng=2, complex=True)
    start = spectral_start(problem, "optimal")
    found = descend(problem, start, 0.05, 4000, record=20, curvature=True, gtol=1e-6)
    assert found.status == Status.CONVERGED
    assert found.overlap == pytest.approx(1.0, abs=1e-9)
    # With the phase it would be 0.
    assert found.path_eigenvalue[np.isfinite(found.path_eigenvalue)][-1] > 0.05


def test_the_empirical_law_predicts_the_lowest_eigenvalue_at_a_random_start():
    problem = Problem(300, 8.0, rng=7, complex=True)
    w = problem.random_point(rng=8)
    found = descend(problem, w, n_steps=0, curvature=True)
    law = phase_retrieval.empirical_law(*problem.samples(w))
    outlier = phase_retrieval.outlier(law, problem.alpha)
    value = found.path_eigenvalue[0] + found.path_mu[0]
    assert abs(value - outlier.eigenvalue) < 2.0 * outlier.eigenvalue_error
    assert found.path_eigenvector_overlap[0] == pytest.approx(outlier.overlap_squared, abs=0.12)


def test_samples_of_hermitian_matrices_have_the_law_of_labels():
    # The top of the spectrum and the share of its vector, against the samples' own law.
    problem = Problem(400, 3.0, rng=1, complex=True)
    T = (problem.y - 1.0) / (problem.y + 0.5)
    value, vector = eigh(hermitian(problem, T), subset_by_index=[399, 399])
    u = problem.samples(problem.signal)[1]
    law = phase_retrieval.empirical_law(u, u, curvature=-T)
    found = phase_retrieval.outlier(law, 3.0)
    assert abs(value[0] + found.eigenvalue) < 1.5 * found.eigenvalue_error
    share = abs(np.vdot(as_complex(problem.signal), vector[:, 0])) ** 2 / 400
    assert abs(share - found.overlap_squared) < 2.0 * found.overlap_squared_error + 4 / 400
