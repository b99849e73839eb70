"""Stationary variances of noisy descent: the predicted ones next to the measured ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.method import checked_method
from talweg.checks.minimum import Minimum, found_minimum, lengths
from talweg.descent import descend
from talweg.extremals.arguments import (
    checked_count,
    checked_generator,
    checked_objective,
    checked_positive,
    checked_workers,
    dimension_of,
)
from talweg.objective import Objective
from talweg.theory import stationary_variance

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["StationaryCheck", "stationary"]

#: Steps in units of the longest correlation time: before the measurement, and of it.
_BEFORE, _DURING = 20.0, 200.0
#: Standard errors that a difference may have: there are as many differences as coordinates.
_DEVIATION = 4.5
_TELLING = 0.1


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class StationaryCheck:
    """Predicted and measured variances along the eigenvectors of a minimum, softest first.

    Attributes
    ----------
    predicted : ndarray, shape (n,)
        `talweg.theory.stationary_variance`.
    measured, error : ndarray, shape (n,)
        Variances in time and over the ensemble, and their errors: the standard error between
        trajectories, which are independent, so that correlation in time is accounted for; and an
        estimate of what higher derivatives change.
    largest_predicted, largest_measured : int
        The direction of the largest variance.
    deviation : float
        By how many standard errors that one exceeds the second largest, measured.
    verdict : str
        "agrees", "disagrees" or "undecided".
    message : str
    steps, record_every : int
        Steps of each trajectory that were measured, and how many apart.
    status : ndarray of int, shape (m,)
        Codes of `talweg.Status`.
    eigenvalues, eigenvectors : ndarray, shapes (n,) and (n, n)
    """

    predicted: Floats
    measured: Floats
    error: Floats
    largest_predicted: int
    largest_measured: int
    deviation: float
    verdict: str
    message: str
    steps: int
    record_every: int
    status: Any
    eigenvalues: Floats
    eigenvectors: Floats

    @property
    def agrees(self) -> bool | None:
        """True or False for a verdict, None where it is undecided."""
        return {"agrees": True, "disagrees": False}.get(self.verdict)

    def asdict(self) -> dict[str, Any]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __repr__(self) -> str:
        return f"StationaryCheck({self.verdict}: {self.message})"


def stationary(
    f: Objective | Callable[[Any], Any],
    x_min: ArrayLike,
    step_length: float,
    noise: float,
    *,
    momentum: float = 0.0,
    nesterov: bool = False,
    n_trajectories: int = 64,
    max_steps: int = 100_000,
    rng: Any = 0,
    workers: int | None = None,
) -> StationaryCheck:
    """Measure where noise in the gradient keeps the iterates of descent, and compare.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x_min : array_like, shape (n,)
        A nondegenerate minimum, at which all trajectories start.
    step_length : float
        Below the bound of stability.
    noise : float
        Variance of independent normal noise in each coordinate of the gradient.
    momentum : float, default 0
    nesterov : bool, default False
        As for `talweg.descend`.
    n_trajectories : int, default 64
        At least 8.
    max_steps : int, default 100000
        Of each trajectory; fewer are taken where correlations are short.
    rng : None, int or numpy.random.Generator, default 0
    workers : int, optional
        Threads that share the trajectories. The result does not depend on it.

    Returns
    -------
    StationaryCheck

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, among them an `x_min` that is no minimum and an unstable step.

    References
    ----------
    The theory page of the documentation, section "Noise".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.quadratic([1.0, 4.0])
    >>> check = talweg.checks.stationary(f, [0.0, 0.0], 0.3, 1e-4)
    >>> check.verdict, check.largest_measured
    ('agrees', 0)
    """
    objective = checked_objective(f, dimension_of(None, x_min))
    method = checked_method(checked_positive(step_length, "step_length"), momentum, nesterov)
    variance = checked_positive(noise, "noise")
    count = checked_count(n_trajectories, "n_trajectories", 8)
    limit = checked_count(max_steps, "max_steps", 100)
    threads = checked_workers(workers) or None
    generator = checked_generator(rng)
    minimum = found_minimum(objective, x_min)
    assert method.step_length is not None
    arguments = (method.step_length, variance, method.momentum, method.nesterov)
    predicted = stationary_variance(minimum.eigenvalues, *arguments)
    correlation = 1.0 / float(method.decay(minimum.eigenvalues).min())
    before = min(int(np.ceil(_BEFORE * correlation)), limit // 2)
    every = max(1, int(0.5 * correlation))
    during = max(min(int(np.ceil(_DURING * correlation)), limit - before) // every, 8) * every
    run = descend(
        minimum.offset,
        np.zeros((count, minimum.n)),
        method.step_length,
        -(-before // every) * every + during,
        momentum=method.momentum,
        nesterov=method.nesterov,
        noise=variance,
        record_every=every,
        rng=generator,
        workers=threads,
    )
    kept = np.flatnonzero(run.status < 100)
    y = run.path[-(during // every) :, kept]
    return _check(minimum, predicted, y, run.status, during, every, correlation)


def _check(
    minimum: Minimum,
    predicted: Floats,
    y: Floats,
    status: Any,
    during: int,
    every: int,
    correlation: float,
) -> StationaryCheck:
    m = y.shape[1]
    n = minimum.n
    measured, spread = np.full(n, np.nan), np.full(n, np.nan)
    largest, deviation = -1, float("nan")
    inside = bool(m) and float(np.median(lengths(y))) < minimum.radius
    if m >= 8:
        # About the mean of all, which higher derivatives move off the minimum.
        each = ((y - y.mean(axis=(0, 1))) ** 2).mean(axis=0)
        measured = each.mean(axis=0)
        spread = each.std(axis=0, ddof=1) / np.sqrt(m)
        order = np.argsort(measured)
        largest = int(order[-1])
        if n > 1:
            apart = each[:, order[-1]] - each[:, order[-2]]
            deviation = float(apart.mean() / (apart.std(ddof=1) / np.sqrt(m)))
    # Relative change by third derivatives is of second order in the distance over their length.
    bend = float(predicted.sum()) / minimum.radius**2
    error = np.hypot(spread, bend * predicted)
    verdict, message = _judged(predicted, measured, error, bend, m, len(status), inside)
    if m >= 8 and during < 50.0 * correlation:
        verdict = "undecided"
        message = f"The run is too short: {during} steps, correlations of {correlation:.3g}."
    return StationaryCheck(
        predicted=predicted,
        measured=measured,
        error=error,
        largest_predicted=int(np.argmax(predicted)),
        largest_measured=largest,
        deviation=deviation,
        verdict=verdict,
        message=message,
        steps=during,
        record_every=every,
        status=status,
        eigenvalues=minimum.eigenvalues,
        eigenvectors=minimum.axes,
    )


def _judged(
    predicted: Floats,
    measured: Floats,
    error: Floats,
    bend: float,
    m: int,
    total: int,
    inside: bool,
) -> tuple[str, str]:
    if m < 8:
        return "undecided", f"Only {m} of {total} trajectories stay finite; 8 are wanted."
    if not inside:
        return (
            "undecided",
            "Half of the trajectories leave the ball in which the quadratic form holds.",
        )
    worst = int(np.argmax(np.abs(measured - predicted) / error))
    away = float((measured - predicted)[worst] / error[worst])
    seen = (
        f"largest deviation {away:.1f} errors, along direction {worst}: measured {measured[worst]:.5g} +- "
        f"{error[worst]:.1g}, predicted {predicted[worst]:.5g}"
    )
    if (error > _TELLING * predicted).any():
        cause = "the noise is not small" if bend > 0.5 * _TELLING else "the ensemble is too small"
        return "undecided", f"The errors are too large for a verdict, as {cause} ({seen})."
    if abs(away) > _DEVIATION:
        return "disagrees", f"The variances differ ({seen})."
    return "agrees", f"All {len(predicted)} variances agree ({seen})."
