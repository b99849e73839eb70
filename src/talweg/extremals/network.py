"""The network of arcs between critical points and branch points."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from talweg import _core
from talweg.extremals.assembly import Arc, join, reverse, to_extremal
from talweg.extremals.finding import find
from talweg.extremals.lines import extremal_lines
from talweg.extremals.points import CriticalPoint
from talweg.extremals.results import Extremal
from talweg.objective import Objective
from talweg.status import Status

__all__ = ["Network"]

#: How often an arc whose two ends disagree is traced again, with steps shortened by _SHORTEN.
_RETRIES = 3
_SHORTEN = 0.3


@dataclasses.dataclass(frozen=True, order=True)
class _Arm:
    """One direction in which a curve leaves a node: node, line through it, +1 or -1."""

    node: int
    line: int
    sign: int

    def opposite(self) -> _Arm:
        return _Arm(self.node, self.line, -self.sign)


@dataclasses.dataclass
class _Line:
    """A curve's tangent line at a node, with what is needed to start along it."""

    direction: np.ndarray  # unit, n
    z: np.ndarray
    z_tangent: np.ndarray  # empty where the linearisation defines it
    branch: int | None  # of a critical point


@dataclasses.dataclass
class _Node:
    """A critical point (by its number) or a branch point, where arcs end."""

    x: np.ndarray
    fun: float
    error: float
    critical: int | None
    lines: list[_Line]
    kernel_dimension: int | None = None


@dataclasses.dataclass
class _Traced:
    arc: Arc
    end: _Arm | None  # the arm of the node it arrived at, looking back


class Network:
    """Traces arcs between nodes until no arm is left, then joins them to curves."""

    def __init__(
        self,
        f: Objective,
        options: dict[str, Any],
        branches: list[int],
        *,
        workers: int,
        max_length: float | None,
        progress: bool,
    ) -> None:
        self.f = f
        self.options = options
        self.branches = branches
        self.workers = workers
        self.max_length = math.inf if max_length is None else max_length
        self.progress = progress
        self.critical_points: list[CriticalPoint] = []
        self.notes: list[str] = []
        self.skipped: Status = Status.CONVERGED
        self._nodes: list[_Node] = []
        self._pending: dict[_Arm, float] = {}  # arm: arclength left
        self._traced: dict[_Arm, _Traced] = {}

    # Nodes -----------------------------------------------------------------------------------

    def add_critical_point(self, point: CriticalPoint, isolated: bool = True) -> int:
        """Adds a node with the chosen branches as arms; returns its number.

        Points that are not isolated get no arms: curves of them are no gradient extremals.
        """
        number = len(self.critical_points)
        self.critical_points.append(point)
        node = _Node(point.x, point.fun, point.error, number, [])
        self._nodes.append(node)
        if not isolated:
            return len(self._nodes) - 1
        for group in point.multiplicities():
            if not set(group) & set(self.branches):
                # Curves may still pass through it here.
                if len(group) == 1:
                    node.lines.append(self._eigenvector_line(point, group[0]))
                continue
            if len(group) == 1:
                node.lines.append(self._eigenvector_line(point, group[0]))
                self._wait(len(self._nodes) - 1, len(node.lines) - 1, self.max_length)
                continue
            lines = extremal_lines(self.f, point.x, group[0], self.options["max_step"])
            if not lines:
                self.skipped = Status.ISOTROPIC
                self.notes.append(
                    f"critical point {number}: branches {group[0]} to {group[-1]} share the "
                    f"eigenvalue {point.eigenvalues[group[0]]:.6g} and no direction is singled out "
                    "(every one may be extremal): give trace a direction"
                )
            for order, u in enumerate(lines):
                n = point.n
                value = point.eigenvalues[group[0]]
                z = np.concatenate([point.x, u, [value, 0.0]])
                z_tangent = np.concatenate([u, np.zeros(n), [0.0, value]])
                node.lines.append(_Line(u, z, z_tangent, _line_number(group, order, n)))
                self._wait(len(self._nodes) - 1, len(node.lines) - 1, self.max_length)
        return len(self._nodes) - 1

    def _eigenvector_line(self, point: CriticalPoint, branch: int) -> _Line:
        v = point.eigenvectors[:, branch]
        z = np.concatenate([point.x, v, [point.eigenvalues[branch], 0.0]])
        return _Line(v.copy(), z, np.zeros(0), branch)

    def _add_branch_point(self, event: dict[str, Any], length_left: float) -> int:
        tangents = event["crossing_tangents"]
        if len(tangents) == 0:
            tangents = event["z_tangent"][None]
        n = self.f.n
        z = event["centre"] if len(event["centre"]) else event["z"]
        lines = []
        for tangent in tangents:
            unit = tangent / np.linalg.norm(tangent[:n])
            lines.append(_Line(unit[:n], z, unit, None))
        node = _Node(z[:n], event["fun"], event["error"], None, lines, event["kernel_dimension"])
        self._nodes.append(node)
        number = len(self._nodes) - 1
        for line in range(len(lines)):
            self._wait(number, line, length_left)
        return number

    def _wait(self, node: int, line: int, length_left: float) -> None:
        for sign in (1, -1):
            arm = _Arm(node, line, sign)
            if arm not in self._traced and length_left > 0:
                self._pending[arm] = max(self._pending.get(arm, 0.0), length_left)

    # Tracing ---------------------------------------------------------------------------------

    def trace(self) -> None:
        """Traces until no arm is left."""
        bar = _progress_bar(self.progress)
        try:
            while self._pending:
                batch, self._pending = self._pending, {}
                for arms in _portions(sorted(batch), 64 if self.progress else 4096):
                    self._trace_batch({arm: batch[arm] for arm in arms}, self.options["max_step"])
                    bar.total = len(self._traced) + len(self._pending)
                    bar.update(len(arms))
            self._settle_disagreements()
            self._complete_twins()
        finally:
            bar.close()

    def _trace_batch(self, arms: dict[_Arm, float], max_step: float) -> None:
        """Traces each arm to the next node and notes where it arrives."""
        # The arclength left is one of the options, the same for all curves of a call.
        for limit in sorted(set(arms.values())):
            chosen = sorted(arm for arm, left in arms.items() if left == limit)
            options = self.options | {
                "max_step": max_step,
                "stop_at_critical_points": True,
                "stop_at_branch_points": True,
            }
            if math.isfinite(limit):
                options["max_length"] = limit
            starts = []
            for arm in chosen:
                line = self._nodes[arm.node].lines[arm.line]
                starts.append(
                    {
                        "z": line.z,
                        "direction": arm.sign * line.direction,
                        "tangent": arm.sign * line.z_tangent,
                    }
                )
            try:
                arcs = _core.trace_extremals(self.f._core, starts, options, self.workers)
            except KeyboardInterrupt as interrupt:
                for arm, arc in zip(chosen, interrupt.result):  # type: ignore[attr-defined]
                    if len(arc["arclength"]):
                        self._traced[arm] = _Traced(arc, None)
                raise
            for arm, arc in zip(chosen, arcs):
                left = limit - (arc["arclength"][-1] if len(arc["arclength"]) else 0.0)
                end = self._arrival(arc, left)
                if end is not None:
                    arc = _without_node_event(arc)
                self._traced[arm] = _Traced(arc, end)

    def _arrival(self, arc: Arc, length_left: float) -> _Arm | None:
        """The arm on which an arc arrives at a node, which is added where it is not known."""
        status = Status(arc["status"])
        if status not in (Status.CRITICAL_POINT, Status.BRANCH_POINT) or not arc["events"]:
            return None
        kind = "critical_point" if status == Status.CRITICAL_POINT else "branch_point"
        event = next(e for e in reversed(arc["events"]) if e["kind"] == kind)
        tangent = arc["tangent"][-1]
        critical = status == Status.CRITICAL_POINT
        number = self._node_at(event, critical)
        if number is None:
            if critical:
                found, _ = find(self.f, (), event["x"], None, 1, 1)
                near = [
                    p
                    for p in found
                    if np.linalg.norm(p.x - event["x"]) <= self._near(event["error"])
                ]
                if not near:
                    return None
                number = self.add_critical_point(near[0], isolated=not near[0].degenerate)
            else:
                number = self._add_branch_point(event, length_left)
        node = self._nodes[number]
        if not node.lines:
            return None
        if any(len(line.z_tangent) for line in node.lines):
            # The linearisation at the node itself is singular.
            tangent = _extrapolated_tangent(arc)
        cosines = [float(tangent @ line.direction) for line in node.lines]
        line = int(np.argmax(np.abs(cosines)))
        if abs(cosines[line]) < 0.9:
            return None
        arrival = _Arm(number, line, -1 if cosines[line] > 0 else 1)
        arc["tangent"][-1] = -arrival.sign * node.lines[line].direction
        # Straight on, for a branch that was not chosen to start with.
        onward = arrival.opposite()
        for arm in (arrival, onward):
            if arm not in self._traced and arm not in self._pending and length_left > 0:
                self._pending[arm] = length_left
        return arrival

    def _near(self, error: float) -> float:
        return 1e-5 * self.options["max_step"] + 10.0 * error

    def _node_at(self, event: dict[str, Any], critical: bool) -> int | None:
        best, number = math.inf, None
        place = event["centre"][: self.f.n] if len(event["centre"]) else event["x"]
        for i, node in enumerate(self._nodes):
            if (node.critical is not None) != critical:
                continue
            distance = float(np.linalg.norm(node.x - place))
            if distance < best and distance <= self._near(event["error"] + node.error):
                best, number = distance, i
        return number

    def _settle_disagreements(self) -> None:
        """Traces again, with shorter steps, arcs whose two ends tell different stories."""
        step = self.options["max_step"]
        for _ in range(_RETRIES):
            suspects = self._disagreeing()
            if not suspects:
                return
            step *= _SHORTEN
            self._trace_batch(dict.fromkeys(suspects, self.max_length), step)
            while self._pending:
                batch, self._pending = self._pending, {}
                self._trace_batch(batch, step)

    def _complete_twins(self) -> None:
        """Arcs that a limit of the arclength cut, taken whole from their other end."""
        for arm, traced in sorted(self._traced.items()):
            if traced.end is None:
                continue
            back = self._traced.get(traced.end)
            if back is None or back.end is None:
                self._traced[traced.end] = _Traced(reverse(traced.arc), arm)

    def _disagreeing(self) -> list[_Arm]:
        suspects: set[_Arm] = set()
        finite = math.isfinite(self.max_length)
        for arm, traced in self._traced.items():
            if traced.end is None:
                continue
            back = self._traced.get(traced.end)
            if back is None or (back.end != arm and not (finite and back.end is None)):
                suspects |= {arm, traced.end}
        # Two arcs that end in one place and come from different arms: one of them jumped.
        ends = [
            (arm, traced.arc["x"][-1], traced.arc["tangent"][-1])
            for arm, traced in sorted(self._traced.items())
            if traced.end is None and Status(traced.arc["status"]) == Status.BOUNDARY
        ]
        for i, (arm, x, tangent) in enumerate(ends):
            for other, y, other_tangent in ends[:i]:
                same_place = np.linalg.norm(x - y) <= 1e-7 * self.options["max_step"]
                if same_place and abs(float(tangent @ other_tangent)) > 0.999:
                    suspects |= {arm, other}
        return sorted(suspects)

    # Curves ----------------------------------------------------------------------------------

    def curves(self) -> tuple[list[Extremal], dict[tuple[int, int, int], int], Status]:
        """The curves, the half-branches on each, and the first trouble."""
        disagreeing = set(self._disagreeing())
        used: set[_Arm] = set()
        curves: list[Extremal] = []
        half_branches: dict[tuple[int, int, int], int] = {}
        trouble = self.skipped
        for arm in sorted(self._traced, key=lambda a: (a.node, a.line, -a.sign)):
            if arm in used or not self._has_points(arm):
                continue
            chain, closed = self._chain(arm)
            sides = [side for piece, _ in chain for side in (piece, self._traced[piece].end)]
            used.update(side for side in sides if side is not None)
            inconsistent = not disagreeing.isdisjoint(piece for piece, _ in chain)
            curve = self._joined(chain, closed, inconsistent)
            for side in sides:
                if side is None:
                    continue
                node = self._nodes[side.node]
                branch = node.lines[side.line].branch
                if node.critical is not None and branch is not None:
                    half_branches[node.critical, branch, side.sign] = len(curves)
            curves.append(curve)
            if trouble.succeeded and not curve.status.succeeded:
                trouble = curve.status
        for arm in sorted(self._traced):
            if self._has_points(arm):
                continue
            node, status = self._nodes[arm.node], Status(self._traced[arm].arc["status"])
            if trouble.succeeded and not status.succeeded:
                trouble = status
            if node.critical is not None and arm.sign > 0:
                self.notes.append(
                    f"critical point {node.critical}, branch {node.lines[arm.line].branch}: "
                    f"{status.describe()}"
                )
        return curves, half_branches, trouble

    def _has_points(self, arm: _Arm) -> bool:
        return arm in self._traced and len(self._traced[arm].arc["arclength"]) > 0

    def _chain(self, arm: _Arm) -> tuple[list[tuple[_Arm, bool]], bool]:
        """The arcs of the curve through `arm` in order, each with whether to run it backward."""
        forward = list(self._walk(arm))
        last = self._traced[forward[-1]].end
        if last is not None and last.opposite() == arm:
            return [(piece, False) for piece in forward], True
        behind = arm.opposite()
        backward = list(self._walk(behind)) if self._has_points(behind) else []
        pieces = [(piece, True) for piece in reversed(backward)]
        return pieces + [(piece, False) for piece in forward], False

    def _walk(self, arm: _Arm) -> Iterator[_Arm]:
        """Arcs straight on from an arm, to the end of the curve or back to the arm."""
        first = arm
        while True:
            yield arm
            end = self._traced[arm].end
            if end is None or end.opposite() == first or not self._has_points(end.opposite()):
                return
            arm = end.opposite()

    def _joined(self, chain: list[tuple[_Arm, bool]], closed: bool, inconsistent: bool) -> Extremal:
        pieces: list[Arc] = []
        nodes: dict[int, int] = {}  # point: node
        count = 0
        for arm, backward in chain:
            traced = self._traced[arm]
            piece = traced.arc
            ends = [arm.node, None if traced.end is None else traced.end.node]
            if backward:
                piece = reverse(piece)
                ends.reverse()
            pieces.append(piece)
            first = max(count - 1, 0)
            count = first + len(piece["arclength"])
            for position, node in zip((first, count - 1), ends):
                if node is not None:
                    nodes[position] = node
        if closed:
            del nodes[count - 1]
        curve = join(pieces)
        # At a branch point itself the sign of a vanishing eigenvalue is rounding.
        for position in (p for p, number in nodes.items() if self._nodes[number].critical is None):
            neighbour = position + 1 if position + 1 < count else max(position - 1, 0)
            curve["slope_index"][position] = curve["slope_index"][neighbour]
        for position, number in nodes.items():
            if self._nodes[number].critical is None:
                # The index jumps at a branch point: the point itself goes with its neighbour.
                neighbour = position - 1 if position > 0 else min(position + 1, count - 1)
                curve["slope_index"][position] = curve["slope_index"][neighbour]
            event = self._node_event(curve, position, self._nodes[number])
            curve["events"].append(event)
            if self._turns_at(curve, position, number, closed):
                curve["events"].append(event | {"kind": "level_fold", "kernel_dimension": None})
        curve["events"] = _distinct_events(curve["events"], 1e-6 * self.options["max_step"])
        statuses = []
        for (arm, backward), outer in ((chain[0], True), (chain[-1], False)):
            status = Status(self._traced[arm].arc["status"])
            statuses.append(status if backward == outer else Status.CONVERGED)
        if closed:
            statuses = [Status.CLOSED, Status.CLOSED]
        if inconsistent:
            statuses[1] = Status.INCONSISTENT
        words = list(dict.fromkeys(s.describe() for s in statuses if s != Status.CONVERGED))
        return to_extremal(
            curve,
            f=self.f,
            closed=closed,
            start_status=statuses[0],
            end_status=statuses[1],
            message=" ".join(words),
            parameters={},
        )

    def _turns_at(self, curve: Arc, position: int, number: int, closed: bool) -> bool:
        """Whether f turns along the curve at a branch point, from which arcs leave both ways."""
        last = len(curve["fun"]) - 1
        before = last - 1 if closed and position == 0 else position - 1
        if self._nodes[number].critical is not None or before < 0 or position == last:
            return False
        slope = self.f.grad(self._nodes[number].x)
        if abs(float(slope @ curve["tangent"][position])) > 1e-5 * np.linalg.norm(slope):
            return False
        # Seen from the two neighbours, whose tangents are regular.
        rises = [
            float(self.f.grad(curve["x"][i]) @ curve["tangent"][i]) for i in (before, position + 1)
        ]
        return rises[0] * rises[1] < 0

    def _node_event(self, curve: Arc, position: int, node: _Node) -> dict[str, Any]:
        critical = node.critical is not None
        morse = self.critical_points[node.critical].morse_index if critical else None  # type: ignore[index]
        return {
            "kind": "critical_point" if critical else "branch_point",
            "x": node.x,
            "fun": node.fun,
            "arclength": float(curve["arclength"][position]),
            "error": node.error,
            "index": position,
            "tangent": curve["tangent"][position],
            "morse_index": morse,
            "distance": None,
            "kernel_dimension": node.kernel_dimension,
        }

    def message(self, status: Status) -> str:
        """What there is to say, in one paragraph."""
        if not self.critical_points:
            self.notes.append("No critical point was found")
        notes = (note if note.endswith(".") else note + "." for note in self.notes)
        return " ".join([status.describe(), *notes])


def _without_node_event(arc: Arc) -> Arc:
    """The arc without the event at its end that a node stands for."""
    kept = list(arc["events"])
    for i in reversed(range(len(kept))):
        if kept[i]["kind"] in ("critical_point", "branch_point"):
            del kept[i]
            break
    return {**arc, "events": kept}


def _extrapolated_tangent(arc: Arc) -> np.ndarray:
    """The tangent at the end of an arc from the point before: exact for circles."""
    chord = arc["x"][-1] - arc["x"][-2]
    length = np.linalg.norm(chord)
    before = arc["tangent"][-2]
    if length == 0:
        return before
    chord = chord / length
    return 2.0 * float(chord @ before) * chord - before


def _distinct_events(events: list[dict[str, Any]], near: float) -> list[dict[str, Any]]:
    """By arclength, an event that both arcs at a node report once."""
    result: list[dict[str, Any]] = []
    for event in sorted(events, key=lambda e: e["arclength"]):
        twin = any(
            other["kind"] == event["kind"]
            and event["arclength"] - other["arclength"] <= near
            and np.linalg.norm(event["x"] - other["x"]) <= near
            for other in result[-3:]
        )
        if not twin:
            result.append(event)
    return result


def _line_number(group: list[int], order: int, n: int) -> int:
    return group[order] if order < len(group) else n + order - len(group)


def _portions(items: list[_Arm], size: int) -> Iterable[list[_Arm]]:
    return (items[i : i + size] for i in range(0, len(items), size))


def _progress_bar(show: bool) -> Any:
    if show:
        try:
            from tqdm.auto import tqdm

            return tqdm(unit="arc", desc="tracing")
        except ImportError:
            pass
    return _NoBar()


class _NoBar:
    total = 0

    def update(self, count: int) -> None: ...

    def close(self) -> None: ...
