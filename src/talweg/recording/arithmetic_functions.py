"""NumPy's functions that compute with recorded arrays: sums, products, norms, selections."""

from __future__ import annotations

import numpy as np

from talweg.recording.array import apply, recorded, recording_of, the_recording_of
from talweg.recording.array_functions import implements
from talweg.recording.errors import RecordingError
from talweg.recording.reductions import accumulate, einsum, matmul, reduce, tensordot


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


implements("sum", "nansum")(_reduction("add"))
implements("prod", "nanprod")(_reduction("multiply"))
implements("max", "amax")(_extremum("maximum"))
implements("min", "amin")(_extremum("minimum"))
implements("all")(_extremum("logical_and"))
implements("any")(_extremum("logical_or"))


def _running(name):
    def implementation(a, axis=None, dtype=None, out=None):
        _plain(name, out, True)
        a = recorded(a)
        return accumulate(name, a.ravel() if axis is None else a, 0 if axis is None else axis)

    return implementation


implements("cumsum")(_running("add"))
implements("cumprod")(_running("multiply"))


def _count(a, axis):
    axes = range(a.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return float(np.prod([a.shape[i] for i in axes]))


@implements("mean", "nanmean")
def mean(a, axis=None, dtype=None, out=None, keepdims=False, *, where=True):
    _plain("mean", out, where)
    a = recorded(a)
    return reduce("add", a, axis, keepdims is True) / _count(a, axis)


@implements("average")
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


@implements("var")
def var(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, **options):
    _plain("var", out, where)
    a = recorded(a)
    ddof = options.get("correction", ddof)
    ddof = 0 if ddof is np._NoValue else ddof
    deviation = a - mean(a, axis, keepdims=True)
    total = reduce("add", deviation * deviation, axis, keepdims is True)
    return total / (_count(a, axis) - ddof)


@implements("std")
def std(a, axis=None, dtype=None, out=None, ddof=0, keepdims=False, *, where=True, **options):
    return np.sqrt(var(a, axis, dtype, out, ddof, keepdims, where=where, **options))


@implements("ptp")
def ptp(a, axis=None, out=None, keepdims=False):
    return np.max(a, axis, keepdims=keepdims) - np.min(a, axis, keepdims=keepdims)


@implements("dot")
def dot(a, b, out=None):
    _plain("dot", out, True)
    recording = the_recording_of(a, b)
    a, b = recorded(a, recording), recorded(b, recording)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    return tensordot(a, b, (-1, -2 if b.ndim > 1 else -1))


@implements("vdot")
def vdot(a, b):
    recording = the_recording_of(a, b)
    return matmul(recorded(a, recording).ravel(), recorded(b, recording).ravel())


@implements("inner")
def inner(a, b):
    recording = the_recording_of(a, b)
    a, b = recorded(a, recording), recorded(b, recording)
    return a * b if not a.ndim or not b.ndim else tensordot(a, b, (-1, -1))


@implements("outer", "linalg.outer")
def outer(a, b, out=None):
    _plain("outer", out, True)
    recording = the_recording_of(a, b)
    return recorded(a, recording).reshape((-1, 1)) * recorded(b, recording).reshape((1, -1))


@implements("kron")
def kron(a, b):
    recording = the_recording_of(a, b)
    a, b = np.atleast_2d(recorded(a, recording)), np.atleast_2d(recorded(b, recording))
    if a.ndim > 2 or b.ndim > 2:
        raise RecordingError("numpy.kron on recorded arrays takes one- and two-dimensional arrays")
    product = a[:, None, :, None] * b[None, :, None, :]
    return product.reshape((a.shape[0] * b.shape[0], a.shape[1] * b.shape[1]))


@implements("cross", "linalg.cross")
def cross(a, b, *_, axis=-1, **options):
    recording = the_recording_of(a, b)
    a, b = recorded(a, recording), recorded(b, recording)
    if options or axis != -1 or a.shape[-1] != 3 or b.shape[-1] != 3:
        raise RecordingError("numpy.cross on recorded arrays takes vectors of length 3, axis -1")
    after, before = [1, 2, 0], [2, 0, 1]
    return a[..., after] * b[..., before] - a[..., before] * b[..., after]


@implements("trace", "linalg.trace")
def trace(a, offset=0, axis1=0, axis2=1, dtype=None, out=None):
    _plain("trace", out, True)
    return reduce("add", recorded(a).diagonal(offset, axis1, axis2), -1)


@implements("linalg.diagonal")
def linalg_diagonal(x, *, offset=0):
    return recorded(x).diagonal(offset, -2, -1)


@implements("diff")
def diff(a, n=1, axis=-1, prepend=None, append=None):
    a = recorded(a)
    if prepend not in (None, np._NoValue) or append not in (None, np._NoValue):
        raise RecordingError("numpy.diff(prepend=, append=) is not recorded: use concatenate first")
    for _ in range(n):
        a = np.moveaxis(a, axis, 0)
        a = np.moveaxis(a[1:] - a[:-1], 0, axis)
    return a


@implements("trapezoid")
def trapezoid(y, x=None, dx=1.0, axis=-1):
    y = np.moveaxis(recorded(y, the_recording_of(y, x, dx)), axis, -1)
    width = dx if x is None else np.diff(np.moveaxis(x, axis, -1) if np.ndim(x) > 1 else x)
    return reduce("add", width * (y[..., 1:] + y[..., :-1]) / 2.0, -1)


@implements("convolve")
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


@implements("where")
def where(condition, *branches):
    if len(branches) != 2:
        raise RecordingError("numpy.where needs both branches here: numpy.where(condition, a, b)")
    return apply("select", condition, *branches)


@implements("select")
def select(condlist, choicelist, default=0):
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(condition, choice, result)
    return result


@implements("clip")
def clip(a, a_min=None, a_max=None, out=None, *, min=None, max=None, **_):
    _plain("clip", out, True)
    lower = min if _absent(a_min) else a_min
    upper = max if _absent(a_max) else a_max
    result = recorded(a, the_recording_of(a, lower, upper))
    result = result if _absent(lower) else np.maximum(result, lower)
    return result if _absent(upper) else np.minimum(result, upper)


def _absent(bound):
    return bound is None or bound is np._NoValue


@implements("polyval")
def polyval(p, x):
    result = 0.0
    for coefficient in p:
        result = result * x + coefficient
    return result


@implements("linalg.norm", "linalg.vector_norm")
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


@implements("linalg.multi_dot")
def multi_dot(arrays, *, out=None):
    _plain("multi_dot", out, True)
    result = arrays[0]
    for factor in arrays[1:]:
        result = np.dot(result, factor)
    return result


@implements("linalg.matrix_power")
def matrix_power(a, n):
    if not isinstance(n, int) or n < 1:
        raise RecordingError("numpy.linalg.matrix_power is recorded for powers from 1 on")
    result = recorded(a)
    for _ in range(n - 1):
        result = matmul(result, a)
    return result


@implements("array", "asarray", "asanyarray")
def array(value, dtype=None, **_):
    recording = recording_of(value)
    return recorded(value) if recording is not None else np.asarray(value, dtype)


implements("linalg.matmul")(matmul)
implements("tensordot", "linalg.tensordot")(tensordot)
implements("einsum")(einsum)
