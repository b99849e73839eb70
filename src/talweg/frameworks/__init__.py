"""Functions of JAX and PyTorch, with the derivatives of those frameworks, on blocks of points.

Neither is imported before `Objective.from_jax` or `Objective.from_torch` is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from talweg import _core
from talweg.bounds import checked_bounds, checked_dimension
from talweg.completion import completed
from talweg.differences import Differenced


def framework_core(
    kind: Any, fun: Callable[[Any], Any], n: Any, bounds: Any, options: dict[str, Any]
) -> tuple[Any, Differenced]:
    """The functions of `kind`, `JaxFunctions` or `TorchFunctions`, and an objective of the core."""
    if not callable(fun):
        raise TypeError(f"fun: want a function, got {type(fun).__name__}")
    if isinstance(n, (bool, int, float, np.integer, np.bool_, type(None), str)):
        n = checked_dimension(n)
    functions = kind(fun, n, **options)
    box = checked_bounds(bounds, functions.n)
    calls = _core.CallbackObjective(
        functions.n,
        functions.fun,
        functions.grad,
        functions.hess,
        functions.hessp,
        functions.third,
        batched=True,
        arguments=(),
    )
    # The frameworks' derivatives need no comparison; their compilation would be the dearest part.
    made = completed(calls, calls.available, bounds=box, scale=None, noise=2.0**-52, verify=False)
    return functions, made
