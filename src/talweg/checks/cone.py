"""How far points are from a talweg, against their distance from its minimum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.results import Extremal

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["TalwegDistance", "tangent_sine"]

#: Into how many parts pieces of the curve are cut to find the nearest.
_PARTS = 8


def tangent_sine(offset: Floats, direction: Floats) -> Floats:
    """Distance from the line along a unit vector, over the distance from the origin; rows (m, n)."""
    along = offset @ direction
    radius = np.linalg.norm(offset, axis=1)
    across = np.linalg.norm(offset - along[:, None] * direction, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(across / radius)


class TalwegDistance:
    """Distances from a traced curve through a minimum, over distances from the minimum.

    The curve is taken as the cubic through its points and tangents. All is reckoned from the
    minimum, so that quotients keep their digits down to points next to it.

    Parameters
    ----------
    curve : Extremal
        With the minimum among its points.
    x_min : ndarray, shape (n,)
    direction : ndarray, shape (n,)
        Unit tangent there.
    """

    def __init__(self, curve: Extremal, x_min: Floats, direction: Floats) -> None:
        offsets = curve.x - x_min
        distances = np.linalg.norm(offsets, axis=1)
        middle = int(distances.argmin())
        spacing = float(np.diff(curve.arclength).max(initial=0.0))
        if len(curve) < 2 or distances[middle] > 1e-6 * max(spacing, 1e-300):
            raise ValueError("valley: want a talweg that goes through x_min")
        # A start and its copy in the other half are one point.
        apart = np.append(True, np.linalg.norm(np.diff(offsets, axis=0), axis=1) > 0.0)
        middle -= int((~apart[: middle + 1]).sum())
        self._nodes, self._tangents = offsets[apart].copy(), curve.tangent[apart].copy()
        self._nodes[middle] = 0.0
        forward = self._tangents[middle] @ direction >= 0.0
        self._tangents[middle] = direction if forward else -direction
        self._chords = np.linalg.norm(np.diff(self._nodes, axis=0), axis=1)
        self._middle = middle
        # Closer to the minimum than this, nothing but the two pieces next to it is the nearest.
        beyond = np.delete(np.linalg.norm(self._nodes, axis=1), middle)
        self._near = 0.25 * float(beyond.min(initial=np.inf))
        self._tree: Any = None
        self._direction = direction
        around = np.array([i for i in (middle - 1, middle) if 0 <= i < len(self._chords)])
        self._curvature = self._bend(around)

    def within(self, offset: Floats, width: float) -> Any:
        """Whether the quotient is at most `width`: bool (m,), of offsets from the minimum (m, n).

        Bounds of the distance settle it for most points; the others are computed.
        """
        square = np.einsum("ij,ij->i", offset, offset)
        near = square <= self._near**2
        inside = np.zeros(len(offset), dtype=bool)
        close = np.flatnonzero(near)
        if close.size:
            whole = len(close) == len(offset)
            d, r2 = (offset, square) if whole else (offset[close], square[close])
            along = d @ self._direction
            # Within 2 r of the minimum the curve is no further from its tangent than that.
            radius = np.sqrt(r2)
            with np.errstate(divide="ignore", invalid="ignore"):
                sine = np.sqrt(np.maximum(r2 - along * along, 0.0)) / radius
            slack = 2.0 * self._curvature * radius + 1e-7
            sure = sine + slack <= width
            open_ = np.flatnonzero(~sure & (sine - slack <= width))
            sure[open_] = self.quotient(d[open_]) <= width
            inside[close] = sure
        far = np.flatnonzero(~near & np.isfinite(square))
        if far.size:
            reach = width * np.sqrt(square[far])
            d = offset[far]
            # A point of the curve is within half a part of a place on it, but for its bend.
            half = 0.6 / _PARTS * float(self._chords.max())
            distance, place = self._places().query(
                d, distance_upper_bound=float(reach.max() + half) * (1 + 1e-9)
            )
            sure = distance <= reach
            open_ = np.flatnonzero(~sure & (distance - half <= reach))
            sure[open_] = self._quotient(d[open_], place[open_]) <= width
            inside[far] = sure
        return inside

    def quotient(self, offset: Floats) -> Floats:
        """Distance from the curve over that from the minimum, of offsets from it (m, n)."""
        place = np.full(len(offset), _PARTS * self._middle)
        far = np.flatnonzero(np.linalg.norm(offset, axis=1) > self._near)
        if far.size:
            place[far] = self._places().query(offset[far])[1]
        return self._quotient(offset, place)

    def _quotient(self, offset: Floats, place: Any) -> Floats:
        # At a point between two pieces the side of it tells which one is the nearer.
        node = place // _PARTS
        ahead = np.einsum("ij,ij->i", offset - self._nodes[node], self._tangents[node]) >= 0.0
        between = (place % _PARTS == 0) & ~ahead
        piece = np.clip(np.where(between, node - 1, node), 0, len(self._chords) - 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self._from_piece(offset, piece) / np.linalg.norm(offset, axis=1))

    def _places(self) -> Any:
        """The points of the curve, and parts of the pieces between them."""
        if self._tree is None:
            from scipy.spatial import cKDTree

            i = np.arange(len(self._chords))
            start, end, chord = self._nodes[:-1], self._nodes[1:], self._chords[:, None]
            c1, last = chord * self._tangents[i], chord * self._tangents[i + 1]
            c2, c3 = 3.0 * (end - start) - 2.0 * c1 - last, c1 + last - 2.0 * (end - start)
            t = (np.arange(_PARTS) / _PARTS)[:, None, None]
            inner = start + t * (c1 + t * (c2 + t * c3))
            places = inner.transpose(1, 0, 2).reshape(-1, self._nodes.shape[1])
            self._tree = cKDTree(np.concatenate([places, self._nodes[-1:]]))
        return self._tree

    def _bend(self, i: Any) -> float:
        """A bound on the curvature of pieces, half as large again for the parametrisation."""
        chord = self._chords[i][:, None]
        turn = np.linalg.norm(np.diff(self._tangents, axis=0)[i], axis=1) / chord[:, 0]
        secant = (self._nodes[i + 1] - self._nodes[i]) / chord
        bulge = np.linalg.norm(secant - self._tangents[i], axis=1) / chord[:, 0]
        return 1.5 * float(np.maximum(turn, 6.0 * bulge).max(initial=0.0))

    def _from_piece(self, x: Floats, i: Any) -> Floats:
        chord = self._chords[i][:, None]
        start, end = self._nodes[i], self._nodes[i + 1]
        # Coefficients of the cubic from the powers of t, 0 to 1.
        c1 = chord * self._tangents[i]
        c2 = 3.0 * (end - start) - 2.0 * c1 - chord * self._tangents[i + 1]
        c3 = c1 + chord * self._tangents[i + 1] - 2.0 * (end - start)
        along = np.einsum("ij,ij->i", x - start, end - start) / chord[:, 0] ** 2
        t = np.clip(along, 0.0, 1.0)[:, None]
        for _ in range(3):
            away = start + t * (c1 + t * (c2 + t * c3)) - x
            first = c1 + t * (2.0 * c2 + 3.0 * t * c3)
            slope = np.einsum("ij,ij->i", away, first)[:, None]
            # Gauss and Newton's curvature: the distance's own may be negative far from the curve.
            t = np.clip(t - slope / np.einsum("ij,ij->i", first, first)[:, None], 0.0, 1.0)
        # The end at the minimum is exact, where start + (end - start) would not be.
        from_end = t > 0.5
        u = 1.0 - t
        d1 = chord * self._tangents[i + 1]
        d2 = 3.0 * (start - end) + 2.0 * d1 + c1
        d3 = -d1 - c1 - 2.0 * (start - end)
        forward = start + t * (c1 + t * (c2 + t * c3))
        backward = end + u * (-d1 + u * (d2 + u * d3))
        nearest = np.where(from_end, backward, forward)
        return np.asarray(np.linalg.norm(nearest - x, axis=1))
