"""Degenerate critical points, where Newton's method alone stays far from rounding."""

from __future__ import annotations

import dataclasses

import numpy as np

from talweg.extremals.points import CriticalPoint
from talweg.objective import Objective

__all__ = ["sharpened"]

_ITERATIONS = 12


def sharpened(f: Objective, point: CriticalPoint) -> CriticalPoint:
    """The point where the gradient and the Hessian on its kernel vanish together.

    Near a zero eigenvalue Newton's method for the gradient converges slowly and stops early, by
    the square root of rounding where the third derivatives do not vanish. The eigenvalue's own
    equation determines the place there. The same point comes back where that does not help.
    """
    x = point.x.copy()
    values, vectors = np.linalg.eigh(f.hess(x))
    bending = max(float(np.abs(f.third(x, v)).max()) for v in vectors.T)
    tolerance = max(1e-6 * np.abs(values).max(), 100.0 * bending * point.error)
    kernel = vectors[:, np.abs(values) <= tolerance]
    k = kernel.shape[1]
    if k == 0 or bending == 0.0:
        return point
    upper = np.triu_indices(k)
    step = np.full(f.n, np.inf)
    for _ in range(_ITERATIONS):
        hessian = f.hess(x)
        on_kernel = [f.third(x, kernel[:, i]) @ kernel for i in range(k)]
        rows = np.stack([on_kernel[i][:, j] for i, j in zip(*upper)])
        residual = np.concatenate([f.grad(x), (kernel.T @ hessian @ kernel)[upper]])
        step = np.linalg.lstsq(np.vstack([hessian, rows]), -residual, rcond=1e-10)[0]
        x = x + step
        if not np.isfinite(x).all() or np.linalg.norm(x - point.x) > 100.0 * point.error + 1e-6:
            return point
        if np.linalg.norm(step) <= 4.0 * np.finfo(float).eps * (1.0 + np.linalg.norm(x)):
            break
    values, vectors = np.linalg.eigh(f.hess(x))
    error = float(np.linalg.norm(step)) + np.finfo(float).eps * float(np.linalg.norm(x))
    slope = float(np.linalg.norm(f.grad(x)))
    vanishing = np.abs(values) <= max(10.0 * bending * error, 1e-13 * np.abs(values).max())
    if slope > point.residual or error > point.error or int(vanishing.sum()) < k:
        return point
    # The kernel is known to be one: its eigenvalues are rounding.
    values = np.where(vanishing, 0.0, values)
    # The sign of the component of largest modulus, as everywhere.
    largest = np.argmax(np.abs(vectors), axis=0)
    vectors = vectors * np.where(vectors[largest, range(f.n)] < 0, -1.0, 1.0)
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
