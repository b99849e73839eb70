"""Degenerate critical points, where Newton's method alone stays far from rounding."""

from __future__ import annotations

import dataclasses

import numpy as np

from talweg.extremals.orbits import has_motions, horizontal_spectrum
from talweg.extremals.points import CriticalPoint
from talweg.objective import Objective

__all__ = ["sharpened"]

_ITERATIONS = 12
#: Distances from which a place is extrapolated, in units of the size of the region searched.
_RADII = 1e-2 * 0.2 ** np.arange(8)


def sharpened(f: Objective, point: CriticalPoint, scale: float = 1.0) -> CriticalPoint:
    """A degenerate critical point's place to rounding, as far as the derivatives determine it.

    `scale` is the size of the region searched. The same point comes back where nothing helps.
    """
    return min(point, _fold(f, point), _extrapolated(f, point, scale), key=lambda p: p.error)


def _fold(f: Objective, point: CriticalPoint) -> CriticalPoint:
    """The point where the gradient and the Hessian on its kernel vanish together.

    Near a zero eigenvalue Newton's method for the gradient converges slowly and stops early, by
    the square root of rounding where the third derivatives do not vanish. The eigenvalue's own
    equation determines the place there. The same point comes back where that does not help.
    """
    x = point.x.copy()
    values, vectors = horizontal_spectrum(f, x)
    bending = max(float(np.abs(f.third(x, v)).max()) for v in vectors.T)
    tolerance = max(1e-6 * np.abs(values).max(), 100.0 * bending * point.error)
    kernel = vectors[:, np.abs(values) <= tolerance]
    k = kernel.shape[1]
    if k == 0 or bending == 0.0:
        return point
    upper = np.triu_indices(k)
    step = np.full(f.n, np.inf)
    singular_values = np.ones(1)
    for _ in range(_ITERATIONS):
        hessian = f.hess(x)
        on_kernel = [f.third(x, kernel[:, i]) @ kernel for i in range(k)]
        rows = np.stack([on_kernel[i][:, j] for i, j in zip(*upper)])
        residual = np.concatenate([f.grad(x), (kernel.T @ hessian @ kernel)[upper]])
        matrix = np.vstack([hessian, rows])
        if has_motions(f):
            motions = f._core.gauge_directions(x)
            matrix = np.vstack([matrix, np.abs(values).max() * motions])
            residual = np.append(residual, np.zeros(len(motions)))
        step, _, rank, singular_values = np.linalg.lstsq(matrix, -residual, rcond=1e-10)
        if rank < f.n:
            return point
        x = x + step
        if not np.isfinite(x).all() or np.linalg.norm(x - point.x) > 100.0 * point.error + 1e-6:
            return point
        if np.linalg.norm(step) <= 4.0 * np.finfo(float).eps * (1.0 + np.linalg.norm(x)):
            break
    loose = float(singular_values[0] / singular_values[-1])
    error = float(np.linalg.norm(step)) + loose * np.finfo(float).eps * float(np.linalg.norm(x))
    values = horizontal_spectrum(f, x)[0]
    if len(values) != point.branches:
        return point
    zero = max(10.0 * bending * error, 1e-13 * np.abs(values).max())
    if error > point.error or int((np.abs(values) <= zero).sum()) < k:
        return point
    return _moved(f, point, x, error, zero)


def _extrapolated(f: Objective, point: CriticalPoint, scale: float) -> CriticalPoint:
    """The limit of Newton's method from further away.

    Where the function begins with a form of higher order, Newton steps are linear maps of the
    distance, and some of them determine their limit (reduced rank extrapolation: D. A. Smith,
    W. F. Ford, A. Sidi, SIAM Review 29, 199, 1987), without the rounding that the last steps of
    the method itself are lost in.
    """
    if has_motions(f):
        return point
    away = np.modf((1.0 + np.arange(f.n)) * 0.6180339887498949)[0] - 0.4
    away /= np.linalg.norm(away)
    centre, best, error = point.x, None, point.error
    for radius in scale * _RADII:
        found = _limit(f, centre + radius * away)
        if found is None or np.linalg.norm(found - centre) > 0.5 * radius:
            break
        change = float(np.linalg.norm(found - centre))
        change += 4.0 * np.finfo(float).eps * float(np.linalg.norm(found))
        if best is not None and change > error:
            break
        if change < error:
            best, error = found, change
        centre = found
    if best is None:
        return point
    hessian = f.hess(best)
    zero = 100.0 * float(np.abs(f.hess(best + 10.0 * error * away) - hessian).max())
    zero = max(zero, 1e-13 * float(np.abs(hessian).max()))
    return _moved(f, point, best, 4.0 * error, zero)


def _limit(f: Objective, x: np.ndarray) -> np.ndarray | None:
    places = [x]
    for _ in range(f.n + 1):
        try:
            places.append(places[-1] - np.linalg.solve(f.hess(places[-1]), f.grad(places[-1])))
        except np.linalg.LinAlgError:
            return None
    steps = np.diff(places, axis=0).T
    changes = np.diff(steps, axis=1)
    if not np.isfinite(changes).all():
        return None
    return x - steps[:, :-1] @ (np.linalg.pinv(changes, rcond=1e-9) @ steps[:, 0])


def _moved(
    f: Objective, point: CriticalPoint, x: np.ndarray, error: float, zero: float
) -> CriticalPoint:
    """The point at `x`, with eigenvalues up to `zero` known to vanish."""
    slope = float(np.linalg.norm(f.grad(x)))
    if slope > point.residual:
        return point
    values, vectors = horizontal_spectrum(f, x)
    values = np.where(np.abs(values) <= zero, 0.0, values)
    # The sign of the component of largest modulus, as everywhere.
    largest = np.argmax(np.abs(vectors), axis=0)
    vectors = vectors * np.where(vectors[largest, range(len(values))] < 0, -1.0, 1.0)
    return dataclasses.replace(
        point,
        x=x,
        fun=float(f(x)),
        eigenvalues=values,
        eigenvectors=vectors,
        morse_index=int((values < 0).sum()),
        residual=slope,
        error=error,
    )
