"""Descents on the sphere and their starts."""

import signal
import threading
import time

import numpy as np
import pytest

from talweg import Status, phase_retrieval
from talweg.phase_retrieval import (
    Problem,
    descend,
    record_steps,
    spectral_overlap,
    spectral_start,
)


@pytest.fixture(scope="module")
def problem():
    return Problem(60, 3.0, rng=11)


@pytest.fixture(scope="module")
def starts(problem):
    return problem.random_point(rng=5, size=3)


def plain_loop(problem, w, eta, n_steps):
    """The method as it is written down: w - eta (sqrt N/M) X' l', rescaled."""
    X, N, M = problem.X, problem.N, problem.M
    y = (X @ problem.signal) ** 2 / N
    for _ in range(n_steps):
        s = X @ w / np.sqrt(N)
        w = w - eta * np.sqrt(N) / M * (X.T @ (2 * s * (s * s - y) / (problem.a + y)))
        w = w * np.sqrt(N) / np.linalg.norm(w)
    return w


def dense_hessian(problem, w):
    """N times the Riemannian Hessian from its definition, on the tangent space."""
    N = problem.N
    s, u = problem.X @ w / np.sqrt(N), problem.X @ problem.signal / np.sqrt(N)
    d = 2 * (3 * s * s - u * u) / (problem.a + u * u)
    mu = (2 * s * s * (s * s - u * u) / (problem.a + u * u)).mean()
    D = (problem.X.T * d) @ problem.X / problem.M
    basis = np.linalg.svd(w[None])[2][1:].T
    values, vectors = np.linalg.eigh(basis.T @ D @ basis - mu * np.eye(N - 1))
    return values, basis @ vectors, mu


def test_it_is_the_method(problem, starts):
    found = descend(problem, starts, 0.05, 40)
    for w, begin in zip(found.w, starts):
        assert np.allclose(w, plain_loop(problem, begin, 0.05, 40), rtol=1e-10, atol=1e-10)
    assert np.allclose((found.w**2).sum(axis=1), 60)
    assert (found.status == Status.MAX_STEPS).all()
    assert (found.steps == 40).all()


def test_records_are_the_states_at_their_steps(problem, starts):
    found = descend(problem, starts, 0.05, 30, record=[0, 7, 30], samples=True)
    assert found.step.tolist() == [0, 7, 30]
    assert np.allclose(found.time, [0, 0.35, 1.5])
    for j, k in enumerate(found.step):
        for r, begin in enumerate(starts):
            w = plain_loop(problem, begin, 0.05, k)
            mu = dense_hessian(problem, w)[2]
            s = problem.X @ w / np.sqrt(60)
            u = problem.X @ problem.signal / np.sqrt(60)
            assert found.path_loss[j, r] == pytest.approx(
                ((s * s - u * u) ** 2 / (2 * (1 + u * u))).mean(), rel=1e-9
            )
            assert found.path_overlap[j, r] == pytest.approx(w @ problem.signal / 60, abs=1e-10)
            assert found.path_mu[j, r] == pytest.approx(mu, rel=1e-9)
            assert np.allclose(found.path_samples[j, r], s, rtol=1e-9, atol=1e-10)
    assert (found.loss == found.path_loss[-1]).all()


def test_slope_is_the_derivative_of_the_loss_along_the_sphere(problem, starts):
    found = descend(problem, starts[0], 0.05, 0)
    w = starts[0]
    g = 60 * problem.gradient(w)
    tangent = g - w * (g @ w) / 60
    h = 1e-5
    there = problem.on_sphere(w + h * tangent)
    back = problem.on_sphere(w - h * tangent)
    slope = 60 * (problem.loss(there) - problem.loss(back)) / (2 * h)
    assert found.slope**2 * 60 == pytest.approx(slope, rel=1e-6)


def test_eigenpairs_are_those_of_the_dense_hessian(problem, starts):
    found = descend(problem, starts, 0.05, 60, record=record_steps(60, 9), curvature=True, tol=1e-9)
    for j, k in enumerate(found.step):
        for r, begin in enumerate(starts):
            values, vectors, _ = dense_hessian(problem, plain_loop(problem, begin, 0.05, k))
            assert found.path_eigenvalue[j, r] == pytest.approx(values[0], abs=1e-6)
            if values[1] - values[0] > 1e-2:
                overlap = (problem.signal @ vectors[:, 0]) ** 2 / 60
                assert found.path_eigenvector_overlap[j, r] == pytest.approx(overlap, abs=1e-5)


def test_a_run_does_not_depend_on_its_neighbours_or_on_what_is_recorded(problem, starts):
    together = descend(problem, starts, 0.05, 50)
    alone = descend(problem, starts[1], 0.05, 50, record=[3, 50], gtol=1e-12)
    assert np.allclose(alone.w, together.w[1], rtol=1e-12, atol=1e-12)
    assert isinstance(alone.status, Status)
    assert alone.path_loss.shape == (2,)


def test_a_run_that_finds_the_signal_ends_and_the_others_go_on():
    problem = Problem(40, 4.0, rng=3)
    points = np.stack([problem.signal, problem.random_point(rng=1)])
    found = descend(problem, points, 0.05, 20, record=5, target=0.99)
    assert found.status[0] == Status.ENTERED_BALL
    assert found.steps.tolist()[0] == 0
    assert (found.w[0] == problem.signal).all()
    assert np.isnan(found.path_loss[1:, 0]).all()
    assert found.steps[1] == 20
    # The signal is a minimum of value 0.
    assert found.loss[0] == pytest.approx(0, abs=1e-20)


def test_convergence_ends_a_run():
    problem = Problem(30, 8.0, rng=3)
    found = descend(problem, problem.random_point(rng=1), 0.05, 100_000, gtol=1e-9)
    assert found.status == Status.CONVERGED
    assert found.slope <= 1e-9
    assert found.steps < 100_000


def test_a_step_that_is_too_long_shows():
    problem = Problem(40, 4.0, 0.01, rng=3)
    points = problem.random_point(rng=1, size=3)
    long = descend(problem, points, 0.5, 100)
    assert (long.status == Status.NOT_CONVERGED).all()
    short = descend(problem, points, 1e-4, 100, record=10)
    assert (short.status == Status.MAX_STEPS).all()
    assert (np.diff(short.path_loss, axis=0) < 0).all()


def test_labels_without_a_signal_have_no_overlap():
    problem = Problem(20, 2.0, rng=1, labels="random")
    found = descend(problem, problem.random_point(rng=2), 0.05, 10)
    assert np.isnan(found.overlap)
    assert np.isfinite(found.loss)
    with pytest.raises(ValueError, match=r"target: .*no signal"):
        descend(problem, problem.random_point(rng=2), target=0.9)
    with pytest.raises(ValueError, match="curvature"):
        descend(problem, problem.random_point(rng=2), curvature=True)


def test_stop_and_callback_keep_what_is_done(problem, starts):
    seen = []

    def enough(step, so_far):
        seen.append(step)
        return step >= 20

    found = descend(problem, starts, 0.05, 1000, record=10, callback=enough)
    assert seen == [0, 10, 20]
    assert (found.status == Status.INTERRUPTED).all()
    assert (found.steps == 20).all()
    assert np.isnan(found.path_loss[3:]).all()
    found = descend(problem, starts, 0.05, 1000, stop=lambda: True)
    assert (found.status == Status.INTERRUPTED).all()
    assert np.isfinite(found.loss).all()


def test_interrupt_keeps_what_is_done():
    problem = Problem(50, 3.0, rng=0)
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt) as stopped:
        descend(problem, problem.random_point(rng=3, size=2), 0.01, 10**8, record=200_000)
    assert time.monotonic() - begin < 10
    found = stopped.value.result
    assert (found.status == Status.INTERRUPTED).all()
    assert np.isfinite(found.path_loss[0]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_length": 0.0}, "step_length: want a positive"),
        ({"n_steps": -1}, "n_steps: want at least 0"),
        ({"record": [5, 2]}, "record: want increasing"),
        ({"record": [0, 9999]}, "record: want increasing steps from 0 to 1600"),
        ({"target": 1.5}, "target: want an overlap"),
        ({"gtol": -1}, "gtol: want a number from 0"),
        ({"check_every": 0}, "check_every: want at least 1"),
        ({"tol": 0.0}, "tol: want a positive"),
    ],
)
def test_senseless_options_are_refused(problem, starts, options, message):
    with pytest.raises(ValueError, match=message):
        descend(problem, starts, **options)


def test_points_off_the_sphere_are_refused(problem):
    with pytest.raises(ValueError, match=r"starts: want points on the sphere"):
        descend(problem, np.ones(60) * 2)
    with pytest.raises(ValueError, match=r"starts: want shape \(60,\)"):
        descend(problem, np.ones(59))


def test_record_steps_include_both_ends():
    for n_steps, count in ((1, 2), (7, 40), (10_000, 50)):
        steps = record_steps(n_steps, count)
        assert steps[0] == 0 and steps[-1] == n_steps
        assert (np.diff(steps) > 0).all()
        assert len(steps) <= count + 1
    assert record_steps(0, 5).tolist() == [0]


# Starts.


def test_every_start_is_on_the_sphere():
    problem = Problem(50, 2.0, rng=2)
    for kind in phase_retrieval.SPECTRAL_STARTS:
        w = spectral_start(problem, kind, rng=2)
        assert w @ w == pytest.approx(50)
        assert (spectral_start(problem, kind, rng=2) == w).all()


def test_the_point_of_the_hessian_is_not_the_signal():
    # With the problem's own seed: there the Hessian is positive and its vectors know nothing.
    squares = []
    for seed in range(4):
        problem = Problem(100, 6.0, rng=seed)
        squares.append(problem.overlap(spectral_start(problem, "hessian", rng=seed)) ** 2)
    assert np.mean(squares) > 0.3


def test_starts_are_the_eigenvectors_that_they_say():
    problem = Problem(40, 3.0, rng=4)
    X, M, y = problem.X, problem.M, (problem.X @ problem.signal) ** 2 / 40
    for kind, T in {
        "averaged-hessian": -2 * (3 - y) / (1 + y),
        "mondelli-montanari": (y - 1) / (y + np.sqrt(6.0) - 1),
        "optimal": 1 - 1 / y,
    }.items():
        w = spectral_start(problem, kind)
        A = (X.T * T) @ X / M
        value = w @ A @ w / 40
        assert np.linalg.norm(A @ w - value * w) < 1e-8 * np.abs(A).sum(axis=0).max()
        assert value == pytest.approx(np.linalg.eigvalsh(A)[-1])
    w = spectral_start(problem, "hessian", rng=6)
    # Some point has this as its lowest eigenvector: the random one of the same generator.
    rng = np.random.default_rng(np.random.SeedSequence(6, spawn_key=(1,)))
    _, vectors, _ = dense_hessian(problem, problem.random_point(rng))
    assert abs(vectors[:, 0] @ w) / np.sqrt(40) == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("kind", ["averaged-hessian", "mondelli-montanari", "optimal"])
def test_overlaps_of_spectral_starts_agree_with_theory(kind):
    # Corrections for finite N are of order 1/N where the overlap is large.
    squares = []
    for seed in range(12):
        problem = Problem(300, 5.0, rng=seed)
        squares.append(problem.overlap(spectral_start(problem, kind)) ** 2)
    error = np.std(squares, ddof=1) / np.sqrt(len(squares))
    expected = spectral_overlap(5.0, kind).value
    assert abs(np.mean(squares) - expected) < 4 * error + 0.01
    assert expected > 0.5


def test_large_problems_use_products_only(monkeypatch):
    problem = Problem(60, 2.0, rng=9)
    dense = {kind: spectral_start(problem, kind) for kind in ("optimal", "mondelli-montanari")}
    monkeypatch.setattr("talweg.phase_retrieval.spectral_starts._DENSE", 10)
    for kind, w in dense.items():
        assert abs(spectral_start(problem, kind) @ w) / 60 == pytest.approx(1, abs=1e-6)


def test_starts_that_do_not_exist_are_refused():
    problem = Problem(30, 0.4, rng=1)
    with pytest.raises(ValueError, match=r"kind: 'mondelli-montanari' needs alpha above 1/2"):
        spectral_start(problem, "mondelli-montanari")
    with pytest.raises(ValueError, match="kind: want one of hessian"):
        spectral_start(problem, "best")
