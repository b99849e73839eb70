"""``talweg descend``: where descents or gradient flow from many points lead."""

from __future__ import annotations

from typing import Any

import click

from talweg.cli.arguments import POINT
from talweg.cli.errors import Refused
from talweg.cli.options import refusal, shared_options
from talweg.cli.output import Output

__all__ = ["descend"]


@click.command(
    epilog="""\b
Examples:
  talweg descend muller-brown -o out
  talweg descend himmelblau --momentum 0.8 --n-starts 1000
  talweg descend my.py:f --start 1,2 --step-length 0.01 --steps 500
  talweg descend toy --flow --time 5"""
)
@shared_options(
    click.option(
        "--start",
        "starts",
        type=POINT,
        multiple=True,
        metavar='"X,Y,..."',
        help="Descend from here (may be repeated).",
    ),
    click.option(
        "--n-starts",
        type=int,
        help="Number of random starts in the box. Default: 200; 20 of more than 10 coordinates.",
    ),
    click.option(
        "--step-length",
        type=float,
        help="Default: 1 / the largest eigenvalue of the Hessian at starts and minima.",
    ),
    click.option(
        "--steps",
        type=int,
        help="Most steps. Default: enough for every minimum's softest direction to shrink to 1e-9.",
    ),
    click.option("--momentum", type=float, default=0.0, help="From 0 on and below 1."),
    click.option("--nesterov", is_flag=True, help="Nesterov's method instead of the heavy ball."),
    click.option(
        "--noise",
        type=float,
        default=0.0,
        help="Variance of normal noise in each coordinate of the gradient.",
    ),
    click.option("--flow", is_flag=True, help="Gradient flow instead of descent."),
    click.option(
        "--time",
        type=float,
        help="How long the flow runs. Default: 20 / the smallest eigenvalue at the minima.",
    ),
    click.option(
        "--gtol",
        type=float,
        help="Stop where |grad f| is this small. Default: 1e-8 of its median at the starts.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of starts and noise."),
    click.option("--workers", type=int, help="Threads. Default: all processors."),
    stem="descend",
    limits=False,
)
def descend(
    target: str,
    bounds: Any,
    n: int | None,
    starts: tuple[Any, ...],
    n_starts: int | None,
    seed: int,
    workers: int | None,
    output: str | None,
    as_json: bool,
    no_plot: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Descend from many points and say which minimum each came to, and how volumes shrank.

    NAME_OR_FILE is as for talweg survey.
    """
    if workers is not None and workers < 1:
        raise Refused(f"--workers: {workers}, wanted at least 1")
    if seed < 0:
        raise Refused(f"--seed: {seed}, wanted at least 0")
    if starts and n_starts is not None:
        raise Refused("--n-starts: random starts, and --start gives them one by one")
    options = {name: value for name, value in options.items() if value is not None}
    out = Output(output, "descend", as_json=as_json, quiet=quiet)
    result = None
    try:
        result = _run(target, n, bounds, list(starts), n_starts, seed, workers, options)
        out.save(result)
        if not quiet and as_json:
            out.print_json(result)
        elif not quiet:
            _print(result)
        if not no_plot:
            out.draw(result, target)
    except KeyboardInterrupt as stop:
        partial = result if result is not None else getattr(stop, "result", None)
        # The search for minima leaves results of another kind behind.
        partial = partial if hasattr(partial, "headline") else None
        out.interrupted(partial, "" if partial is None else f"{len(partial.x)} starts")
    out.conclude(result)


def _print(result: Any) -> None:
    from talweg.cli.tables import console, table
    from talweg.reports.text import descent_tables

    out = console()
    out.print(f"{result.headline()}\n")
    for title, columns, rows in descent_tables(result):
        out.print(table(title, columns, rows))


def _run(
    text: str,
    n: int | None,
    bounds: Any,
    starts: list[Any],
    n_starts: int | None,
    seed: int,
    workers: int | None,
    options: dict[str, Any],
) -> Any:
    import numpy as np

    from talweg.cli.targets import resolve
    from talweg.reports import descent_report

    target = resolve(text, n, bounds, starts)
    x0: Any = np.array(starts) if starts else None
    try:
        if x0 is None and target.bounds is None:
            # The loss of a data set whose columns are standardised: weights of order one.
            own = target.starts or []
            many = 20 if n_starts is None else n_starts
            if many < 1:
                raise ValueError(f"n_starts: want at least 1, got {many}")
            noise = np.random.default_rng(seed).standard_normal((many, target.f.n))
            x0 = own[0] + noise
            options["minima"] = [target.minimum()]
        box = () if target.bounds is None else target.bounds
        return descent_report(
            target.f, x0, box, n_starts=n_starts, rng=seed, workers=workers, **options
        )
    except (ValueError, TypeError) as error:
        raise refusal(error, text) from None
