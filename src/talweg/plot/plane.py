"""The plane that a picture with more than two coordinates is drawn in."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.extremals.points import CriticalPoint
from talweg.extremals.results import Survey

__all__ = ["Plane", "map_plane"]

#: Origin (n,), orthonormal columns (n, 2) and the names of the two axes.
Plane = tuple[np.ndarray, np.ndarray, tuple[str, str]]


def map_plane(survey: Survey, plane: Any, center: Any) -> Plane:
    """The plane of the map: see `draw_survey` for `plane` and `center`."""
    n = survey.n
    assert n is not None
    if n == 2 and plane is None:
        return np.zeros(2), np.eye(2), ("$x_1$", "$x_2$")
    origin, point = _center(survey, center, n)
    if plane is None:
        branches = sorted({b for (i, b, _) in survey.half_branches if point and i == center})
        first = branches[0] if branches else 0
        last = branches[-1] if len(branches) > 1 else n - 1
        plane = (first, last if last != first else 0)
    array = np.asarray(plane)
    if array.shape == (2,) and array.dtype.kind in "iu":
        return _eigenplane(origin, point, int(array[0]), int(array[1]), n)
    if array.shape != (n, 2) or array.dtype.kind not in "fiu":
        raise ValueError(f"plane: shape {array.shape}, wanted ({n}, 2) or two branches")
    array = array.astype(float)
    if not np.allclose(array.T @ array, np.eye(2), atol=1e-8):
        raise ValueError("plane: the two directions are not orthonormal")
    return origin, array, ("along the first direction", "along the second direction")


def _center(survey: Survey, center: Any, n: int) -> tuple[np.ndarray, CriticalPoint | None]:
    if isinstance(center, int | np.integer):
        points = survey.critical_points
        if not points and center == 0:
            return survey.extremals[0].x[0], None
        if not 0 <= center < len(points):
            raise ValueError(f"center: critical point {center}, wanted 0 to {len(points) - 1}")
        return points[int(center)].x, points[int(center)]
    origin = np.asarray(center, dtype=float)
    if origin.shape != (n,):
        raise ValueError(f"center: shape {origin.shape}, wanted ({n},)")
    return origin, None


def _eigenplane(
    origin: np.ndarray, point: CriticalPoint | None, first: int, second: int, n: int
) -> Plane:
    if point is None:
        raise ValueError("plane: branches need a critical point as center; give an (n, 2) array")
    if not all(-n <= b < n for b in (first, second)) or (first - second) % n == 0:
        raise ValueError(f"plane: branches {(first, second)}, wanted two of 0 to {n - 1}")
    first, second = first % n, second % n
    names = (f"along eigenvector {first}", f"along eigenvector {second}")
    return origin, point.eigenvectors[:, [first, second]], names
