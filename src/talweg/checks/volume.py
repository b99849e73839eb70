"""Volume under descent and flow: how it shrinks, and that it gathers around the talweg."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.carrying import Mover
from talweg.checks.regions import drawn, is_ball
from talweg.checks.volume_result import VolumeCheck
from talweg.checks.volume_run import VolumeRun
from talweg.extremals.arguments import (
    checked_count,
    checked_objective,
    checked_positive,
    checked_workers,
    dimension_of,
)
from talweg.objective import Objective
from talweg.theory.arguments import checked_momentum, checked_nesterov

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["volume"]


def volume(
    f: Objective | Callable[[Any], Any],
    region: Any,
    *,
    step_length: float | None = None,
    steps: ArrayLike | None = None,
    times: ArrayLike | None = None,
    x_min: Any = None,
    ratio: float = 2.0,
    cone: float = 0.1,
    valley: Any = None,
    distance: str = "talweg",
    n_points: int = 20_000,
    points: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
    rng: Any = 0,
    workers: int | None = None,
) -> VolumeCheck:
    """Carry a region along and see what becomes of its volume.

    Points drawn from the region are carried by descent or flow together with the logarithm of the
    factor v by which the volume around each changes. Weighted with v they sample the image of the
    region, so that sums of weights estimate which share of the image's volume lies in the valley V_R
    and in the cone around the talweg through the minimum. Theory says that both tend to 1, and how
    fast; and that log volume changes at a known rate next to the minimum.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    region : array_like, shape (n, 2), or pair of centre and radius
        A box (a lone pair is the same bounds on every coordinate of an Objective), or a ball ``([0, 0], 0.5)``.
        None where `points` are given.
    step_length : float, optional
        Of gradient descent. Without it, gradient flow.
    steps : array_like of int, shape (times,), optional
        Increasing numbers of steps of descent, from 0 on. A single number stands for about 40 up to it.
        Default: until theory expects a share of about 1e-3 outside the cone.
    times : array_like, shape (times,), optional
        The same for the flow.
    x_min : array_like, shape (n,), or CriticalPoint, optional
        The minimum that counts. Default: the one that most of 64 trial points go to.
    ratio : float, default 2
        R of the valley V_R, above 1.
    cone : float, default 0.1
        The cone is ``distance(x, talweg) <= cone |x - x_min|``; below 1.
    valley : Survey, Extremal, list of Extremal or "region", optional
        What holds the least slopes of V_R (`talweg.slope_ratio`). "region": a survey of the box of the
        function or of all that points go through. Default: the talweg through `x_min` alone.
    distance : {"talweg", "tangent"}
        Measure the cone's distance from the talweg, or from its tangent at the minimum.
    n_points : int, default 20000
        Points drawn.
    points : array_like, shape (m, n), optional
        Points to carry instead of a region.
    weights : array_like, shape (m,), optional
        The volumes that these stand for. Default: all the same.
    momentum : float, default 0
        With momentum volume is that of pairs of iterates, and rates alone are checked: the pairs that
        start at rest have no volume among all pairs, so that shares of it have no meaning.
    nesterov : bool, default False
        Nesterov's method; wants momentum.
    rng : None, int or numpy.random.Generator, default 0
        For the points.
    workers : int, optional
        Threads, by default one for each processor. The result does not depend on it.

    Returns
    -------
    VolumeCheck

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, a region of which nothing comes to rest at a minimum among them.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the check by the points done, or None.

    Notes
    -----
    Shares are self-normalised importance estimates; their errors come from the delta method, those of
    fitted rates from a jackknife over 40 groups of points, as the same points are seen at all times.
    Fits are made in a window of times that is reported; where there is none the comparison says why.

    References
    ----------
    arXiv 2604.11213; the theory page of the documentation, section "Volume".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: x[0]**2/2 + 3*x[1]**2/2 + x[0]**2 * x[1]/2, 2)
    >>> check = talweg.checks.volume(f, (-0.4, 0.4), step_length=0.1, steps=[0, 10, 20, 30])
    >>> bool((abs(check.cone.share - [0.051, 0.600, 0.968, 0.9974]) < 3 * check.cone.error).all())
    True
    """
    started_from = None if is_ball(region) else region
    n_known = len(region[0]) if is_ball(region) else None
    objective = checked_objective(
        f, n_known if n_known is not None else dimension_of(started_from, points)
    )
    if objective.metric is not None:
        raise ValueError("f: want an objective without a metric; volumes here are Euclidean")
    n = objective.n
    if step_length is None:
        step = None
        if steps is not None:
            raise ValueError("steps: want a step_length with them; the flow takes times")
    else:
        step = checked_positive(step_length, "step_length")
        if times is not None:
            raise ValueError("times: want no step_length with them; descent takes steps")
    beta = checked_momentum(momentum)
    checked_nesterov(nesterov, beta)
    if beta and step is None:
        raise ValueError("momentum: gradient flow has none; give a step_length")
    R = checked_positive(ratio, "ratio")
    if R <= 1.0:
        raise ValueError(f"ratio: want a ratio above 1, got {ratio}")
    width = checked_positive(cone, "cone")
    if width >= 1.0:
        raise ValueError(f"cone: want a half-width below 1, got {cone}")
    if distance not in ("talweg", "tangent"):
        raise ValueError(f"distance: want 'talweg' or 'tangent', got {distance!r}")
    if isinstance(valley, str) and valley != "region":
        raise ValueError(f"valley: want 'region', a survey or curves, got {valley!r}")
    count = checked_count(n_points, "n_points", 2)
    moments = _checked_times(steps, times, step)
    checked_workers(workers)
    sample = drawn(region, points, weights, n, count, rng)
    mover = Mover(objective, step, workers, beta, bool(nesterov))
    run = VolumeRun(objective, region, sample, mover, R, width, distance)
    run.find_minimum(x_min)
    run.set_times(moments)
    run.find_talweg(valley)
    return run.carried()


def _checked_times(steps: Any, times: Any, step: float | None) -> Any:
    """Increasing times, or the last alone, or None."""
    given, name = (times, "times") if step is None else (steps, "steps")
    if given is None:
        return None
    array = np.asarray(given)
    wanted = "iu" if step is not None else "iuf"
    if array.dtype.kind not in wanted:
        words = "whole numbers" if step is not None else "numbers"
        raise TypeError(f"{name}: want {words}, got dtype {array.dtype}")
    if array.ndim == 0:
        if not (np.isfinite(array) and array > 0):
            raise ValueError(f"{name}: want a finite number above 0, got {given}")
        return array[()]
    if array.ndim != 1 or not array.size:
        raise ValueError(f"{name}: want shape (times,), got {array.shape}")
    if not np.isfinite(array).all() or array[0] < 0 or (np.diff(array) <= 0).any():
        raise ValueError(f"{name}: want increasing finite numbers from 0 on, got {array.tolist()}")
    if array[-1] == 0:
        raise ValueError(f"{name}: want a number above 0 among them")
    return array
