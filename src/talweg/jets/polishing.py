"""Critical points to the last digits, and the ends of their spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["polished", "softest_and_stiffest"]

#: Coordinates up to which Hessians are decomposed rather than multiplied by.
DENSE = 500

_MOST_STEPS = 30


def polished(f: Any, start: Floats) -> Floats:
    """The critical point that Newton steps from `start` end at, as near as rounding lets them."""
    x = start.copy()
    gradient = f.grad(x)
    slope = float(np.linalg.norm(gradient))
    if not np.isfinite(slope):
        raise ValueError("x_min: the gradient there is not finite")
    for _ in range(_MOST_STEPS):
        if slope == 0.0:
            break
        step = _newton_step(f, x, gradient)
        ahead = x - step
        if not np.isfinite(ahead).all():
            break
        gradient_ahead = f.grad(ahead)
        slope_ahead = float(np.linalg.norm(gradient_ahead))
        if not slope_ahead < slope:
            break
        x, gradient, slope = ahead, gradient_ahead, slope_ahead
    away = float(np.linalg.norm(_newton_step(f, x, gradient))) if slope > 0.0 else 0.0
    moved = float(np.linalg.norm(x - start))
    reach = 1.0 + float(np.linalg.norm(start))
    if not away <= 1e-9 * reach or not moved <= 1e-2 * reach:
        raise ValueError(
            f"x_min: want a critical point, got one where the gradient has length "
            f"{np.linalg.norm(f.grad(start)):.3g}; talweg.critical_points(f, starts=[x_min]) finds it"
        )
    return x


def _newton_step(f: Any, x: Floats, gradient: Floats) -> Floats:
    if f.n <= DENSE:
        hessian = f.hess(x)
        if not np.isfinite(hessian).all():
            raise ValueError("x_min: the Hessian there is not finite")
        step: Floats = np.linalg.lstsq(hessian, gradient, rcond=1e-14)[0]
        return step
    return _conjugate_gradients(lambda v: f.hessp(x, v), gradient)


def _conjugate_gradients(product: Any, right: Floats) -> Floats:
    """H^-1 right for a positive definite H; stops at a direction along which it is not."""
    solution = np.zeros_like(right)
    residual, direction = right.copy(), right.copy()
    squares = float(residual @ residual)
    target = 1e-20 * squares
    for _ in range(10 * len(right)):
        image = product(direction)
        curvature = float(direction @ image)
        if not curvature > 0.0:
            break
        length = squares / curvature
        solution += length * direction
        residual -= length * image
        squares, before = float(residual @ residual), squares
        if squares <= target:
            break
        direction = residual + (squares / before) * direction
    return solution


def softest_and_stiffest(f: Any, x: Floats) -> tuple[float, float]:
    """The eigenvalue nearest to 0 and the largest modulus of one."""
    if f.n <= DENSE:
        values = np.linalg.eigvalsh(f.hess(x))
        return float(values[np.abs(values).argmin()]), float(np.abs(values).max())
    found = spectrum.lowest(f, x, which="both", tol=1e-4)
    if found.success and found.eigenvalues[0] > 0.0:
        return float(found.eigenvalues[0]), float(found.eigenvalues[1])
    found = spectrum.lowest(f, x, which="nearest-zero")
    return float(found.eigenvalues[0]), float(found.norm)
