"""Gradient descent of many points at once."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import (
    checked_count,
    checked_objective,
    checked_positive,
    checked_workers,
    dimension_of,
)
from talweg.objective import Objective
from talweg.quantity import GRADIENT
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Descent", "descend"]

#: Points that go through the steps together: enough to pay for a call, few enough for the caches.
_LANES = 1024

#: Steps of one point between two looks at interrupts and at what is finite still.
_STEPS = 512


@dataclasses.dataclass
class Descent:
    """Where descents ended.

    Attributes
    ----------
    x : ndarray, shape (n,) or (m, n)
        The last points; of a descent that ran into values that are not finite, the last finite one.
    fun : float or ndarray, shape (m,)
        The function there.
    steps : int or ndarray, shape (m,)
        Steps taken to there.
    status : Status, or ndarray of int, shape (m,)
        Codes of `talweg.Status`: `MAX_STEPS` where all steps were taken, `NON_FINITE` where a point or the gradient at it was
        not finite, as when the step is too long, `INTERRUPTED` where the user stopped them.
    path : ndarray, shape (records, n) or (records, m, n)
        Points at the start and after every `record_every` steps; none where that is 0. Rows
        after the last point are NaN.
    """

    x: Floats
    fun: Any
    steps: Any
    status: Any
    path: Floats


def descend(
    f: Objective | Callable[[Any], Any],
    x0: ArrayLike,
    step_length: float,
    n_steps: int,
    *,
    record_every: int = 0,
    workers: int | None = None,
) -> Descent:
    """Gradient descent with a constant step: ``x <- x - step_length * grad f(x)``.

    The steps of a recorded function that is compiled (`Objective.compile`) are one loop of machine
    code, which keeps points in registers; any other objective evaluates blocks of gradients. Both
    give the same points up to rounding. In a metric P (`Objective.with_metric`) the step is
    ``step_length * P^-1 grad f(x)``, gradient descent in that space.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x0 : array_like, shape (n,) or (m, n)
        One start or many.
    step_length : float
        In units of x over gradient.
    n_steps : int
        Number of steps, from 0.
    record_every : int, default 0
        Record the points each so many steps; 0 for never.
    workers : int, optional
        Threads that share the points; by default one for each processor. Functions that are not
        thread-safe use one. The result does not depend on it.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Descent so far.

    References
    ----------
    The theory page of the documentation, section "Gradient descent".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.himmelblau()
    >>> talweg.descend(f, [[1.0, 1.0], [-1.0, 1.0]], 0.01, 200).x.round(9)
    array([[ 3.        ,  2.        ],
           [-2.80511809,  3.13131252]])
    """
    objective = checked_objective(f, dimension_of(None, x0))
    start = finite_array(x0, "x0")
    n = objective.n
    if start.ndim not in (1, 2) or start.shape[-1] != n:
        raise ValueError(f"x0: want shape ({n},) or (m, {n}), got {start.shape}")
    h = checked_positive(step_length, "step_length")
    count = checked_count(n_steps, "n_steps", 0)
    every = checked_count(record_every, "record_every", 0)
    threads = checked_workers(workers) or _processors()
    run = _Run(objective, np.atleast_2d(start), h, count, every)
    try:
        run.go(threads if objective._core.thread_safe else 1)
    except KeyboardInterrupt as interrupt:
        interrupt.result = run.result(start.ndim == 1)  # type: ignore[attr-defined]
        raise
    return run.result(start.ndim == 1)


def _processors() -> int:
    # Those of this process, where the system tells.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


class _Run:
    """All points of one call, coordinate-major."""

    def __init__(self, f: Objective, x0: Floats, h: float, count: int, every: int) -> None:
        self.f, self.h, self.count, self.every = f, h, count, every
        self.x = np.ascontiguousarray(x0.T)
        self.taken = np.zeros(len(x0), dtype=int)
        self.status = np.full(len(x0), int(Status.INTERRUPTED))
        records = count // every + 1 if every else 0
        self.path = np.full((records, *x0.shape), np.nan)
        self.stop = threading.Event()
        self.loop = _loop(f)

    def go(self, threads: int) -> None:
        firsts = range(0, self.x.shape[1], _LANES)
        threads = min(threads, len(firsts))
        if threads <= 1:
            for first in firsts:
                self.chunk(first)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads) as pool:
            try:
                for done in [pool.submit(self.chunk, first) for first in firsts]:
                    done.result()
            except BaseException:
                self.stop.set()
                pool.shutdown(cancel_futures=True)
                raise

    def chunk(self, first: int) -> None:
        """The descents of one group of points."""
        lanes = np.arange(first, min(first + _LANES, self.x.shape[1]))
        if self.every:
            self.path[0, lanes] = self.x[:, lanes].T
        for taken, count in self.portions():
            if self.stop.is_set():
                return
            before = self.x[:, lanes]
            after = self.advanced(before, count)
            finite = np.isfinite(after).all(axis=0)
            if not finite.all():
                self.end(lanes[~finite], before[:, ~finite], taken, count)
                lanes, after = lanes[finite], after[:, finite]
                if not lanes.size:
                    return
            self.x[:, lanes] = after
            self.taken[lanes] = taken + count
            if self.every and (taken + count) % self.every == 0:
                self.path[(taken + count) // self.every, lanes] = after.T
        self.status[lanes] = int(Status.MAX_STEPS)

    def portions(self) -> Iterator[tuple[int, int]]:
        """Steps taken before, and steps to take at once."""
        taken = 0
        while taken < self.count:
            count = min(_STEPS, self.count - taken)
            if self.every:
                count = min(count, self.every - taken % self.every)
            yield taken, count
            taken += count

    def end(self, lanes: Any, x: Floats, taken: int, count: int) -> None:
        """The last finite points of descents that do not stay finite for `count` steps."""
        # Bisection, as looking at each step would cost all the others their speed.
        good, bad = np.zeros(len(lanes), dtype=int), np.full(len(lanes), count)
        while (bad - good > 1).any():
            middle = (good + bad) // 2
            for step in np.unique((middle - good)[bad - good > 1]):
                at = np.flatnonzero((middle - good == step) & (bad - good > 1))
                trial = self.advanced(x[:, at], int(step))
                finite = np.isfinite(trial).all(axis=0)
                x[:, at[finite]] = trial[:, finite]
                good[at[finite]] = middle[at[finite]]
                bad[at[~finite]] = middle[at[~finite]]
        self.x[:, lanes] = x
        self.taken[lanes] = taken + good
        self.status[lanes] = int(Status.NON_FINITE)

    def advanced(self, x: Floats, count: int) -> Floats:
        """Points after `count` steps more."""
        lanes = x.shape[1]
        padded = np.empty((len(x), -(-lanes // self.loop.lanes) * self.loop.lanes))
        padded[:, :lanes] = x
        padded[:, lanes:] = x[:, :1]
        self.loop.advance(padded, count, self.h)
        return padded[:, :lanes]

    def result(self, single: bool) -> Descent:
        x = np.ascontiguousarray(self.x.T)
        if single:
            path = self.path[:, 0] if self.every else self.path.reshape(0, self.f.n)
            status = Status(int(self.status[0]))
            return Descent(x[0], float(self.f(x[0])), int(self.taken[0]), status, path)
        return Descent(x, self.f(x), self.taken, self.status, self.path)


class _Blocks:
    """Steps by blocks of gradients, of any objective."""

    lanes = 1

    def __init__(self, f: Objective) -> None:
        self._core = f._core
        self._inverse = None if f.metric is None else np.linalg.inv(f.metric)

    def advance(self, x: Floats, count: int, step_length: float) -> None:
        arrays = {"x": x, "gradient": np.empty_like(x)}
        with np.errstate(all="ignore"):
            for _ in range(count):
                self._core.evaluate_block(GRADIENT, arrays, x.shape[1])
                gradient = arrays["gradient"]
                x -= step_length * (gradient if self._inverse is None else self._inverse @ gradient)


def _loop(f: Objective) -> Any:
    if not f.compiled or f.metric is not None:
        return _Blocks(f)
    if f._descent_loop is None or f._descent_loop[0] is not f._core:
        from talweg.machine_code import available
        from talweg.machine_code.descent_loop import DescentLoop

        loop = DescentLoop(f, 2) if available() and DescentLoop.fits(f) else _Blocks(f)
        f._descent_loop = (f._core, loop)
    return f._descent_loop[1]
