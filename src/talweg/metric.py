"""Scalar products other than the Euclidean one, by a change of variables.

With ``P = L L'`` and ``y = L' x`` the metric is Euclidean in y: the gradient is ``L^-1 g``, the
Hessian ``L^-1 H L^-T``, and gradient extremals are the curves with ``H P^-1 g = lambda g``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg import _core

__all__ = ["MetricCoordinates", "checked_metric"]


def checked_metric(metric: Any, n: int) -> np.ndarray:
    """`metric` as a read-only symmetric positive definite (n, n) array, or an error."""
    array = np.asarray(metric)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"metric: want real numbers, got dtype {array.dtype}")
    array = array.astype(np.float64)
    if array.shape == (n,):
        array = np.diag(array)
    if array.shape != (n, n):
        raise ValueError(f"metric: want shape ({n}, {n}) or ({n},), got {np.shape(metric)}")
    if not np.isfinite(array).all():
        raise ValueError("metric: want finite numbers")
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


class MetricCoordinates:
    """The coordinates y = L' x in which the metric of an objective is Euclidean.

    Attributes
    ----------
    objective : Objective
        The function of y.
    """

    def __init__(self, f: Any) -> None:
        from talweg.objective import Objective

        self.f = f
        self._factor = np.linalg.cholesky(f.metric)
        #: x = matrix @ y.
        self.matrix = np.linalg.inv(self._factor).T
        objective = Objective.__new__(Objective)
        core = _core.compose_affine(f._core, self.matrix, np.zeros(f.n))
        objective._setup(core, f.n, name=f.name, kinks=f.kinks)
        objective._differenced = f._differenced
        objective._made = (MetricCoordinates, (f,), ())
        self.objective = objective

    def to_y(self, x: np.ndarray) -> np.ndarray:
        """Points or vectors (..., n) in y."""
        return x @ self._factor

    def to_x(self, y: np.ndarray) -> np.ndarray:
        """Points or vectors (..., n) in x."""
        return y @ self.matrix.T
