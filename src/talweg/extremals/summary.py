"""Plain text for people: what a curve or a survey contains."""

from __future__ import annotations

from collections import Counter

import numpy as np

from talweg.extremals.fields import counted, format_vector
from talweg.extremals.points import event_name
from talweg.extremals.results import Extremal, Survey

__all__ = [
    "critical_point_rows",
    "curve_rows",
    "describe_extremal",
    "describe_survey",
    "edge_rows",
    "event_rows",
]

#: Events that every curve has and that have columns of their own.
_COMMON = ("critical_point", "boundary")


def event_counts(curve: Extremal) -> str:
    """The curve's events by kind: "2 level folds, 1 inflection"."""
    counts = Counter(event.kind for event in curve.events if event.kind not in _COMMON)
    words = (counted(count, event_name(kind)) for kind, count in counts.items())
    return ", ".join(words) or "none"


def shares(curve: Extremal) -> str:
    """The labels with their share of the length: "talweg 62 %, mixed (indices 1, 2) 38 %"."""
    parts: dict[str, float] = {}
    indices = []
    for label, part in curve.share().items():
        word, _, index = label.partition(", index ")
        parts[word] = parts.get(word, 0.0) + part
        if index:
            indices.append(int(index))
    named = {"mixed": f"mixed (ind{'ex' if len(indices) == 1 else 'ices'} {_list(indices)})"}
    return ", ".join(
        named.get(word, word) + ("" if part > 0.9995 else f" {100 * part:.3g} %")
        for word, part in sorted(parts.items(), key=lambda item: -item[1])
        if part >= 0.0005
    )


def _list(indices: list[int]) -> str:
    return ", ".join(str(index) for index in sorted(indices))


def ends(curve: Extremal) -> str:
    """How the two ends of the curve ended."""
    if curve.closed:
        return "closed"
    return " … ".join(
        status.name.lower().replace("_", " ") for status in (curve.start_status, curve.end_status)
    )


def half_branch_names(survey: Survey, j: int) -> str:
    """Half-branches on curve `j`: "0: 0+ 0-; 3: 1+" (critical point: branch and direction)."""
    named: dict[int, list[str]] = {}
    for (i, branch, direction), curve in sorted(
        survey.half_branches.items(), key=lambda item: (item[0][0], item[0][1], -item[0][2])
    ):
        if curve == j:
            named.setdefault(i, []).append(f"{branch}{'+' if direction > 0 else '-'}")
    return "; ".join(f"{i}: {' '.join(halves)}" for i, halves in named.items())


def _eigenvalues(values: np.ndarray) -> str:
    shown = [f"{v:.6g}" for v in values]
    return ", ".join(shown) if len(shown) <= 4 else f"{shown[0]}, {shown[1]}, … {shown[-1]}"


def critical_point_rows(survey: Survey) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of the table of critical points."""
    rows = [
        [
            str(i),
            point.type,
            format_vector(point.x, 9),
            f"{point.fun:.12g}",
            _eigenvalues(point.eigenvalues),
            f"{point.residual:.1e}",
        ]
        for i, point in enumerate(survey.critical_points)
    ]
    return ["#", "type", "x", "f", "eigenvalues", "|grad|"], rows


def curve_rows(survey: Survey) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of the table of curves."""
    rows = [
        [
            str(j),
            half_branch_names(survey, j),
            str(len(curve)),
            f"{curve.length:.5g}",
            shares(curve),
            ends(curve),
            event_counts(curve),
        ]
        for j, curve in enumerate(survey.extremals)
    ]
    return ["#", "half-branches", "points", "length", "labels", "ends", "events"], rows


def event_rows(survey: Survey) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of the table of events other than critical points and ends."""
    rows = []
    for j, event in survey.events:
        if event.kind in _COMMON:
            continue
        note = event.message
        if event.distance is not None:
            note = f"half-gap {event.distance:.3g}" + (f"; {note}" if note else "")
        rows.append(
            [
                str(j),
                event_name(event.kind),
                format_vector(event.x, 9),
                f"{event.fun:.10g}",
                f"{event.arclength:.6g}",
                f"{event.error:.0e}",
                note,
            ]
        )
    return ["curve", "event", "x", "f", "arclength", "error", "note"], rows


def edge_rows(survey: Survey) -> tuple[list[str], list[list[str]]]:
    """Column names and rows of the table of talwegs between critical points."""
    rows = [
        [
            f"{edge.start} – {edge.stop}",
            str(edge.extremal),
            f"{edge.barrier:.10g}",
            f"{edge.length:.6g}",
        ]
        for edge in survey.edges()
    ]
    return ["joins", "curve", "highest f", "length"], rows


def _table(columns: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[k]) for row in [columns, *rows]) for k in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in [columns, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)


def describe_extremal(curve: Extremal) -> str:
    """The text of ``repr(extremal)``."""
    lines = [
        f"Extremal: {len(curve)} points, n = {curve.n}, length {curve.length:.6g}",
        f"  from   {format_vector(curve.x[0])}, f = {curve.fun[0]:.8g}"
        f" ({curve.start_status.name.lower().replace('_', ' ')})",
        f"  to     {format_vector(curve.x[-1])}, f = {curve.fun[-1]:.8g}"
        f" ({curve.end_status.name.lower().replace('_', ' ')})",
        f"  labels {shares(curve)}" + (", closed" if curve.closed else ""),
    ]
    if curve.events:
        lines.append("  events")
        for event in curve.events[:12]:
            what = event_name(event.kind)
            if event.morse_index is not None:
                what += f" (Morse index {event.morse_index})"
            if event.distance is not None:
                what += f" (half-gap {event.distance:.3g})"
            lines.append(
                f"    {event.arclength:<12.6g}{what:<34}{format_vector(event.x)}, "
                f"f = {event.fun:.8g}"
            )
        if len(curve.events) > 12:
            lines.append(f"    ... {len(curve.events) - 12} more")
    lines.append(f"  {curve.message or curve.status.describe()}")
    return "\n".join(lines)


def describe_survey(survey: Survey) -> str:
    """The text of ``survey.summary()``."""
    parts = [
        f"Survey: n = {survey.n}, {counted(len(survey.critical_points), 'critical point')}, "
        f"{counted(len(survey.extremals), 'gradient extremal')}"
    ]
    for title, (columns, rows) in (
        ("Critical points", critical_point_rows(survey)),
        ("Gradient extremals", curve_rows(survey)),
        ("Talwegs between critical points", edge_rows(survey)),
    ):
        if rows:
            parts.append(f"{title}\n{_table(columns, rows)}")
    parts.append(survey.message or survey.status.describe())
    return "\n\n".join(parts)
