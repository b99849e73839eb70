"""The network of arcs between critical points and branch points."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from talweg import _core
from talweg.extremals.assembly import Arc, reverse
from talweg.extremals.chains import Chains, Joined
from talweg.extremals.finding import find
from talweg.extremals.messages import listed
from talweg.extremals.nodes import Arm, Node, Traced, branch_point_node, critical_point_node
from talweg.extremals.orbits import aligned
from talweg.extremals.points import CriticalPoint
from talweg.objective import Objective
from talweg.status import Status

__all__ = ["Network"]

#: How often an arc whose two ends disagree is traced again, with steps shortened by _SHORTEN.
_RETRIES = 3
_SHORTEN = 0.3


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
        self.branches = set(branches)
        self.workers = workers
        self.max_length = math.inf if max_length is None else max_length
        self.progress = progress
        self.critical_points: list[CriticalPoint] = []
        self.notes: list[str] = []
        self.isotropic = False  # a repeated eigenvalue kept its branches from being traced
        self._nodes: list[Node] = []
        self._pending: dict[Arm, float] = {}  # arm: arclength left
        self._traced: dict[Arm, Traced] = {}

    # Nodes -----------------------------------------------------------------------------------

    def add_critical_point(self, point: CriticalPoint, isolated: bool = True) -> int:
        """Adds a node with the chosen branches as arms; returns its number.

        Points that are not isolated get no arms: curves of them are no gradient extremals.
        """
        number = len(self.critical_points)
        self.critical_points.append(point)
        if not isolated:
            self._nodes.append(Node(point.x, point.fun, point.error, number, []))
            return len(self._nodes) - 1
        node, chosen, without = critical_point_node(
            self.f, point, number, self.branches, self.options["max_step"]
        )
        self._nodes.append(node)
        for line in chosen:
            self._wait(len(self._nodes) - 1, line, self.max_length)
        for group in without:
            self.isotropic = True
            self.notes.append(
                f"Critical point {number}: branches {listed(group)} share the eigenvalue "
                f"{point.eigenvalues[group[0]]:.6g} and no direction is singled out (every one "
                "may be extremal): give trace a direction."
            )
        return len(self._nodes) - 1

    def _add_branch_point(self, event: dict[str, Any], length_left: float) -> int:
        self._nodes.append(branch_point_node(event, self.f.n))
        number = len(self._nodes) - 1
        for line in range(len(self._nodes[number].lines)):
            self._wait(number, line, length_left)
        return number

    def _complete(self, number: int, event: dict[str, Any], length_left: float) -> None:
        """Adds the lines of an event at a node where more than two curves may cross.

        Each curve that arrives there tells its own line, and no other.
        """
        lines = self._nodes[number].lines
        for line in branch_point_node(event, self.f.n).lines:
            if all(abs(float(line.direction @ other.direction)) < 0.99 for other in lines):
                lines.append(line)
                self._wait(number, len(lines) - 1, length_left)

    def _wait(self, node: int, line: int, length_left: float) -> None:
        for sign in (1, -1):
            arm = Arm(node, line, sign)
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

    def _trace_batch(self, arms: dict[Arm, float], max_step: float) -> None:
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
                        self._traced[arm] = Traced(arc, None)
                raise
            for arm, arc in zip(chosen, arcs):
                line = self._nodes[arm.node].lines[arm.line]
                if self._nodes[arm.node].critical is not None and len(line.z_tangent):
                    arc["status"] = _singled_out(arc, max_step)
                left = limit - (arc["arclength"][-1] if len(arc["arclength"]) else 0.0)
                end = self._arrival(arc, left)
                if end is not None:
                    arc = _without_node_event(arc)
                self._traced[arm] = Traced(arc, end)

    def _arrival(self, arc: Arc, length_left: float) -> Arm | None:
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
                found = find(self.f, (), event["x"], None, 1, 1).points
                near = [
                    p for p in found if self._apart(p.x, event["x"]) <= self._near(event["error"])
                ]
                if not near:
                    return None
                number = self.add_critical_point(near[0], isolated=not near[0].degenerate)
            else:
                number = self._add_branch_point(event, length_left)
        node = self._nodes[number]
        if not node.lines:
            return None
        apart = self._displaced(event, node)
        if any(len(line.z_tangent) for line in node.lines):
            # The linearisation at the node itself is singular.
            tangent = _extrapolated_tangent(arc)
        if apart:
            tangent = aligned(self.f, node.x, event["x"], tangent[None])[1][0]
        elif not critical and node.kernel_dimension != 1:
            self._complete(number, event, length_left)
        cosines = [float(tangent @ line.direction) for line in node.lines]
        line = int(np.argmax(np.abs(cosines)))
        if abs(cosines[line]) < 0.9:
            return None
        arrival = Arm(number, line, -1 if cosines[line] > 0 else 1)
        if not apart:
            arc["tangent"][-1] = -arrival.sign * node.lines[line].direction
        # Straight on, for a branch that was not chosen to start with.
        onward = arrival.opposite()
        for arm in (arrival, onward):
            if arm not in self._traced and arm not in self._pending and length_left > 0:
                self._pending[arm] = length_left
        return arrival

    def _apart(self, x: np.ndarray, y: np.ndarray) -> float:
        return float(np.linalg.norm(x - aligned(self.f, x, y, np.zeros((0, x.size)))[0]))

    def _displaced(self, event: dict[str, Any], node: Node) -> bool:
        """Whether rigid motions lie between an event and the node that it is."""
        distance = float(np.linalg.norm(event["x"] - node.x))
        return distance > self._near(event["error"] + node.error)

    def _near(self, error: float) -> float:
        return 1e-5 * self.options["max_step"] + 10.0 * error

    def _node_at(self, event: dict[str, Any], critical: bool) -> int | None:
        best, number = math.inf, None
        place = event["centre"][: self.f.n] if len(event["centre"]) else event["x"]
        for i, node in enumerate(self._nodes):
            if (node.critical is not None) != critical:
                continue
            distance = self._apart(node.x, place)
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
                self._traced[traced.end] = Traced(reverse(traced.arc), arm)

    def _disagreeing(self) -> list[Arm]:
        suspects: set[Arm] = set()
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
            # From a node on a face of the box several leave it at once.
            if traced.end is None
            and Status(traced.arc["status"]) == Status.BOUNDARY
            and traced.arc["arclength"][-1] > 0
        ]
        for i, (arm, x, tangent) in enumerate(ends):
            for other, y, other_tangent in ends[:i]:
                same_place = np.linalg.norm(x - y) <= 1e-7 * self.options["max_step"]
                if same_place and abs(float(tangent @ other_tangent)) > 0.999:
                    suspects |= {arm, other}
        return sorted(suspects)

    # Curves ----------------------------------------------------------------------------------

    def joined(self, interrupted: bool = False) -> Joined:
        """The curves, and what became of every half-branch."""
        chains = Chains(
            self.f, self._nodes, self._traced, self.critical_points, self.options["max_step"]
        )
        # The ends of what was broken off cannot agree.
        return chains.joined(set() if interrupted else set(self._disagreeing()))


def _singled_out(arc: Arc, max_step: float) -> Status:
    """The status of an arc that leaves a repeated eigenvalue along one of few lines.

    Where nothing of it could be followed the line is a multiple solution, singular all along.
    """
    status = Status(arc["status"])
    stuck = len(arc["arclength"]) == 0 or arc["arclength"][-1] <= 1e-3 * max_step
    if stuck and status in (Status.ISOTROPIC, Status.STEP_TOO_SMALL):
        return Status.DEGENERATE
    return status


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


def _portions(items: list[Arm], size: int) -> Iterable[list[Arm]]:
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
