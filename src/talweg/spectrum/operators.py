"""Symmetric operators as users hold them: Hessians, matrices, and functions that multiply."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_count, checked_objective, checked_point
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["CompiledProducts", "Hessian", "Products", "operator_of"]

#: Entries that differ by more than this, relative to the largest one, are not meant to be equal.
_SYMMETRIC = 1e-8

#: Columns that a product of dense or sparse matrices takes at little more than the cost of one.
_DENSE_BLOCK = 8

#: Kinds of `talweg.models` whose products are products with a matrix of data.
_OF_DATA = ("regression", "phase_retrieval")


@dataclasses.dataclass(frozen=True)
class Hessian:
    """The Hessian of an objective at a point."""

    f: Objective
    x: Floats
    _: dataclasses.KW_ONLY
    gradient: bool = False
    matrix = None

    @property
    def n(self) -> int:
        return self.f.n

    def eigenpairs(self, options: dict[str, Any], start: Any, progress: Any) -> dict[str, Any]:
        found: dict[str, Any] = _core.hessian_eigenpairs(
            self.f._core, self.x, self.gradient, self.block, options, start, progress
        )
        return found

    @property
    def block(self) -> int:
        """Vectors that a product is best given: several where each is a pass over data."""
        return _DENSE_BLOCK if getattr(self.f, "kind", "") in _OF_DATA else 1


@dataclasses.dataclass(frozen=True)
class Products:
    """A function that multiplies the columns of an array (n, m).

    Attributes
    ----------
    function : callable
    n : int
    block : int
        Number of columns that it is best given.
    matrix : ndarray, shape (n, n), or None
        Where there is one.
    """

    function: Callable[[Floats], Any]
    n: int
    block: int = 1
    matrix: Floats | None = None

    def eigenpairs(self, options: dict[str, Any], start: Any, progress: Any) -> dict[str, Any]:
        symmetric = self.matrix is not None
        found: dict[str, Any] = _core.operator_eigenpairs(
            self.function, self.n, self.block, symmetric, options, start, progress
        )
        return found


@dataclasses.dataclass(frozen=True)
class CompiledProducts(Products):
    """Products of the core's own: `core` finds eigenpairs without calling Python."""

    core: Any = None

    def eigenpairs(self, options: dict[str, Any], start: Any, progress: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.core.eigenpairs(options, start, progress)
        return found


def operator_of(f: Any, x: Any, n: Any, *, gradient: bool = False) -> Hessian | Products:
    """The operator that `f` stands for, or an error that says what is wrong with it."""
    compiled = getattr(f, "_compiled_products", None)
    if isinstance(compiled, CompiledProducts):
        if x is not None:
            raise TypeError(f"x: goes with an objective, {_named(f)} is an operator at its point")
        if n is not None and n != compiled.n:
            raise ValueError(f"n: f_or_operator has {compiled.n} rows, got {n}")
        return compiled
    if isinstance(f, Objective) or (
        callable(f) and x is not None and not _is_matrix(f) and not hasattr(f, "matvec")
    ):
        return _hessian(f, x, n, gradient)
    if x is not None:
        raise TypeError(
            f"x: goes with an objective or a function, f_or_operator is {_named(f)}; options such as "
            "the number of eigenpairs are given by name (k=3)"
        )
    if gradient:
        raise ValueError(f"gradient: goes with an objective or a function, got {_named(f)}")
    if _is_matrix(f) or hasattr(f, "matvec") or hasattr(f, "matmat"):
        rows = _rows(f)
        if n is not None and n != rows:
            raise ValueError(f"n: f_or_operator has {rows} rows, got {n}")
        if _is_matrix(f):
            return _sparse(f, rows)
        return Products(_multiplier(f), rows)
    if callable(f):
        if n is None:
            raise TypeError(
                "f_or_operator: a function needs the point x for products with its Hessian, "
                "shape (n,), or n for a function that is itself the product with a vector"
            )
        return Products(_by_column(f), checked_count(n, "n", 1))
    if isinstance(f, (str, bytes)) or f is None:
        raise TypeError(
            "f_or_operator: want a talweg.Objective, a function, a matrix or an operator with "
            f"matvec, got {_named(f)}"
        )
    return _dense(f, n)


def _named(f: Any) -> str:
    return f"a {type(f).__name__}"


def _hessian(f: Any, x: Any, n: Any, gradient: bool) -> Hessian:
    if x is None:
        raise TypeError("x: want the point of the Hessian, shape (n,)")
    shape = np.shape(x)
    if not isinstance(f, Objective) and (len(shape) != 1 or not shape[0]):
        raise ValueError(f"x: want the point of the Hessian, shape (n,), got {shape}")
    objective = checked_objective(f, shape[0] if len(shape) == 1 and shape[0] else None)
    if n is not None and n != objective.n:
        raise ValueError(f"n: f_or_operator has {objective.n} coordinates, got {n}")
    if objective.metric is not None:
        raise ValueError(
            "f_or_operator: has a metric, in which the eigenpairs are those of P^-1 H; take the "
            "objective without it for those of H"
        )
    return Hessian(objective, checked_point(x, objective.n, "x"), gradient=gradient)


def _is_matrix(f: Any) -> bool:
    # scipy.sparse arrays and matrices, without importing scipy.
    return hasattr(f, "tocsr") and hasattr(f, "shape")


def _rows(f: Any) -> int:
    shape = getattr(f, "shape", None)
    if shape is None or len(shape) != 2 or shape[0] != shape[1] or shape[0] < 1:
        raise ValueError(f"f_or_operator: want shape (n, n), n at least 1, got {shape}")
    dtype = getattr(f, "dtype", None)
    if dtype is not None and np.dtype(dtype).kind not in "biuf":
        raise TypeError(f"f_or_operator: want real numbers, got dtype {dtype}")
    return int(shape[0])


def _sparse(f: Any, n: int) -> Products:
    matrix = f.tocsr()
    if not np.isfinite(matrix.data).all():
        raise ValueError("f_or_operator: want finite numbers")
    difference = abs(matrix - matrix.T)
    largest = abs(matrix).max() if matrix.nnz else 0.0
    if difference.nnz and difference.max() > _SYMMETRIC * largest:
        raise ValueError(
            "f_or_operator: want a symmetric matrix, got one whose entries differ from those of "
            f"its transpose by up to {difference.max():.6g}"
        )
    return Products(lambda v: matrix @ v, n)


def _multiplier(f: Any) -> Callable[[Floats], Any]:
    """The products of an operator with matvec, matmat or both."""
    if not hasattr(f, "matmat"):
        return _by_column(f.matvec)
    if not hasattr(f, "matvec"):
        return lambda v: f.matmat(v)
    return lambda v: f.matmat(v) if v.shape[1] > 1 else f.matvec(v[:, 0])


def _by_column(function: Callable[[Floats], Any]) -> Callable[[Floats], Any]:
    def products(v: Floats) -> Any:
        if v.shape[1] == 1:
            return function(v[:, 0])
        # Each product at once in its place: a function may return the same array every time.
        result = np.empty(v.shape, order="F")
        for j in range(v.shape[1]):
            column = np.asarray(function(v[:, j]))
            if column.dtype.kind not in "biuf":
                raise TypeError(
                    f"f_or_operator: its product has dtype {column.dtype}, want real numbers"
                )
            if column.size != len(v):
                raise ValueError(
                    f"f_or_operator: its product with an array of shape ({len(v)},) has shape "
                    f"{column.shape}"
                )
            result[:, j] = column.reshape(-1)
        return result

    return products


def _dense(f: Any, n: Any) -> Products:
    matrix = finite_array(f, "f_or_operator")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(f"f_or_operator: want shape (n, n), n at least 1, got {matrix.shape}")
    if n is not None and n != len(matrix):
        raise ValueError(f"n: f_or_operator has {len(matrix)} rows, got {n}")
    with np.errstate(over="ignore"):
        difference = np.abs(matrix - matrix.T).max()
    if difference > _SYMMETRIC * np.abs(matrix).max():
        raise ValueError(
            "f_or_operator: want a symmetric matrix, got one whose entries differ from those of "
            f"its transpose by up to {difference:.6g}"
        )
    matrix = matrix / 2 + matrix.T / 2
    return Products(lambda v: matrix @ v, len(matrix), _DENSE_BLOCK, matrix)
