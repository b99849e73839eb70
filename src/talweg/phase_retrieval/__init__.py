"""Phase retrieval: a signal from squared projections, by descent on a sphere."""

from __future__ import annotations

from talweg.phase_retrieval.memory import NotEnoughMemory
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.sphere import SphereDescent, sphere_descent

__all__ = ["NotEnoughMemory", "Problem", "SphereDescent", "sphere_descent"]
