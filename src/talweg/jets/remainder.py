"""How far the gradient of a Taylor polynomial is from that of its function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.quantity import GRADIENT, VALUE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["directions_to_try", "gradient_remainder"]

_EPSILON = float(np.finfo(float).eps)

#: Where distances to the point are compared with the largest.
_FRACTIONS = (1.0, 0.75, 0.5, 0.25)

#: Steps of the power method towards the worst direction, and directions that take them.
_REFINEMENTS = 6
_REFINED = 4


def directions_to_try(hessian: Floats, count: int = 64) -> Floats:
    """Unit vectors in rows: both ends of axes and eigenvectors where they are few, random ones."""
    n = len(hessian)
    fixed = []
    if 4 * n <= count:
        vectors = np.linalg.eigh(hessian)[1].T
        fixed = [np.eye(n), -np.eye(n), vectors, -vectors]
    random = np.random.default_rng(7).normal(size=(max(count - 4 * n * bool(fixed), 16), n))
    random /= np.linalg.norm(random, axis=1)[:, None]
    return np.concatenate([*fixed, random])


def gradient_remainder(
    f: Any, x: Floats, polynomial: Any, order: int, hessian: Floats, radius: float
) -> float:
    """The largest |grad f(x + d) - grad p(d)| that was found for |d| <= radius.

    Where it is not above rounding it is extrapolated as the power `order` of the distance from a larger
    radius, at which it is.
    """
    units = directions_to_try(hessian)
    size = float(np.linalg.norm(hessian))
    slope = float(np.linalg.norm(f.grad(x)))
    reach = max(1.0, float(np.linalg.norm(x)))

    def differences(r: float, units: Floats) -> tuple[Floats, Floats]:
        points = x + r * units
        # The offsets there are, of which rounding made something else than r * units.
        with np.errstate(invalid="ignore", over="ignore"):
            there = f._core.evaluate(points, VALUE | GRADIENT)
            vectors = there["gradient"] - polynomial.grad(points - x)
            norms = np.linalg.norm(vectors, axis=1)
        # A gradient may go on where its function has ended, as that of log does.
        norms[~np.isfinite(there["value"])] = np.nan
        return vectors, norms

    tiny = differences(1e-9 * reach, units)[1]
    floor = float(np.nanmax(tiny, initial=0.0)) + 4.0 * _EPSILON * slope

    def largest(r: float) -> float:
        vectors, norms = differences(r, units)
        if not np.isfinite(norms).all():
            return np.inf
        found = float(norms.max())
        best = np.argsort(norms)[-_REFINED:]
        for _ in range(_REFINEMENTS):
            # The next derivative along u turns u towards where it is largest.
            with np.errstate(invalid="ignore"):
                turned = vectors[best] / norms[best][:, None]
            turned = turned[np.isfinite(turned).all(axis=1)]
            if not len(turned):
                break
            vectors, norms = differences(r, np.concatenate([turned, -turned]))
            if not np.isfinite(norms).all():
                return np.inf
            found = max(found, float(norms.max()))
            best = np.argsort(norms)[-_REFINED:]
        return found

    def noise(r: float) -> float:
        return floor + 8.0 * _EPSILON * size * r

    found = max(largest(fraction * radius) for fraction in _FRACTIONS)
    if found > 10.0 * noise(radius):
        return found
    r, last = radius, found
    while r < 1e6 * reach and last <= 30.0 * noise(r):
        further = largest(2.0 * r)
        if not np.isfinite(further):
            break
        r, last = 2.0 * r, further
    return last * (radius / r) ** order
