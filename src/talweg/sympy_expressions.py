"""Functions of one array from SymPy expressions."""

from __future__ import annotations

import functools
import operator

import numpy as np
import sympy

from talweg import functions


def from_sympy(expression, variables, names):
    """A function of one array with the value of the expression.

    Raises
    ------
    ValueError
        When the expression has other symbols than the variables.
    TypeError
        When it holds a function that cannot be recorded.
    """
    positions = {name: i for i, name in enumerate(names)}
    unknown = sorted(
        str(symbol) for symbol in expression.free_symbols if str(symbol) not in positions
    )
    if unknown:
        raise ValueError(
            f"expr: {', '.join(unknown)} not among the variables ({', '.join(names)}); substitute "
            "numbers for parameters first"
        )
    if not isinstance(expression, sympy.Expr):
        raise TypeError(f"expr: want one expression, got {type(expression).__name__}")
    order = list(dict.fromkeys(_postorder(expression)))
    # Outermost first, so that an error names the function and not a part of it.
    for node in reversed(order):
        _rule(node)

    def function(x):
        values = {}
        for node in order:
            values[node] = (
                x[positions[str(node)]]
                if isinstance(node, sympy.Symbol)
                else _rule(node)(node, [values[part] for part in _parts(node)])
            )
        return values[expression]

    function.__name__ = str(expression)[:60]
    return function


def _parts(node):
    """The operands that are evaluated before a node."""
    if isinstance(node, sympy.Piecewise):
        return [part for pair in node.args for part in pair.args]
    if isinstance(node, sympy.Pow) and node.exp.is_Rational:
        return [node.base]
    if isinstance(node, sympy.exp):
        return [node.exp]
    return list(node.args)


def _postorder(expression):
    pending = [(expression, False)]
    while pending:
        node, done = pending.pop()
        if done or not node.args:
            yield node
        else:
            pending.append((node, True))
            pending.extend((part, False) for part in reversed(_parts(node)))


def _power(node, values):
    if not node.exp.is_Rational:
        return values[0] ** values[1]
    if node.exp == sympy.Rational(1, 2):
        return functions.sqrt(values[0])
    if node.exp == -1:
        return 1.0 / values[0]
    return values[0] ** float(node.exp)


def _piecewise(node, values):
    *pairs, (otherwise, condition) = zip(values[::2], values[1::2], strict=True)
    result = otherwise if condition is True else functions.where(condition, otherwise, np.nan)
    for value, condition in reversed(pairs):
        result = functions.where(condition, value, result)
    return result


def _number(node, values):
    return np.float64(node.evalf(20))


def _call(function):
    return lambda node, values: function(*values)


def _fold(function):
    return lambda node, values: functools.reduce(function, values)


_SAME_NAMES = (
    "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh",
    "acosh", "atanh", "erf",
)  # fmt: skip
_RULES = {
    sympy.Add: _fold(operator.add),
    sympy.Mul: _fold(operator.mul),
    sympy.Pow: _power,
    sympy.Piecewise: _piecewise,
    sympy.exp: _call(functions.exp),
    sympy.log: lambda node, values: (
        functions.log(values[0]) / (functions.log(values[1]) if len(values) > 1 else 1.0)
    ),
    sympy.Abs: _call(functions.abs),
    sympy.sign: _call(functions.sign),
    sympy.Max: _fold(functions.maximum),
    sympy.Min: _fold(functions.minimum),
    sympy.Heaviside: lambda node, values: np.heaviside(
        values[0], values[1] if len(values) > 1 else 0.5
    ),
    sympy.sec: lambda node, values: 1.0 / functions.cos(values[0]),
    sympy.csc: lambda node, values: 1.0 / functions.sin(values[0]),
    sympy.cot: lambda node, values: 1.0 / functions.tan(values[0]),
    sympy.sech: lambda node, values: 1.0 / functions.cosh(values[0]),
    sympy.csch: lambda node, values: 1.0 / functions.sinh(values[0]),
    sympy.coth: lambda node, values: 1.0 / functions.tanh(values[0]),
    sympy.StrictLessThan: _call(operator.lt),
    sympy.LessThan: _call(operator.le),
    sympy.StrictGreaterThan: _call(operator.gt),
    sympy.GreaterThan: _call(operator.ge),
    sympy.Equality: _call(operator.eq),
    sympy.Unequality: _call(operator.ne),
    sympy.And: _fold(np.logical_and),
    sympy.Or: _fold(np.logical_or),
    sympy.Not: _call(np.logical_not),
    type(sympy.true): lambda node, values: True,
    type(sympy.false): lambda node, values: False,
    **{getattr(sympy, name): _call(getattr(functions, name)) for name in _SAME_NAMES},
}


def _rule(node):
    if isinstance(node, sympy.Symbol):
        return None
    if not node.args and node not in (sympy.true, sympy.false) and node.is_number:
        if not node.is_real or not node.is_finite:
            raise TypeError(f"expr: {node} is not a finite real number")
        return _number
    for kind in type(node).__mro__:
        rule = _RULES.get(kind)
        if rule is not None:
            return rule
    raise TypeError(f"expr: {type(node).__name__} cannot be recorded, in {str(node)[:60]}")
