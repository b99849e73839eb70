"""Whether very many points lie in the valley V_R of a minimum, down to next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.points import CriticalPoint
from talweg.level_minimum import LevelMinimum
from talweg.quantity import GRADIENT, VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ValleyMembership"]


class ValleyMembership:
    """``|g(x)| <= R inf |g|`` over the level of x, for blocks of points given by offsets d = x - x*.

    The function of the offset gives heights above the minimum with all their digits. Next to the
    minimum, where a table of heights of f has lost them, the talweg's slope comes from its expansion.

    Parameters
    ----------
    g : RelativeObjective
        The function of the offset.
    valley : Survey, Extremal or list of Extremal
        Of f itself.
    point : CriticalPoint
        The minimum.
    ratio : float
        R.
    radius : float
        Of the ball around the minimum within which the expansion is good.
    """

    def __init__(
        self, g: Any, valley: Any, point: CriticalPoint, ratio: float, radius: float
    ) -> None:
        self._g, self._ratio = g, ratio
        self._levels = LevelMinimum(valley)
        self._base, self._near = point.fun, 1e-4 * radius
        soft = point.eigenvectors[:, 0]
        self._soft = float(point.eigenvalues[0])
        # Third derivative along the talweg.
        self._bend = float(soft @ g.third(np.zeros(g.n), soft) @ soft)

    def slope_ratio(self, d: Floats) -> Floats:
        """Slope over the least one at the same height, of offsets (m, n); NaN where there is none."""
        with np.errstate(all="ignore"):
            slope, least = self._slopes(d)
            return np.asarray(slope / least)

    def inside(self, d: Floats) -> tuple[Any, Any]:
        """Membership of offsets (m, n), and whether a talweg has the height; NaN points are in none."""
        with np.errstate(all="ignore"):
            slope, least = self._slopes(d)
            return slope <= self._ratio * least, ~np.isnan(least)

    def _slopes(self, d: Floats) -> tuple[Floats, Floats]:
        found = self._g._core.evaluate(np.ascontiguousarray(d), VALUE | GRADIENT)
        slope, height = np.linalg.norm(found["gradient"], axis=1), found["value"]
        least = np.sqrt(self._levels.square(self._base + height))
        near = np.flatnonzero(np.linalg.norm(d, axis=1) <= self._near)
        if near.size:
            least[near] = self._expansion(height[near])
        return slope, least

    def _expansion(self, height: Floats) -> Floats:
        # On both sides of the minimum; the lower of the two. No squares, which underflow first.
        along = np.sqrt(2.0 * np.maximum(height, 0.0) / self._soft)
        shrink = 1.0 - 2.0 / 3.0 * abs(self._bend) / self._soft * along
        return np.asarray(self._soft * along * np.sqrt(np.maximum(shrink, 0.0)))
