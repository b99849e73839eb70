"""What theory says of an ensemble at a minimum, before it is run."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.forcing import Forcing, measured_forcing
from talweg.checks.method import Method
from talweg.checks.minimum import Minimum
from talweg.objective import Objective
from talweg.theory import AlignmentRate, alignment_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Prediction"]

#: Powers of e between the first angle and the last one that rounding leaves.
_DECADES = 34.0
#: Powers of e between the largest and the smallest distance.
_SHRINKING = 540.0
#: And where each piece of a flow starts from small numbers, whose squares must not underflow.
_SHRINKING_IN_PIECES = 330.0


class Prediction:
    """The predicted rate of alignment, and what it rests on.

    Attributes
    ----------
    minimum : Minimum
    method : Method
    decay : ndarray, shape (n,)
        Rates of all directions for a unit of the method's index.
    soft : ndarray of bool, shape (n,)
        Directions that the strong stable manifold of `branch` leaves out; none without a branch.
    dominant : ndarray of bool, shape (n,)
        Those that trajectories should align with: one, or those of one eigenvalue.
    forcing : Forcing
    rate : talweg.theory.AlignmentRate
    diverges : bool
        The step is unstable.
    """

    def __init__(
        self,
        f: Objective,
        minimum: Minimum,
        method: Method,
        branch: int | None,
        max_order: int,
    ) -> None:
        self.minimum, self.method = minimum, method
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
            self.rate = self._alone(d)
        elif generic.dominant_branch is None:
            d = int(inside[np.argmin(self.decay[inside])])
            self.forcing = Forcing(None, np.zeros(minimum.n), 0)
            self.rate = generic
        else:
            d = int(inside[generic.dominant_branch])
            self.forcing = measured_forcing(f, minimum, d, max_order)
            self.rate = self._governed(inside, d)
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
        rate = self.rate.rate * self.method.unit
        if not 0.0 < rate < np.inf:
            gaps = finite[finite > slowest * (1.0 + 1e-9)] - slowest
            rate = min(float(gaps.min(initial=slowest)), slowest) / 4.0
        # Angles that grow linearly before they fall need longer.
        pieces = self.method.step_length is None and self.minimum.floor.any()
        shrinking = _SHRINKING_IN_PIECES if pieces else _SHRINKING
        length = min(1.25 * _DECADES / rate, shrinking / slowest)
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

    def tangent(self, coordinate: float) -> float | None:
        """The tangent where the dominant coordinate is this, of the forcing alone; None without."""
        order = self.forcing.order
        if order is None or not coordinate > 0.0:
            return None
        d = int(np.argmax(self.dominant))
        response = self.method.response(self.minimum.eigenvalues, d, order)
        factorial = float(np.prod(np.arange(1, order + 2)))
        coefficients = self.forcing.coefficients / factorial
        forced = coefficients != 0.0
        bend = float(np.linalg.norm(coefficients[forced] * response[forced]))
        return bend * coordinate**order if np.isfinite(bend) else None

    def unseen_forcing(self, rate: float, error: float) -> int | None:
        """The order p of forcing that would explain a measured rate where none was found, or None.

        Orders above those that were looked for, and derivatives below the rounding of those that were.
        Third derivatives are not estimated: that they vanish is part of the prediction.
        """
        if self.forcing.order is not None or not self.dominant.any():
            return None
        slowest = float(self.decay[int(np.argmax(self.dominant))]) / self.method.unit
        if not (0.0 < slowest < np.inf and rate < self.rate.rate):
            return None
        order = round(rate / slowest)
        near = abs(rate - order * slowest) <= 4.0 * error + 1e-9 * rate
        return order if order >= 2 and near else None
