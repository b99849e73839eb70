"""Directional alignment: the predicted rate next to the measured one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.cycles import judge_cycle
from talweg.checks.measurement import Measurement, measure
from talweg.checks.method import Run, checked_method
from talweg.checks.minimum import found_minimum, lengths
from talweg.checks.prediction import Prediction
from talweg.checks.strong_manifold import strong_starts
from talweg.checks.verdict import judge
from talweg.extremals.arguments import (
    checked_count,
    checked_generator,
    checked_objective,
    checked_positive,
    checked_workers,
    dimension_of,
)
from talweg.objective import Objective
from talweg.status import Status
from talweg.theory import AlignmentRate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["AlignmentCheck", "alignment"]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class AlignmentCheck:
    """A predicted and a measured rate of alignment.

    Rates are those of a unit of time; the time of descent is its step length times its steps.

    Attributes
    ----------
    predicted : talweg.theory.AlignmentRate
        From the eigenvalues and the derivatives of f at the minimum.
    measured : float
        The rate at which the tangent, so the sine, of the angle falls; NaN where there is no
        window.
    error : float
        Its standard error.
    verdict : str
        "agrees", "disagrees" or "undecided".
    message : str
        Why.
    window : tuple of float
        The times from and to which the rate was fitted.
    window_sine : tuple of float
        Medians of the sine there.
    rates, shares : ndarray, shape (terms,)
        All exponents found in that window, ascending, and the relative sizes of their terms at its
        end.
    logarithmic : bool
        Whether two or three slowest exponents are equal up to the error, as at a resonance.
    slope, slope_error : float
        Rate by a straight line through the logarithms of the tangent in the window, mean over
        trajectories, and its standard error between them. It ignores all other exponents.
    aligned_with : int or None
        The direction that the trajectories were closest to in the end, 0 the softest.
    times : ndarray, shape (k,)
        Of the records.
    sine : ndarray, shape (k, m)
        Of the angle between x - x_min and the predicted direction (or the eigenspace of its
        eigenvalue), of each of m trajectories; NaN after a trajectory's end.
    distance : ndarray, shape (k, m)
        \\|x - x_min\\|, in the metric of f.
    status : ndarray of int, shape (m,)
        Codes of `talweg.Status`, as `talweg.descend` and `talweg.flow` give them.
    x0 : ndarray, shape (m, n)
        The starts.
    x_min, eigenvalues, eigenvectors : ndarray, shapes (n,), (n,) and (n, n)
        The minimum; eigenvectors in columns.
    forcing : ndarray, shape (n,)
        The derivatives of f, p + 1 times along the direction and once along each other one, with p
        ``predicted.forcing``.
    step_length : float or None
    momentum : float
    nesterov : bool
    branch : int or None
    """

    predicted: AlignmentRate
    measured: float
    error: float
    verdict: str
    message: str
    window: tuple[float, float]
    window_sine: tuple[float, float]
    rates: Floats
    shares: Floats
    logarithmic: bool
    slope: float
    slope_error: float
    aligned_with: int | None
    times: Floats
    sine: Floats
    distance: Floats
    status: Any
    x0: Floats
    x_min: Floats
    eigenvalues: Floats
    eigenvectors: Floats
    forcing: Floats
    step_length: float | None
    momentum: float
    nesterov: bool
    branch: int | None
    _measurement: Measurement | None = None

    @property
    def agrees(self) -> bool | None:
        """True or False for a verdict, None where it is undecided."""
        return {"agrees": True, "disagrees": False}.get(self.verdict)

    @property
    def measured_factor(self) -> float | None:
        """Of descent: the measured factor of the sine a step."""
        return None if self.step_length is None else math.exp(-self.measured * self.step_length)

    def against(self, predicted: AlignmentRate) -> tuple[str, str]:
        """The verdict of the same measurement on another prediction.

        Parameters
        ----------
        predicted : talweg.theory.AlignmentRate
            A rate of alignment with the direction that was checked.

        Returns
        -------
        tuple of str
            "agrees", "disagrees" or "undecided", and why.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.models.normal_form([1.0, 5.0], {(0, 0, 1): 0.5})
        >>> check = talweg.checks.alignment(f, [0.0, 0.0])
        >>> check.verdict, check.against(talweg.theory.alignment_rate([1.0, 5.0]))[0]
        ('agrees', 'disagrees')
        """
        if self._measurement is None:
            return "undecided", self.message
        return judge(predicted, self._measurement)

    def asdict(self) -> dict[str, Any]:
        """The fields by name."""
        names = (field.name for field in dataclasses.fields(self))
        return {name: getattr(self, name) for name in names if not name.startswith("_")}

    def __repr__(self) -> str:
        return f"AlignmentCheck({self.verdict}: {self.message})"

    def plot(self, axes: Any = None, **options: Any) -> Any:
        """Draw the sines of the angles; see `talweg.plot.draw_alignment`."""
        from talweg.plot.alignment import draw_alignment

        return draw_alignment(self, axes, **options)


def alignment(
    f: Objective | Callable[[Any], Any],
    x_min: ArrayLike,
    step_length: float | None = None,
    *,
    momentum: float = 0.0,
    nesterov: bool = False,
    branch: int | None = None,
    n_trajectories: int = 16,
    radius: float | None = None,
    records: int = 300,
    max_steps: int = 100_000,
    max_order: int = 8,
    rng: Any = 0,
    workers: int | None = None,
) -> AlignmentCheck:
    """Measure how fast trajectories turn into an eigendirection of a minimum, and compare.

    An ensemble starts in random directions around the minimum. The tangents of its angles are sums of
    exponentials, whose exponents are fitted in a window that ends above rounding; the slowest one
    is the measured rate. `talweg.theory.alignment_rate` predicts it from the eigenvalues and the
    derivatives of f at the minimum. In a metric (`Objective.with_metric`) angles are those of the
    metric.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x_min : array_like, shape (n,)
        A nondegenerate minimum; Newton steps from there make it accurate.
    step_length : float, optional
        Of gradient descent; without it gradient flow.
    momentum : float, default 0
    nesterov : bool, default False
        As for `talweg.descend`.
    branch : int, optional
        Start in the strong stable manifold of the directions that shrink no more slowly than this
        one, whose trajectories align with it. Default: generic trajectories. Without momentum only.
    n_trajectories : int, default 16
        At least 4.
    radius : float, optional
        Distance of the starts from the minimum. Default: 0.3 of the radius within which third
        derivatives change the Hessian by no more than its smallest eigenvalue.
    records : int, default 300
        About as many points of each trajectory are looked at.
    max_steps : int, default 100000
        Of descent, or of the flow in units of 1 over the largest eigenvalue.
    max_order : int, default 8
        Up to which order p forcing is looked for.
    rng : None, int or numpy.random.Generator, default 0
        For the starts.
    workers : int, optional
        Threads that share the trajectories. The result does not depend on it.

    Returns
    -------
    AlignmentCheck

    Raises
    ------
    ValueError, TypeError
        For unusable arguments: an `x_min` that is no nondegenerate minimum among them.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is a check, undecided, of the
        trajectories so far, or of the starts alone where a `branch` is still looking for them.

    References
    ----------
    arXiv 2604.11213; the theory page of the documentation, section "Directional alignment".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.normal_form([1.0, 2.0, 4.0], {(0, 0, 1): 0.5, (0, 0, 2): 0.5})
    >>> check = talweg.checks.alignment(f, [0.0, 0.0, 0.0], 0.39)
    >>> check.verdict, round(check.predicted.factor, 5), round(check.measured_factor, 5)
    ('agrees', 0.91803, 0.91803)
    """
    objective = checked_objective(f, dimension_of(None, x_min))
    method = checked_method(step_length, momentum, nesterov)
    count = checked_count(n_trajectories, "n_trajectories", 4)
    recorded = checked_count(records, "records", 16)
    most_steps = checked_count(max_steps, "max_steps", 1)
    orders = checked_count(max_order, "max_order", 1)
    threads = checked_workers(workers) or None
    generator = checked_generator(rng)
    if radius is not None:
        radius = checked_positive(radius, "radius")
    n = objective.n
    if n < 2:
        raise ValueError("f: want at least two coordinates, got 1: there is no angle")
    if branch is not None:
        if isinstance(branch, (bool, np.bool_)) or not isinstance(branch, (int, np.integer)):
            raise TypeError(f"branch: want a whole number, got {branch!r}")
        if not 0 <= branch < n:
            raise ValueError(f"branch: want 0 to {n - 1}, got {branch}")
        if method.momentum:
            raise ValueError("branch: want no momentum with it; the manifold is that of one point")
    minimum = found_minimum(objective, x_min)
    prediction = Prediction(objective, minimum, method, branch, orders)
    directions = generator.normal(size=(count, n))
    distance = radius or 0.3 * minimum.radius
    for _ in range(1 if radius is not None or prediction.diverges else 4):
        start = None
        try:
            start = _start(prediction, directions, distance, threads)
            length = prediction.length(start, most_steps)
            run = method.run(minimum, start, length, recorded, threads)
        except KeyboardInterrupt as interrupt:
            part = interrupt.__dict__.pop("result", None)
            if start is not None and isinstance(part, Run):
                interrupt.result = _check(  # type: ignore[attr-defined]
                    prediction, part, start, branch
                )
            elif isinstance(part, np.ndarray):
                interrupt.result = _unstarted(  # type: ignore[attr-defined]
                    prediction, part, branch
                )
            raise
        if _stayed(prediction, run, distance):
            break
        # Higher derivatives can make a ball too large that third ones allow.
        distance /= 4.0
    assert start is not None
    return _check(prediction, run, start, branch)


def _start(
    prediction: Prediction, directions: Floats, distance: float, workers: int | None
) -> Floats:
    if not prediction.soft.any():
        return distance * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    start = strong_starts(
        prediction.minimum,
        prediction.method,
        prediction.soft,
        prediction.decay,
        directions,
        distance,
        workers,
    )
    return start[np.isfinite(start).all(axis=1)]


def _stayed(prediction: Prediction, run: Run, distance: float) -> bool:
    """Whether most trajectories went down to the minimum, or none should."""
    if prediction.diverges:
        return True
    with np.errstate(all="ignore"):
        down = (lengths(run.y[-1]) < distance) & ~_elsewhere(prediction, run)
    return bool(down.sum() > len(down) / 2)


def _elsewhere(prediction: Prediction, run: Run) -> Any:
    """Which trajectories came to rest at another point, that may be nearer than the start."""
    if len(run.index) < 2:
        return np.zeros(run.y.shape[1], dtype=bool)
    with np.errstate(all="ignore"):
        last, moved = lengths(run.y[-1]), lengths(run.y[-1] - run.y[-2])
    # Next to this minimum at least so much of the distance goes between records.
    part = min(1.0, float(prediction.decay.min() * (run.index[-1] - run.index[-2])))
    return (last > prediction.minimum.radius) & (moved < 1e-3 * part * last)


def _check(prediction: Prediction, run: Run, start: Floats, branch: int | None) -> AlignmentCheck:
    minimum, method = prediction.minimum, prediction.method
    with np.errstate(all="ignore"):
        distance = lengths(run.y)
        sine = lengths(run.y[:, :, ~prediction.dominant]) / distance
        down = np.isfinite(run.y).all(axis=(0, 2)) & (distance[-1] < distance[0])
        down &= ~_elsewhere(prediction, run)
    kept = np.flatnonzero(down & (run.status < 100))
    verdict, message, found = _judged(prediction, run, kept, sine)
    nan, nothing = float("nan"), np.zeros(0)
    times = run.index * method.unit
    window = (nan, nan) if found is None else found.window
    places = [int(np.argmin(np.abs(times - t))) for t in window if t == t]
    ends = [float(np.median(sine[place, kept])) for place in places] or [nan, nan]
    return AlignmentCheck(
        predicted=prediction.rate,
        measured=nan if found is None else found.rate,
        error=nan if found is None else found.error,
        verdict=verdict,
        message=message,
        window=window,
        window_sine=(ends[0], ends[1]),
        rates=nothing if found is None else found.rates,
        shares=nothing if found is None else found.shares,
        logarithmic=found is not None and found.multiplicity > 1,
        slope=nan if found is None else found.slope,
        slope_error=nan if found is None else found.slope_error,
        aligned_with=_aligned(run),
        times=times,
        sine=sine,
        distance=distance,
        status=run.status,
        x0=minimum.x + start @ minimum.axes.T,
        x_min=minimum.x,
        eigenvalues=minimum.eigenvalues,
        eigenvectors=minimum.axes,
        forcing=prediction.forcing.coefficients,
        step_length=method.step_length,
        momentum=method.momentum,
        nesterov=method.nesterov,
        branch=branch,
        _measurement=found,
    )


def _unstarted(prediction: Prediction, start: Floats, branch: int | None) -> AlignmentCheck:
    """Of starts that were interrupted on their way to a strong stable manifold."""
    status = np.full(len(start), int(Status.INTERRUPTED))
    check = _check(prediction, Run(np.zeros(1), start[None], status), start, branch)
    return dataclasses.replace(
        check,
        verdict="undecided",
        message="Interrupted while starts in the strong stable manifold were looked for; x0 is where "
        "they were.",
    )


def _judged(
    prediction: Prediction, run: Run, kept: Any, sine: Floats
) -> tuple[str, str, Measurement | None]:
    rate = prediction.rate
    total = run.y.shape[1]
    if rate.mechanism == "none" and rate.rate < np.inf:
        return judge_cycle(run, kept, prediction.minimum, prediction.method, prediction.decay)
    interrupted = (run.status == int(Status.INTERRUPTED)).any()
    if len(kept) < 4:
        why = "Interrupted: only" if interrupted else "Only"
        return (
            "undecided",
            f"{why} {len(kept)} of {total} trajectories went down to the minimum.",
            None,
        )
    if rate.rate == np.inf:
        lost = not prediction.soft.any()
        return (*_judge_straight(sine[1 if lost else 0 :, kept], lost), None)
    found = measure(
        run, kept, prediction.minimum, prediction.method, prediction.dominant, prediction.soft
    )
    verdict, message = judge(rate, found, prediction.tangent(found.coordinate))
    order = prediction.unseen_forcing(found.rate, found.error) if verdict == "disagrees" else None
    if order is not None:
        looked = prediction.forcing.looked
        verdict = "undecided"
        message += f" Forcing of order {order} would have the measured rate; " + (
            f"only orders up to {looked} were looked for (max_order)."
            if order > looked
            else "none was found, but it may be below the rounding of the gradient."
        )
    if len(kept) < total:
        message += (
            f" {total - len(kept)} trajectories were interrupted or did not go down to the minimum, and "
            "are left out."
        )
    return verdict, message, found


def _aligned(run: Run) -> int | None:
    """The direction with the largest part, at the last record that most trajectories have."""
    with np.errstate(all="ignore"):
        parts = np.abs(run.y) / lengths(run.y)[:, :, None]
    usable = np.flatnonzero(np.isfinite(parts).all(axis=2).sum(axis=1) > parts.shape[1] / 2)
    if not usable.size:
        return None
    last = parts[usable[-1]]
    return int(np.argmax(last[np.isfinite(last).all(axis=1)].mean(axis=0)))


def _judge_straight(sine: Floats, lost: bool) -> tuple[str, str]:
    """Of a manifold without bending, or of directions that are lost in one step, as far as derivatives
    at the minimum tell."""
    largest = float(np.nanmax(sine, initial=0.0))
    what = "All other directions are lost in one step" if lost else "The manifold is straight"
    if largest < 1e-10:
        return "agrees", f"{what}: the largest sine {'after it ' if lost else ''}is {largest:.1g}."
    what = "not all other directions are lost" if lost else "the manifold is not straight"
    return "undecided", f"No order of forcing was found, and {what} (sine {largest:.1g})."
