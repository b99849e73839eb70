"""Sums, multiples and restrictions of objectives, recorded and called, against SymPy."""

import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import talweg

SYMBOLS = sympy.symbols("a b c")
A, B, C = SYMBOLS
FIRST = A**3 * B + sympy.sin(C) * A + B**2 * C
SECOND = sympy.exp(-(A**2) / 2) * C + A * B * C
BOX = [(-2.0, 2.0)] * 3


def recorded(expression):
    return talweg.Objective.from_expression(expression, SYMBOLS, bounds=BOX)


def called(expression):
    exact = recorded(expression)
    return talweg.Objective.from_callables(
        exact, exact.grad, exact.hess, exact.hessp, exact.third, n=3, bounds=BOX, name="called"
    )


KINDS = {
    "recorded": (recorded, recorded),
    "called": (called, called),
    "mixed": (recorded, called),
}


@pytest.fixture(scope="module", params=KINDS)
def pair(request):
    first, second = KINDS[request.param]
    return first(FIRST), second(SECOND)


class Symbolic:
    """All derivatives of a SymPy expression, or of a sum of such with coefficients."""

    def __init__(self, expression, symbols):
        gradient = [expression.diff(s) for s in symbols]
        hessian = [[g.diff(s) for s in symbols] for g in gradient]
        third = [[[h.diff(s) for s in symbols] for h in row] for row in hessian]
        parts = (expression, gradient, hessian, third)
        self._parts = [sympy.lambdify(symbols, part) for part in parts]

    def __call__(self, x):
        return [np.array(part(*x), dtype=float) for part in self._parts]


def check(f, exact, x, v):
    """`exact` is the value with the first three derivatives."""
    value, gradient, hessian, third = exact
    w = v[::-1].copy()
    core = f._core.evaluate(x[None], 1 << 5, v[None], w[None])["third_product"][0]
    size = sum(np.abs(part).max() for part in exact) + 1.0
    size *= (1.0 + np.abs(v).max()) ** 2
    for got, want in (
        (f(x), value),
        (f.grad(x), gradient),
        (f.hess(x), hessian),
        (f.hessp(x, v), hessian @ v),
        (f.third(x, v), third @ v),
        (core, third @ v @ w),
    ):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13 * size)


def vectors(n):
    return st.lists(st.floats(-2, 2), min_size=n, max_size=n).map(np.array)


EXACT_FIRST, EXACT_SECOND = Symbolic(FIRST, SYMBOLS), Symbolic(SECOND, SYMBOLS)


@given(x=vectors(3), v=vectors(3), c=st.floats(-3, 3))
def test_sums_and_multiples(pair, x, v, c):
    f, g = pair
    first, second = EXACT_FIRST(x), EXACT_SECOND(x)

    def combined(a, b, constant):
        result = [a * p + b * q for p, q in zip(first, second)]
        return [result[0] + constant, *result[1:]]

    check(f + g, combined(1, 1, 0), x, v)
    check(f - c * g, combined(1, -c, 0), x, v)
    check(2 - f / 4 + 1, combined(-0.25, 0, 3), x, v)
    check(-f - 0.5, combined(-1, 0, -0.5), x, v)


ORIGIN = np.array([0.25, -0.5, 1.0])
DIRECTIONS = np.array([[1.0, 0.5], [0.25, -1.0], [0.0, 2.0]])
S, T = sympy.symbols("s t")
EMBEDDED = [
    sympy.Rational(o) + sympy.Rational(d[0]) * S + sympy.Rational(d[1]) * T
    for o, d in zip(ORIGIN, DIRECTIONS)
]
EXACT_RESTRICTED = Symbolic(FIRST.subs(dict(zip(SYMBOLS, EMBEDDED)), simultaneous=True), (S, T))
EXACT_FIXED = Symbolic(FIRST.subs(B, sympy.Rational(3, 4)), (A, C))


@given(y=vectors(2), v=vectors(2))
def test_restrictions(pair, y, v):
    restricted = pair[0].restricted(ORIGIN, DIRECTIONS)
    check(restricted, EXACT_RESTRICTED(y), y, v)
    np.testing.assert_allclose(restricted.embed(y), ORIGIN + DIRECTIONS @ y, rtol=1e-15)


@given(y=vectors(2), v=vectors(2))
def test_fixed_coordinates(pair, y, v):
    fixed = pair[0].fixed({-2: 0.75})
    check(fixed, EXACT_FIXED(y), y, v)
    assert fixed.embed(y).tolist() == [y[0], 0.75, y[1]]


def test_recordings_stay_recordings():
    f, g = recorded(FIRST), recorded(SECOND)
    h = (2 * f - g).fixed({0: 1.0})
    assert h._tape is not None
    assert talweg.Objective(lambda x: h(x) + 1, 2)([0.0, 0.0]) == h([0.0, 0.0]) + 1
    assert (f + called(SECOND))._tape is None


def test_bounds_and_names():
    f, g = recorded(FIRST), recorded(SECOND)
    assert (f + g).bounds.tolist() == f.bounds.tolist()
    narrow = talweg.Objective(lambda x: x[0] + x[1] * x[2], 3, bounds=[(0, 5)] * 3, name="plane")
    assert (f + narrow).bounds.tolist() == [[0.0, 2.0]] * 3
    apart = talweg.Objective(lambda x: x[0] + x[1] * x[2], 3, bounds=[(4, 5)] * 3)
    assert (f + apart).bounds is None
    assert (2 * narrow - 1).name == "2*plane - 1"
    assert f.fixed({0: 1.0}).bounds.tolist() == [[-2.0, 2.0]] * 2
    line = f.restricted([1.0, 0.0, 0.0], [0.5, 0.0, 0.0])
    assert line.bounds.tolist() == [[-6.0, 2.0]]
    assert f.restricted(ORIGIN, DIRECTIONS).bounds is None


def test_results_of_kernels_on_algebra():
    f = talweg.surfaces.himmelblau()
    slow = talweg.Objective.from_callables(f, f.grad, f.hess, f.hessp, f.third, n=2)
    doubled = 2 * slow + 3
    want = talweg.critical_points(f)
    got = talweg.critical_points(doubled, bounds=f.bounds)
    assert len(got) == len(want)
    for q in got:
        # Four minima have the same value: their order is rounding.
        p = min(want, key=lambda p: np.linalg.norm(p.x - q.x))
        assert np.linalg.norm(p.x - q.x) <= p.error + q.error
        np.testing.assert_allclose(q.eigenvalues, 2 * p.eigenvalues, rtol=1e-12)


def test_what_is_a_difference_stays_one():
    exact = recorded(FIRST)
    f = talweg.Objective.from_callables(exact, exact.grad, n=3, bounds=BOX)
    assert list((f + exact).approximate) == ["hess", "hessp", "third"]
    assert (2 * f).approximate == f.approximate
    assert list(f.fixed({0: 0.0}).approximate) == ["hess", "hessp", "third"]
    assert (exact + exact).approximate == {}
    curve = talweg.trace(f.fixed({0: 0.5}) + 0.0, [0.3, 0.2], max_points=5)
    assert "Derivatives of f by differences" in curve.message


def sphere(x):
    return (x**2).sum(axis=-1)


def test_pickles():
    f = talweg.Objective.from_callables(sphere, n=3)
    g = pickle.loads(pickle.dumps((2 * f + recorded(FIRST)).fixed({1: 0.5})))
    y = np.array([0.3, -0.7])
    assert g(y) == 2 * (0.3**2 + 0.25 + 0.7**2) + recorded(FIRST)([0.3, 0.5, -0.7])
    np.testing.assert_array_equal(g.embed(y), [0.3, 0.5, -0.7])
    h = pickle.loads(pickle.dumps(recorded(FIRST).fixed({1: 0.5})))
    np.testing.assert_array_equal(h.embed(y), [0.3, 0.5, -0.7])


def test_operands_that_make_no_sense():
    f = recorded(FIRST)
    with pytest.raises(ValueError, match="of 3 and of 2 coordinates cannot be added"):
        f + talweg.surfaces.himmelblau()
    for operation in (
        lambda: f + "a",
        lambda: f * f,
        lambda: f * [1.0, 2.0],
        lambda: 1 / f,
        lambda: f + np.ones(3),
        lambda: f * True,
    ):
        with pytest.raises(TypeError):
            operation()
    with pytest.raises(ZeroDivisionError):
        f / 0
    with pytest.raises(ValueError, match="not finite"):
        f * np.inf
    assert (np.float64(2) * f)([1.0, 1.0, 1.0]) == 2 * f([1.0, 1.0, 1.0])
    assert (np.array(2.0) * f)([1.0, 1.0, 1.0]) == 2 * f([1.0, 1.0, 1.0])


@pytest.mark.parametrize(
    ("origin", "directions", "message"),
    [
        ([0, 0], np.eye(3), r"origin: want shape \(3,\), got \(2,\)"),
        ([0, 0, np.nan], np.eye(3), "origin: want finite"),
        ([0, 0, 0], np.eye(2), r"directions: want shape \(3, k\)"),
        ([0, 0, 0], np.ones((3, 4)), r"directions: want shape \(3, k\)"),
        ([0, 0, 0], np.ones((3, 2)), "directions: want linearly independent"),
        ([0, 0, 0], [1.0, 2.0], r"directions: want shape \(3, k\)"),
    ],
)
def test_subspaces_that_make_no_sense(origin, directions, message):
    with pytest.raises(ValueError, match=message):
        recorded(FIRST).restricted(origin, directions)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({3: 0.0}, ValueError, "values: want coordinates -3 to 2, got 3"),
        ({0: 0.0, -3: 1.0}, ValueError, "values: coordinate 0 occurs twice"),
        ({0: np.inf}, ValueError, "values: want a finite number for coordinate 0"),
        ({"x": 0.0}, TypeError, "values: want numbers of coordinates"),
        ({0: 1.0, 1: 1.0, 2: 1.0}, ValueError, "values: want at least one coordinate left"),
        ([0.0], TypeError, "values: want a dict"),
    ],
)
def test_fixed_values_that_make_no_sense(values, kind, message):
    with pytest.raises(kind, match=message):
        recorded(FIRST).fixed(values)


def test_only_restrictions_embed():
    with pytest.raises(TypeError, match="no restriction"):
        recorded(FIRST).embed([0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match=r"y: want shape \(2,\)"):
        recorded(FIRST).fixed({0: 1.0}).embed([1.0, 2.0, 3.0])


def test_a_sum_that_grows_is_recorded_once(monkeypatch):
    recorded = []
    record = talweg.objective.record

    def counted(fun, n):
        recorded.append(n)
        return record(fun, n)

    terms = [talweg.Objective(lambda x, k=k: (x[0] - k) ** 2 * x[1], 2) for k in range(30)]
    monkeypatch.setattr(talweg.objective, "record", counted)
    total = sum(terms)
    assert not recorded
    heavy = total.with_metric([1.0, 2.0])
    x = [0.5, -2.0]
    assert float(total(x)) == pytest.approx(sum(float(f(x)) for f in terms), rel=1e-14)
    assert total.kinks == () and total.hess(x)[0, 0] == pytest.approx(-2 * 2 * 30)
    assert len(recorded) == 1
    assert heavy(x) == total(x)
    assert not hasattr(total, "no such attribute")


def test_factors_that_overflow_together_are_refused():
    f = talweg.surfaces.toy() * 1e200
    with pytest.raises(ValueError, match="not finite"):
        f * 1e200
