"""Functions from SymPy expressions and from strings in a small grammar.

Both become plain Python functions of one array, which `Objective` records like any other.
"""

from __future__ import annotations

import ast
import keyword
import math
import operator
import re

import numpy as np

from talweg import functions

MAX_LENGTH = 20_000
_CONSTANTS = {"pi": math.pi, "e": math.e}
_FUNCTION_NAMES = sorted(set(functions.__all__) - {"stack", "where", "zeros"})
_TWO_ARGUMENTS = {"arctan2", "atan2", "hypot", "logaddexp", "maximum", "minimum"}
_IDENTIFIER = re.compile(r"[^\W\d]\w*\Z")


def parse(expression, variables):
    """A function of one array, and the variables' names, from an expression.

    Raises
    ------
    ValueError, TypeError
        Naming `expr` or `variables`.
    """
    if isinstance(expression, str):
        names = variable_names(variables)
        return _from_string(expression, names), names
    if hasattr(expression, "free_symbols") and hasattr(expression, "func"):
        from talweg.sympy_expressions import from_sympy

        names = variable_names(variables)
        return from_sympy(expression, variables, names), names
    raise TypeError(f"expr: want a SymPy expression or a string, got {type(expression).__name__}")


def variable_names(variables) -> list[str]:
    """The names of the variables in order, checked."""
    if isinstance(variables, str):
        variables = [name for name in re.split(r"[\s,]+", variables) if name]
    elif hasattr(variables, "free_symbols"):
        variables = [variables]
    try:
        names = [str(variable) for variable in variables]
    except TypeError:
        raise TypeError(
            f"variables: want symbols or names, got {type(variables).__name__}"
        ) from None
    if not names:
        raise ValueError("variables: want at least one")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"variables: {name!r} is named twice")
    return names


class _Syntax(ValueError):
    pass


def _from_string(text, names):
    for name in names:
        if not _IDENTIFIER.match(name) or keyword.iskeyword(name):
            raise ValueError(f"variables: {name!r} is no name")
        if name in _FUNCTION_NAMES:
            raise ValueError(f"variables: {name!r} is the name of a function")
    if len(text) > MAX_LENGTH:
        raise ValueError(f"expr: longer than {MAX_LENGTH:,} characters; write a Python function")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        where = f" at character {error.offset}" if error.offset else ""
        raise ValueError(f"expr: cannot read {_shown(text)}: {error.msg}{where}") from None
    except (RecursionError, MemoryError):
        raise ValueError("expr: nested too deeply; write a Python function") from None
    except ValueError as error:
        raise ValueError(f"expr: cannot read {_shown(text)}: {error}") from None
    steps = _postorder(tree, text)
    positions = {name: i for i, name in enumerate(names)}
    for step in steps:
        if isinstance(step, ast.Name) and step.id not in positions and step.id not in _CONSTANTS:
            raise ValueError(
                f"expr: {step.id!r} is neither a variable ({', '.join(names)}) nor a constant "
                "(pi, e)"
            )
    return _Expression(steps, positions, text)


def _shown(text) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")


_BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
_UNARY = {ast.USub: operator.neg, ast.UAdd: operator.pos}


def _postorder(tree, text):
    """The nodes of a syntax tree, operands first, the last operand before the first; only those
    of the grammar.

    Not recursive: a long sum nests as deep as it has terms.
    """
    steps, pending = [], [tree]
    while pending:
        node = pending.pop()
        steps.append(node)
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            pending += [node.right, node.left]
        elif isinstance(node, ast.UnaryOp) and type(node.op) in _UNARY:
            pending.append(node.operand)
        elif isinstance(node, ast.Call):
            pending += reversed(_checked_call(node, text))
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            # Integers become floats at once: no power of integers can grow without bounds.
            try:
                node.value = float(node.value)
            except OverflowError:
                node.value = math.inf
            if not math.isfinite(node.value):
                raise ValueError(f"expr: a number in {_shown(text)} is too large")
        elif not isinstance(node, ast.Name):
            raise ValueError(f"expr: {_refused(node)} in {_shown(text)}")
    return steps[::-1]


def _checked_call(node, text) -> list[ast.expr]:
    if not isinstance(node.func, ast.Name) or node.keywords:
        raise ValueError(f"expr: only calls of functions by name are read, in {_shown(text)}")
    name = node.func.id
    if name not in _FUNCTION_NAMES:
        import difflib

        near = difflib.get_close_matches(name, _FUNCTION_NAMES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_FUNCTION_NAMES)}"
        raise ValueError(f"expr: no function is called {name!r}: {hint}")
    wanted = 2 if name in _TWO_ARGUMENTS else 1
    if len(node.args) != wanted:
        raise ValueError(
            f"expr: {name} takes {wanted} argument{'s' * (wanted > 1)}, got {len(node.args)}"
        )
    return list(node.args)


def _refused(node) -> str:
    if isinstance(node, ast.BinOp):
        hint = " (write ** for a power)" if isinstance(node.op, ast.BitXor) else ""
        return f"the operator {type(node.op).__name__} is not read{hint}"
    if isinstance(node, ast.Constant):
        return f"{node.value!r} is not a real number"
    return f"{type(node).__name__} is not read (only + - * / **, numbers, names and functions are)"


class _Expression:
    """A parsed string as a function of one array."""

    def __init__(self, steps, positions, text):
        self._steps = steps
        self._positions = positions
        self.__name__ = text.strip()[:60]

    def __call__(self, x):
        # Overflow of constants is found out, and reported, when the value is not finite.
        with np.errstate(all="ignore"):
            return self._value(x)

    def _value(self, x):
        values = []
        for step in self._steps:
            if isinstance(step, ast.Constant):
                values.append(np.float64(step.value))
            elif isinstance(step, ast.Name):
                position = self._positions.get(step.id)
                values.append(np.float64(_CONSTANTS[step.id]) if position is None else x[position])
            elif isinstance(step, ast.BinOp):
                right = values.pop()
                values.append(_BINARY[type(step.op)](values.pop(), right))
            elif isinstance(step, ast.UnaryOp):
                values.append(_UNARY[type(step.op)](values.pop()))
            else:
                function = getattr(functions, step.func.id)
                arguments = [values.pop() for _ in step.args]
                values.append(function(*reversed(arguments)))
        return values[0]
