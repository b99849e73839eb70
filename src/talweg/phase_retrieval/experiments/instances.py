"""The problem and the start of a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.phase_retrieval.experiments.tasks import generator_of
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.starts import start

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["instance"]


def instance(task: Mapping[str, Any]) -> tuple[Problem, Floats]:
    """Data and signal by seed, N, alpha and run; the start besides by its kind.

    So different losses, steps and starts are compared on the same data.
    """
    where = (task["N"], task["alpha"], task["run"])
    rng = generator_of(task["seed"], "problem", *where)
    problem = Problem(task["N"], task["alpha"], task["a"], rng=rng, dtype=task["dtype"])
    rng = generator_of(task["seed"], "start", task["start"], *where)
    return problem, start(problem, task["start"], rng)
