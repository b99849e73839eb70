"""The coordinates that curves are traced in, where the metric is Euclidean.

With a metric ``P = L L'`` these are ``y = L' x``: the gradient is ``L^-1 g`` there, the Hessian
``L^-1 H L^-T``, and gradient extremals are the curves with ``H P^-1 g = lambda g``. Without one they
are x itself.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from talweg import _core
from talweg.extremals.arguments import default_max_step
from talweg.extremals.assembly import Arc
from talweg.extremals.points import CriticalPoint, Event
from talweg.extremals.results import Extremal
from talweg.objective import Objective

__all__ = ["Coordinates"]


class Coordinates:
    """The way between x and the coordinates y of an objective's metric.

    Attributes
    ----------
    f : Objective
        As the user has it.
    objective : Objective
        The function of y.
    """

    def __init__(self, f: Objective) -> None:
        self.f = f
        self.objective = f
        self._matrix: np.ndarray | None = None  # x = matrix @ y
        if f.metric is None:
            return
        self._factor = np.linalg.cholesky(f.metric)
        self._matrix = np.linalg.inv(self._factor).T
        self.objective = Objective.__new__(Objective)
        core = _core.compose_affine(f._core, self._matrix, np.zeros(f.n))
        self.objective._setup(core, f.n, name=f.name, kinks=f.kinks)
        self.objective._differenced = f._differenced

    def to_y(self, x: np.ndarray) -> np.ndarray:
        """Points or vectors (..., n) in y."""
        return x if self._matrix is None else x @ self._factor

    def to_x(self, y: np.ndarray) -> np.ndarray:
        """Points or vectors (..., n) in x."""
        return y if self._matrix is None else y @ self._matrix.T

    def length(self, error: float) -> float:
        """The longest Euclidean length in x of a vector of this length in y."""
        return error if self._matrix is None else error * float(np.linalg.norm(self._matrix, 2))

    def max_step(self, bounds: np.ndarray | None, x: np.ndarray) -> float:
        """The default of `max_step`, a length in y."""
        if self._matrix is None or bounds is None:
            return default_max_step(bounds, self.to_y(x))
        return 0.005 * float(np.linalg.norm(self.to_y(bounds[:, 1] - bounds[:, 0])))

    def options(self, bounds: np.ndarray | None) -> dict[str, Any]:
        """The box as options of the core."""
        if bounds is None:
            return {}
        options = {"lower": bounds[:, 0].copy(), "upper": bounds[:, 1].copy()}
        if self._matrix is not None:
            options["box_matrix"] = self._matrix
        return options

    def arc_in_x(self, arc: Arc) -> Arc:
        """An arc that the core traced, in x."""
        if self._matrix is None:
            return arc
        changed = {name: self.to_x(arc[name]) for name in ("x", "tangent", "eigenvector")}
        return {**arc, **changed, "events": [self.event_in_x(event) for event in arc["events"]]}

    def event_in_x(self, event: dict[str, Any]) -> dict[str, Any]:
        """An event that the core located, in x."""
        if self._matrix is None:
            return event
        changed = {name: self.to_x(event[name]) for name in ("x", "tangent")}
        return {**event, **changed, "error": self.length(event["error"])}

    def curve_in_x(self, curve: Extremal) -> Extremal:
        """A curve in y, in x."""
        if self._matrix is None:
            return curve
        events = [
            Event(**{**vars(event), **self.event_in_x(vars(event))}) for event in curve.events
        ]
        return dataclasses.replace(
            curve,
            x=self.to_x(curve.x),
            tangent=self.to_x(curve.tangent),
            eigenvector=self.to_x(curve.eigenvector),
            events=events,
            f=self.f,
        )

    def point_in_x(self, point: CriticalPoint) -> CriticalPoint:
        """A critical point in y, in x; its eigenvectors have unit length in the metric."""
        if self._matrix is None:
            return point
        return dataclasses.replace(
            point,
            x=self.to_x(point.x),
            eigenvectors=self._matrix @ point.eigenvectors,
            error=self.length(point.error),
        )

    def slope(self, x: np.ndarray) -> float:
        """Norm of the gradient at x, in the metric."""
        gradient = self.f.grad(x)
        return float(np.linalg.norm(gradient if self._matrix is None else gradient @ self._matrix))
