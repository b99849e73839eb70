"""Batches of symmetric matrices, and arrays for results, as users give them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from talweg.status import Status

__all__ = [
    "SYMMETRY",
    "Output",
    "checked_number",
    "checked_symmetry",
    "matrices_of",
    "output_pair",
    "refuse_asymmetric",
    "refuse_shared",
]

#: What the core calls the ways to read a matrix.
SYMMETRY = {"check": 0, "symmetrise": 1, "lower": 2}

_DOUBLE, _SINGLE = np.dtype(np.float64), np.dtype(np.float32)


def matrices_of(H: Any) -> np.ndarray:
    """`H` as contiguous float64 or float32 matrices (..., n, n), or an error."""
    if type(H) is not np.ndarray:
        if isinstance(H, np.ma.MaskedArray):
            raise TypeError("H: want an array of numbers, got a masked array; fill it first")
        if hasattr(H, "toarray"):
            raise TypeError(
                "H: want dense matrices, got a sparse one; H.toarray() is dense, and "
                "talweg.spectrum.lowest takes sparse ones for a few eigenpairs"
            )
        try:
            H = np.asarray(H)
        except ValueError:
            raise ValueError("H: want an array of numbers, got rows of unequal lengths") from None
    # With its bytes swapped a type is the same to users, but not to the core.
    dtype = H.dtype if H.dtype.isnative else H.dtype.newbyteorder("=")
    if dtype != _DOUBLE and dtype != _SINGLE:
        if dtype.kind not in "biuf":
            raise TypeError(f"H: want real numbers, got dtype {dtype}")
        dtype = _DOUBLE
        H = H.astype(dtype)
    if H.ndim < 2 or H.shape[-1] != H.shape[-2]:
        raise ValueError(f"H: want shape (..., n, n), got {H.shape}")
    if not (H.flags.c_contiguous and H.flags.aligned and H.dtype.isnative):
        H = np.ascontiguousarray(H, dtype=dtype)
        H = np.require(H, requirements=["A", "C"])
    return H


def checked_symmetry(symmetry: Any) -> int:
    """The core's number of a way to read matrices."""
    if isinstance(symmetry, str) and symmetry in SYMMETRY:
        return SYMMETRY[symmetry]
    known = ", ".join(map(repr, SYMMETRY))
    raise ValueError(f"symmetry: want one of {known}, got {symmetry!r}")


class Output:
    """An array for results: the user's own where it can be written to directly, else a new one
    that is copied there in the end.
    """

    __slots__ = ("array", "given")

    def __init__(
        self,
        given: Any,
        shape: tuple[int, ...],
        dtype: Any,
        argument: str,
        inputs: tuple[np.ndarray, ...] = (),
    ) -> None:
        self.given = given
        if given is None:
            self.array = np.empty(shape, dtype)
            return
        if not isinstance(given, np.ndarray):
            raise TypeError(f"{argument}: want an ndarray, got {type(given).__name__}")
        if given.shape != shape:
            raise ValueError(f"{argument}: want shape {shape}, got {given.shape}")
        if given.dtype != dtype:
            raise TypeError(f"{argument}: want dtype {np.dtype(dtype)}, got {given.dtype}")
        if not given.flags.writeable:
            raise ValueError(f"{argument}: want an array that can be written to")
        direct = (
            given.flags.c_contiguous
            and given.flags.aligned
            and given.dtype.isnative
            and not any(np.may_share_memory(given, other) for other in inputs)
        )
        self.array = given if direct else np.empty(shape, dtype)

    def result(self) -> np.ndarray:
        """The array with the results, which is the user's own if one was given."""
        if self.given is None:
            return self.array
        if self.given is not self.array:
            self.given[...] = self.array
        return self.given


def refuse_asymmetric(H: np.ndarray, statuses: np.ndarray) -> None:
    """An error where a matrix was found not to be symmetric."""
    found = np.flatnonzero(statuses.ravel() == int(Status.NOT_SYMMETRIC))
    if not found.size:
        return
    first = np.unravel_index(int(found[0]), H.shape[:-2])
    matrix = H[first].astype(np.float64)
    with np.errstate(over="ignore"):
        apart = np.tril(np.abs(matrix - matrix.T))
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(apart)), apart.shape))
    index = tuple(int(k) for k in first)
    place = [", ".join(map(str, (*index, *pair))) for pair in ((i, j), (j, i))]
    more = f" ({found.size} of {statuses.size} matrices are not)" if found.size > 1 else ""
    raise ValueError(
        f"H: want symmetric matrices{more}, got H[{place[0]}] = {float(matrix[i, j])!r} and "
        f"H[{place[1]}] = {float(matrix[j, i])!r}; symmetry='symmetrise' takes their mean, "
        "symmetry='lower' reads the lower triangle alone"
    )


def output_pair(out: Any, what: str) -> tuple[Any, Any]:
    """The two arrays of `out`, or None twice."""
    if out is None:
        return None, None
    if not isinstance(out, tuple) or len(out) != 2:
        got = f"{len(out)} entries" if isinstance(out, tuple) else type(out).__name__
        raise TypeError(f"out: want a tuple of two arrays, for {what}, got {got}")
    refuse_shared(out[0], "out[0]", out[1], "out[1]")
    return out[0], out[1]


def refuse_shared(first: Any, name: str, second: Any, other: str) -> None:
    """An error where two arrays for results share memory."""
    both = isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
    if both and np.shares_memory(first, second):
        raise ValueError(f"{other}: want memory of its own, got an array that overlaps {name}")


def checked_number(value: Any, argument: str) -> float:
    """`value` as a finite float."""
    if type(value) is not float:
        if isinstance(value, (bool, np.bool_)) or not isinstance(
            value, (int, float, np.integer, np.floating)
        ):
            raise TypeError(f"{argument}: want a real number, got {value!r}")
        try:
            value = float(value)
        except OverflowError:
            value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{argument}: want a finite number, got {value}")
    return value
