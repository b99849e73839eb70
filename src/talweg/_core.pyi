"""Compiled core of talweg; use the names in the package talweg instead."""

from enum import IntEnum
from typing import Any

__version__: str
_lapack_capsule: Any

class Status(IntEnum):
    """How a computation ended; codes below 100 are successes."""

    converged = 0
    boundary = 1
    closed = 2
    critical_point = 3
    branch_point = 4
    max_points = 5
    max_length = 6
    running = 10
    step_too_small = 100
    not_converged = 101
    non_finite = 102
    degenerate = 103
    isotropic = 104
    unbounded = 105
    inconsistent = 106
    interrupted = 107

def describe(status: Status) -> str: ...
def has_lapack() -> bool: ...
