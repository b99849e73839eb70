"""Pictures of basins of attraction."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.basin_map import Basins
from talweg.plot.landscape import contour_levels
from talweg.plot.style import CONTOUR, CRITICAL_POINTS, EDGE, load_pyplot

__all__ = ["COLOURS", "draw_basins"]

# Okabe and Ito's colours; after these eight they repeat.
COLOURS = (
    "#56B4E9",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#999999",
)

#: By how much the longest time darkens a colour.
_DARKEST = 0.5


def draw_basins(
    basins: Basins, axes: Any = None, *, times: bool = True, title: str | None = None
) -> Any:
    """Draw a map of basins over two coordinates: see `talweg.Basins.plot`."""
    if basins.bounds is None or basins.label.ndim != 2:
        raise ValueError("basins: a picture needs a grid over two coordinates")
    pyplot = load_pyplot()
    from matplotlib.colors import to_rgb

    if axes is None:
        _, axes = pyplot.subplots(figsize=(6.4, 5.6), layout="constrained")
    colours = np.array([to_rgb(COLOURS[i % len(COLOURS)]) for i in range(len(basins.minima))])
    picture = np.ones((*basins.label.shape, 3))
    inside = basins.label >= 0
    picture[inside] = 0.35 + 0.65 * colours[basins.label[inside]]
    if times and inside.any():
        # Ranks, as times next to the edges of basins grow without bound.
        order = np.argsort(np.argsort(basins.time[inside]))
        picture[inside] *= 1.0 - _DARKEST * (order / max(order.size - 1, 1))[:, None]
        _draw_scale(axes, basins.time[inside])
    (left, right), (bottom, top) = basins.bounds
    columns, rows = basins.label.shape
    dx, dy = (right - left) / (columns - 1) / 2, (top - bottom) / (rows - 1) / 2
    axes.imshow(
        picture.transpose(1, 0, 2),
        origin="lower",
        extent=(left - dx, right + dx, bottom - dy, top + dy),
        aspect="auto",
        interpolation="nearest",
        zorder=0,
    )
    values = np.ma.masked_invalid(np.clip(basins.f(basins.x.reshape(-1, 2)), -1e200, 1e200))
    if values.count():
        lowest = [float(basins.f(x)) for x in basins.minima]
        axes.contour(
            basins.x[:, 0, 0],
            basins.x[0, :, 1],
            values.reshape(basins.label.shape).T,
            contour_levels(values.compressed(), lowest, 24),
            linestyles="solid",
            zorder=1,
            **CONTOUR,
        )
    for i, x in enumerate(basins.minima):
        axes.plot(*x, zorder=6, **CRITICAL_POINTS["minimum"], **EDGE)
        axes.annotate(str(i), x, xytext=(6, 5), textcoords="offset points", zorder=7)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_xlabel("$x_1$")
    axes.set_ylabel("$x_2$")
    axes.set_title(title if title is not None else basins.f.name)
    return axes.figure


def _draw_scale(axes: Any, times: Any) -> None:
    """A bar that says which times the darkness of colours stands for."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap

    greys = ListedColormap(np.linspace(1.0, 1.0 - _DARKEST, 256)[:, None].repeat(3, axis=1))
    bar = axes.figure.colorbar(ScalarMappable(cmap=greys), ax=axes, shrink=0.6, pad=0.02)
    shares = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    bar.set_ticks(shares, labels=[f"{time:.3g}" for time in np.quantile(times, shares)])
    bar.set_label("time to the minimum (quarters of the starts)")
