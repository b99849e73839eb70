"""All gradient extremals through the critical points of a function, each once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from talweg.extremals.arguments import (
    checked_bounds_of,
    checked_count,
    checked_objective,
    checked_starts,
    checked_workers,
    dimension_of,
)
from talweg.extremals.coordinates import Coordinates
from talweg.extremals.finding import Found, find_in
from talweg.extremals.messages import no_critical_point, notes, survey_message
from talweg.extremals.network import Network
from talweg.extremals.orbits import has_motions
from talweg.extremals.results import Survey
from talweg.extremals.setting import BOX_OPTIONS, tracer_options
from talweg.objective import Objective
from talweg.status import Status

__all__ = ["survey"]


def survey(
    f: Objective | Callable[[Any], Any],
    bounds: Any = None,
    starts: Any = None,
    branches: Any = "all",
    max_length: float | None = None,
    max_step: float | None = None,
    max_points: int = 20_000,
    rng: Any = None,
    workers: int | None = None,
    progress: bool = False,
    *,
    near_branch_distance: float | None = None,
    tolerance: float = 1e-12,
    max_starts: int = 4096,
) -> Survey:
    """Find the critical points of `f` and trace every gradient extremal through them.

    Curves are traced arc by arc, from critical point or branch point to the next, many arcs side
    by side. An arc between two of them is traced from both ends, and the two must agree; where
    they do not, both are traced again with shorter steps. At branch points the crossing curve is
    followed too. Critical points met on the way are added. The result does not depend on the
    number of threads or on the run.

    Parameters
    ----------
    f : Objective or callable
        The function; a plain function of one array is recorded first.
    bounds : array_like, shape (n, 2), optional
        The box to search and to stay in. Default: the objective's own bounds; ``()`` for none.
    starts : array_like, shape (m, n) or (n,), optional
        Start Newton's method for critical points from here instead of sampling the box, where n
        is too large for a box or one region is of interest.
    branches : "all" or sequence of int, default "all"
        Branches to trace from each critical point: 0 the softest, -1 the stiffest.
    max_length : float, optional
        Longest arclength to follow a curve from the critical point it starts at, units of x.
        Required where there is no box.
    max_step : float, optional
        As in `trace`.
    max_points : int, default 20000
        Most points of one arc.
    rng : int or numpy.random.Generator, optional
        As in `critical_points`.
    workers : int, optional
        Number of threads. Default: one for each processor.
        Objectives that call Python functions use one, whatever is said here.
    progress : bool, default False
        Show progress (with tqdm where it is installed).
    near_branch_distance, tolerance
        As in `trace`.
    max_starts
        As in `critical_points`.

    Returns
    -------
    Survey
        Critical points, curves and events; trouble is a status and loses nothing. A survey that
        finds no critical point has ``success`` False, with the status ``NOT_CONVERGED``.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` holds what was done.

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> result = talweg.survey(toy, bounds=[(-3, 3), (-3, 3)])
    >>> [point.type for point in result.critical_points]
    ['minimum', 'saddle', 'saddle']
    >>> len(result.extremals), len(result.half_branches)
    (3, 12)
    >>> sorted(sorted((edge.start, edge.stop)) for edge in result.edges())
    [[0, 1], [0, 2]]
    """
    objective = checked_objective(f, dimension_of(bounds, starts))
    box = checked_bounds_of(objective, bounds)
    if box is None and starts is None:
        raise ValueError("bounds: want a box to survey, or starts; f has no bounds of its own")
    if box is None and max_length is None:
        raise ValueError("max_length: want the arclength to stop at where there are no bounds")
    chosen = _checked_branches(branches, objective.n, has_motions(objective))
    origin = np.zeros(objective.n) if starts is None else checked_starts(starts, objective.n)[0]
    coordinates = Coordinates(objective)
    options = tracer_options(
        coordinates,
        box,
        origin,
        max_step,
        max_points,
        max_length,
        None,
        near_branch_distance,
        tolerance,
    )
    network = Network(
        coordinates.objective,
        options,
        chosen,
        workers=checked_workers(workers),
        max_length=options.pop("max_length", None),
        progress=progress,
    )
    parameters = {k: v for k, v in options.items() if k not in BOX_OPTIONS}
    parameters |= {"max_length": max_length, "branches": list(chosen), "max_starts": max_starts}
    interrupt = None
    status = Status.CONVERGED
    try:
        found = find_in(
            coordinates, box if box is not None else (), starts, rng, max_starts, workers
        )
        status = found.status
        if status == Status.DEGENERATE:
            network.notes.append("Critical points are not isolated: only some of them are listed.")
        for point in found.points:
            isolated = status != Status.DEGENERATE or not point.degenerate
            network.add_critical_point(point, isolated)
        if not found.points and status.succeeded:
            status = Status.NOT_CONVERGED
            network.notes.append(no_critical_point(found.starts, starts is None))
        network.trace()
    except KeyboardInterrupt as caught:
        interrupt = caught
        if not network.critical_points:
            for point in getattr(caught, "result", Found([], status, 0)).points:
                network.add_critical_point(point, isolated=False)
    joined = network.joined(interrupted=interrupt is not None)
    of_curves = [curve.status for curve in joined.curves]
    if interrupt is not None:
        status = Status.INTERRUPTED
    elif status.succeeded:
        statuses = [*of_curves, *(trouble for _, _, trouble in joined.not_started)]
        first = Status.ISOTROPIC if network.isotropic else Status.CONVERGED
        status = next((s for s in (first, *statuses) if not s.succeeded), Status.CONVERGED)
    message = survey_message(
        status,
        network.notes,
        [s for s in of_curves if s != Status.INTERRUPTED],
        [half for half in joined.not_started if half[2] != Status.INTERRUPTED],
    )
    result = Survey(
        critical_points=[coordinates.point_in_x(point) for point in network.critical_points],
        extremals=[coordinates.curve_in_x(curve) for curve in joined.curves],
        half_branches=joined.half_branches,
        f=objective,
        bounds=box,
        status=status,
        message=" ".join(filter(None, [message, notes(objective)])),
        parameters=parameters,
    )
    if interrupt is not None:
        interrupt.result = result  # type: ignore[attr-defined]
        raise interrupt
    return result


def _checked_branches(branches: Any, n: int, motions: bool) -> list[int]:
    # Rigid motions are no branches: how many there are depends on the critical point.
    if isinstance(branches, str):
        if branches != "all":
            raise ValueError(f'branches: want "all" or branch numbers, got {branches!r}')
        return list(range(n))
    chosen = []
    for branch in np.atleast_1d(np.asarray(branches)).tolist():
        checked_count(branch, "branches", -n)
        if branch >= n:
            raise ValueError(f"branches: want -{n} to {n - 1} for n = {n}, got {branch}")
        chosen.append(branch if motions else branch % n)
    if not chosen:
        raise ValueError("branches: want at least one")
    return sorted(set(chosen))
