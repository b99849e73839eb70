"""Gradient descent on the sphere, of points that share the data."""

import numpy as np
import pytest

from talweg.phase_retrieval import Problem, sphere_descent
from talweg.status import Status


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_steps_are_those_of_the_formula(complex, dtype):
    problem = Problem(25, 4.0, rng=0, dtype=dtype, complex=complex)
    starts = problem.random_point(1, size=3)
    eta, steps = 0.03, 20
    found = sphere_descent(problem, starts, eta, steps, record_every=8)
    assert found.step.tolist() == [0, 8, 16, 20]
    np.testing.assert_allclose(found.time, eta * found.step)
    w = starts
    for step in range(steps + 1):
        if step in found.step:
            row = found.step.tolist().index(step)
            np.testing.assert_allclose(found.loss[row], problem.loss(w), rtol=1e-9)
            np.testing.assert_allclose(found.overlap[row], problem.overlap(w), rtol=1e-7)
            np.testing.assert_allclose(found.curvature[row], problem.mu(w), rtol=1e-8)
        if step < steps:
            w = problem.on_sphere(w - eta * problem.N * problem.gradient(w))
    np.testing.assert_allclose(found.w, w, rtol=1e-8, atol=1e-8)
    assert found.nit == steps
    assert (found.status == Status.MAX_STEPS).all()


def test_neighbours_records_and_threads_change_nothing():
    X = np.random.default_rng(0).standard_normal((900, 90))
    signal = np.ones(90)
    one, several = (Problem.from_data(X, signal=signal, workers=k) for k in (1, 2))
    starts = one.random_point(1, size=37)
    all_together = sphere_descent(one, starts, 0.05, 30)
    for k in (0, 35):
        alone = sphere_descent(several, starts[k], 0.05, 30, record_every=7)
        np.testing.assert_array_equal(alone.w, all_together.w[k])
        assert alone.loss[-1] == all_together.loss[-1, k]
        assert alone.w.shape == (90,)
        assert alone.status is Status.MAX_STEPS


def test_a_callback_sees_and_stops():
    problem = Problem(30, 4.0, rng=0)
    starts = problem.random_point(1, size=2)
    seen = []

    def callback(step, w):
        seen.append((step, w))
        return step >= 20

    stopped = sphere_descent(problem, starts, 0.05, 100, record_every=10, callback=callback)
    assert [step for step, _ in seen] == [0, 10, 20]
    np.testing.assert_array_equal(seen[0][1], starts)
    assert stopped.nit == 20
    assert stopped.step.tolist() == [0, 10, 20]
    assert (stopped.status == Status.INTERRUPTED).all()
    straight = sphere_descent(problem, starts, 0.05, 20, record_every=10)
    np.testing.assert_array_equal(stopped.w, straight.w)
    np.testing.assert_array_equal(stopped.loss, straight.loss)


def test_an_interrupt_keeps_what_was_done():
    problem = Problem(30, 4.0, rng=0)

    def callback(step, w):
        if step == 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        sphere_descent(problem, problem.signal, 0.05, 100, record_every=5, callback=callback)
    assert caught.value.result.nit == 10
    assert caught.value.result.step.tolist() == [0, 5, 10]
    assert caught.value.result.status is Status.INTERRUPTED


def test_the_signal_stays_where_it_is():
    problem = Problem(40, 5.0, rng=0)
    found = sphere_descent(problem, problem.signal, 0.05, 50)
    np.testing.assert_allclose(found.w, problem.signal, rtol=1e-12)
    assert found.overlap[-1] == pytest.approx(1.0)


def test_a_step_too_long_says_so():
    problem = Problem(20, 3.0, rng=0)
    for eta in (1e200, 1e300):
        found = sphere_descent(problem, problem.random_point(0, size=2), eta, 3)
        assert np.isnan(found.w).all()
        assert (found.status == Status.NON_FINITE).all()
        assert "eta is too long" in found.message


def test_no_steps():
    problem = Problem(20, 3.0, rng=0, labels="random")
    w = problem.random_point(0)
    found = sphere_descent(problem, w, 0.1, 0)
    np.testing.assert_array_equal(found.w, w)
    np.testing.assert_allclose(found.loss, [problem.loss(w)], rtol=1e-14)
    assert np.isnan(found.overlap).all()


def test_arguments_that_make_no_sense():
    problem = Problem(20, 3.0, rng=0)
    w = problem.signal
    with pytest.raises(TypeError, match="problem: want a Problem"):
        sphere_descent(lambda w: 0.0, w, 0.1, 5)
    with pytest.raises(ValueError, match=r"starts: want \|w\|\^2 = N"):
        sphere_descent(problem, 2 * w, 0.1, 5)
    with pytest.raises(ValueError, match="starts: want shape"):
        sphere_descent(problem, w[:5], 0.1, 5)
    with pytest.raises(ValueError, match="starts: want at least one"):
        sphere_descent(problem, np.zeros((0, 20)), 0.1, 5)
    for eta in (0.0, -0.1, np.inf, np.nan):
        with pytest.raises(ValueError, match="eta: want a positive finite number"):
            sphere_descent(problem, w, eta, 5)
    with pytest.raises(ValueError, match="n_steps: want at least 0"):
        sphere_descent(problem, w, 0.1, -1)
    with pytest.raises(TypeError, match="callback: want a function"):
        sphere_descent(problem, w, 0.1, 5, callback=3)
