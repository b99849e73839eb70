"""Scalar products other than the Euclidean one."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.arrays import finite_array

__all__ = ["checked_metric"]


def checked_metric(metric: Any, n: int) -> np.ndarray:
    """`metric` as a read-only symmetric positive definite (n, n) array, or an error."""
    array = finite_array(metric, "metric")
    if array.shape == (n,):
        array = np.diag(array)
    if array.shape != (n, n):
        raise ValueError(f"metric: want shape ({n}, {n}) or ({n},), got {np.shape(metric)}")
    if np.abs(array - array.T).max() > 1e-12 * np.abs(array).max():
        raise ValueError("metric: want a symmetric matrix")
    array = 0.5 * (array + array.T)
    try:
        np.linalg.cholesky(array)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(array)[0]
        raise ValueError(
            f"metric: want a positive definite matrix, got one with the eigenvalue {smallest:.6g}"
        ) from None
    array.flags.writeable = False
    return array
