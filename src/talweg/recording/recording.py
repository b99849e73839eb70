"""One recording: the tape that operations go to, its limit, and which recording is going on."""

from __future__ import annotations

import threading

import numpy as np

from talweg.recording.errors import RecordingError

# Beyond this a tape, and above all its second derivatives, is slower than the other kinds of
# objective by a wide margin.
MAX_OPERATIONS = 100_000

_state = threading.local()


class Recording:
    """A tape being written.

    Attributes
    ----------
    tape : talweg._core.Tape
        Where operations go.
    tables : dict
        Node numbers of data tables already on the tape, by the identity of the table; it keeps
        the tables alive, so that an identity is not used twice.
    kinks : set of str
        Operations with a kink or a jump that the function itself asked for; a select between two
        formulas of one smooth function is not among them.
    """

    __slots__ = ("kinks", "tables", "tape")

    def __init__(self, tape):
        self.tape = tape
        self.tables = {}
        self.kinks = set()

    def __enter__(self):
        stack = _stack()
        stack.append(self)
        return self

    def __exit__(self, *_):
        _stack().pop()

    def reserve(self, count: int) -> None:
        """Raise before one call writes far more operations than a tape may have."""
        if count > MAX_OPERATIONS:
            raise too_long()

    def constants(self, values) -> np.ndarray:
        """Node numbers of an array of numbers, in the array's shape."""
        array = np.asarray(values)
        if array.dtype.kind == "c":
            raise RecordingError("complex numbers cannot be recorded: an objective is real")
        if array.dtype.kind not in "biuf":
            raise RecordingError(
                f"cannot combine a recorded value with {type(values).__name__} "
                f"(dtype {array.dtype}): numbers and arrays of numbers are wanted"
            )
        nodes: np.ndarray = self.tape.constant(np.asarray(array, dtype=np.float64))
        return nodes


def too_long() -> RecordingError:
    """The error for a function with too many operations."""
    return RecordingError(
        f"the function takes more than {MAX_OPERATIONS:,} operations, too many for one recording: "
        "write a sum over data rows as talweg.sum_over(term, data), and use "
        "Objective.from_callables, from_jax, from_torch or from_pointers for code of another kind"
    )


def _stack() -> list[Recording]:
    stack = getattr(_state, "stack", None)
    if stack is None:
        stack = _state.stack = []
    return stack


def active() -> Recording | None:
    """The recording this thread is in the middle of, or None."""
    stack = getattr(_state, "stack", None)
    return stack[-1] if stack else None
