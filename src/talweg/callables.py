"""Objectives from Python functions that are called, not recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from talweg import _core
from talweg.completion import completed
from talweg.differences import Differenced, checked_noise, checked_scale
from talweg.quantity import METHODS

__all__ = ["callable_core"]


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
    for role in METHODS.values():
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
    return completed(calls, calls.available, bounds=bounds, scale=given, noise=noise, verify=verify)
