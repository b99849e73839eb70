"""The problem and the start of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.phase_retrieval.experiments.tasks import generator_of
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.spectral_starts import SPECTRAL_STARTS, spectral_start

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["START_KINDS", "instance"]

START_KINDS = ("random", *SPECTRAL_STARTS)


def instance(task: Mapping[str, Any], threads: int = 1) -> tuple[Problem, Floats]:
    """Data and signal by seed, N, alpha and run; the start besides by its kind.

    So different losses, steps and starts are compared on the same data.
    """
    where = (task["N"], task["alpha"], task["run"])
    rng = generator_of(task["seed"], "problem", *where)
    problem = Problem(
        task["N"], task["alpha"], task["a"], rng=rng, dtype=task["dtype"], workers=threads
    )
    rng = generator_of(task["seed"], "start", task["start"], *where)
    if task["start"] == "random":
        return problem, problem.random_point(rng)
    return problem, spectral_start(problem, task["start"], rng)
