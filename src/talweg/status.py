"""How a computation ended: the same codes as the C++ core's ``talweg::Status``."""

from __future__ import annotations

import enum

__all__ = ["Status"]


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
    'the curve came back to its start'
    """

    CONVERGED = 0
    BOUNDARY = 1
    CLOSED = 2
    CRITICAL_POINT = 3
    BRANCH_POINT = 4
    MAX_POINTS = 5
    MAX_LENGTH = 6
    RUNNING = 10

    STEP_TOO_SMALL = 100
    NOT_CONVERGED = 101
    NON_FINITE = 102
    DEGENERATE = 103
    ISOTROPIC = 104
    UNBOUNDED = 105
    INCONSISTENT = 106
    INTERRUPTED = 107

    @property
    def succeeded(self) -> bool:
        """True for outcomes that are no trouble: codes below 100."""
        return self.value < 100

    def describe(self) -> str:
        """One sentence that says what the status means, without a full stop."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    Status.CONVERGED: "the requested accuracy was reached",
    Status.BOUNDARY: "the curve left the box; its last point lies on the face",
    Status.CLOSED: "the curve came back to its start",
    Status.CRITICAL_POINT: "the curve reached a critical point and was asked to stop there",
    Status.BRANCH_POINT: "the curve reached a branch point and was asked to stop there",
    Status.MAX_POINTS: "the number of points asked for was reached",
    Status.MAX_LENGTH: "the arclength asked for was reached",
    Status.RUNNING: "not finished: the next step can be taken",
    Status.STEP_TOO_SMALL: "the step length fell below the smallest one: "
    "the curve could not be followed further",
    Status.NOT_CONVERGED: "the iteration limit was reached before the requested accuracy",
    Status.NON_FINITE: "the function or one of its derivatives is not finite there",
    Status.DEGENERATE: "an eigenvalue of the Hessian is zero: "
    "curves through the critical point are not isolated or not regular",
    Status.ISOTROPIC: "a repeated eigenvalue makes every direction extremal: "
    "a direction must be given",
    Status.UNBOUNDED: "the curve runs to infinity",
    Status.INCONSISTENT: "the same curve traced from its two ends does not agree",
    Status.INTERRUPTED: "stopped by the caller; what was computed is kept",
}
