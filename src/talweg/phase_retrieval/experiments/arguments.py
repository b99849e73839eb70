"""Checks of the arguments that experiments share, before any work."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_count, checked_positive
from talweg.phase_retrieval.experiments.instances import START_KINDS
from talweg.phase_retrieval.experiments.running import checked_map
from talweg.phase_retrieval.experiments.tasks import TaskFolder
from talweg.phase_retrieval.memory import require_memory
from talweg.phase_retrieval.observations import checked_constant, checked_storage
from talweg.phase_retrieval.step_lengths import parts_of_step

__all__ = [
    "Stepping",
    "checked_a",
    "checked_descent",
    "checked_dtype",
    "checked_folder",
    "checked_kind",
    "checked_kinds",
    "checked_ratios",
    "checked_seed",
    "checked_sizes",
    "require_data",
    "require_observations",
]


def checked_sizes(N: Any, argument: str = "N") -> list[int]:
    """One size or several, each once, in ascending order."""
    values = [N] if np.ndim(N) == 0 else list(N)
    if not values:
        raise ValueError(f"{argument}: want at least one size")
    return sorted({checked_count(value, argument, 2) for value in values})


def checked_ratios(alpha: Any, argument: str = "alpha") -> list[float]:
    """One positive number or several, each once, in ascending order."""
    values = np.atleast_1d(finite_array(alpha, argument))
    if values.ndim != 1 or not values.size:
        raise ValueError(f"{argument}: want a number or several, got shape {values.shape}")
    if not (values > 0).all():
        raise ValueError(f"{argument}: want numbers above 0, got {values.min()}")
    return sorted({float(value) for value in values})


def checked_a(a: Any) -> float:
    """The loss's constant, which may be infinite."""
    return checked_constant(a)


def checked_kind(kind: Any, ratios: list[float]) -> str:
    """A kind of start that exists at all these ratios."""
    if kind not in START_KINDS:
        raise ValueError(f"starts: want one of {', '.join(START_KINDS)}, got {kind!r}")
    if kind == "mondelli-montanari" and min(ratios) <= 0.5:
        raise ValueError(f"alpha: the start {kind!r} needs more than 1/2, got {min(ratios)}")
    return str(kind)


def checked_kinds(starts: Any, ratios: list[float]) -> list[str]:
    """One kind of start or several, each once."""
    values: Sequence[Any] = [starts] if isinstance(starts, str) else list(starts)
    if not values:
        raise ValueError("starts: want at least one kind")
    return list(dict.fromkeys(checked_kind(value, ratios) for value in values))


def checked_seed(seed: Any) -> int:
    """A whole number, so that the same call gives the same numbers."""
    return checked_count(seed, "seed", 0)


def checked_dtype(dtype: Any) -> str:
    """The name of the storage of X."""
    return checked_storage(dtype).name


@dataclasses.dataclass(frozen=True)
class Stepping:
    """How the descents of an experiment step.

    Attributes
    ----------
    given : float or None
        The step length that was asked for.
    step : float
        That one or the usual one, of which `of` takes a part where it is not stable.
    n_steps : int
        Steps of that length to the horizon.
    """

    given: float | None
    step: float
    n_steps: int

    def parts(self, N: int, alpha: float, a: float) -> int:
        """Into how many steps each one is divided."""
        return 1 if self.given is not None else parts_of_step(N, alpha, a, self.step)

    def of(self, N: int, alpha: float, a: float) -> dict[str, Any]:
        """What the tasks of this size, ratio and loss are told."""
        parts = self.parts(N, alpha, a)
        return {"step_length": self.step / parts, "n_steps": parts * self.n_steps}


def checked_descent(step_length: Any, horizon: Any, usual: float) -> Stepping:
    """The step length, and how many steps the horizon takes."""
    given = None if step_length is None else checked_positive(step_length, "step_length")
    step = usual if given is None else given
    time = checked_positive(horizon, "horizon")
    if step > time:
        raise ValueError(f"horizon: want at least one step of length {step}, got {time}")
    return Stepping(given, step, math.ceil(time / step - 1e-9))


def checked_folder(folder: Any) -> TaskFolder | None:
    """The folder, made if need be."""
    if folder is None:
        return None
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"folder: want a path, got {type(folder).__name__}")
    return TaskFolder(folder)


def require_observations(N: int, alpha: float, least: int = 1) -> None:
    """An error where there are fewer observations than can be worked with."""
    if round(N * alpha) < least:
        few = "no observation" if least == 1 else f"fewer than {least} observations"
        raise ValueError(f"alpha: {alpha} of N = {N} leaves {few}")


def require_data(N: int, alpha: float, dtype: str, workers: Any, tasks: int) -> None:
    """An error where the data of as many tasks as run at once do not fit into memory."""
    mapping = checked_map(workers)
    # How many run at once on one machine behind a map is not known here.
    lanes = min(mapping, tasks) if isinstance(mapping, int) else 1
    rows = round(N * alpha)
    what = f"X of {rows} rows and {N} columns in {dtype}"
    advice = "; dtype='float32' takes half of it" if dtype == "float64" else ""
    if lanes > 1:
        what += f" in each of {lanes} threads"
        advice += "; fewer workers take less"
    require_memory("N", what, lanes * rows * N * np.dtype(dtype).itemsize, advice)
