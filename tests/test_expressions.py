"""Objectives from strings and from SymPy expressions."""

import math
import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

import talweg

X, Y = sympy.symbols("x y")
from_expression = talweg.Objective.from_expression

STRINGS = {
    "(x**2 + 2*y**2)/2 + x**2*y/2": lambda x, y: (x**2 + 2 * y**2) / 2 + x**2 * y / 2,
    "exp(-x)*sin(pi*y) - 2**x": lambda x, y: math.exp(-x) * math.sin(math.pi * y) - 2**x,
    "-x**2 + logaddexp(x, y)/e": lambda x, y: -(x**2) + np.logaddexp(x, y) / math.e,
    "2**-x**2": lambda x, y: 2 ** -(x**2),
    "x - y - 1": lambda x, y: x - y - 1,
    "x/y/2": lambda x, y: x / y / 2,
    "+x - -y": lambda x, y: x + y,
    "1e-3*x + .5 + 0x10": lambda x, y: 1e-3 * x + 0.5 + 16,
    "  atan2(y, x) + softplus(x)": lambda x, y: math.atan2(y, x) + math.log1p(math.exp(x)),
    "abs(-x)*maximum(x, 2*y)": lambda x, y: x * max(x, 2 * y),
    "10**2*x": lambda x, y: 100 * x,
    "3": lambda x, y: 3.0,
}


@pytest.mark.parametrize("text", STRINGS)
def test_strings(text):
    f = from_expression(text, "x y")
    for x, y in np.random.default_rng(0).uniform(0.2, 2.0, size=(5, 2)):
        expected = STRINGS[text](x, y)
        assert abs(f([x, y]) - expected) <= 1e-14 * (1 + abs(expected))


@given(
    st.recursive(
        st.sampled_from(["x", "y", "2", "0.5", "pi"]),
        lambda parts: st.one_of(
            st.builds("({} {} {})".format, parts, st.sampled_from("+-*"), parts),
            st.builds("(-{})".format, parts),
            st.builds("{}**2".format, st.sampled_from(["x", "y"])),
            st.builds("{}({})".format, st.sampled_from(["sin", "cos", "tanh", "atan"]), parts),
        ),
        max_leaves=12,
    )
)
def test_strings_mean_what_sympy_says(text):
    expression = sympy.sympify(text, locals={"x": X, "y": Y})
    point = (0.75, -1.25)
    expected = float(expression.evalf(30, subs={X: point[0], Y: point[1]}))
    scale = 1 + sum(abs(float(term.subs({X: 0.75, Y: -1.25}))) for term in expression.args)
    assert abs(from_expression(text, "x y")(point) - expected) <= 1e-12 * scale
    assert abs(from_expression(expression, [X, Y])(point) - expected) <= 1e-12 * scale


@pytest.mark.parametrize("variables", ["x y", "x, y", ["x", "y"], ("x", "y"), (X, Y), "x,y"])
def test_kinds_of_variables(variables):
    assert from_expression("x - 2*y", variables)([3.0, 1.0]) == 1.0
    assert from_expression(X - 2 * Y, variables)([3.0, 1.0]) == 1.0


def test_order_of_variables():
    assert from_expression("x - 2*y", "y x")([3.0, 1.0]) == -5.0
    assert from_expression(X - 2 * Y, [Y, X])([3.0, 1.0]) == -5.0
    assert from_expression(X**2, X).n == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x^2", r"write \*\* for a power"),
        ("__import__('os').system('true')", "only calls of functions by name"),
        ("x.real", "Attribute is not read"),
        ("(lambda: x)()", "only calls"),
        ("x if y else 1", "IfExp is not read"),
        ("[x for x in y]", "ListComp is not read"),
        ("x and y", "BoolOp is not read"),
        ("x < y", "Compare is not read"),
        ("x // y", "FloorDiv is not read"),
        ("x % y", "Mod is not read"),
        ("~x", "UnaryOp is not read"),
        ("x[0]", "Subscript is not read"),
        ("(x := 1)", "NamedExpr is not read"),
        ("x, y", "Tuple is not read"),
        ("'a'", "'a' is not a real number"),
        ("1j*x", "1j is not a real number"),
        ("True", "True is not a real number"),
        ("exp(x, y)", "exp takes 1 argument, got 2"),
        ("atan2(x)", "atan2 takes 2 arguments, got 1"),
        ("exp(x=1)", "only calls of functions by name"),
        ("exp(*x)", "Starred is not read"),
        ("sni(x)", "did you mean 'sin'"),
        ("eval(x)", "no function is called 'eval'"),
        ("zeros(3)", "no function is called 'zeros'"),
        ("z + 1", r"'z' is neither a variable \(x, y\) nor a constant"),
        ("exp", "'exp' is neither a variable"),
        ("", "cannot read ''"),
        ("x +", "cannot read 'x \\+': invalid syntax"),
        ("x\n+ y = 2", "cannot read"),
        ("x\0", "cannot read"),
        ("1e999", "too large"),
        ("1" + 400 * "0", "too large"),
        ("1" + 5000 * "0", "cannot read"),
        ("(" * 300 + "x" + ")" * 300, "too many nested parentheses"),
        ("-" * 15000 + "x", "nested too deeply"),
        ("x" * 30000, "longer than 20,000 characters"),
    ],
)
def test_strings_that_are_refused(text, message):
    with pytest.raises(ValueError, match=message):
        from_expression(text, "x y")


def test_huge_powers_are_only_floats():
    with pytest.raises(ValueError, match="NaN or infinite"):
        from_expression("9**9**9**9 + x", "x")
    assert from_expression("x**1000000", "x")([1.0]) == 1.0


def test_long_sums():
    text = "+".join(f"{k}*x" for k in range(1500))
    assert from_expression(text, "x")([2.0]) == 2.0 * sum(range(1500))


@pytest.mark.parametrize(
    ("variables", "error", "message"),
    [
        ("", ValueError, "variables: want at least one"),
        ([], ValueError, "variables: want at least one"),
        ("x x", ValueError, "variables: 'x' is named twice"),
        ("x 2y", ValueError, "variables: '2y' is no name"),
        ("x lambda", ValueError, "variables: 'lambda' is no name"),
        ("x exp", ValueError, "'exp' is the name of a function"),
        (3, TypeError, "variables: want symbols or names, got int"),
    ],
)
def test_bad_variables(variables, error, message):
    with pytest.raises(error, match=message):
        from_expression("x", variables)


@pytest.mark.parametrize("expression", [3, None, ["x"], b"x"])
def test_things_that_are_no_expressions(expression):
    with pytest.raises(TypeError, match="expr: want a SymPy expression or a string"):
        from_expression(expression, "x")


EXPRESSIONS = [
    X**2 / 3 + sympy.sqrt(Y) / X,
    sympy.exp(-X * Y) + sympy.pi * X ** sympy.Rational(3, 2),
    sympy.E**X + sympy.EulerGamma - sympy.Float("0.1") * Y**-2,
    sympy.Max(X, Y, sympy.Rational(1, 2)) + sympy.Min(X, Y) + sympy.Abs(X - Y) + sympy.sign(X - 1),
    X**Y + sympy.atan2(Y, X) + sympy.erf(X) + sympy.log(X, 3),
    sympy.Piecewise((X, sympy.Rational(1, 2) > X), (X**2, Y > 1), (Y, True)),
    sympy.Piecewise((X, (X < 1) & (Y < 1)), (Y, sympy.Or(X >= 1, Y >= 1))),
    sympy.Piecewise((X, sympy.Not(sympy.Eq(X, Y))), (Y, True)),
    sympy.sec(X) + sympy.csc(X) + sympy.cot(X) + sympy.sech(Y) + sympy.csch(Y) + sympy.coth(Y),
    sympy.asin(X / 3) + sympy.acos(Y / 3) + sympy.atan(X) + sympy.asinh(X) + sympy.acosh(X + 1),
    sympy.atanh(X / 3) + sympy.sinh(X) + sympy.cosh(X) + sympy.tanh(X) + sympy.tan(X / 2),
    sympy.Heaviside(X - 1, sympy.Rational(1, 2)) * Y,
    sympy.S(5),
    sympy.cbrt(X) + sympy.root(Y, 5),
    X / Y / 7 - 3 * X / (2 * Y),
]


@pytest.mark.parametrize("expression", EXPRESSIONS, ids=lambda e: str(e)[:40])
def test_sympy_expressions(expression):
    f = from_expression(expression, (X, Y))
    for point in np.random.default_rng(1).uniform(0.2, 1.8, size=(5, 2)):
        at = {X: sympy.Float(point[0], 30), Y: sympy.Float(point[1], 30)}
        expected = float(expression.subs(at).evalf(30))
        assert abs(f(point) - expected) <= 1e-14 * (1 + abs(expected))


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        (X + sympy.Symbol("k"), ValueError, r"k not among the variables \(x, y\)"),
        (sympy.gamma(X), TypeError, "gamma cannot be recorded"),
        (sympy.Function("g")(X), TypeError, "g cannot be recorded"),
        (sympy.I * X, TypeError, "I is not a finite real number"),
        (sympy.oo + X, TypeError, "oo is not a finite real number"),
        (sympy.nan, TypeError, "nan is not a finite real number"),
        (X < Y, TypeError, "want one expression"),
        (sympy.Eq(X, Y), TypeError, "want one expression"),
        (
            sympy.Matrix([X, Y]),
            TypeError,
            "want a SymPy expression or a string|want one expression",
        ),
        (sympy.Integral(X, X), TypeError, "Integral cannot be recorded"),
        (sympy.floor(X), TypeError, "floor cannot be recorded"),
    ],
)
def test_sympy_expressions_that_are_refused(expression, error, message):
    with pytest.raises(error, match=message):
        from_expression(expression, (X, Y))


def test_nested_sympy_expressions():
    expression, value = X, 1.0
    for _ in range(150):
        expression, value = sympy.sin(expression), math.sin(value)
    assert from_expression(expression, [X])([1.0]) == pytest.approx(value, rel=1e-13)


def test_names_bounds_and_pickling():
    f = from_expression("x*y", "x y", bounds=(-1, 1))
    assert f.name == "x*y"
    assert from_expression("x", "x", name="first").name == "first"
    np.testing.assert_array_equal(f.bounds, [[-1.0, 1.0]] * 2)
    assert pickle.loads(pickle.dumps(f))([2.0, 3.0]) == 6.0
