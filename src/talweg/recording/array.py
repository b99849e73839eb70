"""The array type a function is recorded with: node numbers of a tape in any shape."""

from __future__ import annotations

import opcode
import operator
import sys
from typing import Any

import numpy as np

from talweg.recording import errors
from talweg.recording.errors import RecordingError
from talweg.recording.recording import Recording

_STORE_SUBSCRIPT = opcode.opmap["STORE_SUBSCR"]

# Filled by talweg.recording.ufuncs and talweg.recording.array_functions, which need this type.
UFUNCS: dict[str, Any] = {}
ARRAY_FUNCTIONS: dict[str, Any] = {}


class RecordedArray:
    """An array of values that are not known yet, only how they are computed.

    Behaves as a float64 NumPy array of the same shape: ufuncs, most NumPy functions, indexing,
    slicing, iteration and arithmetic with numbers and arrays on either side. Every operation is
    written to the tape of the recording that the array belongs to. What depends on numbers being
    there (``if``, ``float()``, use as an index) raises `RecordingError`.
    """

    __slots__ = ("_boolean", "_nodes", "_recording")
    __array_priority__ = 1000.0
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, recording: Recording, nodes: np.ndarray, boolean: bool = False):
        self._recording = recording
        self._nodes = nodes
        self._boolean = boolean

    # What the array looks like from outside.

    @property
    def shape(self):
        return self._nodes.shape

    @property
    def ndim(self):
        return self._nodes.ndim

    @property
    def size(self):
        return self._nodes.size

    @property
    def dtype(self):
        return np.dtype(bool if self._boolean else np.float64)

    @property
    def T(self):
        return self._like(self._nodes.T)

    @property
    def mT(self):
        return self._like(self._nodes.swapaxes(-1, -2))

    @property
    def real(self):
        return self

    @property
    def imag(self):
        return zeros(self._recording, self.shape)

    @property
    def flat(self):
        return iter(self.ravel())

    def __repr__(self):
        kind = "comparison" if self._boolean else "value"
        if not self.shape:
            return f"<recorded {kind}>"
        return f"<recorded {kind}s, shape {self.shape}>"

    def __len__(self):
        if not self._nodes.ndim:
            raise TypeError("len() of a single recorded value")
        return len(self._nodes)

    def __iter__(self):
        if not self._nodes.ndim:
            raise TypeError("iteration over a single recorded value")
        return (self._like(np.asarray(node)) for node in self._nodes)

    # Indexing: the node array does all of it, views included.

    def __getitem__(self, key):
        return self._like(np.asarray(self._nodes[_checked_key(key)]))

    def __setitem__(self, key, value):
        key = _checked_key(key)
        nodes = nodes_of(self._recording, value)
        if not self._nodes.flags.writeable:
            raise RecordingError(
                "item assignment into the function's own argument, or into a view of it, would "
                "change the caller's array: write y = x.copy() first"
            )
        self._nodes[key] = nodes

    # What would need a number.

    def _constant(self):
        """The number itself where the value does not depend on x, else None."""
        if self._nodes.size == 1:
            node = int(self._nodes.reshape(-1)[0])
            if self._recording.tape.is_constant(node):
                return self._recording.tape.constant_value(node)
        return None

    def __float__(self):
        value = self._constant()
        if value is not None:
            return float(value)
        caller = sys._getframe(1)
        if caller.f_code.co_code[caller.f_lasti] == _STORE_SUBSCRIPT:
            raise errors.assignment_into_floats()
        raise errors.number_wanted()

    def __int__(self):
        value = self._constant()
        if value is not None:
            return int(value)
        raise errors.number_wanted("int()")

    def __complex__(self):
        return complex(float(self))

    def __index__(self):
        raise errors.index_by_value()

    def __bool__(self):
        value = self._constant()
        if value is not None:
            return bool(value)
        if self._nodes.size != 1:
            raise ValueError(
                f"the truth value of an array of shape {self.shape} is ambiguous, and a branch on "
                "recorded values cannot be recorded: write numpy.where(condition, a, b)"
            )
        raise errors.branch_on_value()

    def __contains__(self, value):
        raise errors.branch_on_value()

    def __round__(self, *_):
        raise errors.number_wanted("round()")

    def __floor__(self):
        raise errors.number_wanted("math.floor()")

    __trunc__ = __ceil__ = __floor__

    def item(self, *index):
        if index:
            return self[index if len(index) > 1 else np.unravel_index(index[0], self.shape)]
        if self._nodes.size != 1:
            raise ValueError(f"item() of an array of shape {self.shape}: one element is wanted")
        return self.reshape(())

    def tolist(self):
        return [entry.tolist() for entry in self] if self.ndim else self

    # NumPy's protocols.

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **options):
        return UFUNCS["dispatch"](ufunc, method, inputs, out, options)

    def __array_function__(self, function, types, args, kwargs):
        return ARRAY_FUNCTIONS["dispatch"](function, args, kwargs)

    def _like(self, nodes):
        return RecordedArray(self._recording, nodes, self._boolean)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        raise RecordingError("a recorded value cannot be pickled: pickle the Objective instead")

    # Shapes.

    def copy(self, order="C"):
        return self._like(self._nodes.copy())

    def astype(self, dtype, **_):
        if np.dtype(dtype).kind == "f":
            return RecordedArray(self._recording, self._nodes.copy())
        if np.dtype(dtype).kind == "O":
            return self
        raise RecordingError(f"astype({dtype}): a recorded array holds float64 values only")

    def reshape(self, *shape, order="C"):
        return self._like(self._nodes.reshape(*shape, order=order))

    def ravel(self, order="C"):
        return self._like(self._nodes.ravel(order))

    def flatten(self, order="C"):
        return self._like(self._nodes.flatten(order))

    def transpose(self, *axes):
        return self._like(self._nodes.transpose(*axes))

    def swapaxes(self, axis1, axis2):
        return self._like(self._nodes.swapaxes(axis1, axis2))

    def squeeze(self, axis=None):
        return self._like(self._nodes.squeeze(axis))

    def take(self, indices, axis=None, mode="raise"):
        return self._like(np.asarray(self._nodes.take(indices, axis, mode=mode)))

    def repeat(self, repeats, axis=None):
        return self._like(self._nodes.repeat(repeats, axis))

    def diagonal(self, offset=0, axis1=0, axis2=1):
        return self._like(self._nodes.diagonal(offset, axis1, axis2))

    def fill(self, value):
        self[...] = value

    def conj(self):
        return self

    conjugate = conj


def _method(name):
    """A method that calls the NumPy function of the same name."""

    def method(self, *args, **kwargs):
        return getattr(np, name)(self, *args, **kwargs)

    method.__name__ = name
    method.__qualname__ = f"RecordedArray.{name}"
    return method


_METHODS = (
    "sum", "prod", "mean", "var", "std", "min", "max", "cumsum", "cumprod", "dot", "trace",
    "clip", "all", "any", "ptp",
)  # fmt: skip
# For arrays of objects, whose ufuncs call a method of each element.
_METHODS_OF_ELEMENTS = (
    "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "square",
    "reciprocal", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh",
    "tanh", "arcsinh", "arccosh", "arctanh", "hypot", "absolute", "fabs", "deg2rad", "rad2deg",
    "degrees", "radians", "logical_not", "logical_and", "logical_or", "floor", "ceil", "rint",
    "trunc", "sort", "argsort", "argmin", "argmax", "nonzero", "round",
)  # fmt: skip
for _name in _METHODS + _METHODS_OF_ELEMENTS:
    setattr(RecordedArray, _name, _method(_name))


def zeros(recording: Recording, shape) -> RecordedArray:
    """Recorded zeros that can be assigned into."""
    return RecordedArray(recording, np.full(shape, recording.constants(0.0), dtype=np.uint32))


def _checked_key(key):
    """An index without recorded values in it."""
    if type(key) is RecordedArray:
        raise errors.index_by_value()
    if type(key) is tuple:
        for part in key:
            if type(part) is RecordedArray:
                raise errors.index_by_value()
    return key


def nodes_of(recording: Recording, value) -> np.ndarray:
    """Node numbers of an operand: recorded values, numbers, or any nesting of both."""
    if type(value) is RecordedArray:
        if value._recording is not recording:
            raise RecordingError(
                "a recorded value of another recording was used: do not keep recorded values in "
                "variables that outlive the call of the function, and use neither the row nor what "
                "was computed from it in the term of another talweg.sum_over"
            )
        return value._nodes
    if isinstance(value, (float, int)):
        return recording.constants(value)
    array = np.asarray(value)
    if array.dtype != object:
        return recording.constants(value if array.dtype.kind in "US" else array)
    nodes = np.empty(array.shape, dtype=np.uint32)
    flat = nodes.reshape(-1)
    for i, entry in enumerate(array.reshape(-1)):
        if type(entry) is RecordedArray and entry.ndim == 0:
            flat[i] = int(nodes_of(recording, entry))
        else:
            flat[i] = int(recording.constants(_number(entry)))
    return nodes


def _number(entry) -> float:
    try:
        return operator.index(entry) if isinstance(entry, int) else float(entry)
    except (TypeError, ValueError):
        raise RecordingError(
            f"cannot combine a recorded value with {type(entry).__name__}: numbers and arrays of "
            "numbers are wanted"
        ) from None


def recording_of(*operands) -> Recording | None:
    """The recording that the operands belong to, looking into lists and arrays of objects."""
    for operand in operands:
        if type(operand) is RecordedArray:
            return operand._recording
    for operand in operands:
        if isinstance(operand, np.ndarray):
            operand = operand.ravel() if operand.dtype == object else ()
        elif not isinstance(operand, (list, tuple)):
            continue
        found = recording_of(*operand)
        if found is not None:
            return found
    return None


def the_recording_of(*operands) -> Recording:
    """The recording that at least one of the operands belongs to."""
    recording = recording_of(*operands)
    if recording is None:
        raise RecordingError("no recorded array among the arguments")
    return recording


def recorded(value, recording: Recording | None = None) -> RecordedArray:
    """Any operand as a `RecordedArray`."""
    if type(value) is RecordedArray:
        return value
    recording = recording or the_recording_of(value)
    return RecordedArray(recording, nodes_of(recording, value))


_KINKED = frozenset((
    "absolute", "sign", "minimum", "maximum", "less", "less_equal", "equal", "select",
))  # fmt: skip


def apply(name: str, *operands, boolean: bool = False, smooth: bool = False) -> RecordedArray:
    """Write one operation, elementwise over operands broadcast against each other.

    `smooth` says that the operation has no kink as it is used here.
    """
    recording = the_recording_of(*operands)
    if name in _KINKED and not smooth:
        recording.kinks.add(name)
    nodes = [nodes_of(recording, operand) for operand in operands]
    first = nodes[0]
    for other in nodes:
        if other.shape != first.shape:
            nodes = list(np.broadcast_arrays(*nodes))
            first = nodes[0]
            break
    recording.reserve(first.size)
    return RecordedArray(recording, recording.tape.apply(name, *nodes), boolean)


def smooth_select(lower, upper, a, b) -> RecordedArray:
    """``a`` where ``lower < upper``, else ``b``, for two formulas of one smooth function."""
    condition = apply("less", lower, upper, smooth=True)
    return apply("select", condition, a, b, smooth=True)


def _operator(name, reflected=False):
    def forward(self, other):
        function = UFUNCS.get(name)
        if not _is_operand(other):
            return NotImplemented
        return function(other, self) if reflected else function(self, other)

    return forward


def _in_place(name):
    def update(self, other):
        self[...] = UFUNCS[name](self, other)
        return self

    return update


def _is_operand(other) -> bool:
    return (
        type(other) is RecordedArray
        or isinstance(other, (float, int, np.ndarray, np.generic, list, tuple, complex))
        or hasattr(other, "__float__")
    )


for _symbol, _name in {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "power",
    "matmul": "matmul",
    "mod": "remainder",
    "floordiv": "floor_divide",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}.items():
    setattr(RecordedArray, f"__{_symbol}__", _operator(_name))
    setattr(RecordedArray, f"__r{_symbol}__", _operator(_name, reflected=True))
    setattr(RecordedArray, f"__i{_symbol}__", _in_place(_name))
for _symbol, _name in {
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "eq": "equal",
    "ne": "not_equal",
}.items():
    setattr(RecordedArray, f"__{_symbol}__", _operator(_name))
for _symbol, _name in {
    "neg": "negative",
    "pos": "positive",
    "abs": "absolute",
    "invert": "invert",
}.items():
    setattr(RecordedArray, f"__{_symbol}__", lambda self, _name=_name: UFUNCS[_name](self))
