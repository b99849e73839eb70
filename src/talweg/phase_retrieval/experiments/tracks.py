"""The lowest eigenvalue, the edge and the outlier along descents, and when the outlier is lost."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from talweg.extremals.arguments import checked_count
from talweg.phase_retrieval.crossing import t_bbp
from talweg.phase_retrieval.experiments.arguments import (
    checked_a,
    checked_descent,
    checked_dtype,
    checked_folder,
    checked_kind,
    checked_ratios,
    checked_seed,
    require_data,
    require_observations,
)
from talweg.phase_retrieval.experiments.instances import instance
from talweg.phase_retrieval.experiments.result import ExperimentResult, Layout
from talweg.phase_retrieval.experiments.running import run_experiment
from talweg.phase_retrieval.law import empirical_law
from talweg.phase_retrieval.outlier import outlier
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.trajectories import descend, record_steps
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["PREDICTED", "Track", "prediction", "track"]

_USUAL_STEP = 0.02

#: The formulas divide by 1 - m^2; nearer to the signal nothing is predicted.
_LARGEST_OVERLAP = 0.99

#: What `prediction` knows.
PREDICTED = ("edge", "outlier", "outlier_overlap", "ratio", "ratio_error")

_RUN = ("alpha", "run")
_RECORD = (*_RUN, "record")
_SAMPLE = (*_RUN, "sample")


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class Track(ExperimentResult):
    """Curvature along descents, measured and predicted from the law of (lambda, u) at each record.

    D is N times the Euclidean Hessian; its eigenvalues below are those on the tangent space, which
    minus mu are those of N times the Riemannian Hessian. The predictions are for N to infinity, and
    hold to the leading order where the overlap m is not 0.

    Attributes
    ----------
    alpha : ndarray, shape (ratios,)
    run : ndarray of int, shape (runs,)
    step_length : ndarray, shape (ratios,)
        The one that was used.
    time : ndarray, shape (records,)
    loss, overlap, mu : ndarray, shape (ratios, runs, records)
        |w.w*|/N for the overlap. NaN after the signal was found.
    eigenvalue : ndarray, shape (ratios, runs, records)
        The smallest eigenvalue of D.
    eigenvector_overlap : ndarray, shape (ratios, runs, records)
        ``(v.w*)^2/N`` of its eigenvector.
    edge, outlier, outlier_overlap, ratio : ndarray, shape (ratios, runs, records)
        Predicted: the left edge of the bulk, the outlier below it and its overlap squared (NaN and 0
        where there is none), and the ratio R, above 1 where there is one.
    ratio_error : ndarray, shape (ratios, runs, records)
        Standard error of R as a mean over M observations.
    t_bbp : ndarray, shape (ratios, runs)
        When R falls through 1; NaN where it does not.
    t_bbp_case : ndarray of str, shape (ratios, runs)
        Whether it does, or why not. "crosses"; "below": there is no outlier from the start on;
        "above": there is one until the horizon; "ended": there is one until the run ended, as where
        it found the signal (see `code`); "unmeasured": fewer than two records, as of a run that is
        not done.
    t_bbp_mean, t_bbp_error, t_bbp_spread : ndarray, shape (ratios,)
        Mean over the runs in which it does, its standard error, and the standard deviation; NaN for
        too few. See `talweg.phase_retrieval.t_bbp`.
    code : ndarray of int, shape (ratios, runs)
        How the runs ended, as in `SuccessRates`.
    late_lambda, late_u : ndarray, shape (ratios, runs, samples)
        The law at the end, of up to 4000 observations; NaN beyond M.
    """

    alpha: Floats
    run: NDArray[np.int64]
    step_length: Floats
    time: Floats
    loss: Floats
    overlap: Floats
    mu: Floats
    eigenvalue: Floats
    eigenvector_overlap: Floats
    edge: Floats
    outlier: Floats
    outlier_overlap: Floats
    ratio: Floats
    ratio_error: Floats
    t_bbp: Floats
    t_bbp_case: NDArray[np.str_]
    t_bbp_mean: Floats
    t_bbp_error: Floats
    t_bbp_spread: Floats
    code: NDArray[np.int64]
    late_lambda: Floats
    late_u: Floats

    experiment: ClassVar[str] = "track"
    layout: ClassVar[dict[str, Layout]] = {
        "alpha": Layout(("alpha",), "observations for each coordinate, M/N"),
        "run": Layout(("run",), "number of the run"),
        "step_length": Layout(("alpha",), "step length that was used"),
        "time": Layout(("record",), "step length times steps"),
        "loss": Layout(_RECORD, "loss"),
        "overlap": Layout(_RECORD, "|w.w*|/N"),
        "mu": Layout(_RECORD, "shift of the Riemannian Hessian"),
        "eigenvalue": Layout(_RECORD, "smallest eigenvalue of D on the tangent space"),
        "eigenvector_overlap": Layout(_RECORD, "(v.w*)^2/N of its eigenvector"),
        "edge": Layout(_RECORD, "predicted left edge of the bulk"),
        "outlier": Layout(_RECORD, "predicted outlier"),
        "outlier_overlap": Layout(_RECORD, "predicted (v.w*)^2/N"),
        "ratio": Layout(_RECORD, "R, above 1 where there is an outlier"),
        "ratio_error": Layout(_RECORD, "its standard error"),
        "t_bbp": Layout(_RUN, "time at which R falls through 1"),
        "t_bbp_case": Layout(_RUN, "whether R falls through 1, or why not"),
        "t_bbp_mean": Layout(("alpha",), "mean over runs"),
        "t_bbp_error": Layout(("alpha",), "standard error of the mean"),
        "t_bbp_spread": Layout(("alpha",), "standard deviation over runs"),
        "code": Layout(_RUN, "talweg.Status of the run"),
        "late_lambda": Layout(_SAMPLE, "lambda_i at the end"),
        "late_u": Layout(_SAMPLE, "u_i"),
    }

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw eigenvalue, edge and outlier, and the squared overlap, against time.

        Parameters
        ----------
        axes : array of matplotlib Axes, shape (2, ratios), optional
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
        >>> found = experiments.track(40, [3.0], 1, horizon=1, records=5, workers=1)
        >>> figure = found.plot()
        """
        from talweg.plot.phase_retrieval_experiments import draw_track

        return draw_track(self, axes, title=title)

    def plot_t_bbp(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw t_BBP against alpha."""
        from talweg.plot.phase_retrieval_experiments import draw_t_bbp

        return draw_t_bbp(self, axes, title=title)

    def plot_late_law(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw the late law of (lambda, u) beside that of the 1RSB threshold states."""
        from talweg.plot.phase_retrieval_experiments import draw_late_law

        return draw_late_law(self, axes, title=title)


def track(
    N: int = 500,
    alpha: ArrayLike = (1.5, 2.0, 3.0, 4.0),
    runs: int = 2,
    *,
    a: float = 1.0,
    starts: str = "random",
    horizon: float = 20.0,
    step_length: float | None = None,
    records: int = 40,
    dtype: Any = "float64",
    seed: int = 0,
    folder: Any = None,
    workers: Any = None,
    progress: bool = False,
) -> Track:
    """Follow the curvature along descents, and find when its direction to the signal is lost.

    Parameters
    ----------
    N : int, default 500
    alpha : float or sequence of float
        Ratios M/N.
    runs : int, default 2
        Of each ratio, each with data of its own.
    a : float, default 1
        Of the loss; inf for the plain one.
    starts : str, default "random"
        "random", uniform on the sphere, or a kind of `talweg.phase_retrieval.spectral_start`.
    horizon : float, default 20
        Time at the end. A run that finds the signal ends there.
    step_length : float, optional
        Default: 0.02 where that is stable, else a whole fraction of it that is: see
        `talweg.phase_retrieval.default_step_length`. The result has those that were used.
    records : int, default 40
        Times at which the curvature is taken, evenly spaced on a logarithmic scale.
    dtype, seed, folder, workers, progress
        As for `talweg.phase_retrieval.experiments.success`.

    Returns
    -------
    Track

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, before any work.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Track of what is done.

    Examples
    --------
    >>> from talweg.phase_retrieval import experiments
    >>> found = experiments.track(100, [3.0], 1, horizon=4.0, records=12, workers=1)
    >>> bool((found.eigenvalue[0, 0] < found.edge[0, 0] + 0.5).all())
    True
    """
    size, ratios = checked_count(N, "N", 2), checked_ratios(alpha)
    for ratio in ratios:
        require_observations(size, ratio, 2)
    count = checked_count(runs, "runs", 1)
    stepping = checked_descent(step_length, horizon, _USUAL_STEP)
    schedule = record_steps(stepping.n_steps, checked_count(records, "records", 2))
    time: Floats = np.multiply(stepping.step, schedule, dtype=np.float64)
    shared: dict[str, Any] = {
        "experiment": "track",
        "N": size,
        "a": checked_a(a),
        "start": checked_kind(starts, ratios),
        "records": int(records),
        "dtype": checked_dtype(dtype),
        "seed": checked_seed(seed),
    }
    steps = {ratio: stepping.of(size, ratio, shared["a"]) for ratio in ratios}
    for ratio in ratios:
        parts = stepping.parts(size, ratio, shared["a"])
        # All ratios are looked at at the same times.
        if parts > 1:
            steps[ratio]["steps_between"] = parts
    tasks = [
        {**shared, **steps[ratio], "alpha": ratio, "run": run}
        for run, ratio in itertools.product(range(count), ratios)
    ]
    parameters = {
        **shared,
        "step_length": stepping.given,
        "horizon": float(horizon),
        "alpha": ratios,
        "runs": count,
    }
    shape = (count, len(ratios))
    require_data(size, ratios[-1], shared["dtype"], workers, len(tasks))
    return run_experiment(
        _one_run,
        tasks,
        lambda done: _assembled(
            parameters, [steps[ratio]["step_length"] for ratio in ratios], done, shape, time
        ),
        folder=checked_folder(folder),
        workers=workers,
        progress=progress,
    )


def prediction(problem: Problem, lam: Floats, u: Floats, overlap: float) -> dict[str, float]:
    """Edge, outlier, its squared overlap and R for the law of (lambda, u) at a state."""
    if not abs(overlap) <= _LARGEST_OVERLAP or not np.isfinite(lam).all():
        return dict.fromkeys(PREDICTED, np.nan)
    found = outlier(empirical_law(lam, u, problem.a, overlap=overlap), problem.alpha)
    return {
        "edge": found.edge,
        "outlier": found.eigenvalue,
        "outlier_overlap": found.overlap_squared,
        "ratio": found.ratio,
        "ratio_error": found.ratio_error,
    }


def _one_run(
    task: Mapping[str, Any], threads: int, stop: Callable[[], bool]
) -> dict[str, np.ndarray] | None:
    problem, w = instance(task, threads)
    parts = task.get("steps_between", 1)
    schedule = parts * record_steps(task["n_steps"] // parts, task["records"])
    predicted: list[dict[str, float]] = []
    u = problem.samples(w)[1]

    def predict(step: int, so_far: Any) -> bool:
        j = len(predicted)
        lam = so_far.path_samples[j]
        predicted.append(prediction(problem, lam, u, float(so_far.path_overlap[j])))
        return stop()

    found = descend(
        problem,
        w,
        task["step_length"],
        task["n_steps"],
        record=schedule,
        curvature=True,
        samples=True,
        target=0.999,
        callback=predict,
        stop=stop,
    )
    if found.status == Status.INTERRUPTED:
        return None
    rest = len(schedule) - len(predicted)
    arrays = {
        name: np.array([part[name] for part in predicted] + [np.nan] * rest) for name in PREDICTED
    }
    assert found.path_eigenvalue is not None and found.path_eigenvector_overlap is not None
    late_lambda, _ = problem.samples(found.w)
    return {
        **arrays,
        "loss": found.path_loss,
        "overlap": np.abs(found.path_overlap),
        "mu": found.path_mu,
        "eigenvalue": found.path_eigenvalue + found.path_mu,
        "eigenvector_overlap": found.path_eigenvector_overlap,
        "code": np.array([int(found.status)]),
        "late_lambda": late_lambda[:4000],
        "late_u": u[:4000],
    }


def _assembled(
    parameters: dict[str, Any],
    step_lengths: list[float],
    done: list[dict[str, np.ndarray] | None],
    shape: tuple[int, int],
    time: Floats,
) -> Track:
    sizes = [round(parameters["N"] * ratio) for ratio in parameters["alpha"]]
    samples = min(4000, max(sizes))

    def stacked(name: str, length: int) -> Floats:
        rows = np.full((len(done), length), np.nan)
        for row, part in zip(rows, done):
            if part is not None:
                row[: len(part[name])] = part[name]
        # Tasks run over (run, alpha).
        return np.ascontiguousarray(rows.reshape(*shape, length).swapaxes(0, 1))

    by_record: dict[str, Any] = {
        name: stacked(name, len(time))
        for name in (
            "loss",
            "overlap",
            "mu",
            "eigenvalue",
            "eigenvector_overlap",
            *PREDICTED,
        )
    }
    ratios, errors = by_record["ratio"], np.nan_to_num(by_record["ratio_error"])
    lost = [t_bbp(time, values, bars) for values, bars in zip(ratios, errors)]
    return Track(
        parameters=parameters,
        tasks=len(done),
        finished=sum(part is not None for part in done),
        alpha=np.array(parameters["alpha"]),
        run=np.arange(parameters["runs"]),
        step_length=np.array(step_lengths),
        time=time,
        **by_record,
        t_bbp=np.array([each.times for each in lost]),
        t_bbp_case=np.array([each.cases for each in lost]),
        t_bbp_mean=np.array([each.time for each in lost]),
        t_bbp_error=np.array([each.error for each in lost]),
        t_bbp_spread=np.array([each.spread for each in lost]),
        code=np.nan_to_num(stacked("code", 1)[..., 0], nan=int(Status.INTERRUPTED)).astype(int),
        late_lambda=stacked("late_lambda", samples),
        late_u=stacked("late_u", samples),
    )
