"""Gradient flow of many points at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import finite_array, real_array
from talweg.extremals.arguments import (
    checked_count,
    checked_objective,
    checked_positive,
    checked_workers,
    dimension_of,
)
from talweg.extremals.fields import counted
from talweg.objective import Objective
from talweg.status import Status, in_words, summary

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Flow", "flow"]

_METHODS = ("auto", "explicit", "implicit")


@dataclasses.dataclass(eq=False, repr=False)
class Flow:
    """Trajectories of gradient flow.

    For one start, x0 of shape (n,), the axis of length m is missing everywhere; for one time, the
    axis of times. What a trajectory did not reach is NaN.

    Attributes
    ----------
    t : ndarray, shape (times,)
        The times asked for.
    x : ndarray, shape (times, m, n)
        The points at these times.
    fun : ndarray, shape (times, m)
        The function there.
    log_volume : ndarray, shape (times, m), or None
        Logarithm of the volume that a small volume at the start has at these times, over what it
        had: minus the integral of the trace of the Hessian along the trajectory.
    status : ndarray of int, shape (m,)
        Codes of `talweg.Status`: ``MAX_TIME`` (the last time was reached), ``CONVERGED`` (the
        gradient became as small as asked), ``CRITICAL_POINT`` (the same, next to a point that is no
        minimum), ``ENTERED_BALL``, ``LEVEL_CROSSED``, ``NOT_CONVERGED`` (`max_steps` came first),
        ``STEP_TOO_SMALL`` (as where a trajectory runs off to infinity in finite time),
        ``NON_FINITE``, ``INTERRUPTED``. One start: a `talweg.Status`.
    end, end_time, end_log_volume : ndarray, shapes (m, n), (m,), (m,)
        Where and when each trajectory ended.
    gradient_norm : ndarray, shape (m,)
        |grad f| there.
    entered : ndarray of int, shape (m,)
        Which of `minima` has the ball that was entered first; -1 for none.
    entry_time, entry : ndarray, shapes (m,) and (m, n)
        When and where.
    level_time, level_point : ndarray, shapes (m,) and (m, n)
        When and where `level` was crossed.
    linear : ndarray of int, shape (m,)
        Which of `minima` has the linear flow that took over at last; -1 for none.
    linear_time : ndarray, shape (m,)
        When it did.
    steps, rejected, implicit_steps : ndarray of int, shape (m,)
        Steps taken, tried in vain, and taken by the implicit method (of `steps`).
    f : Objective or None
        The function, for `plot`.
    """

    t: Any
    x: Floats
    fun: Any
    log_volume: Any
    status: Any
    end: Floats
    end_time: Any
    end_log_volume: Any
    gradient_norm: Any
    entered: Any
    entry_time: Any
    entry: Floats
    level_time: Any
    level_point: Floats
    linear: Any
    linear_time: Any
    steps: Any
    rejected: Any
    implicit_steps: Any
    f: Any = None

    @property
    def success(self) -> Any:
        """Where a trajectory ended without trouble: bool, of several an array (m,)."""
        fine = np.asarray(self.status) < int(Status.STEP_TOO_SMALL)
        return bool(fine) if fine.ndim == 0 else fine

    @property
    def message(self) -> str:
        """What the statuses mean, and how many trajectories have each."""
        return in_words(self.status)

    def __repr__(self) -> str:
        many = np.size(self.status)
        return (
            f"Flow({many} {'trajectory' if many == 1 else 'trajectories'}, "
            f"{counted(np.size(self.t), 'time')}: {summary(self.status)})"
        )

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw the trajectories of two coordinates over level lines, through the points at all times.

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Default: a new figure.
        title : str, optional
            Default: the function's name.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            For other numbers of coordinates, or a single time.

        Examples
        --------
        >>> import numpy, talweg
        >>> f = talweg.surfaces.himmelblau()
        >>> figure = talweg.flow(f, [[1.0, 1.0], [-1.0, 1.0]], numpy.linspace(0, 0.2, 50)).plot()
        """
        from talweg.plot.paths import draw_paths

        single = np.ndim(self.end) == 1
        path = np.asarray(self.x)
        path = path if np.ndim(self.t) else path[None]
        path = path[:, None] if single else path
        return draw_paths(self.f, path, np.atleast_2d(self.end), axes, dots=False, title=title)


def flow(
    f: Objective | Callable[[Any], Any],
    x0: ArrayLike,
    t: ArrayLike,
    rtol: float = 1e-10,
    atol: float = 1e-12,
    log_volume: bool = False,
    *,
    minima: Any = None,
    radius: ArrayLike | None = None,
    stop_at_minima: bool | None = None,
    gradient_tolerance: float | None = None,
    level: float | None = None,
    stop_at_level: bool = False,
    method: str = "auto",
    first_step: float | None = None,
    max_step: float | None = None,
    max_steps: int = 100_000,
    workers: int | None = None,
) -> Flow:
    """Gradient flow ``x' = -grad f(x)`` from one point or many.

    In a metric P (`Objective.with_metric`) it is ``x' = -P^-1 grad f(x)``; tolerances, `radius` and
    `gradient_tolerance` are then lengths in that metric.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x0 : array_like, shape (n,) or (m, n)
        One start or many.
    t : float or array_like, shape (times,)
        A time, or increasing times from 0 on at which the points are wanted. The last may be
        infinite when something ends a trajectory: `minima`, `gradient_tolerance` or `level`.
    rtol, atol : float, default 1e-10 and 1e-12
        A step's estimated error stays below ``atol + rtol * |x_i|``, root of the mean square over
        coordinates. Errors of steps add up, and flow towards a minimum forgets them: the whole error
        is some multiple of the tolerance, larger for trajectories next to a ridge, which the flow
        drives apart.
    log_volume : bool, default False
        Integrate the trace of the Hessian along, under the same tolerances.
    minima : array_like, shape (k, n), or sequence of CriticalPoint, optional
        Minima, around which lie balls. The first entry into one is located.
    radius : float or array_like, shape (k,), optional
        Radii of the balls. Default: for each minimum such that every trajectory in the ball falls
        towards it, as far as third derivatives at the minimum and at 2n points around tell. With
        a radius given the points need not be minima.
    stop_at_minima : bool, optional
        End a trajectory where it enters a ball. Default: only when the last time is infinite and
        there is no `gradient_tolerance`. A trajectory that goes on follows the linear flow of the
        Hessian from where that is accurate to the tolerances (see Notes).
    gradient_tolerance : float, optional
        End a trajectory where |grad f| is as small as that.
    level : float, optional
        Locate the crossing of this value of f.
    stop_at_level : bool, default False
        And end the trajectory there.
    method : {"auto", "explicit", "implicit"}
        "auto" takes implicit steps where the explicit ones are held up by stability (up to 200
        coordinates).
    first_step, max_step : float, optional
        In units of time.
    max_steps : int, default 100000
        For each trajectory, tries included.
    workers : int, optional
        Threads that share the trajectories; by default one for each processor. Functions that are
        not thread-safe use one. The result does not depend on it.

    Returns
    -------
    Flow

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Flow so far.

    Notes
    -----
    Explicit steps are Dormand and Prince's of order 8 with their error estimate [1]_, many
    trajectories side by side, each with steps of its own. Points inside a step are those of dense
    output where that solves the equation to the tolerances, and else of a step to there. Implicit
    steps are Radau IIA steps of order 9 [2]_ with the exact Hessian; a trajectory changes over once
    Hairer's test has found it stiff, and back when it is no more.

    Next to a minimum x* the linear flow ``x* + exp(-H t) (x - x*)`` differs from the trajectory by at
    most ``M r**2 / (2 (lambda_1 - M r))``, r the distance where it takes over, M a bound on the norm
    of third derivatives and lambda_1 the smallest eigenvalue (theory page, "Gradient flow"). It
    takes over where that is below the tolerance.

    References
    ----------
    .. [1] Hairer, Norsett, Wanner, Solving Ordinary Differential Equations I, section II.10.
    .. [2] Hairer, Wanner, Solving Ordinary Differential Equations II, section IV.8.

    Examples
    --------
    >>> import numpy, talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 4 * x[1]**2) / 2, 2)
    >>> found = talweg.flow(f, [1.0, 1.0], [0.0, 0.5, 1.0], log_volume=True)
    >>> numpy.allclose(found.x, numpy.exp(-numpy.outer([0.0, 0.5, 1.0], [1, 4])), rtol=1e-9)
    True
    >>> found.log_volume.round(9) + 0.0
    array([ 0. , -2.5, -5. ])

    Which minimum, and when:

    >>> f = talweg.surfaces.himmelblau()
    >>> minima = [p for p in talweg.critical_points(f) if p.type == "minimum"]
    >>> found = talweg.flow(f, [[1.0, 1.0], [-1.0, 1.0]], numpy.inf, minima=minima)
    >>> [minima[i].x.round(3).tolist() for i in found.entered]
    [[3.0, 2.0], [-2.805, 3.131]]
    """
    objective = checked_objective(f, dimension_of(None, x0))
    n = objective.n
    start = finite_array(x0, "x0")
    if start.ndim not in (1, 2) or start.shape[-1] != n:
        raise ValueError(f"x0: want shape ({n},) or (m, {n}), got {start.shape}")
    times = _checked_times(t)
    centres = _checked_minima(minima, n)
    if method not in _METHODS:
        raise ValueError(f"method: want one of {', '.join(_METHODS)}, got {method!r}")
    tolerance = 0.0
    if gradient_tolerance is not None:
        tolerance = checked_positive(gradient_tolerance, "gradient_tolerance")
    endless = bool(np.isinf(times[-1]))
    if level is not None:
        if np.ndim(level) or np.asarray(level).dtype.kind not in "iuf":
            raise TypeError(f"level: want one number, got {level!r}")
        if not np.isfinite(level):
            raise ValueError(f"level: want a finite number, got {level}")
    if level is None and stop_at_level:
        raise ValueError("stop_at_level: want a level with it")
    if not len(centres):
        for name, value in (("radius", radius), ("stop_at_minima", stop_at_minima)):
            if value is not None and value is not False and minima is None:
                raise ValueError(f"{name}: want minima with it, around which the balls are")
    if endless and not (len(centres) or tolerance or (level is not None and stop_at_level)):
        raise ValueError(
            f"t: want a finite last time, got {times[-1]}, which needs something that ends a "
            "trajectory: minima, gradient_tolerance, or level with stop_at_level"
        )
    stop = endless and not tolerance if stop_at_minima is None else bool(stop_at_minima)

    chart = _Chart(objective)
    centres = chart.forward(centres)
    radii, largest = _radii(chart.core, centres, radius)
    options: dict[str, Any] = {
        "rtol": _checked_tolerance(rtol, "rtol"),
        "atol": _checked_tolerance(atol, "atol"),
        "first_step": 0.0 if first_step is None else checked_positive(first_step, "first_step"),
        "max_step": 0.0 if max_step is None else checked_positive(max_step, "max_step"),
        "max_steps": checked_count(max_steps, "max_steps", 1),
        "method": _METHODS.index(method),
        "log_volume": bool(log_volume),
        "gradient_tolerance": tolerance,
        "centres": centres,
        "radii": radii,
        "stop_at_ball": stop,
        "level": np.nan if level is None else float(level),
        "stop_at_level": bool(stop_at_level),
        "workers": checked_workers(workers),
        "minima": centres[largest > 0],
        "largest_radii": largest[largest > 0],
    }
    if not options["rtol"] + options["atol"] > 0.0:
        raise ValueError("rtol, atol: want at least one above 0")
    points = chart.forward(np.atleast_2d(start))
    single, moment = start.ndim == 1, np.ndim(t) == 0
    numbers = np.flatnonzero(largest > 0)
    try:
        raw = _core.flow(chart.core, points, times, options)
    except KeyboardInterrupt as interrupt:
        if hasattr(interrupt, "result"):
            partly = _result(objective, chart, times, interrupt.result, numbers, single, moment)
            interrupt.result = partly
        raise
    return _result(objective, chart, times, raw, numbers, single, moment)


def _checked_times(t: Any) -> Floats:
    times = np.atleast_1d(real_array(t, "t")).astype(float)
    if times.ndim != 1 or not times.size:
        raise ValueError(f"t: want a time or times of shape (times,), got shape {np.shape(t)}")
    if np.isnan(times).any() or times[0] < 0 or np.isinf(times[:-1]).any():
        wrong = np.isnan(times) | (times < 0)
        wrong[:-1] |= np.isinf(times[:-1])
        raise ValueError(
            "t: want times from 0 on, of which the last alone may be infinite, got "
            + _entry(times, int(np.argmax(wrong)))
        )
    if (np.diff(times) <= 0).any():
        place = int(np.argmax(np.diff(times) <= 0)) + 1
        raise ValueError(
            f"t: want increasing times, got {_entry(times, place)} after {times[place - 1]}"
        )
    return times


def _entry(times: Floats, place: int) -> str:
    """One of the times, and which one where there are several."""
    return f"{times[place]}" + (f" at place {place}" if len(times) > 1 else "")


def _checked_tolerance(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: want a number from 0, got {value!r}")
    if not 0.0 <= value < np.inf:
        raise ValueError(f"{name}: want a number from 0, got {value!r}")
    return float(value)


def _checked_minima(minima: Any, n: int) -> Floats:
    if minima is None:
        return np.zeros((0, n))
    if not isinstance(minima, np.ndarray):
        if hasattr(minima, "critical_points"):
            raise TypeError(
                "minima: want points, got a survey; its minima are [p for p in "
                'survey.critical_points if p.type == "minimum"]'
            )
        if hasattr(minima, "x"):
            minima = [minima]
        minima = [getattr(point, "x", point) for point in minima]
    points = finite_array(minima, "minima")
    if points.size == 0:
        return np.zeros((0, n))
    if points.ndim > 2 or points.shape[-1] != n:
        raise ValueError(f"minima: want shape (k, {n}), got {points.shape}")
    return np.atleast_2d(points)


class _Chart:
    """Coordinates in which the metric is Euclidean."""

    def __init__(self, f: Objective) -> None:
        if f.metric is None:
            self.core, self._factor = f._core, None
            return
        # P = C C', y = C' x: then y' = -grad_y f(C'^-1 y) is x' = -P^-1 grad f(x).
        self._factor = np.linalg.cholesky(f.metric)
        self._inverse = np.linalg.inv(self._factor)
        self.core = _core.compose_affine(f._core, self._inverse.T.copy(), np.zeros(f.n))

    def forward(self, x: Floats) -> Floats:
        return x if self._factor is None else x @ self._factor

    def back(self, y: Floats) -> Floats:
        return y if self._factor is None else y @ self._inverse


def _radii(core: Any, centres: Floats, radius: Any) -> tuple[Floats, Floats]:
    """Radii of the balls, and of those in which the linear flow may take over (0: not at all)."""
    k = len(centres)
    given = None
    if radius is not None:
        given = finite_array(radius, "radius")
        if given.shape not in ((), (k,)):
            raise ValueError(f"radius: want a number or shape ({k},), got {given.shape}")
        if not (given > 0).all():
            raise ValueError(f"radius: want positive numbers, got {given.min()}")
        given = np.broadcast_to(given, (k,)).copy()
    own = np.zeros(k)
    for i, centre in enumerate(centres):
        others = np.linalg.norm(centres - centre, axis=1)
        nearest = others[others > 0].min(initial=np.inf)
        largest = min(nearest / 2, max(1.0, float(np.abs(centre).max())))
        found = _core.flow_minimum(core, centre, largest)
        if found["radius"] > 0:
            # Not a minimum unless a Newton step from it is small against the ball.
            at = core.evaluate(centre[None], 2)["gradient"][0]
            step = np.linalg.norm((found["eigenvectors"].T @ at) / found["eigenvalues"])
            own[i] = found["radius"] if step < 1e-9 * found["radius"] else 0.0
        if given is None and own[i] == 0.0:
            raise ValueError(
                f"minima: point {i} is no minimum with a positive definite Hessian: give radius"
            )
    return (own if given is None else given), own


def _result(
    f: Objective,
    chart: _Chart,
    times: Floats,
    raw: dict[str, Any],
    numbers: Any,
    single: bool,
    moment: bool,
) -> Flow:
    m, n = raw["end"].shape
    x, end, status = chart.back(raw["x"]), chart.back(raw["end"]), raw["status"]
    small = np.flatnonzero(status == Status.CONVERGED)
    if small.size and n <= 200:
        curvature = np.linalg.eigvalsh(f.hess(end[small]))
        saddles = curvature[:, 0] < -1e-8 * np.abs(curvature).max(axis=1)
        status[small[saddles]] = Status.CRITICAL_POINT
    # Some functions have a gradient where they have no value.
    with np.errstate(all="ignore"):
        valueless = ~np.isfinite(f(end))
    status[valueless & (status < 100)] = int(Status.NON_FINITE)
    fun = np.full(x.shape[:2], np.nan)
    reached = np.isfinite(x).all(axis=2)
    if reached.any():
        fun[reached] = f(x[reached])
    nothing = np.full((m, n), np.nan)

    def of_time(array: Any) -> Any:
        if array is None:
            return None
        array = array[:, 0] if single else array
        return array[0] if moment else array

    def of_start(array: Any) -> Any:
        return array[0] if single and array is not None else array

    linear = raw["linear"]
    if linear.size and len(numbers):
        linear = np.where(linear >= 0, numbers[linear], -1)
    return Flow(
        t=float(times[0]) if moment else times,
        x=of_time(x),
        fun=of_time(fun),
        log_volume=of_time(raw.get("log_volume")),
        status=Status(int(status[0])) if single else status,
        end=of_start(end),
        end_time=of_start(raw["end_time"]),
        end_log_volume=of_start(raw.get("end_log_volume")),
        gradient_norm=of_start(raw["gradient_norm"]),
        entered=of_start(raw["ball"]),
        entry_time=of_start(raw["ball_time"]),
        entry=of_start(chart.back(raw["ball_x"]) if "ball_x" in raw else nothing),
        level_time=of_start(raw["level_time"]),
        level_point=of_start(chart.back(raw["level_x"]) if "level_x" in raw else nothing),
        linear=of_start(linear),
        linear_time=of_start(raw["linear_time"]),
        steps=of_start(raw["steps"]),
        rejected=of_start(raw["rejected"]),
        implicit_steps=of_start(raw["implicit_steps"]),
        f=f,
    )
