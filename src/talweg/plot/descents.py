"""Pictures of many descents: paths over level lines, and the function along them."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.plot.basins import COLOURS
from talweg.plot.landscape import draw_landscape
from talweg.plot.style import CRITICAL_POINTS, EDGE, load_pyplot
from talweg.reports.descent_result import DescentReport

__all__ = ["draw_descents"]

#: More paths than these hide one another.
_MOST_PATHS = 150
#: So few are drawn with lines that show without any others beside them.
_FEW_PATHS = 30
#: Descents that came to no minimum.
_LOST = "#444444"


def draw_descents(report: DescentReport, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw many descents: see `talweg.reports.DescentReport.plot`."""
    pyplot = load_pyplot()
    if axes is None:
        figure, axes = pyplot.subplots(
            1, 2, figsize=(11.0, 5.0), width_ratios=[1.15, 1], layout="constrained"
        )
    map_, profile = np.ravel(axes)[:2]
    figure = map_.figure
    if report.n == 1:
        _draw_line(map_, report)
    else:
        _draw_map(map_, report)
    _draw_profile(profile, report)
    _legend(figure, report)
    if title:
        figure.suptitle(title)
    return figure


def _colour(minimum: int) -> str:
    return _LOST if minimum < 0 else COLOURS[minimum % len(COLOURS)]


def _shown(report: DescentReport) -> Any:
    return range(0, len(report.starts), -(-len(report.starts) // _MOST_PATHS))


def _width(report: DescentReport) -> float:
    return 1.4 if len(_shown(report)) <= _FEW_PATHS else 0.7


def _plane(report: DescentReport) -> tuple[Any, Any, tuple[str, str]]:
    if report.n == 2:
        return np.zeros(2), np.eye(2), ("$x_1$", "$x_2$")
    if report.minima:
        lowest = report.minima[0]
        names = ("along eigenvector 0 of minimum 0", "along eigenvector 1 of minimum 0")
        return lowest.x, np.asarray(lowest.eigenvectors[:, :2]), names
    return report.starts.mean(axis=0), np.eye(report.n)[:, :2], ("$x_1$", "$x_2$")


def _draw_map(axes: Any, report: DescentReport) -> None:
    origin, basis, names = _plane(report)
    minima = [(p.x - origin) @ basis for p in report.minima]
    box = report.bounds if report.n == 2 else None
    if box is None:
        at = np.concatenate([(report.starts - origin) @ basis, *([m] for m in minima)])
        low, high = np.quantile(at, [0.0, 1.0], axis=0)
        margin = 0.05 * np.maximum(high - low, 0.2 * (high - low).max() + 1e-12)
        box = np.column_stack([low - margin, high + margin])
    if report.f is not None:
        values = [p.fun for p in report.minima]
        draw_landscape(axes, lambda x: report.f(origin + x @ basis.T), box, values, 30)
    for lane in _shown(report):
        points = (report.path[:, lane] - origin) @ basis
        end = (report.x[lane] - origin) @ basis
        points = np.vstack([points[np.isfinite(points).all(axis=1)], end])
        style = {"linewidth": _width(report), "alpha": 0.85, "zorder": 3}
        axes.plot(*points.T, color=_colour(int(report.minimum[lane])), **style)
        axes.plot(*points[0], ".", color="#333333", markersize=2.0, zorder=3.5)
    for i, place in enumerate(minima):
        axes.plot(*place, zorder=6, **CRITICAL_POINTS["minimum"], **EDGE)
        _number(axes, i, place)
    axes.set_xlim(*box[0])
    axes.set_ylim(*box[1])
    span = box[:, 1] - box[:, 0]
    if span.max() <= 2.0 * span.min():
        axes.set_aspect("equal")
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])


def _number(axes: Any, i: int, place: Any) -> None:
    from matplotlib.patheffects import withStroke

    halo = [withStroke(linewidth=2.0, foreground="white")]
    style = {"xytext": (6, 5), "textcoords": "offset points", "fontsize": 8.0, "zorder": 7}
    axes.annotate(str(i), place, annotation_clip=True, path_effects=halo, **style)


def _draw_line(axes: Any, report: DescentReport) -> None:
    """One coordinate: the graph of the function, and where each start lies on it."""
    at = np.concatenate([report.starts[:, 0], *([p.x[0]] for p in report.minima)])
    low, high = (at.min(), at.max()) if report.bounds is None else report.bounds[0]
    x = np.linspace(low, high, 800)
    if report.f is not None:
        with np.errstate(all="ignore"):
            axes.plot(x, report.f(x[:, None]), color="#6b7780", linewidth=1.0)
            heights = report.f(report.starts)
        colours = [_colour(int(i)) for i in report.minimum]
        axes.scatter(report.starts[:, 0], heights, c=colours, s=9, zorder=3)
    for i, point in enumerate(report.minima):
        place = (point.x[0], point.fun)
        axes.plot(*place, zorder=6, **CRITICAL_POINTS["minimum"], **EDGE)
        _number(axes, i, place)
    axes.set_xlabel("$x$")
    axes.set_ylabel("$f$")


def _draw_profile(axes: Any, report: DescentReport) -> None:
    """Height above the minimum that was reached, against steps or time."""
    # Rounding of f would fill the lower half of the picture.
    scale = max((abs(p.fun) for p in report.minima), default=0.0)
    finite = report.path_fun[np.isfinite(report.path_fun)]
    largest = float(np.quantile(finite, 0.99)) if finite.size else 1.0
    lowest = min((p.fun for p in report.minima), default=0.0)
    floor = max(1e-14 * max(scale, 1e-2 * abs(largest)), 1e-300)
    drawn = False
    for lane in _shown(report):
        minimum = int(report.minimum[lane])
        if minimum < 0 and report.minima and report.status[lane] >= 100:
            continue
        zero = report.minima[minimum].fun if minimum >= 0 else lowest
        height = report.path_fun[:, lane] - zero
        height = np.where(height > floor, height, np.nan)
        if np.isfinite(height).sum() > 1:
            style = {"linewidth": _width(report), "alpha": 0.7}
            axes.plot(report.path_at, height, color=_colour(minimum), **style)
            drawn = True
    if drawn:
        axes.set_yscale("log")
    else:
        axes.text(
            0.5,
            0.5,
            "No descent stayed above a minimum:\nnothing to draw on a logarithmic scale.",
            ha="center",
            va="center",
            color="#555555",
            transform=axes.transAxes,
        )
        axes.set_xticks([])
        axes.set_yticks([])
    axes.set_xlabel("time" if report.time else "steps")
    axes.set_ylabel("$f$ above the minimum reached")
    axes.grid(linewidth=0.4, alpha=0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _legend(figure: Any, report: DescentReport) -> None:
    from matplotlib.lines import Line2D

    counts = [(i, int((report.minimum == i).sum())) for i in [*range(len(report.minima)), -1]]
    counts = [(i, count) for i, count in counts if count][:10]
    handles = [
        Line2D([], [], color=_colour(i), label=f"{'no minimum' if i < 0 else f'minimum {i}'}: {k}")
        for i, k in counts
    ]
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(5, max(len(handles), 1)),
        frameon=False,
        fontsize="small",
    )
