"""Gradient descent on the sphere |w|^2 = N, of one point or of many that share the data."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

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

    Attributes
    ----------
    w : ndarray, shape (n,) or (R, n)
        The last points.
    step : ndarray of int, shape (records,)
        Numbers of the recorded steps, the last one among them.
    time : ndarray, shape (records,)
        ``eta * step``.
    loss, overlap, curvature : ndarray, shape (records,) or (records, R)
        At the recorded steps: the loss, the overlap with the signal (NaN without one), mu.
    status : Status or ndarray of int, shape (R,)
        `CONVERGED` after all steps, `NON_FINITE` where values overflowed, `INTERRUPTED`.
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


def sphere_descent(
    problem: Problem,
    starts: ArrayLike,
    eta: float,
    n_steps: int,
    *,
    record_every: int = 0,
    callback: Callable[[int, Floats], Any] | None = None,
) -> SphereDescent:
    starts = finite_array(starts, "starts")
    points, single = problem._sphere_points(starts)
    eta = checked_positive(eta, "eta")
    n_steps = checked_count(n_steps, "n_steps", 0)
    every = checked_count(record_every, "record_every", 0) or max(n_steps, 1)
    w = points.copy()
    root = math.sqrt(problem.N)
    records: list[tuple[Any, ...]] = []
    done = 0
    message = "made all steps"
    for k in range(n_steps + 1):
        g = problem.grad(w)
        if k % every == 0 or k == n_steps:
            m = (
                np.atleast_1d(problem.overlap(w))
                if problem.signal is not None
                else np.full(len(w), np.nan)
            )
            records.append((k, problem.loss(w), m, (w * g).sum(axis=1)))
            if callback is not None and callback(k, w[0] if single else w):
                message = "stopped by the callback"
                break
        if k < n_steps:
            w = w - eta * problem.N * g
            w *= (root / np.linalg.norm(w, axis=1))[:, None]
            done += 1
    step = np.array([r[0] for r in records])
    loss, overlap, curvature = (np.stack([r[i] for r in records]) for i in (1, 2, 3))
    status = np.where(np.isfinite(w).all(axis=1), Status.CONVERGED, Status.NON_FINITE)
    if single:
        return SphereDescent(
            w[0],
            step,
            eta * step,
            loss[:, 0],
            overlap[:, 0],
            curvature[:, 0],
            Status(int(status[0])),
            done,
            message,
        )
    return SphereDescent(w, step, eta * step, loss, overlap, curvature, status, done, message)
