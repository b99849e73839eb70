"""Sums, products, extrema and matrix products over recorded arrays."""

from __future__ import annotations

import functools
import operator

import numpy as np

from talweg.recording.array import UFUNCS, RecordedArray, apply, recorded, the_recording_of
from talweg.recording.errors import RecordingError
from talweg.recording.recording import Recording

# Runs of this many terms are added one after the other, and runs in pairs: short enough for
# little rounding in long sums, long enough for multiply-adds to be fused.
_RUN = 16

_IDENTITIES = {
    "add": 0.0, "multiply": 1.0, "logical_and": 1.0, "logical_or": 0.0, "hypot": 0.0,
}  # fmt: skip


def reduce(name, array, axis=0, keepdims=False, initial=None, **_):
    """``ufunc.reduce`` for an associative ufunc."""
    array = recorded(array)
    if initial is np._NoValue:
        initial = None
    axes = _axes(array, axis)
    kept = [i for i in range(array.ndim) if i not in axes]
    terms = array.transpose(axes + kept).reshape((-1, *(array.shape[i] for i in kept)))
    if len(terms):
        result = _fold(UFUNCS[name], terms)
    elif name in _IDENTITIES:
        result = array._like(
            np.full(terms.shape[1:], array._recording.constants(_IDENTITIES[name]), np.uint32)
        )
    else:
        raise ValueError(f"numpy.{name}.reduce of no elements has no value")
    if initial is not None:
        result = UFUNCS[name](initial, result)
    if keepdims:
        result = np.expand_dims(result, tuple(sorted(axes)))
    return result


def _axes(array, axis) -> list[int]:
    if axis is None:
        return list(range(array.ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    for i in axes:
        if not -array.ndim <= i < array.ndim:
            raise np.exceptions.AxisError(i, array.ndim)
    return [i % array.ndim for i in axes]


def _fold(function, terms):
    """Combine along the first axis."""
    count = len(terms)
    if count <= _RUN:
        result = terms[0]
        for i in range(1, count):
            result = function(result, terms[i])
        return result
    whole = count // _RUN
    runs = terms[: whole * _RUN].reshape((whole, _RUN, *terms.shape[1:]))
    result = runs[:, 0]
    for i in range(1, _RUN):
        result = function(result, runs[:, i])
    folded = _fold_pairs(function, result)
    return (
        folded
        if count == whole * _RUN
        else function(folded, _fold(function, terms[whole * _RUN :]))
    )


def _fold_pairs(function, terms):
    while len(terms) > 1:
        half = len(terms) // 2
        paired = function(terms[: 2 * half : 2], terms[1 : 2 * half : 2])
        terms = paired if len(terms) % 2 == 0 else np.concatenate([paired, terms[-1:]])
    return terms[0]


def accumulate(name, array, axis=0, **_):
    """``ufunc.accumulate``."""
    array = recorded(array)
    (axis,) = _axes(array, axis)
    terms = np.moveaxis(array, axis, 0)
    results = [terms[0]] if len(terms) else []
    for i in range(1, len(terms)):
        results.append(UFUNCS[name](results[-1], terms[i]))
    return np.stack(results, axis) if results else array.copy()


def _operands(a, b) -> tuple[RecordedArray, RecordedArray, Recording]:
    recording = the_recording_of(a, b)
    return recorded(a, recording), recorded(b, recording), recording


def matmul(a, b):
    """``a @ b`` with NumPy's rules for shapes."""
    a, b, recording = _operands(a, b)
    if not a.ndim or not b.ndim:
        raise ValueError("matmul: a single number is no operand, use * instead")
    left = a if a.ndim > 1 else a[None, :]
    right = b if b.ndim > 1 else b[:, None]
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"matmul: shapes {a.shape} and {b.shape} do not fit together")
    lanes = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    size = int(np.prod(lanes)) * left.shape[-2] * right.shape[-1] * left.shape[-1]
    recording.reserve(size)
    products = apply("multiply", left[..., None], right[..., None, :, :])
    result = reduce("add", products, axis=-2)
    if a.ndim == 1:
        result = result[..., 0, :]
    if b.ndim == 1:
        result = result[..., 0]
    return result


def tensordot(a, b, axes=2):
    """``numpy.tensordot``."""
    a, b, _ = _operands(a, b)
    if isinstance(axes, (int, np.integer)):
        left, right = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        left, right = (_axes(x, tuple(np.atleast_1d(i))) for x, i in zip((a, b), axes, strict=True))
    if [a.shape[i] for i in left] != [b.shape[i] for i in right]:
        raise ValueError(f"tensordot: shapes {a.shape} and {b.shape} do not fit along {axes}")
    free_a = [i for i in range(a.ndim) if i not in left]
    free_b = [i for i in range(b.ndim) if i not in right]
    inner = int(np.prod([a.shape[i] for i in left]))
    shape = tuple(a.shape[i] for i in free_a) + tuple(b.shape[i] for i in free_b)
    rows = a.transpose(free_a + left).reshape((-1, inner))
    columns = b.transpose(right + free_b).reshape((inner, -1))
    return matmul(rows, columns).reshape(shape)


def einsum(subscripts, *operands, optimize=None, out=None, **_):
    """``numpy.einsum`` with a subscripts string without an ellipsis."""
    if not isinstance(subscripts, str) or "." in subscripts or out is not None:
        raise RecordingError(
            "numpy.einsum on recorded arrays takes subscripts like 'ij,j->i', without an "
            "ellipsis and without out="
        )
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    labels = inputs.split(",")
    if not arrow:
        output = "".join(sorted(c for c in set(inputs) - {","} if inputs.count(c) == 1))
    if len(labels) != len(operands):
        raise ValueError(f"einsum: {len(labels)} operands in {subscripts!r}, {len(operands)} given")
    if len(set(output)) < len(output) or not set(output) <= set(inputs) - {","}:
        raise ValueError(
            f"einsum: the output of {subscripts!r} repeats a letter or has one of its own"
        )
    recording = the_recording_of(*operands)
    order = output + "".join(sorted(set(inputs) - set(output) - {","}))
    terms = [
        _aligned(label, recorded(operand, recording), order, subscripts)
        for label, operand in zip(labels, operands, strict=True)
    ]
    recording.reserve(int(np.prod(np.broadcast_shapes(*(term.shape for term in terms)))))
    product = functools.reduce(operator.mul, terms)
    if len(order) == len(output):
        return product.copy()
    return reduce("add", product, tuple(range(len(output), len(order))))


def _aligned(label, operand, order, subscripts):
    """The operand with its axes in the order of `order`, length 1 where it has none."""
    if len(label) != operand.ndim:
        raise ValueError(
            f"einsum: {label!r} in {subscripts!r} for an array of shape {operand.shape}"
        )
    while len(set(label)) < len(label):
        repeated = next(c for c in label if label.count(c) > 1)
        first = label.index(repeated)
        second = label.index(repeated, first + 1)
        operand = np.moveaxis(operand.diagonal(0, first, second), -1, 0)
        label = repeated + "".join(c for i, c in enumerate(label) if i not in (first, second))
    present = [c for c in order if c in label]
    operand = operand.transpose([label.index(c) for c in present])
    sizes = iter(operand.shape)
    return operand.reshape(tuple(next(sizes) if c in label else 1 for c in order))
