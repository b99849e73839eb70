"""Lanczos recurrences of the operators that users give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.spectrum.operators import Hessian, Products

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["dense_matrix", "preferred_block", "recurrences", "refuse_asymmetric"]

#: Vectors given at once to a function that says nothing better.
_BLOCK = 4

#: Numbers in the starts of a Hessian's runs, which are shared among threads and lanes.
_STARTS = 1 << 24

#: Differences of u' H v and v' H u up to this, relative to both, are rounding.
_SYMMETRIC = 1e-8

#: The same for single entries, of products in single precision at worst, relative to the largest.
_SYMMETRIC_ENTRIES = 1e-5


def preferred_block(operator: Hessian | Products) -> int:
    """How many runs to make together."""
    if isinstance(operator, Hessian):
        return max(16, _STARTS // operator.n)
    return max(_BLOCK, operator.block)


def recurrences(
    operator: Hessian | Products, starts: Floats, steps: int, reorthogonalise: bool, workers: int
) -> tuple[Any, Any, Any]:
    """Coefficients (probes, steps) on and beside the diagonals, and statuses (probes,)."""
    if isinstance(operator, Hessian):
        return _core.hessian_recurrences(
            operator.f._core, operator.x, starts, steps, reorthogonalise, workers
        )
    return _core.operator_recurrences(
        operator.function, operator.n, len(starts), starts, steps, reorthogonalise, workers
    )


def dense_matrix(operator: Hessian | Products) -> Floats:
    """The matrix itself, by n products where there is no other way."""
    if operator.matrix is not None:
        matrix: Floats = operator.matrix
        return matrix
    if isinstance(operator, Hessian):
        full = operator.f.hess(operator.x)
    else:
        full = _product(operator, np.eye(operator.n, order="F"))
        with np.errstate(all="ignore"):
            apart, largest = np.abs(full - full.T).max(), np.abs(full).max()
        if apart > _SYMMETRIC_ENTRIES * largest:
            raise ValueError(
                "f_or_operator: want a symmetric operator, got one whose entries differ from those "
                f"of its transpose by up to {apart:.6g}"
            )
    return full / 2 + full.T / 2


def _product(operator: Products, vectors: Floats) -> Floats:
    """What the function returns for the columns of `vectors`, or an error that speaks of it."""
    result = np.asarray(operator.function(vectors))
    if result.dtype.kind not in "biuf":
        raise TypeError(f"f_or_operator: its product has dtype {result.dtype}, want real numbers")
    if result.size != vectors.size or len(result) != operator.n:
        given = vectors.shape if vectors.shape[1] > 1 else (operator.n,)
        raise ValueError(
            f"f_or_operator: its product with an array of shape {given} has shape {result.shape}"
        )
    # A function may return the same array every time.
    return result.reshape(vectors.shape).astype(np.float64)


def refuse_asymmetric(operator: Hessian | Products) -> None:
    """An error for a function whose products with two random vectors belong to no symmetric matrix."""
    if isinstance(operator, Hessian) or operator.matrix is not None:
        return
    vectors = np.random.default_rng(0).standard_normal((2, operator.n))
    vectors.flags.writeable = False
    images = [_product(operator, v[:, None])[:, 0] for v in vectors]
    with np.errstate(all="ignore"):
        largest = np.abs(images).max()
        images = [image / largest for image in images]
        apart = abs(vectors[0] @ images[1] - vectors[1] @ images[0])
        size = np.linalg.norm(images[0]) * np.linalg.norm(vectors[1])
        size += np.linalg.norm(images[1]) * np.linalg.norm(vectors[0])
    if apart > _SYMMETRIC * size:
        raise ValueError(
            "f_or_operator: want a symmetric operator, got one for which u' H v and v' H u differ "
            f"by {apart / size:.3g} of their size for random u and v"
        )
