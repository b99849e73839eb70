"""``talweg trace``: one gradient extremal from a point."""

from __future__ import annotations

from typing import Any

import click

from talweg.cli.arguments import DIRECTION, POINT
from talweg.cli.errors import Refused
from talweg.cli.options import checked, refusal, shared_options
from talweg.cli.output import Output

__all__ = ["trace"]


@click.command(
    epilog="""\b
Examples:
  talweg trace muller-brown --start "0.62,0.03" -o out
  talweg trace my.py:f --start 0,0 --direction 1,2 --bounds "-2,2 -1,3"
  talweg trace toy --start 2,-1 --branch 1 --as-talweg"""
)
@shared_options(
    click.option("--start", type=POINT, metavar='"X,Y,..."', help="The point to leave from."),
    click.option(
        "--branch",
        type=int,
        default=0,
        show_default=True,
        help="Eigenvector of the Hessian at the start: 0 the softest, -1 the stiffest.",
    ),
    click.option(
        "--direction",
        type=DIRECTION,
        metavar='+1|-1|"X,Y,..."',
        help="Along the eigenvector, against it, or on the side of a vector. Default: +1.",
    ),
    click.option(
        "--as-talweg",
        is_flag=True,
        help="Both ways from the start, as far as the curve is a talweg.",
    ),
    stem="trace",
)
def trace(
    target: str,
    bounds: Any,
    n: int | None,
    start: Any,
    branch: int,
    direction: Any,
    as_talweg: bool,
    output: str | None,
    as_json: bool,
    no_plot: bool,
    quiet: bool,
    **numbers: Any,
) -> None:
    """Trace the gradient extremal that leaves a point.

    NAME_OR_FILE is as for talweg survey. The start is a critical point, to 1e-5 of the longest
    step, or any other point, which is first corrected onto the nearest gradient extremal.
    """
    options = checked(numbers)
    if as_talweg and direction is not None:
        raise Refused("--direction: --as-talweg goes both ways")
    out = Output(output, "trace", as_json=as_json, quiet=quiet)
    result = None
    try:
        result = _run(target, n, bounds, start, branch, direction, as_talweg, options)
        out.save(result)
        if not quiet and as_json:
            out.print_json(result)
        elif not quiet:
            click.echo(repr(result))
        if not no_plot:
            out.draw(result, target)
    except KeyboardInterrupt as stop:
        partial = result if result is not None else getattr(stop, "result", None)
        out.interrupted(partial, "" if partial is None else f"{len(partial)} points")
    out.conclude(result)


def _run(
    text: str,
    n: int | None,
    bounds: Any,
    start: Any,
    branch: int,
    direction: Any,
    as_talweg: bool,
    options: dict[str, Any],
) -> Any:
    import talweg
    from talweg.cli.targets import resolve

    target = resolve(text, n, bounds, [] if start is None else [start])
    if start is None and not target.from_minimum:
        raise Refused(f'{text}: where to start? give --start "x,y,..."')
    if target.bounds is None and not as_talweg:
        options.setdefault("max_length", 10.0)
    try:
        x0 = target.minimum() if start is None else start
        # () and not None: None stands for the objective's own box.
        box = () if target.bounds is None else target.bounds
        if as_talweg:
            return talweg.trace_talweg(target.f, x0, branch, box, **options)
        along = +1 if direction is None else direction
        return talweg.trace(target.f, x0, branch, along, box, **options)
    except (ValueError, TypeError) as error:
        raise refusal(error, text) from None
