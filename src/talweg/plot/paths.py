"""Pictures of trajectories over level lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.plot.landscape import draw_landscape
from talweg.plot.style import CRITICAL_POINTS, EDGE, load_pyplot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["draw_paths"]

_LINE = "#0072B2"


def draw_paths(
    f: Any,
    path: Floats,
    ends: Floats,
    axes: Any = None,
    *,
    dots: bool = True,
    most: int = 200,
    title: str | None = None,
) -> Any:
    """Draw trajectories of two coordinates over level lines.

    Parameters
    ----------
    f : Objective
    path : ndarray, shape (records, m, 2)
        NaN where a trajectory has ended.
    ends : ndarray, shape (m, 2)
        Last points; those that are not finite are left out.
    axes : matplotlib Axes, optional
        Default: a new figure.
    dots : bool, default True
        Mark the recorded points, as steps are; a flow is smooth.
    most : int, default 200
        Most trajectories that are drawn, evenly taken.
    title : str, optional
        Default: the function's name.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        For other numbers of coordinates, or trajectories of less than two points.
    ImportError
        Without matplotlib.
    """
    n = path.shape[-1]
    if n != 2:
        raise ValueError(f"plot: a picture needs two coordinates, got {n}")
    if len(path) < 2:
        raise ValueError(
            "plot: no path was recorded; descend with record_every, or flow to more than one time"
        )
    pyplot = load_pyplot()
    if axes is None:
        _, axes = pyplot.subplots(figsize=(6.4, 5.4), layout="constrained")
    count = path.shape[1]
    chosen = np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int))
    lines, ends = path[:, chosen], ends[chosen]
    ends = ends[np.isfinite(ends).all(axis=1)]
    seen = np.concatenate([lines.reshape(-1, 2), ends])
    seen = seen[np.isfinite(seen).all(axis=1)]
    if not len(seen):
        raise ValueError("plot: no point of the trajectories is finite")
    low, high = seen.min(axis=0), seen.max(axis=0)
    half = 0.55 * np.maximum(high - low, max(0.2 * float((high - low).max()), 1e-9))
    middle = (low + high) / 2
    box = np.stack([middle - half, middle + half], axis=1)
    with np.errstate(all="ignore"):
        values = np.asarray(f(ends)) if len(ends) else np.zeros(0)
    lowest = [float(values[np.isfinite(values)].min())] if np.isfinite(values).any() else []
    draw_landscape(axes, f, box, lowest, levels=28)
    few = len(chosen) <= 30
    for k in range(lines.shape[1]):
        axes.plot(
            lines[:, k, 0],
            lines[:, k, 1],
            color=_LINE,
            linewidth=1.3 if few else 0.6,
            alpha=0.9 if few else 0.55,
            marker="." if dots and few else None,
            markersize=3.0,
            zorder=4,
        )
    axes.plot(
        lines[0, :, 0],
        lines[0, :, 1],
        marker="o",
        markersize=3.2,
        color="black",
        linestyle="none",
        zorder=5,
        label="start",
    )
    axes.plot(ends[:, 0], ends[:, 1], zorder=6, label="end", **CRITICAL_POINTS["minimum"], **EDGE)
    axes.set_xlim(*box[0])
    axes.set_ylim(*box[1])
    axes.set_xlabel("$x_1$")
    axes.set_ylabel("$x_2$")
    axes.legend(fontsize=8, loc="best")
    axes.set_title(f.name if title is None else title)
    return axes.figure
