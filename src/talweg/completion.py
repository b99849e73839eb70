"""Objectives of the core that cannot evaluate everything: trying them out, and what they lack."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.differences import Differenced, compare_with_differences, estimated_scale
from talweg.quantity import GRADIENT, HESSIAN, METHODS, THIRD, VALUE
from talweg.verification import sample_points

__all__ = ["completed"]


def completed(
    core: Any,
    available: int,
    *,
    bounds: np.ndarray | None,
    scale: np.ndarray | None,
    noise: float,
    verify: bool,
) -> Differenced:
    """The objective with all quantities, where it evaluates those in `available` itself.

    The other arguments are those of `talweg.Objective.from_callables`, checked.

    Raises
    ------
    ValueError
        When the value is finite at none of the points tried, or a derivative is not that of the
        value.
    """
    n = core.dimension
    points = _finite_points(core, n, bounds)
    incomplete = any(not available & quantity for quantity in (GRADIENT, HESSIAN, THIRD))
    with np.errstate(all="ignore"):
        if verify:
            _try_all(core, available, points)
        # Steps matter only where something is missing, or to compare with.
        if scale is None and (verify or incomplete):
            scale = estimated_scale(core, available, points, bounds, noise)
        lengths = np.ones(n) if scale is None else scale
        if verify:
            compare_with_differences(core, available, points, lengths, noise)
    return Differenced(core, available, points, lengths, noise)


def _finite_points(core: Any, n: int, bounds: np.ndarray | None) -> np.ndarray:
    """Up to three points where fun is finite, the same each time."""
    # Not n of them: an array of the wrong orientation must not fit by accident.
    size = 4 if n == 3 else 3
    tried = 0
    found: list[np.ndarray] = []
    candidates = sample_points(n, bounds)
    while len(found) < 3:
        block = np.array([x for x, _ in zip(candidates, range(size))])
        if len(block) < size:
            break
        tried += size
        with np.errstate(all="ignore"):
            values = core.evaluate(block, VALUE)["value"]
        found.extend(block[np.isfinite(values)])
    if not found:
        raise ValueError(
            f"fun is NaN or infinite at each of the {tried} points tried"
            + (" in bounds" if bounds is not None else ": give bounds=[(low, high), ...] for x")
        )
    return np.array(found[:3])


def _try_all(core: Any, available: int, points: np.ndarray) -> None:
    """Call each function once, which shows results of the wrong shape or type."""
    n = points.shape[1]
    size = 4 if n == 3 else 3
    block = np.resize(points, (size, n))
    for quantity in METHODS:
        if available & quantity:
            core.evaluate(block, quantity, block)
