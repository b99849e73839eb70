"""Whether very many points lie in the valley V_R of a minimum, down to next to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.points import CriticalPoint
from talweg.level_minimum import LevelMinimum
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ValleyMembership"]


class ValleyMembership:
    """``|g(x)| <= R inf |g|`` over the level of x, for blocks of points.

    Next to the minimum, heights above it are lost in the rounding of f, and come from gradients
    instead: ``f(x) - f(x*) = g(x).d / 2 - (d.H(x) d - d.H(x*) d) / 12`` up to fifth order in d = x - x*,
    and the talweg's slope from its own expansion.

    Parameters
    ----------
    f : Objective
    valley : Survey, Extremal or list of Extremal
    point : CriticalPoint
        The minimum.
    ratio : float
        R.
    radius : float
        Of the ball around the minimum within which the expansion is good.
    """

    def __init__(
        self, f: Objective, valley: Any, point: CriticalPoint, ratio: float, radius: float
    ) -> None:
        self._f, self._ratio, self._point = f, ratio, point
        self._levels = LevelMinimum(valley)
        self._near = 1e-4 * radius
        soft = point.eigenvectors[:, 0]
        self._soft = float(point.eigenvalues[0])
        # Third derivative along the talweg.
        self._bend = float(soft @ f.third(point.x, soft) @ soft)
        self._hessian = f.hess(point.x) if f.n <= 1000 else None
        self.highest = self._levels.highest

    def inside(self, x: Floats) -> tuple[Any, Any]:
        """Membership of points (m, n), and whether a talweg has the height; NaN points are in none."""
        with np.errstate(all="ignore"):
            square = np.einsum("ij,ij->i", *(2 * [np.asarray(self._f.grad(x))]))
            least = self._levels.square(np.asarray(self._f(x)))
            offset = x - self._point.x
            near = np.flatnonzero(np.einsum("ij,ij->i", offset, offset) <= self._near**2)
            if near.size:
                least[near] = self._expansion(x[near], offset[near])
            return square <= self._ratio**2 * least, ~np.isnan(least)

    def _expansion(self, x: Floats, d: Floats) -> Floats:
        gradient = np.asarray(self._f.grad(x))
        height = np.einsum("ij,ij->i", gradient, d) / 2.0
        if self._hessian is not None:
            curved = np.asarray(self._f.hessp(x, d)) - d @ self._hessian
            height -= np.einsum("ij,ij->i", curved, d) / 12.0
        # On both sides of the minimum; the lower of the two.
        up = 2.0 * np.maximum(height, 0.0) / self._soft
        return np.asarray(self._soft**2 * up - 2.0 / 3.0 * self._soft * abs(self._bend) * up**1.5)
