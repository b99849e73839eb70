"""Values and derivatives at points as users hold them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import real_array
from talweg.quantity import GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD, VALUE
from talweg.recording import recording_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Evaluation"]


class Evaluation:
    """The methods of `talweg.Objective` that evaluate it."""

    n: int
    _core: Any

    def __call__(self, x: ArrayLike) -> Any:
        """Value at `x`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)

        Returns
        -------
        float or ndarray, shape (m,)
        """
        if (type(x) is not np.ndarray or x.dtype == object) and recording_of(x) is not None:
            return self._replayed(x)
        points, single = self._points(x)
        value = self._core.evaluate(points, VALUE)["value"]
        return value[0] if single else value

    def grad(self, x: ArrayLike) -> Floats:
        """Gradient at `x`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)

        Returns
        -------
        ndarray, shape (n,) or (m, n)
        """
        points, single = self._points(x)
        gradient: Floats = self._core.evaluate(points, GRADIENT)["gradient"]
        return gradient[0] if single else gradient

    def hess(self, x: ArrayLike) -> Floats:
        """Hessian at `x`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)

        Returns
        -------
        ndarray, shape (n, n) or (m, n, n)
        """
        points, single = self._points(x)
        hessian: Floats = self._core.evaluate(points, HESSIAN)["hessian"]
        return hessian[0] if single else hessian

    def hessp(self, x: ArrayLike, v: ArrayLike) -> Floats:
        """Hessian times a vector, without forming the Hessian.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)
        v : array_like, shape (n,) or (m, n)
            One vector for all points, or one for each.

        Returns
        -------
        ndarray, shape (n,) or (m, n)
        """
        points, vectors, single = self._points_and_vectors(x, v)
        product: Floats = self._core.evaluate(points, HESSIAN_PRODUCT, vectors)["hessian_product"]
        return product[0] if single else product

    def third(self, x: ArrayLike, v: ArrayLike) -> Floats:
        """T[v], the derivative of the Hessian along `v`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)
        v : array_like, shape (n,) or (m, n)
            One vector for all points, or one for each.

        Returns
        -------
        ndarray, shape (n, n) or (m, n, n)
        """
        points, vectors, single = self._points_and_vectors(x, v)
        third: Floats = self._core.evaluate(points, THIRD, vectors)["third"]
        return third[0] if single else third

    def _points(self, x: Any, argument: str = "x") -> tuple[Floats, bool]:
        """`x` as (m, n) floats, and whether it was one point."""
        if type(x) is not np.ndarray or x.dtype != np.float64:
            x = real_array(x, argument)
        if x.shape == (self.n,):
            points, single = x.reshape(1, self.n), True
        elif x.ndim == 2 and x.shape[1] == self.n:
            points, single = x, False
        else:
            raise ValueError(f"{argument}: want shape ({self.n},) or (m, {self.n}), got {x.shape}")
        if single:
            # NumPy's reductions would cost as much as the evaluation of one point. A sum is NaN
            # also where infinities of both signs meet, so it only says where to look.
            suspicious = math.isnan(sum(x.tolist()))
        else:
            suspicious = points.size > 0 and math.isnan(points.min())
        if suspicious:
            bad = np.isnan(points).any(axis=1)
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                shown = np.array2string(points[first], threshold=6, separator=", ")
                where = "" if single else f" in row {first}"
                raise ValueError(f"{argument}: want numbers, got NaN{where}: {shown}")
        return points, single

    def _points_and_vectors(self, x: Any, v: Any) -> tuple[Floats, Floats, bool]:
        points, single_point = self._points(x)
        vectors, single_vector = self._points(v, "v")
        if len(points) != len(vectors):
            if single_point:
                points = np.broadcast_to(points, vectors.shape)
            elif single_vector:
                vectors = np.broadcast_to(vectors, points.shape)
            else:
                raise ValueError(
                    f"v: want shape ({self.n},) or {points.shape}, as x, got {vectors.shape}"
                )
        return points, vectors, single_point and single_vector

    def _replayed(self, x: Any) -> Any:
        """The value within a function that is being recorded."""
        raise NotImplementedError
