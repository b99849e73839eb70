"""`SphereHessian`: the Hessian on the sphere as an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import real_array
from talweg.spectrum.operators import CompiledProducts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["SphereHessian"]

#: Vectors that share a reading of the data at about the cost of one.
_BLOCK = 8


class SphereHessian:
    """N times the Riemannian Hessian at a point of the sphere, known by its products.

    `talweg.phase_retrieval.Problem.sphere_hessian` makes it. It is the matrix P (D - mu I) P with
    P = I - w w^T / N, plus `shift` along w itself: w is an eigenvector whose eigenvalue, the mean of
    all others, lies within the spectrum of the rest, so that the ends of the spectrum are those on
    the sphere. It is taken by `talweg.spectrum.lowest`, `talweg.spectrum.density` and SciPy's
    ``aslinearoperator``.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    w : ndarray, shape (n,)
    loss, curvature : float
        The loss and mu at w.
    gradient : ndarray, shape (n,)
        Euclidean.

    Examples
    --------
    >>> import talweg
    >>> problem = talweg.phase_retrieval.Problem(300, 3.0, rng=0)
    >>> hessian = problem.sphere_hessian(problem.random_point(1))
    >>> lowest = talweg.spectrum.lowest(hessian, k=2)
    >>> density = talweg.spectrum.density(hessian)
    >>> lowest.success, hessian.shape
    (True, (300, 300))
    """

    dtype = np.dtype(np.float64)

    def __init__(self, core: Any, w: Floats) -> None:
        self._hessian = _core.SphereHessian(core, w)
        self.w = w
        self.n = len(w)
        self.shape = (self.n, self.n)
        self.loss: float = self._hessian.loss
        self.curvature: float = self._hessian.curvature
        self.gradient: Floats = self._hessian.gradient
        self._compiled_products = CompiledProducts(self.matmat, self.n, _BLOCK, core=self._hessian)

    @property
    def shift(self) -> float:
        """The eigenvalue of w."""
        return float(self._hessian.shift)

    def matmat(self, v: ArrayLike) -> Floats:
        """The products with the columns of `v`, from one reading of the data.

        Parameters
        ----------
        v : array_like, shape (n, m)

        Returns
        -------
        ndarray, shape (n, m)
        """
        columns = real_array(v, "v")
        if columns.ndim != 2 or columns.shape[0] != self.n:
            raise ValueError(f"v: want shape ({self.n}, m), got {columns.shape}")
        products: Floats = self._hessian.products(columns)
        return products

    def matvec(self, v: ArrayLike) -> Floats:
        """The product with `v`.

        Parameters
        ----------
        v : array_like, shape (n,)

        Returns
        -------
        ndarray, shape (n,)
        """
        vector = real_array(v, "v")
        if vector.shape != (self.n,):
            raise ValueError(f"v: want shape ({self.n},), got {vector.shape}")
        return self.matmat(vector[:, None])[:, 0]

    rmatvec, rmatmat = matvec, matmat

    def __repr__(self) -> str:
        return f"<SphereHessian n={self.n}, mu = {self.curvature:.6g}>"
