"""What holds for every kind of objective: one function in all of them, and how each fails."""

import gc
import pickle
import sys
import threading

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.quantity import THIRD_PRODUCT

SYMBOLS = sympy.symbols("x y")
X, Y = SYMBOLS
FORMULA = (X**2 - 1) ** 2 + X**2 * Y / 3 + (Y**2 - 1) ** 2
BOX = [(-2.0, 2.0)] * 2


def of_one(x):
    return (x[0] ** 2 - 1) ** 2 + x[0] ** 2 * x[1] / 3 + (x[1] ** 2 - 1) ** 2


def of_points(x):
    return of_one(x.T)


def gradient(x):
    a, b = x.T
    return np.stack([4 * a * (a**2 - 1) + 2 * a * b / 3, a**2 / 3 + 4 * b * (b**2 - 1)], axis=1)


def term(x, row):
    return row[0] * ((x[0] ** 2 - 1) ** 2 + x[0] ** 2 * x[1] / 3 + (x[1] ** 2 - 1) ** 2)


def compiled():
    pytest.importorskip("llvmlite")
    return talweg.Objective(of_one, 2, bounds=BOX).compile()


def in_jax():
    pytest.importorskip("jax").config.update("jax_enable_x64", True)
    return talweg.Objective.from_jax(of_one, 2, bounds=BOX)


def in_torch():
    pytest.importorskip("torch")
    return talweg.Objective.from_torch(of_one, 2, bounds=BOX)


def pointers(thread_safe=False):
    numba = pytest.importorskip("numba")
    types = numba.types
    doubles = types.CPointer(types.float64)

    @numba.cfunc(types.float64(types.intc, doubles))
    def fun(n, x):
        return (x[0] ** 2 - 1) ** 2 + x[0] ** 2 * x[1] / 3 + (x[1] ** 2 - 1) ** 2

    @numba.cfunc(types.void(types.intc, doubles, doubles))
    def grad(n, x, out):
        out[0] = 4 * x[0] * (x[0] ** 2 - 1) + 2 * x[0] * x[1] / 3
        out[1] = x[0] ** 2 / 3 + 4 * x[1] * (x[1] ** 2 - 1)

    return talweg.Objective.from_pointers(fun, grad, n=2, bounds=BOX, thread_safe=thread_safe)


def polynomial():
    terms = {(4, 0): 1, (2, 0): -2, (0, 4): 1, (0, 2): -2, (2, 1): 1 / 3, (0, 0): 2}
    return talweg.models.polynomial(terms, bounds=BOX)


KINDS = {
    "recorded": lambda: talweg.Objective(of_one, 2, bounds=BOX),
    "compiled": compiled,
    "SymPy": lambda: talweg.Objective.from_expression(FORMULA, SYMBOLS, bounds=BOX),
    "sum over rows": lambda: talweg.Objective(
        talweg.sum_over(term, [[0.5], [0.25], [0.25]]), 2, bounds=BOX
    ),
    "callables": lambda: talweg.Objective.from_callables(of_points, gradient, n=2, bounds=BOX),
    "value alone": lambda: talweg.Objective.from_callables(of_points, n=2, bounds=BOX),
    "one point": lambda: talweg.Objective.from_callables(of_one, n=2, batched=False, bounds=BOX),
    "JAX": in_jax,
    "PyTorch": in_torch,
    "pointers": pointers,
    "pointers, thread-safe": lambda: pointers(thread_safe=True),
    "model": polynomial,
}
COMPILABLE = {"recorded", "compiled", "SymPy", "sum over rows", "model"}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def f(kind):
    return KINDS[kind]()


def derivatives_of(formula, symbols):
    gradient = [formula.diff(s) for s in symbols]
    hessian = [[g.diff(s) for s in symbols] for g in gradient]
    third = [[[h.diff(s) for s in symbols] for h in row] for row in hessian]
    parts = [sympy.lambdify(symbols, part) for part in (formula, gradient, hessian, third)]
    return lambda x: [np.array(part(*x), dtype=float) for part in parts]


EXACT = derivatives_of(FORMULA, SYMBOLS)
EXACT_ON_A_LINE = derivatives_of(FORMULA.subs({X: 1 + X / 2, Y: X - 1}, simultaneous=True), (X,))


def check(f, exact, x, v):
    """Against the value and the first three derivatives; differences by what they claim."""
    value, gradient, hessian, third = exact(x)
    w = v[::-1].copy()
    along = f._core.evaluate(x[None], THIRD_PRODUCT, v[None], w[None])["third_product"][0]
    size = 1.0 + np.abs(v).max()
    for method, got, want, scale in (
        ("fun", f(x), value, 1.0),
        ("grad", f.grad(x), gradient, 1.0),
        ("hess", f.hess(x), hessian, 1.0),
        ("hessp", f.hessp(x, v), hessian @ v, size),
        ("third", f.third(x, v), third @ v, size),
        ("third", along, third @ v @ w, size**2),
    ):
        # The function and its derivatives are some tens in the box; errors of differences were
        # estimated at three points.
        tolerance = 1e-13 + 100 * f.approximate.get(method, 0.0)
        np.testing.assert_allclose(got, want, rtol=0, atol=100 * scale * tolerance)


def vectors(n):
    return st.lists(st.floats(-2, 2), min_size=n, max_size=n).map(np.array)


@settings(max_examples=20)
@given(x=vectors(2), v=vectors(2))
def test_every_derivative(f, x, v):
    check(f, EXACT, x, v)


@settings(max_examples=10)
@given(x=vectors(2), v=vectors(2), y=vectors(1), u=vectors(1))
def test_every_derivative_of_what_is_made_of_it(f, x, v, y, u):
    check(2.5 * f - 1.5 * f, EXACT, x, v)
    check(f.with_metric([4.0, 1.0]), EXACT, x, v)
    check(f.restricted([1.0, -1.0], [0.5, 1.0]), EXACT_ON_A_LINE, y, u)


RECORDED = KINDS["recorded"]()
OTHER = talweg.surfaces.rosenbrock(3)


def test_kernels_take_it(kind, f):
    if kind != "PyTorch":  # milliseconds a call
        want, got = talweg.survey(RECORDED), talweg.survey(f)
        assert len(got.extremals) == len(want.extremals)
        assert len(got.critical_points) == len(want.critical_points)
        for p in want.critical_points:
            # Some have the same value: their order is rounding.
            q = min(got.critical_points, key=lambda q: np.linalg.norm(p.x - q.x))
            assert np.linalg.norm(p.x - q.x) <= p.error + q.error + 1e-12
    mixed = talweg.critical_points((f + RECORDED).with_metric([4.0, 1.0]).fixed({0: 0.5}))
    alone = talweg.critical_points((2 * RECORDED).with_metric([4.0, 1.0]).fixed({0: 0.5}))
    for p, q in zip(alone, mixed, strict=True):
        np.testing.assert_allclose(q.eigenvalues, p.eigenvalues, rtol=1e-8)


def results(f):
    yield f
    yield 2 * f + RECORDED
    yield f.fixed({0: 0.5})
    yield f.with_metric([[2.0, 0.5], [0.5, 1.0]])
    yield (f.with_metric([4.0, 1.0]) / 3).restricted([0.0, 0.0], [1.0, 1.0])


def test_pickles(kind, f):
    for g in results(f):
        if kind.startswith("pointers"):
            with pytest.raises(TypeError, match="cannot be pickled: function pointers are addr"):
                pickle.dumps(g)
            continue
        h = pickle.loads(pickle.dumps(g))
        x = np.random.default_rng(0).normal(size=(5, g.n))
        np.testing.assert_array_equal(h.hess(x), g.hess(x))
        assert (h.n, h.name, h.compiled, h.approximate) == (g.n, g.name, g.compiled, g.approximate)
        np.testing.assert_array_equal(h.bounds, g.bounds)
        np.testing.assert_array_equal(h.metric, g.metric)


def test_compiled_results_stay_compiled(kind, f):
    pytest.importorskip("llvmlite")
    for g in results(f):
        if kind not in COMPILABLE:
            with pytest.raises(TypeError, match="only recordings can be compiled"):
                g.compile()
            continue
        fast = g.compile()
        x = np.random.default_rng(0).normal(size=(5, g.n))
        np.testing.assert_array_equal(fast.hess(x), g.hess(x))
        np.testing.assert_array_equal(fast.metric, g.metric)
        assert pickle.loads(pickle.dumps(fast)).compiled == fast.compiled
        assert fast.compiled or kind == "model"


def test_python_threads(f):
    x = np.random.default_rng(0).normal(size=(500, 2))
    want, found = f.grad(x), []

    def run():
        found.extend(f.grad(x) for _ in range(5))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20
    for got in found:
        np.testing.assert_array_equal(got, want)


def test_objectives_of_python_are_not_given_to_the_pool(kind, f):
    threaded = kind in COMPILABLE or kind == "pointers, thread-safe"
    for g in results(f):
        assert g._core.thread_safe == threaded
    np.testing.assert_array_equal(
        f._core.evaluate(np.ones((5000, 2)), 1, workers=4)["value"], np.full(5000, f([1.0, 1.0]))
    )


# Failures, many times over.


def jax_without_double_precision():
    jax = pytest.importorskip("jax")
    f = in_jax()
    f([1.0, 2.0])

    def fail():
        jax.config.update("jax_enable_x64", False)
        try:
            talweg.Objective.from_jax(of_one, 2)
        finally:
            jax.config.update("jax_enable_x64", True)

    return fail


def failing_in_torch():
    torch = pytest.importorskip("torch")
    broken = [False]

    def fun(x):
        if broken[0]:
            raise ArithmeticError("no convergence")
        return torch.dot(x, x)

    f = talweg.Objective.from_torch(fun, 2)
    broken[0] = True
    return lambda: f.grad([1.0, 2.0])


def pickled_pointer():
    f = pointers()
    return lambda: pickle.dumps(f)


def wrong_gradient(n):
    return lambda: talweg.Objective.from_callables(of_points, lambda x: x[:, :n], n=2)


FAILURES = {
    "a branch on a value": (
        100_000,
        lambda: lambda: talweg.Objective(lambda x: x[0] if x[0] > 0 else x[1], 2),
        talweg.RecordingError,
        "np.where|numpy.where",
    ),
    "an exception while recording": (
        100_000,
        lambda: lambda: talweg.Objective(lambda x: {}["a"], 2),
        KeyError,
        "a",
    ),
    "a pickled pointer": (
        100_000,
        pickled_pointer,
        TypeError,
        "cannot be pickled",
    ),
    "objectives that do not fit": (
        100_000,
        lambda: lambda: RECORDED + OTHER,
        ValueError,
        "of 2 and of 3 coordinates cannot be added",
    ),
    "a gradient of the wrong shape": (
        5_000,
        lambda: wrong_gradient(1),
        ValueError,
        r"grad: returned shape \(3, 1\), want \(3, 2\)",
    ),
    "JAX in single precision": (
        10_000,
        jax_without_double_precision,
        ValueError,
        "jax_enable_x64",
    ),
    "an exception in PyTorch": (3_000, failing_in_torch, ArithmeticError, "^no convergence$"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_leave_nothing_behind(name):
    times, make, error, message = FAILURES[name]
    fail = make()

    def repeat(times):
        for _ in range(times):
            try:
                fail()
            except error:
                continue
            raise AssertionError("it did not fail")

    with pytest.raises(error, match=message):
        fail()
    repeat(times // 20)
    gc.collect()
    before = sys.getallocatedblocks()
    repeat(times)
    gc.collect()
    assert sys.getallocatedblocks() - before < times // 10
