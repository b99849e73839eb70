"""Checks of arrays of numbers that users give."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["finite_array", "real_array"]


def real_array(value: Any, argument: str) -> np.ndarray:
    """`value` as float64, not copied where it is that, or an error that names the argument."""
    if np.ma.is_masked(value):
        raise ValueError(f"{argument}: want no masked entries, got {np.ma.count_masked(value)}")
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(
            f"{argument}: want an array of numbers, got rows of unequal lengths"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{argument}: want real numbers, got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def finite_array(value: Any, argument: str) -> np.ndarray:
    """A copy of `value` as finite float64, or an error that names the argument."""
    array = real_array(value, argument).copy()
    if not np.isfinite(array).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        where = f" at {place}" if place else ""
        raise ValueError(f"{argument}: want finite numbers, got {array[place]}{where}")
    return array
