"""Spectra of the Hessian at the start, at the threshold and at the end of descents."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from talweg.extremals.arguments import checked_count
from talweg.phase_retrieval.bulk import bulk_density
from talweg.phase_retrieval.curvature import curvature_weights
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
from talweg.phase_retrieval.experiments.tracks import prediction
from talweg.phase_retrieval.law import empirical_law
from talweg.phase_retrieval.memory import require_memory
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.step_lengths import USUAL_STEP
from talweg.phase_retrieval.trajectories import descend, record_steps
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["STATES", "Spectra", "spectrum"]

STATES = ("start", "threshold", "end")
#: Records of a descent among which the threshold is looked for.
_RECORDS = 60
#: Eigenvalues at which the density is given.
_GRID = 240

_STATE = ("alpha", "state")


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class Spectra(ExperimentResult):
    """Eigenvalues of N times the Riemannian Hessian at three states of descents, with theory.

    Attributes
    ----------
    alpha : ndarray, shape (ratios,)
    state : ndarray of str, shape (3,)
        "start"; "threshold", where the bulk first comes so near to being positive that its depth
        below 0 is a tenth of what it was at the start (the end where it never does); "end".
    step_length : ndarray, shape (ratios,)
        The one that was used.
    time, loss, overlap, mu : ndarray, shape (ratios, 3)
        |w.w*|/N for the overlap.
    eigenvalue : ndarray, shape (ratios, 3, N - 1)
        Ascending, on the tangent space: those of D there, minus mu.
    eigenvector_overlap : ndarray, shape (ratios, 3)
        ``(v.w*)^2/N`` of the vector of the smallest.
    edge, outlier, outlier_overlap, ratio : ndarray, shape (ratios, 3)
        Predicted from the law of (lambda, u) at the state, mu subtracted from the first two; NaN
        next to the signal.
    z, density : ndarray, shape (ratios, 3, points)
        The predicted density of the bulk.
    code : ndarray of int, shape (ratios,)
        How the runs ended, as in `SuccessRates`.
    """

    alpha: Floats
    state: NDArray[np.str_]
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
    z: Floats
    density: Floats
    code: NDArray[np.int64]

    experiment: ClassVar[str] = "spectrum"
    layout: ClassVar[dict[str, Layout]] = {
        "alpha": Layout(("alpha",), "observations for each coordinate, M/N"),
        "state": Layout(("state",), "where on the way"),
        "step_length": Layout(("alpha",), "step length that was used"),
        "time": Layout(_STATE, "step length times steps"),
        "loss": Layout(_STATE, "loss"),
        "overlap": Layout(_STATE, "|w.w*|/N"),
        "mu": Layout(_STATE, "shift of the Riemannian Hessian"),
        "eigenvalue": Layout(
            (*_STATE, "index"), "eigenvalues of N times the Riemannian Hessian on the tangent space"
        ),
        "eigenvector_overlap": Layout(_STATE, "(v.w*)^2/N of the vector of the smallest"),
        "edge": Layout(_STATE, "predicted left edge of the bulk, minus mu"),
        "outlier": Layout(_STATE, "predicted outlier, minus mu"),
        "outlier_overlap": Layout(_STATE, "predicted (v.w*)^2/N"),
        "ratio": Layout(_STATE, "R, above 1 where there is an outlier"),
        "z": Layout((*_STATE, "point"), "where the density is given, minus mu"),
        "density": Layout((*_STATE, "point"), "predicted density of the bulk"),
        "code": Layout(("alpha",), "talweg.Status of the run"),
    }

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw histograms of the eigenvalues with the predicted bulk, edge and outlier.

        Parameters
        ----------
        axes : array of matplotlib Axes, shape (ratios, 3), optional
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
        >>> found = experiments.spectrum(40, [3.0], horizon=1, workers=1)
        >>> figure = found.plot()
        """
        from talweg.plot.phase_retrieval_experiments import draw_spectra

        return draw_spectra(self, axes, title=title)


def spectrum(
    N: int = 500,
    alpha: ArrayLike = (0.8, 3.0, 10.0),
    *,
    a: float = 1.0,
    starts: str = "random",
    horizon: float = 80.0,
    step_length: float | None = None,
    dtype: Any = "float64",
    seed: int = 0,
    folder: Any = None,
    workers: Any = None,
    progress: bool = False,
) -> Spectra:
    """Compute all eigenvalues at the start, at the threshold and at the end of one descent each.

    Parameters
    ----------
    N : int, default 500
        The matrices are dense: time grows like N^3, memory is that of X and three matrices (N, N).
    alpha : float or sequence of float
        Ratios M/N; by default one in each regime for a = 1: below alpha_BBP no outlier at the start,
        between alpha_BBP and alpha_TS one that is lost at the threshold, above one that stays.
    a : float, default 1
        Of the loss; inf for the plain one.
    starts : str, default "random"
        "random", uniform on the sphere, or a kind of `talweg.phase_retrieval.spectral_start`.
    horizon : float, default 80
        Time at the end. A run that finds the signal ends there.
    step_length : float, optional
        Default: 0.05 where that is stable, else a whole fraction of it that is: see
        `talweg.phase_retrieval.default_step_length`. The result has those that were used.
    dtype, seed, folder, workers, progress
        As for `talweg.phase_retrieval.experiments.success`.

    Returns
    -------
    Spectra

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, before any work.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Spectra of what is done.

    Examples
    --------
    >>> from talweg.phase_retrieval import experiments
    >>> found = experiments.spectrum(80, [3.0], horizon=8.0, workers=1)
    >>> found.eigenvalue.shape
    (1, 3, 79)
    """
    size, ratios = checked_count(N, "N", 3), checked_ratios(alpha)
    stepping = checked_descent(step_length, horizon, USUAL_STEP)
    require_memory("N", f"work with three matrices of {size} x {size}", 3 * 8 * size * size)
    for ratio in ratios:
        require_observations(size, ratio, 2)
    shared: dict[str, Any] = {
        "experiment": "spectrum",
        "N": size,
        "a": checked_a(a),
        "start": checked_kind(starts, ratios),
        "dtype": checked_dtype(dtype),
        "seed": checked_seed(seed),
    }
    tasks = [
        {**shared, **stepping.of(size, ratio, shared["a"]), "alpha": ratio, "run": 0}
        for ratio in ratios
    ]
    parameters = {
        **shared,
        "step_length": stepping.given,
        "horizon": float(horizon),
        "alpha": ratios,
    }
    require_data(size, ratios[-1], shared["dtype"], workers, len(tasks))
    return run_experiment(
        _one_descent,
        tasks,
        lambda done: _assembled(parameters, tasks, done),
        folder=checked_folder(folder),
        workers=workers,
        progress=progress,
    )


def _one_descent(
    task: Mapping[str, Any], threads: int, stop: Callable[[], bool]
) -> dict[str, np.ndarray] | None:
    problem, w = instance(task, threads)
    points: list[Floats] = []
    depths: list[float] = []
    times: list[float] = []

    def look(step: int, so_far: Any) -> bool:
        lam, u = problem.samples(so_far.w)
        j = len(points)
        edge = prediction(problem, lam, u, float(so_far.path_overlap[j]))["edge"]
        points.append(so_far.w)
        depths.append(float(so_far.path_mu[j]) - edge)
        times.append(step * task["step_length"])
        return stop()

    found = descend(
        problem,
        w,
        task["step_length"],
        task["n_steps"],
        record=record_steps(task["n_steps"], _RECORDS),
        target=0.999,
        callback=look,
        stop=stop,
    )
    if found.status == Status.INTERRUPTED:
        return None
    shallow = [j for j, depth in enumerate(depths) if depth <= 0.1 * depths[0]]
    end = (task["step_length"] * found.steps, found.w)
    threshold = (times[shallow[0]], points[shallow[0]]) if shallow else end
    states = [(0.0, w), threshold, end]
    rows = []
    for _, at in states:
        if stop():
            return None
        rows.append(_state(problem, at))
    arrays = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    code = np.array(int(found.status))
    return {"time": np.array([time for time, _ in states]), "code": code, **arrays}


def _state(problem: Problem, w: Floats) -> dict[str, Any]:
    """Everything that is measured and predicted at one state."""
    lam, u = problem.samples(w)
    overlap, mu = float(problem.overlap(w)), float(problem.mu(w))
    values, vector = tangent_spectrum(problem, w)
    assert problem.signal is not None
    predicted = prediction(problem, lam, u, overlap)
    del predicted["ratio_error"]
    predicted["edge"] -= mu
    predicted["outlier"] -= mu
    # The bulk needs no orthogonal direction, so that it is known next to the signal too.
    law = empirical_law(lam, u, problem.a)
    z = np.linspace(*_window(values + mu), _GRID)
    return {
        "loss": float(problem.loss(w)),
        "overlap": abs(overlap),
        "mu": mu,
        "eigenvalue": values,
        "eigenvector_overlap": float(problem.signal @ vector) ** 2 / problem.N,
        **predicted,
        "z": z - mu,
        "density": bulk_density(law, problem.alpha, z).density,
    }


def _window(values: Floats) -> tuple[float, float]:
    """From left of the smallest eigenvalue to where most of the others lie."""
    left, right = float(values[0]), float(np.quantile(values, 0.98))
    return left - 0.05 * (right - left), right


def tangent_spectrum(problem: Problem, w: Floats) -> tuple[Floats, Floats]:
    """All eigenvalues of N times the Riemannian Hessian on the tangent space, ascending, shape
    (N - 1,), and the vector of the smallest, shape (N,)."""
    from scipy.linalg import eigh, eigvalsh

    lam, u = problem.samples(w)
    weights = curvature_weights(lam, u, problem.a)
    X, N = problem.X, problem.N
    matrix = np.zeros((N, N))
    # Blocks of rows: no second copy of X, and sums in double precision for any storage.
    rows = max(1, 2**22 // N)
    for i in range(0, problem.M, rows):
        part = np.asarray(X[i : i + rows], dtype=np.float64)
        matrix += (part.T * (weights[i : i + rows] / problem.M)) @ part
    unit = w / np.linalg.norm(w)
    image = matrix @ unit
    inside = float(unit @ image)
    # P D P, with an eigenvalue above all others for w itself.
    matrix -= np.outer(unit, image) + np.outer(image, unit) - inside * np.outer(unit, unit)
    top = 2.0 * float(np.abs(matrix).sum(axis=1).max()) + 1.0
    matrix += top * np.outer(unit, unit)
    _, vectors = eigh(matrix, subset_by_index=[0, 0])
    values = eigvalsh(matrix, overwrite_a=True, check_finite=False)[:-1]
    return values - float(problem.mu(w)), vectors[:, 0]


def _assembled(
    parameters: dict[str, Any],
    tasks: list[dict[str, Any]],
    done: list[dict[str, np.ndarray] | None],
) -> Spectra:
    def stacked(name: str, *shape: int) -> Floats:
        nothing = np.full((len(STATES), *shape), np.nan)
        return np.array([nothing if part is None else part[name] for part in done])

    numbers = ["time", "loss", "overlap", "mu", "eigenvector_overlap"]
    numbers += ["edge", "outlier", "outlier_overlap", "ratio"]
    by_state: dict[str, Any] = {name: stacked(name) for name in numbers}
    return Spectra(
        parameters=parameters,
        tasks=len(done),
        finished=sum(part is not None for part in done),
        alpha=np.array(parameters["alpha"]),
        state=np.array(STATES),
        step_length=np.array([task["step_length"] for task in tasks]),
        eigenvalue=stacked("eigenvalue", parameters["N"] - 1),
        z=stacked("z", _GRID),
        density=stacked("density", _GRID),
        code=np.array([int(part["code"] if part else Status.INTERRUPTED) for part in done]),
        **by_state,
    )
