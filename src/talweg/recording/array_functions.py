"""NumPy's functions on recorded arrays (``__array_function__``): dispatch, and moving elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.recording.array import (
    ARRAY_FUNCTIONS,
    RecordedArray,
    nodes_of,
    recorded,
    the_recording_of,
    zeros,
)
from talweg.recording.errors import RecordingError

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


def implements(*names):
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


@implements("pad")
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


@implements("append")
def append(arr, values, axis=None):
    if axis is None:
        recording = the_recording_of(arr, values)
        arr, values = recorded(arr, recording).ravel(), recorded(values, recording).ravel()
    return np.concatenate([arr, values], axis=0 if axis is None else axis)


@implements("insert")
def insert(arr, obj, values, axis=None):
    recording = the_recording_of(arr, values)
    parts = nodes_of(recording, arr), obj, nodes_of(recording, values)
    return _wrapped(recording, np.insert(*parts, axis=axis))


# Facts about an array.


@implements("shape")
def shape(a):
    return recorded(a).shape


@implements("ndim")
def ndim(a):
    return recorded(a).ndim


@implements("size")
def size(a, axis=None):
    return recorded(a).size if axis is None else recorded(a).shape[axis]


@implements("iscomplexobj")
def iscomplexobj(x):
    return False


@implements("isrealobj")
def isrealobj(x):
    return True


@implements("real", "real_if_close")
def real(val, *_):
    return recorded(val)


@implements("imag")
def imag(val):
    return recorded(val).imag


@implements("result_type", "common_type")
def result_type(*_):
    return np.dtype(np.float64)


# New arrays.


@implements("zeros_like", "empty_like")
def zeros_like(a, dtype=None, order="K", subok=True, shape=None, **_):
    return zeros(a._recording, a.shape if shape is None else shape)


@implements("ones_like")
def ones_like(a, dtype=None, order="K", subok=True, shape=None, **_):
    return full_like(a, 1.0, shape=shape)


@implements("full_like")
def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None, **_):
    recording = the_recording_of(a, fill_value)
    result = zeros(recording, np.shape(a) if shape is None else shape)
    result[...] = fill_value
    return result


ARRAY_FUNCTIONS["dispatch"] = dispatch
