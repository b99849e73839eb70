"""Sums of one term over the rows of a data array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from talweg import _core
from talweg.recording import (
    RecordedArray,
    Recording,
    RecordingError,
    call,
    recorded,
    recording_of,
    scalar_node,
)
from talweg.verification import verify


def sum_over(term: Callable[[Any, Any], Any], data: Any) -> SumOver:
    """The function x -> sum of ``term(x, row)`` over the rows of `data`.

    The term is recorded once; the rows are the lanes it is evaluated in, so the length of the
    recording does not depend on how many rows there are.

    Parameters
    ----------
    term : callable
        ``term(x, row)`` with `x` of shape (n,) and `row` of shape (p,), returning one real number.
        What holds for functions given to `Objective` holds here, for `x` and for `row`.
    data : array_like, shape (m, p) or (m,)
        One row a term; an array of shape (m,) is one column. Copied. Must be finite.

    Returns
    -------
    callable
        A function of one array of shape (n,), for `Objective` or for use inside other functions.

    Raises
    ------
    TypeError, ValueError
        When `term` is not callable, `data` is no array of finite real numbers, or (on the first
        call) the term returns no real number or cannot be recorded.

    Examples
    --------
    Least squares on three points:

    >>> import numpy, talweg
    >>> points = numpy.array([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]])
    >>> loss = talweg.sum_over(lambda x, row: (x[0] + x[1] * row[0] - row[1]) ** 2, points)
    >>> f = talweg.Objective(lambda x: loss(x) + 0.5 * x @ x, 2)
    >>> float(f([1.0, 2.0]))
    2.5
    """
    if not callable(term):
        raise TypeError(f"term: want a function term(x, row), got {type(term).__name__}")
    return SumOver(term, _checked_data(data))


def _checked_data(data) -> np.ndarray:
    try:
        array = np.asarray(data)
    except ValueError:
        raise ValueError(
            "data: want an array of shape (m, p), got rows of unequal lengths"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"data: want real numbers, got dtype {array.dtype}")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"data: want shape (m, p) or (m,), at least one row and column, got {np.shape(data)}"
        )
    array = np.array(array, dtype=np.float64, order="C")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(f"data: row {row} holds a NaN or an infinity")
    array.flags.writeable = False
    return array


class SumOver:
    """What `sum_over` returns.

    Attributes
    ----------
    term : callable
    data : ndarray, shape (m, p), read-only
    """

    def __init__(self, term, data):
        self.term = term
        self.data = data
        self._objectives = {}
        self._verified = set()
        name = getattr(term, "__name__", type(term).__name__)
        self.__name__ = "sum" if name == "<lambda>" else f"sum of {name}"

    def __repr__(self):
        rows, columns = self.data.shape
        return f"<{self.__name__} over {rows} rows of {columns}>"

    def __call__(self, x):
        recording = recording_of(x)
        if recording is None:
            return self._evaluate(x)
        x = recorded(x, recording)
        if x.ndim != 1:
            raise RecordingError(f"sum_over: x has shape {x.shape}, want (n,)")
        self._verify_term(len(x))
        # By identity, so that one sum used twice in a function is one sum on the tape.
        if id(self.data) not in recording.tables:
            recording.tables[id(self.data)] = (self.data, recording.tape.data(self.data))
        rows = recording.tables[id(self.data)][1]
        value = self._term_node(recording, x, RecordedArray(recording, rows))
        tape = recording.tape
        if tape.is_row(value):
            try:
                node = tape.sum_rows(np.asarray(value, dtype=np.uint32))
            except ValueError as error:
                raise RecordingError(f"sum_over: {error}") from None
            return RecordedArray(recording, node)
        constant = RecordedArray(recording, np.asarray(value, dtype=np.uint32))
        return constant * float(len(self.data))

    def _term_node(self, recording, x, row) -> int:
        try:
            return scalar_node(recording, call(self.term, x, row), "sum_over's term")
        except ValueError as error:
            if "different data tables" in str(error):
                raise RecordingError(
                    "sum_over inside the term of another sum_over: the inner sum must not use the "
                    "outer row; write one sum over all pairs of rows"
                ) from error
            raise

    def _evaluate(self, x):
        """The sum at a point given as numbers."""
        x = np.asarray(x, dtype=np.float64)
        if x.ndim != 1:
            raise ValueError(f"x: want shape (n,), got {x.shape}")
        return self._objective(len(x))(x)

    def _objective(self, n):
        # Imported here because Objective itself knows nothing of sums.
        from talweg.objective import Objective

        if n not in self._objectives:
            self._objectives[n] = Objective(self, n, verify=False)
        return self._objectives[n]

    def _verify_term(self, n):
        """Compare the recorded term with the plain one on a few rows, once for every n."""
        if n in self._verified:
            return
        self._verified.add(n)
        rows, columns = self.data.shape
        recording = Recording(_core.Tape(n + columns))
        inputs = RecordedArray(recording, recording.tape.input())
        inputs._nodes.flags.writeable = False
        with recording:
            output = self._term_node(recording, inputs[:n], inputs[n:])
        chosen = self.data[np.linspace(0, rows - 1, min(rows, 4)).astype(int)]
        for row in chosen:
            verify(
                lambda x, row=row: self.term(x, row.copy()),
                _core.TapeObjective(recording.tape, output),
                n,
                appended=row,
                points=2,
                what="sum_over's term",
                must_be_finite=False,
            )

    def __getstate__(self):
        return {"term": self.term, "data": self.data}

    def __setstate__(self, state):
        self.__init__(state["term"], state["data"])
