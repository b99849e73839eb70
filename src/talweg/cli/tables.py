"""Results as rich tables."""

from __future__ import annotations

import os
import sys
from typing import Any

from talweg.extremals.results import Survey
from talweg.extremals.summary import critical_point_rows, curve_rows, edge_rows, event_rows

__all__ = ["console", "print_survey", "table"]

_NUMERIC = {"#", "f", "|grad|", "points", "length", "arclength", "error", "highest f", "n", "curve"}


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
    out.print(table("Critical points", *critical_point_rows(survey)))
    out.print(table("Gradient extremals", *curve_rows(survey)))
    columns, rows = event_rows(survey)
    if rows:
        out.print(table("Events", columns, rows[:most_events]))
        if len(rows) > most_events:
            out.print(f"... and {len(rows) - most_events} more events: --json lists all\n")
    columns, rows = edge_rows(survey)
    if rows:
        out.print(table("Talwegs between critical points", columns, rows))
