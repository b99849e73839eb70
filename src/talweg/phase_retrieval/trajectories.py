"""Descents on the sphere |w|^2 = N with what is measured on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_count, checked_positive
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.sphere import sphere_descent
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Trajectories", "descend", "record_steps"]

#: Multiplications between two looks at whether to stop: a few tenths of a second of them.
_CHUNK = 2**28


@dataclasses.dataclass(eq=False, repr=False)
class Trajectories:
    """Descents of R starts, and what was recorded at K steps.

    Of a single start, shape (n,), the axis of length R is missing everywhere. Rows of records after
    the end of a trajectory are NaN.

    Attributes
    ----------
    w : ndarray, shape (R, n)
        The last points.
    steps : ndarray of int, shape (R,)
        Steps made to there.
    status : ndarray of int, shape (R,)
        Codes of `talweg.Status`: `MAX_STEPS` where all steps were made, `ENTERED_BALL` where the
        overlap reached `target`, `CONVERGED` where the gradient fell to `gtol`, `NOT_CONVERGED` where
        the loss rose in the second half or above that of the start: the step is too long; `NON_FINITE`,
        `INTERRUPTED`. Of one start a `talweg.Status`.
    loss, overlap, mu, slope : ndarray, shape (R,)
        At the last points: the loss, w.w*/N (NaN without a signal), the shift of the Riemannian
        Hessian and the norm of N times the Riemannian gradient over sqrt N.
    step : ndarray of int, shape (K,)
        The numbers of the recorded steps.
    time : ndarray, shape (K,)
        ``step_length * step``.
    path_loss, path_overlap, path_mu, path_slope : ndarray, shape (K, R)
        The same at the recorded steps.
    path_eigenvalue : ndarray, shape (K, R), or None
        The smallest eigenvalue of N times the Riemannian Hessian on the tangent space, for complex
        data without the direction i w of the phase.
    path_eigenvector_overlap : ndarray, shape (K, R), or None
        ``(v.w*)^2/N`` of its eigenvector v of length 1, for complex data ``|<v, w*>|^2/N``.
    path_samples : ndarray, shape (K, R, M), or None
        lambda_i at the recorded steps.
    """

    w: Floats
    steps: Any
    status: Any
    loss: Any
    overlap: Any
    mu: Any
    slope: Any
    step: NDArray[np.int64]
    time: Floats
    path_loss: Floats
    path_overlap: Floats
    path_mu: Floats
    path_slope: Floats
    path_eigenvalue: Floats | None = None
    path_eigenvector_overlap: Floats | None = None
    path_samples: Floats | None = None

    def asdict(self) -> dict[str, Any]:
        """The attributes as a dict."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __repr__(self) -> str:
        codes, counts = np.unique(np.atleast_1d(self.status), return_counts=True)
        how = ", ".join(
            f"{count} {Status(int(code)).name.lower().replace('_', ' ')}"
            for code, count in zip(codes, counts)
        )
        return f"<Trajectories: {np.size(self.status)} starts, {len(self.step)} records: {how}>"


def record_steps(n_steps: int, count: int) -> NDArray[np.int64]:
    """Numbers of steps evenly spaced on a logarithmic scale.

    Parameters
    ----------
    n_steps : int
        The last one.
    count : int
        At most so many, 0 and `n_steps` among them; at least 2.

    Returns
    -------
    ndarray of int

    Examples
    --------
    >>> from talweg.phase_retrieval.trajectories import record_steps
    >>> record_steps(100, 8).tolist()
    [0, 1, 2, 5, 10, 22, 46, 100]
    """
    last = checked_count(n_steps, "n_steps", 0)
    number = checked_count(count, "count", 2)
    if last == 0:
        return np.zeros(1, dtype=np.int64)
    # Spacings that would fall between two steps are given to where there is room.
    inner = np.round(np.geomspace(1, last, number - 1)).astype(np.int64)
    return np.unique(np.concatenate([[0], inner, [last]]))


def descend(
    problem: Problem,
    starts: ArrayLike,
    step_length: float = 0.05,
    n_steps: int = 1600,
    *,
    record: int | ArrayLike = 0,
    curvature: bool = False,
    samples: bool = False,
    target: float | None = None,
    gtol: float = 0.0,
    check_every: int | None = None,
    tol: float = 1e-6,
    callback: Callable[[int, Trajectories], Any] | None = None,
    stop: Callable[[], bool] | None = None,
) -> Trajectories:
    """Gradient descent on the sphere from one start or many, measured on the way.

    A step is ``w <- w - step_length * (sqrt N/M) X' l'``, rescaled to ``|w|^2 = N``: descent of the
    loss with N times its gradient. Time is ``step_length * step``.

    Parameters
    ----------
    problem : Problem
    starts : array_like, shape (n,) or (R, n)
        On the sphere; `problem.random_point` and `talweg.phase_retrieval.spectral_start` make some.
    step_length : float, default 0.05
        Stable below 2 over the largest eigenvalue of N times the Riemannian Hessian, which grows
        like 1/a for small a. A step that is too long shows in the status.
    n_steps : int, default 1600
        80 units of time at the default step length.
    record : int or array_like of int, default 0
        Record the start and after every so many steps, or at these steps. 0: the start and the end.
    curvature : bool, default False
        Record the smallest eigenvalue of the Riemannian Hessian and its vector's overlap with the
        signal. Each search starts from the vector before and a random one. For complex data
        eigenvectors are orthogonal to i w, along which the loss does not change and which would be
        the lowest of a minimum. The overlap is the share in the plane of w* and i w*.
    samples : bool, default False
        Record lambda_i, M numbers for each record and start.
    target : float, optional
        A trajectory ends where the modulus of its overlap with the signal reaches this.
    gtol : float, default 0
        A trajectory ends where the norm of N times its Riemannian gradient, over sqrt N, is at most
        this.
    check_every : int, optional
        Steps between two tests of `target` and `gtol`. Default: about one unit of time.
    tol : float, default 1e-6
        Residual of the eigenpairs, relative to the largest eigenvalue in modulus seen.
    callback : callable, optional
        ``callback(step, trajectories)`` after each record, with what there is so far; true ends all.
    stop : callable, optional
        Asked a few times a second; true ends all. For threads, which Ctrl-C does not reach.

    Returns
    -------
    Trajectories

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Trajectories so far.

    References
    ----------
    Bonnaire, Biroli, Cammarota, From Zero to Hero, arXiv 2403.02418.

    Examples
    --------
    >>> from talweg import phase_retrieval
    >>> problem = phase_retrieval.Problem(60, 6.0, rng=1)
    >>> starts = problem.random_point(rng=2, size=4)
    >>> found = phase_retrieval.descend(problem, starts, record=200, target=0.99)
    >>> found
    <Trajectories: 4 starts, 9 records: 4 entered ball>
    >>> bool((abs(found.overlap) >= 0.99).all())
    True
    """
    if not isinstance(problem, Problem):
        raise TypeError(f"problem: want a Problem, got {type(problem).__name__}")
    for argument, function in (("callback", callback), ("stop", stop)):
        if function is not None and not callable(function):
            raise TypeError(f"{argument}: want a function, got {type(function).__name__}")
    run = _Run(problem, starts, step_length, n_steps, record, curvature, samples, tol)
    if target is not None:
        if not 0.0 < checked_positive(target, "target") <= 1.0:
            raise ValueError(f"target: want an overlap from 0 to 1, got {target}")
        if problem.signal is None:
            raise ValueError("target: this problem has no signal to overlap with")
    if isinstance(gtol, bool) or not isinstance(gtol, (int, float, np.number)) or not gtol >= 0:
        raise ValueError(f"gtol: want a number from 0 on, got {gtol!r}")
    every = max(1, round(1.0 / run.eta))
    if check_every is not None:
        every = checked_count(check_every, "check_every", 1)
    if target is None and gtol == 0:
        every = run.n_steps + 1
    try:
        run.go(target, float(gtol), every, callback, stop)
    except KeyboardInterrupt as interrupt:
        run.end(Status.INTERRUPTED)
        interrupt.result = run.result()  # type: ignore[attr-defined]
        raise
    return run.result()


class _Run:
    """The state of all trajectories."""

    def __init__(
        self,
        problem: Problem,
        starts: Any,
        step_length: float,
        n_steps: int,
        record: Any,
        curvature: bool,
        samples: bool,
        tol: float,
    ) -> None:
        self.problem = problem
        points = finite_array(starts, "starts")
        self.single = points.ndim == 1
        if points.ndim not in (1, 2) or points.shape[-1] != problem.n or not points.size:
            raise ValueError(
                f"starts: want shape ({problem.n},) or (R, {problem.n}), got {points.shape}"
            )
        self.w = np.atleast_2d(points)
        if not np.allclose((self.w**2).sum(axis=1), problem.N, rtol=1e-6):
            raise ValueError(
                "starts: want points on the sphere |w|^2 = N; problem.on_sphere(w) rescales them"
            )
        self.eta = checked_positive(step_length, "step_length")
        self.n_steps = checked_count(n_steps, "n_steps", 0)
        self.step = _schedule(record, self.n_steps)
        self.tol = checked_positive(tol, "tol")
        if curvature and problem.signal is None:
            raise ValueError("curvature: want a problem with a signal")
        R, K = len(self.w), len(self.step)
        self.steps = np.zeros(R, dtype=np.int64)
        self.status = np.full(R, int(Status.RUNNING))
        self.last = np.full((4, R), np.nan)
        self.first_loss = np.full(R, np.nan)
        self.last_rise = np.full(R, -1)
        self.path = np.full((4, K, R), np.nan)
        self.eigen = np.full((2, K, R), np.nan) if curvature else None
        self.vectors: list[Floats | None] = [None] * R
        kind = complex if problem.complex else float
        self.lambdas = np.full((K, R, problem.M), np.nan, kind) if samples else None

    def go(self, target: float | None, gtol: float, every: int, callback: Any, stop: Any) -> None:
        problem = self.problem
        chunk = max(1, _CHUNK // (2 * problem.M * problem.n * len(self.w)))
        k, j = 0, 0
        while True:
            due = j < len(self.step) and k == self.step[j]
            running = np.flatnonzero(self.status == Status.RUNNING)
            if due or k % every == 0 or k == self.n_steps:
                self.measure(running)
                lost = running[~np.isfinite(self.last[:, running][[0, 2, 3]]).all(axis=0)]
                self.status[lost] = int(Status.NON_FINITE)
            if due:
                self.record(j, running)
                j += 1
                if callback is not None and callback(k, self.result()):
                    return self.end(Status.INTERRUPTED)
            if target is not None:
                there = running[np.abs(self.last[1, running]) >= target]
                self.status[there] = int(Status.ENTERED_BALL)
            if gtol > 0.0:
                flat = running[self.last[3, running] <= gtol]
                self.finish(flat, Status.CONVERGED)
            if k == self.n_steps:
                return self.finish(running, Status.MAX_STEPS)
            running = np.flatnonzero(self.status == Status.RUNNING)
            if not len(running):
                return None
            if stop is not None and stop():
                self.measure(running)
                return self.end(Status.INTERRUPTED)
            ahead = [k + chunk, self.n_steps, (k // every + 1) * every]
            if j < len(self.step):
                ahead.append(int(self.step[j]))
            count = min(ahead) - k
            moved = sphere_descent(problem, self.w[running], self.eta, count)
            sound = np.isfinite(moved.w).all(axis=1)
            self.w[running[sound]] = moved.w[sound]
            self.steps[running[sound]] += count
            self.status[running[~sound]] = int(Status.NON_FINITE)
            k += count

    def measure(self, running: NDArray[np.int64]) -> None:
        """Loss, overlap, mu and slope of the running trajectories."""
        problem, w = self.problem, self.w[running]
        if not len(running):
            return
        loss, gradient = problem.loss_and_gradient(w)
        begins = running[self.steps[running] == 0]
        self.first_loss[begins] = loss[self.steps[running] == 0]
        # Rounding lets the loss waver about a minimum.
        before, noise = self.last[0, running], 1e-12 * self.first_loss[running]
        rises = running[loss > before * (1.0 + 1e-9) + noise]
        self.last_rise[rises] = self.steps[rises]
        mu = (w * gradient).sum(axis=1)
        tangent = problem.N * gradient - w * mu[:, None]
        overlap = problem.overlap(w) if problem.signal is not None else np.nan
        self.last[0, running] = loss
        self.last[1, running] = overlap
        self.last[2, running] = mu
        self.last[3, running] = np.linalg.norm(tangent, axis=1) / np.sqrt(problem.N)

    def finish(self, which: NDArray[np.int64], status: Status) -> None:
        """End those that are running, as no descent if the loss rose in the second half or at all.

        The first steps may overshoot where the curvature is largest at the start.
        """
        which = which[self.status[which] == Status.RUNNING]
        rising = self.last_rise[which] > self.steps[which] // 2
        # Steps that are far too long end at maxima, which attract them.
        rising |= self.last[0, which] > self.first_loss[which]
        self.status[which] = np.where(rising, int(Status.NOT_CONVERGED), int(status))

    def record(self, j: int, running: NDArray[np.int64]) -> None:
        self.path[:, j, running] = self.last[:, running]
        for r in running[self.status[running] == Status.RUNNING]:
            if self.lambdas is not None:
                self.lambdas[j, r] = self.problem.samples(self.w[r])[0]
            if self.eigen is not None:
                # The vector before may be nearly orthogonal to a new lowest one.
                rng = np.random.default_rng([j, int(r)])
                start = rng.standard_normal((self.problem.n, 1))
                before = self.vectors[r]
                if before is not None:
                    start = np.hstack([before, start / np.linalg.norm(start)])
                pairs = self.problem.extreme_pairs(
                    self.w[r], start=start, tol=self.tol, phase=False
                )
                vector = pairs.eigenvectors[:, :1]
                self.eigen[0, j, r] = pairs.eigenvalues[0]
                if np.isfinite(vector).all():
                    share = self.problem.overlap(vector[:, 0]) ** 2 * self.problem.N
                    self.eigen[1, j, r], self.vectors[r] = share, vector
                else:
                    self.vectors[r] = None

    def end(self, status: Status) -> None:
        self.status[self.status == Status.RUNNING] = int(status)

    def result(self) -> Trajectories:
        names = ("loss", "overlap", "mu", "slope")
        ends: dict[str, Any] = {"w": self.w, "steps": self.steps, "status": self.status}
        ends |= dict(zip(names, self.last))
        records: dict[str, Any] = {f"path_{name}": self.path[i] for i, name in enumerate(names)}
        if self.eigen is not None:
            records["path_eigenvalue"], records["path_eigenvector_overlap"] = self.eigen
        if self.lambdas is not None:
            records["path_samples"] = self.lambdas
        ends = {name: part[0] if self.single else part.copy() for name, part in ends.items()}
        if self.single:
            records = {name: part[:, 0] for name, part in records.items()}
            ends["w"] = ends["w"].copy()
            ends["status"] = Status(int(ends["status"]))
            ends["steps"] = int(ends["steps"])
            ends |= {name: float(ends[name]) for name in names}
        return Trajectories(
            step=self.step, time=np.asarray(self.eta * self.step, float), **ends, **records
        )


def _schedule(record: Any, n_steps: int) -> NDArray[np.int64]:
    if np.ndim(record) == 0:
        every = checked_count(record, "record", 0)
        if every == 0:
            return np.unique([0, n_steps])
        return np.arange(0, n_steps + 1, every)
    steps = np.asarray(record)
    if steps.dtype.kind not in "iu" or steps.ndim != 1 or not len(steps):
        raise TypeError(f"record: want a whole number or an array of them, got {record!r}")
    if (np.diff(steps) <= 0).any() or steps[0] < 0 or steps[-1] > n_steps:
        raise ValueError(f"record: want increasing steps from 0 to {n_steps}, got {record!r}")
    return steps.astype(np.int64)
