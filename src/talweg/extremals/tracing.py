"""One gradient extremal, followed from a point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from talweg import _core
from talweg.extremals.assembly import Arc, join, reverse, truncate
from talweg.extremals.messages import both_ends, talweg_end
from talweg.extremals.results import Extremal
from talweg.extremals.setting import Setting
from talweg.objective import Objective
from talweg.status import Status

__all__ = ["ExtremalTracer", "trace", "trace_talweg"]


def trace(
    f: Objective | Callable[[Any], Any],
    x0: Any,
    branch: int = 0,
    direction: Any = +1,
    bounds: Any = None,
    *,
    max_step: float | None = None,
    max_points: int = 10_000,
    max_length: float | None = None,
    initial_step: float | None = None,
    near_branch_distance: float | None = None,
    tolerance: float = 1e-12,
) -> Extremal:
    """Trace the gradient extremal that leaves a point.

    Pseudo-arclength continuation of ``H g = lambda g``, written so that critical points are
    regular points of the curve (see the theory page of the documentation). The curve is followed
    through critical points, folds and branch points; every event is located to rounding. It ends
    at the box, where it closes, or after `max_points` or `max_length`, and `status` says which.

    Parameters
    ----------
    f : Objective or callable
        The function; a plain function of one array is recorded first.
    x0 : array_like, shape (n,), or CriticalPoint
        Where to start: a critical point, or any other point, which is first corrected onto the
        nearest gradient extremal of that branch.
    branch : int, default 0
        Which eigenvector of the Hessian at x0 the gradient follows: 0 is the softest (smallest
        eigenvalue), -1 the stiffest.
    direction : {+1, -1} or array_like, shape (n,)
        Which way to leave: along the eigenvector, whose component of largest modulus is made
        positive, against it, or on the side of a vector. At a critical point where the eigenvalue
        is repeated, a vector chooses the direction in its eigenspace; +1 and -1 take the first
        line that the third derivatives allow.
    bounds : array_like, shape (n, 2), optional
        The box to stay in. Default: the objective's own bounds; ``()`` for none.
    max_step : float, optional
        Longest step, in arclength, units of x. Default: half a percent of the box's diagonal,
        without a box two percent of the larger of 1 and ``max |x0|``. Curvature shortens steps;
        the curve does not depend on it, only how finely it is sampled.
    max_points : int, default 10000
        Stop after so many points.
    max_length : float, optional
        Stop at this arclength.
    initial_step : float, optional
        First step. Default: a tenth of `max_step`.
    near_branch_distance : float, optional
        Avoided crossings up to this half-gap are reported as events, where the curve bends past
        them with a radius of at most twice this distance. Default: one percent of the box's
        diagonal, without a box `max_step`.
    tolerance : float, default 1e-12
        Relative residual at which a point is accepted.

    Returns
    -------
    Extremal
        The curve. Trouble on the way is a status, and what was traced before is kept.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the curve so far.

    References
    ----------
    Hoffman, Nord, Ruedenberg, Theor. Chim. Acta 69, 265 (1986); the equations that are solved are
    in the theory page of the documentation.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> curve = talweg.trace(f, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)])
    >>> [(event.kind, event.x.round(6).tolist()) for event in curve.events]  # doctest: +ELLIPSIS
    [('inflection', [1.059767, -0.438447]), ('critical_point', [2.0, -1.0]), ('boundary', ...)]
    >>> bool(curve.is_talweg.all())
    True
    """
    setting = Setting(
        f,
        x0,
        bounds,
        max_step,
        max_points,
        max_length,
        initial_step,
        near_branch_distance,
        tolerance,
    )
    start = setting.start(branch, direction)
    status = Status(start["status"])
    if not status.succeeded:
        return setting.nothing(status)
    try:
        (arc,) = _core.trace_extremals(setting.core, [start], setting.options)
    except KeyboardInterrupt as interrupt:
        _keep(interrupt, setting, lambda arcs: setting.result(arcs[0]))
        raise
    return setting.result(arc)


def _keep(
    interrupt: KeyboardInterrupt, setting: Setting, made: Callable[[list[Arc]], Extremal]
) -> None:
    """Puts what was traced into the exception, as its ``result``."""
    arcs = getattr(interrupt, "result", [])
    empty = not arcs or any(len(arc["arclength"]) == 0 for arc in arcs)
    result = setting.nothing(Status.INTERRUPTED) if empty else made(arcs)
    interrupt.result = result  # type: ignore[attr-defined]


def trace_talweg(
    f: Objective | Callable[[Any], Any],
    x0: Any,
    branch: int = 0,
    bounds: Any = None,
    **options: Any,
) -> Extremal:
    """Trace the talweg through a point, both ways, as far as it is one.

    Follows branch `branch` from `x0` in both directions and cuts each half where the slope stops
    being minimal on its level set: at a level fold or a branch point.

    Parameters
    ----------
    f, x0, bounds
        As in `trace`.
    branch : int, default 0
        The branch; 0 is the talweg of a minimum. At a saddle of index k, branches k - 1 and k
        are talwegs.
    **options
        Keyword arguments of `trace`; limits hold for each half.

    Returns
    -------
    Extremal
        One curve with x0 inside; its first point is the end of the negative direction. Where x0
        itself is on no talweg the curve is that single point, with a message that says so.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the curve so far.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)]).x[[0, -1], 0].round(9)
    array([-3.,  3.])
    """
    given: dict[str, Any] = {"max_step": None, "max_points": 10_000, "max_length": None}
    given |= {"initial_step": None}
    given |= {"near_branch_distance": None, "tolerance": 1e-12}
    unknown = set(options) - set(given)
    if unknown:
        raise TypeError(f"trace_talweg: unknown options {', '.join(sorted(unknown))}")
    setting = Setting(f, x0, bounds, **(given | options))
    starts = [setting.start(branch, sign) for sign in (-1, +1)]
    for start in starts:
        if not Status(start["status"]).succeeded:
            return setting.nothing(Status(start["status"]))
    try:
        arcs = _core.trace_extremals(setting.core, starts, setting.options)
    except KeyboardInterrupt as interrupt:
        _keep(interrupt, setting, lambda arcs: _talweg(setting, arcs))
        raise
    return _talweg(setting, arcs)


def _talweg(setting: Setting, arcs: list[Arc]) -> Extremal:
    """The two halves, each as far as it is a talweg, as one curve."""
    for arc in arcs:
        if len(arc["arclength"]) == 0:
            return setting.nothing(Status(arc["status"]))
    cuts = [_as_far_as_talweg(arc, setting) for arc in arcs]
    halves = [half for half, _ in cuts]
    statuses = [Status(half["status"]) for half in halves]
    if any(half["slope_index"][0] != 0 for half in halves):
        (single,) = [{k: v[:1] if isinstance(v, np.ndarray) else v for k, v in arcs[1].items()}]
        single["events"] = []
        message = "The start is on no talweg: the slope is not minimal on its level set there."
        return setting.result(single, message=message, status=Status.CONVERGED)
    if halves[1]["closed"]:
        return setting.result(halves[1])
    return setting.result(
        join([reverse(halves[0]), halves[1]]),
        status=statuses[1],
        start_status=statuses[0],
        message=both_ends(*(message for _, message in cuts)),
    )


def _as_far_as_talweg(arc: Arc, setting: Setting) -> tuple[Arc, str]:
    """The arc up to where it stops being a talweg, and why it ends."""
    whole = Status(arc["status"]).describe()
    beyond = np.flatnonzero(arc["slope_index"] != 0)
    if beyond.size == 0 or beyond[0] == 0:
        return arc, whole
    ends = [
        event
        for event in arc["events"]
        if event["kind"] in ("level_fold", "branch_point")
        and event["index"] in (beyond[0] - 1, beyond[0])
    ]
    if not ends:
        return arc, whole
    cut = truncate(arc, ends[0])
    cut["status"] = int(Status.CONVERGED)
    cut["closed"] = False
    return cut, talweg_end(setting.coordinates.event_in_x(ends[0]))


class ExtremalTracer:
    """One gradient extremal, point by point.

    Iterate to take one step after the other, look, and stop when you like; `extremal` gives what
    has been traced so far.

    Parameters
    ----------
    f, x0, branch, direction, bounds, **options
        As in `trace`.

    Yields
    ------
    dict
        For each new point its ``x`` (ndarray, shape (n,)), ``fun``, ``sigma`` (signed slope),
        ``eigenvalue``, ``arclength`` (units of x) and ``slope_index``.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments. A start that leads nowhere yields no point; the status of
        ``extremal()`` says why.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> tracer = talweg.ExtremalTracer(f, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)])
    >>> for point in tracer:
    ...     if point["fun"] > 0.5:
    ...         break
    >>> bool(tracer.extremal().fun[-1] > 0.5)
    True
    """

    def __init__(
        self,
        f: Objective | Callable[[Any], Any],
        x0: Any,
        branch: int = 0,
        direction: Any = +1,
        bounds: Any = None,
        *,
        max_step: float | None = None,
        max_points: int = 10_000,
        max_length: float | None = None,
        initial_step: float | None = None,
        near_branch_distance: float | None = None,
        tolerance: float = 1e-12,
    ) -> None:
        self._setting = Setting(
            f,
            x0,
            bounds,
            max_step,
            max_points,
            max_length,
            initial_step,
            near_branch_distance,
            tolerance,
        )
        start = self._setting.start(branch, direction)
        self._failed = Status(start["status"])
        self._core = None
        if self._failed.succeeded:
            self._core = _core.SteppedTracer(self._setting.core, start, self._setting.options)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        """The next point: x, fun, sigma, eigenvalue, arclength, slope_index."""
        if self._core is None or not self._core.advance():
            raise StopIteration
        latest = self._core.latest()
        latest["x"] = self._setting.coordinates.to_x(latest["x"])
        return latest

    def extremal(self) -> Extremal:
        """The curve as far as it has been traced; its status is RUNNING while it can go on."""
        if self._core is None:
            return self._setting.nothing(self._failed)
        if self._core.points == 0:
            return self._setting.nothing(Status(self._core.curve()["status"]))
        return self._setting.result(self._core.curve())
