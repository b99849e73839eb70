"""Many descents at once, and which minimum each reached."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.descent import Descent, descend
from talweg.extremals.arguments import (
    checked_bounds_of,
    checked_count,
    checked_generator,
    checked_objective,
    checked_positive,
    checked_starts,
    dimension_of,
)
from talweg.extremals.points import CriticalPoint
from talweg.gradient_flow import Flow, flow
from talweg.objective import Objective
from talweg.reports.descent_result import DescentReport
from talweg.status import Status
from talweg.theory.arguments import checked_momentum, checked_nesterov

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["descent_report"]

#: Records that are kept, about: half of them evenly spaced, half ever denser towards the start.
_RECORDS = 240
#: Records that they are taken from, at most, and most numbers in those.
_DENSE = 5000
_ROOM = 2e7
#: Most steps that are taken without being asked for, and most of steps times starts times n^2.
_MOST_STEPS = 250_000
_MOST_WORK = 2e8
#: By how much the softest coordinate of the slowest minimum shrinks in the default number of steps.
_REDUCTION = 1e-9
#: Of more coordinates than these fewer starts are taken unless asked for.
_FEW_COORDINATES = 10
#: More coordinates than these make determinants dear.
_VOLUME_COORDINATES = 64


def descent_report(
    f: Objective | Callable[[Any], Any],
    x0: ArrayLike | None = None,
    bounds: Any = None,
    *,
    n_starts: int | None = None,
    step_length: float | None = None,
    steps: int | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
    noise: float = 0.0,
    gtol: float | None = None,
    flow: bool = False,
    time: float | None = None,
    minima: list[CriticalPoint] | None = None,
    rng: Any = 0,
    workers: int | None = None,
) -> DescentReport:
    """Descend from many points of a box and say which minimum each came to.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x0 : array_like, shape (n,) or (m, n), optional
        Starts. Default: `n_starts` random points of the box.
    bounds : array_like, shape (n, 2), optional
        The box, in which minima are looked for too. Default: the objective's own.
    n_starts : int, optional
        Default: 200, of more than 10 coordinates 20.
    step_length : float, optional
        Default: 1 / L, L the largest eigenvalue of the Hessian at the starts and at the minima.
    steps : int, optional
        The most steps. Default: as many as shrink the softest coordinate of every minimum to 1e-9,
        at most 250,000.
    momentum, nesterov, noise
        As for `talweg.descend`.
    gtol : float, optional
        A descent ends where the gradient is as small as this. Default: 1e-8 of its median norm at
        the starts; 0 with noise.
    flow : bool, default False
        Gradient flow instead of descent.
    time : float, optional
        How long it runs. Default: 20 over the smallest eigenvalue at the minima.
    minima : list of CriticalPoint, optional
        Known minima. Default: they are looked for in the box, or without one from `x0`.
    rng : None, int or numpy.random.Generator, default 0
        For starts, noise and the search for minima.
    workers : int, optional
        Threads; the result does not depend on it.

    Returns
    -------
    DescentReport

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the report so far, if descents
        had begun.

    Examples
    --------
    >>> import talweg
    >>> report = talweg.reports.descent_report(talweg.surfaces.himmelblau(), rng=0)
    >>> sorted(set(report.minimum.tolist())), report.success
    ([0, 1, 2, 3], True)
    >>> change = report.volume_change(0)
    >>> abs(change.measured / change.predicted - 1) < 0.05
    True
    """
    objective = checked_objective(f, dimension_of(bounds, x0))
    if objective.metric is not None:
        raise ValueError("f: want an objective without a metric; the predictions are Euclidean")
    box = checked_bounds_of(objective, bounds)
    generator = checked_generator(rng)
    few = objective.n > _FEW_COORDINATES
    count = (20 if few else 200) if n_starts is None else checked_count(n_starts, "n_starts", 1)
    if not flow:
        checked_nesterov(nesterov, checked_momentum(momentum))
    if flow and (momentum or nesterov or noise):
        raise ValueError("momentum, nesterov, noise: gradient flow has none of them")
    if flow and (step_length is not None or steps is not None):
        raise ValueError("step_length, steps: gradient flow has a time")
    if time is not None and not flow:
        raise ValueError("time: descent has steps; it is for gradient flow")
    if step_length is not None:
        checked_positive(step_length, "step_length")
    if steps is not None:
        checked_count(steps, "steps", 1)
    if time is not None:
        checked_positive(time, "time")
    if x0 is None:
        if box is None:
            raise ValueError("bounds: want a box to draw starts from, or x0")
        starts = _random_starts(objective, box, count, generator)
    else:
        starts = np.atleast_2d(checked_starts(x0, objective.n))
    known = _minima(objective, box, starts, generator) if minima is None else list(minima)
    slopes = np.linalg.norm(objective.grad(starts), axis=1)
    if gtol is None:
        finite = slopes[np.isfinite(slopes)]
        gtol = 0.0 if noise or not finite.size else 1e-8 * float(np.median(finite))
    softest = min((p.eigenvalues[0] for p in known), default=None)
    volume = objective.n <= _VOLUME_COORDINATES and not noise
    if flow:
        if time is None:
            if softest is None:
                raise ValueError("time: no minimum was found that could tell how long to run")
            time = 20.0 / float(softest)
    else:
        if step_length is None:
            step_length = 1.0 / _largest_curvature(objective, starts, known)
        if steps is None:
            rate = 1e-4 if softest is None else min(step_length * float(softest), 0.5)
            wanted = math.ceil(math.log(_REDUCTION) / math.log1p(-rate))
            affordable = int(_MOST_WORK / (len(starts) * objective.n**2))
            steps = max(min(wanted, affordable, _MOST_STEPS), 10)
    parameters: dict[str, Any] = {
        "flow": bool(flow),
        "step_length": step_length,
        "steps": steps,
        "time": time,
        "momentum": float(momentum),
        "nesterov": bool(nesterov),
        "noise": float(noise),
        "gtol": float(gtol),
    }
    build = _Builder(objective, box, known, starts, parameters)
    try:
        if flow:
            return build.of_flow(_run_flow(objective, starts, time, gtol, known, volume, workers))
        room = max(10, int(_ROOM / (len(starts) * objective.n)))
        every = max(1, int(steps or 1) // min(_DENSE, room))
        found = descend(
            objective,
            starts,
            float(step_length or 0.0),
            int(steps or 0),
            momentum=momentum,
            nesterov=nesterov,
            noise=noise,
            gtol=gtol,
            log_volume=volume,
            record_every=every,
            record_values=True,
            rng=generator if noise else None,
            workers=workers,
        )
        return build.of_descent(found, every)
    except KeyboardInterrupt as stop:
        partial = getattr(stop, "result", None)
        if isinstance(partial, Descent):
            partial = build.of_descent(partial, every, interrupted=True)
        elif isinstance(partial, Flow):
            partial = build.of_flow(partial, interrupted=True)
        stop.result = partial  # type: ignore[attr-defined]
        raise


def _run_flow(
    f: Objective,
    starts: Floats,
    time: Any,
    gtol: float,
    minima: list[CriticalPoint],
    volume: bool,
    workers: int | None,
) -> Flow:
    even = np.linspace(0.0, 1.0, _RECORDS // 2)
    times = float(time) * np.unique(np.r_[even, np.geomspace(1e-6, 1.0, _RECORDS // 2)])
    return flow(
        f,
        starts,
        times,
        log_volume=volume,
        minima=minima or None,
        gradient_tolerance=gtol or None,
        stop_at_minima=False,
        workers=workers,
    )


def _random_starts(f: Objective, box: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Points of the box at which the function is finite."""
    kept = np.empty((0, f.n))
    for _ in range(20):
        tried = box[:, 0] + rng.random((count, f.n)) * (box[:, 1] - box[:, 0])
        with np.errstate(all="ignore"):
            kept = np.concatenate([kept, tried[np.isfinite(f(tried))]])
        if len(kept) >= count:
            return kept[:count]
    if not len(kept):
        raise ValueError(
            f"bounds: the function is finite at none of {20 * count} points of the box"
        )
    return kept


def _minima(
    f: Objective, box: Floats | None, starts: Floats, rng: np.random.Generator
) -> list[CriticalPoint]:
    from talweg.extremals.finding import critical_points

    if box is not None:
        found = critical_points(f, bounds=box, rng=rng)
    else:
        found = critical_points(f, bounds=(), starts=starts[:64])
    least = [p for p in found if p.morse_index == 0 and not p.degenerate]
    return sorted(least, key=lambda p: p.fun)


def _largest_curvature(f: Objective, starts: Floats, minima: list[CriticalPoint]) -> float:
    from talweg.spectrum import hessian_eigvalsh

    largest = max((float(p.eigenvalues[-1]) for p in minima), default=0.0)
    # Dense matrices of hundreds of coordinates are dear: a few of the starts stand for all.
    some = starts if f.n <= _VOLUME_COORDINATES else starts[:4]
    with np.errstate(all="ignore"):
        at_starts = np.abs(np.asarray(hessian_eigvalsh(f, some)))
    finite = at_starts[np.isfinite(at_starts)]
    largest = max(largest, float(finite.max(initial=0.0)))
    if not largest > 0.0:
        raise ValueError("step_length: no curvature to choose it from; give one")
    return largest


class _Builder:
    """A report from what descended or flowed."""

    def __init__(
        self,
        f: Objective,
        box: Floats | None,
        minima: list[CriticalPoint],
        starts: Floats,
        parameters: dict[str, Any],
    ) -> None:
        self.f, self.box, self.minima = f, box, minima
        self.starts, self.parameters = starts, parameters

    def of_descent(self, found: Descent, every: int, interrupted: bool = False) -> DescentReport:
        last = max(len(found.path) - 1, 0)
        half = _RECORDS // 2
        ahead = np.geomspace(1.0, last, half) if last else np.zeros(0)
        kept = np.unique(np.r_[np.linspace(0, last, half), ahead].round().astype(int))
        kept = kept[: len(found.path)]

        def thin(array: Any) -> Any:
            return None if array is None else array[kept]

        return self._report(
            found.x,
            found.fun,
            found.steps,
            found.status,
            found.log_volume,
            kept * every,
            thin(found.path),
            thin(found.path_fun),
            thin(found.path_log_volume),
            interrupted,
        )

    def of_flow(self, found: Flow, interrupted: bool = False) -> DescentReport:
        return self._report(
            found.end,
            self.f(found.end),
            found.end_time,
            found.status,
            None if found.log_volume is None else found.end_log_volume,
            found.t,
            found.x,
            found.fun,
            found.log_volume,
            interrupted,
        )

    def _report(
        self,
        x: Floats,
        fun: Any,
        taken: Any,
        status: Any,
        log_volume: Any,
        path_at: Any,
        path: Any,
        path_fun: Any,
        path_log_volume: Any,
        interrupted: bool,
    ) -> DescentReport:
        minimum = np.full(len(x), -1)
        fine = np.flatnonzero(np.isfinite(x).all(axis=1) & (status != int(Status.NON_FINITE)))
        if self.minima and fine.size:
            ends = flow(
                self.f, x[fine], np.inf, rtol=1e-6, atol=1e-8, minima=self.minima, max_steps=2
            )
            # In the ball from the first moment, not led there by the flow.
            minimum[fine] = np.where(ends.entry_time == 0.0, ends.entered, -1)
        return DescentReport(
            f=self.f,
            bounds=self.box,
            minima=self.minima,
            starts=self.starts,
            x=np.asarray(x),
            fun=np.asarray(fun, dtype=float),
            taken=np.asarray(taken),
            status=np.asarray(status),
            minimum=minimum,
            log_volume=log_volume,
            path_at=np.asarray(path_at, dtype=float),
            path=np.asarray(path),
            path_fun=np.asarray(path_fun),
            path_log_volume=path_log_volume,
            parameters=self.parameters,
            message=self._message(np.asarray(x), np.asarray(status), minimum, interrupted),
            interrupted=interrupted,
        )

    def _message(self, x: Floats, status: Any, minimum: Any, interrupted: bool) -> str:
        if interrupted:
            return "Interrupted: the descents so far."
        parts = []
        if not self.minima:
            where = "in the box" if self.box is not None else "from the starts"
            parts.append(f"No nondegenerate minimum was found {where}.")
        blown = int((status >= 100).sum())
        if blown:
            cause = (
                "the function may fall without bound"
                if self.parameters["flow"]
                else "the function may fall without bound, or the step is too long"
            )
            parts.append(f"{blown} of {status.size} ran off: {cause}.")
        lost = (minimum < 0) & (status < 100)
        left = np.zeros_like(lost)
        if self.box is not None:
            left = lost & ((x < self.box[:, 0]) | (x > self.box[:, 1])).any(axis=1)
            left &= np.isin(status, (int(Status.CONVERGED), int(Status.CRITICAL_POINT)))
        if left.any():
            place = ", ".join(f"{c:.6g}" for c in x[left][0][:4]) + (
                ", ..." if self.f.n > 4 else ""
            )
            parts.append(
                f"{int(left.sum())} of {status.size} came to rest outside the box, "
                f"as at [{place}]; minima are looked for in the box only."
            )
        lost &= ~left
        if self.minima and lost.any() and not self.parameters["noise"]:
            longer = "a longer time" if self.parameters["flow"] else "more steps"
            parts.append(
                f"{int(lost.sum())} of {status.size} ended next to none of the minima; "
                f"{longer} may help."
            )
        return " ".join(parts)
