"""Functions of atoms' positions, which do not change when all atoms move as one body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.quantity import GRADIENT

if TYPE_CHECKING:
    from talweg.objective import Objective

__all__ = ["gauged_core", "gauged_in_metric", "weights_of"]

#: Largest component of the gradient along a motion, relative to its norm, that passes as rounding
#: or the grid and cutoff errors of a calculator.
_INVARIANCE = 1e-4


def gauged_core(f: Any, rotations: bool, at: Any) -> _core.GaugedObjective:
    """The core's objective with rigid motions, once `f` was seen not to change along them."""
    if f.n % 3 or f.n < 6:
        raise ValueError(
            f"f: rigid motions need coordinates x, y, z of two atoms or more, got n = {f.n}"
        )
    if not isinstance(rotations, (bool, np.bool_)):
        raise TypeError(f"rotations: want True or False, got {rotations!r}")
    if f.metric is not None:
        weights_of(f.metric)
    core = _core.GaugedObjective(f._core, [1.0] * (f.n // 3), bool(rotations))
    _check_invariance(core, f, at)
    return core


def gauged_in_metric(
    core: _core.Objective, gauged: _core.GaugedObjective, metric: Any
) -> _core.GaugedObjective:
    """A function of ``sqrt(metric) x``, with the rigid motions of that of x."""
    return _core.GaugedObjective(core, np.sqrt(weights_of(metric)).tolist(), gauged.rotations)


def weights_of(metric: Any) -> np.ndarray:
    """The weights of the atoms in a metric that rigid motions leave unchanged."""
    diagonal = np.diag(metric)
    weights = diagonal[::3]
    if not np.array_equal(metric, np.diag(np.repeat(weights, 3))):
        raise ValueError(
            "metric: rigid motions want a diagonal one with the same weight for x, y and z of each "
            "atom, as numpy.diag(numpy.repeat(masses, 3))"
        )
    return weights


def _check_invariance(core: _core.GaugedObjective, f: Objective, at: Any) -> None:
    if at is None:
        # Atoms on a spiral, no two of them close, fit any function of distances.
        turn = np.arange(f.n // 3)
        places = np.stack([np.cos(1.3 * turn), np.sin(1.7 * turn), 0.9 * turn], axis=1)
        at = (1.2 * places).reshape(-1)
    at = np.ascontiguousarray(at, dtype=float)
    if at.shape != (f.n,):
        raise ValueError(f"at: want shape ({f.n},), got {at.shape}")
    gradient = f._core.evaluate(at[None], GRADIENT)["gradient"][0]
    if not np.isfinite(gradient).all():
        return
    along = core.gauge_directions(at) @ gradient
    if np.abs(along).max() > _INVARIANCE * np.linalg.norm(gradient) + 1e-12:
        raise ValueError(
            "f: changes when all atoms move or turn together (the gradient, of norm "
            f"{np.linalg.norm(gradient):.3g}, has {np.abs(along).max():.3g} along such a motion)"
        )
