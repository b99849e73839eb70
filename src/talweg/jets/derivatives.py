"""Third and fourth derivatives as arrays."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.quantity import ARRAYS, THIRD, THIRD_PRODUCT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["fourth_derivatives", "fourth_step", "third_derivatives"]

#: Doubles that the arrays of one call of the core may have.
_CHUNK = 1 << 22

#: Halvings of the longest step that are tried.
_HALVINGS = 20


def third_derivatives(f: Any, x: Floats) -> Floats:
    """T[e_i, e_j, e_k], shape (n, n, n), the same for every order of the indices."""
    n = f.n
    tensor = np.empty((n, n, n))
    for rows in _chunks(n, n * n):
        tensor[rows] = f.third(x, np.eye(n)[rows])
    return _symmetrised(tensor)


def fourth_derivatives(f: Any, x: Floats) -> tuple[Floats, float]:
    """Q[e_i, e_j, e_k, e_l], shape (n, n, n, n), and an estimate of its error (Frobenius norm).

    Of recorded functions it is T of the derivative along v, a function of (x, v); of others differences
    of T by Richardson's extrapolation.
    """
    if f._tape is not None:
        try:
            return _of_recording(f, x), 0.0
        except _core.RecordingLimit:
            pass
    return _by_differences(f, x)


def _of_recording(f: Any, x: Floats) -> Floats:
    n = f.n
    tape, output = f._tape
    core = _core.TapeObjective(*_core.directional_derivative(tape, output, n))
    i, j = np.tril_indices(n)
    tensor = np.empty((n, n, n, n))
    unit = np.eye(n)
    for rows in _chunks(len(i), 4 * n * n):
        points = np.hstack([np.broadcast_to(x, (len(i[rows]), n)), unit[i[rows]]])
        along = np.hstack([unit[j[rows]], np.zeros((len(i[rows]), n))])
        found = core.evaluate(points, THIRD, along)["third"][:, :n, :n]
        tensor[i[rows], j[rows]] = tensor[j[rows], i[rows]] = found
    return _symmetrised(tensor)


def _by_differences(f: Any, x: Floats) -> tuple[Floats, float]:
    n = f.n
    step, _ = fourth_step(f, x, extrapolated=True)
    levels = []
    for h in (step, step / 2.0, step / 4.0):
        tensor = np.empty((n, n, n, n))
        for j in range(n):
            ahead, behind = x.copy(), x.copy()
            ahead[j] += h
            behind[j] -= h
            # What was added, of which rounding made something else than h.
            width = ahead[j] - behind[j]
            tensor[j] = (f.third(ahead, np.eye(n)) - f.third(behind, np.eye(n))) / width
        levels.append(tensor)
    coarse = (4.0 * levels[1] - levels[0]) / 3.0
    fine = (4.0 * levels[2] - levels[1]) / 3.0
    tensor = _symmetrised(fine)
    apart = (fine - coarse, fine - tensor, 1e-15 * tensor)
    return tensor, max(float(np.linalg.norm(part)) for part in apart)


def fourth_step(f: Any, x: Floats, extrapolated: bool = False) -> tuple[float, float]:
    """A step for central differences of T[u] u along u, and their estimated relative error.

    Steps from about the size of the point down by halves are compared along a few directions; where
    two in a row agree best truncation and rounding balance.
    """
    directions = np.random.default_rng(4).normal(size=(4, f.n))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    h = 0.5 * max(1.0, float(np.abs(x).max())) * 0.5 ** np.arange(_HALVINGS + 1)
    shift = h[:, None, None, None] * np.array([1.0, -1.0])[:, None, None] * directions
    points = (x + shift).reshape(-1, f.n)
    v = np.broadcast_to(directions, shift.shape).reshape(-1, f.n)
    found = f._core.evaluate(points, THIRD_PRODUCT, v, v)[ARRAYS[THIRD_PRODUCT]]
    found = found.reshape(shift.shape)
    quotient = (found[:, 0] - found[:, 1]) / (2.0 * h[:, None, None])
    if extrapolated:
        quotient = (4.0 * quotient[1:] - quotient[:-1]) / 3.0
    with np.errstate(invalid="ignore", over="ignore"):
        change = np.linalg.norm(quotient[1:] - quotient[:-1], axis=-1).max(axis=1)
        size = np.linalg.norm(quotient[1:], axis=-1).max(axis=1)
        # Nor is agreement to more digits than rounding leaves.
        third = np.linalg.norm(found, axis=-1).max(axis=(1, 2))
        change = np.fmax(change, 1e-16 * third[-len(change) :] / h[-len(change) :])
    change[~np.isfinite(change)] = np.inf
    change = np.fmax(change[1:], change[:-1])
    best = int(np.argmin(change))
    relative = change[best] / size[best + 1] if size[best + 1] > 0.0 else 0.0
    return float(h[best + 1]), float(relative)


def _symmetrised(tensor: Floats) -> Floats:
    orders = list(itertools.permutations(range(tensor.ndim)))
    total = np.zeros_like(tensor)
    for order in orders:
        total += tensor.transpose(order)
    total /= len(orders)
    return total


def _chunks(rows: int, doubles: int) -> list[slice]:
    size = max(1, _CHUNK // doubles)
    return [slice(start, start + size) for start in range(0, rows, size)]
