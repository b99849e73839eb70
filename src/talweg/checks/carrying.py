"""Points carried by descent or flow, with what happens to volume, and where they end."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.descent import descend
from talweg.extremals.finding import critical_points
from talweg.extremals.points import CriticalPoint
from talweg.gradient_flow import flow
from talweg.objective import Objective
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Carried", "Mover", "Trial", "Wells", "carried_from_trial"]

_TRIALS = 64
_MOST_STEPS = 50_000


@dataclasses.dataclass(frozen=True)
class Carried:
    """A batch of points at all times.

    Attributes
    ----------
    path : ndarray, shape (times, m, n)
        NaN after a point that was not finite.
    log_volume : ndarray, shape (times, m)
        Logarithm of the factor by which volume changed; -inf where the map is singular.
    sign : ndarray, shape (times, m)
        Product of the signs of the determinants.
    contracting : ndarray of bool, shape (m,), or None
        Whether the step stayed shorter than the inverse of the largest eigenvalue on the way.
    """

    path: Floats
    log_volume: Floats
    sign: Floats
    contracting: Any


@dataclasses.dataclass(frozen=True)
class Mover:
    """Descent with a step, or the flow.

    Attributes
    ----------
    f : Objective
    step : float or None
        None for the flow.
    workers : int or None
    """

    f: Objective
    step: float | None
    workers: int | None
    momentum: float = 0.0
    nesterov: bool = False

    def carry(self, x: Floats, times: Any, shrinkage: float) -> Carried:
        """The points at `times`: whole numbers of steps, or times from 0 on.

        `shrinkage` is what is left of the distances from the minimum, next to which points are right to
        many digits still.
        """
        if self.step is None:
            return self._flow(x, np.asarray(times, dtype=float), shrinkage)
        if self.momentum:
            return self._with_momentum(x, np.asarray(times))
        path = np.full((len(times), *x.shape), np.nan)
        volume = np.full((len(times), len(x)), np.nan)
        sign = np.full((len(times), len(x)), np.nan)
        point, total, orientation = x, np.zeros(len(x)), np.ones(len(x))
        contracting = np.ones(len(x), dtype=bool)
        alive = np.arange(len(x))
        at = 0
        for k, time in enumerate(times):
            if time > at:
                leg = descend(
                    self.f,
                    point,
                    self.step,
                    int(time - at),
                    log_volume=True,
                    eigenvalues=True,
                    workers=self.workers,
                )
                at = int(time)
                fine = leg.status < 100
                alive = alive[fine]
                total = total[fine] + leg.log_volume[fine]
                orientation = orientation[fine] * leg.orientation[fine]
                contracting[alive] &= self.step * leg.largest_eigenvalue[fine] < 1.0
                point = np.ascontiguousarray(leg.x[fine])
            path[k, alive], volume[k, alive], sign[k, alive] = point, total, orientation
            if not alive.size:
                break
        return Carried(path, volume, sign, contracting)

    def _flow(self, x: Floats, times: Floats, shrinkage: float) -> Carried:
        atol = 1e-10 * shrinkage * float(np.abs(x).max(initial=1e-300))
        found = flow(self.f, x, times, 1e-8, atol, log_volume=True, workers=self.workers)
        ones = np.where(np.isnan(found.log_volume), np.nan, 1.0)
        return Carried(found.x, found.log_volume, ones, np.ones(len(x), dtype=bool))

    def _with_momentum(self, x: Floats, times: Any) -> Carried:
        assert self.step is not None
        every = max(int(np.gcd.reduce(times)), 1)
        found = descend(
            self.f,
            x,
            self.step,
            int(times[-1]),
            momentum=self.momentum,
            nesterov=self.nesterov,
            log_volume=True,
            record_every=every,
            workers=self.workers,
        )
        rows = np.asarray(times) // every
        volume = found.path_log_volume[rows]
        ones = np.where(np.isnan(volume), np.nan, 1.0)
        return Carried(found.path[rows], volume, ones, np.zeros(len(x), dtype=bool))

    def onward(self, x: Floats, amount: float, slope: float) -> Floats:
        """Where points get to in a further time or number of steps, or until |grad f| is at most `slope`."""
        if not len(x):
            return x
        if self.step is None:
            return np.asarray(
                flow(
                    self.f,
                    x,
                    amount,
                    1e-6,
                    1e-9,
                    gradient_tolerance=slope,
                    workers=self.workers,
                ).end
            )
        return np.asarray(
            descend(
                self.f,
                x,
                self.step,
                int(amount),
                momentum=self.momentum,
                nesterov=self.nesterov,
                gtol=slope,
                workers=self.workers,
            ).x
        )


class Wells:
    """Minima that points were led to, each with a ball around it that lies in its basin.

    Parameters
    ----------
    f : Objective
    ends : ndarray, shape (m, n)
        Where points came to rest.
    known : list of CriticalPoint
        Minima that are among them in any case, first.
    """

    def __init__(self, f: Objective, ends: Floats, known: list[CriticalPoint]) -> None:
        self.f = f
        self.points = list(known)
        for end in ends:
            if np.isfinite(end).all() and not self._is_known(end):
                for point in critical_points(f, bounds=(), starts=end):
                    fresh = not self._is_known(point.x)
                    if point.type == "minimum" and not point.degenerate and fresh:
                        self.points.append(point)
        self.x = np.array([point.x for point in self.points]).reshape(-1, f.n)
        self.radius = np.zeros(len(self.points))
        for i, x in enumerate(self.x):
            apart = np.linalg.norm(self.x - x, axis=1)
            nearest = apart[apart > 0].min(initial=np.inf)
            largest = min(nearest / 2, max(1.0, float(np.abs(x).max())))
            self.radius[i] = max(float(_core.flow_minimum(f._core, x, largest)["radius"]), 0.0)

    def _is_known(self, x: Floats) -> bool:
        return any(
            np.linalg.norm(x - point.x) <= 1e-3 * (1e-3 + np.abs(point.x).max())
            for point in self.points
        )

    def put_first(self, number: int) -> None:
        """Make a minimum the first of them."""
        order = [number, *(i for i in range(len(self.points)) if i != number)]
        self.points = [self.points[i] for i in order]
        self.x, self.radius = self.x[order], self.radius[order]

    def label(self, x: Floats) -> Any:
        """Which ball each point is in; -1 for none."""
        found = np.full(len(x), -1)
        for i, (centre, radius) in enumerate(zip(self.x, self.radius)):
            found[np.linalg.norm(x - centre, axis=1) <= radius] = i
        return found


@dataclasses.dataclass(frozen=True)
class Trial:
    """A few points of the region, carried until they rest.

    Attributes
    ----------
    mover : Mover
    starts, ends : ndarray, shape (m, n)
        Those that came to rest.
    amount : float
        The most steps or time that it took.
    slope : float
        Norm of the gradient below which a point rests.
    """

    mover: Mover
    starts: Floats
    ends: Floats
    amount: float
    slope: float

    def entry(self, wells: Wells) -> float:
        """The time by which nine of ten are in the ball around the first minimum."""
        x = self.starts[wells.label(self.ends) == 0]
        if not len(x):
            return self.amount
        if self.mover.step is None:
            found = flow(
                self.mover.f,
                x,
                np.inf,
                1e-6,
                1e-9,
                minima=wells.x[:1],
                radius=wells.radius[:1],
                gradient_tolerance=self.slope,
                stop_at_minima=True,
                workers=self.mover.workers,
            )
            times = found.entry_time
            return float(np.quantile(times[np.isfinite(times)], 0.9))
        every = max(int(self.amount) // 400, 1)
        path = descend(
            self.mover.f,
            x,
            self.mover.step,
            int(self.amount),
            record_every=every,
            workers=self.mover.workers,
        ).path
        inside = np.linalg.norm(path - wells.x[0], axis=2) <= wells.radius[0]
        return float(np.quantile(inside.argmax(axis=0), 0.9)) * every


def carried_from_trial(mover: Mover, x: Floats) -> Trial:
    """Carry up to 64 points of `x`, evenly taken, until they rest."""
    starts = x[:: max(len(x) // _TRIALS, 1)][:_TRIALS]
    with np.errstate(all="ignore"):
        slopes = np.linalg.norm(mover.f.grad(starts), axis=1)
    slopes = slopes[np.isfinite(slopes) & (slopes > 0.0)]
    slope = 1e-6 * float(np.median(slopes)) if slopes.size else 1e-6
    if mover.step is None:
        found: Any = flow(
            mover.f, starts, np.inf, 1e-6, 1e-9, gradient_tolerance=slope, workers=mover.workers
        )
        ends, amounts = found.end, found.end_time
    else:
        found = descend(
            mover.f,
            starts,
            mover.step,
            _MOST_STEPS,
            momentum=mover.momentum,
            nesterov=mover.nesterov,
            gtol=slope,
            workers=mover.workers,
        )
        ends, amounts = found.x, found.steps
    fine = np.isin(found.status, (int(Status.CONVERGED), int(Status.CRITICAL_POINT)))
    amount = float(amounts[fine].max(initial=1.0))
    return Trial(mover, starts[fine], ends[fine], amount, slope)
