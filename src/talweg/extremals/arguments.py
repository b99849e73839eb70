"""Checks of the arguments that finding, tracing and surveying share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from talweg.arrays import real_array
from talweg.bounds import checked_bounds, pairs_of
from talweg.objective import Objective

__all__ = [
    "checked_bounds_of",
    "checked_count",
    "checked_generator",
    "checked_objective",
    "checked_point",
    "checked_positive",
    "checked_starts",
    "checked_workers",
    "default_max_step",
]

#: More than any work can use, and a number that the core can hold.
_MOST_WORKERS = 2**31 - 1


def checked_objective(f: Any, n: int | None) -> Objective:
    """`f` itself, or a plain function recorded for `n` coordinates."""
    if isinstance(f, Objective):
        return f
    if not callable(f):
        got = f"got {type(f).__name__}"
        if isinstance(f, str):
            got = (
                f"got the string {f!r}; talweg.surfaces.by_name takes the name of a surface, "
                "talweg.Objective.from_expression a formula"
            )
        raise TypeError(f"f: want a talweg.Objective or a function of one array, {got}")
    if n is None:
        raise TypeError(
            "f: a plain function needs bounds of shape (n, 2) or a start to know its number of "
            "coordinates n; or record it: talweg.Objective(f, n)"
        )
    return Objective(f, n)


def dimension_of(bounds: Any, starts: Any) -> int | None:
    """The number of coordinates that bounds or starts speak of, None when they do not say."""
    try:
        if starts is not None:
            return int(np.shape(starts)[-1])
        if bounds is not None:
            bounds = pairs_of(bounds)
            # A lone pair could mean one coordinate or any number of them.
            return int(np.shape(bounds)[0]) if np.ndim(bounds) == 2 else None
    except (IndexError, ValueError):
        pass
    return None


def checked_bounds_of(f: Objective, bounds: Any) -> np.ndarray | None:
    """`bounds`, or those of the objective when None; ``()`` for no box."""
    if bounds is None:
        return f.bounds
    if isinstance(bounds, (tuple, list)) and len(bounds) == 0:
        return None
    return checked_bounds(bounds, f.n)


def checked_point(x: Any, n: int, argument: str) -> np.ndarray:
    """`x` as a finite vector of n floats, or an error that names the argument."""
    point = np.ascontiguousarray(real_array(x, argument))
    if point.shape != (n,):
        flat = f"; {argument}.ravel() is of that shape" if point.size == n else ""
        raise ValueError(f"{argument}: want shape ({n},), got {point.shape}{flat}")
    if not np.isfinite(point).all():
        raise ValueError(f"{argument}: want finite numbers, got {point.tolist()}")
    return point


def checked_starts(starts: Any, n: int) -> np.ndarray:
    """`starts`, one point or several, as a finite (m, n) array with at least one row."""
    shape = np.shape(starts) if not isinstance(starts, np.ndarray) else starts.shape
    if len(shape) == 1:
        return checked_point(starts, n, "starts")[None]
    if len(shape) != 2 or shape[0] == 0 or shape[1] != n:
        flat = "; starts.ravel() is of the latter" if math.prod(shape) == n else ""
        raise ValueError(f"starts: want shape (m, {n}) or ({n},), got {shape}{flat}")
    return np.stack([checked_point(row, n, "starts") for row in starts])


def checked_positive(value: Any, argument: str) -> float:
    """`value` as a positive finite float."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{argument}: want a positive number, got {value!r}")
    if not (value > 0 and math.isfinite(value)):
        raise ValueError(f"{argument}: want a positive finite number, got {value}")
    return float(value)


def checked_count(value: Any, argument: str, least: int) -> int:
    """`value` as an int of at least `least`."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{argument}: want a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{argument}: want at least {least}, got {value}")
    if value >= 2**63:
        raise ValueError(f"{argument}: want a number below 2^63, got {value}")
    return int(value)


def checked_generator(rng: Any) -> np.random.Generator:
    """The generator that `rng` stands for, as NumPy has it, but not for True and False."""
    message = (
        "rng: want None, a whole number from 0 on, or a numpy.random SeedSequence or Generator, "
        f"got {rng!r}"
    )
    # NumPy takes them for 1 and 0.
    if isinstance(rng, (bool, np.bool_)):
        raise TypeError(message)
    try:
        return np.random.default_rng(rng)
    except (TypeError, ValueError) as error:
        raise type(error)(message) from None


def checked_workers(workers: Any) -> int:
    """Number of threads: None stands for one for each processor (0 in the core)."""
    if isinstance(workers, int) and workers > _MOST_WORKERS:
        return _MOST_WORKERS
    return 0 if workers is None else checked_count(workers, "workers", 1)


def default_max_step(bounds: np.ndarray | None, x: np.ndarray) -> float:
    """Half a percent of the box's diagonal, or two percent of the larger of 1 and ``max |x|``."""
    if bounds is not None:
        return 0.005 * float(np.linalg.norm(bounds[:, 1] - bounds[:, 0]))
    return 0.02 * max(1.0, float(np.abs(x).max(initial=0.0)))
