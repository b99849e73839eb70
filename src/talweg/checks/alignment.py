"""Directional alignment: the predicted rate next to the measured one."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.cycles import judge_cycle
from talweg.checks.forcing import Forcing, measured_forcing
from talweg.checks.measurement import Measurement, measure
from talweg.checks.method import Method, Run, checked_method
from talweg.checks.minimum import Minimum, found_minimum, lengths
from talweg.checks.verdict import judge
from talweg.extremals.arguments import (
    checked_count,
    checked_objective,
    checked_positive,
    checked_workers,
    dimension_of,
)
from talweg.objective import Objective
from talweg.theory import AlignmentRate, alignment_rate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["AlignmentCheck", "alignment"]

#: Powers of e between the first angle and the last one that rounding leaves.
_DECADES = 34.0
#: Powers of e between the largest and the smallest distance.
_SHRINKING = 540.0


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
        Whether the two slowest exponents are equal up to the error, as at a resonance.
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

    @property
    def agrees(self) -> bool | None:
        """True or False for a verdict, None where it is undecided."""
        return {"agrees": True, "disagrees": False}.get(self.verdict)

    @property
    def measured_factor(self) -> float | None:
        """Of descent: the measured factor of the sine a step."""
        return None if self.step_length is None else math.exp(-self.measured * self.step_length)

    def asdict(self) -> dict[str, Any]:
        """The fields by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

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
        trajectories so far.

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
    setting = _Setting(objective, minimum, method, branch, orders)
    generator = np.random.default_rng(rng)
    directions = generator.normal(size=(count, n))
    distance = radius or 0.3 * minimum.radius
    tries = 1 if radius is not None or setting.diverges else 4
    for _ in range(tries):
        start = setting.starts(directions, distance, threads)
        length = setting.length(start, most_steps)
        try:
            run = method.run(minimum, start, length, recorded, threads)
        except KeyboardInterrupt as interrupt:
            part = getattr(interrupt, "result", None)
            if isinstance(part, Run):
                interrupt.result = setting.check(part, start)  # type: ignore[attr-defined]
            raise
        if setting.stayed(run, distance):
            break
        distance /= 4.0
    return setting.check(run, start)


class _Setting:
    """What is known before the runs."""

    def __init__(
        self,
        f: Objective,
        minimum: Minimum,
        method: Method,
        branch: int | None,
        max_order: int,
    ) -> None:
        self.minimum, self.method, self.branch = minimum, method, branch
        values = minimum.eigenvalues
        self.decay = method.decay(values)
        self.diverges = bool(self.decay.min() <= 0.0)
        self.soft = np.zeros(minimum.n, dtype=bool)
        if branch is not None:
            scale = 1e-12 * max(1.0, float(np.abs(self.decay[np.isfinite(self.decay)]).max()))
            self.soft = self.decay < self.decay[branch] - scale
        inside = np.flatnonzero(~self.soft)
        generic = self._predict(inside, None)
        alone = self.soft.any() and np.ptp(values[inside]) <= 1e-10 * values[-1]
        if alone:
            d = int(inside[0])
            self.forcing = measured_forcing(f, minimum, d, max_order)
            self.predicted = self._alone(d)
        elif generic.dominant_branch is None:
            d = int(inside[np.argmin(self.decay[inside])])
            self.forcing = Forcing(None, np.zeros(minimum.n), 0)
            self.predicted = generic
        else:
            d = int(inside[generic.dominant_branch])
            self.forcing = measured_forcing(f, minimum, d, max_order)
            self.predicted = self._governed(inside, d)
        self.dominant = np.abs(values - values[d]) <= 1e-10 * values[-1]

    def _predict(self, inside: Any, forcing: Any) -> AlignmentRate:
        method = self.method
        return alignment_rate(
            self.minimum.eigenvalues[inside],
            method.step_length,
            method.momentum,
            forcing,
            method.nesterov,
        )

    def _governed(self, inside: Any, d: int) -> AlignmentRate:
        """The prediction with the forcing; soft directions can be forced, but not be free."""
        order, coefficients = self.forcing.order, self.forcing.coefficients
        if order is None:
            found = self._predict(inside, None)
        elif coefficients[inside].any():
            found = self._predict(inside, {order: coefficients[inside]})
        else:
            found = self._predict(inside, order)
            if found.logarithmic:
                found = self._predict(inside, None)
        return dataclasses.replace(found, dominant_branch=d)

    def _alone(self, d: int) -> AlignmentRate:
        """In a manifold of one eigenvalue: only its bending turns trajectories away."""
        order, unit = self.forcing.order, self.method.unit
        rate = np.inf if order is None else order * float(self.decay[d])
        mechanism = {None: "none", 1: "lambda_1"}.get(order, "higher order")
        return AlignmentRate(
            rate=rate / unit,
            factor=None if self.method.step_length is None else math.exp(-rate),
            mechanism=mechanism,
            dominant_branch=d,
            logarithmic=False,
            forcing=order,
            message="The manifold has one eigenvalue: the rate is set by how it bends.",
        )

    def length(self, start: Floats, max_steps: int) -> float:
        """Index up to which there is something to see."""
        finite = self.decay[np.isfinite(self.decay)]
        if self.diverges:
            return 200.0
        d = int(np.argmax(self.dominant))
        slowest = float(self.decay[d])
        rate = self.predicted.rate * self.method.unit
        if not 0.0 < rate < np.inf:
            gaps = finite[finite > slowest * (1.0 + 1e-9)] - slowest
            rate = min(float(gaps.min(initial=slowest)), slowest) / 4.0
        # Angles that grow linearly before they fall need longer.
        length = min(1.25 * _DECADES / rate, _SHRINKING / slowest)
        if self.minimum.noise > 0.0:
            range_ = max(self.minimum.radius / (10.0 * self.minimum.resolution), 10.0)
            length = min(length, math.log(range_) / slowest)
        if start[:, self.soft].any():
            growth = slowest - float(finite.min())
            length = min(length, _DECADES / growth)
        limit = float(max_steps)
        if self.method.step_length is None:
            limit = max_steps / float(self.minimum.eigenvalues[-1])
        return min(length, limit)

    def starts(self, directions: Floats, distance: float, workers: int | None) -> Floats:
        if not self.soft.any():
            return distance * directions / np.linalg.norm(directions, axis=1, keepdims=True)
        from talweg.checks.strong_manifold import strong_starts

        start = strong_starts(
            self.minimum, self.method, self.soft, self.decay, directions, distance, workers
        )
        return start[np.isfinite(start).all(axis=1)]

    def stayed(self, run: Run, distance: float) -> bool:
        """Whether most trajectories went down to the minimum."""
        if self.diverges:
            return True
        last = lengths(run.y[-1])
        return bool((last < distance).sum() > len(last) / 2)

    def check(self, run: Run, start: Floats) -> AlignmentCheck:
        minimum, method = self.minimum, self.method
        with np.errstate(all="ignore"):
            distance = lengths(run.y)
            across = lengths(run.y[:, :, ~self.dominant])
            sine = across / distance
        times = run.index * method.unit
        aligned = self._aligned(run)
        with np.errstate(invalid="ignore"):
            done = (run.status < 100) & np.isfinite(run.y).all(axis=(0, 2))
            kept = np.flatnonzero(done & (distance[-1] < distance[0]))
        if self.predicted.rate == np.inf:
            found = None
            verdict, message = _judge_straight(sine[:, kept])
        elif self.predicted.mechanism == "none":
            verdict, message, found = judge_cycle(
                run, kept, minimum, method, self.decay, self.predicted
            )
        elif len(kept) < 4 or len(run.index) < 8:
            found = None
            verdict, message = (
                "undecided",
                (
                    f"Only {len(kept)} of {len(start)} trajectories went down to the minimum."
                    if len(kept) < 4
                    else "No asymptotic window: too few steps."
                ),
            )
        else:
            found = measure(run, kept, minimum, method, self.dominant, self.soft)
            verdict, message = judge(self.predicted, found, self._expected(found))
        lost = len(start) - len(kept)
        if lost and self.predicted.mechanism != "none" and len(kept) >= 4:
            message += f" {lost} trajectories did not go down to the minimum and are left out."
        return self._result(run, start, times, sine, distance, aligned, found, verdict, message)

    def _result(
        self,
        run: Run,
        start: Floats,
        times: Floats,
        sine: Floats,
        distance: Floats,
        aligned: int | None,
        found: Measurement | None,
        verdict: str,
        message: str,
    ) -> AlignmentCheck:
        minimum, method = self.minimum, self.method
        nan = float("nan")
        window = (nan, nan) if found is None else found.window
        at = [
            float(np.nanmedian(sine[np.argmin(np.abs(times - t))])) if t == t else nan
            for t in window
        ]
        return AlignmentCheck(
            predicted=self.predicted,
            measured=nan if found is None else found.rate,
            error=nan if found is None else found.error,
            verdict=verdict,
            message=message,
            window=window,
            window_sine=(at[0], at[1]),
            rates=np.zeros(0) if found is None else found.rates,
            shares=np.zeros(0) if found is None else found.shares,
            logarithmic=found is not None and found.logarithmic,
            slope=nan if found is None else found.slope,
            slope_error=nan if found is None else found.slope_error,
            aligned_with=aligned,
            times=times,
            sine=sine,
            distance=distance,
            status=run.status,
            x0=minimum.x + start @ minimum.axes.T,
            x_min=minimum.x,
            eigenvalues=minimum.eigenvalues,
            eigenvectors=minimum.axes,
            forcing=self.forcing.coefficients,
            step_length=method.step_length,
            momentum=method.momentum,
            nesterov=method.nesterov,
            branch=self.branch,
        )

    def _aligned(self, run: Run) -> int | None:
        """The direction with the largest part, at the last record that most trajectories have."""
        with np.errstate(all="ignore"):
            parts = np.abs(run.y) / lengths(run.y)[:, :, None]
        usable = np.flatnonzero(np.isfinite(parts).all(axis=2).sum(axis=1) > parts.shape[1] / 2)
        if not usable.size:
            return None
        last = parts[usable[-1]]
        return int(np.argmax(last[np.isfinite(last).all(axis=1)].mean(axis=0)))

    def _expected(self, found: Measurement) -> float | None:
        """The tangent at the end of the window, were there nothing but the predicted forcing."""
        order = self.forcing.order
        if order is None or not found.coordinate > 0.0:
            return None
        d = int(np.argmax(self.dominant))
        response = self.method.response(self.minimum.eigenvalues, d, order)
        factorial = float(np.prod(np.arange(1, order + 2)))
        coefficients = self.forcing.coefficients / factorial
        forced = coefficients != 0.0
        bend = float(np.linalg.norm(coefficients[forced] * response[forced]))
        return bend * found.coordinate**order if np.isfinite(bend) else None


def _judge_straight(sine: Floats) -> tuple[str, str]:
    """Of a manifold without bending, as far as derivatives at the minimum tell."""
    largest = float(np.nanmax(sine, initial=0.0))
    if largest < 1e-10:
        return "agrees", f"The manifold is straight: the largest sine is {largest:.1g}."
    return "undecided", (
        f"No order of forcing was found, and the manifold is not straight (sine {largest:.1g})."
    )
