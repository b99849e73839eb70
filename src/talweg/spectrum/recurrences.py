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
        full = np.asarray(operator.function(np.asfortranarray(np.eye(operator.n))), dtype=float)
        full = full.reshape(operator.n, operator.n)
    return full / 2 + full.T / 2


def refuse_asymmetric(operator: Hessian | Products) -> None:
    """An error for a function whose products with two random vectors belong to no symmetric matrix."""
    if isinstance(operator, Hessian) or operator.matrix is not None:
        return
    vectors = np.random.default_rng(0).standard_normal((2, operator.n))
    vectors.flags.writeable = False
    images = [
        np.array(operator.function(v[:, None]), dtype=float).reshape(operator.n) for v in vectors
    ]
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
