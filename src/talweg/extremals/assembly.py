"""Arcs as the core returns them, and how they join to curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from talweg.extremals.points import Event
from talweg.extremals.results import Extremal
from talweg.status import Status

__all__ = ["Arc", "join", "reverse", "to_extremal", "truncate"]

#: An arc: the core's dict of arrays over its points, with its events as dicts.
Arc = dict[str, Any]

_POINT_ARRAYS = (
    "x",
    "fun",
    "sigma",
    "eigenvalue",
    "tangent",
    "eigenvector",
    "slope_index",
    "curvature_index",
    "residual",
)
_EVENT_FIELDS = (
    "kind",
    "x",
    "fun",
    "arclength",
    "error",
    "index",
    "tangent",
    "morse_index",
    "distance",
    "kernel_dimension",
)


def reverse(arc: Arc) -> Arc:
    """The same arc run through the other way."""
    result = dict(arc)
    for name in _POINT_ARRAYS:
        result[name] = arc[name][::-1]
    result["tangent"] = -result["tangent"]
    length = arc["arclength"][-1] if len(arc["arclength"]) else 0.0
    result["arclength"] = length - arc["arclength"][::-1]
    last = len(arc["arclength"]) - 1
    result["events"] = [
        {
            **event,
            "arclength": length - event["arclength"],
            "index": max(last - 1 - event["index"], 0),
            "tangent": -event["tangent"],
        }
        for event in reversed(arc["events"])
    ]
    return result


def join(arcs: Sequence[Arc]) -> Arc:
    """Arcs that follow one another, each starting at the point where the last one ended."""
    pieces: dict[str, list[np.ndarray]] = {name: [] for name in (*_POINT_ARRAYS, "arclength")}
    events: list[dict[str, Any]] = []
    offset, count = 0.0, 0
    last_vector: np.ndarray | None = None
    for arc in arcs:
        # The second copy of a shared point is left out.
        first = 0 if count == 0 else 1
        sign = 1.0
        if last_vector is not None and float(last_vector @ arc["eigenvector"][0]) < 0:
            sign = -1.0
        for name in _POINT_ARRAYS:
            values = arc[name][first:]
            if name in ("eigenvector", "sigma"):
                values = sign * values
            pieces[name].append(values)
        pieces["arclength"].append(arc["arclength"][first:] + offset)
        for event in arc["events"]:
            index = event["index"] + (count - 1 if count else 0)
            events.append({**event, "arclength": event["arclength"] + offset, "index": index})
        offset += float(arc["arclength"][-1])
        count += len(arc["arclength"]) - first
        last_vector = sign * arc["eigenvector"][-1]
    result: Arc = {name: np.concatenate(values) for name, values in pieces.items()}
    result["events"] = sorted(events, key=lambda event: event["arclength"])
    return result


def truncate(arc: Arc, event: dict[str, Any]) -> Arc:
    """The arc up to one of its events, whose point becomes the last one."""
    keep = event["index"] + 1
    result = dict(arc)
    n = arc["x"].shape[1]
    z = event["z"]
    point = {
        "x": event["x"],
        "fun": event["fun"],
        "sigma": z[2 * n + 1],
        "eigenvalue": z[2 * n],
        "tangent": event["tangent"],
        "eigenvector": z[n : 2 * n],
        "slope_index": arc["slope_index"][keep - 1],
        "curvature_index": arc["curvature_index"][keep - 1],
        "residual": event["residual"],
        "arclength": event["arclength"],
    }
    for name, value in point.items():
        result[name] = np.concatenate([arc[name][:keep], np.asarray(value)[None]])
    result["events"] = [e for e in arc["events"] if e["arclength"] <= event["arclength"]]
    return result


def to_extremal(
    arc: Arc,
    *,
    f: Any,
    closed: bool,
    start_status: Status,
    end_status: Status,
    message: str,
    parameters: dict[str, Any],
) -> Extremal:
    """The result class for a finished curve."""
    last = max(len(arc["arclength"]) - 2, 0)
    events = [
        Event(
            **{name: event[name] for name in _EVENT_FIELDS} | {"index": min(event["index"], last)}
        )
        for event in arc["events"]
    ]
    trouble = [s for s in (start_status, end_status) if not s.succeeded]
    return Extremal(
        **{name: arc[name] for name in (*_POINT_ARRAYS, "arclength")},
        events=events,
        closed=closed,
        status=trouble[0] if trouble else end_status,
        start_status=start_status,
        end_status=end_status,
        message=message,
        f=f,
        parameters=parameters,
    )
