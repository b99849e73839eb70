"""Plain descent by loops of machine code, as far as functions have one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from talweg.objective import Objective

    Floats = NDArray[np.float64]

__all__ = ["LoopRun", "descent_loop"]

#: Points that go through the steps together: enough to pay for a call, few enough for the caches.
_LANES = 1024

#: Steps of one point between two looks at interrupts and at what is finite still.
_STEPS = 512


def _processors() -> int:
    # Those of this process, where the system tells.
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


class LoopRun:
    """All points of one call, coordinate-major."""

    def __init__(self, loop: Any, x0: Floats, step_length: float, count: int, every: int) -> None:
        self.loop, self.h, self.count, self.every = loop, step_length, count, every
        self.x = np.ascontiguousarray(x0.T)
        self.taken = np.zeros(len(x0), dtype=int)
        self.status = np.full(len(x0), int(Status.INTERRUPTED))
        records = count // every + 1 if every else 0
        self.path = np.full((records, *x0.shape), np.nan)
        self.stop = threading.Event()

    def go(self, workers: int | None) -> None:
        """All steps of all points; an interruption leaves what was reached."""
        threads = workers or _processors()
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


def descent_loop(f: Objective) -> Any:
    """The loop of a compiled function, or None."""
    if not f.compiled or f.metric is not None or not f._core.thread_safe:
        return None
    if f._descent_loop is None or f._descent_loop[0] is not f._core:
        from talweg.machine_code import available
        from talweg.machine_code.descent_loop import DescentLoop

        loop = DescentLoop(f, 2) if available() and DescentLoop.fits(f) else None
        f._descent_loop = (f._core, loop)
    return f._descent_loop[1]
