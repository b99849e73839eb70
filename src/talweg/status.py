"""How a computation ended: the same codes as the C++ core's ``talweg::Status``."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable
from typing import Any

__all__ = ["Status", "in_words", "summary"]


class Status(enum.IntEnum):
    """How a computation ended.

    Codes below 100 are outcomes a caller asked for or must expect (reaching the boundary is a
    success), codes from 100 on are trouble. The numbers are those of ``talweg::Status`` in
    ``talweg/status.hpp``.

    Examples
    --------
    >>> from talweg.status import Status
    >>> Status(1)
    <Status.BOUNDARY: 1>
    >>> Status.BOUNDARY.succeeded, Status.NON_FINITE.succeeded
    (True, False)
    >>> Status.CLOSED.describe()
    'The curve is a closed loop and came back to its start.'
    """

    CONVERGED = 0
    BOUNDARY = 1
    CLOSED = 2
    CRITICAL_POINT = 3
    BRANCH_POINT = 4
    MAX_POINTS = 5
    MAX_LENGTH = 6
    MAX_STEPS = 7
    MAX_TIME = 8
    ENTERED_BALL = 9
    RUNNING = 10
    LEVEL_CROSSED = 11

    STEP_TOO_SMALL = 100
    NOT_CONVERGED = 101
    NON_FINITE = 102
    DEGENERATE = 103
    ISOTROPIC = 104
    INCONSISTENT = 106
    INTERRUPTED = 107
    NOT_SYMMETRIC = 108
    UNCOVERED = 109

    @property
    def succeeded(self) -> bool:
        """True for outcomes that are no trouble: codes below 100."""
        return self.value < 100

    def describe(self) -> str:
        """One sentence that says what the status means, the same as in C++."""
        from talweg import _core

        return str(_core.describe(_core.Status(self.value)))


def _counts(status: Any) -> list[tuple[Status, int]]:
    codes: Iterable[Any] = status if hasattr(status, "__len__") else [status]
    return [(Status(int(code)), count) for code, count in sorted(Counter(map(int, codes)).items())]


def in_words(status: Any) -> str:
    """What one status means, or how many of an array have which meaning."""
    counts = _counts(status)
    if not hasattr(status, "__len__"):
        return counts[0][0].describe()
    return " ".join(f"{count} of {len(status)}: {one.describe()}" for one, count in counts)


def summary(status: Any) -> str:
    """How many have which status, in a few words."""
    return ", ".join(
        f"{count} {one.name.lower().replace('_', ' ')}" for one, count in _counts(status)
    )
