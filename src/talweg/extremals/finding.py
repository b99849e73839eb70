"""Critical points: where the gradient vanishes."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from talweg import _core
from talweg.extremals.arguments import (
    checked_bounds_of,
    checked_count,
    checked_generator,
    checked_objective,
    checked_starts,
    checked_workers,
    dimension_of,
)
from talweg.extremals.coordinates import Coordinates
from talweg.extremals.degenerate import sharpened
from talweg.extremals.points import CriticalPoint
from talweg.objective import Objective
from talweg.status import Status

__all__ = ["Found", "critical_points", "find"]


class Found(NamedTuple):
    """Critical points with how the search ended and from how many starts."""

    points: list[CriticalPoint]
    status: Status
    starts: int


def critical_points(
    f: Objective | Callable[[Any], Any],
    bounds: Any = None,
    starts: Any = None,
    rng: Any = None,
    *,
    max_starts: int = 4096,
    workers: int | None = None,
) -> list[CriticalPoint]:
    """Find the points where the gradient of `f` vanishes.

    Newton's method, with Levenberg-Marquardt steps on ``|grad f|**2`` where plain steps do not
    reduce it, and a minimisation of `f`, from each of a space-filling set of starts. Sampling goes
    on until the expected number of points not yet found is below one half [1]_, which is an
    estimate and no proof. Minimisations from both sides of each saddle of index one follow. Every
    point is polished until further Newton steps are rounding; duplicates are merged.

    Parameters
    ----------
    f : Objective or callable
        The function; a plain function of one array is recorded first.
    bounds : array_like, shape (n, 2), optional
        Lower and upper bound of each coordinate; only points of this box are returned. Default:
        the objective's own bounds; ``()`` for none.
    starts : array_like, shape (m, n) or (n,), optional
        Start Newton's method from these points, with no minimisations, instead of sampling the
        box.
    rng : int or numpy.random.Generator, optional
        Shifts the space-filling set at random. Default: no shift, the same set at each call.
    max_starts : int, default 4096
        Most starts to sample.
    workers : int, optional
        Number of threads; the result does not depend on it. Default: one for each processor.
        Objectives that call Python functions use one, whatever is said here.

    Returns
    -------
    list of CriticalPoint
        By value, lowest first.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, and when `f` is finite at none of the starts.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the list so far.

    Warns
    -----
    RuntimeWarning
        When the points are not isolated (a whole curve of them, say) and only some are returned.

    References
    ----------
    .. [1] C. G. E. Boender, A. H. G. Rinnooy Kan, Math. Program. 37, 59 (1987).

    Examples
    --------
    >>> import talweg
    >>> double_well = talweg.Objective(lambda x: (x[0]**2 - 1)**2 + x[1]**2, 2)
    >>> for point in talweg.critical_points(double_well, bounds=[(-2, 2), (-1, 1)]):
    ...     print(point.type, point.x.round(6) + 0.0)
    minimum [-1.  0.]
    minimum [1. 0.]
    saddle [0. 0.]
    """
    coordinates = Coordinates(checked_objective(f, dimension_of(bounds, starts)))
    try:
        found = find_in(coordinates, bounds, starts, rng, max_starts, workers)
    except KeyboardInterrupt as interrupt:
        part = getattr(interrupt, "result", Found([], Status.INTERRUPTED, 0))
        points = [coordinates.point_in_x(point) for point in part.points]
        interrupt.result = points  # type: ignore[attr-defined]
        raise
    if found.status == Status.DEGENERATE:
        warnings.warn(
            "critical points are not isolated: the list holds only some of them",
            RuntimeWarning,
            stacklevel=2,
        )
    return [coordinates.point_in_x(point) for point in found.points]


def find_in(
    coordinates: Coordinates,
    bounds: Any,
    starts: Any,
    rng: Any,
    max_starts: int,
    workers: int | None,
) -> Found:
    """The critical points in y of a search in x: a metric does not move them."""
    found = find(coordinates.f, bounds, starts, rng, max_starts, workers)
    if coordinates.f.metric is None or not found.points:
        return found
    again = coordinates.to_y(np.array([point.x for point in found.points]))
    inner = find(coordinates.objective, (), again, None, max_starts, workers)
    return Found(inner.points, found.status, found.starts)


def find(
    f: Objective | Callable[[Any], Any],
    bounds: Any,
    starts: Any,
    rng: Any,
    max_starts: int,
    workers: int | None,
) -> Found:
    """The work of `critical_points`, with a status in place of the warning.

    A KeyboardInterrupt carries what was found as its ``result``.
    """
    f = checked_objective(f, dimension_of(bounds, starts))
    box = checked_bounds_of(f, bounds)
    points = None
    if starts is not None:
        points = checked_starts(starts, f.n)
    elif box is None:
        raise ValueError("bounds: want a box to search, or starts; f has no bounds of its own")
    shift = None if rng is None else checked_generator(rng).random(f.n)
    try:
        found = _core.find_critical_points(
            f._core,
            points,
            None if box is None else box[:, 0].copy(),
            None if box is None else box[:, 1].copy(),
            0.0,
            checked_count(max_starts, "max_starts", 1),
            shift,
            checked_workers(workers),
        )
    except KeyboardInterrupt as interrupt:
        if hasattr(interrupt, "result"):
            interrupt.result = _found(f, interrupt.result, box)
        raise
    if found["non_finite"] == found["starts"]:
        raise ValueError(
            f"f: neither the function nor its derivatives are finite at any of "
            f"{found['starts']} starts"
        )
    return _found(f, found, box)


def _found(f: Objective, found: dict[str, Any], box: np.ndarray | None) -> Found:
    points = [CriticalPoint(**point) for point in found["points"]]
    status = Status(found["status"])
    scale = 1.0 if box is None else float(np.linalg.norm(box[:, 1] - box[:, 0]))
    if status.succeeded:
        points = [sharpened(f, point, scale) if point.degenerate else point for point in points]
    return Found(points, status, found["starts"])
