"""Functions of atoms' positions, which do not change when all atoms move as one body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.quantity import GRADIENT

if TYPE_CHECKING:
    from talweg.objective import Objective

__all__ = ["gauged_core"]

#: Largest component of the gradient along a motion, relative to its norm, that passes as rounding
#: or the grid and cutoff errors of a calculator.
_INVARIANCE = 1e-4


def gauged_core(f: Objective, masses: Any, rotations: bool, at: Any) -> _core.GaugedObjective:
    """The core's objective with rigid motions, once `f` was seen not to change along them."""
    if f.n % 3 or f.n < 6:
        raise ValueError(
            f"f: rigid motions need coordinates x, y, z of two atoms or more, got n = {f.n}"
        )
    atoms = f.n // 3
    if not isinstance(rotations, (bool, np.bool_)):
        raise TypeError(f"rotations: want True or False, got {rotations!r}")
    scales = np.ones(atoms)
    if masses is not None:
        values = np.asarray(masses)
        if values.dtype.kind not in "iuf" or values.shape != (atoms,):
            raise ValueError(
                f"masses: want {atoms} positive numbers, one an atom, got "
                f"{values.dtype} of shape {values.shape}"
            )
        if not (np.isfinite(values).all() and (values > 0).all()):
            raise ValueError(f"masses: want positive finite numbers, got {values.tolist()}")
        scales = np.sqrt(values.astype(float))
    core = _core.GaugedObjective(f._core, scales.tolist(), bool(rotations))
    _check_invariance(core, f, at)
    return core


def _check_invariance(core: _core.GaugedObjective, f: Objective, at: Any) -> None:
    if at is None:
        # Atoms on a spiral, no two of them close, fit any function of distances.
        turn = np.arange(f.n // 3)
        places = np.stack([np.cos(1.3 * turn), np.sin(1.7 * turn), 0.9 * turn], axis=1)
        at = (1.2 * places).reshape(-1)
    at = np.ascontiguousarray(at, dtype=float)
    gradient = f._core.evaluate(at[None], GRADIENT)["gradient"][0]
    if not np.isfinite(gradient).all():
        return
    along = core.gauge_directions(at) @ gradient
    if np.abs(along).max() > _INVARIANCE * np.linalg.norm(gradient) + 1e-12:
        kind = "translations" if np.abs(along[:3]).max() >= np.abs(along).max() else "rotations"
        raise ValueError(
            f"f: changes under {kind} of all atoms together (by {np.abs(along).max():.3g} along "
            f"one, with a gradient of {np.linalg.norm(gradient):.3g}): it has no rigid motions"
        )
