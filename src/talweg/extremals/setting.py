"""The checked arguments of one trace: where it starts, its options, and results made from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg import _core
from talweg.extremals.arguments import (
    checked_bounds_of,
    checked_count,
    checked_objective,
    checked_point,
    checked_positive,
    dimension_of,
)
from talweg.extremals.assembly import Arc, to_extremal
from talweg.extremals.coordinates import Coordinates
from talweg.extremals.lines import extremal_lines
from talweg.extremals.messages import notes, start_failure
from talweg.extremals.points import CriticalPoint
from talweg.extremals.results import Extremal
from talweg.status import Status

__all__ = ["BOX_OPTIONS", "Setting", "tracer_options"]

#: Options that say where the box is, which results hold elsewhere.
BOX_OPTIONS = ("lower", "upper", "box_matrix")


class Setting:
    """Checked arguments of one trace, and the results made from them."""

    def __init__(
        self,
        f: Any,
        x0: Any,
        bounds: Any,
        max_step: float | None,
        max_points: int,
        max_length: float | None,
        initial_step: float | None,
        near_branch_distance: float | None,
        tolerance: float,
    ) -> None:
        self._point = x0 if isinstance(x0, CriticalPoint) else None
        self._branch, self._at_critical_point = 0, False
        x0 = getattr(x0, "x", x0)
        self.f = checked_objective(f, dimension_of(None, x0))
        self.x0 = checked_point(x0, self.f.n, "x0")
        self.bounds = checked_bounds_of(self.f, bounds)
        if self.bounds is not None and (
            (self.x0 < self.bounds[:, 0]).any() or (self.x0 > self.bounds[:, 1]).any()
        ):
            raise ValueError(
                f"x0: {self.x0.tolist()} lies outside the bounds {self.bounds.tolist()}"
            )
        self.coordinates = Coordinates(self.f)
        self.core = self.coordinates.objective._core
        self._start = self.coordinates.to_y(self.x0)
        self.options = tracer_options(
            self.coordinates,
            self.bounds,
            self.x0,
            max_step,
            max_points,
            max_length,
            initial_step,
            near_branch_distance,
            tolerance,
        )

    def start(self, branch: int, direction: Any) -> dict[str, Any]:
        n = self.f.n
        if isinstance(branch, (bool, np.bool_)) or not isinstance(branch, (int, np.integer)):
            raise TypeError(f"branch: want a whole number, got {branch!r}")
        if not -n <= branch < n:
            raise ValueError(f"branch: want -{n} to {n - 1} for n = {n}, got {branch}")
        vector = None
        sign = 1
        if np.ndim(direction) == 0 and not isinstance(direction, str):
            if direction not in (1, -1):
                raise ValueError(f"direction: want +1, -1 or a vector, got {direction!r}")
            sign = int(direction)
        else:
            vector = checked_point(direction, n, "direction")
            if not vector.any():
                raise ValueError("direction: want a vector that is not zero")
            vector = self.coordinates.to_y(vector)
        core, branch, y = self.core, branch % n, self._start
        start = _core.start_extremal(core, y, branch, sign, vector, self.options)
        # The core sees the Hessian's rounding; a critical point knows which eigenvalues are zero.
        together = [branch] if self._point is None else self._group(self._point, branch)
        if vector is None and (start["status"] == Status.ISOTROPIC or len(together) > 1):
            f = self.coordinates.objective
            lines = extremal_lines(f, y, branch, self.options["max_step"])
            if lines:
                along = sign * lines[0]
                start = _core.start_extremal(core, y, branch, 1, along, self.options)
        self._branch, self._at_critical_point = branch, bool(start["at_critical_point"])
        return start

    @staticmethod
    def _group(point: CriticalPoint, branch: int) -> list[int]:
        return next(group for group in point.multiplicities() if branch in group)

    def nothing(self, status: Status) -> Extremal:
        """A curve of the start alone, where none could be started."""
        n = self.f.n
        message = start_failure(status, self.f, self.x0, self._branch, self._at_critical_point)
        zero = np.zeros((1, n))
        return Extremal(
            x=self.x0[None],
            fun=np.array([self.f(self.x0)]),
            sigma=np.array([self.coordinates.slope(self.x0)]),
            eigenvalue=np.array([np.nan]),
            tangent=zero,
            eigenvector=zero,
            arclength=np.zeros(1),
            slope_index=np.zeros(1, dtype=int),
            curvature_index=np.zeros(1, dtype=int),
            residual=np.array([np.nan]),
            status=status,
            start_status=status,
            end_status=status,
            message=self._with_notes(message),
            f=self.f,
            parameters=self.parameters(),
        )

    def result(
        self,
        arc: Arc,
        *,
        message: str | None = None,
        status: Status | None = None,
        start_status: Status = Status.CONVERGED,
    ) -> Extremal:
        end = Status(arc["status"]) if status is None else status
        if len(arc["arclength"]) == 0:
            return self.nothing(end)
        return to_extremal(
            self.coordinates.arc_in_x(arc),
            f=self.f,
            closed=arc.get("closed", False),
            start_status=start_status,
            end_status=end,
            message=self._with_notes(end.describe() if message is None else message),
            parameters=self.parameters(),
        )

    def _with_notes(self, message: str) -> str:
        return " ".join(filter(None, [message, notes(self.f)]))

    def parameters(self) -> dict[str, Any]:
        return {k: v for k, v in self.options.items() if k not in BOX_OPTIONS}


def tracer_options(
    coordinates: Coordinates,
    bounds: np.ndarray | None,
    x0: np.ndarray,
    max_step: float | None,
    max_points: int,
    max_length: float | None,
    initial_step: float | None,
    near_branch_distance: float | None,
    tolerance: float,
) -> dict[str, Any]:
    """The core's options, with the documented defaults."""
    step = coordinates.max_step(bounds, x0) if max_step is None else max_step
    options: dict[str, Any] = {"max_step": checked_positive(step, "max_step")}
    options |= coordinates.options(bounds)
    options["max_points"] = checked_count(max_points, "max_points", 2)
    if max_length is not None:
        options["max_length"] = checked_positive(max_length, "max_length")
    if initial_step is not None:
        options["initial_step"] = checked_positive(initial_step, "initial_step")
    if near_branch_distance is None:
        near_branch_distance = (
            options["max_step"] if bounds is None else 2.0 * coordinates.max_step(bounds, x0)
        )
    options["near_branch_distance"] = checked_positive(near_branch_distance, "near_branch_distance")
    options["tolerance"] = checked_positive(tolerance, "tolerance")
    if options["tolerance"] > 1e-3:
        raise ValueError(f"tolerance: want at most 1e-3, got {tolerance}")
    return options
