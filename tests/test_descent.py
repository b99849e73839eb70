"""Gradient descent: closed formulas, plain NumPy, and one kind of loop against the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import rosen, rosen_der

import talweg
from talweg import surfaces
from talweg.status import Status

pytest.importorskip("llvmlite")

RNG = np.random.default_rng(5)


def by_hand(gradient, x, h, count):
    x = np.array(x, dtype=float)
    for _ in range(count):
        x = x - h * gradient(x)
    return x


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1200])
def test_a_quadratic_contracts_by_its_factors(compiled, count):
    f = talweg.Objective(lambda x: 0.5 * x[0] ** 2 + 2.0 * x[1] ** 2, 2)
    f = f.compile() if compiled else f
    x0 = RNG.normal(size=(7, 2))
    found = talweg.descend(f, x0, 0.1, count)
    np.testing.assert_allclose(found.x, x0 * np.array([0.9, 0.6]) ** count, rtol=1e-12)
    np.testing.assert_allclose(found.fun, f(found.x))
    assert (found.status == Status.MAX_STEPS).all() and (found.steps == count).all()


@pytest.mark.parametrize(
    "fun",
    [
        lambda x: x[0] * x[1],  # the gradient is the point, turned about
        lambda x: 3.0 * x[0] - x[1],  # and a constant
        lambda x: 0.5 * x[0] ** 2 + 0 * x[1],
        lambda x: np.exp(-x[0] * x[0]) * np.sin(x[1]) + np.abs(x[0]) + np.power(x[1] + 4, 1.5),
    ],
)
def test_loops_of_machine_code_are_the_steps(fun):
    f = talweg.Objective(fun, 2)
    x0 = RNG.uniform(-1, 1, size=(37, 2))
    want = np.array([by_hand(f.grad, x, 0.02, 30) for x in x0])
    for g in (f, f.compile()):
        np.testing.assert_allclose(talweg.descend(g, x0, 0.02, 30).x, want, rtol=1e-11, atol=1e-13)


@settings(max_examples=20)
@given(st.integers(1, 2100), st.integers(0, 40), st.booleans(), st.integers(1, 3))
def test_every_number_of_points_and_threads(points, count, compiled, workers):
    f = surfaces.rosenbrock(3)
    f = f.compile() if compiled else f
    x0 = np.random.default_rng(points).uniform(-0.5, 0.5, size=(points, 3))
    found = talweg.descend(f, x0, 1e-3, count, workers=workers)
    one = talweg.descend(f, x0[-1], 1e-3, count)
    np.testing.assert_array_equal(found.x[-1], one.x)
    np.testing.assert_allclose(one.x, by_hand(rosen_der, x0[-1], 1e-3, count), rtol=1e-9)


@pytest.mark.parametrize("compiled", [False, True])
def test_descents_that_blow_up_keep_their_last_finite_points(compiled):
    f = talweg.Objective(lambda x: x[0] ** 4 + x[1] ** 2, 2)
    f = f.compile() if compiled else f
    x0 = [[0.1, 1.0], [30.0, 1.0], [0.0, -2.0], [5.0, 0.0], [1e200, 1.0]]
    found = talweg.descend(f, x0, 0.1, 3000)
    assert [s == Status.NON_FINITE for s in found.status] == [False, True, False, True, True]
    with np.errstate(over="ignore"):
        for start, x, steps, status in zip(x0, found.x, found.steps, found.status):
            assert np.isfinite(x).all()
            if status == Status.NON_FINITE:
                np.testing.assert_allclose(x, by_hand(f.grad, start, 0.1, steps), rtol=1e-10)
                after = x - 0.1 * f.grad(x)
                assert not np.isfinite(after).all()
            else:
                assert steps == 3000


@pytest.mark.parametrize("compiled", [False, True])
def test_paths(compiled):
    f = surfaces.himmelblau()
    f = f.compile() if compiled else f
    x0 = [[1.0, 1.0], [-1.0, 2.0], [100.0, 0.0]]
    found = talweg.descend(f, x0, 0.01, 25, record_every=10)
    assert found.path.shape == (3, 3, 2)
    np.testing.assert_array_equal(found.path[0], x0)
    for k in (1, 2):
        part = talweg.descend(f, x0, 0.01, 10 * k)
        np.testing.assert_allclose(found.path[k, :2], part.x[:2], rtol=1e-13)
        assert np.isnan(found.path[k, 2]).all()
    assert talweg.descend(f, x0[0], 0.01, 20, record_every=5).path.shape == (5, 2)


def test_python_functions_and_metrics_descend():
    f = talweg.Objective.from_callables(rosen, rosen_der, n=2, batched=False)
    found = talweg.descend(f, [0.5, 0.5], 1e-3, 50)
    np.testing.assert_allclose(found.x, by_hand(rosen_der, [0.5, 0.5], 1e-3, 50), rtol=1e-12)
    metric = np.array([[2.0, 0.3], [0.3, 1.0]])
    for g in (f, surfaces.rosenbrock(2).compile()):
        found = talweg.descend(g.with_metric(metric), [0.5, 0.5], 1e-3, 50)
        want = by_hand(lambda x: np.linalg.solve(metric, rosen_der(x)), [0.5, 0.5], 1e-3, 50)
        np.testing.assert_allclose(found.x, want, rtol=1e-11)


def test_other_parameters_are_other_loops():
    def parabola(x, a):
        return a * x[0] ** 2 / 2

    f = talweg.Objective(parabola, 1, parameters={"a": 1.0}).compile()
    assert talweg.descend(f, [1.0], 0.1, 1).x == pytest.approx(0.9)
    assert talweg.descend(f.with_parameters(a=2.0), [1.0], 0.1, 1).x == pytest.approx(0.8)


def test_what_was_reached_is_kept_when_interrupted():
    calls = []

    def interrupting(x):
        calls.append(x)
        if len(calls) == 700:
            raise KeyboardInterrupt
        return x

    f = talweg.Objective.from_callables(
        lambda x: x @ x / 2, interrupting, n=1, batched=False, verify=False
    )
    calls.clear()
    with pytest.raises(KeyboardInterrupt) as caught:
        talweg.descend(f, [1e30], 0.1, 2000)
    found = caught.value.result
    assert found.status == Status.INTERRUPTED
    assert found.steps == 512
    assert found.x[0] == pytest.approx(1e30 * 0.9**512)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0, 3.0], 0.1, 1), r"x0: want shape \(2,\)"),
        (([1.0, np.nan], 0.1, 1), "x0: want finite"),
        (([1.0, 2.0], -0.1, 1), "step_length: want a positive"),
        (([1.0, 2.0], 0.1, -1), "n_steps"),
        (([1.0, 2.0], "long", 1), "step_length"),
    ],
)
def test_unusable_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        talweg.descend(surfaces.himmelblau(), *arguments)
