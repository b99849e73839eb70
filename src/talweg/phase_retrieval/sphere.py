"""Gradient descent on the sphere |w|^2 = N, of one point or of many that share the data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_count, checked_positive
from talweg.phase_retrieval.problem import Problem
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["SphereDescent", "sphere_descent"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class SphereDescent:
    """States of a descent on the sphere.

    Returned by `talweg.phase_retrieval.sphere_descent`. For a single start the axis of the R starts
    is left out.

    Attributes
    ----------
    w : ndarray, shape (R, n)
        The last points; NaN where one overflowed.
    step : ndarray of int, shape (records,)
        Numbers of the recorded steps, that of the last points among them.
    time : ndarray, shape (records,)
        ``eta * step``.
    loss : ndarray, shape (records, R)
    overlap : ndarray, shape (records, R)
        With the signal; NaN without one.
    curvature : ndarray, shape (records, R)
        mu.
    status : ndarray of int, shape (R,), or Status
        `MAX_STEPS` after all steps, `NON_FINITE` where a point overflowed, `INTERRUPTED` where the
        callback or Ctrl-C stopped them.
    nit : int
        Steps that were made.
    message : str
    """

    w: Floats
    step: NDArray[np.int64]
    time: Floats
    loss: Floats
    overlap: Floats
    curvature: Floats
    status: Any
    nit: int
    message: str

    def asdict(self) -> dict[str, Any]:
        """The attributes as a dict."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __repr__(self) -> str:
        count = self.w.shape[0] if self.w.ndim == 2 else 1
        return f"<SphereDescent of {count} point{'s' if count > 1 else ''}: {self.message}>"


def sphere_descent(
    problem: Problem,
    starts: ArrayLike,
    eta: float,
    n_steps: int,
    *,
    record_every: int = 0,
    callback: Callable[[int, Floats], Any] | None = None,
) -> SphereDescent:
    """Gradient descent on the sphere, w <- w - eta (sqrt N / M) X^T l', rescaled to |w|^2 = N.

    Parameters
    ----------
    problem : Problem
    starts : array_like, shape (n,) or (R, n)
        On the sphere. All share every reading of the data; up to 32 cost little more than
        their arithmetic.
    eta : float
        Step length, in units of the time of gradient flow: N times that of `talweg.descend`.
    n_steps : int
    record_every : int, default 0
        Record at steps 0, `record_every`, ... and at the last one; 0: the last one only.
    callback : callable, optional
        ``callback(step, w)`` at each recorded step, `w` a copy of the points; true stops the
        descent.

    Returns
    -------
    SphereDescent

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, starts off the sphere among them.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the SphereDescent so far.

    Notes
    -----
    What a point does depends neither on the points beside it nor on the number of threads, to the
    last bit; nor on `callback` and `record_every`.

    Examples
    --------
    >>> from talweg.phase_retrieval import Problem, sphere_descent
    >>> problem = Problem(100, 8.0, rng=0)
    >>> found = sphere_descent(problem, problem.random_point(1, size=4), 0.05, 2000)
    >>> found.w.shape, found.overlap.shape
    ((4, 100), (1, 4))
    >>> bool(abs(found.overlap).max() > 0.999)
    True
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem: want a Problem, got {type(problem).__name__}")
    points, single = problem._sphere_points(finite_array(starts, "starts"), "starts")
    if not len(points):
        raise ValueError(f"starts: want at least one point, got shape {points.shape}")
    eta = checked_positive(eta, "eta")
    n_steps = checked_count(n_steps, "n_steps", 0)
    every = checked_count(record_every, "record_every", 0)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: want a function, got {type(callback).__name__}")
    run = _Run(problem, points, single, eta)
    try:
        if callback is None:
            run.go(n_steps, every)
            return run.result(None)
        steps = list(range(0, n_steps, every)) if every else []
        for step in [*steps, n_steps]:
            run.go(step - run.done, 0)
            if callback(step, run.w[0].copy() if single else run.w.copy()):
                return run.result(f"stopped by the callback after {step} steps", stopped=True)
        return run.result(None)
    except KeyboardInterrupt as interrupt:
        done = getattr(interrupt, "result", None)
        if isinstance(done, dict):
            run.keep(done)
        interrupt.result = run.result(  # type: ignore[attr-defined]
            f"interrupted after {run.done} steps", stopped=True
        )
        raise


class _Run:
    """A descent in pieces."""

    def __init__(self, problem: Problem, points: Floats, single: bool, eta: float) -> None:
        self.problem, self.single, self.eta = problem, single, eta
        self.w = points
        self.done = 0
        self.records: list[dict[str, Any]] = []

    def go(self, steps: int, every: int) -> None:
        core = self.problem._core
        self.keep(_core.sphere_descent(core, self.w, self.eta, steps, every, self.problem.signal))

    def keep(self, found: dict[str, Any]) -> None:
        self.w = found["w"]
        self.records.append({**found, "step": found["step"] + self.done})
        self.done += found["steps_done"]

    def result(self, message: str | None, stopped: bool = False) -> SphereDescent:
        count = len(self.w)
        step = np.concatenate([np.zeros(0, np.int64), *(r["step"] for r in self.records)])
        loss, overlap, curvature = (
            np.concatenate([np.zeros((0, count)), *(r[key] for r in self.records)])
            for key in ("loss", "overlap", "curvature")
        )
        finite = np.isfinite(self.w).all(axis=1)
        ended = Status.INTERRUPTED if stopped else Status.MAX_STEPS
        status: Any = np.where(finite, int(ended), int(Status.NON_FINITE))
        if message is None:
            message = f"made {self.done} steps"
        if not finite.all():
            message += f"; {int((~finite).sum())} of {count} overflowed: eta is too long"
        w = self.w
        if self.single:
            w, loss, overlap, curvature = w[0], loss[:, 0], overlap[:, 0], curvature[:, 0]
            status = Status(int(status[0]))
        return SphereDescent(
            w, step, self.eta * step, loss, overlap, curvature, status, self.done, message
        )
