"""NumPy's functions on recorded arrays (``__array_function__``)."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.recording.array import (
    ARRAY_FUNCTIONS,
    RecordedArray,
    apply,
    nodes_of,
    recorded,
    recording_of,
    the_recording_of,
    zeros,
)
from talweg.recording.errors import RecordingError
from talweg.recording.reductions import accumulate, einsum, matmul, reduce, tensordot

_FUNCTIONS: dict[Any, Any] = {}

# Functions that only move elements about work on node numbers as they stand. In the first group
# the first argument is an array, in the second a sequence of arrays, in the third every
# positional argument is an array.
_MOVE_ONE = (
    "reshape", "ravel", "transpose", "permute_dims", "swapaxes", "moveaxis", "rollaxis", "roll",
    "flip", "fliplr", "flipud", "rot90", "squeeze", "expand_dims", "broadcast_to", "repeat",
    "tile", "take", "take_along_axis", "delete", "split", "array_split", "hsplit", "vsplit",
    "dsplit", "diagonal", "copy", "resize", "matrix_transpose", "unstack",
)  # fmt: skip
_MOVE_SEQUENCE = (
    "stack", "concatenate", "concat", "hstack", "vstack", "dstack", "column_stack", "block",
)  # fmt: skip
_MOVE_ALL = ["atleast_1d", "atleast_2d", "atleast_3d", "broadcast_arrays", "meshgrid"]
# These fill with zeros, which on node numbers would mean node 0.
_MOVE_AND_FILL = ["diag", "diagflat", "tril", "triu"]


def dispatch(function, args, kwargs):
    """What NumPy calls for a function with a recorded argument."""
    implementation = _FUNCTIONS.get(function)
    if implementation is None:
        module = (getattr(function, "__module__", None) or "numpy").replace("numpy._core", "numpy")
        name = getattr(function, "__name__", str(function))
        reason = _REASONS.get(
            name,
            "write it with elementwise functions, sums and products, or use "
            "Objective.from_callables, from_jax or from_torch",
        )
        raise RecordingError(f"{module}.{name} is not available on recorded arrays: {reason}")
    return implementation(*args, **kwargs)


_ORDER = "what it returns depends on the order of the values of x"
_ORDERING = (
    "sort", "argsort", "argmin", "argmax", "median", "percentile", "quantile", "unique",
    "partition", "argpartition", "nonzero", "argwhere", "flatnonzero", "count_nonzero",
    "searchsorted", "digitize", "histogram",
)  # fmt: skip
_REASONS = {
    **dict.fromkeys(_ORDERING, _ORDER),
    **dict.fromkeys(["round", "around", "fix"], "it is a step function of x"),
    **dict.fromkeys(
        ["allclose", "isclose", "array_equal", "array_equiv"],
        "the answer depends on the value of x; leave the test out of the function",
    ),
}


def _implements(*names):
    """Register for the functions of these names, as far as this NumPy has them."""

    def register(implementation):
        for name in names:
            module, _, attribute = name.rpartition(".")
            function = getattr(getattr(np, module) if module else np, attribute, None)
            if function is not None:
                _FUNCTIONS[function] = implementation
        return implementation

    return register


def _wrapped(recording, nodes):
    if isinstance(nodes, (list, tuple)):
        return type(nodes)(_wrapped(recording, part) for part in nodes)
    return RecordedArray(recording, np.asarray(nodes))


def _part_nodes(recording, parts):
    if type(parts) is RecordedArray or not isinstance(parts, (list, tuple)):
        return nodes_of(recording, parts)
    return [_part_nodes(recording, part) for part in parts]


def _move_one(function):
    def implementation(a, *args, **kwargs):
        recording = the_recording_of(a, *args, *kwargs.values())
        return _wrapped(recording, function(nodes_of(recording, a), *args, **kwargs))

    return implementation


def _move_sequence(function):
    def implementation(arrays, *args, **kwargs):
        recording = the_recording_of(arrays)
        out = kwargs.pop("out", None)
        kwargs.pop("dtype", None)
        kwargs.pop("casting", None)
        arrays = arrays if function is np.block else list(arrays)
        parts = _part_nodes(recording, arrays)
        if function is not np.block:
            parts = [np.asarray(part, dtype=np.uint32) for part in parts]
        if out is not None:
            raise RecordingError(f"numpy.{function.__name__}(out=...) is not recorded")
        return _wrapped(recording, function(parts, *args, **kwargs))

    return implementation


def _move_all(function):
    def implementation(*arrays, **kwargs):
        recording = the_recording_of(*arrays)
        parts = [nodes_of(recording, a) for a in arrays]
        return _wrapped(recording, function(*parts, **kwargs))

    return implementation


def _move_and_fill(function):
    def implementation(a, *args, **kwargs):
        recording = the_recording_of(a)
        shifted = function(nodes_of(recording, a).astype(np.int64) + 1, *args, **kwargs)
        return _filled(recording, shifted)

    return implementation


def _filled(recording, shifted):
    """Nodes from node numbers raised by one, with 0 where a zero was filled in."""
    zero = int(recording.constants(0.0))
    return RecordedArray(recording, np.where(shifted == 0, zero, shifted - 1).astype(np.uint32))


for _names, _wrap in (
    (_MOVE_ONE, _move_one),
    (_MOVE_SEQUENCE, _move_sequence),
    (_MOVE_ALL, _move_all),
    (_MOVE_AND_FILL, _move_and_fill),
):
    for _name in _names:
        if hasattr(np, _name):
            _FUNCTIONS[getattr(np, _name)] = _wrap(getattr(np, _name))


@_implements("pad")
def pad(array, pad_width, mode="constant", **kwargs):
    recording = the_recording_of(array)
    nodes = nodes_of(recording, array)
    if mode == "constant":
        value = recording.constants(kwargs.get("constant_values", 0.0))
        if value.ndim:
            raise RecordingError("numpy.pad on recorded arrays takes one number as constant_values")
        return _wrapped(recording, np.pad(nodes, pad_width, constant_values=value))
    if mode in ("edge", "wrap", "reflect", "symmetric"):
        return _wrapped(recording, np.pad(nodes, pad_width, mode=mode, **kwargs))
    raise RecordingError(f"numpy.pad(mode={mode!r}) is not available on recorded arrays")


@_implements("append")
def append(arr, values, axis=None):
    if axis is None:
        recording = the_recording_of(arr, values)
        arr, values = recorded(arr, recording).ravel(), recorded(values, recording).ravel()
    return np.concatenate([arr, values], axis=0 if axis is None else axis)


@_implements("insert")
def insert(arr, obj, values, axis=None):
    recording = the_recording_of(arr, values)
    parts = nodes_of(recording, arr), obj, nodes_of(recording, values)
    return _wrapped(recording, np.insert(*parts, axis=axis))


# Facts about an array.


@_implements("shape")
def shape(a):
    return recorded(a).shape


@_implements("ndim")
def ndim(a):
    return recorded(a).ndim


@_implements("size")
def size(a, axis=None):
    return recorded(a).size if axis is None else recorded(a).shape[axis]


@_implements("iscomplexobj")
def iscomplexobj(x):
    return False


@_implements("isrealobj")
def isrealobj(x):
    return True


@_implements("real", "real_if_close")
def real(val, *_):
    return recorded(val)


@_implements("imag")
def imag(val):
    return recorded(val).imag


@_implements("result_type", "common_type")
def result_type(*_):
    return np.dtype(np.float64)


# New arrays.


@_implements("zeros_like", "empty_like")
def zeros_like(a, dtype=None, order="K", subok=True, shape=None, **_):
    return zeros(a._recording, a.shape if shape is None else shape)


@_implements("ones_like")
def ones_like(a, dtype=None, order="K", subok=True, shape=None, **_):
    return full_like(a, 1.0, shape=shape)


@_implements("full_like")
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, **_):
    recording = the_recording_of(a, fill_value)
    result = zeros(recording, np.shape(a) if shape is None else shape)
    result[...] = fill_value
    return result


# Arithmetic.


def _reduction(name):
    def implementation(
        a, axis=None, dtype=None, out=None, keepdims=False, initial=None, where=True
    ):
        _plain(name, out, where)
        return reduce(name, a, axis, keepdims is True, initial)

    return implementation


def _extremum(name):
    def implementation(a, axis=None, out=None, keepdims=False, initial=None, where=True):
        _plain(name, out, where)
        return reduce(name, a, axis, keepdims is True, initial)

    return implementation


def _plain(name, out, where):
    if out is not None or not (where is True or where is np._NoValue):
        raise RecordingError(f"numpy's {name} with out= or where= is not recorded: use numpy.where")


_implements("sum", "nansum")(_reduction("add"))
_implements("prod", "nanprod")(_reduction("multiply"))
_implements("max", "amax")(_extremum("maximum"))
_implements("min", "amin")(_extremum("minimum"))
_implements("all")(_extremum("logical_and"))
_implements("any")(_extremum("logical_or"))


def _running(name):
    def implementation(a, axis=None, dtype=None, out=None):
        _plain(name, out, True)
        a = recorded(a)
        return accumulate(name, a.ravel() if axis is None else a, 0 if axis is None else axis)

    return implementation


_implements("cumsum")(_running("add"))
_implements("cumprod")(_running("multiply"))


def _count(a, axis):
    axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return float(np.prod([a.shape[i] for i in axes]))


@_implements("mean", "nanmean")
def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    _plain("mean", out, where)
    a = recorded(a)
    return reduce("add", a, axis, keepdims is True) / _count(a, axis)


@_implements("average")
def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    if weights is None or returned:
        if returned:
            raise RecordingError("numpy.average(returned=True) is not available when recording")
        return mean(a, axis, keepdims=keepdims)
    recording = the_recording_of(a, weights)
    a, weights = recorded(a, recording), recorded(weights, recording)
    if weights.shape != a.shape and weights.ndim == 1 and isinstance(axis, int):
        weights = weights.reshape([-1 if i == axis % a.ndim else 1 for i in range(a.ndim)])
    weights = np.broadcast_to(weights, a.shape)
    keep = keepdims is True
    return reduce("add", a * weights, axis, keep) / reduce("add", weights, axis, keep)


@_implements("var")
def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, **options):
    _plain("var", out, where)
    a = recorded(a)
    ddof = options.get("correction", ddof)
    ddof = 0 if ddof is np._NoValue else ddof
    deviation = a - mean(a, axis, keepdims=True)
    total = reduce("add", deviation * deviation, axis, keepdims is True)
    return total / (_count(a, axis) - ddof)


@_implements("std")
def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, **options):
    return np.sqrt(var(a, axis, dtype, out, ddof, keepdims, where=where, **options))


@_implements("ptp")
def ptp(a, axis=None, out=None, keepdims=False):
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


@_implements("dot")
def dot(a, b, out=None):
    _plain("dot", out, True)
    recording = the_recording_of(a, b)
    a, b = recorded(a, recording), recorded(b, recording)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -2 if b.ndim > 1 else -1))


@_implements("vdot")
def vdot(a, b):
    recording = the_recording_of(a, b)
    return matmul(recorded(a, recording).ravel(), recorded(b, recording).ravel())


@_implements("inner")
def inner(a, b):
    recording = the_recording_of(a, b)
    a, b = recorded(a, recording), recorded(b, recording)
    return a * b if not a.ndim or not b.ndim else tensordot(a, b, (-1, -1))


@_implements("outer", "linalg.outer")
def outer(a, b, out=None):
    _plain("outer", out, True)
    recording = the_recording_of(a, b)
    return recorded(a, recording).reshape((-1, 1)) * recorded(b, recording).reshape((1, -1))


@_implements("kron")
def kron(a, b):
    recording = the_recording_of(a, b)
    a, b = np.atleast_2d(recorded(a, recording)), np.atleast_2d(recorded(b, recording))
    if a.ndim > 2 or b.ndim > 2:
        raise RecordingError("numpy.kron on recorded arrays takes one- and two-dimensional arrays")
    product = a[:, None, :, None] * b[None, :, None, :]
    return product.reshape((a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]))


@_implements("cross", "linalg.cross")
def cross(a, b, *_, axis=-1, **options):
    recording = the_recording_of(a, b)
    a, b = recorded(a, recording), recorded(b, recording)
    if options or axis != -1 or a.shape[-1] != 3 or b.shape[-1] != 3:
        raise RecordingError("numpy.cross on recorded arrays takes vectors of length 3, axis -1")
    after, before = [1, 2, 0], [2, 0, 1]
    return a[..., after] * b[..., before] - a[..., before] * b[..., after]


@_implements("trace", "linalg.trace")
def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    _plain("trace", out, True)
    return reduce("add", recorded(a).diagonal(offset, axis1, axis2), -1)


@_implements("linalg.diagonal")
def linalg_diagonal(x, *, offset=0):
    return recorded(x).diagonal(offset, -2, -1)


@_implements("diff")
def diff(a, n=1, axis=-1, prepend=None, append=None):
    a = recorded(a)
    if prepend not in (None, np._NoValue) or append not in (None, np._NoValue):
        raise RecordingError("numpy.diff(prepend=, append=) is not recorded: use concatenate first")
    for _ in range(n):
        a = np.moveaxis(a, axis, 0)
        a = np.moveaxis(a[1:] - a[:-1], 0, axis)
    return a


@_implements("trapezoid")
def trapezoid(y, x=None, dx=1.0, axis=-1):
    y = np.moveaxis(recorded(y, the_recording_of(y, x, dx)), axis, -1)
    width = dx if x is None else np.diff(np.moveaxis(x, axis, -1) if np.ndim(x) > 1 else x)
    return reduce("add", width * (y[..., 1:] + y[..., :-1]) / 2.0, -1)


@_implements("convolve")
def convolve(a, v, mode="full"):
    recording = the_recording_of(a, v)
    a, v = np.atleast_1d(recorded(a, recording)), np.atleast_1d(recorded(v, recording))
    if len(v) > len(a):
        a, v = v, a
    if mode == "valid":
        rows = [a[i : i + len(v)] * v[::-1] for i in range(len(a) - len(v) + 1)]
        return np.stack([row.sum() for row in rows])
    padded = np.pad(a, len(v) - 1)
    full = convolve(padded, v, "valid") if len(v) > 1 else a * v
    if mode == "full":
        return full
    start = (len(v) - 1) // 2
    return full[start : start + len(a)]


@_implements("where")
def where(condition, *branches):
    if len(branches) != 2:
        raise RecordingError("numpy.where needs both branches here: numpy.where(condition, a, b)")
    return apply("select", condition, *branches)


@_implements("select")
def select(condlist, choicelist, default=0):
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return result


@_implements("clip")
def clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None, **_):
    _plain("clip", out, True)
    lower = min if _absent(a_min) else a_min
    upper = max if _absent(a_max) else a_max
    result = recorded(a, the_recording_of(a, lower, upper))
    result = result if _absent(lower) else np.maximum(result, lower)
    return result if _absent(upper) else np.minimum(result, upper)


def _absent(bound):
    return bound is None or bound is np._NoValue


@_implements("polyval")
def polyval(p, x):
    result = 0.0
    for coefficient in p:
        result = result * x + coefficient
    return result


@_implements("linalg.norm", "linalg.vector_norm")
def norm(x, ord=None, axis=None, keepdims=False):
    x = recorded(x)
    if (axis is None and ord not in (None, "fro") and x.ndim != 1) or isinstance(axis, tuple):
        raise RecordingError(
            f"numpy.linalg.norm(ord={ord!r}, axis={axis!r}) of an array of shape {x.shape} is not "
            "recorded: vector norms and the Frobenius norm are"
        )
    if ord in (None, 2, "fro"):
        return np.sqrt(reduce("add", x * x, axis, keepdims))
    if ord in (np.inf, -np.inf):
        return reduce("maximum" if ord > 0 else "minimum", abs(x), axis, keepdims)
    if ord == 1:
        return reduce("add", abs(x), axis, keepdims)
    return reduce("add", abs(x) ** ord, axis, keepdims) ** (1.0 / ord)


@_implements("linalg.multi_dot")
def multi_dot(arrays, *, out=None):
    _plain("multi_dot", out, True)
    result = arrays[0]
    for factor in arrays[1:]:
        result = np.dot(result, factor)
    return result


@_implements("linalg.matrix_power")
def matrix_power(a, n):
    if not isinstance(n, int) or n < 1:
        raise RecordingError("numpy.linalg.matrix_power is recorded for powers from 1 on")
    result = recorded(a)
    for _ in range(n - 1):
        result = matmul(result, a)
    return result


@_implements("array", "asarray", "asanyarray")
def array(value, dtype=None, **_):
    recording = recording_of(value)
    return recorded(value) if recording is not None else np.asarray(value, dtype)


_implements("linalg.matmul")(matmul)
_implements("tensordot", "linalg.tensordot")(tensordot)
_implements("einsum")(einsum)
ARRAY_FUNCTIONS["dispatch"] = dispatch
