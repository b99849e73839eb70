"""NumPy's and SciPy's ufuncs on recorded arrays, found by their names."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from talweg.recording import errors
from talweg.recording.array import (
    UFUNCS,
    RecordedArray,
    apply,
    recorded,
    smooth_select,
    the_recording_of,
)
from talweg.recording.errors import RecordingError
from talweg.recording.reductions import accumulate, matmul, reduce

# NumPy's name -> the tape's. Both SciPy's special functions and NumPy's ufuncs arrive by name, so
# SciPy need not be imported.
_OPERATIONS = {
    "add": "add",
    "subtract": "subtract",
    "multiply": "multiply",
    "divide": "divide",
    "true_divide": "divide",
    "negative": "negate",
    "power": "power",
    "float_power": "power",
    "exp": "exp",
    "log": "log",
    "sqrt": "sqrt",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
    "arctan": "atan",
    "log1p": "log1p",
    "expm1": "expm1",
    "erf": "erf",
    "expit": "sigmoid",
    "absolute": "absolute",
    "fabs": "absolute",
    "sign": "sign",
    "minimum": "minimum",
    "maximum": "maximum",
    "fmin": "minimum",
    "fmax": "maximum",
}
_COMPARISONS = {"less": "less", "less_equal": "less_equal", "equal": "equal"}
UFUNCS.update({name: partial(apply, operation) for name, operation in _OPERATIONS.items()})
UFUNCS.update(
    {name: partial(apply, operation, boolean=True) for name, operation in _COMPARISONS.items()}
)
UFUNCS["matmul"] = matmul


def _ufunc(function):
    UFUNCS[function.__name__] = function
    return function


def _binary(function):
    """A composite of two operands, of which either may be a plain number or array."""

    def operation(a, b):
        return function(*recorded_pair(a, b))

    UFUNCS[function.__name__] = operation
    return operation


# Comparisons and logic. A truth value is 1.0 or 0.0 on the tape.


@_ufunc
def greater(a, b):
    return apply("less", b, a, boolean=True)


@_ufunc
def greater_equal(a, b):
    return apply("less_equal", b, a, boolean=True)


@_ufunc
def not_equal(a, b):
    return logical_not(apply("equal", a, b, boolean=True))


def _truth(a):
    return a if _is_truth(a) else not_equal(a, 0.0)


def _is_truth(a) -> bool:
    dtype = a.dtype if type(a) is RecordedArray else np.asarray(a).dtype
    return bool(dtype.kind == "b")


@_ufunc
def logical_not(a):
    return apply("subtract", 1.0, _truth(a), boolean=True)


@_ufunc
def logical_and(a, b):
    return apply("multiply", _truth(a), _truth(b), boolean=True)


@_ufunc
def logical_or(a, b):
    return apply("maximum", _truth(a), _truth(b), boolean=True)


@_ufunc
def logical_xor(a, b):
    return not_equal(apply("subtract", _truth(a), _truth(b)), 0.0)


def _bitwise(name, logical):
    def operation(*operands):
        if not all(_is_truth(a) for a in operands):
            raise RecordingError(f"numpy.{name} works on comparisons only, not on recorded values")
        return logical(*operands)

    return operation


UFUNCS["bitwise_and"] = _bitwise("bitwise_and", logical_and)
UFUNCS["bitwise_or"] = _bitwise("bitwise_or", logical_or)
UFUNCS["bitwise_xor"] = _bitwise("bitwise_xor", logical_xor)
UFUNCS["invert"] = _bitwise("invert", logical_not)


# Composites. Each is written so that neither its value nor its derivatives cancel or overflow
# where the function itself does not.


@_ufunc
def positive(a):
    return recorded(a).copy()


conjugate = UFUNCS["conjugate"] = positive


@_ufunc
def square(a):
    return a * a


@_ufunc
def reciprocal(a):
    return 1.0 / a


@_ufunc
def exp2(a):
    return apply("power", 2.0, a)


@_ufunc
def log2(a):
    return apply("log", a) / math.log(2.0)


@_ufunc
def log10(a):
    return apply("log", a) / math.log(10.0)


@_ufunc
def cbrt(a):
    positive_root = apply("power", a, 1.0 / 3.0)
    negative_root = -apply("power", -a, 1.0 / 3.0)
    return smooth_select(a, 0.0, negative_root, positive_root)


@_binary
def hypot(a, b):
    return apply("sqrt", a * a + b * b)


@_ufunc
def arcsin(a):
    return apply("atan", a / apply("sqrt", (1.0 - a) * (1.0 + a)))


@_ufunc
def arccos(a):
    # pi/2 - arcsin(a) would cancel near a = 1.
    return 2.0 * apply("atan", apply("sqrt", (1.0 - a) / (1.0 + a)))


@_binary
def arctan2(b, a):
    # The half-angle formula needs fewer cases, but its derivatives cancel near the negative axis.
    half_turn = smooth_select(b, 0.0, -math.pi, math.pi)
    flat = apply("atan", b / a) + smooth_select(a, 0.0, half_turn, 0.0)
    steep = 0.5 * half_turn - apply("atan", a / b)
    size_a, size_b = (apply("absolute", side, smooth=True) for side in (a, b))
    return smooth_select(size_a, size_b, steep, flat)


def _arcsinh_of_positive(a):
    # Where a * a overflows this is NaN, which a * (a / ...) would hide in a wrong number.
    square_of_a = a * a
    return apply("log1p", a + square_of_a / (1.0 + apply("sqrt", 1.0 + square_of_a)))


@_ufunc
def arcsinh(a):
    # The formula cancels for negative arguments. Not sign(a) * ...(|a|): its derivative would
    # be 0 at 0.
    return smooth_select(a, 0.0, -_arcsinh_of_positive(-a), _arcsinh_of_positive(a))


@_ufunc
def arccosh(a):
    above = a - 1.0
    return apply("log1p", above + apply("sqrt", above * (above + 2.0)))


@_ufunc
def arctanh(a):
    return 0.5 * (apply("log1p", a) - apply("log1p", -a))


@_ufunc
def softplus(a):
    """log(1 + exp(a)), one exponential for both signs of a."""
    positive_part = smooth_select(0.0, a, a, 0.0)
    distance = smooth_select(0.0, a, -a, a)
    return positive_part + apply("log1p", apply("exp", distance))


@_ufunc
def log_expit(a):
    return -softplus(-a)


@_ufunc
def logit(a):
    return apply("log", a) - apply("log1p", -a)


@_binary
def logaddexp(a, b):
    # Selects rather than maximum and absolute, whose derivatives at a = b would not add up.
    larger = smooth_select(a, b, b, a)
    distance = smooth_select(a, b, a - b, b - a)
    return larger + apply("log1p", apply("exp", distance))


@_binary
def logaddexp2(a, b):
    log_two = math.log(2.0)
    return logaddexp(a * log_two, b * log_two) / log_two


@_ufunc
def erfc(a):
    raise RecordingError(
        "erfc is not recorded: 1 - erf(a) loses all digits for large a; where that does not "
        "matter write 1 - talweg.erf(a)"
    )


@_binary
def xlogy(a, b):
    return a * apply("log", b)


@_binary
def xlog1py(a, b):
    return a * apply("log1p", b)


@_binary
def copysign(a, b):
    magnitude = apply("absolute", a)
    return apply("select", b < 0.0, -magnitude, magnitude)


@_binary
def heaviside(a, at_zero):
    return apply("select", a < 0.0, 0.0, apply("select", a == 0.0, at_zero, 1.0))


@_ufunc
def deg2rad(a):
    return a * (math.pi / 180.0)


@_ufunc
def rad2deg(a):
    return a * (180.0 / math.pi)


UFUNCS["radians"] = deg2rad
UFUNCS["degrees"] = rad2deg
UFUNCS["vecdot"] = lambda a, b: (recorded_pair(a, b)[0] * b).sum(axis=-1)
UFUNCS["matvec"] = lambda a, b: matmul(a, recorded_pair(b, a)[0][..., None])[..., 0]
UFUNCS["vecmat"] = lambda a, b: matmul(recorded_pair(a, b)[0][..., None, :], b)[..., 0, :]


def recorded_pair(a, b):
    """Both operands recorded, where at least one is."""
    recording = the_recording_of(a, b)
    return recorded(a, recording), recorded(b, recording)


_ASSOCIATIVE = {
    "add", "multiply", "maximum", "minimum", "fmax", "fmin", "logaddexp", "logical_and",
    "logical_or", "hypot",
}  # fmt: skip
_STEPS = {"floor", "ceil", "rint", "trunc", "floor_divide", "remainder", "fmod", "divmod", "modf"}
_TESTS = {"isnan", "isfinite", "isinf", "signbit"}


def dispatch(ufunc, method, inputs, out, options):
    """What NumPy calls for a ufunc with a recorded operand."""
    name = ufunc.__name__
    function = UFUNCS.get(name)
    if function is None:
        raise _unsupported(name)
    if options.pop("where", True) is not True:
        raise RecordingError(f"numpy.{name}(..., where=...) is not recorded: use numpy.where")
    _check_dtype(name, options.pop("dtype", None))
    if method == "__call__":
        result = function(*inputs)
    elif method == "reduce" and name in _ASSOCIATIVE:
        result = reduce(name, *inputs, **options)
    elif method == "accumulate":
        result = accumulate(name, *inputs, **options)
    elif method == "outer":
        a, b = recorded_pair(*inputs)
        result = function(a.reshape(a.shape + (1,) * b.ndim), b)
    else:
        raise RecordingError(f"numpy.{name}.{method} is not available on recorded arrays")
    return _stored(result, out)


def _stored(result, out):
    if out is None or out[0] is None:
        return result
    target = out[0]
    if type(target) is not RecordedArray:
        raise errors.assignment_into_floats()
    target[...] = result
    return target


def _check_dtype(name, dtype):
    if dtype is not None and np.dtype(dtype).kind not in "fO":
        raise RecordingError(f"numpy.{name}(..., dtype={dtype}): recorded values are float64")


def _unsupported(name) -> RecordingError:
    if name in _STEPS:
        reason = "it is a step function of x, with no useful derivatives"
    elif name in _TESTS:
        reason = "the answer depends on the value of x; leave the test out of the function"
    else:
        reason = "use the functions listed in talweg's documentation, or Objective.from_callables"
    return RecordingError(f"numpy.{name} cannot be recorded: {reason}")


UFUNCS["dispatch"] = dispatch
for _name in _STEPS:

    def _refuse(*_, _name=_name):
        raise _unsupported(_name)

    UFUNCS[_name] = _refuse
