"""Results as rich tables."""

from __future__ import annotations

import os
import sys
from typing import Any

from talweg.extremals.results import Survey
from talweg.extremals.summary import critical_point_rows, curve_rows, edge_rows, event_rows

__all__ = ["console", "print_survey", "table"]

_NUMERIC = {
    *("#", "f", "|grad|", "points", "length", "arclength", "error", "highest f", "n", "curve"),
    *("starts", "share", "steps (median)", "time (median)"),
}


def console(stderr: bool = False) -> Any:
    """A rich console; into a file or a pipe it writes wide lines instead of folding them."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        width=None if stream.isatty() or "COLUMNS" in os.environ else 180,
        highlight=False,
        markup=False,
        emoji=False,
    )


def table(title: str, columns: list[str], rows: list[list[str]]) -> Any:
    """A rich table of plain text cells."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    result = Table(
        title=Text(title),
        title_justify="left",
        title_style="bold",
        box=SIMPLE_HEAD,
        pad_edge=False,
        header_style="bold",
    )
    for column in columns:
        result.add_column(
            column,
            justify="right" if column in _NUMERIC else "left",
            no_wrap=column in _NUMERIC,
        )
    for row in rows:
        result.add_row(*(Text(cell) for cell in row))
    return result


def print_survey(out: Any, survey: Survey, most_events: int = 40) -> None:
    """Tables of critical points, curves, events and talwegs between critical points."""
    for title, (columns, rows), most in (
        ("Critical points", critical_point_rows(survey), None),
        ("Gradient extremals", curve_rows(survey), None),
        ("Events", event_rows(survey), most_events),
        ("Talwegs between critical points", edge_rows(survey), None),
    ):
        if rows:
            out.print(table(title, columns, rows[:most]))
        if most is not None and len(rows) > most:
            out.print(f"... and {len(rows) - most} more events: --json lists all\n")
