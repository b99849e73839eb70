"""Phase retrieval: a signal from squared projections, by descent on a sphere."""

from __future__ import annotations

from talweg.phase_retrieval.memory import NotEnoughMemory
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.sphere import SphereDescent, sphere_descent
from talweg.phase_retrieval.starts import START_KINDS, start
from talweg.phase_retrieval.trajectories import Trajectories, descend, record_steps

__all__ = [
    "START_KINDS",
    "NotEnoughMemory",
    "Problem",
    "SphereDescent",
    "Trajectories",
    "descend",
    "record_steps",
    "sphere_descent",
    "start",
]
