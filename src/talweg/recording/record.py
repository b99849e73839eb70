"""Calls a plain Python function once and keeps what it computed as a tape."""

from __future__ import annotations

import numpy as np

from talweg import _core
from talweg.recording.array import RecordedArray
from talweg.recording.errors import RecordingError, index_by_value
from talweg.recording.recording import MAX_OPERATIONS, Recording, too_long


def record(function, n: int) -> tuple[Recording, int]:
    """Record a function of `n` coordinates.

    Returns
    -------
    recording : Recording
    output : int
        The node of its value.

    Raises
    ------
    RecordingError
        Where the function does something that cannot be recorded, or returns no real number.
    ValueError
        Where there are more coordinates than operations allowed.
    """
    if n > MAX_OPERATIONS:
        raise ValueError(
            f"n: a recorded function has at most {MAX_OPERATIONS:,} coordinates, got {n:,}; use "
            "Objective.from_callables or from_pointers"
        )
    recording = Recording(_core.Tape(n))
    nodes = recording.tape.input()
    nodes.flags.writeable = False
    with recording:
        result = call(function, RecordedArray(recording, nodes))
        output = scalar_node(recording, result, "the function")
    if recording.tape.is_row(output):
        raise RecordingError(
            "the function returned a value that belongs to one row of talweg.sum_over's data: "
            "keep what the term computes inside the term"
        )
    return recording, output


def call(function, *arguments):
    """Call a function with recorded arguments; errors say what to write instead."""
    try:
        return function(*arguments)
    except RecordingError:
        raise
    except _core.RecordingLimit:
        raise too_long() from None
    except Exception as error:
        # NumPy wraps what __float__ and __array_ufunc__ raise into errors of its own.
        cause = error
        while cause is not None:
            if isinstance(cause, RecordingError):
                raise cause from error
            cause = cause.__cause__ or cause.__context__
        if isinstance(error, TypeError) and "no callable" in str(error):
            raise RecordingError(
                f"{error}: numpy.array([...]) of recorded values and numbers is an array of "
                "objects; write numpy.stack([...])"
            ) from error
        if isinstance(error, ValueError) and "unsupported data types in input" in str(error):
            raise RecordingError(
                "scipy.sparse cannot multiply recorded values: write A.toarray() @ x (products "
                "with zeros are not recorded)"
            ) from error
        if isinstance(error, IndexError) and "only integers, slices" in str(error):
            raise RecordingError(f"{error}; {index_by_value()}") from error
        raise


def scalar_node(recording: Recording, result, what: str) -> int:
    """The node of a result that must be one real number."""
    if isinstance(result, np.ndarray) and result.dtype == object and result.ndim == 0:
        result = result.item()
    if type(result) is RecordedArray:
        if result._recording is not recording:
            raise RecordingError(f"{what} returned a recorded value of another recording")
        if result.shape != ():
            raise RecordingError(
                f"{what} returned an array of shape {result.shape}: one real number is wanted"
                + _hint(result)
            )
        if result.dtype == bool:
            raise RecordingError(f"{what} returned a comparison: one real number is wanted")
        return int(result._nodes)
    if result is None:
        raise RecordingError(f"{what} returned None: does it end with a return statement?")
    if isinstance(result, (bool, np.bool_)):
        raise RecordingError(f"{what} returned {result!r}: one real number is wanted")
    if isinstance(result, (float, int, np.number, np.ndarray)):
        array = np.asarray(result)
        if array.shape != () or array.dtype.kind not in "iuf":
            raise RecordingError(f"{what} returned {_described(array)}: one real number is wanted")
        return int(recording.constants(array))
    raise RecordingError(f"{what} returned {_described(result)}: one real number is wanted")


def _hint(result) -> str:
    return "; take element [0]" if result.size == 1 else "; sum over it?"


def _described(result) -> str:
    if isinstance(result, np.ndarray):
        if result.shape:
            return f"an array of shape {result.shape} (dtype {result.dtype})"
        result = result.item()
    if isinstance(result, complex):
        return f"a complex number, {result!r}"
    if isinstance(result, str):
        return f"a string, {result[:40]!r}"
    if isinstance(result, (list, tuple)):
        return f"a {type(result).__name__} of length {len(result)}"
    return f"a {type(result).__name__}"
