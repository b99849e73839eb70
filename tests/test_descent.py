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
    assert found.steps == 699
    assert found.x[0] == pytest.approx(1e30 * 0.9**699)


def momentum_by_hand(gradient, x, h, beta, nesterov, count):
    before, path, points = x, [x], []
    for _ in range(count):
        y = x + beta * (x - before) if nesterov else x
        points.append(y)
        after = y - h * gradient(y) + (0.0 if nesterov else beta * (x - before))
        before, x = x, after
        path.append(x)
    return np.array(path), np.array(points)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum(compiled, nesterov):
    f = surfaces.rosenbrock(3)
    f = f.compile() if compiled else f
    x0 = RNG.uniform(-0.5, 0.5, size=(70, 3))
    found = talweg.descend(
        f, x0, 1e-3, 60, momentum=0.8, nesterov=nesterov, record_every=20, log_volume=True
    )
    for k in (0, 33, 69):
        path, points = momentum_by_hand(rosen_der, x0[k], 1e-3, 0.8, nesterov, 60)
        np.testing.assert_allclose(found.path[:, k], path[::20], rtol=1e-9)
        volume = 60 * 3 * np.log(0.8)
        if nesterov:
            volume += sum(np.linalg.slogdet(np.eye(3) - 1e-3 * f.hess(y))[1] for y in points)
        assert found.log_volume[k] == pytest.approx(volume, rel=1e-10)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 20, 70])
def test_volume_tangent_map_and_eigenvalues(compiled, n):
    f = surfaces.phi4_chain(n) if n > 1 else talweg.Objective(lambda x: x[0] ** 4 - x[0] ** 2, 1)
    if compiled and n > 1:
        return
    f = f.compile() if compiled else f
    x0 = RNG.uniform(-0.8, 0.8, size=(11, n))
    h = 0.07
    found = talweg.descend(
        f, x0, h, 12, log_volume=True, tangent=True, eigenvalues=True, record_every=4
    )
    for k in (0, 10):
        x, frame, stretch, volume, sign, spectrum = x0[k], np.eye(n), np.zeros(n), 0.0, 1.0, []
        for step in range(12):
            if step % 4 == 0:
                assert found.path_log_volume[step // 4, k] == pytest.approx(volume, abs=1e-10)
            hessian = f.hess(x)
            spectrum.append(np.linalg.eigvalsh(hessian)[[0, -1]])
            jacobian = np.eye(n) - h * hessian
            signs, log = np.linalg.slogdet(jacobian)
            volume, sign = volume + log, sign * signs
            q, r = np.linalg.qr(jacobian @ frame)
            stretch += np.log(np.abs(np.diag(r)))
            frame = q * np.sign(np.diag(r))
            x = x - h * f.grad(x)
        spectrum = np.array(spectrum)
        assert found.log_volume[k] == pytest.approx(volume, rel=1e-9, abs=1e-10)
        assert found.orientation[k] == sign
        np.testing.assert_allclose(found.stretch[k], stretch, rtol=1e-7, atol=1e-9)
        np.testing.assert_allclose(found.frames[k], frame, atol=1e-6)
        assert found.stretch[k].sum() == pytest.approx(volume, rel=1e-8, abs=1e-9)
        assert found.smallest_eigenvalue[k] == pytest.approx(spectrum[:, 0].min(), abs=1e-10)
        assert found.largest_eigenvalue[k] == pytest.approx(spectrum[:, 1].max(), rel=1e-10)


def test_long_steps_turn_volumes_over():
    f = talweg.Objective(lambda x: (x[0] ** 2 + 3.0 * x[1] ** 2) / 2.0, 2)
    odd = talweg.descend(f, [1.0, 1.0], 0.5, 3, log_volume=True)
    assert odd.orientation == -1.0
    assert odd.log_volume == pytest.approx(3 * np.log(0.5 * 0.5))
    singular = talweg.descend(f, [1.0, 1.0], 1.0 / 3.0, 2, log_volume=True)
    assert singular.log_volume < -60.0  # 1 - 3 / 3 is zero up to rounding
    exact = talweg.descend(f, [1.0, 1.0], 1.0, 2, log_volume=True)
    assert exact.log_volume == -np.inf and exact.orientation == 0.0


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3000), st.integers(1, 3), st.floats(0.0, 0.9), st.booleans())
def test_places_are_refilled_without_a_trace(points, workers, beta, nesterov):
    f = surfaces.himmelblau()
    x0 = np.random.default_rng(points).uniform(-5, 5, size=(points, 2))
    x0[:: max(points // 3, 1)] *= 100.0  # some blow up
    options = {"momentum": beta, "nesterov": nesterov, "gtol": 1e-3, "log_volume": True}
    found = talweg.descend(f, x0, 0.005, 400, workers=workers, record_every=100, **options)
    assert set(found.status) <= {Status.CONVERGED, Status.NON_FINITE, Status.MAX_STEPS}
    for k in {0, points // 2, points - 1}:
        alone = talweg.descend(f, x0[k], 0.005, 400, record_every=100, **options)
        assert alone.status == found.status[k] and alone.steps == found.steps[k]
        np.testing.assert_array_equal(alone.x, found.x[k])
        np.testing.assert_array_equal(alone.path, found.path[:, k])
        np.testing.assert_array_equal(alone.log_volume, found.log_volume[k])
        if alone.status == Status.CONVERGED:
            assert np.linalg.norm(f.grad(alone.x)) <= 1e-3 * (1 + 1e-9)


def test_recorded_values_and_slopes():
    f = surfaces.himmelblau()
    found = talweg.descend(
        f, [[1.0, 1.0], [2.0, 0.0]], 0.01, 30, record_every=15, record_values=True
    )
    np.testing.assert_allclose(found.path_fun, f(found.path.reshape(-1, 2)).reshape(3, 2))
    slopes = np.linalg.norm(f.grad(found.path.reshape(-1, 2)), axis=1).reshape(3, 2)
    np.testing.assert_allclose(found.path_slope, slopes)


def test_noise_has_its_variance_and_no_memory_of_threads():
    values = np.array([1.0, 4.0, 9.0])
    f = talweg.Objective(lambda x: x[0] ** 2 / 2 + 2 * x[1] ** 2 + 4.5 * x[2] ** 2, 3)
    x0 = np.zeros((4000, 3))
    for beta, nesterov in ((0.0, False), (0.5, False), (0.5, True)):
        arguments = {"momentum": beta, "nesterov": nesterov, "noise": 0.04, "rng": 7}
        found = talweg.descend(f, x0, 0.1, 400, workers=1, **arguments)
        again = talweg.descend(f, x0[:999], 0.1, 400, workers=2, **arguments)
        np.testing.assert_array_equal(found.x[:999], again.x)
        other = talweg.descend(f, x0, 0.1, 400, **(arguments | {"rng": 8}))
        assert not np.array_equal(found.x, other.x)
        expected = talweg.theory.stationary_variance(values, 0.1, 0.04, beta, nesterov)
        # A variance of m samples has the standard error sqrt(2 / m) of itself.
        z = (found.x.var(axis=0) / expected - 1.0) / np.sqrt(2.0 / len(x0))
        assert np.abs(z).max() < 4.5
        assert np.abs(np.corrcoef(found.x.T)[np.triu_indices(3, 1)]).max() < 4.5 / np.sqrt(4000)


def test_noise_is_philox():
    # Philox 4x32-10 of counter 0 and key 0 (the known answers of Random123).
    words = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    high, low = words[0] * 2**20 ^ words[1] >> 12, words[2] * 2**20 ^ words[3] >> 12
    u, v = ((bits % 2**52) / 2**52 + 2.0**-53 for bits in (high, low))
    normal = np.sqrt(-2.0 * np.log(u)) * np.array([np.cos(2 * np.pi * v), np.sin(2 * np.pi * v)])
    f = talweg.Objective(lambda x: 0.0 * x[0] * x[1], 2)
    x = np.array(
        talweg._core.descend(
            f._core, np.zeros((1, 2)), 1.0, 1, 0.0, False, 1.0, 0, 0.0, 0, *[False] * 4, 1
        )["x"]
    )
    np.testing.assert_allclose(x[0], -normal, rtol=1e-12)


def test_metrics_measure_noise_volume_and_eigenvalues():
    metric = np.array([[2.0, 0.3], [0.3, 1.0]])
    f = surfaces.rosenbrock(2)
    factor = np.linalg.cholesky(metric)
    x0 = np.array([[0.5, 0.4], [0.1, -0.2]])
    found = talweg.descend(
        f.with_metric(metric), x0, 1e-3, 40, momentum=0.3, log_volume=True, eigenvalues=True
    )
    h = f.restricted(np.zeros(2), np.linalg.inv(factor).T)
    same = talweg.descend(h, x0 @ factor, 1e-3, 40, momentum=0.3, log_volume=True, eigenvalues=True)
    np.testing.assert_allclose(found.x @ factor, same.x, rtol=1e-11)
    np.testing.assert_allclose(found.log_volume, same.log_volume, rtol=1e-11)
    np.testing.assert_allclose(found.largest_eigenvalue, same.largest_eigenvalue, rtol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": 1.0}, "momentum: want 0 <= momentum < 1"),
        ({"noise": -1.0}, "noise: want a finite number from 0 on"),
        ({"gtol": np.nan}, "gtol: want a finite number"),
        ({"momentum": 0.5, "tangent": True}, "tangent: the tangent map"),
        ({"record_values": True}, "record_values: want record_every"),
        ({"noise": 1.0, "rng": "dice"}, "rng: want None"),
        ({"noise": 1.0, "rng": -1}, "rng: want None"),
    ],
)
def test_unusable_options(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        talweg.descend(surfaces.himmelblau(), [1.0, 1.0], 0.01, 10, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0, 3.0], 0.1, 1), r"x0: want shape \(2,\)"),
        (([1.0, np.nan], 0.1, 1), "x0: want finite"),
        (([1.0, 2.0], -0.1, 1), "step_length: want a positive"),
        (([1.0, 2.0], 0.1, -1), "n_steps"),
        (([1.0, 2.0], 0.1, 2**70), "n_steps"),
        (([1.0, 2.0], "long", 1), "step_length"),
    ],
)
def test_unusable_arguments(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        talweg.descend(surfaces.himmelblau(), *arguments)


def test_a_gradient_without_a_value_is_not_finite():
    found = talweg.descend(lambda x: np.log(x[0]) + x[1] ** 2, [[-1.0, 1.0], [1.0, 1.0]], 0.01, 5)
    assert found.status.tolist() == [Status.NON_FINITE, Status.MAX_STEPS]


def test_options_without_effect_are_refused():
    f = surfaces.himmelblau()
    with pytest.raises(ValueError, match="nesterov: want momentum"):
        talweg.descend(f, [1.0, 1.0], 0.01, 5, nesterov=True)
    with pytest.raises(ValueError, match="rng: want noise"):
        talweg.descend(f, [1.0, 1.0], 0.01, 5, rng=1)


def test_results_say_how_they_ended():
    f = talweg.Objective(lambda x: x[0] ** 4 + x[1] ** 2, 2)
    found = talweg.descend(f, [[0.1, 1.0], [30.0, 1.0]], 0.1, 100, record_every=10)
    assert found.success.tolist() == [True, False]
    assert found.message.startswith("1 of 2: All steps") and "not finite" in found.message
    text = repr(found)
    assert text == "Descent(2 points, 100 steps, 11 records: 1 max steps, 1 non finite)"
    assert repr(talweg.descend(f, [0.1, 0.1], 0.01, 1)).startswith("Descent(1 point, 1 step, 0 rec")
    assert repr(talweg.flow(f, [0.1, 0.1], 0.1)).startswith("Flow(1 trajectory, 1 time: ")
    one = talweg.descend(f, [0.1, 1.0], 0.1, 5)
    assert one.success is True and one.message == Status.MAX_STEPS.describe()
    assert "f" not in one.asdict() and one.asdict()["status"] == Status.MAX_STEPS


def test_pictures_are_the_recorded_paths():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    f = surfaces.himmelblau()
    found = talweg.descend(f, [[1.0, 1.0], [-1.0, 1.0]], 0.01, 30, record_every=3)
    (axes,) = found.plot().axes
    for k in range(2):
        np.testing.assert_array_equal(axes.lines[k].get_xydata(), found.path[:, k])
    np.testing.assert_array_equal(axes.lines[-1].get_xydata(), found.x)
    one = talweg.descend(f, [1.0, 1.0], 0.01, 30, record_every=3)
    np.testing.assert_array_equal(one.plot().axes[0].lines[0].get_xydata(), one.path)
    with pytest.raises(ValueError, match="no path was recorded"):
        talweg.descend(f, [1.0, 1.0], 0.01, 30).plot()
    with pytest.raises(ValueError, match="two coordinates, got 3"):
        talweg.descend(surfaces.rosenbrock(3), [1.0, 1.0, 0.0], 1e-3, 9, record_every=1).plot()
    pyplot.close("all")


def test_masked_starts_are_refused() -> None:
    starts = np.ma.masked_array([[1.0, 2.0]], mask=[[True, False]])
    with pytest.raises(ValueError, match="x0: want no masked entries, got 1"):
        talweg.descend(talweg.surfaces.himmelblau(), starts, 0.01, 3)
