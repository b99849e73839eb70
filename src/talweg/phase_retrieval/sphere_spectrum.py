"""Eigenpairs of the Hessian on the sphere."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.phase_retrieval.memory import require_memory
from talweg.phase_retrieval.sphere_hessian import SphereHessian
from talweg.spectrum import Eigenpairs, lowest
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["decomposed", "iterated"]


def iterated(
    hessian: SphereHessian, k: int, which: str, *, start: Any, **options: Any
) -> Eigenpairs:
    """By products, or from the matrix where forming it costs less. `which` as in `talweg.spectrum.lowest`."""
    w = hessian.w
    if start is not None:
        start = start - np.multiply.outer(w, w @ start / (w @ w))
    found = lowest(hessian, k=k, which=which, start=start, **options)
    if _along(found, w).any():
        found = lowest(hessian, k=k + 1, which=which, start=start, **options)
        found = _without(found, _along(found, w), k, which)
    return dataclasses.replace(found, gradient=hessian.gradient)


def _along(found: Eigenpairs, w: Floats) -> NDArray[np.bool_]:
    """Which of the pairs is w itself.

    Its eigenvalue is the mean of all others. Where few of them are far from the rest, that comes
    right after them.
    """
    squares: Floats = (w @ found.eigenvectors) ** 2 / (w @ w)
    return squares > 0.5


def _without(found: Eigenpairs, unwanted: NDArray[np.bool_], k: int, which: str) -> Eigenpairs:
    """k pairs from each end that is asked for, out of k + 1."""
    count = len(unwanted)
    low = np.flatnonzero(~unwanted[: 0 if which == "largest" else k + 1])[:k]
    first = 0 if which == "largest" else k + 1
    high = first + np.flatnonzero(~unwanted[first:count])
    chosen = np.concatenate([low, high[max(0, len(high) - k) :]])
    return dataclasses.replace(
        found,
        eigenvalues=found.eigenvalues[chosen],
        eigenvectors=found.eigenvectors[:, chosen],
        residuals=found.residuals[chosen],
        errors=found.errors[chosen],
    )


def decomposed(hessian: SphereHessian, k: int, which: str) -> Eigenpairs:
    """From the matrix in a basis of the tangent space."""
    n = hessian.n
    require_memory("k", f"the matrix of {n} rows", 4 * 8 * n * n)
    # A reflection takes the last axis to w, and so the others to a basis of its complement.
    unit = hessian.w / np.linalg.norm(hessian.w)
    sign = 1.0 if unit[-1] >= 0 else -1.0
    mirror = unit.copy()
    mirror[-1] += sign
    mirror /= np.linalg.norm(mirror)
    basis = (np.eye(n) - 2.0 * np.outer(mirror, mirror))[:, :-1]
    image = hessian.matmat(basis)
    matrix = basis.T @ image
    values, vectors = np.linalg.eigh(matrix / 2 + matrix.T / 2)
    low = 0 if which == "highest" else k
    high = 0 if which == "lowest" else k
    chosen = np.r_[:low, n - 1 - high : n - 1]
    coefficients = vectors[:, chosen]
    u = basis @ coefficients
    signs = np.where(u[np.abs(u).argmax(axis=0), np.arange(u.shape[1])] < 0, -1.0, 1.0)
    residuals = np.linalg.norm(image @ coefficients - u * values[chosen], axis=0)
    return Eigenpairs(
        values[chosen],
        u * signs,
        residuals,
        residuals.copy(),
        float(np.abs(values).max()),
        0.0,
        n - 1,
        n - 1,
        "dense",
        hessian.gradient,
        Status.CONVERGED,
        "decomposed the matrix on the tangent space",
    )
