"""Checks of what the functions of theory are given."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from talweg.arrays import finite_array

__all__ = ["checked_momentum", "checked_nesterov", "checked_spectrum", "checked_step", "distinct"]


def checked_spectrum(eigenvalues: Any, positive: bool = True) -> np.ndarray:
    """`eigenvalues` in ascending order."""
    values = finite_array(eigenvalues, "eigenvalues")
    if values.ndim != 1 or not values.size:
        raise ValueError(f"eigenvalues: want shape (n,), n at least 1, got {values.shape}")
    values.sort()
    if positive and values[0] <= 0.0:
        raise ValueError(
            "eigenvalues: want those of a nondegenerate minimum, all positive, got a smallest of "
            f"{values[0]:.6g}"
        )
    return values


def checked_step(step_length: Any) -> float:
    """`step_length` as a positive float."""
    from talweg.extremals.arguments import checked_positive

    return checked_positive(step_length, "step_length")


def checked_momentum(momentum: Any) -> float:
    """`momentum` as a float from 0 on and below 1."""
    if isinstance(momentum, (bool, np.bool_)) or not isinstance(
        momentum, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"momentum: want a number, got {momentum!r}")
    if not (math.isfinite(momentum) and 0.0 <= momentum < 1.0):
        raise ValueError(f"momentum: want 0 <= momentum < 1, got {momentum}")
    return float(momentum)


def checked_nesterov(nesterov: Any, momentum: float) -> bool:
    """`nesterov`, of runs: formulas take it without momentum, too, as a limit."""
    if nesterov and not momentum:
        raise ValueError(
            "nesterov: want momentum with it, above 0; without it both are plain descent"
        )
    return bool(nesterov)


def distinct(values: np.ndarray) -> tuple[float, float | None, float]:
    """The smallest eigenvalue, the next that differs from it by more than rounding, the largest."""
    above = values[values > values[0] + 1e-12 * np.abs(values).max()]
    return float(values[0]), (float(above[0]) if above.size else None), float(values[-1])
