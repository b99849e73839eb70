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

__all__ = ["WithoutPhase", "decomposed", "iterated"]


class WithoutPhase:
    """The Hessian on the sphere of complex points up to their phase.

    It is Q H Q, Q orthogonal to i w, with i w an eigenvector of the same eigenvalue as w.
    """

    dtype = np.dtype(np.float64)

    def __init__(self, hessian: SphereHessian) -> None:
        self._hessian = hessian
        self.w, self.n, self.shape = hessian.w, hessian.n, hessian.shape
        self.gradient = hessian.gradient
        turned = np.concatenate([-self.w[self.n // 2 :], self.w[: self.n // 2]])
        self.turned: Floats = turned / np.linalg.norm(turned)

    def matmat(self, v: Floats) -> Floats:
        along = self.turned @ v
        product = self._hessian.matmat(v - np.multiply.outer(self.turned, along))
        amount = self._hessian.shift * along - self.turned @ product
        result: Floats = product + np.multiply.outer(self.turned, amount)
        return result

    def matvec(self, v: Floats) -> Floats:
        return self.matmat(v[:, None])[:, 0]


def _normals(hessian: SphereHessian | WithoutPhase) -> Floats:
    """Orthonormal directions that are no tangents, shape (n, 1) or (n, 2)."""
    normals = [hessian.w / np.linalg.norm(hessian.w)]
    if isinstance(hessian, WithoutPhase):
        normals.append(hessian.turned)
    return np.stack(normals, axis=1)


def iterated(
    hessian: SphereHessian | WithoutPhase, k: int, which: str, *, start: Any, **options: Any
) -> Eigenpairs:
    """By products, or from the matrix where forming it costs less. `which` as in `talweg.spectrum.lowest`."""
    normals = _normals(hessian)
    if start is not None:
        start = start - normals @ (normals.T @ start)
    found = lowest(hessian, k=k, which=which, start=start, **options)
    if _along(found, normals).any():
        more = k + normals.shape[1]
        found = lowest(hessian, k=more, which=which, start=start, **options)
        found = _without(found, _along(found, normals), k, more, which)
    return dataclasses.replace(found, gradient=hessian.gradient)


def _along(found: Eigenpairs, normals: Floats) -> NDArray[np.bool_]:
    """Which of the pairs are normals themselves.

    Their eigenvalue is the mean of all others. Where few of them are far from the rest, that comes
    right after them.
    """
    squares: Floats = ((normals.T @ found.eigenvectors) ** 2).sum(axis=0)
    return squares > 0.5


def _without(
    found: Eigenpairs, unwanted: NDArray[np.bool_], k: int, more: int, which: str
) -> Eigenpairs:
    """k pairs from each end that is asked for, out of `more`."""
    count = len(unwanted)
    low = np.flatnonzero(~unwanted[: 0 if which == "largest" else more])[:k]
    first = 0 if which == "largest" else more
    high = first + np.flatnonzero(~unwanted[first:count])
    chosen = np.concatenate([low, high[max(0, len(high) - k) :]])
    return dataclasses.replace(
        found,
        eigenvalues=found.eigenvalues[chosen],
        eigenvectors=found.eigenvectors[:, chosen],
        residuals=found.residuals[chosen],
        errors=found.errors[chosen],
    )


def decomposed(hessian: SphereHessian | WithoutPhase, k: int, which: str) -> Eigenpairs:
    """From the matrix in a basis of the tangent space."""
    n = hessian.n
    require_memory("k", f"the matrix of {n} rows", 4 * 8 * n * n)
    normals = _normals(hessian)
    dimension = n - normals.shape[1]
    # Reflections take the first axes to the normals, and so the others to a basis of the rest.
    basis = np.linalg.qr(normals, mode="complete")[0][:, normals.shape[1] :]
    image = hessian.matmat(basis)
    matrix = basis.T @ image
    values, vectors = np.linalg.eigh(matrix / 2 + matrix.T / 2)
    low = 0 if which == "highest" else k
    high = 0 if which == "lowest" else k
    chosen = np.r_[:low, dimension - high : dimension]
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
        dimension,
        dimension,
        "dense",
        hessian.gradient,
        Status.CONVERGED,
        "decomposed the matrix on the tangent space",
    )
