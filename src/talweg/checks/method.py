"""The dynamics that a check runs: gradient flow, or descent with or without momentum."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.minimum import Minimum
from talweg.descent import descend
from talweg.extremals.arguments import checked_positive
from talweg.gradient_flow import flow
from talweg.status import Status
from talweg.theory.arguments import checked_momentum, checked_nesterov
from talweg.theory.multipliers import moduli

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Method", "Run", "checked_method"]


@dataclasses.dataclass(frozen=True, eq=False)
class Run:
    """Recorded points of an ensemble, as offsets along eigenvectors.

    Attributes
    ----------
    index : ndarray, shape (k,)
        Times of a flow, steps of descent.
    y : ndarray, shape (k, m, n)
        NaN after a trajectory's end.
    status : ndarray of int, shape (m,)
    """

    index: Floats
    y: Floats
    status: Any


@dataclasses.dataclass(frozen=True)
class Method:
    """Attributes are those of `talweg.descend`; `step_length` None is gradient flow."""

    step_length: float | None
    momentum: float
    nesterov: bool

    @property
    def unit(self) -> float:
        """Time of a step; 1 for the flow, whose index is time."""
        return 1.0 if self.step_length is None else self.step_length

    def decay(self, eigenvalues: Floats) -> Floats:
        """Rates at which eigendirections decay in the long run, for a unit of the index."""
        if self.step_length is None:
            return eigenvalues
        with np.errstate(divide="ignore"):
            decay: Floats = -np.log(
                moduli(eigenvalues, self.step_length, self.momentum, self.nesterov)
            )
        return decay

    def response(self, eigenvalues: Floats, dominant: int, order: int) -> Floats:
        """c: a force a y_d^(p+1) in the gradient's component j bends the curve by c_j a y_d^(p+1).

        Infinite at a resonance, NaN where the dominant direction oscillates.
        """
        power, soft = order + 1, eigenvalues[dominant]
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.step_length is None:
                return np.asarray(-1.0 / (eigenvalues - power * soft))
            s, beta = self.step_length, self.momentum
            z, ahead = _root(1.0 - s * soft, beta, self.nesterov)
            forced = z**power
            if self.nesterov:
                mu = 1.0 - s * eigenvalues
                left = forced - (1.0 + beta) * mu + beta * mu / forced
            else:
                left = forced - (1.0 + beta - s * eigenvalues) + beta / forced
                if beta == 0.0:
                    left = forced - (1.0 - s * eigenvalues)
                ahead = 1.0
            return np.asarray(-s * ahead**power / left)

    def amplification(self, eigenvalues: Floats, dominant: int) -> Floats:
        """Standard deviations of tangents, by errors of the gradient that are independent at each step.

        For one of the dominant coordinate's size along each direction; 0 for the flow, and NaN where
        the dominant direction oscillates.
        """
        if self.step_length is None:
            return np.zeros(len(eigenvalues))
        s, beta = self.step_length, self.momentum
        mu = 1.0 - s * eigenvalues
        z, ahead = _root(float(mu[dominant]), beta, self.nesterov)
        trace, determinant = self._recursion(mu)
        with np.errstate(divide="ignore", invalid="ignore"):
            # Stationary variance of u' = a u - b u_before + error, the coordinates over z^k.
            a, b = trace / z, determinant / z**2
            variance = (1.0 + b) / ((1.0 - b) * ((1.0 + b) ** 2 - a * a))
            return np.asarray(s * ahead / abs(z) * np.sqrt(np.maximum(variance, 0.0)))

    def _recursion(self, mu: Floats) -> tuple[Floats, Floats]:
        """Trace and determinant of the recursions of directions with these multipliers."""
        beta = self.momentum
        if self.nesterov:
            return (1.0 + beta) * mu, beta * mu
        return mu + beta, np.full_like(mu, beta)

    def oscillation(self, eigenvalue: float) -> tuple[float, float] | None:
        """Trace and determinant of a direction's recursion where its roots are complex."""
        if self.step_length is None or self.momentum == 0.0:
            return None
        mu, beta = 1.0 - self.step_length * eigenvalue, self.momentum
        trace = (1.0 + beta) * mu if self.nesterov else mu + beta
        determinant = beta * mu if self.nesterov else beta
        return (trace, determinant) if trace**2 < 4.0 * determinant else None

    def run(
        self, minimum: Minimum, start: Floats, length: float, records: int, workers: int | None
    ) -> Run:
        """From `start`, shape (m, n), up to index `length`, at about `records` points at most.

        Interrupted, the KeyboardInterrupt has the run so far as its ``result``.
        """
        if self.step_length is None:
            times = np.linspace(0.0, length, records)
            return _flow(minimum, start, times, workers)
        steps = max(int(length), 1)
        every = max(1, -(-steps // records))
        if self.oscillation(float(minimum.eigenvalues[0])) is not None:
            every = 1  # an amplitude is that of two points in succession
        interrupt: Any = None
        done: Any
        try:
            done = descend(
                minimum.offset,
                start,
                self.step_length,
                steps,
                momentum=self.momentum,
                nesterov=self.nesterov,
                record_every=every,
                workers=workers,
            )
        except KeyboardInterrupt as caught:
            interrupt, done = caught, getattr(caught, "result", None)
            if done is None:
                raise
        index = every * np.arange(len(done.path), dtype=float)
        found = Run(index, done.path, np.asarray(done.status))
        if interrupt is not None:
            interrupt.result = found
            raise interrupt
        return found


def _flow(minimum: Minimum, start: Floats, times: Floats, workers: int | None) -> Run:
    """Errors relative to each coordinate where rounding is, else to the distance from 0.

    The flow's tolerances are fixed numbers, while the distance falls by hundreds of orders of
    magnitude: so in pieces.
    """
    y = np.full((len(times), *start.shape), np.nan)
    y[0] = start
    status = np.full(len(start), int(Status.MAX_TIME))
    # A coordinate that is 0 has no relative errors.
    exact = not minimum.floor.any() and bool((start != 0.0).all())
    piece = len(times) if exact else max(1, int(2.0 / (minimum.eigenvalues[0] * times[1])))
    going = np.arange(len(start))
    for first in range(0, len(times) - 1, piece):
        last = min(first + piece, len(times) - 1)
        here = y[first, going]
        atol = 1e-290
        if not exact:
            atol = max(minimum.resolution, 1e-14 * float(np.linalg.norm(here, axis=1).max()))
        interrupt: Any = None
        found: Any
        try:
            found = flow(
                minimum.offset,
                here,
                times[first : last + 1] - times[first],
                rtol=1e-12,
                atol=atol,
                max_steps=200_000 if exact else 20_000,
                workers=workers,
            )
        except KeyboardInterrupt as caught:
            interrupt, found = caught, getattr(caught, "result", None)
        if found is not None:
            y[first + 1 : last + 1, going] = found.x[1:]
            status[going] = found.status
        if interrupt is not None:
            if found is None:
                status[going] = int(Status.INTERRUPTED)
            interrupt.result = Run(times, y, status)
            raise interrupt
        going = going[np.isfinite(y[last, going]).all(axis=1)]
        if not going.size:
            break
    return Run(times, y, status)


def _root(mu: float, beta: float, nesterov: bool) -> tuple[float, float]:
    """The larger root of a direction, NaN where it is complex, and how far ahead Nesterov looks."""
    if beta == 0.0:
        return mu, 1.0
    trace = (1.0 + beta) * mu if nesterov else mu + beta
    determinant = beta * mu if nesterov else beta
    inside = trace**2 / 4.0 - determinant
    if inside < 0.0:
        return np.nan, np.nan
    z = trace / 2.0 + np.copysign(np.sqrt(inside), trace)
    return float(z), float(1.0 + beta - beta / z) if nesterov else 1.0


def checked_method(step_length: Any, momentum: Any, nesterov: Any) -> Method:
    """The method that arguments speak of, or an error that names the wrong one."""
    beta = checked_momentum(momentum)
    if step_length is None:
        if beta or nesterov:
            raise ValueError("momentum: gradient flow has none; give a step_length")
        return Method(None, 0.0, False)
    checked_nesterov(nesterov, beta)
    return Method(checked_positive(step_length, "step_length"), beta, bool(nesterov))
