"""One gradient extremal, followed from a point."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from talweg import _core
from talweg.extremals.arguments import (
    checked_bounds_of,
    checked_count,
    checked_objective,
    checked_point,
    checked_positive,
    default_max_step,
    dimension_of,
)
from talweg.extremals.assembly import Arc, join, reverse, to_extremal, truncate
from talweg.extremals.lines import extremal_lines
from talweg.extremals.results import Extremal
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
    setting = _Setting(
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
    (arc,) = _core.trace_extremals(setting.f._core, [start], setting.options)
    return setting.result(arc)


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
    setting = _Setting(f, x0, bounds, **(given | options))
    starts = [setting.start(branch, sign) for sign in (-1, +1)]
    for start in starts:
        if not Status(start["status"]).succeeded:
            return setting.nothing(Status(start["status"]))
    arcs = _core.trace_extremals(setting.f._core, starts, setting.options)
    for arc in arcs:
        if len(arc["arclength"]) == 0:
            return setting.nothing(Status(arc["status"]))
    halves = [_as_far_as_talweg(arc) for arc in arcs]
    statuses = [Status(half["status"]) for half in halves]
    if any(half["slope_index"][0] != 0 for half in halves):
        (single,) = [{k: v[:1] if isinstance(v, np.ndarray) else v for k, v in arcs[1].items()}]
        single["events"] = []
        message = "The start is on no talweg: the slope is not minimal on its level set there."
        return setting.result(single, message=message, status=Status.CONVERGED)
    if halves[1]["closed"]:
        return setting.result(halves[1])
    return setting.result(
        join([reverse(halves[0]), halves[1]]), status=statuses[1], start_status=statuses[0]
    )


def _as_far_as_talweg(arc: Arc) -> Arc:
    beyond = np.flatnonzero(arc["slope_index"] != 0)
    if beyond.size == 0 or beyond[0] == 0:
        return arc
    ends = [
        event
        for event in arc["events"]
        if event["kind"] in ("level_fold", "branch_point")
        and event["index"] in (beyond[0] - 1, beyond[0])
    ]
    if not ends:
        return arc
    cut = truncate(arc, ends[0])
    cut["status"] = int(Status.CONVERGED)
    cut["closed"] = False
    return cut


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
        self._setting = _Setting(
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
            self._core = _core.SteppedTracer(self._setting.f._core, start, self._setting.options)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self

    def __next__(self) -> dict[str, Any]:
        """The next point: x, fun, sigma, eigenvalue, arclength, slope_index."""
        if self._core is None or not self._core.advance():
            raise StopIteration
        return self._core.latest()

    def extremal(self) -> Extremal:
        """The curve as far as it has been traced; its status is RUNNING while it can go on."""
        if self._core is None:
            return self._setting.nothing(self._failed)
        if self._core.points == 0:
            return self._setting.nothing(Status(self._core.curve()["status"]))
        return self._setting.result(self._core.curve())


class _Setting:
    """Checked arguments of one trace, and the results made from them."""

    def __init__(
        self,
        f: Any,
        x0: Any,
        bounds: Any,
        max_step: float | None,
        max_points: int,
        max_length: float | None,
        initial_step: float | None,
        near_branch_distance: float | None,
        tolerance: float,
    ) -> None:
        x0 = getattr(x0, "x", x0)
        self.f = checked_objective(f, dimension_of(None, x0))
        self.x0 = checked_point(x0, self.f.n, "x0")
        self.bounds = checked_bounds_of(self.f, bounds)
        if self.bounds is not None and (
            (self.x0 < self.bounds[:, 0]).any() or (self.x0 > self.bounds[:, 1]).any()
        ):
            raise ValueError(
                f"x0: {self.x0.tolist()} lies outside the bounds {self.bounds.tolist()}"
            )
        self.options = tracer_options(
            self.bounds,
            self.x0,
            max_step,
            max_points,
            max_length,
            initial_step,
            near_branch_distance,
            tolerance,
        )

    def start(self, branch: int, direction: Any) -> dict[str, Any]:
        n = self.f.n
        if isinstance(branch, (bool, np.bool_)) or not isinstance(branch, (int, np.integer)):
            raise TypeError(f"branch: want a whole number, got {branch!r}")
        if not -n <= branch < n:
            raise ValueError(f"branch: want -{n} to {n - 1} for n = {n}, got {branch}")
        vector = None
        sign = 1
        if np.ndim(direction) == 0 and not isinstance(direction, str):
            if direction not in (1, -1):
                raise ValueError(f"direction: want +1, -1 or a vector, got {direction!r}")
            sign = int(direction)
        else:
            vector = checked_point(direction, n, "direction")
            if not vector.any():
                raise ValueError("direction: want a vector that is not zero")
        core = self.f._core
        start = _core.start_extremal(core, self.x0, branch % n, sign, vector, self.options)
        if start["status"] == Status.ISOTROPIC:
            lines = extremal_lines(self.f, self.x0, branch % n, self.options["max_step"])
            if lines:
                start = _core.start_extremal(
                    core, self.x0, branch % n, 1, sign * lines[0], self.options
                )
        return start

    def nothing(self, status: Status) -> Extremal:
        """A curve of the start alone, where none could be started."""
        n = self.f.n
        zero = np.zeros((1, n))
        return Extremal(
            x=self.x0[None],
            fun=np.array([self.f(self.x0)]),
            sigma=np.array([np.linalg.norm(self.f.grad(self.x0))]),
            eigenvalue=np.array([np.nan]),
            tangent=zero,
            eigenvector=zero,
            arclength=np.zeros(1),
            slope_index=np.zeros(1, dtype=int),
            curvature_index=np.zeros(1, dtype=int),
            residual=np.array([np.nan]),
            status=status,
            start_status=status,
            end_status=status,
            message=status.describe(),
            f=self.f,
            parameters=self.parameters(),
        )

    def result(
        self,
        arc: Arc,
        *,
        message: str | None = None,
        status: Status | None = None,
        start_status: Status = Status.CONVERGED,
    ) -> Extremal:
        end = Status(arc["status"]) if status is None else status
        if len(arc["arclength"]) == 0:
            return self.nothing(end)
        return to_extremal(
            arc,
            f=self.f,
            closed=arc.get("closed", False),
            start_status=start_status,
            end_status=end,
            message=end.describe() if message is None else message,
            parameters=self.parameters(),
        )

    def parameters(self) -> dict[str, Any]:
        return {k: v for k, v in self.options.items() if k not in ("lower", "upper")}


def tracer_options(
    bounds: np.ndarray | None,
    x0: np.ndarray,
    max_step: float | None,
    max_points: int,
    max_length: float | None,
    initial_step: float | None,
    near_branch_distance: float | None,
    tolerance: float,
) -> dict[str, Any]:
    """The core's options, with the documented defaults."""
    step = default_max_step(bounds, x0) if max_step is None else max_step
    options: dict[str, Any] = {"max_step": checked_positive(step, "max_step")}
    if bounds is not None:
        options["lower"] = bounds[:, 0].copy()
        options["upper"] = bounds[:, 1].copy()
    options["max_points"] = checked_count(max_points, "max_points", 2)
    if max_length is not None:
        options["max_length"] = checked_positive(max_length, "max_length")
    if initial_step is not None:
        options["initial_step"] = checked_positive(initial_step, "initial_step")
    if near_branch_distance is None:
        near_branch_distance = (
            options["max_step"]
            if bounds is None
            else 0.01 * float(np.linalg.norm(bounds[:, 1] - bounds[:, 0]))
        )
    options["near_branch_distance"] = checked_positive(near_branch_distance, "near_branch_distance")
    options["tolerance"] = checked_positive(tolerance, "tolerance")
    if options["tolerance"] > 1e-3:
        raise ValueError(f"tolerance: want at most 1e-3, got {tolerance}")
    return options
