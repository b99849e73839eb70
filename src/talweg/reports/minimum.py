"""What theory says of one minimum, before anything is measured."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.forcing import measured_forcing
from talweg.checks.minimum import found_minimum
from talweg.extremals.points import CriticalPoint
from talweg.objective import Objective
from talweg.reports.measurement import Measurement
from talweg.theory.alignment import AlignmentRate, alignment_rate
from talweg.theory.arguments import distinct
from talweg.theory.resonances import Resonance, resonances
from talweg.theory.slow_manifold import SlowManifold, slow_manifold
from talweg.theory.step_bounds import StepBounds, step_bounds
from talweg.theory.volume import volume_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Prediction", "ResonantTerm", "TheoryOfMinimum", "theory_of"]

#: Up to which order p forcing is looked for.
_MOST_FORCING = 8
#: Most resonances that are listed for one system.
_MOST_RESONANCES = 12


@dataclasses.dataclass(frozen=True)
class ResonantTerm:
    """A relation between eigenvalues or multipliers, and the derivative of f that it multiplies.

    Attributes
    ----------
    system : str
        "flow", or "descent" at `step_length`.
    step_length : float or None
    relation : Resonance
    derivative : float or None
        Of f at the minimum, along the eigenvectors that the relation names. Where it is 0 the
        relation has no effect at its own order. None above order 3.
    """

    system: str
    step_length: float | None
    relation: Resonance
    derivative: float | None


@dataclasses.dataclass(frozen=True)
class Prediction:
    """How one method aligns next to a minimum, and what it does to volume.

    Attributes
    ----------
    method : str
        In words.
    step_length : float or None
        None for the flow.
    momentum : float
    nesterov : bool
    alignment : AlignmentRate
    volume_rate : float
        Change of log volume a step or, for the flow, in a unit of time.
    """

    method: str
    step_length: float | None
    momentum: float
    nesterov: bool
    alignment: AlignmentRate
    volume_rate: float


@dataclasses.dataclass(eq=False)
class TheoryOfMinimum:
    """Theory of one minimum; runs beside it in `measurements`.

    Attributes
    ----------
    point : CriticalPoint
    eigenvalue_error : ndarray, shape (n,)
        What rounding and the error of the point can change eigenvalues by.
    forcing : int or None
        The order p at which the softest direction forces others (see `talweg.theory.alignment_rate`):
        None where none up to order 8 was found.
    soft_forcing, stiff_forcing : ndarray, shape (n,)
        T[e, e, e_j] with e the softest and the stiffest direction.
    bounds : StepBounds
        Of gradient descent.
    nesterov_bound : float
        Steps of Nesterov's method with the best momentum of the heavy ball that align are shorter.
    resonances : list of ResonantTerm
        Near and exact ones of the flow, and of descent with the step that aligns fastest.
    resonant_steps : list of (float, ResonantTerm)
    curves : SlowManifold
        The curve that the flow follows and the talweg, to second order.
    predictions : list of Prediction
        Flow, descent below and above the bound, heavy ball, Nesterov's method.
    measurements : list of Measurement
        Empty where nothing was measured.
    alignments : list of AlignmentCheck
        The runs of the first measurements.
    concentration : VolumeCheck or None
        How volume gathers in the valley and next to the talweg, under the flow.
    """

    point: CriticalPoint
    eigenvalue_error: Floats
    forcing: int | None
    soft_forcing: Floats
    stiff_forcing: Floats
    bounds: StepBounds
    nesterov_bound: float
    resonances: list[ResonantTerm]
    resonant_steps: list[ResonantTerm]
    curves: SlowManifold
    predictions: list[Prediction]
    measurements: list[Measurement] = dataclasses.field(default_factory=list)
    alignments: list[Any] = dataclasses.field(default_factory=list)
    concentration: Any = None


def theory_of(
    f: Objective, point: CriticalPoint, max_order: int, tolerance: float
) -> TheoryOfMinimum:
    """All predictions for one nondegenerate minimum."""
    x = point.x
    curves = slow_manifold(f, x)
    values, vectors = curves.eigenvalues, curves.eigenvectors
    stiff = vectors.T @ (f.third(x, vectors[:, -1]) @ vectors[:, -1])
    # What is rounding beside the other entries reads as the zero it stands for.
    scale = max(float(np.abs(curves.forcing).max()), float(np.abs(stiff).max()))
    soft, stiff = (np.where(np.abs(b) > 1e-13 * scale, b, 0.0) for b in (curves.forcing, stiff))
    bends: dict[str, Any] = {
        name: np.where(soft == 0.0, 0.0, getattr(curves, name))
        for name in ("invariant", "extremal")
    }
    curves = dataclasses.replace(curves, forcing=soft, **bends)
    derivative = _Derivatives(f, x, vectors)
    minimum = found_minimum(f, x)
    forcing = measured_forcing(f, minimum, 0, _MOST_FORCING).order
    stiff_order = measured_forcing(f, minimum, len(values) - 1, _MOST_FORCING).order
    bounds = step_bounds(values, forcing=forcing)
    beta = bounds.best_momentum.momentum if bounds.best_momentum is not None else 0.0
    nesterov = step_bounds(values, beta, nesterov=True, resonant_order=0) if beta else bounds
    found = []
    for system, step in (("flow", None), ("descent", bounds.best_alignment)):
        if step is not None and not np.isfinite(step):
            continue
        for relation in resonances(values, max_order, step, tolerance).found[:_MOST_RESONANCES]:
            found.append(ResonantTerm(system, step, relation, derivative.of(relation.derivative)))
    steps = []
    for one in bounds.resonant:
        relation = Resonance(one.index, one.powers, 0.0)
        steps.append(
            ResonantTerm("descent", one.step_length, relation, derivative.of(relation.derivative))
        )
    return TheoryOfMinimum(
        point,
        _eigenvalue_error(f, point, values, vectors),
        forcing,
        curves.forcing,
        stiff,
        bounds,
        nesterov.alignment,
        found,
        steps,
        curves,
        _predictions(values, bounds, nesterov, beta, forcing, stiff_order),
    )


def _predictions(
    values: Floats,
    bounds: StepBounds,
    nesterov: StepBounds,
    beta: float,
    forcing: int | None,
    stiff_forcing: int | None,
) -> list[Prediction]:
    def predict(method: str, step: float | None, order: int | None, **kw: Any) -> Prediction:
        rate = alignment_rate(values, step, forcing=order, **kw)
        volume = volume_rate(values, step, **kw)
        return Prediction(
            method, step, kw.get("momentum", 0.0), kw.get("nesterov", False), rate, volume
        )

    result = [predict("gradient flow", None, forcing)]
    if distinct(values)[1] is None:
        return result
    resonant = [one.step_length for one in bounds.resonant]
    below = _away(
        0.5 * (bounds.best_alignment + bounds.alignment), resonant, (0.0, bounds.alignment)
    )
    above = _away(
        0.5 * (bounds.alignment + bounds.stability), resonant, (bounds.alignment, bounds.stability)
    )
    result += [
        predict("descent below the bound", below, forcing),
        predict("descent above the bound", above, stiff_forcing),
    ]
    best = bounds.best_momentum
    if best is not None and best.momentum > 0.0:
        result.append(
            predict("heavy ball, best momentum", best.step_length, forcing, momentum=best.momentum)
        )
        result.append(
            predict(
                "Nesterov's method",
                0.8 * nesterov.alignment,
                forcing,
                momentum=beta,
                nesterov=True,
            )
        )
    return result


def _away(step: float, others: list[float], interval: tuple[float, float]) -> float:
    """A step near `step`, within the open interval, as far from `others` as may be had nearby.

    Next to a resonance two terms fall almost equally fast, so that a slope seen is not yet the slope in
    the end. Many coordinates leave little room between resonances: then it is `step` itself, as a step
    on the other side of a bound would be a run of another kind.
    """
    low, high = interval
    for margin in (0.02, 0.01, 0.005, 0.001):
        for shift in (0.0, 1.0, -1.0, 2.0, -2.0, 4.0, -4.0):
            tried = step + shift * margin * high
            apart = all(abs(tried - other) > margin * high for other in others)
            if low < tried < high and apart:
                return tried
    return step


class _Derivatives:
    """Third and fourth derivatives of f along eigenvectors."""

    def __init__(self, f: Objective, x: Floats, vectors: Floats) -> None:
        self.f, self.x, self.vectors = f, x, vectors
        self._step = 1e-3 * max(1.0, float(np.abs(x).max()))

    def of(self, directions: tuple[int, ...]) -> float | None:
        columns = [self.vectors[:, j] for j in directions]
        if len(columns) == 3:
            return float(columns[0] @ self.f.third(self.x, columns[1]) @ columns[2])
        if len(columns) == 4:
            return self._fourth(columns)
        return None

    def _fourth(self, columns: list[Floats]) -> float:
        def third(h: float) -> float:
            at = self.x + h * columns[3]
            return float(columns[0] @ self.f.third(at, columns[1]) @ columns[2])

        # Richardson's extrapolation of central differences.
        h = self._step
        wide = (third(2 * h) - third(-2 * h)) / (4 * h)
        near = (third(h) - third(-h)) / (2 * h)
        return (4.0 * near - wide) / 3.0


def _eigenvalue_error(
    f: Objective, point: CriticalPoint, values: Floats, vectors: Floats
) -> Floats:
    """Rounding of the matrix, and how far the point's own error moves each eigenvalue."""
    n = values.size
    rounding = 4.0 * np.finfo(float).eps * n * float(np.abs(values).max())
    moved = np.zeros(n)
    for j in range(n):
        # d lambda_j = T[e_j] e_j . dx
        moved[j] = np.linalg.norm(f.third(point.x, vectors[:, j]) @ vectors[:, j])
    return np.asarray(rounding + moved * float(point.error))
