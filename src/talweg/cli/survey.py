"""``talweg survey``: critical points and gradient extremals of a function, in tables and files."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from talweg.cli.arguments import BOUNDS, BRANCHES, POINT
from talweg.cli.errors import Refused

__all__ = ["survey"]


@click.command(
    epilog="""\b
Examples:
  talweg survey muller-brown -o out
  talweg survey my.py:f --bounds "-2,2 -1,3" -o out
  talweg survey logistic:breast-cancer -o out"""
)
@click.argument("target", metavar="NAME_OR_FILE[:f]")
@click.option(
    "--bounds",
    type=BOUNDS,
    metavar='"LO,HI LO,HI ..."',
    help="Box: a pair for each coordinate, or one for all. Default: the surface's own.",
)
@click.option("--n", type=int, help="Number of coordinates, where it is not clear.")
@click.option(
    "--start",
    "starts",
    type=POINT,
    multiple=True,
    metavar='"X,Y,..."',
    help="Look for critical points from here only (may be repeated).",
)
@click.option(
    "--branches",
    type=BRANCHES,
    metavar="0,-1|all",
    help="Which eigenvectors to follow, 0 the softest, -1 the stiffest. Default: all.",
)
@click.option("--max-step", type=float, help="Longest step along a curve, in the units of x.")
@click.option("--max-length", type=float, help="Stop a curve after this length on either side.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the random starts.")
@click.option("--workers", type=int, help="Threads. Default: all processors.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False),
    metavar="DIR",
    help="Write survey.talweg, survey.json and survey.png here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("--no-plot", is_flag=True, help="Write no picture.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but trouble.")
def survey(
    target: str,
    bounds: Any,
    n: int | None,
    starts: tuple[Any, ...],
    branches: Any,
    max_step: float | None,
    max_length: float | None,
    seed: int,
    workers: int | None,
    output: str | None,
    as_json: bool,
    no_plot: bool,
    quiet: bool,
) -> None:
    """Find the critical points of a function and trace every gradient extremal through them.

    NAME_OR_FILE is a surface of the catalogue (talweg surfaces lists them), path/to/file.py:f for a
    plain Python function f of one array, or logistic:breast-cancer.
    """
    for flag, value in (("--max-step", max_step), ("--max-length", max_length)):
        # Written so that NaN is refused too.
        if value is not None and not value > 0:
            raise Refused(f"{flag}: {value:g}, wanted more than 0")
    if workers is not None and workers < 1:
        raise Refused(f"--workers: {workers}, wanted at least 1")
    _check_output(output)
    interrupted = False
    try:
        result = _run(
            target,
            n,
            bounds,
            list(starts),
            branches,
            max_step,
            max_length,
            seed,
            workers,
            progress=not quiet and sys.stderr.isatty(),
        )
    except KeyboardInterrupt as stop:
        result = getattr(stop, "result", None)
        interrupted = True
        if result is None:
            click.echo("talweg: interrupted before there was anything to save", err=True)
            sys.exit(130)
    if not quiet and as_json:
        from talweg.io import as_json as to_text

        click.echo(to_text(result))
    elif not quiet:
        from talweg.cli.tables import console, print_survey

        print_survey(console(), result)
    written = _write(result, output, target, no_plot) if output is not None else []
    _conclude(result, written, output, interrupted, quiet, as_json)


def _check_output(output: str | None) -> None:
    """Make the folder first: a long survey must not end with nowhere to go."""
    if output is None:
        return
    try:
        os.makedirs(output, exist_ok=True)
    except OSError as error:
        raise Refused(f"-o {output}: {error.strerror}") from None
    if not os.access(output, os.W_OK):
        raise Refused(f"-o {output}: not writable")


def _run(
    text: str,
    n: int | None,
    bounds: Any,
    starts: list[Any],
    branches: Any,
    max_step: float | None,
    max_length: float | None,
    seed: int,
    workers: int | None,
    progress: bool,
) -> Any:
    import talweg
    from talweg.cli.targets import resolve

    target = resolve(text, n, bounds, starts)
    options: dict[str, Any] = {"branches": "all" if branches is None else branches}
    if target.from_minimum:
        # Thousands of curves run through the minimum of a data set's loss; two say most.
        if branches is None:
            options["branches"] = [0, -1]
        if max_length is None:
            max_length = 10.0
    for key, value in (("max_step", max_step), ("max_length", max_length), ("workers", workers)):
        if value is not None:
            options[key] = value
    if progress:
        options["progress"] = True
    try:
        where = target.starts
        if target.from_minimum:
            found = talweg.critical_points(target.f, starts=where)
            where = [point.x for point in found[:1]]
            if not where:
                raise Refused(f"{text}: no minimum was found")
        return talweg.survey(target.f, bounds=target.bounds, starts=where, rng=seed, **options)
    except (ValueError, TypeError) as error:
        raise Refused(f"{text}: {error}") from None


def _write(result: Any, output: str, title: str, no_plot: bool) -> list[str]:
    """Write the files; their paths."""
    written = []
    try:
        path = os.path.join(output, "survey.talweg")
        result.save(path)
        written.append(path)
        path = os.path.join(output, "survey.json")
        result.to_json(path)
        written.append(path)
        if not no_plot:
            path = os.path.join(output, "survey.png")
            if _draw(result, path, title):
                written.append(path)
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from None
    return written


def _draw(result: Any, path: str, title: str) -> bool:
    """Write the picture if there is anything to draw and matplotlib to draw it."""
    if not result.extremals and not result.critical_points:
        return False
    try:
        # A picture goes to a file, whatever screen there is or is not.
        import matplotlib

        matplotlib.use("Agg")
        figure = result.plot(title=os.path.basename(title))
    except ImportError as error:
        click.echo(f"talweg: no picture: {error}", err=True)
        return False
    figure.savefig(path, dpi=200)
    return True


def _conclude(
    result: Any,
    written: list[str],
    output: str | None,
    interrupted: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say what was written and what went wrong, and leave with the code for it."""
    if not quiet:
        for path in written:
            click.echo(f"wrote {path}", err=as_json)
        if output is None and not as_json:
            click.echo("(nothing saved: -o DIR writes survey.talweg, survey.json, survey.png)")
    if interrupted:
        saved = f"what was done is in {output}" if output is not None else "nothing was saved"
        click.echo(f"talweg: interrupted; {saved}", err=True)
        sys.exit(130)
    if not result.critical_points:
        click.echo("talweg: no critical point was found", err=True)
    if not result.success:
        click.echo(f"talweg: {result.message or result.status.describe()}", err=True)
        sys.exit(1)
