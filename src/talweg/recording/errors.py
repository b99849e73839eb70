"""The error a function raises when it does something that cannot be recorded."""

from __future__ import annotations


class RecordingError(TypeError):
    """A function did something with its argument that a recording cannot follow.

    The message says what was done and what to write instead.
    """


def number_wanted(value: str = "float()") -> RecordingError:
    """The error for code that asks a recorded value for its number."""
    return RecordingError(
        f"{value} asks for the number behind a recorded value, which has none yet: write "
        "numpy.exp or talweg.exp (sin, log, ...) instead of math.exp, leave out float(...) and "
        "numpy.asarray(x, dtype=float), and keep the values as they are"
    )


def assignment_into_floats() -> RecordingError:
    """The error for ``out = numpy.zeros(3); out[0] = x[0]``."""
    return RecordingError(
        "a recorded value cannot be assigned into an array of floats: collect the values in a "
        "list and use numpy.stack([...]), or create the array with talweg.zeros(shape)"
    )


def branch_on_value() -> RecordingError:
    """The error for ``if x[0] > 0`` and everything else that asks for a truth value."""
    return RecordingError(
        "a branch on a recorded value (if, while, and, or, min, max, sorted): the recording would "
        "keep only one of its sides; write numpy.where(condition, a, b), numpy.minimum or "
        "numpy.maximum instead, and collect values with numpy.stack([...]), not numpy.array"
    )


def index_by_value() -> RecordingError:
    """The error for a recorded value used as an index, a count or a mask."""
    return RecordingError(
        "a recorded value was used as an index, a mask or a count: which elements a function uses "
        "must not depend on x; write numpy.where(condition, a, b) instead"
    )
