"""Options that several commands share, and what of them reaches the Python call."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from talweg.cli.arguments import BOUNDS
from talweg.cli.errors import Refused

__all__ = ["checked", "refusal", "shared_options"]

_BEFORE = [
    click.argument("target", metavar="NAME_OR_FILE[:f]"),
    click.option(
        "--bounds",
        type=BOUNDS,
        metavar='"LO,HI LO,HI ..."',
        help="Box: a pair for each coordinate, or one for all. Default: the surface's own.",
    ),
    click.option("--n", type=int, help="Number of coordinates, where it is not clear."),
]
#: Limits of traced curves.
_LIMITS = [
    click.option("--max-step", type=float, help="Longest step along a curve, in the units of x."),
    click.option("--max-points", type=int, help="Most points of an arc between critical points."),
    click.option("--max-length", type=float, help="Stop a curve after this length on either side."),
    click.option(
        "--near-branch-distance",
        type=float,
        help="Report avoided crossings up to this half-gap. Default: 1 % of the box's diagonal.",
    ),
    click.option(
        "--tolerance", type=float, help="Relative residual of accepted points. Default: 1e-12."
    ),
]
_PRINTING = [
    click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables."),
    click.option("--no-plot", is_flag=True, help="Write no picture."),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing but trouble."),
]
#: Options of the Python calls that the command line takes under the same names.
_NUMBERS = ("max_step", "max_points", "max_length", "near_branch_distance", "tolerance")
_FLAGS = {"rng": "--seed", "starts": "--start", "x0": "--start", "x_min": "--at"}
_ARGUMENTS = (
    *("bounds", "branches", "branch", "direction", "workers", "max_starts", "n_starts"),
    *("step_length", "steps", "momentum", "nesterov", "noise", "gtol", "time"),
    *_NUMBERS,
)


def shared_options(
    *own: Any, stem: str, limits: bool = True, files: str | None = None
) -> Callable[[Any], Any]:
    """The decorator for target, box, limits and output, with a command's own options between."""
    if files is None:
        files = f"{stem}.talweg, {stem}.json and {stem}.png"
    output = click.option(
        "-o",
        "--output",
        type=click.Path(file_okay=False),
        metavar="DIR",
        help=f"Write {files} here.",
    )
    after = [*(_LIMITS if limits else []), output, *_PRINTING]

    def decorate(command: Any) -> Any:
        for option in reversed([*_BEFORE, *own, *after]):
            command = option(command)
        return command

    return decorate


def checked(given: dict[str, Any]) -> dict[str, Any]:
    """The numbers that were given, as keyword arguments; refused where they make no sense."""
    result = {}
    for name in _NUMBERS:
        value = given.get(name)
        if value is None:
            continue
        # Written so that NaN is refused too.
        if not value > 0:
            raise Refused(f"--{name.replace('_', '-')}: {value:g}, wanted more than 0")
        result[name] = value
    return result


def refusal(error: Exception, target: str) -> Refused:
    """An error of the Python call in the words of the command line."""
    name, colon, rest = str(error).partition(": ")
    names = name.split(", ")
    if colon and all(one in _ARGUMENTS or one in _FLAGS for one in names):
        flags = (_FLAGS.get(one, f"--{one.replace('_', '-')}") for one in names)
        return Refused(f"{', '.join(flags)}: {rest} ({target})")
    return Refused(f"{target}: {re.sub('^f: ', '', str(error))}")
