"""Single points of interest: critical points, and events on a curve."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from talweg.extremals.fields import checked_array, fields_of, format_vector

__all__ = ["EVENT_KINDS", "CriticalPoint", "Event", "event_name"]

#: Every kind of event, in the order in which files number them.
EVENT_KINDS = (
    "critical_point",
    "level_fold",
    "valley_ridge_inflection",
    "inflection",
    "branch_point",
    "near_branch",
    "boundary",
)


def event_name(kind: str) -> str:
    """The kind of an event as words: "level fold", "valley-ridge inflection"."""
    return kind.replace("valley_ridge", "valley-ridge").replace("_", " ")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class CriticalPoint:
    """A point where the gradient vanishes.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The point.
    fun : float
        The function's value there.
    eigenvalues : ndarray, shape (n,)
        Eigenvalues of the Hessian, ascending.
    eigenvectors : ndarray, shape (n, n)
        Column ``i`` belongs to ``eigenvalues[i]``; its component of largest modulus is positive.
    morse_index : int
        Number of negative eigenvalues: 0 for a minimum, ``n`` for a maximum.
    residual : float
        Euclidean norm of the gradient at `x` (zero up to rounding).
    error : float
        Estimated distance from `x` to the exact critical point, in the units of x.
    degenerate : bool
        True when an eigenvalue is zero to the accuracy at hand; `morse_index` then counts only
        the eigenvalues that are surely negative.

    Examples
    --------
    >>> import numpy as np
    >>> from talweg.extremals.points import CriticalPoint
    >>> point = CriticalPoint(x=[0.0, 0.0], fun=0.0, eigenvalues=[1.0, 2.0],
    ...                       eigenvectors=np.eye(2), morse_index=0, residual=0.0, error=0.0)
    >>> point
    CriticalPoint(minimum, x=[0, 0], fun=0, eigenvalues=[1, 2])
    >>> point.multiplicities()
    [[0], [1]]
    """

    x: np.ndarray
    fun: float
    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    morse_index: int
    residual: float
    error: float
    degenerate: bool = False

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "x", checked_array("CriticalPoint", "x", self.x, (None,)))
        n = self.x.size
        put(
            self,
            "eigenvalues",
            checked_array("CriticalPoint", "eigenvalues", self.eigenvalues, (n,)),
        )
        put(
            self,
            "eigenvectors",
            checked_array("CriticalPoint", "eigenvectors", self.eigenvectors, (n, n)),
        )
        for name in ("fun", "residual", "error"):
            put(self, name, float(getattr(self, name)))
        put(self, "morse_index", int(self.morse_index))
        put(self, "degenerate", bool(self.degenerate))
        if not 0 <= self.morse_index <= n:
            raise ValueError(
                f"CriticalPoint: morse_index is {self.morse_index}, wanted 0 to n = {n}"
            )

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return int(self.x.size)

    @property
    def type(self) -> str:
        """``"minimum"``, ``"maximum"``, ``"saddle"`` or ``"saddle, index k"`` (n > 2)."""
        if self.degenerate:
            return "degenerate"
        if self.morse_index == 0:
            return "minimum"
        if self.morse_index == self.n:
            return "maximum"
        return "saddle" if self.n == 2 else f"saddle, index {self.morse_index}"

    def multiplicities(self, rtol: float = 1e-8) -> list[list[int]]:
        """Groups of branches whose eigenvalues agree.

        Parameters
        ----------
        rtol : float, default 1e-8
            Neighbouring eigenvalues belong together when they differ by at most `rtol` times the
            largest modulus of an eigenvalue.

        Returns
        -------
        list of list of int
            Branch numbers, each once, ascending; a simple eigenvalue is a group of one.
        """
        tolerance = rtol * np.abs(self.eigenvalues).max(initial=0.0)
        groups = [[0]] if self.n else []
        for i in range(1, self.n):
            if self.eigenvalues[i] - self.eigenvalues[i - 1] <= tolerance:
                groups[-1].append(i)
            else:
                groups.append([i])
        return groups

    def asdict(self) -> dict[str, Any]:
        """The attributes as a plain dict (arrays are kept)."""
        return fields_of(self)

    def __repr__(self) -> str:
        return (
            f"CriticalPoint({self.type}, x={format_vector(self.x)}, fun={self.fun:.10g}, "
            f"eigenvalues={format_vector(self.eigenvalues, 6)})"
        )


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Event:
    """Something that happens at one point of a curve, located to rounding.

    Attributes
    ----------
    kind : str
        ``"critical_point"`` (the gradient vanishes), ``"level_fold"`` (f turns along the curve,
        and a talweg starts or ends there), ``"valley_ridge_inflection"`` (an eigenvalue of the
        Hessian orthogonal to the gradient vanishes), ``"inflection"`` (the curve's own eigenvalue
        vanishes), ``"branch_point"`` (another curve crosses), ``"near_branch"`` (another curve
        comes near without crossing) or ``"boundary"`` (the box or a limit ends the curve).
    x : ndarray, shape (n,)
        Where.
    fun : float
        The function's value there.
    arclength : float
        Position along the curve, in the units of x.
    error : float
        Estimated distance from `x` to the exact event, in the units of x.
    index : int
        The event lies between points ``index`` and ``index + 1`` of the curve (either included).
    tangent : ndarray, shape (n,)
        Unit tangent of the curve at the event.
    morse_index : int or None
        Of a critical point; None for other kinds.
    distance : float or None
        Of a near branch: half the gap between the two curves, in the units of x.
    kernel_dimension : int or None
        Of a branch point: dimension of the kernel of the defining system's Jacobian beyond the
        curve's own tangent (1 where two curves cross, 2 where symmetry makes two eigenvalues
        vanish together); 0 where it is not known.
    message : str
        What else there is to say; may be empty.

    References
    ----------
    The conditions are in the theory page of the documentation, section "Events".

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> curve = talweg.trace(toy, [0.0, 0.0], branch=1, bounds=[(-3, 3), (-3, 3)])
    >>> crossing = curve.events[0]
    >>> crossing.kind, crossing.kernel_dimension, bool(abs(crossing.x[1] - (2**0.5 - 1)) < 1e-12)
    ('branch_point', 1, True)
    """

    kind: str
    x: np.ndarray
    fun: float
    arclength: float
    error: float
    index: int
    tangent: np.ndarray
    morse_index: int | None = None
    distance: float | None = None
    kernel_dimension: int | None = None
    message: str = ""

    def __post_init__(self) -> None:
        put = object.__setattr__
        if self.kind not in EVENT_KINDS:
            raise ValueError(
                f"Event: kind is {self.kind!r}, wanted one of {', '.join(EVENT_KINDS)}"
            )
        put(self, "x", checked_array("Event", "x", self.x, (None,)))
        put(self, "tangent", checked_array("Event", "tangent", self.tangent, (self.x.size,)))
        for name in ("fun", "arclength", "error"):
            put(self, name, float(getattr(self, name)))
        put(self, "index", int(self.index))
        for name, convert in (("morse_index", int), ("distance", float), ("kernel_dimension", int)):
            if getattr(self, name) is not None:
                put(self, name, convert(getattr(self, name)))

    def asdict(self) -> dict[str, Any]:
        """The attributes as a plain dict (arrays are kept)."""
        return fields_of(self)

    def __repr__(self) -> str:
        extra = "".join(
            f", {name}={getattr(self, name):.6g}"
            for name in ("morse_index", "distance", "kernel_dimension")
            if getattr(self, name) is not None
        )
        return (
            f"Event({self.kind}, x={format_vector(self.x)}, fun={self.fun:.10g}, "
            f"arclength={self.arclength:.6g}, error={self.error:.1e}{extra})"
        )
