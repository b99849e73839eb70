"""Mathematical functions for numbers, arrays and recorded arrays alike.

NumPy's own functions work in recorded functions too; these add what NumPy lacks, and give names
to write instead of those of `math`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import (
    abs,
    arccos,
    arccosh,
    arcsin,
    arcsinh,
    arctan,
    arctan2,
    arctanh,
    cos,
    cosh,
    exp,
    expm1,
    hypot,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    maximum,
    minimum,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    stack,
    tan,
    tanh,
    where,
)

from talweg.recording import RecordedArray, active, recorded, recording_of
from talweg.recording.array import UFUNCS
from talweg.recording.array import zeros as _recorded_zeros

# The names of `math` and SymPy for the inverse functions.
acos, acosh, asin, asinh, atan, atan2, atanh = (
    arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh,
)  # fmt: skip

__all__ = [
    "abs", "acos", "acosh", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2",
    "arctanh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "erf", "exp", "expm1",
    "hypot", "log", "log1p", "log2", "log10", "logaddexp", "maximum", "minimum", "sigmoid", "sign",
    "sin", "sinh", "softplus", "sqrt", "square", "stack", "tan", "tanh", "where", "zeros",
]  # fmt: skip


def _or_recorded(name, x):
    """The recorded result, or None where `x` holds numbers only."""
    if type(x) is RecordedArray:
        return UFUNCS[name](x)
    if isinstance(x, (float, int)):
        return None
    recording = recording_of(x)
    return None if recording is None else UFUNCS[name](recorded(x, recording))


def erf(x: Any) -> Any:
    """Error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to x.

    Parameters
    ----------
    x : float or array_like

    Returns
    -------
    float or array of the shape of `x`

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: talweg.erf(x[0]), 1)
    >>> bool(abs(f([0.5]) - talweg.erf(0.5)) < 1e-15)
    True
    """
    result = _or_recorded("erf", x)
    if result is not None:
        return result
    if isinstance(x, (float, int)):
        return math.erf(x)
    from scipy import special

    return special.erf(x)


def sigmoid(x: Any) -> Any:
    """Logistic function 1/(1 + exp(-x)), without overflow for either sign of `x`.

    Parameters
    ----------
    x : float or array_like

    Returns
    -------
    float or array of the shape of `x`

    Examples
    --------
    >>> import talweg
    >>> float(talweg.sigmoid(0.0))
    0.5
    """
    result = _or_recorded("expit", x)
    if result is not None:
        return result
    small = np.exp(-np.abs(x))
    return np.where(np.less(x, 0.0), small, 1.0)[()] / (1.0 + small)


def softplus(x: Any) -> Any:
    """log(1 + exp(x)), without overflow for large `x` or loss of digits for very negative `x`.

    Parameters
    ----------
    x : float or array_like

    Returns
    -------
    float or array of the shape of `x`

    Examples
    --------
    >>> import talweg
    >>> float(talweg.softplus(800.0))
    800.0
    """
    result = _or_recorded("softplus", x)
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))) if result is None else result


def zeros(shape: int | tuple[int, ...]) -> Any:
    """An array of zeros that values can be assigned into, also inside a recorded function.

    Parameters
    ----------
    shape : int or tuple of int

    Returns
    -------
    array of float64, or a recorded array while a function is being recorded

    Examples
    --------
    >>> import numpy, talweg
    >>> def fun(x):
    ...     y = talweg.zeros(3)
    ...     y[1] = x[0] * x[1]
    ...     return numpy.sum(y**2)
    >>> float(talweg.Objective(fun, 2)([2.0, 3.0]))
    36.0
    """
    recording = active()
    return np.zeros(shape) if recording is None else _recorded_zeros(recording, shape)
