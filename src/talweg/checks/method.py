"""The dynamics that a check runs: gradient flow, or descent with or without momentum."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.descent import descend
from talweg.extremals.arguments import checked_positive
from talweg.gradient_flow import flow
from talweg.objective import Objective
from talweg.theory.arguments import checked_momentum
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

    def run(
        self,
        f: Objective,
        start: Floats,
        length: float,
        records: int,
        workers: int | None,
        resolution: float = 0.0,
    ) -> Run:
        """From `start`, shape (m, n), up to index `length`, at most about `records` points.

        `resolution` is the size of offsets that the function does not tell from 0.
        """
        if self.step_length is None:
            times = np.linspace(0.0, length, records)
            # Relative to each coordinate: the direction is as accurate next to 0 as anywhere.
            atol = max(resolution, 1e-290)
            found = flow(f, start, times, rtol=1e-12, atol=atol, max_steps=10**6, workers=workers)
            return Run(times, found.x, np.asarray(found.status))
        steps = max(int(length), 1)
        every = max(1, -(-steps // records))
        done = descend(
            f,
            start,
            self.step_length,
            steps,
            momentum=self.momentum,
            nesterov=self.nesterov,
            record_every=every,
            workers=workers,
        )
        index = every * np.arange(len(done.path), dtype=float)
        return Run(index, done.path, np.asarray(done.status))


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
    return Method(checked_positive(step_length, "step_length"), beta, bool(nesterov) and beta > 0.0)
