"""Where a function for short offsets takes over from the function itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.jets.remainder import directions_to_try
from talweg.quantity import GRADIENT, VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["EQUAL", "SAFETY", "Switch"]

_EPSILON = float(np.finfo(float).eps)

#: What the difference found is multiplied by, for the directions that were not tried.
SAFETY = 3.0

#: Errors within this factor are equal: they are the largest of samples of rounding.
EQUAL = 2.0


class Switch:
    """The direct evaluation of f in the offset from `x`, along some directions at many distances.

    Differences between it and another evaluation are the other's remainder where it is large and
    rounding where that is small. Both show at the distance where the difference is smallest relative to
    the distance: that is where to switch.
    """

    def __init__(self, f: Any, x: Floats, value: float, gradient: Floats, given: float | None):
        few = f.n <= 16
        # Of many coordinates directions are alike, and evaluations may be dear.
        units = directions_to_try(f.hess(x), 64) if few else _random_units(f.n, 8)
        if given is not None:
            self._radii = given * 0.5 ** np.arange(3)
        else:
            reach = max(1.0, float(np.abs(x).max()))
            self._radii = reach * 10.0 ** -np.arange(0.0, 12.1, 0.25 if few else 0.5)
        self._given, self._size = given is not None, abs(value)
        self._offsets = (self._radii[:, None, None] * units).reshape(-1, f.n)
        direct = _core.compose_relative(f._core, f._core, x, value, gradient, 0.0)
        self._direct = direct.evaluate(self._offsets, GRADIENT | VALUE)

    def of(self, near: Any, exact: bool) -> tuple[float, float]:
        """The largest error of the gradient over the distance at the switch, and the distance.

        `exact`: whether `near` has no remainder but in its value, so that it is switched to as soon as
        rounding of f weighs more.
        """
        quantities = GRADIENT | VALUE if exact and not self._given else GRADIENT
        here = near._core.evaluate(self._offsets, quantities)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.linalg.norm(self._direct["gradient"] - here["gradient"], axis=1)
            if quantities & VALUE:
                # Of the gradient nothing says how far the integral for the value goes.
                value = np.abs(self._direct["value"])
                off = np.abs(self._direct["value"] - here["value"])
                apart[~(off <= 1e-9 * value + 256.0 * _EPSILON * (value + self._size))] = np.inf
        apart[~np.isfinite(apart)] = np.inf
        errors = apart.reshape(len(self._radii), -1).max(axis=1)
        if exact:
            errors /= self._radii
            chosen = int(np.flatnonzero(errors <= SAFETY * errors.min())[-1])
        else:
            # Rounding is no smaller than at shorter distances.
            errors = np.maximum.accumulate(errors[::-1])[::-1] / self._radii
            chosen = int(np.argmax(errors <= EQUAL * errors.min()))
        if self._given:
            chosen = 0
        return float(errors[chosen]), float(self._radii[chosen])


def _random_units(n: int, count: int) -> Floats:
    units = np.random.default_rng(7).normal(size=(count, n))
    units /= np.linalg.norm(units, axis=1)[:, None]
    return units
