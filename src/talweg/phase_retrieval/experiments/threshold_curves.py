"""The two thresholds against the constant of the loss."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from talweg.phase_retrieval.experiments.arguments import checked_a, checked_folder
from talweg.phase_retrieval.experiments.result import ExperimentResult, Layout
from talweg.phase_retrieval.experiments.running import run_experiment
from talweg.phase_retrieval.thresholds import alpha_threshold
from talweg.phase_retrieval.transitions import alpha_bbp

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Thresholds", "thresholds"]

_KINDS = ("none", "continuous", "discontinuous")


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class Thresholds(ExperimentResult):
    """alpha_BBP(a) and alpha_TS(a).

    Attributes
    ----------
    a : ndarray, shape (losses,)
        Constants of the loss; inf for the plain one.
    alpha_bbp : ndarray, shape (losses,)
        The ratio M/N above which the Hessian at a random start has an outlier along the signal; inf
        for the plain loss, which has none at any ratio.
    kind : ndarray of str, shape (losses,)
        "continuous", "discontinuous" or "none": see `talweg.phase_retrieval.alpha_bbp`.
    alpha_threshold : ndarray, shape (losses,)
        The ratio above which the threshold states are unstable towards the signal: a replica
        prediction (1RSB), no fact about descent. NaN where its equations were not solved.
    """

    a: Floats
    alpha_bbp: Floats
    kind: NDArray[np.str_]
    alpha_threshold: Floats

    experiment: ClassVar[str] = "thresholds"
    layout: ClassVar[dict[str, Layout]] = {
        "a": Layout(("a",), "constant of the loss"),
        "alpha_bbp": Layout(("a",), "M/N from which a random start has an outlier"),
        "kind": Layout(("a",), "continuous, discontinuous or none"),
        "alpha_threshold": Layout(("a",), "M/N from which threshold states lead on (1RSB)"),
    }

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw both curves.

        Parameters
        ----------
        axes : matplotlib Axes, optional
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
        >>> found = experiments.thresholds([0.5, 1.0, 2.0], workers=1)
        >>> figure = found.plot()
        """
        from talweg.plot.phase_retrieval_experiments import draw_thresholds

        return draw_thresholds(self, axes, title=title)


def thresholds(
    a: ArrayLike | None = None,
    *,
    folder: Any = None,
    workers: Any = None,
    progress: bool = False,
) -> Thresholds:
    """Compute alpha_BBP(a) and alpha_TS(a).

    Parameters
    ----------
    a : float or sequence of float, optional
        Constants of the loss, inf for the plain one. Default: 19 from 0.01 to 10, with the corner of
        the first curve at 1.108755, and inf.
    folder, workers, progress
        As for `talweg.phase_retrieval.experiments.success`.

    Returns
    -------
    Thresholds

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, before any work.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Thresholds of what is done.

    Examples
    --------
    >>> from talweg.phase_retrieval import experiments
    >>> found = experiments.thresholds([1.0, 2.0], workers=1)
    >>> found.alpha_bbp.round(4), found.kind.tolist(), found.alpha_threshold.round(3)
    (array([1.1349, 1.6904]), ['continuous', 'discontinuous'], array([7.094, 8.057]))
    """
    if a is None:
        values = [*np.geomspace(0.01, 10.0, 19), 1.108755, math.inf]
    else:
        values = [a] if np.ndim(a) == 0 else list(a)  # type: ignore[arg-type]
    if not values:
        raise ValueError("a: want at least one number")
    losses = sorted({checked_a(value) for value in values})
    tasks = [{"experiment": "thresholds", "a": value} for value in losses]
    parameters = {"experiment": "thresholds", "a": losses}
    return run_experiment(
        _one_loss,
        tasks,
        lambda done: _assembled(parameters, done),
        folder=checked_folder(folder),
        workers=workers,
        progress=progress,
    )


def _one_loss(
    task: Mapping[str, Any], threads: int, stop: Callable[[], bool]
) -> dict[str, np.ndarray] | None:
    if stop():
        return None
    first = alpha_bbp(task["a"])
    try:
        second = alpha_threshold(task["a"]).alpha
    except ArithmeticError:
        second = math.nan
    return {
        "alpha_bbp": np.array(first.alpha),
        "kind": np.array(_KINDS.index(first.kind)),
        "alpha_threshold": np.array(second),
    }


def _assembled(parameters: dict[str, Any], done: list[dict[str, np.ndarray] | None]) -> Thresholds:
    kinds = ["" if part is None else _KINDS[int(part["kind"])] for part in done]

    def column(name: str) -> Floats:
        return np.array([np.nan if part is None else part[name] for part in done], dtype=float)

    return Thresholds(
        parameters=parameters,
        tasks=len(done),
        finished=sum(part is not None for part in done),
        a=np.array(parameters["a"]),
        alpha_bbp=column("alpha_bbp"),
        kind=np.array(kinds),
        alpha_threshold=column("alpha_threshold"),
    )
