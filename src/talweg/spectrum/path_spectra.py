"""Eigenpairs at the points of a path and between them, for `talweg.spectrum.follow`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import real_array
from talweg.extremals.arguments import checked_objective
from talweg.extremals.results import Extremal
from talweg.spectrum.batches import eigh
from talweg.spectrum.tracks import Pairs, clusters_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Node", "spectra_along"]

Node = Pairs

#: Up to so many coordinates all eigenpairs are computed.
_ALL_UP_TO = 256

#: Numbers of Hessians in memory at a time.
_TOGETHER = 1 << 22

#: Fewer numbers than these are decomposed on one thread.
_WORTH_SHARING = 1 << 14

#: Residuals of eigenpairs from products, relative to the norm.
_TOLERANCE = 1e-8

#: Eigenpairs computed beyond those followed where not all are, so that one may leave the lowest.
_SPARE = 2


def spectra_along(f: Any, path: Any, k: int | None, rtol: float, workers: int) -> Any:
    """The source of eigenpairs for what the user gave."""
    if isinstance(f, Extremal):
        if path is not None:
            raise TypeError("path: the curve given as f is the path, so want none")
        if f.f is None:
            raise TypeError("f: want a curve that knows its function; give f and path=curve")
        f, path = f.f, f
    if isinstance(path, Extremal):
        path = path.x
    if not callable(f) and not hasattr(f, "hess"):
        return _Given(_checked_hessians(f), path, k, rtol, workers)
    if path is None:
        raise TypeError("path: want points of shape (m, n) or a curve")
    points = np.ascontiguousarray(real_array(path, "path"))
    if points.ndim != 2 or len(points) < 2:
        raise ValueError(f"path: want shape (m, n) with at least 2 points, got {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError("path: want finite numbers")
    objective = checked_objective(f, points.shape[1])
    if objective.n != points.shape[1]:
        raise ValueError(f"path: want shape (m, {objective.n}), got {points.shape}")
    if objective.approximate.get("hess"):
        rtol = max(rtol, 10 * objective.approximate["hess"])
    if objective.n <= _ALL_UP_TO:
        return _Dense(objective, points, k, rtol, workers)
    return _Lowest(objective, points, k, rtol, workers)


def _checked_hessians(f: Any) -> Floats:
    hessians = real_array(f, "f")
    if hessians.ndim != 3 or hessians.shape[1] != hessians.shape[2] or not hessians.size:
        raise ValueError(
            f"f: want a function, a curve, or Hessians of shape (m, n, n), got {hessians.shape}"
        )
    return hessians


class _Spectra:
    """What all sources share."""

    x: Floats | None
    spare = 0

    def __init__(self, m: int, n: int, k: int | None, default: int, rtol: float) -> None:
        if k is not None and k > n:
            raise ValueError(f"k: want at most n = {n}, got {k}")
        self.m, self.n, self.rtol = m, n, rtol
        self.k = min(default, n) if k is None else k
        self.largest = 0.0

    @property
    def resolution(self) -> float:
        """Gaps up to this are closed."""
        return self.rtol * self.largest

    def made(self, values: Floats, vectors: Floats) -> Node | None:
        if not np.isfinite(values).all():
            return None
        self.largest = max(self.largest, float(np.abs(values).max()))
        return Pairs(values, vectors, clusters_of(values, self.resolution))

    def place(self, position: float) -> Floats | None:
        if self.x is None:
            return None
        i = min(int(position), self.m - 2)
        point: Floats = self.x[i] + (position - i) * (self.x[i + 1] - self.x[i])
        return point


class _Given(_Spectra):
    """Hessians at the points, nothing between them."""

    def __init__(self, hessians: Floats, path: Any, k: int | None, rtol: float, workers: int):
        m, n = hessians.shape[:2]
        super().__init__(m, n, k, n, rtol)
        self.spare = 1
        self.workers = workers or None
        self.x = None
        if path is not None:
            self.x = real_array(path, "path")
            if self.x.shape != (m, n):
                raise ValueError(f"path: want shape {(m, n)} as the Hessians, got {self.x.shape}")
        # Errors speak of the user's array, NaN stays at its point.
        self.values, self.vectors = eigh(hessians, workers=self.workers)

    def node(self, i: int) -> Node | None:
        return self.made(self.values[i], self.vectors[i])

    def between(self, position: float) -> Node | None:
        return None


class _Dense(_Spectra):
    """All eigenpairs of a function's Hessian."""

    def __init__(self, f: Any, points: Floats, k: int | None, rtol: float, workers: int):
        super().__init__(len(points), f.n, k, f.n, rtol)
        self.spare = 1
        self.f, self.x, self.workers = f, points, workers or None
        self.points = points
        self.first = self.last = 0

    def node(self, i: int) -> Node | None:
        if not self.first <= i < self.last:
            self.first = i
            self.last = min(self.m, i + max(1, _TOGETHER // self.n**2))
            self.values, self.vectors = self.decomposed(self.points[i : self.last])
        return self.made(self.values[i - self.first], self.vectors[i - self.first])

    def between(self, position: float) -> Node | None:
        point = self.place(position)
        if point is None:
            return None
        values, vectors = self.decomposed(point[None])
        return self.made(values[0], vectors[0])

    def decomposed(self, points: Floats) -> Any:
        with np.errstate(all="ignore"):
            hessians = self.f.hess(points)
        # Threads take longer to wake than a few small matrices.
        workers = 1 if hessians.size < _WORTH_SHARING else self.workers
        return eigh(hessians, symmetry="symmetrise", workers=workers)


class _Lowest(_Spectra):
    """The lowest few of a function of many coordinates, from products."""

    spare = _SPARE

    def __init__(self, f: Any, points: Floats, k: int | None, rtol: float, workers: int):
        super().__init__(len(points), f.n, k, 4, max(rtol, 2 * _TOLERANCE))
        self.f, self.x, self.workers = f, points, workers or None
        self.points = points
        self.before: Floats | None = None

    def node(self, i: int) -> Node | None:
        return self.at(self.points[i])

    def between(self, position: float) -> Node | None:
        return self.at(self.place(position))

    def at(self, point: Any) -> Node | None:
        from talweg.spectrum.lowest import lowest

        count = min(self.k + self.spare, self.n)
        found = lowest(
            self.f, point, count, tol=_TOLERANCE, start=self.before, workers=self.workers
        )
        if not np.isfinite(found.eigenvalues).all() or len(found.eigenvalues) < count:
            return None
        self.before = found.eigenvectors
        self.largest = max(self.largest, found.norm)
        return self.made(found.eigenvalues, found.eigenvectors)
