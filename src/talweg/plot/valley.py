"""Pictures of valleys: regions of small slope ratio, and widths along a talweg."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from talweg.extremals.results import Extremal, Survey
from talweg.plot.style import load_pyplot
from talweg.valleys import slope_ratio, valley_widths

__all__ = ["draw_valley"]

#: From the bottom of the valley outwards.
_SHADES = ("#0072B2", "#56B4E9", "#CFE8F7")


def _shades(count: int) -> list[Any]:
    from matplotlib.colors import LinearSegmentedColormap

    if count <= len(_SHADES):
        return list(_SHADES[:count])
    map_ = LinearSegmentedColormap.from_list("talweg_valley", _SHADES)
    return [map_(i / (count - 1)) for i in range(count)]


def draw_valley(
    valley: Survey | Extremal,
    ratios: Sequence[float] = (1.2, 2.0, 4.0),
    axes: Any = None,
    *,
    bounds: Any = None,
    resolution: int = 300,
    title: str | None = None,
) -> Any:
    """Draw the valleys V_R of a surface, or how wide one is along its talweg.

    With two coordinates the regions of slope ratio up to each R are shaded on the map of the
    survey; where no talweg is as low, or none is the least steep, nothing is. With more, and for a curve, the half-widths of V_R along the talweg are drawn against its
    arclength, one line for each direction across (`talweg.valleys.valley_widths`).

    Parameters
    ----------
    valley : Survey or Extremal
        A survey of two coordinates for the map; a traced curve for the widths.
    ratios : sequence of float, default (1.2, 2, 4)
        Values of R, each above 1.
    axes : matplotlib Axes, optional
        Default: a new figure.
    bounds : array_like, shape (2, 2), optional
        The part of the plane that is drawn. Default: the survey's box.
    resolution : int, default 300
        Grid points a side.
    title : str, optional

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError, TypeError
        For unusable arguments.

    Examples
    --------
    >>> import talweg
    >>> from talweg.plot import draw_valley
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> figure = draw_valley(talweg.survey(toy, bounds=[(-3, 3), (-3, 3)]))
    """
    if np.ndim(ratios) != 1:
        raise TypeError(f"ratios: want a sequence of numbers above 1, got {ratios!r}")
    levels = sorted(float(R) for R in ratios)
    if not levels or levels[0] <= 1.0:
        raise ValueError(f"ratios: want numbers above 1, got {list(ratios)}")
    if isinstance(valley, Extremal):
        return _draw_widths(valley, levels, axes, title)
    if not isinstance(valley, Survey):
        raise TypeError(f"valley: want a survey or a traced curve, got {type(valley).__name__}")
    if valley.n != 2:
        raise ValueError(
            f"valley: a map needs two coordinates, got {valley.n}; draw one of its curves"
        )
    box = valley.bounds if bounds is None else np.asarray(bounds, dtype=float)
    if box is None or np.shape(box) != (2, 2):
        raise ValueError("bounds: want [(low, high), (low, high)]")
    figure = valley.plot(axes=axes, events=False, title=title)
    map_ = figure.axes[0] if axes is None else axes
    s = np.linspace(box[0, 0], box[0, 1], resolution)
    t = np.linspace(box[1, 0], box[1, 1], resolution)
    grid = np.stack(np.meshgrid(s, t), axis=-1).reshape(-1, 2)
    ratio = slope_ratio(valley, grid).ratio.reshape(resolution, resolution)
    # A boundary interpolated towards an infinite ratio would be drawn nowhere. Below 1 the least
    # slope is on the region's edge, and no talweg tells how deep a point lies.
    finite = np.ma.masked_invalid(np.minimum(ratio, 1e3 * levels[-1]))
    finite = np.ma.masked_less(finite, 1.0 - 1e-3)
    shades = _shades(len(levels))
    filled = map_.contourf(s, t, finite, [0.0, *levels], colors=shades, alpha=0.55, zorder=2)
    filled.set_rasterized(True)
    map_.contour(s, t, finite, levels, colors="#0072B2", linewidths=0.6, zorder=3)
    from matplotlib.patches import Patch

    handles = [
        Patch(facecolor=shade, alpha=0.55, label=f"slope ratio up to {R:g}")
        for shade, R in zip(shades, levels)
    ]
    map_.add_artist(map_.legend(handles=handles, loc="lower left", fontsize=8))
    return figure


def _draw_widths(curve: Extremal, levels: Sequence[float], axes: Any, title: str | None) -> Any:
    pyplot = load_pyplot()
    if axes is None:
        figure, axes = pyplot.subplots(figsize=(7.0, 4.0), layout="constrained")
    figure = axes.figure
    for R, shade in zip(levels, _shades(len(levels))):
        widths = valley_widths(curve, R)
        for k in range(widths.shape[1]):
            axes.plot(
                curve.arclength,
                widths[:, k],
                color=shade,
                linestyle=("-", "--", ":", "-.")[k % 4],
                label=f"R = {R:g}" if k == 0 else None,
            )
    axes.set_xlabel("arclength")
    axes.set_ylabel("half-width of $V_R$")
    axes.set_ylim(bottom=0.0)
    axes.legend(fontsize=8)
    if title:
        axes.set_title(title)
    return figure
