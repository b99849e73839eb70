"""Starts in a strong stable manifold, whose trajectories keep out of the slowest directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.method import Method
from talweg.checks.minimum import Minimum

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["strong_starts"]

#: Powers of e by which the error of the far end shrinks on the way back.
_ACCURACY = 40.0
_MOST_ROUNDS = 40


def strong_starts(
    minimum: Minimum,
    method: Method,
    soft: Any,
    decay: Floats,
    directions: Floats,
    distance: float,
    workers: int | None,
) -> Floats:
    """Points over `directions` of the strong subspace, in the manifold that is tangent to it.

    The manifold is the graph of the soft coordinates over the others, and the only set whose
    points keep the soft ones of second order for ever. So they are found by shooting: where they end
    after some time, taken back by the linear dynamics, is what to take off at the start.
    What is neglected at the end is of second order in the distance there, which falls faster than
    the soft directions grow on the way back.

    Parameters
    ----------
    minimum : Minimum
    method : Method
        Without momentum.
    soft : ndarray of bool, shape (n,)
    decay : ndarray, shape (n,)
        Rates of all directions for a unit of the index.
    directions : ndarray, shape (m, n)
    distance : float
        Of the starts from the minimum, within the subspace.
    workers : int or None

    Returns
    -------
    ndarray, shape (m, n)
        NaN in rows that did not converge.

    Raises
    ------
    KeyboardInterrupt
        When interrupted; its attribute ``result`` is the points so far, not in the manifold yet.
    """
    start = np.where(soft, 0.0, directions)
    start *= distance / np.linalg.norm(start, axis=1, keepdims=True)
    strongest = decay[soft].max()
    length = _ACCURACY / (2.0 * decay[~soft].min() - strongest)
    if method.step_length is not None:
        length = float(np.ceil(length))
    values = minimum.eigenvalues[soft]
    if method.step_length is None:
        back = np.exp(values * length)
    else:
        back = (1.0 - method.step_length * values) ** -length
    tolerance = 4.0 * np.finfo(float).eps * distance
    change = np.full(len(start), np.inf)
    for _ in range(_MOST_ROUNDS):
        try:
            run = method.run(minimum, start, length, 32, workers)
        except KeyboardInterrupt as interrupt:
            interrupt.result = start  # type: ignore[attr-defined]
            raise
        with np.errstate(invalid="ignore"):
            off = run.y[-1][:, soft] * back
        off[~np.isfinite(off).all(axis=1)] = 0.0
        before, change = change, np.abs(off).max(axis=1)
        start[:, soft] -= off
        # Rounding sets the last change; from there rounds only repeat it.
        settled = (change <= tolerance) | ((change >= 0.5 * before) & (change < 1e-10 * distance))
        if settled.all():
            break
    start[~(change < 1e-10 * distance)] = np.nan
    return start
