"""Values and derivatives of recorded functions against SymPy and mpmath."""

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import talweg

X, Y, Z = VARIABLES = sympy.symbols("x y z", real=True)


def exactly(expressions, point):
    """The expressions' values in 60 digits, a flat list of mpmath's numbers."""
    flat = list(np.ravel(np.array(expressions, dtype=object)))
    function = sympy.lambdify(VARIABLES, flat, modules="mpmath", cse=True)
    with mpmath.workdps(60):
        return [mpmath.mpf(v) for v in function(*[mpmath.mpf(float(x)) for x in point])]


def relative_error(computed, expressions, point):
    exact = exactly(expressions, point)
    error = [mpmath.mpf(float(a)) - b for a, b in zip(np.ravel(computed), exact, strict=True)]
    return float(mpmath.norm(error) / mpmath.norm(exact))


# One function of one operand each: the derivative rules, near and away from special points.

ONE_ARGUMENT = {
    "exp": (np.exp, sympy.exp, (-2.0, 3.0)),
    "log": (np.log, sympy.log, (0.1, 5.0)),
    "sqrt": (np.sqrt, sympy.sqrt, (0.1, 5.0)),
    "sin": (np.sin, sympy.sin, (-7.0, 7.0)),
    "cos": (np.cos, sympy.cos, (-7.0, 7.0)),
    "tan": (np.tan, sympy.tan, (-1.4, 1.4)),
    "sinh": (np.sinh, sympy.sinh, (-3.0, 3.0)),
    "cosh": (np.cosh, sympy.cosh, (-3.0, 3.0)),
    "tanh": (np.tanh, sympy.tanh, (-3.0, 3.0)),
    "arcsin": (np.arcsin, sympy.asin, (-0.9, 0.9)),
    "arccos": (np.arccos, sympy.acos, (-0.9, 0.9)),
    "arctan": (np.arctan, sympy.atan, (-4.0, 4.0)),
    "arcsinh": (np.arcsinh, sympy.asinh, (-4.0, 4.0)),
    "arccosh": (np.arccosh, sympy.acosh, (1.2, 5.0)),
    "arctanh": (np.arctanh, sympy.atanh, (-0.9, 0.9)),
    "erf": (talweg.erf, sympy.erf, (-2.0, 2.0)),
    "log1p": (np.log1p, lambda x: sympy.log(1 + x), (-0.9, 4.0)),
    "expm1": (np.expm1, lambda x: sympy.exp(x) - 1, (-3.0, 3.0)),
    "sigmoid": (talweg.sigmoid, lambda x: 1 / (1 + sympy.exp(-x)), (-5.0, 5.0)),
    "softplus": (talweg.softplus, lambda x: sympy.log(1 + sympy.exp(x)), (-5.0, 5.0)),
    "reciprocal": (np.reciprocal, lambda x: 1 / x, (0.3, 3.0)),
    "cube": (lambda x: x**3, lambda x: x**3, (-3.0, 3.0)),
    "power 7": (lambda x: x**7, lambda x: x**7, (-2.0, 2.0)),
    "power -3": (lambda x: x**-3, lambda x: x**-3, (0.3, 3.0)),
    "power 2.5": (lambda x: x**2.5, lambda x: x ** sympy.Rational(5, 2), (0.2, 3.0)),
    "power -1.25": (lambda x: x**-1.25, lambda x: x ** sympy.Rational(-5, 4), (0.2, 3.0)),
    "exp2": (np.exp2, lambda x: 2**x, (-3.0, 3.0)),
    "power of itself": (lambda x: x**x, lambda x: x**x, (0.2, 2.0)),
    "cbrt": (np.cbrt, lambda x: x ** sympy.Rational(1, 3), (0.2, 3.0)),
    "log2": (np.log2, lambda x: sympy.log(x) / sympy.log(2), (0.2, 5.0)),
    "log10": (np.log10, lambda x: sympy.log(x) / sympy.log(10), (0.2, 5.0)),
}


@pytest.mark.parametrize("name", ONE_ARGUMENT)
def test_three_derivatives_of_every_function(name):
    function, symbolic, (low, high) = ONE_ARGUMENT[name]
    f = talweg.Objective(lambda x: function(x[0]), 1, bounds=[(low, high)])
    derivatives = [sympy.diff(symbolic(X), X, k) for k in range(4)]
    lambdas = [sympy.lambdify(X, d, modules="mpmath") for d in derivatives]
    points = np.random.default_rng(3).uniform(low, high, size=(40, 1))
    one = np.ones(1)
    computed = [f(points), f.grad(points), f.hess(points), f.third(points, one)]
    for k in range(4):
        with mpmath.workdps(60):
            exact = [mpmath.mpf(lambdas[k](mpmath.mpf(float(x)))) for x in points[:, 0]]
            largest = max(abs(value) for value in exact)
            for value, reference in zip(np.ravel(computed[k]), exact, strict=True):
                error = abs(mpmath.mpf(float(value)) - reference)
                assert error <= 2e-14 * max(abs(reference), 0.02 * largest), (name, k)


SMOOTH_AT_ZERO = {
    "arcsinh": (np.arcsinh, [0, 1, 0, -1]),
    "softplus": (talweg.softplus, [np.log(2), 0.5, 0.25, 0]),
    "logaddexp": (lambda x: np.logaddexp(x, -x), [np.log(2), 0, 1, 0]),
    "arctan2": (lambda x: np.arctan2(1.0, x), [np.pi / 2, -1, 0, 2]),
    "arctan2 of y": (lambda x: np.arctan2(x, 1.0), [0, 1, 0, -2]),
    "arcsin": (np.arcsin, [0, 1, 0, 1]),
    "arctanh": (np.arctanh, [0, 1, 0, 2]),
    "sigmoid": (talweg.sigmoid, [0.5, 0.25, 0, -0.125]),
    "square of abs": (lambda x: x * x, [0, 0, 2, 0]),
    "expm1": (np.expm1, [0, 1, 1, 1]),
}


@pytest.mark.parametrize("name", SMOOTH_AT_ZERO)
def test_derivatives_where_two_formulas_of_one_function_meet(name):
    function, expected = SMOOTH_AT_ZERO[name]
    f = talweg.Objective(lambda x: function(x[0]), 1)
    zero, one = np.zeros(1), np.ones(1)
    found = [f(zero), f.grad(zero)[0], f.hess(zero)[0, 0], f.third(zero, one)[0, 0]]
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=1e-15)


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("size", [30.0, 300.0, 700.0])
def test_composites_far_out(sign, size):
    x = np.array([sign * size])
    softplus = talweg.Objective(lambda x: talweg.softplus(x[0]), 1)
    with mpmath.workdps(400):
        e = mpmath.exp(mpmath.mpf(float(x[0])))
        exact = [
            mpmath.log1p(e),
            e / (1 + e),
            e / (1 + e) ** 2,
            e * (1 - e) / (1 + e) ** 3,
        ]
    found = [
        softplus(x),
        softplus.grad(x)[0],
        softplus.hess(x)[0, 0],
        softplus.third(x, [1.0])[0, 0],
    ]
    # The second derivative exp(-x) of a large x is a difference of numbers near 1.
    tolerances = [1e-15, 4e-16, 3e-16, 3e-16] if sign > 0 else [1e-14 * float(d) for d in exact]
    for value, reference, tolerance in zip(found, exact, tolerances, strict=True):
        bound = tolerance if sign < 0 else tolerance * max(1.0, float(reference))
        assert abs(value - float(reference)) <= abs(bound)


@pytest.mark.parametrize(
    "point", [(0.3, -0.8), (-0.5, 0.2), (-1.0, -1e-3), (2.0, 1e-9), (-2.0, 0.7), (1e-8, -1)]
)
def test_arctan2_and_hypot(point):
    f = talweg.Objective(lambda x: np.arctan2(x[1], x[0]) * 2 + np.hypot(x[0], x[1]), 2)
    v = np.array([0.4, -1.1])
    symbols = (X, Y)
    expression = 2 * sympy.atan2(Y, X) + sympy.sqrt(X**2 + Y**2)
    gradient = [sympy.diff(expression, s) for s in symbols]
    hessian = [[sympy.diff(g, s) for s in symbols] for g in gradient]
    third = [
        [sum(sympy.diff(h, s) * c for s, c in zip(symbols, v, strict=True)) for h in row]
        for row in hessian
    ]
    x = np.array(point)
    full = (*point, 0.0)
    assert relative_error([f(x)], [expression], full) <= 1e-15
    assert relative_error(f.grad(x), gradient, full) <= 1e-15
    assert relative_error(f.hess(x), hessian, full) <= 2e-15
    assert relative_error(f.third(x, v), third, full) <= 5e-15


# Hypothesis draws expressions; both sides compute them in their own way.

NUMBERS = st.sampled_from([1, 2, 3, -1, -2, sympy.Rational(1, 2), sympy.Rational(-3, 4)])
LEAVES = st.one_of(st.sampled_from(VARIABLES), NUMBERS.map(sympy.sympify))


def compounds(parts):
    bounded = parts.map(lambda e: sympy.sin(e))
    return st.one_of(
        st.builds(sympy.Add, parts, parts),
        st.builds(lambda a, b: a - b, parts, parts),
        st.builds(sympy.Mul, parts, parts),
        st.builds(lambda a, b: a / (2 + sympy.sin(b)), parts, parts),
        st.builds(lambda a, k: a**k, parts, st.sampled_from([2, 3])),
        st.builds(lambda a: sympy.exp(a), bounded),
        st.builds(lambda a: sympy.log(3 + a), bounded),
        st.builds(lambda a: sympy.sqrt(2 + a), bounded),
        st.builds(lambda f, a: f(a), st.sampled_from([sympy.sin, sympy.cos, sympy.tanh]), parts),
        st.builds(lambda f, a: f(a), st.sampled_from([sympy.atan, sympy.erf]), parts),
        st.builds(lambda a, b: (2 + a) ** b, bounded, bounded),
        st.builds(lambda f, a: f(a), st.sampled_from([sympy.sinh, sympy.cosh]), bounded),
    )


EXPRESSIONS = st.recursive(LEAVES, compounds, max_leaves=8)


def largest_term(expressions, point):
    """The largest number added up anywhere in the expressions."""
    terms = [sympy.S(0)]
    for expression in expressions:
        terms.append(expression)
        for part in sympy.preorder_traversal(expression):
            if part.is_Add:
                terms.extend(part.args)
    return float(max(abs(value) for value in exactly(list(dict.fromkeys(terms)), point)))


@settings(max_examples=60)
@given(
    EXPRESSIONS,
    st.tuples(*[st.floats(-1.5, 1.5, allow_subnormal=False) for _ in range(3)]),
    st.tuples(*[st.integers(-2, 2) for _ in range(3)]),
)
def test_drawn_expressions(expression, point, vector):
    assume(sympy.count_ops(expression) <= 40)
    point = tuple(round(x, 6) for x in point)
    f = talweg.Objective.from_expression(expression, VARIABLES)
    gradient = [sympy.diff(expression, s) for s in VARIABLES]
    hessian = [[sympy.diff(g, s) for s in VARIABLES] for g in gradient]
    third = [
        [
            sum((sympy.diff(h, s) * c for s, c in zip(VARIABLES, vector, strict=True)), sympy.S(0))
            for h in row
        ]
        for row in hessian
    ]
    product = [
        sum((h * c for h, c in zip(row, vector, strict=True)), sympy.S(0)) for row in hessian
    ]
    x, v = np.array(point), np.array(vector, dtype=float)
    for computed, exact in [
        ([f(x)], [expression]),
        (f.grad(x), gradient),
        (f.hess(x), hessian),
        (f.hessp(x, v), product),
        (f.third(x, v), third),
    ]:
        flat = list(np.ravel(np.array(exact, dtype=object)))
        # Drawn expressions may cancel: the allowance is relative to the largest term added up.
        size = largest_term(flat, point)
        pairs = zip(np.ravel(computed), exactly(flat, point), strict=True)
        assert max(abs(mpmath.mpf(float(a)) - b) for a, b in pairs) <= 1e-13 * max(size, 1e-3)


@given(st.integers(2, 6), st.integers(0, 10**6))
def test_symmetry_and_linearity(n, seed):
    """H is symmetric, T[v] is symmetric and linear in v, and T[v] w is T[w] v."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, n))
    f = talweg.Objective(lambda x: np.sum(np.tanh(a @ x) * np.exp(-x * x)) + np.prod(x), n)
    x, v, w = rng.normal(size=(3, n))
    hessian, third_v, third_w = f.hess(x), f.third(x, v), f.third(x, w)
    np.testing.assert_array_equal(hessian, hessian.T)
    np.testing.assert_array_equal(third_v, third_v.T)
    scale = np.abs(third_v).max() + np.abs(third_w).max()
    np.testing.assert_allclose(third_v @ w, third_w @ v, atol=1e-13 * scale * n, rtol=0)
    both = f.third(x, 2 * v - 3 * w)
    np.testing.assert_allclose(both, 2 * third_v - 3 * third_w, atol=1e-13 * scale * n, rtol=0)
    np.testing.assert_allclose(f.hessp(x, v), hessian @ v, atol=1e-13 * np.abs(hessian).max() * n)


@pytest.mark.parametrize("n", [30, 150])
def test_many_coordinates(n):
    """Sizes at which matrices are put together from products with unit vectors."""
    f = talweg.surfaces.phi4_chain(n, 0.3)
    x, v = np.random.default_rng(n).normal(size=(2, n))
    laplacian = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1.0
    np.testing.assert_allclose(f.grad(x), x**3 - x + 0.3 * laplacian @ x, rtol=0, atol=1e-13)
    hessian = np.diag(3 * x**2 - 1) + 0.3 * laplacian
    np.testing.assert_allclose(f.hess(x), hessian, rtol=0, atol=1e-13)
    np.testing.assert_allclose(f.hessp(x, v), hessian @ v, rtol=0, atol=1e-12)
    np.testing.assert_allclose(f.third(x, v), np.diag(6 * x * v), rtol=0, atol=1e-13)


def test_a_full_hessian_of_many_coordinates():
    n = 60
    a = np.random.default_rng(0).normal(size=(n, n)) / n
    f = talweg.Objective(lambda x: np.sum(np.sin(a @ x)), n)
    x, v = np.random.default_rng(1).normal(size=(2, n))
    sine, cosine = np.sin(a @ x), np.cos(a @ x)
    np.testing.assert_allclose(f.grad(x), a.T @ cosine, rtol=0, atol=1e-14)
    np.testing.assert_allclose(f.hess(x), -a.T @ (sine[:, None] * a), rtol=0, atol=1e-15)
    third = -a.T @ ((cosine * (a @ v))[:, None] * a)
    np.testing.assert_allclose(f.third(x, v), third, rtol=0, atol=1e-15)
