"""Which critical points a curve joins, and how high it climbs on the way."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from talweg.extremals.results import Event, Extremal, Survey

__all__ = ["Edge", "edges", "graph"]


class Edge(NamedTuple):
    """An arc of a gradient extremal between two critical points that follow each other on it.

    Attributes
    ----------
    start, stop : int
        Indices into ``survey.critical_points``, in the order of the curve.
    extremal : int
        Index into ``survey.extremals``.
    barrier : float
        Highest value of the function on the arc. Along a gradient extremal the function turns
        only at critical points and level folds, so this is exact up to their rounding.
    length : float
        Length of the arc, in the units of x.
    is_talweg : bool
        True when the slope is minimal on its level set along the whole arc.

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> survey = talweg.survey(toy, bounds=[(-3, 3), (-3, 3)])
    >>> survey.edges()[0].barrier
    1.0
    """

    start: int
    stop: int
    extremal: int
    barrier: float
    length: float
    is_talweg: bool


def _match(event: Event, survey: Survey, tolerance: float) -> int | None:
    """Index of the survey's critical point that `event` marks, or None."""
    if not survey.critical_points:
        return None
    distances = [np.linalg.norm(point.x - event.x) for point in survey.critical_points]
    nearest = int(np.argmin(distances))
    allowed = max(tolerance, 10 * (event.error + survey.critical_points[nearest].error))
    return nearest if distances[nearest] <= allowed else None


def _arc(curve: Extremal, first: Event, last: Event, start: int, stop: int, j: int) -> Edge:
    """The arc from `first` on to `last`; on a closed curve it may run through the end."""
    wraps = curve.closed and last.arclength <= first.arclength
    inside = np.arange(len(curve))
    between = [e for e in curve.events if first.arclength < e.arclength < last.arclength]
    if wraps:
        inside = inside[(inside > first.index) | (inside <= last.index)]
        between = [
            e for e in curve.events if e.arclength > first.arclength or e.arclength < last.arclength
        ]
        length = curve.length - first.arclength + last.arclength
    else:
        inside = inside[(inside > first.index) & (inside <= last.index)]
        length = last.arclength - first.arclength
    if inside.size == 0:
        inside = np.array([first.index])
    # Each fold changes the slope index, so two of them between neighbouring points hide a
    # stretch that is no talweg.
    folded = any(e.kind == "level_fold" for e in between)
    heights = [first.fun, last.fun, *(e.fun for e in between), *curve.fun[inside].tolist()]
    return Edge(
        start,
        stop,
        j,
        float(np.nanmax(heights)),
        float(length),
        bool(curve.is_talweg[inside].all()) and not folded,
    )


def edges(survey: Survey, talweg_only: bool = True) -> list[Edge]:
    """Arcs between critical points that follow each other on a curve of `survey`.

    Parameters
    ----------
    survey : Survey
    talweg_only : bool, default True
        Keep only the arcs that are talweg from end to end.

    Returns
    -------
    list of Edge
        In the order of the curves. A closed curve's last arc leads back to its first critical
        point.

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> survey = talweg.survey(toy, bounds=[(-3, 3), (-3, 3)])
    >>> [(edge.start, edge.stop) for edge in survey.edges()]
    [(1, 0), (0, 2)]
    >>> len(survey.edges(talweg_only=False))
    4
    """
    found = []
    extent = max((np.ptp(curve.x, axis=0).max() for curve in survey.extremals), default=0.0)
    tolerance = 1e-6 * extent
    for j, curve in enumerate(survey.extremals):
        met = [
            (event, i)
            for event in curve.events
            if event.kind == "critical_point"
            and (i := _match(event, survey, tolerance)) is not None
        ]
        if curve.closed and len(met) > 1 and met[0][1] == met[-1][1]:
            span = met[-1][0].arclength - met[0][0].arclength
            # A closed curve that starts at a critical point meets it again at its end.
            if span >= curve.length - max(tolerance, 1e-12 * curve.length):
                met.pop()
        pairs = list(itertools.pairwise(met))
        if curve.closed and met:
            pairs.append((met[-1], met[0]))
        for (first, start), (last, stop) in pairs:
            edge = _arc(curve, first, last, start, stop, j)
            if edge.is_talweg or not talweg_only:
                found.append(edge)
    return found


def graph(survey: Survey, talweg_only: bool = True) -> Any:
    """The arcs of `edges` as a networkx.MultiGraph.

    Parameters
    ----------
    survey : Survey
    talweg_only : bool, default True
        Keep only the arcs that are talweg from end to end.

    Returns
    -------
    networkx.MultiGraph
        Nodes are indices into ``survey.critical_points`` with attributes ``x``, ``fun`` and
        ``morse_index``; edges carry ``extremal``, ``barrier``, ``length`` and ``is_talweg``
        (see `Edge`).

    Raises
    ------
    ImportError
        Without networkx.

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> survey = talweg.survey(toy, bounds=[(-3, 3), (-3, 3)])
    >>> sorted(survey.graph().neighbors(0))
    [1, 2]
    """
    try:
        import networkx
    except ImportError as error:
        raise ImportError(
            "survey.graph() needs networkx (pip install networkx); "
            "survey.edges() gives the same arcs without it"
        ) from error
    result = networkx.MultiGraph()
    for i, point in enumerate(survey.critical_points):
        result.add_node(i, x=point.x, fun=point.fun, morse_index=point.morse_index)
    for edge in edges(survey, talweg_only):
        result.add_edge(
            edge.start,
            edge.stop,
            extremal=edge.extremal,
            barrier=edge.barrier,
            length=edge.length,
            is_talweg=edge.is_talweg,
        )
    return result
