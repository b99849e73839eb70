"""What tracing returns: curves with their events, and surveys of them."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from talweg.extremals.fields import checked_array, checked_status, fields_of
from talweg.extremals.points import EVENT_KINDS, CriticalPoint, Event
from talweg.status import Status

__all__ = ["EVENT_KINDS", "CriticalPoint", "Event", "Extremal", "Segment", "Survey"]


class Segment(NamedTuple):
    """A run of equally labelled points.

    Attributes
    ----------
    start, stop : int
        The points ``start`` to ``stop - 1`` of the curve.
    label : str
        ``"talweg"``, ``"ridge line"`` or ``"mixed, index m"``.

    Examples
    --------
    >>> from talweg.extremals import Segment
    >>> Segment(0, 12, "talweg").stop
    12
    """

    start: int
    stop: int
    label: str


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Extremal:
    """A gradient extremal: a curve on which the gradient is an eigenvector of the Hessian.

    Returned by `talweg.trace`, `talweg.trace_talweg` and, several at once, `talweg.survey`.

    Attributes
    ----------
    x : ndarray, shape (m, n)
        Points, in order along the curve. Where `closed`, the last point is the first one again.
    fun : ndarray, shape (m,)
        Values of the function.
    sigma : ndarray, shape (m,)
        Signed slope: the gradient is ``sigma[k] * eigenvector[k]``. It changes sign at critical
        points.
    eigenvalue : ndarray, shape (m,)
        Eigenvalue lambda of the Hessian that belongs to the gradient.
    tangent : ndarray, shape (m, n)
        Unit tangents of the curve.
    eigenvector : ndarray, shape (m, n)
        Unit vectors along the gradient, continuous along the curve.
    arclength : ndarray, shape (m,)
        Length of the curve from its first point, summed over chords, in the units of x.
    slope_index : ndarray of int, shape (m,)
        Number of negative eigenvalues of ``H^2 + T[g] - lambda H`` orthogonal to the gradient:
        0 where the slope is minimal on the level set (talweg), n - 1 where it is maximal
        (ridge line).
    curvature_index : ndarray of int, shape (m,)
        Number of negative eigenvalues of the Hessian orthogonal to the gradient (0: valley
        floor).
    residual : ndarray, shape (m,)
        ``|H g - lambda g| / (|H| |g|)``.
    events : tuple of Event
        Sorted by arclength.
    closed : bool
        True for a closed loop.
    status : Status
        How the curve ended; of both ends, the one that is trouble.
    start_status, end_status : Status
        How each end of the curve ended.
    message : str
        The same in words.
    f : Objective or None
        The function, for `plot`.
    parameters : dict
        The settings it was traced with.

    References
    ----------
    Hoffman, Nord, Ruedenberg, Theor. Chim. Acta 69, 265 (1986).

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> curve = talweg.trace(toy, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)])
    >>> curve.x.shape == (len(curve), 2) and curve.fun.shape == curve.slope.shape == (len(curve),)
    True
    >>> curve.labels() == [(0, len(curve), "talweg")]
    True
    >>> bool(curve.residual[1:].max() < 1e-11)
    True
    """

    x: np.ndarray
    fun: np.ndarray
    sigma: np.ndarray
    eigenvalue: np.ndarray
    tangent: np.ndarray
    eigenvector: np.ndarray
    arclength: np.ndarray
    slope_index: np.ndarray
    curvature_index: np.ndarray
    residual: np.ndarray
    events: Sequence[Event] = ()
    closed: bool = False
    status: Status = Status.CONVERGED
    start_status: Status = Status.CONVERGED
    end_status: Status = Status.CONVERGED
    message: str = ""
    f: Any = None
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "x", checked_array("Extremal", "x", self.x, (None, None)))
        m, n = self.x.shape
        if m == 0 or n == 0:
            raise ValueError(f"Extremal: x has shape {self.x.shape}, wanted at least one point")
        for name in ("tangent", "eigenvector"):
            put(self, name, checked_array("Extremal", name, getattr(self, name), (m, n)))
        for name in ("fun", "sigma", "eigenvalue", "arclength", "residual"):
            put(self, name, checked_array("Extremal", name, getattr(self, name), (m,)))
        for name in ("slope_index", "curvature_index"):
            put(self, name, checked_array("Extremal", name, getattr(self, name), (m,), np.int64))
        for name in ("status", "start_status", "end_status"):
            put(self, name, checked_status("Extremal", name, getattr(self, name)))
        put(self, "closed", bool(self.closed))
        put(self, "events", tuple(sorted(self.events, key=lambda event: event.arclength)))
        for event in self.events:
            if event.x.size != n:
                raise ValueError(
                    f"Extremal: an event has {event.x.size} coordinates, the curve has {n}"
                )
            if not 0 <= event.index < max(m - 1, 1):
                raise ValueError(
                    f"Extremal: an event has index {event.index}, "
                    f"wanted 0 to {max(m - 2, 0)} for {m} points"
                )

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return int(self.x.shape[1])

    @property
    def slope(self) -> np.ndarray:
        """Norm of the gradient, shape (m,)."""
        slope: np.ndarray = np.abs(self.sigma)
        return slope

    @property
    def length(self) -> float:
        """Length of the whole curve, in the units of x."""
        return float(self.arclength[-1])

    @property
    def success(self) -> bool:
        """True when neither end is trouble."""
        return self.status.succeeded

    @property
    def is_talweg(self) -> np.ndarray:
        """Where the slope is minimal on the level set: bool, shape (m,)."""
        lowest: np.ndarray = np.equal(self.slope_index, 0)
        return lowest

    @property
    def is_ridge(self) -> np.ndarray:
        """Where the slope is maximal on the level set: bool, shape (m,); never where n = 1."""
        highest: np.ndarray = np.equal(self.slope_index, self.n - 1)
        return highest & (self.n > 1)

    def labels(self) -> list[Segment]:
        """Runs of points with the same label.

        Returns
        -------
        list of Segment
            ``(start, stop, label)`` with `stop` excluded; the label is ``"talweg"``,
            ``"ridge line"`` or ``"mixed, index m"``. Together they cover every point.
        """
        changes = np.flatnonzero(np.diff(self.slope_index)) + 1
        edges = [0, *changes.tolist(), len(self)]
        return [
            Segment(a, b, label_of(int(self.slope_index[a]), self.n))
            for a, b in itertools.pairwise(edges)
        ]

    def share(self) -> dict[str, float]:
        """Share of the arclength under each label, largest first; the values sum to 1."""
        weight = np.zeros(len(self))
        steps = np.diff(self.arclength)
        weight[:-1] += steps / 2
        weight[1:] += steps / 2
        if not weight.sum() > 0:
            weight[:] = 1.0
        total: dict[str, float] = {}
        for a, b, label in self.labels():
            total[label] = total.get(label, 0.0) + float(weight[a:b].sum())
        return {
            label: part / float(weight.sum())
            for label, part in sorted(total.items(), key=lambda item: -item[1])
        }

    def plot(self, **options: Any) -> Any:
        """Draw the curve: see `talweg.plot.draw_extremal`. Needs matplotlib; returns its figure."""
        from talweg import plot

        return plot.draw_extremal(self, **options)

    def save(self, path: Any) -> None:
        """Write one file that `talweg.load` reads: see `talweg.io.save`."""
        from talweg import io

        io.save(self, path)

    def to_json(self, path: Any) -> None:
        """Write JSON for other programs: see `talweg.io.to_json`."""
        from talweg import io

        io.to_json(self, path)

    def asdict(self) -> dict[str, Any]:
        """The attributes as a plain dict (arrays are kept), `slope` included, `f` left out."""
        fields = fields_of(self, leave_out=("f",))
        fields["slope"] = self.slope
        fields["parameters"] = dict(self.parameters)
        return fields

    def __len__(self) -> int:
        return int(self.x.shape[0])

    def __repr__(self) -> str:
        from talweg.extremals.summary import describe_extremal

        return describe_extremal(self)


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Survey:
    """Critical points and the gradient extremals through them, each curve once.

    Returned by `talweg.survey`.

    Attributes
    ----------
    critical_points : tuple of CriticalPoint
        Those found at the start, then those met on the way.
    extremals : tuple of Extremal
        The curves.
    half_branches : dict
        ``{(i, branch, direction): j}``: the half of branch `branch` (counted from 0, the softest)
        that leaves critical point `i` along ``direction`` (+1 or -1) times its eigenvector is part
        of curve `j`. Where an eigenvalue is repeated, the lines that leave in its eigenspace take
        its branch numbers in a fixed order; lines beyond their number count on from n.
    f : Objective or None
        The function; None when a loaded file carries none.
    bounds : ndarray, shape (n, 2), or None
        Lower and upper bound of each coordinate.
    status : Status
        The first trouble of a curve, ``NOT_CONVERGED`` where no critical point was found, or
        ``CONVERGED``.
    message : str
        The same in words.
    parameters : dict
        The settings of the survey.

    Examples
    --------
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> survey = talweg.survey(toy, bounds=[(-3, 3), (-3, 3)])
    >>> survey.critical_points[0]
    CriticalPoint(minimum, x=[0, 0], fun=0, eigenvalues=[1, 2])
    >>> survey.extremals[survey.half_branches[0, 0, +1]].is_talweg.all().item()
    True
    """

    critical_points: Sequence[CriticalPoint]
    extremals: Sequence[Extremal]
    half_branches: Mapping[tuple[int, int, int], int] = dataclasses.field(default_factory=dict)
    f: Any = None
    bounds: np.ndarray | None = None
    status: Status = Status.CONVERGED
    message: str = ""
    parameters: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "critical_points", tuple(self.critical_points))
        put(self, "extremals", tuple(self.extremals))
        put(self, "status", checked_status("Survey", "status", self.status))
        dimensions = {point.n for point in self.critical_points}
        dimensions |= {curve.n for curve in self.extremals}
        if self.bounds is not None:
            put(self, "bounds", checked_array("Survey", "bounds", self.bounds, (None, 2)))
            dimensions.add(self.bounds.shape[0])
        if len(dimensions) > 1:
            raise ValueError(f"Survey: parts of different dimensions {sorted(dimensions)}")
        halves = {
            (int(i), int(branch), int(direction)): int(j)
            for (i, branch, direction), j in self.half_branches.items()
        }
        for (i, branch, direction), j in halves.items():
            if not (
                0 <= i < len(self.critical_points)
                and branch >= 0
                and direction in (1, -1)
                and 0 <= j < len(self.extremals)
            ):
                raise ValueError(
                    f"Survey: half_branches has {(i, branch, direction)}: {j}, with "
                    f"{len(self.critical_points)} critical points and "
                    f"{len(self.extremals)} extremals"
                )
        put(self, "half_branches", halves)

    @property
    def n(self) -> int | None:
        """Number of coordinates; None for an empty survey without bounds."""
        if self.critical_points:
            return self.critical_points[0].n
        if self.extremals:
            return self.extremals[0].n
        return None if self.bounds is None else int(self.bounds.shape[0])

    @property
    def success(self) -> bool:
        """True when there are critical points and no curve is trouble."""
        return self.status.succeeded

    @property
    def events(self) -> list[tuple[int, Event]]:
        """Every event with the index of its curve, in the order of the curves."""
        return [(j, event) for j, curve in enumerate(self.extremals) for event in curve.events]

    def edges(self, talweg_only: bool = True) -> list[Any]:
        """Arcs between critical points that follow each other on a curve.

        Parameters
        ----------
        talweg_only : bool, default True
            Keep only the arcs that are talweg from end to end.

        Returns
        -------
        list of talweg.extremals.graph.Edge
        """
        from talweg.extremals.graph import edges

        return edges(self, talweg_only)

    def graph(self, talweg_only: bool = True) -> Any:
        """The arcs of `edges` as a networkx.MultiGraph (needs networkx).

        Nodes are indices into `critical_points` with attributes ``x``, ``fun`` and
        ``morse_index``; edges carry ``extremal``, ``barrier`` (highest value on the arc),
        ``length`` and ``is_talweg``.

        Parameters
        ----------
        talweg_only : bool, default True
            Keep only the arcs that are talweg from end to end.

        Returns
        -------
        networkx.MultiGraph

        Raises
        ------
        ImportError
            Without networkx.
        """
        from talweg.extremals.graph import graph

        return graph(self, talweg_only)

    def summary(self) -> str:
        """Tables of the critical points, the curves and the talwegs between critical points."""
        from talweg.extremals.summary import describe_survey

        return describe_survey(self)

    def plot(self, **options: Any) -> Any:
        """Draw the survey: see `talweg.plot.draw_survey`. Needs matplotlib; returns its figure."""
        from talweg import plot

        return plot.draw_survey(self, **options)

    def save(self, path: Any) -> None:
        """Write one file that `talweg.load` reads: see `talweg.io.save`."""
        from talweg import io

        io.save(self, path)

    def to_json(self, path: Any) -> None:
        """Write JSON for other programs: see `talweg.io.to_json`."""
        from talweg import io

        io.to_json(self, path)

    def asdict(self) -> dict[str, Any]:
        """The attributes as a plain dict (arrays are kept), without `f`."""
        fields = fields_of(self, leave_out=("f",))
        fields["parameters"] = dict(self.parameters)
        return fields

    def __repr__(self) -> str:
        return self.summary()


def label_of(slope_index: int, n: int) -> str:
    """The word for a slope index in dimension n."""
    if slope_index == 0:
        return "talweg"
    if slope_index == n - 1:
        return "ridge line"
    return f"mixed, index {slope_index}"
