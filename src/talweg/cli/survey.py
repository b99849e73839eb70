"""``talweg survey``: critical points and gradient extremals of a function, in tables and files."""

from __future__ import annotations

import sys
from typing import Any

import click

from talweg.cli.arguments import BRANCHES, POINT
from talweg.cli.errors import Refused
from talweg.cli.options import checked, refusal, shared_options
from talweg.cli.output import Output

__all__ = ["survey"]


@click.command(
    epilog="""\b
Examples:
  talweg survey muller-brown -o out
  talweg survey my.py:f --bounds "-2,2 -1,3" -o out
  talweg survey logistic:breast-cancer -o out"""
)
@shared_options(
    click.option(
        "--start",
        "starts",
        type=POINT,
        multiple=True,
        metavar='"X,Y,..."',
        help="Look for critical points from here only (may be repeated).",
    ),
    click.option(
        "--branches",
        type=BRANCHES,
        metavar="0,-1|all",
        help="Which eigenvectors to follow, 0 the softest, -1 the stiffest. Default: all.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the random starts."),
    click.option("--max-starts", type=int, help="Most starts to sample. Default: 4096."),
    click.option("--workers", type=int, help="Threads. Default: all processors."),
    stem="survey",
)
def survey(
    target: str,
    bounds: Any,
    n: int | None,
    starts: tuple[Any, ...],
    branches: Any,
    seed: int,
    max_starts: int | None,
    workers: int | None,
    output: str | None,
    as_json: bool,
    no_plot: bool,
    quiet: bool,
    **numbers: Any,
) -> None:
    """Find the critical points of a function and trace every gradient extremal through them.

    NAME_OR_FILE is a surface of the catalogue (talweg surfaces lists them), path/to/file.py:f for a
    plain Python function f of one array, or logistic:breast-cancer.
    """
    options = checked(numbers)
    for flag, name, value in (
        ("--workers", "workers", workers),
        ("--max-starts", "max_starts", max_starts),
    ):
        if value is not None and value < 1:
            raise Refused(f"{flag}: {value}, wanted at least 1")
        if value is not None:
            options[name] = value
    if seed < 0:
        raise Refused(f"--seed: {seed}, wanted at least 0")
    out = Output(output, "survey", as_json=as_json, quiet=quiet)
    progress = not quiet and sys.stderr.isatty()
    result = None
    try:
        result = _run(target, n, bounds, list(starts), branches, seed, progress, options)
        out.save(result)
        if not quiet and as_json:
            out.print_json(result)
        elif not quiet:
            from talweg.cli.tables import console, print_survey

            print_survey(console(), result)
        if not no_plot:
            out.draw(result, target)
    except KeyboardInterrupt as stop:
        partial = result if result is not None else getattr(stop, "result", None)
        what = ""
        if partial is not None:
            from talweg.extremals.fields import counted

            points = counted(len(partial.critical_points), "critical point")
            what = f"{points}, {counted(len(partial.extremals), 'curve')}"
        out.interrupted(partial, what)
    out.conclude(result)


def _run(
    text: str,
    n: int | None,
    bounds: Any,
    starts: list[Any],
    branches: Any,
    seed: int,
    progress: bool,
    options: dict[str, Any],
) -> Any:
    import talweg
    from talweg.cli.targets import resolve

    target = resolve(text, n, bounds, starts)
    options = {"branches": "all" if branches is None else branches, **options}
    if target.from_minimum:
        # Thousands of curves run through the minimum of a data set's loss; two say most.
        if branches is None:
            options["branches"] = [0, -1]
        options.setdefault("max_length", 10.0)
    if progress:
        options["progress"] = True
    try:
        where = [target.minimum().x] if target.from_minimum else target.starts
        return talweg.survey(target.f, bounds=target.bounds, starts=where, rng=seed, **options)
    except (ValueError, TypeError) as error:
        raise refusal(error, text) from None
