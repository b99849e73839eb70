"""Objectives from Python callables: derivatives, errors, and what they may and may not do."""

import gc
import pickle
import resource
import signal
import sys
import threading
import weakref

import numpy as np
import pytest
import scipy.optimize
import sympy
from hypothesis import given
from hypothesis import strategies as st

import talweg
from talweg import _core
from talweg.quantity import THIRD_PRODUCT

N = 3
SYMBOLS = sympy.symbols("x:3")
X, Y, Z = SYMBOLS
EXPRESSION = sympy.sin(X) * sympy.exp(Y / 2) + Y**3 * Z + Z**2 / 2 + X * Z
VALUE = sympy.lambdify(SYMBOLS, EXPRESSION)
GRADIENT = [sympy.lambdify(SYMBOLS, EXPRESSION.diff(a)) for a in SYMBOLS]
HESSIAN = [[sympy.lambdify(SYMBOLS, EXPRESSION.diff(a, b)) for a in SYMBOLS] for b in SYMBOLS]
THIRD = [
    [[sympy.lambdify(SYMBOLS, EXPRESSION.diff(a, b, c)) for a in SYMBOLS] for b in SYMBOLS]
    for c in SYMBOLS
]


def value(x):
    return np.array([VALUE(*point) for point in x])


def gradient(x):
    return np.array([[d(*point) for d in GRADIENT] for point in x])


def hessian(x):
    return np.array([[[d(*point) for d in row] for row in HESSIAN] for point in x])


def hessian_product(x, v):
    return np.einsum("mij,mj->mi", hessian(x), v)


def third(x, v):
    tensor = np.array([[[[d(*p) for d in row] for row in face] for face in THIRD] for p in x])
    return np.einsum("mijk,mk->mij", tensor, v)


GIVEN = {
    "everything": ("grad", "hess", "hessp", "third"),
    "no third": ("grad", "hess"),
    "products": ("grad", "hessp"),
    "gradient": ("grad",),
    "value": (),
    "no gradient": ("hess",),
}
FUNCTIONS = {"grad": gradient, "hess": hessian, "hessp": hessian_product, "third": third}
# Errors relative to the largest entry: rounding of two, one, ... orders of differences.
TOLERANCES = {
    "everything": (1e-14, 1e-14, 1e-14),
    "no third": (1e-14, 1e-14, 1e-11),
    "products": (1e-14, 1e-14, 1e-11),
    "gradient": (1e-14, 1e-10, 1e-7),
    "value": (1e-10, 1e-7, 1e-5),
    "no gradient": (1e-10, 1e-14, 1e-11),
}


def close(got, want, tolerance, scale=None):
    scale = np.abs(want).max() if scale is None else scale
    np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * max(scale, 1.0))


@pytest.fixture(scope="module", params=GIVEN)
def completed(request):
    given_functions = {name: FUNCTIONS[name] for name in GIVEN[request.param]}
    f = talweg.Objective.from_callables(
        value, **given_functions, n=N, bounds=[(-2, 2)] * N, name=request.param
    )
    return f, TOLERANCES[request.param]


numbers = st.floats(-2, 2)
vectors = st.lists(numbers, min_size=N, max_size=N).map(np.array)


@given(x=vectors, v=vectors)
def test_derivatives_are_those_of_sympy(completed, x, v):
    f, (of_gradient, of_hessian, of_third) = completed
    points, along = np.array([x, 0.5 * x]), np.array([v, v])
    close(f(points), value(points), 1e-15)
    close(f.grad(points), gradient(points), of_gradient)
    close(f.hess(points), hessian(points), of_hessian)
    close(f.hessp(points, along), hessian_product(points, along), of_hessian)
    close(f.third(points, along), third(points, along), of_third)
    product = f._core.evaluate(points, THIRD_PRODUCT, along, 2.0 * along)["third_product"]
    want = np.einsum("mij,mj->mi", third(points, along), 2.0 * along)
    close(product, want, of_third, scale=np.abs(want).max() + 10.0)


def test_one_point_is_a_block_of_one(completed):
    f, _ = completed
    x, v = np.array([0.3, -0.2, 0.7]), np.array([1.0, 0.5, -1.0])
    for method, arguments in (("grad", ()), ("hess", ()), ("hessp", (v,)), ("third", (v,))):
        one = getattr(f, method)(x, *arguments)
        many = getattr(f, method)(np.tile(x, (70, 1)), *arguments)
        np.testing.assert_array_equal(np.broadcast_to(one, many.shape), many)


def test_scipy_functions_work_unchanged():
    f = talweg.Objective.from_callables(
        scipy.optimize.rosen,
        scipy.optimize.rosen_der,
        scipy.optimize.rosen_hess,
        scipy.optimize.rosen_hess_prod,
        n=4,
        batched=False,
    )
    exact = talweg.surfaces.rosenbrock(4)
    x, v = np.random.default_rng(5).normal(size=(2, 30, 4))
    close(f(x), exact(x), 1e-14)
    close(f.grad(x), exact.grad(x), 1e-14)
    close(f.hess(x), exact.hess(x), 1e-14)
    close(f.hessp(x, v), exact.hessp(x, v), 1e-14)
    close(f.third(x, v), exact.third(x, v), 1e-11)
    assert list(f.approximate) == ["third"]


def test_value_and_gradient_together():
    f = talweg.Objective.from_callables(lambda x: (value(x), gradient(x)), True, n=N)
    x = np.random.default_rng(1).normal(size=(5, N))
    close(f(x), value(x), 1e-15)
    close(f.grad(x), gradient(x), 1e-15)
    with pytest.raises(TypeError, match=r"want.* to return \(value, gradient\)"):
        talweg.Objective.from_callables(value, True, n=N)


def test_further_arguments_follow():
    f = talweg.Objective.from_callables(
        lambda x, a, b: a * (x @ x) + b,
        lambda x, a, b: 2 * a * x,
        hessp=lambda x, v, a, b: 2 * a * v,
        n=2,
        batched=False,
        args=(3.0, 1.0),
    )
    assert f([1.0, 1.0]) == 7.0
    np.testing.assert_allclose(f.hess([0.0, 0.0]), 6.0 * np.eye(2))


# Which derivatives are differences, and how good.


@pytest.mark.parametrize("functions", ["no third", "gradient", "value"])
def test_the_error_estimate_covers_the_error(functions):
    parts = {name: FUNCTIONS[name] for name in GIVEN[functions]}
    f = talweg.Objective.from_callables(value, **parts, n=N, bounds=[(-2, 2)] * N)
    missing = [m for m in ("grad", "hess", "hessp", "third") if m not in GIVEN[functions]]
    if "hess" in parts:
        missing.remove("hessp")
    assert list(f.approximate) == missing
    x, v = np.random.default_rng(2).uniform(-1.5, 1.5, size=(2, 40, N))
    for method, exact in FUNCTIONS.items():
        if method not in missing:
            continue
        arguments = (x,) if method in ("grad", "hess") else (x, v)
        want = exact(*arguments).reshape(40, -1)
        error = np.linalg.norm(getattr(f, method)(*arguments).reshape(40, -1) - want, axis=1)
        relative = np.median(error / np.linalg.norm(want, axis=1))
        assert relative <= 10.0 * f.approximate[method]
        # An estimate that is always large would say nothing.
        assert f.approximate[method] <= 3e4 * max(relative, 1e-15)


def test_everything_given_is_exact():
    f = talweg.Objective.from_callables(value, gradient, hessian, hessian_product, third, n=N)
    assert f.approximate == {}
    assert talweg.surfaces.himmelblau().approximate == {}
    assert f._core.errors["gradient"] == [0.0, 0.0, 0.0]


def test_noise_lengthens_steps():
    rng = np.random.default_rng(0)

    def noisy(x):
        return value(x) * (1.0 + 1e-8 * rng.uniform(-1, 1, size=len(x)))

    points = np.random.default_rng(4).uniform(-1, 1, size=(50, N))
    errors = []
    for noise in (0.0, 1e-8):
        f = talweg.Objective.from_callables(
            noisy, n=N, scale=1.0, noise=noise, bounds=[(-2, 2)] * N
        )
        errors.append(np.abs(f.grad(points) - gradient(points)).max())
    assert errors[1] < 1e-5 < errors[0]


def test_steps_are_long_where_any_step_is_exact():
    """Differences of fourth order of a quartic err by rounding alone, which falls with the step."""

    def fun(x):
        a, b = x.T
        return (a**2 - 1) ** 2 + a**2 * b / 3 + (b**2 - 1) ** 2

    f = talweg.Objective.from_callables(fun, n=2, bounds=[(-2, 2)] * 2)
    x, y = SYMBOLS[:2]
    formula = (x**2 - 1) ** 2 + x**2 * y / 3 + (y**2 - 1) ** 2
    want = np.array(sympy.hessian(formula, (x, y)).subs({x: 0.3, y: -0.7}), dtype=float)
    close(f.hess([0.3, -0.7]), want, 1e-9)
    assert f.approximate["hess"] < 1e-9


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e5])
def test_the_scale_is_found(unit):
    exact = talweg.surfaces.himmelblau()
    f = talweg.Objective.from_callables(
        lambda x: exact(x * [1.0 / unit, 1.0]), n=2, bounds=[(-5 * unit, 5 * unit), (-5, 5)]
    )
    x = np.random.default_rng(0).uniform(-4, 4, size=(30, 2))
    close(f.grad(x * [unit, 1.0]) * [unit, 1.0], exact.grad(x), 1e-9)


# Kernels.


@pytest.mark.parametrize("given_functions", [("grad", "hess"), ("grad",), ()])
def test_a_survey_is_that_of_the_recording(given_functions):
    exact = talweg.Objective(
        lambda x: (x[0] ** 2 + 2 * x[1] ** 2) / 2 + x[0] ** 2 * x[1] / 2, 2, bounds=[(-3, 3)] * 2
    )
    parts = {name: getattr(exact, name) for name in given_functions}
    f = talweg.Objective.from_callables(exact, **parts, n=2, bounds=exact.bounds)
    want, got = talweg.survey(exact), talweg.survey(f)
    assert got.success
    assert [p.type for p in got.critical_points] == [p.type for p in want.critical_points]
    for p, q in zip(got.critical_points, want.critical_points):
        assert np.linalg.norm(p.x - q.x) <= p.error + 1e-15
        assert p.error < 1e-9
    assert len(got.extremals) == len(want.extremals)
    want_events = [event for curve in want.extremals for event in curve.events]
    for curve in got.extremals:
        assert "Derivatives of f by differences" in got.message
        for event in curve.events:
            near = [np.linalg.norm(event.x - e.x) for e in want_events if e.kind == event.kind]
            assert min(near) <= 50.0 * event.error + 1e-12
            assert event.error < 1e-4


def test_functions_of_python_never_run_in_the_pool():
    threads = set()

    def fun(x):
        threads.add(threading.get_ident())
        return ((x**2 - 1) ** 2).sum(axis=1)

    f = talweg.Objective.from_callables(
        fun, lambda x: 4 * x * (x**2 - 1), n=2, bounds=[(-2, 2)] * 2
    )
    assert not f._core.thread_safe
    f._core.evaluate(np.zeros((20000, 2)), 1, workers=4)
    talweg.critical_points(f, workers=4)
    talweg.survey(f, workers=4)
    assert not (2 * f + talweg.surfaces.himmelblau())._core.thread_safe
    assert not f.restricted([0.0, 0.0], [1.0, 1.0])._core.thread_safe
    assert threads == {threading.get_ident()}


def test_functions_may_keep_and_change_what_they_get():
    kept = []

    def fun(x):
        kept.append((x, x.copy()))
        return (x**2).sum(axis=1)

    def grad(x):
        x *= 2.0
        return x

    f = talweg.Objective.from_callables(fun, grad, n=2, verify=False)
    points = np.random.default_rng(3).normal(size=(4000, 2))
    close(f.grad(points), 2 * points, 1e-15)
    f(points)
    del points
    gc.collect()
    for x, copy in kept:
        assert x.flags.c_contiguous
        assert x.dtype == np.float64
        np.testing.assert_array_equal(x, copy)


def test_points_come_in_blocks():
    sizes = []

    def fun(x):
        sizes.append(len(x))
        return x[:, 0]

    f = talweg.Objective.from_callables(fun, n=2, verify=False, scale=1.0)
    sizes.clear()
    f(np.zeros((4096, 2)))
    assert sizes == [1024] * 4


# Failures.


class OwnError(Exception):
    pass


def failing(after):
    """A function that fails at its call number `after`, and the error it raises."""
    error = OwnError("no convergence", 17)
    calls = [0]

    def fun(x):
        calls[0] += 1
        if calls[0] > after:
            raise error
        return ((x**2 - 1) ** 2).sum(axis=1) + x[:, 0] * x[:, 1] / 3

    return fun, error


@pytest.mark.parametrize(
    "kernel",
    [
        lambda f: f(np.zeros((3000, 2))),
        lambda f: f.third([0.0, 0.0], [1.0, 0.0]),
        talweg.critical_points,
        talweg.survey,
        lambda f: talweg.trace(f, [0.3, 0.2]),
        lambda f: talweg.trace_talweg(f, [0.3, 0.2]),
        lambda f: list(talweg.ExtremalTracer(f, [0.3, 0.2])),
        lambda f: talweg.critical_points(f + talweg.surfaces.himmelblau()),
        lambda f: talweg.critical_points(f.with_metric([1.0, 2.0])),
    ],
)
@pytest.mark.parametrize("after", [0, 7])
def test_an_exception_comes_out_unchanged(kernel, after):
    fun, error = failing(10**9)
    f = talweg.Objective.from_callables(fun, n=2, bounds=[(-2, 2)] * 2, scale=1.0)
    broken, error = failing(after)
    g = (
        talweg.Objective.from_callables(broken, n=2, bounds=[(-2, 2)] * 2, scale=1.0, verify=False)
        if after
        else None
    )
    if g is None:
        switch = [False]
        good, _ = failing(10**9)

        def fun(x):
            if switch[0]:
                raise error
            return good(x)

        g = talweg.Objective.from_callables(fun, n=2, bounds=[(-2, 2)] * 2, scale=1.0)
        switch[0] = True
    with pytest.raises(OwnError) as caught:
        for _ in range(10):
            kernel(g)
    assert caught.value is error
    assert caught.value.args == ("no convergence", 17)
    assert f([0.0, 0.0]) == 2.0


@pytest.mark.parametrize(
    ("fun", "kind", "message"),
    [
        (lambda x: x, ValueError, r"fun: returned shape \(3, 2\), want \(3,\).*batched=False"),
        (lambda x: x[0], ValueError, r"fun: returned shape \(2,\), want \(3,\)"),
        (lambda x: 1.0, ValueError, r"fun: returned shape \(\), want \(3,\)"),
        (lambda x: None, TypeError, "fun: returned NoneType with dtype object, want float64"),
        (lambda x: ["a"] * 3, TypeError, "fun: returned dtype <U1, want float64"),
        (lambda x: x[:, 0] * 1j, TypeError, "fun: returned dtype complex128"),
        (lambda x: x[:, 0].astype(np.float32), TypeError, "float32.*noise="),
        (lambda x: x[:, 0] * np.nan, ValueError, "fun is NaN or infinite at each of"),
        (3.0, TypeError, "fun: want a function, got float"),
    ],
)
def test_results_of_the_wrong_kind(fun, kind, message):
    with pytest.raises(kind, match=message):
        talweg.Objective.from_callables(fun, n=2)


def test_derivatives_of_the_wrong_kind():
    def fun(x):
        return (x**2).sum(axis=1)

    make = talweg.Objective.from_callables
    with pytest.raises(ValueError, match=r"grad: returned shape \(3,\), want \(3, 2\)"):
        make(fun, lambda x: x[:, 0], n=2)
    with pytest.raises(ValueError, match=r"hess: returned shape \(2, 2\), want \(3, 2, 2\)"):
        make(fun, lambda x: 2 * x, lambda x: np.eye(2), n=2)
    with pytest.raises(ValueError, match=r"hess: returned shape \(2,\).*for one point"):
        make(lambda x: x @ x, lambda x: 2 * x, lambda x: 2 * x, n=2, batched=False)
    with pytest.raises(ValueError, match=r"grad: gives .* for grad\[1\] where differences of fun"):
        make(fun, lambda x: 2 * x * [1.0, 1.1], n=2)
    with pytest.raises(ValueError, match=r"hess: gives .* where differences of grad give"):
        make(fun, lambda x: 2 * x, lambda x: np.broadcast_to(np.eye(2), (len(x), 2, 2)), n=2)
    assert make(fun, lambda x: 2.1 * x, n=2, verify=False).grad([1.0, 0.0])[0] == 2.1


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"n": 0}, ValueError, "n: want at least 1"),
        ({"batched": "yes"}, TypeError, "batched: want True or False"),
        ({"args": [1]}, TypeError, "args: want a tuple"),
        ({"scale": -1.0}, ValueError, "scale: want positive"),
        ({"scale": [1.0] * 3}, ValueError, r"scale: want one number or shape \(2,\)"),
        ({"noise": 0.5}, ValueError, "noise: want a relative error from 0 to 0.01"),
        ({"hess": np.eye(2)}, TypeError, "hess: want a function, got ndarray"),
        ({"bounds": [(1, 0)] * 2}, ValueError, "bounds: want low < high"),
    ],
)
def test_arguments_of_the_wrong_kind(options, kind, message):
    with pytest.raises(kind, match=message):
        talweg.Objective.from_callables(lambda x: x[:, 0], **({"n": 2} | options))


def test_integers_are_numbers():
    f = talweg.Objective.from_callables(
        lambda x: np.ones(len(x), dtype=int), lambda x: np.zeros(x.shape, dtype=np.int8), n=2
    )
    assert f([0.5, 0.5]) == 1.0


def test_nan_stays_in_its_lane():
    f = talweg.Objective.from_callables(
        lambda x: np.log(x[:, 0]) ** 2 + x[:, 1] ** 2, n=2, bounds=[(0.1, 3), (-1, 1)]
    )
    with np.errstate(all="ignore"):
        x = np.array([[2.0, 0.0], [-1.0, 0.0], [1.5, 0.5]])
        assert np.isnan(f(x)).tolist() == [False, True, False]
        assert np.isnan(f.grad(x)).any(axis=1).tolist() == [False, True, False]
        (point,) = talweg.critical_points(f)
        assert np.linalg.norm(point.x - [1.0, 0.0]) <= point.error
        with pytest.raises(ValueError, match="finite at any of"):
            talweg.critical_points(f, bounds=(), starts=[[-1.0, 0.0], [-2.0, 0.0]])


def test_functions_see_finite_points_only():
    def fun(x):
        assert np.isfinite(x).all()
        return x[:, 0] ** 2

    f = talweg.Objective.from_callables(fun, n=2, verify=False, scale=1.0)
    got = f._core.evaluate(np.array([[1.0, 0.0], [np.inf, 0.0], [2.0, np.nan], [3.0, 1.0]]), 1)
    np.testing.assert_array_equal(got["value"], [1.0, np.nan, np.nan, 9.0])
    assert np.isnan(f._core.evaluate(np.full((2, 2), np.nan), 1)["value"]).all()


def test_ctrl_c_inside_a_function_keeps_what_was_done():
    calls = [0]

    def fun(x):
        calls[0] += 1
        if calls[0] == 60:
            signal.raise_signal(signal.SIGINT)
        return ((x**2 - 1) ** 2).sum(axis=1) + x[:, 0] * x[:, 1] / 3

    f = talweg.Objective.from_callables(fun, n=2, bounds=[(-2, 2)] * 2, scale=1.0, verify=False)
    with pytest.raises(KeyboardInterrupt) as caught:
        talweg.trace(f, [-0.1, 0.1], max_step=1e-3)
    result = caught.value.result
    assert result.status == talweg.Status.INTERRUPTED
    assert 1 < len(result) < 200
    assert np.isfinite(result.x).all()
    calls[0] = 0
    with pytest.raises(KeyboardInterrupt) as caught:
        talweg.survey(f, max_step=1e-3)
    assert caught.value.result.status == talweg.Status.INTERRUPTED
    calls[0] = 59
    with pytest.raises(KeyboardInterrupt):
        f(np.zeros((5000, 2)))


def test_failures_do_not_leak():
    class Token:
        pass

    tokens = weakref.WeakSet()
    mode = ["good"]

    def fun(x):
        token = Token()
        tokens.add(token)
        if mode[0] == "raise":
            raise OwnError(token)
        if mode[0] == "shape":
            return x
        if mode[0] == "dtype":
            return "text"
        return x[:, 0]

    f = talweg.Objective.from_callables(fun, n=2, verify=False, scale=1.0)
    x = np.zeros((1, 2))
    expected = {"raise": OwnError, "shape": ValueError, "dtype": TypeError}
    grown = []
    for count in (5_000, 34_000):
        for kind, error in expected.items():
            mode[0] = kind
            for _ in range(count):
                try:
                    f(x)
                except error:
                    continue
                raise AssertionError("it did not fail")
        gc.collect()
        assert len(tokens) == 0
        grown.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    unit = 1024 if sys.platform == "darwin" else 1
    # 102,000 failures at 100 bytes each would be 10 MB.
    assert grown[1] - grown[0] < 4000 * unit


def test_an_objective_in_a_cycle_is_collected():
    class Model:
        def __init__(self):
            self.f = talweg.Objective.from_callables(self.energy, n=2, verify=False, scale=1.0)

        def energy(self, x):
            return x[:, 0]

    alive = weakref.ref(Model())
    gc.collect()
    assert alive() is None


# Pickles.


def quartic(x):
    return ((x**2 - 1) ** 2).sum(axis=1)


def quartic_gradient(x):
    return 4 * x * (x**2 - 1)


def test_it_pickles_when_its_functions_do():
    f = talweg.Objective.from_callables(
        quartic, quartic_gradient, n=2, bounds=[(-2, 2)] * 2, name="q"
    )
    g = pickle.loads(pickle.dumps(f))
    x = np.random.default_rng(0).normal(size=(7, 2))
    np.testing.assert_array_equal(f.hess(x), g.hess(x))
    assert (g.name, g.n, g.bounds.tolist()) == ("q", 2, f.bounds.tolist())
    assert g.approximate == f.approximate
    local = talweg.Objective.from_callables(lambda x: x[:, 0], n=2)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(local)


def test_it_cannot_be_recorded_or_saved():
    f = talweg.Objective.from_callables(quartic, n=2)
    with pytest.raises(talweg.RecordingError, match="no recorded function"):
        talweg.Objective(lambda x: 2 * f(x), 2)
    with pytest.raises(TypeError, match="no recorded function"):
        f.to_arrays()


def test_the_core_refuses_nonsense():
    f = talweg.Objective.from_callables(quartic, n=2)
    with pytest.raises(ValueError, match="scale"):
        _core.DifferencedObjective(f._core, 1, [1.0], 1e-16)
    with pytest.raises(ValueError, match="the value must be available"):
        _core.DifferencedObjective(f._core, 2, [1.0, 1.0], 1e-16)
