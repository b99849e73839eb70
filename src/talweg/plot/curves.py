"""One curve in a picture: smooth lines by label, markers at events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from talweg.extremals.results import Event, Extremal
from talweg.plot.style import CRITICAL_POINTS, EDGE, EVENTS, line_of

__all__ = [
    "Drawn",
    "critical_point_type",
    "draw_critical_points",
    "draw_markers",
    "draw_profile",
    "draw_trail",
    "pieces",
]

_CHANGES = ("level_fold", "branch_point")


class Piece(NamedTuple):
    """A run of one label, with the places where the label changes as its ends."""

    label: str
    x: np.ndarray
    tangent: np.ndarray
    arclength: np.ndarray
    fun: np.ndarray


class Drawn:
    """What a picture contains, for its legend."""

    def __init__(self) -> None:
        self.labels: set[str] = set()
        self.critical_points: set[str] = set()
        self.events: set[str] = set()


def _junction(curve: Extremal, k: int) -> tuple[Any, ...]:
    """Where the label changes between points k - 1 and k: the event there, else halfway."""
    for event in curve.events:
        if event.index == k - 1 and event.kind in _CHANGES:
            return event.x, event.tangent, event.arclength, event.fun
    tangent = curve.tangent[k - 1] + curve.tangent[k]
    return (
        (curve.x[k - 1] + curve.x[k]) / 2,
        tangent / max(np.linalg.norm(tangent), np.finfo(float).tiny),
        (curve.arclength[k - 1] + curve.arclength[k]) / 2,
        (curve.fun[k - 1] + curve.fun[k]) / 2,
    )


def pieces(curve: Extremal) -> Iterator[Piece]:
    """The curve cut where its label changes; neighbouring pieces share the cut."""
    segments = curve.labels()
    for number, (start, stop, label) in enumerate(segments):
        columns = [
            column[start:stop] for column in (curve.x, curve.tangent, curve.arclength, curve.fun)
        ]
        if number > 0:
            cut = _junction(curve, start)
            columns = [np.concatenate([[c], a]) for c, a in zip(cut, columns, strict=True)]
        if number < len(segments) - 1:
            cut = _junction(curve, stop)
            columns = [np.concatenate([a, [c]]) for c, a in zip(cut, columns, strict=True)]
        yield Piece(label, *columns)


def smooth_path(points: np.ndarray, tangents: np.ndarray, steps: np.ndarray) -> Any:
    """A path of cubic Bézier arcs through `points` (m, 2) with these derivatives by arclength."""
    from matplotlib.path import Path

    third = steps[:, None] / 3
    vertices = np.empty((3 * len(points) - 2, 2))
    vertices[0::3] = points
    vertices[1::3] = points[:-1] + third * tangents[:-1]
    vertices[2::3] = points[1:] - third * tangents[1:]
    codes = np.full(len(vertices), Path.CURVE4, dtype=np.uint8)
    codes[0] = Path.MOVETO
    return Path(vertices, codes)


def _stroke(axes: Any, path: Any, label: str, scale: float) -> None:
    from matplotlib.patches import PathPatch

    line = line_of(label)
    line = {**line, "linewidth": scale * line["linewidth"]}
    common = {"facecolor": "none", "capstyle": "butt"}
    # All halos lie below all lines: one curve must not cut a gap into another that runs along it.
    halo = {
        "edgecolor": "white",
        "linewidth": line["linewidth"] + 1.4 * scale,
        "alpha": 0.8,
        "zorder": 3,
    }
    axes.add_patch(PathPatch(path, **common, **halo))
    axes.add_patch(PathPatch(path, **common, **line))


def draw_trail(
    axes: Any,
    curve: Extremal,
    origin: np.ndarray,
    plane: np.ndarray,
    drawn: Drawn,
    scale: float = 1.0,
) -> None:
    """The curve projected on the columns of `plane` (n, 2) around `origin`."""
    for piece in pieces(curve):
        if len(piece.x) < 2:
            continue
        # The chord differs from the arclength by O(step^3), which no reader can see.
        steps = np.linalg.norm(np.diff(piece.x, axis=0), axis=1)
        path = smooth_path((piece.x - origin) @ plane, piece.tangent @ plane, steps)
        _stroke(axes, path, piece.label, scale)
        drawn.labels.add(piece.label)


def draw_profile(axes: Any, curve: Extremal, zero: float, drawn: Drawn, scale: float = 1.0) -> None:
    """The function along the curve, arclength counted from `zero`."""
    from matplotlib.path import Path

    for piece in pieces(curve):
        if len(piece.x) < 2:
            continue
        path = Path(np.column_stack([piece.arclength - zero, piece.fun]))
        _stroke(axes, path, piece.label, scale)
        drawn.labels.add(piece.label)


def critical_point_type(morse_index: int, n: int, degenerate: bool = False) -> str:
    """Key of `style.CRITICAL_POINTS`."""
    if degenerate:
        return "degenerate"
    return "minimum" if morse_index == 0 else "maximum" if morse_index == n else "saddle"


def draw_markers(
    axes: Any,
    events: list[tuple[Event, np.ndarray]],
    drawn: Drawn,
    tolerance: float,
    scale: float = 1.0,
) -> None:
    """Markers of events at points (2,) of the picture; coincident ones of a kind only once.

    A level fold at a branch point is left to the branch point's marker.
    """
    places: dict[str, dict[tuple[int, int], np.ndarray]] = {}
    for event, at in events:
        if event.kind in EVENTS and np.isfinite(at).all():
            cell = np.round(at / max(tolerance, 1e-300))
            places.setdefault(event.kind, {}).setdefault((cell[0], cell[1]), at)
    branch_points = list(places.get("branch_point", {}).values())
    for kind, (_, marker) in EVENTS.items():
        kept = [
            at
            for at in places.get(kind, {}).values()
            if kind != "level_fold"
            or all(np.abs(at - other).max() > tolerance for other in branch_points)
        ]
        if kept:
            _draw_points(axes, kept, {"markeredgewidth": 0.6, **marker}, scale, zorder=7)
            drawn.events.add(kind)


def draw_critical_points(
    axes: Any,
    points: list[tuple[int, str, np.ndarray]],
    drawn: Drawn,
    scale: float = 1.0,
    numbers: bool = False,
) -> None:
    """Markers of critical points (number, type, place), with their numbers if asked for."""
    from matplotlib.patheffects import withStroke

    for type_, marker in CRITICAL_POINTS.items():
        at = [place for _, kind, place in points if kind == type_]
        if at:
            _draw_points(axes, at, marker, scale, zorder=8)
            drawn.critical_points.add(type_)
    for number, _, place in points if numbers else ():
        axes.annotate(
            str(number),
            place,
            xytext=(5.0, 5.0),
            textcoords="offset points",
            fontsize=8.0,
            zorder=9,
            annotation_clip=True,
            path_effects=[withStroke(linewidth=2.0, foreground="white")],
        )


def _draw_points(
    axes: Any, at: list[np.ndarray], marker: dict[str, Any], scale: float, zorder: float
) -> None:
    style = {**EDGE, **marker}
    for name in ("markersize", "markeredgewidth"):
        style[name] = scale * style[name]
    axes.plot(*np.transpose(at), zorder=zorder, **style)
