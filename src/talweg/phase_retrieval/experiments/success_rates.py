"""How often descent finds the signal."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from talweg.extremals.arguments import checked_count
from talweg.phase_retrieval.experiments.arguments import (
    checked_a,
    checked_descent,
    checked_dtype,
    checked_folder,
    checked_kinds,
    checked_ratios,
    checked_seed,
    checked_sizes,
    require_data,
    require_observations,
)
from talweg.phase_retrieval.experiments.binomial import (
    HalfSuccess,
    fit_half_success,
    wilson_interval,
)
from talweg.phase_retrieval.experiments.instances import instance
from talweg.phase_retrieval.experiments.result import ExperimentResult, Layout
from talweg.phase_retrieval.experiments.running import run_experiment
from talweg.phase_retrieval.step_lengths import USUAL_STEP
from talweg.phase_retrieval.trajectories import descend
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["SuccessRates", "success"]

_POINT = ("start", "N", "alpha")
_RUN = (*_POINT, "run")


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class SuccessRates(ExperimentResult):
    """Shares of descents that found the signal, over kinds of start, sizes and ratios.

    Attributes
    ----------
    start : ndarray of str, shape (kinds,)
    N : ndarray of int, shape (sizes,)
    alpha : ndarray, shape (ratios,)
    run : ndarray of int, shape (runs,)
        Each with data, signal and start of its own; the data of a run are the same for every kind
        of start.
    step_length : ndarray, shape (sizes, ratios)
        The one that was used.
    overlap, loss, time : ndarray, shape (kinds, sizes, ratios, runs)
        |w.w*|/N and the loss at the end, and when that was; NaN for runs that are not done.
    first_overlap : ndarray, shape (kinds, sizes, ratios, runs)
        |w.w*|/N of the start.
    code : ndarray of int, shape (kinds, sizes, ratios, runs)
        Codes of `talweg.Status`: `ENTERED_BALL` for success, `MAX_STEPS`, `CONVERGED` (a critical
        point that is not the signal), `NOT_CONVERGED` (the step is too long), `NON_FINITE`,
        `INTERRUPTED` for what is not done.
    runs, successes : ndarray of int, shape (kinds, sizes, ratios)
        Runs that are done, and those of them that reached the overlap asked for.
    rate, low, high : ndarray, shape (kinds, sizes, ratios)
        Their quotient, and Wilson's interval of one standard error.
    half_alpha, half_error, half_slope : ndarray, shape (kinds, sizes)
        The alpha at which half of the runs succeed, from a logistic fit, its standard error, and
        the slope of log rate/(1 - rate) there; NaN where the counts do not tell.
    drift, drift_error : ndarray, shape (kinds,)
        Change of that alpha for each unit of log N.
    """

    start: NDArray[np.str_]
    N: NDArray[np.int64]
    alpha: Floats
    run: NDArray[np.int64]
    step_length: Floats
    overlap: Floats
    loss: Floats
    time: Floats
    first_overlap: Floats
    code: NDArray[np.int64]
    runs: NDArray[np.int64]
    successes: NDArray[np.int64]
    rate: Floats
    low: Floats
    high: Floats
    half_alpha: Floats
    half_error: Floats
    half_slope: Floats
    drift: Floats
    drift_error: Floats

    experiment: ClassVar[str] = "success"
    layout: ClassVar[dict[str, Layout]] = {
        "start": Layout(("start",), "kind of start"),
        "N": Layout(("N",), "coordinates"),
        "alpha": Layout(("alpha",), "observations for each coordinate, M/N"),
        "run": Layout(("run",), "number of the run"),
        "step_length": Layout(("N", "alpha"), "step length that was used"),
        "overlap": Layout(_RUN, "|w.w*|/N at the end"),
        "loss": Layout(_RUN, "loss at the end"),
        "time": Layout(_RUN, "step length times steps made"),
        "first_overlap": Layout(_RUN, "|w.w*|/N at the start"),
        "code": Layout(_RUN, "talweg.Status of the run; 9 is success"),
        "runs": Layout(_POINT, "runs done"),
        "successes": Layout(_POINT, "runs that found the signal"),
        "rate": Layout(_POINT, "successes over runs"),
        "low": Layout(_POINT, "lower end of Wilson's interval of one standard error"),
        "high": Layout(_POINT, "upper end of Wilson's interval of one standard error"),
        "half_alpha": Layout(("start", "N"), "alpha at which half of the runs succeed"),
        "half_error": Layout(("start", "N"), "its standard error"),
        "half_slope": Layout(("start", "N"), "slope of log rate/(1 - rate) in alpha"),
        "drift": Layout(("start",), "change of half_alpha for each unit of log N"),
        "drift_error": Layout(("start",), "its standard error"),
    }

    def half_success(self, kind: str | None = None) -> HalfSuccess:
        """The fits of one kind of start (default: the first)."""
        i = 0 if kind is None else list(self.start).index(kind)
        return fit_half_success(self.N, self.alpha, self.successes[i], self.runs[i])

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw rates against alpha with error bars and fits, and half success against N.

        Parameters
        ----------
        axes : pair of matplotlib Axes, optional
            Default: a new figure.
        title : str, optional

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.

        Examples
        --------
        >>> from talweg.phase_retrieval import experiments
        >>> found = experiments.success(16, [2.0, 6.0], runs=3, horizon=10, workers=1)
        >>> figure = found.plot()
        """
        from talweg.plot.phase_retrieval_experiments import draw_success

        return draw_success(self, axes, title=title)


def success(
    N: ArrayLike = (32, 64, 128),
    alpha: ArrayLike = (1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0),
    starts: Any = "random",
    runs: int = 40,
    *,
    a: float = 1.0,
    horizon: float = 80.0,
    step_length: float | None = None,
    overlap: float = 0.99,
    dtype: Any = "float64",
    seed: int = 0,
    folder: Any = None,
    workers: Any = None,
    progress: bool = False,
) -> SuccessRates:
    """Measure how often descent on the sphere finds the signal.

    Parameters
    ----------
    N : int or sequence of int
        Sizes.
    alpha : float or sequence of float
        Ratios M/N.
    starts : str or sequence of str, default "random"
        "random", uniform on the sphere, or kinds of `talweg.phase_retrieval.spectral_start`.
    runs : int, default 40
        Runs of each kind of start, size and ratio, each with data of its own.
    a : float, default 1
        Of the loss; inf for the plain one.
    horizon : float, default 80
        Time at which a run that has not found the signal has failed: step length times steps.
    step_length : float, optional
        Default: 0.05 where that is stable, else a whole fraction of it that is: see
        `talweg.phase_retrieval.default_step_length`. The result has those that were used.
    overlap : float, default 0.99
        A run that reaches this |w.w*|/N has found the signal.
    dtype : dtype, default float64
        Storage of the data; float32 halves the memory.
    seed : int, default 0
        A run's numbers depend on this, N, alpha and the run's number only, so that a larger
        experiment contains the smaller ones.
    folder : path-like, optional
        Every finished run is kept there, and not done again by a later call.
    workers : int or callable, optional
        Threads, by default one for each processor; or a function like `map` (or an object that has
        one): of an executor, a Dask client, an MPI pool.
    progress : bool, default False
        Show progress (with tqdm where it is installed).

    Returns
    -------
    SuccessRates

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, before any work.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the SuccessRates of what is done.

    Notes
    -----
    A finite horizon and finite N matter: the rate goes on rising slowly with the horizon, and the
    alpha of half success drifts up like log N.

    Examples
    --------
    >>> from talweg.phase_retrieval import experiments
    >>> found = experiments.success(32, [1.0, 6.0], runs=6, horizon=40, workers=1)
    >>> found
    <SuccessRates: 1 start, 1 N, 2 alpha, 6 run>
    >>> bool(found.rate[0, 0, 1] > found.rate[0, 0, 0])
    True
    """
    sizes, ratios = checked_sizes(N), checked_ratios(alpha)
    kinds = checked_kinds(starts, ratios)
    for size, ratio in itertools.product(sizes, ratios):
        require_observations(size, ratio)
    count = checked_count(runs, "runs", 1)
    stepping = checked_descent(step_length, horizon, USUAL_STEP)
    if not (isinstance(overlap, (int, float)) and 0.0 < overlap < 1.0):
        raise ValueError(f"overlap: want a number between 0 and 1, got {overlap!r}")
    shared: dict[str, Any] = {
        "experiment": "success",
        "a": checked_a(a),
        "overlap": float(overlap),
        "dtype": checked_dtype(dtype),
        "seed": checked_seed(seed),
    }
    steps = {
        (size, ratio): stepping.of(size, ratio, shared["a"])
        for size, ratio in itertools.product(sizes, ratios)
    }
    tasks = [
        {**shared, **steps[size, ratio], "start": kind, "N": size, "alpha": ratio, "run": run}
        # Runs outermost: what an interrupt leaves is then spread over all points.
        for run in range(count)
        for size, ratio, kind in itertools.product(sizes, ratios, kinds)
    ]
    shape = (count, len(sizes), len(ratios), len(kinds))
    parameters = {
        **shared,
        "step_length": stepping.given,
        "horizon": float(horizon),
        "N": sizes,
        "alpha": ratios,
        "starts": kinds,
        "runs": count,
    }
    require_data(sizes[-1], ratios[-1], shared["dtype"], workers, len(tasks))
    return run_experiment(
        _one_run,
        tasks,
        lambda done: _assembled(parameters, steps, done, shape),
        folder=checked_folder(folder),
        workers=workers,
        progress=progress,
    )


def _one_run(
    task: Mapping[str, Any], threads: int, stop: Callable[[], bool]
) -> dict[str, np.ndarray] | None:
    """One descent of one problem."""
    problem, w = instance(task, threads)
    found = descend(
        problem,
        w,
        task["step_length"],
        task["n_steps"],
        target=task["overlap"],
        gtol=1e-7,
        stop=stop,
    )
    if found.status == Status.INTERRUPTED:
        return None
    return {
        "overlap": np.array(abs(found.overlap)),
        "loss": np.array(found.loss),
        "time": np.array(task["step_length"] * found.steps),
        "first_overlap": np.array(abs(problem.overlap(w))),
        "code": np.array(int(found.status)),
    }


def _assembled(
    parameters: dict[str, Any],
    steps: dict[tuple[int, float], dict[str, Any]],
    done: list[dict[str, np.ndarray] | None],
    shape: tuple[int, int, int, int],
) -> SuccessRates:
    def column(name: str, nothing: float) -> Any:
        values = [nothing if part is None else part[name][()] for part in done]
        # Tasks run over (run, N, alpha, start).
        return np.ascontiguousarray(np.array(values).reshape(shape).transpose(3, 1, 2, 0))

    code = column("code", int(Status.INTERRUPTED))
    runs = (code != Status.INTERRUPTED).sum(axis=-1)
    successes = (code == Status.ENTERED_BALL).sum(axis=-1)
    low, high = wilson_interval(successes, runs)
    sizes, ratios = parameters["N"], parameters["alpha"]
    fits = [fit_half_success(sizes, ratios, k, n) for k, n in zip(successes, runs)]
    return SuccessRates(
        parameters=parameters,
        tasks=len(done),
        finished=sum(part is not None for part in done),
        start=np.array(parameters["starts"]),
        N=np.array(sizes),
        alpha=np.array(ratios),
        run=np.arange(parameters["runs"]),
        step_length=np.array([[steps[N, alpha]["step_length"] for alpha in ratios] for N in sizes]),
        **{name: column(name, np.nan) for name in ("overlap", "loss", "time", "first_overlap")},
        code=code,
        runs=runs,
        successes=successes,
        rate=np.where(runs > 0, successes / np.maximum(runs, 1), np.nan),
        low=low,
        high=high,
        half_alpha=np.array([fit.alpha for fit in fits]),
        half_error=np.array([fit.error for fit in fits]),
        half_slope=np.array([fit.slope for fit in fits]),
        drift=np.array([fit.drift for fit in fits]),
        drift_error=np.array([fit.drift_error for fit in fits]),
    )
