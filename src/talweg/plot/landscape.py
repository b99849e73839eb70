"""Contours of a function over a rectangle, with levels that show wells and passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from talweg.plot.style import CONTOUR, GROUND

__all__ = ["contour_levels", "draw_landscape"]


def _outward(start: float, stop: float, count: int, first: float) -> np.ndarray:
    """`count` levels after `start` up or down to `stop`, the first `first` away, then wider."""
    reach = abs(stop - start)
    # first = reach / count**p makes the spacing continue smoothly; p >= 1 widens outwards.
    power = 2.0 if first <= 0 else np.log(reach / first) / np.log(count) if count > 1 else 1.0
    power = min(max(power, 1.0), 5.0)
    return start + (stop - start) * (np.arange(1, count + 1) / count) ** power


def contour_levels(
    values: np.ndarray, critical_values: Sequence[float] = (), count: int = 36
) -> np.ndarray:
    """Contour levels that resolve wells and passes and still reach the high ground.

    Between the lowest and the highest critical value the levels are evenly spaced; beyond them
    the spacing grows outwards to the range of the values, of which the most extreme two percent
    at each side are left out.

    Parameters
    ----------
    values : array_like
        Values of the function over the picture; what is not finite is ignored.
    critical_values : sequence of float, optional
        Values at the critical points in the picture.
    count : int, default 36
        About how many levels.

    Returns
    -------
    ndarray
        Ascending levels, at least two.

    Raises
    ------
    ValueError
        If no value is finite.

    Examples
    --------
    >>> import numpy as np
    >>> from talweg.plot import contour_levels
    >>> levels = contour_levels(np.linspace(0.0, 100.0, 1001), [0.0])
    >>> bool(np.all(np.diff(levels, 2) > 0))  # ever wider from the minimum up
    True
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        raise ValueError("values: no value is finite, so there is no level to draw")
    inside = [v for v in critical_values if np.isfinite(v)]
    low, high = np.quantile(finite, [0.02, 0.98])
    if not inside:
        inside = [float(finite.min())]
    bottom, top = min(inside), max(inside)
    low, high = min(low, bottom), max(high, top)
    if not high > low:
        return np.array([low - 0.5, low + 0.5])
    core = np.array([bottom])
    spacing = 0.0
    # Critical values that agree but for rounding are one level, not a clump of them.
    if top - bottom > 1e-9 * (high - low):
        # Half the levels where the critical points are, but no coarser there than linear.
        share = max(0.5, (top - bottom) / (high - low))
        core = np.linspace(bottom, top, max(round(share * count), 4))
        spacing = float(core[1] - core[0])
    rest = max(count - core.size, 4)
    weights = np.sqrt([max(bottom - low, 0.0), max(high - top, 0.0)])
    parts = [core]
    for weight, edge, start in ((weights[0], low, bottom), (weights[1], high, top)):
        reach = abs(edge - start)
        if reach > 0.25 * spacing and reach > 1e-3 * (high - low):
            number = max(round(rest * weight / weights.sum()), 2)
            parts.append(_outward(start, edge, number, spacing))
    return np.unique(np.concatenate(parts))


def draw_landscape(
    axes: Any,
    f: Callable[[np.ndarray], np.ndarray],
    box: np.ndarray,
    critical_values: Sequence[float] = (),
    levels: int | Sequence[float] = 36,
    resolution: int = 240,
) -> None:
    """Filled and line contours of `f`, which takes points (m, 2), over `box` (2, 2)."""
    from matplotlib.colors import LinearSegmentedColormap

    s = np.linspace(box[0, 0], box[0, 1], resolution)
    t = np.linspace(box[1, 0], box[1, 1], resolution)
    grid = np.stack(np.meshgrid(s, t), axis=-1)
    with np.errstate(all="ignore"):
        values = np.asarray(f(grid.reshape(-1, 2)), dtype=float).reshape(resolution, resolution)
    # matplotlib's own outermost levels are +-1e250.
    values = np.ma.masked_invalid(np.clip(values, -1e200, 1e200))
    if values.count() == 0:
        return
    heights = (
        contour_levels(values.compressed(), critical_values, int(levels))
        if isinstance(levels, int | np.integer)
        else np.asarray(levels, dtype=float)
    )
    ground = LinearSegmentedColormap.from_list("talweg_ground", GROUND)
    shades = ground(np.linspace(0, 1, heights.size + 1))
    filled = axes.contourf(s, t, values, heights, colors=shades, extend="both", zorder=0)
    filled.set_edgecolor("face")
    # As shapes the fill would be most of an SVG's size; the lines on top stay shapes.
    filled.set_rasterized(True)
    axes.contour(s, t, values, heights, zorder=1, linestyles="solid", **CONTOUR)
