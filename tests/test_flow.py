"""Gradient flow: matrix exponentials, mpmath's Taylor series, SciPy at tight tolerances, and laws."""

import os
import signal
import threading

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import talweg
from talweg import surfaces
from talweg.status import Status

RNG = np.random.default_rng(7)
METHODS = ["explicit", "implicit", "auto"]


def quadratic(matrix):
    return talweg.models.quadratic(matrix)


def by_scipy(f, x0, times, method="DOP853", rtol=2.3e-14, atol=1e-15):
    """Points at the times, each by an integration that ends there."""
    return np.array(
        [
            x0
            if t == 0
            else solve_ivp(
                lambda _, x: -f.grad(x),
                (0, t),
                x0,
                method,
                rtol=rtol,
                atol=atol,
                **({} if method == "DOP853" else {"jac": lambda _, x: -f.hess(x)}),
            ).y[:, -1]
            for t in times
        ]
    )


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 6),
    st.integers(1, 9),
    st.sampled_from(METHODS),
    st.sampled_from([1e-6, 1e-9, 1e-12]),
    st.integers(0, 2**20),
)
def test_a_quadratic_flows_by_the_matrix_exponential(n, m, method, tolerance, seed):
    rng = np.random.default_rng(seed)
    half = rng.normal(size=(n, n))
    matrix = half @ half.T / n + 0.1 * np.eye(n) - (0.3 if seed % 3 == 0 else 0.0) * np.eye(n)
    x0 = rng.normal(size=(m, n))
    times = np.sort(rng.uniform(0.01, 3.0, size=4))
    found = talweg.flow(
        quadratic(matrix), x0, times, tolerance, tolerance, method=method, log_volume=True
    )
    assert (found.status == Status.MAX_TIME).all()
    for i, t in enumerate(times):
        want = x0 @ expm(-matrix * t)
        error = np.abs(found.x[i] - want).max()
        assert error <= 20 * tolerance * max(1.0, np.abs(want).max(), np.abs(x0).max())
    want = -np.trace(matrix) * times
    np.testing.assert_allclose(
        found.log_volume, np.tile(want[:, None], m), rtol=20 * tolerance, atol=20 * tolerance
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tolerance", [1e-7, 1e-10, 1e-12])
def test_errors_are_a_modest_multiple_of_the_tolerance(method, tolerance):
    f = surfaces.himmelblau()
    x0 = RNG.uniform(-4, 4, size=(8, 2))
    # Inside steps as well as at their end.
    times = np.array([0.003, 0.01, 0.04, 0.2])
    found = talweg.flow(f, x0, times, tolerance, tolerance, method=method)
    for lane, start in enumerate(x0):
        want = by_scipy(f, start, times)
        assert np.abs(found.x[:, lane] - want).max() <= 50 * tolerance * np.abs(want).max()


def test_mpmath_agrees():
    f = talweg.Objective(lambda x: np.exp(x[0]) + x[0] * x[1] + np.cos(x[1]) + x[1] ** 2, 2)
    mpmath.mp.dps = 25

    def right(_, x):
        return [-(mpmath.exp(x[0]) + x[1]), -(x[0] - mpmath.sin(x[1]) + 2 * x[1])]

    solution = mpmath.odefun(right, 0, [mpmath.mpf(1), mpmath.mpf(-2)])
    times = [0.25, 0.5, 1.5]
    for method in METHODS:
        found = talweg.flow(f, [1.0, -2.0], times, 1e-12, 1e-13, method=method)
        want = np.array([[float(v) for v in solution(t)] for t in times])
        assert np.abs(found.x - want).max() < 2e-11


def test_a_known_curve_and_its_volume():
    # f = x^4/4: x' = -x^3, x = x0 / sqrt(1 + 2 t x0^2); the trace is 3 x^2.
    f = talweg.Objective(lambda x: x[0] ** 4 / 4, 1)
    x0 = np.array([[0.5], [1.0], [-3.0]])
    times = np.array([0.0, 0.1, 1.0, 30.0])
    found = talweg.flow(f, x0, times, 1e-11, 1e-13, log_volume=True)
    growth = 1 + 2 * times[:, None] * x0[:, 0] ** 2
    np.testing.assert_allclose(found.x[..., 0], x0[:, 0] / np.sqrt(growth), rtol=1e-9)
    np.testing.assert_allclose(found.log_volume, -1.5 * np.log(growth), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(found.fun, found.x[..., 0] ** 4 / 4)


def test_the_volume_is_the_determinant_of_the_tangent_map():
    f = surfaces.himmelblau()
    x0, t, h = np.array([0.7, -1.1]), 0.05, 1e-5
    around = np.concatenate([x0 + h * np.eye(2), x0 - h * np.eye(2)])
    ends = talweg.flow(f, around, t, 1e-13, 1e-13).x
    tangent = (ends[:2] - ends[2:]).T / (2 * h)
    found = talweg.flow(f, x0, t, 1e-12, 1e-12, log_volume=True)
    assert found.log_volume == pytest.approx(np.log(np.linalg.det(tangent)), abs=1e-7)


@pytest.mark.parametrize("n", [70, 90])
def test_the_volume_among_many_coordinates(n):
    # Above 64 coordinates the trace is made of Hessian-vector products.
    f = talweg.models.phi4_chain(n, 0.7)
    x0 = RNG.normal(size=(3, n))
    found = talweg.flow(f, x0, [0.1, 0.4], 1e-10, 1e-12, log_volume=True, method="explicit")
    fine = talweg.flow(f, x0, np.linspace(0, 0.4, 201), 1e-12, 1e-12)
    traces = np.array([[np.trace(h) for h in f.hess(x)] for x in fine.x])
    from scipy.integrate import simpson

    np.testing.assert_allclose(found.log_volume[1], -simpson(traces, dx=0.002, axis=0), rtol=1e-8)


@pytest.mark.parametrize("name", ["aniso", "rosenbrock", "valley"])
def test_stiff_trajectories(name):
    functions = {
        "aniso": lambda x: (x[0] ** 2 + 1e6 * x[1] ** 2) / 2 + x[0] ** 2 * x[1],
        "rosenbrock": lambda x: (1 - x[0]) ** 2 + 1e4 * (x[1] - x[0] ** 2) ** 2,
        "valley": lambda x: 1e4 * (x[1] - np.sin(x[0])) ** 2 + x[0] ** 2 / 2,
    }
    f = talweg.Objective(functions[name], 2)
    x0, t = np.array([-1.2, 1.0]), 3.0
    want = by_scipy(f, x0, [t], "Radau", 1e-12, 1e-14)[0]
    found = talweg.flow(f, x0, t, 1e-9, 1e-11)
    assert found.status == Status.MAX_TIME
    assert found.implicit_steps > 0 and found.steps < 3000
    np.testing.assert_allclose(found.x, want, atol=2e-8)
    explicit = talweg.flow(f, x0, t, 1e-9, 1e-11, method="explicit")
    assert explicit.implicit_steps == 0 and explicit.steps > 3 * found.steps


def test_flow_goes_down_and_the_gradient_ends_small():
    for f in (surfaces.muller_brown(), surfaces.himmelblau(), surfaces.rosenbrock(4)):
        low, high = f.bounds.T if f.bounds is not None else (-np.ones(f.n), np.ones(f.n))
        x0 = RNG.uniform(0.5 * low, 0.5 * high, size=(40, f.n))
        times = np.concatenate([[0.0], np.geomspace(1e-5, 1e-2, 12)])
        found = talweg.flow(f, x0, times)
        assert (np.diff(found.fun, axis=0) <= 1e-9 * np.abs(found.fun).max()).all()
        ended = talweg.flow(f, x0, np.inf, gradient_tolerance=1e-6)
        assert (ended.status == Status.CONVERGED).all()
        assert (ended.gradient_norm <= 1e-6).all()
        np.testing.assert_allclose(
            np.linalg.norm(f.grad(ended.end), axis=1), ended.gradient_norm, rtol=1e-6, atol=1e-9
        )


def test_flow_runs_back():
    f = surfaces.muller_brown()
    x0 = RNG.uniform([-1, 0], [0.8, 1.5], size=(20, 2))
    t = 2e-3
    there = talweg.flow(f, x0, t, 1e-12, 1e-13).x
    back = talweg.flow(-f, there, t, 1e-12, 1e-13).x
    # What the flow drew together by exp(-lambda t) it drives apart again.
    growth = np.exp(t * np.abs(np.linalg.eigvalsh(f.hess(x0))).max())
    assert np.abs(back - x0).max() < 1e-10 * max(growth, 10.0)


def test_a_trajectory_does_not_depend_on_its_neighbours():
    f = surfaces.muller_brown()
    x0 = RNG.uniform([-1.5, -0.3], [1, 2], size=(700, 2))
    times = [1e-3, 0.02]
    minima = [p for p in talweg.critical_points(f) if p.type == "minimum"]
    options = {"log_volume": True, "minima": minima, "level": -60.0}
    whole = talweg.flow(f, x0, times, workers=1, **options)
    shared = talweg.flow(f, x0, times, workers=3, **options)
    part = talweg.flow(f, x0[300:317], times, workers=1, **options)
    alone = talweg.flow(f, x0[303], times, **options)
    for name in ("x", "log_volume", "end", "entry_time", "level_time", "steps", "rejected"):
        a, b = getattr(whole, name), getattr(shared, name)
        np.testing.assert_array_equal(a, b)
        axis = 1 if name in ("x", "log_volume") else 0
        np.testing.assert_array_equal(a.take(range(300, 317), axis), getattr(part, name))
        np.testing.assert_array_equal(a.take(303, axis), getattr(alone, name))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 130), st.integers(1, 5), st.booleans(), st.integers(0, 1000))
def test_every_number_of_trajectories_and_coordinates(m, n, log_volume, seed):
    rng = np.random.default_rng(seed)
    rates = rng.uniform(0.2, 3.0, size=n)
    f = talweg.models.quadratic(rates)
    x0 = rng.normal(size=(m, n))
    found = talweg.flow(f, x0, [0.5, 0.7], 1e-9, 1e-12, log_volume=log_volume)
    want = x0 * np.exp(-rates * np.array([0.5, 0.7])[:, None, None])
    np.testing.assert_allclose(found.x, want, rtol=1e-7, atol=1e-10)


def test_shapes():
    f = surfaces.himmelblau()
    one = talweg.flow(f, [1.0, 1.0], 0.1, log_volume=True)
    assert one.x.shape == (2,) and isinstance(one.status, Status) and np.ndim(one.fun) == 0
    assert np.ndim(one.log_volume) == 0 and one.end.shape == (2,)
    several = talweg.flow(f, [1.0, 1.0], [0.0, 0.1])
    assert several.x.shape == (2, 2) and several.fun.shape == (2,)
    np.testing.assert_array_equal(several.x[1], several.end)
    np.testing.assert_array_equal(several.x[0], [1.0, 1.0])
    many = talweg.flow(f, [[1.0, 1.0]] * 3, 0.1)
    assert many.x.shape == (3, 2) and many.status.shape == (3,)
    none = talweg.flow(f, np.zeros((0, 2)), [0.1])
    assert none.x.shape == (1, 0, 2)


# Events.


def test_a_ball_is_entered_when_the_formula_says():
    rates = np.array([1.0, 3.0])
    f = talweg.models.quadratic(rates)
    x0 = np.array([[2.0, 0.0], [0.0, 2.0], [0.0, 0.1]])
    found = talweg.flow(f, x0, 10.0, minima=[[0.0, 0.0]], radius=0.25, stop_at_minima=True)
    assert (found.status == Status.ENTERED_BALL).all() and (found.entered == 0).all()
    want = [np.log(8.0), np.log(8.0) / 3.0, 0.0]
    np.testing.assert_allclose(found.entry_time, want, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.end_time, found.entry_time)
    np.testing.assert_allclose(np.linalg.norm(found.entry[:2], axis=1), 0.25, rtol=1e-9)
    assert np.isnan(found.x[:2]).all()


def test_a_ball_is_not_missed_in_passing():
    # A ball that a step of the size of the trajectory flies over.
    f = talweg.models.quadratic([1.0, 1.0])
    centre = np.array([[0.5, 0.5]])
    found = talweg.flow(f, [1.0, 1.0], 3.0, 1e-3, 1e-3, minima=centre, radius=0.01)
    assert found.entered == 0 and found.status == Status.MAX_TIME
    assert found.entry_time == pytest.approx(-np.log(0.5 + 0.01 / np.sqrt(2)), rel=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_level_is_crossed_when_the_formula_says(method):
    f = talweg.models.quadratic([2.0, 2.0])
    found = talweg.flow(f, [[3.0, 0.0], [0.1, 0.0]], [0.1, 4.0], level=1.0, method=method)
    # f = x^2 = 9 exp(-4 t) is 1 at log(9) / 4.
    assert found.level_time[0] == pytest.approx(np.log(9.0) / 4.0, rel=1e-9)
    np.testing.assert_allclose(found.level_point[0], [1.0, 0.0], atol=1e-9)
    assert np.isnan(found.level_time[1]) and (found.status == Status.MAX_TIME).all()
    stopped = talweg.flow(f, [3.0, 0.0], [0.1, 4.0], level=1.0, stop_at_level=True, method=method)
    assert stopped.status == Status.LEVEL_CROSSED
    assert stopped.end_time == pytest.approx(np.log(9.0) / 4.0, rel=1e-9)
    assert np.isfinite(stopped.x[0]).all() and np.isnan(stopped.x[1]).all()


def test_the_linear_end_keeps_to_the_tolerance():
    f = surfaces.himmelblau()
    minima = [p for p in talweg.critical_points(f) if p.type == "minimum"]
    x0 = RNG.uniform(-4, 4, size=(60, 2))
    times = [0.1, 0.4, 1.0]
    found = talweg.flow(f, x0, times, minima=minima, log_volume=True)
    plain = talweg.flow(f, x0, times, 1e-13, 1e-13, log_volume=True)
    assert (found.linear >= 0).all() and (found.linear == found.entered).all()
    assert np.abs(found.x - plain.x).max() < 1e-8
    assert np.abs(found.log_volume - plain.log_volume).max() < 1e-7
    assert found.steps.mean() < 0.8 * plain.steps.mean()
    # From where the linear flow takes over on nothing but its own error is left.
    late = np.abs(found.x[2] - plain.x[2]).max()
    assert late < 1e-11


def test_the_linear_bound_holds():
    f = talweg.Objective(lambda x: (x[0] ** 2 + 3 * x[1] ** 2) / 2 + x[0] ** 2 * x[1] / 2, 2)
    core = f._core
    described = talweg._core.flow_minimum(core, np.zeros(2), 1.0)
    np.testing.assert_allclose(described["eigenvalues"], [1.0, 3.0])
    # T_xxy = 1 and its permutations: the Frobenius norm of the tensor is sqrt(3).
    assert described["third"] == pytest.approx(np.sqrt(3.0))
    assert described["radius"] == pytest.approx(1.0 / np.sqrt(3.0), rel=1e-3)
    radius = 0.3 * described["radius"]
    x0 = radius * np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 6, 15)])
    times = np.linspace(0, 5, 40)
    found = talweg.flow(f, x0, times, 1e-12, 1e-14).x
    linear = x0 * np.exp(-np.outer(times, [1.0, 3.0]))[:, None, :]
    error = np.linalg.norm(found - linear, axis=2).max()
    bound = described["third"] * radius**2 / (2 * (1.0 - described["third"] * radius))
    assert 0.02 * bound < error <= bound


# Trouble.


def test_lanes_in_trouble_leave_the_others_alone():
    def fun(x):
        return np.log(x[0]) + x[1] ** 2

    f = talweg.Objective(fun, 2)
    x0 = np.array([[1.0, 1.0], [-1.0, 0.0], [3.0, 0.5], [0.0, 0.0]])
    found = talweg.flow(f, x0, [0.1, 2.0])
    # x' = -1/x reaches the edge of the domain at x^2 / 2.
    assert found.end_time[0] == pytest.approx(0.5, abs=1e-6)
    assert found.status[0] in (Status.NON_FINITE, Status.STEP_TOO_SMALL)
    assert np.isnan(found.x[1, 0]).all() and np.isfinite(found.x[0, 0]).all()
    assert found.status[2] == Status.MAX_TIME
    np.testing.assert_allclose(found.x[1, 2], [np.sqrt(9 - 4.0), 0.5 * np.exp(-4.0)], rtol=1e-9)
    assert found.status[3] == Status.NON_FINITE and found.steps[3] == 0
    alone = talweg.flow(f, x0[2], [0.1, 2.0])
    np.testing.assert_array_equal(alone.x, found.x[:, 2])


@pytest.mark.parametrize("method", METHODS)
def test_running_off_to_infinity(method):
    # x' = 4 x^3 from 1 is infinite at t = 1/8.
    f = talweg.Objective(lambda x: -(x[0] ** 4) + x[1] ** 2, 2)
    found = talweg.flow(f, [1.0, 1.0], 10.0, method=method)
    assert found.status in (Status.STEP_TOO_SMALL, Status.NON_FINITE)
    assert found.end_time == pytest.approx(0.125, abs=1e-6) and np.isfinite(found.end).all()


def test_saddles_and_degenerate_minima():
    f = talweg.Objective(lambda x: x[0] ** 2 - x[1] ** 2 + x[1] ** 4, 2)
    x0 = [[1.0, 0.0], [1.0, 1e-10], [0.0, 0.0]]
    found = talweg.flow(f, x0, np.inf, gradient_tolerance=1e-8)
    assert found.status.tolist() == [
        Status.CRITICAL_POINT,
        Status.CONVERGED,
        Status.CRITICAL_POINT,
    ]
    np.testing.assert_allclose(found.end[1], [0.0, np.sqrt(0.5)], atol=1e-7)
    flat = talweg.Objective(lambda x: x[0] ** 4 + x[1] ** 4, 2)
    found = talweg.flow(flat, [1.0, -1.0], np.inf, gradient_tolerance=1e-9)
    assert found.status == Status.CONVERGED and found.steps < 500
    # x = 1 / sqrt(1 + 8 t)
    np.testing.assert_allclose(found.end[0], 1 / np.sqrt(1 + 8 * found.end_time), rtol=1e-6)


def test_too_few_steps():
    found = talweg.flow(surfaces.himmelblau(), [1.0, 1.0], 5.0, max_steps=7)
    assert found.status == Status.NOT_CONVERGED
    assert found.steps + found.rejected == 7 and np.isnan(found.x).all()


def test_a_metric():
    metric = np.array([[2.0, 0.5], [0.5, 1.0]])
    matrix = np.array([[3.0, 1.0], [1.0, 2.0]])
    f = quadratic(matrix).with_metric(metric)
    x0 = RNG.normal(size=(4, 2))
    found = talweg.flow(f, x0, [0.3, 1.0], log_volume=True)
    generator = np.linalg.solve(metric, matrix)
    for i, t in enumerate((0.3, 1.0)):
        np.testing.assert_allclose(found.x[i], x0 @ expm(-generator * t).T, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(found.log_volume[i], -np.trace(generator) * t, rtol=1e-9)


def test_every_kind_of_objective():
    def fun(x):
        return (x[0] ** 2 + 3 * x[1] ** 2) / 2 + x[0] ** 2 * x[1] / 2

    recorded = talweg.Objective(fun, 2)
    x0 = RNG.uniform(-0.5, 0.5, size=(30, 2))
    want = talweg.flow(recorded, x0, [0.2, 1.0], log_volume=True)
    kinds = [
        talweg.models.polynomial(np.array([[2, 0], [0, 2], [2, 1]]), np.array([0.5, 1.5, 0.5])),
        talweg.Objective.from_callables(
            fun,
            n=2,
            batched=False,
            grad=lambda x: np.array([x[0] + x[0] * x[1], 3 * x[1] + x[0] ** 2 / 2]),
            hess=lambda x: np.array([[1 + x[1], x[0]], [x[0], 3.0]]),
        ),
    ]
    try:
        kinds.append(recorded.compile())
    except ImportError:
        pass
    for f in kinds:
        found = talweg.flow(f, x0, [0.2, 1.0], log_volume=True)
        np.testing.assert_allclose(found.x, want.x, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(found.log_volume, want.log_volume, rtol=1e-8)


def test_interrupt_keeps_what_is_done():
    # Slow trajectories: explicit steps through a stiff valley.
    f = talweg.Objective(lambda x: (x[0] ** 2 + 1e7 * x[1] ** 2) / 2, 2)
    x0 = np.ones((5000, 2))
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        talweg.flow(f, x0, [1e-9, 100.0], method="explicit", max_steps=10**9)
    timer.join()
    result = caught.value.result
    assert isinstance(result, talweg.Flow)
    assert (result.status == Status.INTERRUPTED).all()
    done = np.isfinite(result.x[0]).all(axis=1)
    assert done.any()
    np.testing.assert_allclose(result.x[0, done], np.exp([[-1e-9, -1e-2]] * done.sum()), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"x0": [1.0]}, ValueError, "x0: want shape"),
        ({"x0": [1.0, np.nan]}, ValueError, "x0: want finite"),
        ({"t": -1.0}, ValueError, r"t: want times from 0 .* got -1\.0$"),
        ({"t": [0.2, 0.1]}, ValueError, r"t: want increasing .* got 0\.1 at place 1 after 0\.2"),
        ({"t": [0.2, np.nan]}, ValueError, "t: want times .* got nan at place 1"),
        ({"t": [0.2, np.inf, 3.0]}, ValueError, "t: want times .* got inf at place 1"),
        ({"t": []}, ValueError, "t: want a time"),
        ({"t": np.inf}, ValueError, "t: want a finite last time, got inf"),
        ({"rtol": -1.0}, ValueError, "rtol"),
        ({"rtol": 0.0, "atol": 0.0}, ValueError, "rtol, atol"),
        ({"method": "euler"}, ValueError, "method: want one of"),
        ({"minima": [[1.0, 2.0, 3.0]]}, ValueError, "minima: want shape"),
        ({"minima": [[1.0, 2.0]]}, ValueError, "minima: point 0 is no minimum"),
        ({"minima": [[3.0, 2.0]], "radius": -1.0}, ValueError, "radius: want positive"),
        ({"minima": [[3.0, 2.0]], "radius": [1.0, 2.0]}, ValueError, "radius: want a number"),
        ({"gradient_tolerance": 0.0}, ValueError, "gradient_tolerance"),
        ({"level": np.nan}, ValueError, "level"),
        ({"stop_at_level": True}, ValueError, "stop_at_level: want a level"),
        ({"radius": 0.1}, ValueError, "radius: want minima"),
        ({"stop_at_minima": True}, ValueError, "stop_at_minima: want minima"),
        ({"max_steps": 0}, ValueError, "max_steps"),
        ({"max_steps": 1.5}, TypeError, "max_steps"),
        ({"f": 3}, TypeError, "f: want"),
    ],
)
def test_bad_input(arguments, error, words):
    given = {"f": surfaces.himmelblau(), "x0": [1.0, 1.0], "t": 0.1, **arguments}
    with pytest.raises(error, match=words):
        talweg.flow(**given)


def test_a_gradient_without_a_value_is_not_finite():
    found = talweg.flow(lambda x: np.log(x[0]) + x[1] ** 2, [[-1.0, 1.0], [1.0, 1.0]], 0.01)
    assert found.status.tolist() == [talweg.Status.NON_FINITE, talweg.Status.MAX_TIME]


def test_results_say_how_they_ended():
    f = talweg.surfaces.himmelblau()
    found = talweg.flow(f, [[1.0, 1.0], [-1.0, 1.0]], [0.0, 0.1], max_steps=1)
    assert not found.success.any() and found.message.startswith("2 of 2:")
    assert talweg.flow(f, [1.0, 1.0], 0.1).success is True


def test_pictures_are_the_points_at_all_times():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    f = talweg.surfaces.himmelblau()
    found = talweg.flow(f, [[1.0, 1.0], [-1.0, 1.0]], np.linspace(0, 0.1, 7))
    (axes,) = found.plot().axes
    for k in range(2):
        np.testing.assert_array_equal(axes.lines[k].get_xydata(), found.x[:, k])
    np.testing.assert_array_equal(axes.lines[-1].get_xydata(), found.end)
    for single in (talweg.flow(f, [1.0, 1.0], 0.1), talweg.flow(f, [[1.0, 1.0]], 0.1)):
        with pytest.raises(ValueError, match="more than one time"):
            single.plot()
    pyplot.close("all")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"level": [1.0, 2.0]}, "level: want one number"),
        ({"level": "low"}, "level: want one number"),
        (
            {"minima": talweg.survey(talweg.surfaces.himmelblau())},
            "minima: want points, got a survey",
        ),
    ],
)
def test_what_is_no_level_and_no_minimum_is_said(options, words):
    with pytest.raises(TypeError, match=words):
        talweg.flow(talweg.surfaces.himmelblau(), [1.0, 1.0], 0.1, **options)
