"""Stationary variances under isotropic noise, measured beside what theory predicts."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.arguments import checked_count, checked_objective, dimension_of
from talweg.theory.arguments import checked_momentum, checked_step

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from talweg.objective import Objective

    Floats = NDArray[np.float64]

__all__ = ["StationaryCheck", "stationary"]

#: Extent of the noisy cloud, as a part of the length over which third derivatives change H.
_EXTENT = 3e-3
#: Steps that a check may take, all lanes together.
_MOST_STEPS = 40_000_000


@dataclasses.dataclass(frozen=True)
class StationaryCheck:
    """Variances of noisy descent along the eigenvectors of a minimum.

    Attributes
    ----------
    predicted : ndarray, shape (n,)
        `talweg.theory.stationary_variance`, ascending in the eigenvalue.
    measured, error : ndarray, shape (n,)
        Mean squares over many descents and many steps, and their standard errors over descents.
    agrees : bool or None
        Whether all differ from the prediction by no more than chance explains: at most 4 errors,
        5 of more than 30 directions. None where nothing could be measured.
    message : str
    step_length, momentum, noise_variance : float
    nesterov : bool
    window : tuple of int
        The steps that were averaged over: from, to.
    lanes : int
        Independent descents.
    """

    predicted: Floats
    measured: Floats
    error: Floats
    agrees: bool | None
    message: str
    step_length: float
    momentum: float
    noise_variance: float
    nesterov: bool
    window: tuple[int, int]
    lanes: int


def stationary(
    f: Objective | Callable[[Any], Any],
    x_min: ArrayLike,
    step_length: float,
    *,
    momentum: float = 0.0,
    nesterov: bool = False,
    n_starts: int = 2048,
    samples: int = 60,
    rng: Any = 0,
    workers: int | None = None,
) -> StationaryCheck:
    """Descend with noise next to a minimum and compare variances with the prediction.

    The noise is so weak that third derivatives change the variances by less than a thousandth.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x_min : array_like, shape (n,)
        A nondegenerate minimum.
    step_length : float
        Below the bound of stability.
    momentum : float, default 0
    nesterov : bool, default False
    n_starts : int, default 2048
        Independent descents.
    samples : int, default 60
        Times at which each of them is looked at, about a correlation time apart.
    rng : None, int or numpy.random.Generator, default 0
    workers : int, optional

    Returns
    -------
    StationaryCheck

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, an `x_min` that is no minimum or an unstable step among them.

    References
    ----------
    The theory page of the documentation, section "Noise".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 4 * x[1]**2) / 2 + x[0]**2 * x[1], 2)
    >>> check = talweg.checks.stationary(f, [0.0, 0.0], 0.3)
    >>> check.agrees, int(check.measured.argmax())
    (True, 0)
    >>> int(talweg.checks.stationary(f, [0.0, 0.0], 0.45).measured.argmax())
    1
    """
    from talweg.descent import descend
    from talweg.theory.multipliers import moduli
    from talweg.theory.noise import stationary_variance
    from talweg.theory.slow_manifold import slow_manifold

    objective = checked_objective(f, dimension_of(None, x_min))
    step, beta = checked_step(step_length), checked_momentum(momentum)
    lanes = checked_count(n_starts, "n_starts", 8)
    looks = checked_count(samples, "samples", 2)
    # Checks that x_min is a minimum.
    curves = slow_manifold(objective, x_min)
    x, values, vectors = curves.x_min, curves.eigenvalues, curves.eigenvectors
    unit = stationary_variance(values, step, 1.0, beta, nesterov)
    strength = max(
        float(np.linalg.norm(vectors.T @ objective.third(x, v) @ v)) for v in vectors.T[:8]
    )
    length = values[0] / strength if strength > 0.0 else 1.0
    length = min(length, 1.0 + float(np.linalg.norm(x)))
    noise = (_EXTENT * length) ** 2 / float(unit.sum())
    slowest = float(moduli(values, step, beta, bool(nesterov)).max())
    memory = max(1, math.ceil(1.0 / -math.log(slowest))) if slowest > 0.0 else 1
    burn = 12 * memory
    total = burn + looks * memory
    predicted = unit * noise
    setting: dict[str, Any] = {
        "step_length": step,
        "momentum": beta,
        "noise_variance": noise,
        "nesterov": bool(nesterov),
        "window": (burn, total),
        "lanes": lanes,
    }
    nothing = np.full(values.size, np.nan)
    if total * lanes > _MOST_STEPS:
        return StationaryCheck(
            predicted,
            nothing,
            nothing,
            None,
            f"The slowest direction forgets in {memory} steps: too many to wait for.",
            **setting,
        )
    run = descend(
        objective,
        np.tile(x, (lanes, 1)),
        step,
        total,
        momentum=beta,
        nesterov=nesterov,
        noise=noise,
        record_every=memory,
        rng=rng,
        workers=workers,
    )
    records = run.path[-looks:]
    if not np.isfinite(records).all():
        return StationaryCheck(
            predicted, nothing, nothing, None, "Some descents left the minimum.", **setting
        )
    squares = (((records - x) @ vectors) ** 2).mean(axis=0)
    measured = squares.mean(axis=0)
    error = squares.std(axis=0, ddof=1) / math.sqrt(lanes)
    # What third and fourth derivatives may change is of second order in the extent of the cloud.
    allowed = (4.0 if values.size <= 30 else 5.0) * error + 50.0 * _EXTENT**2 * predicted
    off = np.abs(measured - predicted) / allowed
    agrees = bool((off <= 1.0).all())
    worst = int(np.argmax(off))
    message = (
        f"Largest along direction {int(np.argmax(measured))}, predicted "
        f"{int(np.argmax(predicted))}."
        if agrees
        else f"Direction {worst}: {measured[worst]:.4g} ± {error[worst]:.2g}, predicted "
        f"{predicted[worst]:.4g}."
    )
    return StationaryCheck(predicted, measured, error, agrees, message, **setting)
