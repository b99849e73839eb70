"""Quadratures from the tridiagonal matrices of Lanczos runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.spectrum.batches import eigh

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["below", "quadrature"]

#: Numbers in the matrices that are decomposed together.
_TOGETHER = 1 << 22


def quadrature(diagonal: Floats, beside: Floats) -> tuple[Floats, Floats]:
    """Gauss's nodes and weights of each of several tridiagonal matrices.

    Parameters
    ----------
    diagonal, beside : ndarray, shape (probes, steps)
        The last number of `beside` that counts couples to no further row. A row ends where `beside`
        is 0; behind that is NaN in `diagonal`.

    Returns
    -------
    nodes, weights : ndarray, shape (probes, steps)
        Ascending; rows that ended have their last node again with weight 0.
    """
    nodes, weights = np.full_like(diagonal, np.nan), np.zeros_like(diagonal)
    lengths = (~np.isnan(diagonal)).sum(axis=1)
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        if length:
            values, vectors = _decomposed(_matrices(diagonal[rows, :length], beside[rows, :length]))
            nodes[rows, :length] = values
            nodes[rows, length:] = values[:, -1:]
            weights[rows, :length] = vectors[:, 0, :] ** 2
    return nodes, weights


def below(diagonal: Floats, beside: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Bounds for the weight below given points, by quadratures with a node there.

    Returns
    -------
    low, mass : ndarray, shape (probes, points)
        The measure of the probe has at least `low` and at most ``low + mass`` at or below the point:
        Gauss-Radau quadrature and the inequalities of Chebyshev, Markov and Stieltjes.
    """
    # Squares of huge and tiny coefficients do not fit.
    largest = float(np.nanmax(np.abs([diagonal, beside]), initial=0.0)) or 1.0
    diagonal, beside, points = diagonal / largest, beside / largest, points / largest
    low = np.full((len(diagonal), len(points)), np.nan)
    mass = np.zeros_like(low)
    for row in range(len(diagonal)):
        length = int((~np.isnan(diagonal[row])).sum())
        if length == 0:
            continue
        a, b = diagonal[row, :length], beside[row, :length]
        if b[-1] == 0:
            # The measure is a sum of so many points, which Gauss's quadrature has all.
            values, vectors = _decomposed(_matrices(a[None], b[None]))
            weights = vectors[0, 0] ** 2
            reach = 1e-12 * np.abs(values).max()
            low[row] = (weights * (values[0] <= points[:, None] + reach)).sum(axis=1)
            continue
        portion = max(1, _TOGETHER // (length + 1) ** 2)
        for first in range(0, len(points), portion):
            at = points[first : first + portion]
            where = slice(first, first + len(at))
            low[row, where], mass[row, where] = _radau(a, b, at)
    return low, mass


def _radau(a: Floats, b: Floats, points: Floats) -> tuple[Floats, Floats]:
    # The last entry that makes `points` an eigenvalue, from the last pivot of the factorisation.
    smallest = np.finfo(float).eps ** 2
    pivot = a[0] - points
    for j in range(1, len(a)):
        pivot = np.where(np.abs(pivot) < smallest, smallest, pivot)
        pivot = a[j] - points - b[j - 1] ** 2 / pivot
    pivot = np.where(np.abs(pivot) < smallest, smallest, pivot)
    last = points + b[-1] ** 2 / pivot
    matrices = _matrices(
        np.column_stack([np.broadcast_to(a, (len(points), len(a))), last]),
        np.broadcast_to(np.append(b, 0.0), (len(points), len(a) + 1)),
    )
    values, vectors = _decomposed(matrices)
    weights = vectors[:, 0, :] ** 2
    chosen = np.abs(values - points[:, None]).argmin(axis=1)
    rows = np.arange(len(points))
    before = np.cumsum(weights, axis=1)[rows, chosen] - weights[rows, chosen]
    return np.maximum(before, 0.0), weights[rows, chosen]


def _matrices(diagonal: Floats, beside: Floats) -> Floats:
    count, size = diagonal.shape
    matrices = np.zeros((count, size, size))
    at = np.arange(size)
    matrices[:, at, at] = diagonal
    matrices[:, at[1:], at[:-1]] = matrices[:, at[:-1], at[1:]] = beside[:, : size - 1]
    return matrices


def _decomposed(matrices: Floats) -> Any:
    return eigh(matrices, symmetry="lower")
