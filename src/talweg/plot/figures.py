"""Whole pictures: a survey over its box or in a plane, and single curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from talweg.extremals.results import Event, Extremal, Survey
from talweg.plot.curves import (
    Drawn,
    critical_point_type,
    draw_critical_points,
    draw_markers,
    draw_profile,
    draw_trail,
)
from talweg.plot.landscape import draw_landscape
from talweg.plot.plane import map_plane
from talweg.plot.style import CRITICAL_POINTS, EDGE, EVENTS, LINES, load_pyplot

__all__ = ["draw_extremal", "draw_survey"]

#: More curves than these are too many for a profile of each.
_FEW_CURVES = 6
#: Up to so many critical points carry their number.
_NUMBERED = 24
#: More events than these are not marked unless asked for.
_MANY_EVENTS = 150


def draw_survey(
    survey: Survey,
    axes: Any = None,
    *,
    plane: Sequence[int] | np.ndarray | None = None,
    center: int | np.ndarray = 0,
    profile: bool | None = None,
    events: bool | None = None,
    numbers: bool | None = None,
    levels: int | Sequence[float] = 36,
    resolution: int = 240,
    equal: bool | None = None,
    legend: bool = True,
    title: str | None = None,
) -> Any:
    """Draw a survey: contours, curves coloured by label, critical points and events.

    With two coordinates the picture is the box itself. With more, the curves are projected on a
    plane through a critical point, over contours of the function restricted to that plane, and a
    second panel shows the function along each curve. With one it is the function's graph.

    Parameters
    ----------
    survey : Survey
        What to draw. Without ``survey.f`` the contours are left out.
    axes : matplotlib Axes or pair of them, optional
        Where to draw: the map, and the profile if there is one. Default: a new figure.
    plane : pair of int, or ndarray of shape (n, 2), optional
        Two branches whose eigenvectors at `center` span the plane, counted from 0, or the two
        orthonormal directions themselves. Default for n > 2: the softest and the stiffest of the
        branches surveyed there.
    center : int or ndarray of shape (n,), default 0
        Index of the critical point through which the plane goes, or a point. Only for n > 2 or
        where `plane` is given.
    profile : bool, optional
        Add the panel of the function along arclength, for the curves through `center` where there
        are more than six. Default: only for n > 2.
    events : bool, optional
        Mark events. Default: up to 150 of them.
    numbers : bool, optional
        Write the index into ``survey.critical_points`` beside each. Default: up to 24 of them.
    levels : int or sequence of float, default 36
        About how many contours, or their values.
    resolution : int, default 240
        Grid points a side for the contours.
    equal : bool, optional
        Same scale on both axes. Default: yes unless the survey's box is narrower than 1 : 2.
    legend : bool, default True
        Explain lines and markers beside the map.
    title : str, optional
        Above the map.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If `plane` or `center` does not fit the survey, or there is nothing to draw.

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> survey = talweg.survey(toy, bounds=[(-3, 3), (-3, 3)])
    >>> figure = survey.plot(title="Two saddles")
    >>> [float(limit) for limit in figure.axes[0].get_xlim()]
    [-3.0, 3.0]
    """
    n = survey.n
    empty = not (survey.critical_points or survey.extremals)
    if n is None or (empty and (n > 2 or survey.f is None or survey.bounds is None)):
        raise ValueError("survey: no critical point and no curve, so there is nothing to draw")
    if n == 1:
        return _draw_graph(survey, axes, resolution, title)
    planar = n == 2 and plane is None
    origin, basis, names = map_plane(survey, plane, center)
    if profile is None:
        profile = not planar
    box = _box(survey, origin, basis, planar)
    figure, panels = _panels(axes, profile, box)
    drawn = Drawn()
    map_ = panels[0]
    if survey.f is not None:
        critical = [
            point.fun
            for point in survey.critical_points
            if _within((point.x - origin) @ basis, box)
        ]
        draw_landscape(
            map_, _restricted(survey.f, origin, basis), box, critical, levels, resolution
        )
    for curve in survey.extremals:
        draw_trail(map_, curve, origin, basis, drawn, _line_scale(len(survey.extremals)))
    size = float((box[:, 1] - box[:, 0]).max())
    marks = [(event, (event.x - origin) @ basis) for _, event in survey.events]
    crowd = _marker_scale(len(survey.critical_points))
    if _marked(events, marks):
        draw_markers(map_, marks, drawn, 1e-4 * size, crowd)
    points = []
    for i, point in enumerate(survey.critical_points):
        kind = critical_point_type(point.morse_index, point.branches, point.degenerate)
        points.append((i, kind, (point.x - origin) @ basis))
    if numbers is None:
        numbers = 1 < len(points) <= _NUMBERED or (profile and 0 < len(points) <= _NUMBERED)
    draw_critical_points(map_, points, drawn, crowd, numbers)
    _frame(map_, box, names, equal)
    if title:
        map_.set_title(title)
    if profile:
        _profiles(panels[1], survey, _profiled(survey, center), origin, drawn, events)
    if legend:
        _legend(figure, drawn)
    return figure


def draw_extremal(curve: Extremal, axes: Any = None, **options: Any) -> Any:
    """Draw one curve, with the function along it.

    Parameters
    ----------
    curve : Extremal
        What to draw. Without ``curve.f`` the contours are left out.
    axes : matplotlib Axes or pair of them, optional
        Where to draw: the map, and the profile if there is one. Default: a new figure.
    **options
        As for `draw_survey`; `plane` is then an ndarray of shape (n, 2) and `center` a point.
        With more than two coordinates the default plane is that of the curve's largest extent.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> curve = talweg.trace(toy, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)])
    >>> len(curve.plot().axes) >= 1
    True
    """
    options.setdefault("profile", True)
    if curve.n > 2 and options.get("plane") is None:
        middle = curve.x.mean(axis=0)
        _, _, rows = np.linalg.svd(curve.x - middle, full_matrices=True)
        options["plane"] = rows[:2].T
        options.setdefault("center", middle)
    return draw_survey(Survey((), (curve,), f=curve.f), axes, **options)


def _draw_graph(survey: Survey, axes: Any, resolution: int, title: str | None) -> Any:
    """One coordinate: every point is extremal, and the picture is the graph of the function."""
    figure, (panel, *_) = _panels(axes, False, np.array([[0.0, 1.6], [0.0, 1.0]]))
    drawn = Drawn()
    if survey.f is not None:
        low, high = _box(survey, np.zeros(1), np.eye(1), survey.bounds is not None)[0]
        x = np.linspace(low, high, 4 * resolution)
        with np.errstate(all="ignore"):
            panel.plot(x, survey.f(x[:, None]), color=LINES["talweg"]["edgecolor"])
    points = []
    for i, point in enumerate(survey.critical_points):
        kind = critical_point_type(point.morse_index, 1, point.degenerate)
        points.append((i, kind, np.array([point.x[0], point.fun])))
    draw_critical_points(panel, points, drawn, _marker_scale(len(points)))
    panel.set_xlabel("$x$")
    panel.set_ylabel("$f$")
    if title:
        panel.set_title(title)
    _legend(figure, drawn)
    return figure


def _restricted(
    f: Callable[[np.ndarray], np.ndarray], origin: np.ndarray, basis: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    return lambda points: f(origin + points @ basis.T)


def _box(survey: Survey, origin: np.ndarray, basis: np.ndarray, planar: bool) -> np.ndarray:
    """The rectangle of the map: the survey's own box, or all that is drawn with a margin."""
    if planar and survey.bounds is not None:
        return np.array(survey.bounds)
    parts = [point.x[None] for point in survey.critical_points]
    parts += [curve.x for curve in survey.extremals]
    at = (np.concatenate(parts) - origin) @ basis
    at = at[np.isfinite(at).all(axis=1)]
    low, high = at.min(axis=0), at.max(axis=0)
    span = high - low
    widest = span.max() if span.max() > 0 else 1.0
    # A curve along one axis still needs some ground on either side of it, at the same scale.
    margin = np.maximum(0.08 * span, (0.75 * widest - span) / 2)
    return np.column_stack([low - margin, high + margin])


def _within(at: np.ndarray, box: np.ndarray) -> bool:
    return bool(((at >= box[:, 0]) & (at <= box[:, 1])).all())


def _panels(axes: Any, profile: bool, box: np.ndarray) -> tuple[Any, list[Any]]:
    if axes is not None:
        panels = list(np.atleast_1d(axes).ravel())
        if len(panels) < 1 + profile:
            raise ValueError(f"axes: {len(panels)}, wanted {1 + profile}: map and profile")
        return panels[0].figure, panels
    pyplot = load_pyplot()
    if profile:
        figure, panels = pyplot.subplots(
            1, 2, figsize=(11.0, 5.2), width_ratios=[1.25, 1], layout="constrained"
        )
        return figure, list(panels)
    width, height = box[:, 1] - box[:, 0]
    # The room a map with equal scales takes, with its legend below; within what a page bears.
    map_height = float(np.clip(6.2 * height / width, 3.0, 7.5))
    map_width = float(np.clip(map_height * width / height, 4.8, 6.2))
    figure, panel = pyplot.subplots(
        figsize=(map_width + 0.9, map_height + 1.1), layout="constrained"
    )
    return figure, [panel]


def _frame(axes: Any, box: np.ndarray, names: tuple[str, str], equal: bool | None) -> None:
    axes.set_xlim(*box[0])
    axes.set_ylim(*box[1])
    axes.set_xlabel(names[0])
    axes.set_ylabel(names[1])
    span = box[:, 1] - box[:, 0]
    if equal is None:
        equal = span.max() <= 2 * span.min()
    if equal:
        axes.set_aspect("equal")


def _profiled(survey: Survey, center: Any) -> list[Extremal]:
    """The curves whose profile is drawn: all, or where those are many the ones through `center`."""
    if len(survey.extremals) <= _FEW_CURVES or not isinstance(center, int | np.integer):
        return list(survey.extremals)
    through = {j for (i, _, _), j in survey.half_branches.items() if i == center}
    return [survey.extremals[j] for j in sorted(through)] or list(survey.extremals)


def _profiles(
    axes: Any,
    survey: Survey,
    curves: list[Extremal],
    origin: np.ndarray,
    drawn: Drawn,
    events: bool | None,
) -> None:
    """The function along each curve, counted from where the curve passes `origin` if it does."""
    marks: list[tuple[Event, np.ndarray]] = []
    points: list[tuple[int, str, np.ndarray]] = []
    scale = _line_scale(len(curves))
    for curve in curves:
        size = max(curve.length, 1e-300)
        met = [event for event in curve.events if event.kind == "critical_point"]
        near = [e.arclength for e in met if np.linalg.norm(e.x - origin) <= 1e-6 * size]
        zero = near[0] if near else 0.0
        draw_profile(axes, curve, zero, drawn, scale)
        marks += [(e, np.array([e.arclength - zero, e.fun])) for e in curve.events]
        for event in met:
            number, kind = _critical_point_of(survey, event)
            points.append((number, kind, np.array([event.arclength - zero, event.fun])))
    longest = max((curve.length for curve in curves), default=1.0)
    numbers = 0 < len(survey.critical_points) <= _NUMBERED and len(points) <= 2 * _NUMBERED
    crowd = _marker_scale(len(points))
    if _marked(events, marks):
        draw_markers(axes, marks, drawn, 1e-9 * max(longest, 1e-300), crowd)
    draw_critical_points(axes, points, drawn, crowd, numbers)
    axes.autoscale_view()
    axes.set_xlabel("arclength")
    of_some = len(curves) < len(survey.extremals)
    axes.set_ylabel("$f$ along the curves through the origin" if of_some else "$f$ along the curve")
    axes.grid(linewidth=0.4, alpha=0.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _critical_point_of(survey: Survey, event: Event) -> tuple[int, str]:
    """Number and type of the critical point that an event marks."""
    if not survey.critical_points:
        return 0, critical_point_type(event.morse_index or 0, event.x.size)
    distances = [np.linalg.norm(point.x - event.x) for point in survey.critical_points]
    number = int(np.argmin(distances))
    point = survey.critical_points[number]
    return number, critical_point_type(point.morse_index, point.branches, point.degenerate)


def _marked(events: bool | None, marks: list[tuple[Event, np.ndarray]]) -> bool:
    """Whether to mark events: as asked, else unless they would hide the curves."""
    if events is not None:
        return events
    return sum(event.kind in EVENTS for event, _ in marks) <= _MANY_EVENTS


def _marker_scale(count: int) -> float:
    return float(np.clip(np.sqrt(50 / max(count, 1)), 0.4, 1.0))


def _line_scale(curves: int) -> float:
    return float(np.clip(np.sqrt(16 / max(curves, 1)), 0.4, 1.0))


def _legend(figure: Any, drawn: Drawn) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for label, line in LINES.items():
        if any(label == d or (label == "mixed" and d.startswith("mixed")) for d in drawn.labels):
            text = _mixed(drawn.labels) if label == "mixed" else label
            handles.append(
                Line2D(
                    [],
                    [],
                    color=line["edgecolor"],
                    linewidth=line["linewidth"],
                    linestyle=line.get("linestyle", "solid"),
                    label=text,
                )
            )
    for kind, marker in CRITICAL_POINTS.items():
        if kind in drawn.critical_points:
            handles.append(Line2D([], [], **{**EDGE, **marker}, label=kind))
    for kind, (name, marker) in EVENTS.items():
        if kind in drawn.events:
            handles.append(Line2D([], [], **{**EDGE, "markeredgewidth": 0.6, **marker}, label=name))
    if handles:
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=min(5, len(handles)),
            frameon=False,
            fontsize="small",
        )


def _mixed(labels: set[str]) -> str:
    """One word for all mixed labels of a picture, with their indices."""
    indices = sorted(int(label.rsplit(" ", 1)[1]) for label in labels if label.startswith("mixed"))
    if len(indices) == 1:
        return f"mixed, index {indices[0]}"
    if len(indices) > 3:
        return f"mixed, indices {indices[0]} to {indices[-1]}"
    return f"mixed, indices {', '.join(map(str, indices))}"
