"""A rate that theory predicts beside the one that was measured."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

__all__ = ["Comparison", "late_slope"]


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A prediction and a measurement of it.

    Attributes
    ----------
    predicted, measured : float or ndarray
        Measured is NaN where it was not possible.
    error : float or ndarray
        Standard error of the measurement: of sampling, and of what is left of the way to the limit.
    window : tuple of two floats, or None
        The times between which it was measured.
    agrees : bool or None
        Whether all measurements are within three errors of the predictions; None where nothing
        can be said.
    message : str
        The reason for that, or what else is to be said.
    """

    predicted: Any
    measured: Any
    error: Any
    window: tuple[float, float] | None
    agrees: bool | None
    message: str

    @property
    def verdict(self) -> str:
        """``"agrees"``, ``"disagrees"`` or ``"undecided"``."""
        return {True: "agrees", False: "disagrees", None: "undecided"}[self.agrees]

    @classmethod
    def none(cls, predicted: Any, message: str) -> Comparison:
        """No measurement."""
        blank = np.full(np.shape(predicted), np.nan)[()]
        return cls(predicted, blank, blank, None, None, message)

    @classmethod
    def of(
        cls, predicted: Any, measured: Any, error: Any, window: tuple[float, float], message: str
    ) -> Comparison:
        """With the verdict."""
        slack = 3.0 * np.asarray(error) + 1e-9 * np.abs(predicted)
        agrees = bool(np.all(np.abs(np.asarray(measured) - predicted) <= slack))
        return cls(predicted, measured, error, window, agrees, message)


def late_slope(times: Any, values: Any, rate: float) -> tuple[Any, Any, tuple[float, float]] | None:
    """The slope that curves tend to, the error of what is left, and the window.

    The slope approaches its limit like ``exp(rate * time)``, so the last slope is off by about its
    change between two windows of equal length times ``q / (1 - q)``, q the factor over one such
    window. None where the windows are too short for that.

    Parameters
    ----------
    times : ndarray, shape (times,)
        Increasing, at least three.
    values : ndarray, shape (times, ...)
    rate : float
        Below 0; not as the factor of a unit of time, which underflows where that is a long time.
    """
    last = len(times) - 1
    # Two windows, the late one a quarter of the time or half of three, as equal as the times allow.
    share = 2.0 if last == 2 else 4.0
    middle = int(np.abs(times - (times[last] - (times[last] - times[0]) / share)).argmin())
    first = int(np.abs(times - (2 * times[middle] - times[last])).argmin())
    if not first < middle < last:
        return None
    length = float(times[last] - times[middle])
    q = math.exp(float(rate) * length)
    if not q < 0.9:
        return None
    late = (values[last] - values[middle]) / length
    early = (values[middle] - values[first]) / float(times[middle] - times[first])
    # The change is an estimate itself: twice what it says.
    left = 2.0 * np.abs(late - early) * q / (1.0 - q)
    return late, left, (float(times[middle]), float(times[last]))
