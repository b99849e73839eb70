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
        if point is None:
            raise ValueError("plane: no critical point as center; give an (n, 2) array")
        plane = _surveyed_branches(survey, point, center)
        if len(plane) == 1:
            return _across(origin, point.eigenvectors[:, 0])
    array = np.asarray(plane)
    if array.shape == (2,) and array.dtype.kind in "iu":
        return _eigenplane(origin, point, int(array[0]), int(array[1]))
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


def _surveyed_branches(survey: Survey, point: CriticalPoint, center: int) -> tuple[int, ...]:
    """The softest and the stiffest branch surveyed at the center, or the only one there is."""
    count = point.branches
    if count == 1:
        return (0,)
    # Lines beyond the eigenvalues, of a repeated one, are numbered from `count` on.
    branches = sorted({b for (i, b, _) in survey.half_branches if i == center and b < count})
    first = branches[0] if branches else 0
    last = branches[-1] if len(branches) > 1 else count - 1
    return first, last if last != first else 0


def _eigenplane(origin: np.ndarray, point: CriticalPoint | None, first: int, second: int) -> Plane:
    if point is None:
        raise ValueError("plane: branches need a critical point as center; give an (n, 2) array")
    count = point.branches
    if not all(-count <= b < count for b in (first, second)) or (first - second) % count == 0:
        raise ValueError(f"plane: branches {(first, second)}, wanted two of 0 to {count - 1}")
    first, second = first % count, second % count
    # Eigenvectors in a metric are not orthonormal; the picture is drawn in the lengths of x.
    basis, triangle = np.linalg.qr(point.eigenvectors[:, [first, second]])
    basis = basis * np.sign(np.diag(triangle))
    oblique = abs(triangle[0, 1]) > 1e-8 * abs(triangle[1, 1])
    names = (
        f"along eigenvector {first}",
        f"{'towards' if oblique else 'along'} eigenvector {second}",
    )
    return origin, basis, names


def _across(origin: np.ndarray, direction: np.ndarray) -> Plane:
    """A plane for the one vibration of two atoms, whose other directions are rigid motions."""
    columns, _, _ = np.linalg.svd(direction[:, None])
    basis = np.column_stack([direction / np.linalg.norm(direction), columns[:, 1]])
    return origin, basis, ("along eigenvector 0", "across it")
