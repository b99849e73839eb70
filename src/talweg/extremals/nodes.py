"""Where curves meet: critical points and branch points, with the lines that leave them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from talweg.extremals.assembly import Arc
from talweg.extremals.lines import extremal_lines
from talweg.extremals.points import CriticalPoint
from talweg.objective import Objective

__all__ = ["Arm", "Line", "Node", "Traced", "branch_point_node", "critical_point_node"]


@dataclasses.dataclass(frozen=True, order=True)
class Arm:
    """One direction in which a curve leaves a node: node, line through it, +1 or -1."""

    node: int
    line: int
    sign: int

    def opposite(self) -> Arm:
        return Arm(self.node, self.line, -self.sign)


@dataclasses.dataclass
class Line:
    """A curve's tangent line at a node, with what is needed to start along it."""

    direction: np.ndarray  # unit, n
    z: np.ndarray
    z_tangent: np.ndarray  # empty where the linearisation defines it
    branch: int | None  # of a critical point


@dataclasses.dataclass
class Node:
    """A critical point (by its number) or a branch point, where arcs end."""

    x: np.ndarray
    fun: float
    error: float
    critical: int | None
    lines: list[Line]
    kernel_dimension: int | None = None


@dataclasses.dataclass
class Traced:
    arc: Arc
    end: Arm | None  # the arm of the node it arrived at, looking back


def critical_point_node(
    f: Objective, point: CriticalPoint, number: int, branches: set[int], max_step: float
) -> tuple[Node, list[int], list[list[int]]]:
    """A critical point's node; which of its lines to trace; groups of branches without lines.

    Branches that are not chosen get a line too where they are simple: curves may pass through
    the point there.
    """
    node = Node(point.x, point.fun, point.error, number, [])
    chosen: list[int] = []
    without: list[list[int]] = []
    # Differences tell eigenvalues apart only so far.
    for group in point.multiplicities(max(1e-8, 10.0 * f.approximate.get("hess", 0.0))):
        wanted = bool(set(group) & branches)
        first = len(node.lines)
        if len(group) == 1:
            node.lines.append(_eigenvector_line(point, group[0]))
        elif wanted:
            lines = extremal_lines(f, point.x, group[0], max_step)
            value = point.eigenvalues[group[0]]
            for order, u in enumerate(lines):
                z = np.concatenate([point.x, u, [value, 0.0]])
                z_tangent = np.concatenate([u, np.zeros(point.n), [0.0, value]])
                branch = group[order] if order < len(group) else point.n + order - len(group)
                node.lines.append(Line(u, z, z_tangent, branch))
            if not lines:
                without.append(group)
        if wanted:
            chosen += range(first, len(node.lines))
    return node, chosen, without


def _eigenvector_line(point: CriticalPoint, branch: int) -> Line:
    v = point.eigenvectors[:, branch]
    z = np.concatenate([point.x, v, [point.eigenvalues[branch], 0.0]])
    return Line(v.copy(), z, np.zeros(0), branch)


def branch_point_node(event: dict[str, Any], n: int) -> Node:
    """The node of a branch point that the core has located."""
    tangents = event["crossing_tangents"]
    if len(tangents) == 0:
        tangents = event["z_tangent"][None]
    z = event["centre"] if len(event["centre"]) else event["z"]
    lines = []
    for tangent in tangents:
        unit = tangent / np.linalg.norm(tangent[:n])
        lines.append(Line(unit[:n], z, unit, None))
    return Node(z[:n], event["fun"], event["error"], None, lines, event["kernel_dimension"])
