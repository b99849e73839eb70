"""Checks of the number of coordinates and of the box that a function is meant for."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from talweg.arrays import real_array

__all__ = ["checked_bounds", "checked_dimension", "pairs_of"]


def checked_dimension(n: Any) -> int:
    """`n` as an int, or an error."""
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"n: want the number of coordinates, an int, got {n!r}")
    if n < 1:
        raise ValueError(f"n: want at least 1 coordinate, got {n}")
    return int(n)


def pairs_of(bounds: Any) -> Any:
    """`bounds`, a ``scipy.optimize.Bounds`` turned into pairs (one for all: a lone pair)."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        pairs = np.stack(np.broadcast_arrays(bounds.lb, bounds.ub), axis=-1)
        return pairs[0] if len(pairs) == 1 else pairs
    return bounds


def checked_bounds(bounds: Any, n: int) -> np.ndarray | None:
    """`bounds` as a read-only (n, 2) array or None, or an error.

    A pair (low, high) stands for the same bounds on every coordinate.
    """
    if bounds is None:
        return None
    bounds = pairs_of(bounds)
    if isinstance(bounds, (list, tuple)) and any(
        end is None for pair in bounds for end in (pair if np.iterable(pair) else [pair])
    ):
        raise ValueError(f"bounds: want two finite numbers for each coordinate, got {bounds!r}")
    array = real_array(bounds, "bounds")
    if array.shape == (2,):
        array = np.tile(array, (n, 1))
    if array.shape != (n, 2):
        raise ValueError(f"bounds: want shape ({n}, 2), got {array.shape}")
    for i, (low, high) in enumerate(array.tolist()):
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"bounds: want finite numbers, got ({low}, {high}) for coordinate {i}")
        if not low < high:
            raise ValueError(f"bounds: want low < high, got ({low}, {high}) for coordinate {i}")
    array = array.copy()
    array.flags.writeable = False
    return array
