"""The least slope on each level, tabulated once for very many points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.valleys import Profile, _curves, _hermite, _objective, _profiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["LevelMinimum"]

#: Into how many parts an interval is cut in which two talwegs change places.
_PARTS = 64


class LevelMinimum:
    """Squares of the least slopes that talwegs have, as one piecewise cubic function of height.

    Between two heights at which any talweg has a point the square of the slope along each is one
    cubic polynomial, so the lowest of them can be found beforehand: a level costs one search
    then, however many talwegs there are.

    Parameters
    ----------
    valley : Survey, Extremal or list of Extremal
        As for `talweg.slope_ratio`.

    Examples
    --------
    >>> import talweg
    >>> from talweg.level_minimum import LevelMinimum
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 4 * x[1]**2) / 2, 2)
    >>> valley = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-2, 2), (-2, 2)])
    >>> LevelMinimum(valley).square([0.5, 1.125, 3.0]).round(9)
    array([1.  , 2.25,  nan])
    """

    def __init__(self, valley: Any) -> None:
        curves = _curves(valley)
        profiles = list(_profiles(curves, _objective(curves)))
        if not profiles:
            self._edges, self._powers = np.array([0.0, 1.0]), np.full((4, 1), np.nan)
            return
        edges = np.unique(np.concatenate([profile.fun for profile in profiles]))
        places, values = _on_intervals(profiles, edges)
        changes = (places != places[0]).any(axis=0)
        if changes.any():
            cut = np.flatnonzero(changes)
            inner = edges[cut, None] + np.diff(edges)[cut, None] * np.linspace(0, 1, _PARTS + 1)
            edges = np.unique(np.concatenate([edges, inner.ravel()]))
            places, values = _on_intervals(profiles, edges)
        # Where two change places within a part, the one that is lower in the middle of it.
        # Newton's form through the values at 0, 1, 2, 3.
        a, b, c, d = (np.diff(values, n=order, axis=0)[0] for order in range(4))
        self._edges, self._powers = edges, np.array([a, b, c / 2.0, d / 6.0])

    @property
    def lowest(self) -> float:
        """The lowest level that a talweg has."""
        return float(self._edges[0])

    @property
    def highest(self) -> float:
        """The highest."""
        return float(self._edges[-1])

    def square(self, heights: Any) -> Floats:
        """Square of the least slope at `heights`, any shape; NaN where no talweg has the height."""
        levels = np.asarray(heights, dtype=float)
        edges = self._edges
        # A start within rounding of a critical level is on it.
        slack = 1e-14 * max(abs(edges[0]), abs(edges[-1]))
        outside = ~((levels >= edges[0] - slack) & (levels <= edges[-1] + slack))
        levels = np.clip(np.where(outside, edges[0], levels), edges[0], edges[-1])
        i = np.clip(np.searchsorted(edges, levels, side="right") - 1, 0, len(edges) - 2)
        t = 3.0 * (levels - edges[i]) / (edges[i + 1] - edges[i])
        a, b, c, d = self._powers[:, i]
        result = a + t * (b + (t - 1.0) * (c + (t - 2.0) * d))
        return np.where(outside, np.nan, np.maximum(result, 0.0))


def _on_intervals(profiles: list[Profile], edges: Floats) -> tuple[Any, Floats]:
    """Which profile is the lowest at four places of each interval, and the values of the chosen."""
    left, width = edges[:-1], np.diff(edges)
    values = np.full((len(profiles), 4, len(left)), np.inf)
    for k, profile in enumerate(profiles):
        covered = np.flatnonzero((left >= profile.fun[0]) & (edges[1:] <= profile.fun[-1]))
        nodes = np.arange(len(profile.fun))
        for place in range(4):
            at = left[covered] + width[covered] * (place / 3.0)
            values[k, place, covered] = _hermite(profile, nodes, at)
    lowest = values.argmin(axis=0)
    middle = (values[:, 1] + values[:, 2]).argmin(axis=0)
    chosen = values[middle, :, np.arange(len(left))].T
    return lowest, np.where(np.isfinite(chosen), chosen, np.nan)
