"""``talweg theory``: what theory says of descent next to the minima, and what runs show."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from talweg.cli.arguments import POINT
from talweg.cli.errors import Refused
from talweg.cli.options import refusal, shared_options
from talweg.cli.output import Output

__all__ = ["theory"]


@click.command(
    epilog="""\b
Examples:
  talweg theory muller-brown -o out
  talweg theory himmelblau --at 3,2
  talweg theory my.py:f --bounds "-2,2 -1,3" --no-runs"""
)
@shared_options(
    click.option(
        "--at",
        "points",
        type=POINT,
        multiple=True,
        metavar='"X,Y,..."',
        help="Report on the minimum here (may be repeated). Default: all minima of the box.",
    ),
    click.option("--no-runs", is_flag=True, help="Predictions alone, nothing is measured."),
    click.option(
        "--max-order",
        type=int,
        default=4,
        show_default=True,
        help="Highest order of resonances.",
    ),
    click.option(
        "--gap",
        type=float,
        default=1e-2,
        show_default=True,
        help="Relative gap up to which a relation counts as a near-resonance.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of starts and noise."),
    click.option("--workers", type=int, help="Threads. Default: all processors."),
    stem="theory",
    limits=False,
    files="theory.md, theory.json and pictures",
)
def theory(
    target: str,
    bounds: Any,
    n: int | None,
    points: tuple[Any, ...],
    no_runs: bool,
    max_order: int,
    gap: float,
    seed: int,
    workers: int | None,
    output: str | None,
    as_json: bool,
    no_plot: bool,
    quiet: bool,
) -> None:
    """Report on the minima: spectrum, bounds on steps, resonances, rates predicted and measured.

    NAME_OR_FILE is as for talweg survey.
    """
    if workers is not None and workers < 1:
        raise Refused(f"--workers: {workers}, wanted at least 1")
    if seed < 0:
        raise Refused(f"--seed: {seed}, wanted at least 0")
    if not 2 <= max_order <= 12:
        raise Refused(f"--max-order: {max_order}, wanted 2 to 12")
    if not 0.0 <= gap < 1.0:
        raise Refused(f"--gap: {gap:g}, wanted 0 or more and below 1")
    out = Output(
        output,
        "theory",
        as_json=as_json,
        quiet=quiet,
        endings=("md", "json"),
        pictures=not no_plot,
    )
    options = {"measure": not no_runs, "max_order": max_order, "tolerance": gap}
    result = None
    try:
        result = _run(target, n, bounds, list(points), seed, workers, options)
        _leave(out, result, target)
        if not quiet and as_json:
            out.print_json(result)
        elif not quiet:
            _print(result)
        if not no_plot:
            _write_text(out, result, target, out.draw_each(result))
    except KeyboardInterrupt as stop:
        partial = result if result is not None else getattr(stop, "result", None)
        # The search for minima leaves results of another kind behind.
        partial = partial if hasattr(partial, "headline") else None
        _interrupted(out, partial, target)
    out.conclude(result)


def _leave(out: Output, result: Any, target: str) -> None:
    _write_text(out, result, target, [])
    out.write_json(result)


def _write_text(out: Output, result: Any, target: str, pictures: list[str]) -> None:
    title = f"Theory and measurement: {os.path.basename(target)}"
    out.write_text("md", result.markdown(title, pictures))


def _interrupted(out: Output, partial: Any, target: str) -> None:
    if partial is not None and out.folder is not None and not out.written:
        _leave(out, partial, target)
        click.echo(
            f"talweg: interrupted; the partial result is in {', '.join(out.written)}", err=True
        )
        sys.exit(130)
    out.interrupted(partial, "" if partial is None else partial.headline())


def _print(result: Any) -> None:
    from talweg.cli.tables import console, table
    from talweg.extremals.fields import format_vector
    from talweg.reports.text import theory_tables

    out = console()
    for i, one in enumerate(result.minima):
        where = format_vector(one.point.x)
        out.print(f"Minimum {i} at {where}, f = {one.point.fun:.8g}\n", style="bold")
        for title, columns, rows in theory_tables(one):
            out.print(table(title, columns, rows))
    if result.minima:
        out.print(result.headline())


def _run(
    text: str,
    n: int | None,
    bounds: Any,
    points: list[Any],
    seed: int,
    workers: int | None,
    options: dict[str, Any],
) -> Any:
    import numpy as np

    from talweg.cli.targets import resolve
    from talweg.reports import theory_report

    try:
        target = resolve(text, n, bounds, points)
    except Refused as refused:
        raise Refused(refused.message.replace("--start", "--at")) from None
    try:
        box = () if target.bounds is None else target.bounds
        if points:
            options["x_min"] = np.array(points)
        elif target.from_minimum:
            options["minima"] = [target.minimum()]
        return theory_report(target.f, bounds=box, rng=seed, workers=workers, **options)
    except (ValueError, TypeError) as error:
        raise refusal(error, text) from None
