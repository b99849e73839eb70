"""Reports as tables of text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from talweg.extremals.fields import format_vector
from talweg.status import Status

if TYPE_CHECKING:
    from talweg.reports.descents import DescentReport

__all__ = ["descent_tables", "plain_table"]

Table = tuple[str, list[str], list[list[str]]]


def plain_table(columns: list[str], rows: list[list[str]]) -> str:
    """Columns of text, as wide as their cells."""
    widths = [max(len(row[k]) for row in [columns, *rows]) for k in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in [columns, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)


def markdown_table(columns: list[str], rows: list[list[str]]) -> str:
    """The same in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def status_counts(status: np.ndarray) -> str:
    """ "180 converged, 20 max steps"."""
    counts = Counter(int(code) for code in status)
    return ", ".join(
        f"{count} {Status(code).name.lower().replace('_', ' ')}" for code, count in counts.most_common()
    )


def descent_tables(report: DescentReport) -> list[Table]:
    """Title, columns and rows: one row a minimum, and one for descents that reached none."""
    unit = "time" if report.time else "steps"
    per = "a unit of time" if report.time else "a step"
    columns = ["#", "minimum", "f", "eigenvalues", "starts", "share", f"{unit} (median)", "status"]
    volumes = report.path_log_volume is not None
    if volumes:
        columns += [f"log volume {per}", "predicted"]
    rows = []
    many = len(report.starts)
    for i in [*range(len(report.minima)), -1]:
        lanes = np.flatnonzero(report.minimum == i)
        if i < 0 and not lanes.size:
            continue
        row = ["–", "none", "", ""]
        if i >= 0:
            point = report.minima[i]
            values = ", ".join(f"{v:.6g}" for v in point.eigenvalues[:3])
            if point.eigenvalues.size > 3:
                values += f", … {point.eigenvalues[-1]:.6g}"
            row = [str(i), format_vector(point.x, 6), f"{point.fun:.8g}", values]
        taken = f"{np.median(report.taken[lanes]):.6g}" if lanes.size else ""
        row += [str(lanes.size), f"{100 * lanes.size / many:.3g} %", taken]
        row.append(status_counts(report.status[lanes]))
        if volumes:
            change = report.volume_change(i) if i >= 0 else None
            row += ["", ""] if change is None else [_volume(change), f"{change.predicted:.6g}"]
        rows.append(row)
    return [("Minima reached", columns, rows)]


def _volume(change: object) -> str:
    measured, spread = change.measured, change.spread  # type: ignore[attr-defined]
    if not np.isfinite(measured):
        return ""
    return f"{measured:.6g}" + (f" ± {spread:.2g}" if np.isfinite(spread) else "")
