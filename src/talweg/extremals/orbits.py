"""Points and curves of a function with rigid motions, moved to where they lie next to others."""

from __future__ import annotations

import numpy as np

from talweg import _core
from talweg.extremals.assembly import Arc
from talweg.objective import Objective

__all__ = ["aligned", "aligned_arc", "has_motions", "horizontal_spectrum", "rotation_partner"]


def has_motions(f: Objective) -> bool:
    """Whether rigid motions are known to leave `f` unchanged."""
    return isinstance(f._core, _core.GaugedObjective)


def aligned(
    f: Objective, reference: np.ndarray, x: np.ndarray, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`x` on its orbit where it is nearest to `reference`; vectors (k, n) at `x` turned with it."""
    if not has_motions(f):
        return x, vectors
    return f._core.align(reference, x, np.ascontiguousarray(vectors))


def aligned_arc(f: Objective, arc: Arc, place: np.ndarray, near: float) -> Arc:
    """The arc moved as a whole so that it starts at `place`, where it does not do so already."""
    x = arc["x"]
    if not has_motions(f) or len(x) == 0 or np.linalg.norm(x[0] - place) <= near:
        return arc
    moved = dict(arc)
    origin, offsets = aligned(f, place, x[0], x - x[0])
    moved["x"] = origin + offsets
    for name in ("tangent", "eigenvector"):
        moved[name] = aligned(f, place, x[0], arc[name])[1]
    moved["events"] = []
    for event in arc["events"]:
        vectors = np.stack([event["x"] - x[0], event["tangent"]])
        offset, tangent = aligned(f, place, x[0], vectors)[1]
        moved["events"].append({**event, "x": origin + offset, "tangent": tangent})
    return moved


def horizontal_spectrum(f: Objective, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and eigenvectors (columns) of the Hessian orthogonal to rigid motions."""
    hessian = f.hess(x)
    if not has_motions(f):
        return np.linalg.eigh(hessian)
    motions = f._core.gauge_directions(x)
    frame = np.linalg.svd(motions)[2][len(motions) :].T
    values, vectors = np.linalg.eigh(frame.T @ hessian @ frame)
    return values, frame @ vectors


def rotation_partner(f: Objective, x: np.ndarray, u: np.ndarray) -> np.ndarray | None:
    """Where a rotation leaves `x` alone, as about a linear molecule's axis: what it turns `u` to.

    All directions of the plane of the two are then one and the same.
    """
    if not has_motions(f) or len(f._core.gauge_directions(x)) != 5:
        return None
    positions = x.reshape(-1, 3)
    apart = positions - positions[0]
    axis = apart[np.argmax(np.linalg.norm(apart, axis=1))]
    turned = np.cross(axis / np.linalg.norm(axis), u.reshape(-1, 3)).reshape(-1)
    length = np.linalg.norm(turned)
    return turned / length if length > 1e-6 else None
