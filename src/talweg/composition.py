"""Sums of objectives and objectives in other coordinates: how they are made from their operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.recording.errors import RecordingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["compose_affine", "evaluated_from", "linear_combination", "recompiled"]


class _Inherited:
    """What `talweg.differences.Differenced` says, for a function of several objectives."""

    def __init__(self, operands: Sequence[Any]) -> None:
        self._parts = [o._differenced for o in operands if o._differenced is not None]

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(method for part in self._parts for method in part.methods))

    @property
    def errors(self) -> dict[str, float]:
        return {
            method: max(part.errors.get(method, 0.0) for part in self._parts)
            for method in self.methods
        }


def recompiled(result: Any, operands: Sequence[Any]) -> Any:
    """`result` as machine code where an operand is."""
    if any(operand.compiled for operand in operands):
        return result.compile()
    return result


def evaluated_from(
    operands: Sequence[Any],
    core: Any,
    *,
    n: int,
    bounds: Floats | None,
    name: str,
    kind: Any = None,
) -> Any:
    """An objective that evaluates `core`, which is made from objectives."""
    from talweg.objective import Objective

    kind = Objective if kind is None else kind
    result = kind.__new__(kind)
    kinks = tuple(dict.fromkeys(kink for operand in operands for kink in operand.kinks))
    result._setup(core, n, bounds=bounds, name=name, kinks=kinks)
    result._differenced = _Inherited(operands)
    result.compiled = any(operand.compiled for operand in operands)
    return result


def _made(
    function: Callable[[Any], Any],
    core: Callable[[], Any],
    maker: Callable[..., Any],
    operands: tuple[Any, ...],
    rest: tuple[Any, ...],
    *,
    n: int,
    bounds: Floats | None,
    name: str,
    deferred: bool = False,
) -> Any:
    """An objective from others: recorded from `function` where they all are, else of `core`.

    A deferred recording is made when it is first needed.
    """
    from talweg.objective import Objective

    def evaluated() -> Any:
        return evaluated_from(operands, core(), n=n, bounds=bounds, name=name)

    def recorded() -> Any:
        try:
            result = Objective(function, n, bounds=bounds, name=name, verify=False)
        except RecordingError:  # longer than a recording may be
            return evaluated()
        return recompiled(result, operands)

    if not all(operand._tape is not None for operand in operands):
        result = evaluated()
    elif deferred:
        result = Objective.__new__(Objective)
        result._setup(None, n, bounds=bounds, name=name)
        result._defer(recorded)
    else:
        result = recorded()
    result.compiled = any(operand.compiled for operand in operands)
    result._made = (maker, operands, rest)
    return result


def linear_combination(
    operands: tuple[Any, ...], coefficients: tuple[float, ...], constant: float
) -> Any:
    """constant + sum of coefficient * operand."""
    if not np.isfinite([*coefficients, constant]).all():
        raise ValueError(f"an objective with a coefficient that is not finite: {coefficients}")
    first = operands[0]
    for operand in operands[1:]:
        if operand.n != first.n:
            raise ValueError(
                f"objectives of {first.n} and of {operand.n} coordinates cannot be added"
            )
    for operand in operands[1:]:
        same = (operand.metric is None) == (first.metric is None)
        if not same or (first.metric is not None and (operand.metric != first.metric).any()):
            raise ValueError("objectives with different metrics cannot be added")
    operands, coefficients, constant = _flattened(operands, coefficients, constant)
    if not np.isfinite([*coefficients, constant]).all():
        raise ValueError("an objective with coefficients whose product is not finite")

    def function(x: Any) -> Any:
        total = constant
        for coefficient, operand in zip(coefficients, operands):
            total = total + coefficient * operand(x)
        return total

    result = _made(
        function,
        lambda: _core.linear_combination(
            [(c, operand._core) for c, operand in zip(coefficients, operands)], constant
        ),
        linear_combination,
        operands,
        (coefficients, constant),
        n=first.n,
        bounds=_common_box([o.bounds for o in operands if o.bounds is not None]),
        name=_name_of_sum(operands, coefficients, constant),
        # A sum of many that grows term by term would be recorded as often as it has terms.
        deferred=True,
    )
    result.metric = first.metric
    return result


def _flattened(
    operands: tuple[Any, ...], coefficients: tuple[float, ...], constant: float
) -> tuple[tuple[Any, ...], tuple[float, ...], float]:
    """One sum instead of sums of sums, whose depth Python's recursion would bound."""
    parts: list[tuple[Any, float]] = []
    for operand, coefficient in zip(operands, coefficients):
        if operand._made is not None and operand._made[0] is linear_combination:
            _, inner, (inner_coefficients, inner_constant) = operand._made
            parts += [(f, coefficient * c) for f, c in zip(inner, inner_coefficients)]
            constant += coefficient * inner_constant
        else:
            parts.append((operand, coefficient))
    return tuple(f for f, _ in parts), tuple(c for _, c in parts), constant


def _name_of_sum(
    operands: tuple[Any, ...], coefficients: tuple[float, ...], constant: float
) -> str:
    parts = []
    for operand, coefficient in zip(operands, coefficients):
        factor = {1.0: "", -1.0: "-"}.get(coefficient, f"{coefficient:g}*")
        name = f"({operand.name})" if factor and " " in operand.name else operand.name
        parts.append(factor + name)
    if constant:
        parts.append(f"{constant:g}")
    if len(parts) > 6:
        parts[3:-1] = ["..."]
    return " + ".join(parts).replace("+ -", "- ")


def _common_box(boxes: list[Floats]) -> Floats | None:
    if not boxes:
        return None
    low = np.max([box[:, 0] for box in boxes], axis=0)
    high = np.min([box[:, 1] for box in boxes], axis=0)
    return np.stack([low, high], axis=1) if (low < high).all() else None


def compose_affine(operands: tuple[Any], origin: Floats, matrix: Floats, how: str) -> Any:
    """y -> f(matrix @ y + origin)."""
    (f,) = operands
    free = [np.flatnonzero(row) for row in matrix]

    def function(y: Any) -> Any:
        # Only what is not zero, so that fixed coordinates leave constants.
        x = [origin[i] + sum(matrix[i, j] * y[j] for j in free[i]) for i in range(f.n)]
        return f(np.stack([y[0] * 0.0 + value for value in x]))

    result = _made(
        function,
        lambda: _core.compose_affine(f._core, matrix, origin),
        compose_affine,
        operands,
        (origin, matrix, how),
        n=matrix.shape[1],
        bounds=_box_of_restriction(f.bounds, origin, matrix),
        name=f"{f.name}, {how}",
    )
    result._embedding = (matrix, origin)
    if f.metric is not None:
        result.metric = matrix.T @ f.metric @ matrix
    return result


def _box_of_restriction(box: Floats | None, origin: Floats, matrix: Floats) -> Floats | None:
    """The y for which origin + matrix @ y lies in the box, where they are a box."""
    if box is None or (np.count_nonzero(matrix, axis=1) > 1).any():
        return None
    low, high = np.full(matrix.shape[1], -np.inf), np.full(matrix.shape[1], np.inf)
    for row, column in zip(*np.nonzero(matrix)):
        ends = sorted((box[row] - origin[row]) / matrix[row, column])
        low[column], high[column] = max(low[column], ends[0]), min(high[column], ends[1])
    return np.stack([low, high], axis=1) if (low < high).all() else None
