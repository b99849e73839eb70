"""The runs beside the theory of a report."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.reports.measurement import Measurement, verdict_of
from talweg.reports.minimum import Prediction, TheoryOfMinimum
from talweg.theory.noise import stationary_variance

if TYPE_CHECKING:
    from talweg.reports.theory import TheoryReport

__all__ = ["measure_all", "measured_alignment"]

#: Extent of the ball whose volume is followed, in radii of the ball that surely falls to the minimum.
_REGION = 3.0
_POINTS = 2_000
#: With more, volumes and strong stable manifolds take too long beside everything else.
_FEW_COORDINATES = 10
#: Of many coordinates each step and point costs more: fewer are taken.
_MOST_STEPS, _STEP_BUDGET, _POINT_BUDGET = 100_000, 3e6, 12_000
#: Extent of noisy iterates, in the same unit.
_EXTENT = 3e-3


def measure_all(report: TheoryReport, rng: np.random.Generator, workers: int | None) -> None:
    """Measure what each minimum's theory predicts; the report grows by each run."""
    # One seed for all minima: a report on some of them says the same as one on all.
    seed = int(rng.integers(2**63))
    for one in report.minima:
        measure(report.f, one, seed, workers)


def measure(f: Any, one: TheoryOfMinimum, seed: int, workers: int | None) -> None:
    """All runs next to one minimum."""
    from talweg.checks import alignment, stationary, volume

    x = one.point.x
    n = x.size
    most_steps = max(min(_MOST_STEPS, int(_STEP_BUDGET / n**2)), 200)
    points = max(min(_POINTS, _POINT_BUDGET // n), 200)
    for prediction in one.predictions:
        check = alignment(
            f,
            x,
            prediction.step_length,
            momentum=prediction.momentum,
            nesterov=prediction.nesterov,
            max_steps=most_steps,
            rng=seed,
            workers=workers,
        )
        one.alignments.append(check)
        one.measurements.append(_aligned(prediction.method, check))
    few = n <= _FEW_COORDINATES
    if few:
        check = alignment(f, x, branch=1, max_steps=most_steps, rng=seed, workers=workers)
        one.alignments.append(check)
        one.measurements.append(_aligned("gradient flow, strong stable manifold of 1", check))
    for prediction in one.predictions:
        if prediction.step_length is not None:
            noisy = stationary(
                f,
                x,
                prediction.step_length,
                _weak_noise(f, one, prediction),
                n_trajectories=256 if few else 64,
                max_steps=most_steps,
                momentum=prediction.momentum,
                nesterov=prediction.nesterov,
                rng=seed,
                workers=workers,
            )
            one.measurements.append(_variances(prediction, noisy))
    if not few:
        _leave_out(one)
        return
    for step in (None, one.bounds.best_alignment):
        if step is not None and not math.isfinite(step):
            continue
        carried = volume(
            f,
            (x, _REGION * _radius(f, x)),
            step_length=step,
            x_min=one.point,
            n_points=points,
            rng=seed,
            workers=workers,
        )
        if step is None:
            one.concentration = carried
        one.measurements += _volumes(step, carried)


def _leave_out(one: TheoryOfMinimum) -> None:
    """Say what is not run with many coordinates."""
    reason = f"Not run with more than {_FEW_COORDINATES} coordinates; talweg.checks does it."
    flow, nan = one.predictions[0], float("nan")
    for method, quantity, predicted in (
        ("gradient flow, strong stable manifold of 1", "rate of the sine", nan),
        ("gradient flow", "log volume a unit of time", flow.volume_rate),
    ):
        one.measurements.append(
            Measurement(method, quantity, predicted, nan, nan, None, "undecided", reason)
        )


def _weak_noise(f: Any, one: TheoryOfMinimum, prediction: Prediction) -> float:
    """Noise that keeps iterates where third derivatives change little."""
    unit = stationary_variance(
        one.curves.eigenvalues,
        prediction.step_length or 0.0,
        1.0,
        prediction.momentum,
        prediction.nesterov,
    )
    return float((_EXTENT * _radius(f, one.point.x)) ** 2 / unit.sum())


def measured_alignment(
    f: Any, one: TheoryOfMinimum, step_length: float, method: str = "gradient descent"
) -> Measurement:
    """The factor by which one step of descent shrinks the sine, beside the predicted one.

    Parameters
    ----------
    f : Objective
    one : TheoryOfMinimum
        Of a minimum of f.
    step_length : float
    method : str
        What to call it.

    Returns
    -------
    Measurement
    """
    from talweg.checks import alignment

    return _aligned(method, alignment(f, one.point.x, step_length))


def _radius(f: Any, x: Any) -> float:
    from talweg import _core

    return float(_core.flow_minimum(f._core, x, max(1.0, float(np.abs(x).max())))["radius"])


def _aligned(method: str, check: Any) -> Measurement:
    step = check.step_length
    if step is None:
        quantity, predicted, measured = "rate of the sine", check.predicted.rate, check.measured
        error, window = check.error, check.window
    else:
        # Of times, in which the check reckons, to steps.
        quantity, predicted = "factor of the sine", check.predicted.factor
        measured = check.measured_factor
        error = measured * check.error * step
        window = (check.window[0] / step, check.window[1] / step)
    return Measurement(
        method,
        quantity,
        float(predicted),
        float(measured),
        float(error),
        window if np.isfinite(window).all() else None,
        check.verdict,
        # The table has the numbers, of descent in other units.
        re.sub(r" \(measured [^()]*\)\.$", ".", check.message),
        step,
        check.momentum,
    )


def _variances(prediction: Prediction, check: Any) -> Measurement:
    predicted, measured, error = check.predicted, check.measured, check.error
    ratio = measured[0] / measured[-1]
    relative = math.hypot(error[0] / measured[0], error[-1] / measured[-1])
    return Measurement(
        f"noise, {prediction.method}",
        "variance of 0 over stiffest",
        float(predicted[0] / predicted[-1]),
        float(ratio),
        float(ratio * relative),
        (0.0, float(check.steps)),
        verdict_of(check.agrees),
        check.message,
        prediction.step_length,
        prediction.momentum,
    )


def _volumes(step: float | None, check: Any) -> list[Measurement]:
    method = "gradient flow" if step is None else "descent, fastest step"
    per = "a unit of time" if step is None else "a step"
    rows = []
    for quantity, found in (
        (f"log volume {per}", check.volume_rate),
        (f"log share outside the cone {per}", check.decay),
    ):
        rows.append(
            Measurement(
                method,
                quantity,
                float(found.predicted),
                float(found.measured),
                float(found.error),
                found.window,
                verdict_of(found.agrees),
                found.message,
                step,
                0.0,
            )
        )
    return rows
