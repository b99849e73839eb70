"""Objectives from Python functions that are called, not recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from talweg import _core
from talweg.differences import (
    METHODS,
    Differenced,
    checked_noise,
    checked_scale,
    compare_with_differences,
    estimated_scale,
)
from talweg.quantity import VALUE
from talweg.verification import sample_points

__all__ = ["callable_core"]

_ROLES = ("fun", "grad", "hess", "hessp", "third")


def callable_core(
    functions: dict[str, Callable[..., Any] | bool | None],
    n: int,
    *,
    batched: bool,
    args: Any,
    bounds: np.ndarray | None,
    scale: Any,
    noise: float,
    verify: bool,
) -> Differenced:
    """The callables as an objective of the core, completed by differences.

    `functions` holds fun, grad, hess, hessp and third; the arguments are those of
    `talweg.Objective.from_callables`, with `n` and `bounds` checked.
    """
    for role in _ROLES:
        function = functions[role]
        if role == "grad" and function is True:
            continue
        if (function is not None or role == "fun") and not callable(function):
            raise TypeError(f"{role}: want a function, got {type(function).__name__}")
    if not isinstance(batched, (bool, np.bool_)):
        raise TypeError(f"batched: want True or False, got {batched!r}")
    if not isinstance(args, tuple):
        raise TypeError(f"args: want a tuple, got {type(args).__name__}")
    noise = checked_noise(noise)
    given = checked_scale(scale, n)
    calls = _core.CallbackObjective(n, **functions, batched=bool(batched), arguments=args)
    points = _finite_points(calls, n, bounds)
    with np.errstate(all="ignore"):
        if verify:
            _try_all(calls, points)
        # Steps matter only where something is missing, or to compare with.
        if given is None and (verify or _incomplete(functions)):
            given = estimated_scale(calls, calls.available, points, bounds, noise)
        lengths = np.ones(n) if given is None else given
        if verify:
            compare_with_differences(calls, calls.available, points, lengths, noise)
    return Differenced(calls, calls.available, points, lengths, noise)


def _incomplete(functions: dict[str, Any]) -> bool:
    return any(functions[role] is None for role in ("grad", "hess", "third"))


def _finite_points(calls: Any, n: int, bounds: np.ndarray | None) -> np.ndarray:
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
            values = calls.evaluate(block, VALUE)["value"]
        found.extend(block[np.isfinite(values)])
    if not found:
        raise ValueError(
            f"fun is NaN or infinite at each of the {tried} points tried"
            + (" in bounds" if bounds is not None else ": give bounds=[(low, high), ...] for x")
        )
    return np.array(found[:3])


def _try_all(calls: Any, points: np.ndarray) -> None:
    """Call each function once, which shows results of the wrong shape or type."""
    n = points.shape[1]
    size = 4 if n == 3 else 3
    block = np.resize(points, (size, n))
    for quantity in METHODS:
        if calls.available & quantity:
            calls.evaluate(block, quantity, block)
