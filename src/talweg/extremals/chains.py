"""Arcs joined to whole curves, each once, with the half-branches that lie on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from talweg.extremals.assembly import Arc, join, reverse, to_extremal
from talweg.extremals.nodes import Arm, Node, Traced
from talweg.extremals.points import CriticalPoint
from talweg.extremals.results import Extremal
from talweg.objective import Objective
from talweg.status import Status

__all__ = ["Chains", "Joined"]


class Joined(NamedTuple):
    """The curves of a network.

    `not_started` lists (critical point, branch, status) of half-branches without a curve.
    """

    curves: list[Extremal]
    half_branches: dict[tuple[int, int, int], int]
    not_started: list[tuple[int, int, Status]]


class Chains:
    """Follows arcs from node to node, straight on, and joins them."""

    def __init__(
        self,
        f: Objective,
        nodes: list[Node],
        traced: dict[Arm, Traced],
        critical_points: list[CriticalPoint],
        max_step: float,
    ) -> None:
        self.f = f
        self.critical_points = critical_points
        self._nodes = nodes
        self._traced = traced
        self._near = 1e-6 * max_step

    def joined(self, disagreeing: set[Arm]) -> Joined:
        """Every curve once; those with an arc in `disagreeing` are inconsistent."""
        used: set[Arm] = set()
        curves: list[Extremal] = []
        half_branches: dict[tuple[int, int, int], int] = {}
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
        return Joined(curves, half_branches, self._not_started())

    def _not_started(self) -> list[tuple[int, int, Status]]:
        result = []
        for arm in sorted(self._traced):
            node = self._nodes[arm.node]
            branch = node.lines[arm.line].branch
            if self._has_points(arm) or node.critical is None or branch is None:
                continue
            status = Status(self._traced[arm].arc["status"])
            if self.critical_points[node.critical].degenerate and not status.succeeded:
                # That corrections fail there is the zero eigenvalue's doing.
                status = Status.DEGENERATE
            result.append((node.critical, branch, status))
        return result

    def _has_points(self, arm: Arm) -> bool:
        return arm in self._traced and len(self._traced[arm].arc["arclength"]) > 0

    def _chain(self, arm: Arm) -> tuple[list[tuple[Arm, bool]], bool]:
        """The arcs of the curve through `arm` in order, each with whether to run it backward."""
        forward = list(self._walk(arm))
        last = self._traced[forward[-1]].end
        if last is not None and last.opposite() == arm:
            return [(piece, False) for piece in forward], True
        behind = arm.opposite()
        backward = list(self._walk(behind)) if self._has_points(behind) else []
        pieces = [(piece, True) for piece in reversed(backward)]
        return pieces + [(piece, False) for piece in forward], False

    def _walk(self, arm: Arm) -> Iterator[Arm]:
        """Arcs straight on from an arm, to the end of the curve or back to the arm."""
        first = arm
        while True:
            yield arm
            end = self._traced[arm].end
            if end is None or end.opposite() == first or not self._has_points(end.opposite()):
                return
            arm = end.opposite()

    def _joined(self, chain: list[tuple[Arm, bool]], closed: bool, inconsistent: bool) -> Extremal:
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
        curve["events"] = _distinct_events(curve["events"], self._near)
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

    def _node_event(self, curve: Arc, position: int, node: Node) -> dict[str, Any]:
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
