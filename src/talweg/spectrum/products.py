"""What a density is taken of: a Hessian, a matrix, or anything that multiplies vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import real_array
from talweg.extremals.arguments import checked_objective, checked_point, dimension_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Products", "products_of"]

#: Vectors given at once to what multiplies arrays.
_BLOCK = 4

#: Numbers in the starts of Hessians' runs, which share themselves among threads and lanes.
_STARTS = 1 << 24

#: Differences of u' H v and v' H u up to this, relative to both, are rounding.
_SYMMETRIC = 1e-8


class Products:
    """A symmetric operator of n rows."""

    n: int
    block: int = _BLOCK
    matrix: Floats | None = None

    def recurrences(
        self, starts: Floats, steps: int, reorthogonalise: bool, workers: int
    ) -> tuple[Any, Any, Any]:
        """Diagonals, what is beside them, and statuses of the runs from each row of `starts`."""
        raise NotImplementedError

    def dense(self) -> Floats:
        """The matrix itself."""
        raise NotImplementedError


def products_of(f: Any, x: Any) -> Products:
    """The operator that a user gave, or an error that names the argument."""
    if hasattr(f, "hess") or (callable(f) and not hasattr(f, "shape")):
        if x is None:
            raise TypeError("x: a function needs the point of its Hessian, shape (n,)")
        objective = checked_objective(f, dimension_of(None, x))
        return _Hessian(objective, checked_point(x, objective.n, "x"))
    if x is not None:
        raise TypeError("x: a matrix or an operator is given as it is, so want no point")
    if hasattr(f, "dot") and hasattr(f, "shape") and not isinstance(f, np.ndarray):
        return _Operator(f)
    return _Array(_checked_matrix(real_array(f, "f")))


class _Hessian(Products):
    def __init__(self, f: Any, x: Floats) -> None:
        self.f, self.x, self.n = f, x, f.n
        self.block = max(16, _STARTS // f.n)

    def recurrences(
        self, starts: Floats, steps: int, reorthogonalise: bool, workers: int
    ) -> tuple[Any, Any, Any]:
        return _core.hessian_recurrences(
            self.f._core, self.x, starts, steps, reorthogonalise, workers
        )

    def dense(self) -> Floats:
        hessian = self.f.hess(self.x)
        mean: Floats = (hessian + hessian.T) / 2
        return mean


class _Operator(Products):
    """Whatever multiplies arrays: sparse arrays and scipy.sparse.linalg.LinearOperator."""

    def __init__(self, operator: Any) -> None:
        shape = tuple(operator.shape)
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] < 1:
            raise ValueError(f"f: want a matrix of shape (n, n), n at least 1, got {shape}")
        kind = np.dtype(getattr(operator, "dtype", None) or float).kind
        if kind not in "biuf":
            raise TypeError(f"f: want real numbers, got dtype {operator.dtype}")
        self.operator, self.n = operator, int(shape[0])
        self._check()

    def _check(self) -> None:
        rng = np.random.default_rng(0)
        u, v = rng.standard_normal((2, self.n))
        with np.errstate(all="ignore"):
            images = [self.product(a[:, None])[:, 0] for a in (u, v)]
            scale = np.abs(images).max()
            left, right = (v / scale) @ images[0], (u / scale) @ images[1]
            sizes = [np.linalg.norm(image / scale) for image in images]
        if not np.isfinite(left - right) or scale == 0:
            return
        if abs(left - right) > _SYMMETRIC * (
            sizes[0] * np.linalg.norm(v) + sizes[1] * np.linalg.norm(u)
        ):
            raise ValueError("f: want a symmetric matrix; u' H v and v' H u differ for random u, v")

    def product(self, vectors: Floats) -> Any:
        return self.operator @ vectors

    def recurrences(
        self, starts: Floats, steps: int, reorthogonalise: bool, workers: int
    ) -> tuple[Any, Any, Any]:
        return _core.operator_recurrences(
            self.product, self.n, len(starts), starts, steps, reorthogonalise, workers
        )

    def dense(self) -> Floats:
        full = np.asarray(self.product(np.eye(self.n)), dtype=float)
        mean: Floats = full / 2 + full.T / 2
        return mean


class _Array(Products):
    def __init__(self, matrix: Floats) -> None:
        self.matrix, self.n = matrix, len(matrix)

    def recurrences(
        self, starts: Floats, steps: int, reorthogonalise: bool, workers: int
    ) -> tuple[Any, Any, Any]:
        return _core.operator_recurrences(
            self.matrix.__matmul__, self.n, len(starts), starts, steps, reorthogonalise, workers
        )

    def dense(self) -> Floats:
        matrix: Floats = self.matrix
        return matrix


def _checked_matrix(matrix: Floats) -> Floats:
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"f: want a matrix of shape (n, n), n at least 1, got {matrix.shape}")
    with np.errstate(invalid="ignore"):
        scale = np.abs(matrix).max()
        apart = np.abs(matrix - matrix.T).max()
    if apart > 1e-12 * len(matrix) * scale:
        raise ValueError(
            f"f: want a symmetric matrix, got one whose triangles differ by up to {apart:.3g}"
        )
    return np.ascontiguousarray(matrix)
