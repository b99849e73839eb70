"""Eigenpairs followed along a path, through crossings."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.arguments import checked_count, checked_positive
from talweg.spectrum.gaps import smallest_gap
from talweg.spectrum.path_spectra import Node, spectra_along
from talweg.spectrum.tracks import Tracks, first_tracks, matched, split
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Crossing", "Following", "follow"]

#: Of a unit vector before a near meeting, how much must be in the other one after it.
_EXCHANGED = 0.7


@dataclasses.dataclass
class Crossing:
    """Where two eigenvalues meet along a path.

    Attributes
    ----------
    kind : {"crossing", "touching", "avoided"}
        Whether the gap closes, to rounding: with the order changing (crossing) or as it was
        (touching); or stays open while the eigenvectors change places (avoided).
    pair : tuple of int
        The two tracks; one that is not followed has number k.
    position : float
        Number of the point before, plus the fraction of the way to the next.
    x : ndarray, shape (n,), or None
        The place, None where no points are known.
    eigenvalue : float
        The mean of the two there.
    gap : float
        The smallest one; NaN where it could not be looked for between the points.
    swapped : bool
        Whether the tracks change order: always at a crossing, and where an avoided one is so narrow
        beside the steps of the path that the vectors continue across it.
    """

    kind: str
    pair: tuple[int, int]
    position: float
    x: Floats | None
    eigenvalue: float
    gap: float
    swapped: bool


@dataclasses.dataclass(repr=False)
class Following:
    """Eigenpairs along a path.

    Attributes
    ----------
    x : ndarray, shape (m, n), or None
        The path.
    eigenvalues : ndarray, shape (m, k)
        In the order of the first point, where they ascend.
    eigenvectors : ndarray, shape (m, n, k)
        Of unit length and continuous, in columns. NaN where no Hessian is finite.
    places : ndarray of int, shape (m, k)
        Which eigenvalue it is at the point, counted from the lowest; -1 where unknown.
    overlap : ndarray, shape (m - 1, k)
        The smallest overlap in modulus of an eigenvector with itself a step before, among the steps
        into which the way to the next point was divided.
    crossings : list of Crossing
        In the order of the path.
    status : ndarray of int, shape (m,)
        Codes of `talweg.Status`: `CONVERGED`; `DEGENERATE` where the step to the point left the
        identity of an eigenpair open; `NON_FINITE`.
    refinements : int
        Points that were added between those of the path.
    """

    x: Floats | None
    eigenvalues: Floats
    eigenvectors: Floats
    places: NDArray[np.intp]
    overlap: Floats
    crossings: list[Crossing]
    status: NDArray[np.int_]
    refinements: int

    @property
    def success(self) -> bool:
        """Whether each step was clear."""
        return bool((self.status < 100).all())

    @property
    def arclength(self) -> Floats:
        """Length of the path to each point, shape (m,); its number where points are not known."""
        if self.x is None:
            return np.arange(len(self.eigenvalues), dtype=float)
        steps = np.linalg.norm(np.diff(self.x, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @property
    def message(self) -> str:
        """What happened, in a sentence."""
        m, k = self.eigenvalues.shape
        kinds = [crossing.kind for crossing in self.crossings]
        open_steps = int((self.status == Status.DEGENERATE).sum())
        bad = int((self.status == Status.NON_FINITE).sum())
        return (
            f"{k} eigenpairs at {m} points: {kinds.count('crossing')} crossings, "
            f"{kinds.count('avoided')} avoided, {kinds.count('touching')} touching"
            + (f"; {open_steps} steps left open which is which" if open_steps else "")
            + (f"; the Hessian is not finite at {bad} points" if bad else "")
        )

    def plot(self, axes: Any = None, **options: Any) -> Any:
        """Draw the eigenvalues along the path: `talweg.plot.spectra.draw_following`."""
        from talweg.plot.spectra import draw_following

        return draw_following(self, axes, **options)

    def asdict(self) -> dict[str, Any]:
        """The attributes as a dict."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __repr__(self) -> str:
        return f"<Following: {self.message}>"


def follow(
    f: Any,
    path: ArrayLike | Any = None,
    *,
    k: int | None = None,
    overlap: float = 0.85,
    refinements: int = 10,
    rtol: float = 1e-10,
    workers: int | None = None,
) -> Following:
    """Follow eigenpairs of the Hessian along a path, with their order and signs kept.

    From point to point each eigenvector continues with the one that it overlaps most, so that it
    keeps its name where eigenvalues cross. Steps at which that is not clear are halved until it is.
    Where tracks have crossed, or exchanged their vectors without crossing, the place of the smallest
    gap is found.

    Parameters
    ----------
    f : Objective, callable, Extremal, or array_like of shape (m, n, n)
        The function; a curve of `talweg.trace`, which is its own path; or Hessians at the points
        of a path, between which nothing is known.
    path : array_like, shape (m, n), or Extremal, optional
        The points, from 2. With Hessians it is optional and merely named in the result.
    k : int, optional
        How many, from the lowest at the first point. By default all up to n = 256, else 4; of more
        than 256 coordinates only the lowest few are computed, by products.
    overlap : float, default 0.85
        Between 0.71 and 1; a step at which an eigenvector overlaps less than this in modulus with
        any that follows is halved.
    refinements : int, default 10
        How often a step may be halved. What is unclear then has status `DEGENERATE`.
    rtol : float, default 1e-10
        Eigenvalues closer than this, relative to the largest modulus, count as equal: their vectors
        are transported without turning in their common space.
    workers : int, optional
        Threads for the decompositions; by default one for each processor.

    Returns
    -------
    Following

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    Notes
    -----
    How an avoided crossing is passed depends on the steps: where it is much narrower than they are,
    vectors continue across it as at a crossing (and it is reported with ``swapped``); where steps
    resolve it, eigenvalues keep their order and vectors turn into one another.

    References
    ----------
    Kato, Perturbation Theory for Linear Operators, chapter 2. von Neumann and Wigner, Phys. Z. 30,
    467 (1929), on why eigenvalues of one parameter avoid each other unless a symmetry lets them
    cross.

    Examples
    --------
    >>> import numpy, talweg
    >>> from talweg.spectrum import follow
    >>> f = talweg.Objective(lambda x: (x[0]**4 + 6 * x[1]**2) / 12, 2)  # eigenvalues x0^2 and 1
    >>> path = numpy.column_stack([numpy.linspace(0.2, 1.4, 7), numpy.zeros(7)])
    >>> found = follow(f, path)
    >>> bool(numpy.allclose(found.eigenvalues[:, 0], path[:, 0]**2))
    True
    >>> [(c.kind, c.x.round(9).tolist()) for c in found.crossings]
    [('crossing', [1.0, 0.0])]
    """
    from talweg.extremals.arguments import checked_workers

    bound = checked_positive(overlap, "overlap")
    if not 0.71 <= bound < 1:
        raise ValueError(f"overlap: want a number from 0.71 to below 1, got {overlap}")
    depth = checked_count(refinements, "refinements", 0)
    closeness = checked_positive(rtol, "rtol")
    count = None if k is None else checked_count(k, "k", 1)
    spectra = spectra_along(f, path, count, closeness, checked_workers(workers))
    run = _Run(spectra, bound, depth)
    try:
        run.go()
    except KeyboardInterrupt as interrupt:
        interrupt.result = run.result()  # type: ignore[attr-defined]
        raise
    return run.result()


@dataclasses.dataclass
class _Passed:
    """Tracks at a place of the path, which may lie between its points."""

    position: float
    tracks: Tracks


class _Run:
    """The tracks of one call."""

    def __init__(self, spectra: Any, bound: float, depth: int) -> None:
        self.spectra, self.bound, self.depth = spectra, bound, depth
        self.k = spectra.k
        self.chain: list[_Passed] = []  # without the points where nothing is known
        self.at: dict[int, int] = {}  # point: its place in the chain
        self.unclear: set[int] = set()
        self.bad: set[int] = set()
        self.least: dict[int, Floats] = {}
        self.free: list[np.ndarray] = []  # groups of tracks equal since the beginning
        self.added = 0

    def go(self) -> None:
        for i in range(self.spectra.m):
            node = self.spectra.node(i)
            if node is None:
                self.bad.add(i)
                continue
            if not self.chain:
                self.begin(i, node)
            else:
                last = self.chain[-1].position
                self.advance(last, float(i), node, 0 if i - last <= 1 else self.depth, i)
            self.at[i] = len(self.chain) - 1

    def begin(self, i: int, node: Node) -> None:
        width = min(self.k + self.spectra.spare, len(node.values))
        tracks = first_tracks(node, np.arange(width))
        self.chain.append(_Passed(float(i), tracks))
        numbers, sizes = np.unique(tracks.cluster, return_counts=True)
        self.free = [np.flatnonzero(tracks.cluster == c) for c in numbers[sizes > 1]]

    def advance(self, start: float, end: float, node: Node, depth: int, point: int) -> None:
        """Continue from the end of the chain to `node`, halving the step where need be."""
        tracks = self.released(node)
        after = matched(tracks, node)
        weak = after.overlap[: self.k].min() < self.bound
        if weak or _tangled(tracks, after):
            middle = (start + end) / 2
            between = self.spectra.between(middle) if depth < self.depth else None
            if between is not None:
                self.added += 1
                self.advance(start, middle, between, depth + 1, point)
                self.advance(middle, end, node, depth + 1, point)
                return
            if weak:
                self.unclear.add(point)
        self.chain.append(_Passed(end, after))
        least = self.least.get(point)
        self.least[point] = after.overlap if least is None else np.minimum(least, after.overlap)

    def released(self, node: Node) -> Tracks:
        """The last tracks, turned where a group that was free so far parts."""
        for group in list(self.free):
            tracks = self.chain[-1].tracks
            after = matched(tracks, node)
            if np.unique(after.cluster[group]).size == 1:
                continue
            rotation = split(tracks, group, node)
            for passed in self.chain:
                passed.tracks.vectors[:, group] = passed.tracks.vectors[:, group] @ rotation
            self.free = [other for other in self.free if other is not group]
            cluster = matched(self.chain[-1].tracks, node).cluster[group]
            numbers, sizes = np.unique(cluster, return_counts=True)
            self.free += [group[cluster == c] for c in numbers[sizes > 1]]
        return self.chain[-1].tracks

    # Meetings.

    def crossings(self) -> list[Crossing]:
        if len(self.chain) < 2:
            return []
        values = np.array([passed.tracks.values for passed in self.chain])
        clusters = np.array([passed.tracks.cluster for passed in self.chain])
        width = values.shape[1]
        found = []
        for p in range(min(self.k, width)):
            for q in range(p + 1, width):
                found += self.meetings(p, q, values, clusters)
        return sorted(found, key=lambda crossing: (crossing.position, crossing.pair))

    def meetings(self, p: int, q: int, values: Floats, clusters: np.ndarray) -> list[Crossing]:
        order = np.sign(clusters[:, q] - clusters[:, p])
        apart = np.flatnonzero(order)
        if not apart.size:
            return []
        found = []
        for before, after in zip(apart[:-1], apart[1:], strict=True):
            if order[before] != order[after]:
                found.append(self.crossing(p, q, before, after))
            elif after > before + 1:
                middle = (before + 1 + after - 1) // 2
                found.append(self.meeting("touching", p, q, self.chain[middle], False))
        found += self.avoided(p, q, values, clusters)
        return found

    def crossing(self, p: int, q: int, before: int, after: int) -> Crossing:
        """Between places of the chain where the order is known, and changes."""
        if after > before + 1:
            middle = (before + 1 + after - 1) // 2
            return self.meeting("crossing", p, q, self.chain[middle], True)
        low, high = self.chain[before], self.chain[after]
        first = low.tracks.values[q] - low.tracks.values[p]
        last = high.tracks.values[q] - high.tracks.values[p]
        guess = low.position + (high.position - low.position) * first / (first - last)
        places = sorted((low.tracks.place[p], low.tracks.place[q]))
        simple = places[1] == places[0] + 1 and places == sorted(
            (high.tracks.place[p], high.tracks.place[q])
        )
        if simple:
            located = self.located(places[0], low.position, high.position, guess)
            if located is not None:
                position, gap, mean = located
                closed = gap <= self.spectra.resolution
                return self.made(
                    "crossing" if closed else "avoided", p, q, position, mean, gap, True
                )
        share = (guess - low.position) / (high.position - low.position)
        mean = low.tracks.values[p] + share * (high.tracks.values[p] - low.tracks.values[p])
        return self.made("crossing", p, q, guess, mean, np.nan, True)

    def avoided(self, p: int, q: int, values: Floats, clusters: np.ndarray) -> list[Crossing]:
        """Where the gap has a minimum about which the vectors change places."""
        gap = np.abs(values[:, q] - values[:, p])
        inner = (gap[1:-1] <= gap[:-2]) & (gap[1:-1] < gap[2:])
        found: list[Crossing] = []
        for i in np.flatnonzero(inner) + 1:
            here = self.chain[i].tracks
            if abs(here.place[p] - here.place[q]) != 1:
                continue
            low = min(here.place[p], here.place[q])
            left = np.flatnonzero(gap[:i] >= 2 * gap[i])
            right = np.flatnonzero(gap[i:] >= 2 * gap[i])
            if not left.size or not right.size:
                continue
            a, b = int(left[-1]), int(i + right[0])
            order = np.sign(clusters[a : b + 1, q] - clusters[a : b + 1, p])
            if not (order == order[0]).all():
                continue
            before, after = self.chain[a].tracks.vectors, self.chain[b].tracks.vectors
            exchanged = min(abs(before[:, p] @ after[:, q]), abs(before[:, q] @ after[:, p]))
            if exchanged < _EXCHANGED:
                continue
            ends = self.chain[i - 1].position, self.chain[i + 1].position
            located = self.located(low, *ends, self.chain[i].position)
            if located is None:
                mean = (values[i, p] + values[i, q]) / 2
                found.append(
                    self.made("avoided", p, q, self.chain[i].position, mean, np.nan, False)
                )
                continue
            position, smallest, mean = located
            found.append(self.made("avoided", p, q, position, mean, smallest, False))
        return found

    def located(
        self, low: int, start: float, end: float, guess: float
    ) -> tuple[float, float, float] | None:
        """Position, gap and mean of two neighbouring eigenvalues where they are closest."""
        found: dict[float, tuple[float, float]] = {}

        def gap(position: float) -> float:
            if position not in found:
                node = self.spectra.between(position)
                if node is None or len(node.values) <= low + 1:
                    raise ArithmeticError
                pair = node.values[low : low + 2]
                found[position] = float(pair[1] - pair[0]), float(pair.mean())
            return found[position][0]

        try:
            position, smallest = smallest_gap(
                gap, start, end, guess, 0.01 * self.spectra.resolution
            )
        except ArithmeticError:
            return None
        return position, smallest, found[position][1]

    def meeting(self, kind: str, p: int, q: int, passed: _Passed, swapped: bool) -> Crossing:
        pair = passed.tracks.values[[p, q]]
        gap = float(abs(pair[1] - pair[0]))
        return self.made(kind, p, q, passed.position, float(pair.mean()), gap, swapped)

    def made(
        self, kind: str, p: int, q: int, position: float, mean: float, gap: float, swapped: bool
    ) -> Crossing:
        x = self.spectra.place(position)
        pair = (p, min(q, self.k))
        return Crossing(kind, pair, float(position), x, float(mean), float(gap), swapped)

    def result(self) -> Following:
        m, k = self.spectra.m, self.k
        n = self.spectra.n
        values = np.full((m, k), np.nan)
        vectors = np.full((m, n, k), np.nan)
        places = np.full((m, k), -1, dtype=np.intp)
        overlap = np.full((max(m - 1, 0), k), np.nan)
        status = np.full(m, int(Status.INTERRUPTED))
        for i, at in self.at.items():
            tracks = self.chain[at].tracks
            values[i], vectors[i] = tracks.values[:k], tracks.vectors[:, :k]
            places[i] = tracks.place[:k]
            status[i] = int(Status.DEGENERATE if i in self.unclear else Status.CONVERGED)
            if i in self.least and i > 0:
                overlap[i - 1] = self.least[i][:k]
        status[list(self.bad)] = int(Status.NON_FINITE)
        return Following(
            self.spectra.x,
            values,
            vectors,
            places,
            overlap,
            self.crossings(),
            status,
            self.added,
        )


def _tangled(before: Tracks, after: Tracks) -> bool:
    """Whether more changes place in one step than pairs of neighbours."""
    if np.array_equal(before.place, after.place):
        return False
    order = np.argsort(before.place, kind="stable")
    if before.cluster.size != np.unique(before.cluster).size:
        return False
    if after.cluster.size != np.unique(after.cluster).size:
        return False
    new = after.place[order]
    moved = np.flatnonzero(new != before.place[order])
    return bool((np.abs(new - before.place[order])[moved] > 1).any())
