"""The command group; every command imports what it needs when it runs, so that --help is quick."""

from __future__ import annotations

from typing import Any

import click

from talweg.cli.descend import descend
from talweg.cli.phase_retrieval import phase_retrieval
from talweg.cli.surfaces import surfaces
from talweg.cli.survey import survey
from talweg.cli.theory import theory
from talweg.cli.trace import trace

__all__ = ["talweg"]


class _Commands(click.Group):
    """Ends with code 130 on an interrupt before a command is ready to save anything."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Left to click it would be code 1, which stands for a result with trouble.
            click.echo("talweg: interrupted before there was anything to save", err=True)
            ctx.exit(130)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="talweg COMMAND --help says more. Exit codes: 0 done, 1 done but with trouble that the "
    "output names, 2 the request was refused, 130 interrupted.",
)
@click.version_option(None, "--version", package_name="talweg", message="talweg %(version)s")
def talweg() -> None:
    """Valley geometry of functions: gradient extremals, talwegs and what happens along them."""


talweg.add_command(survey)
talweg.add_command(trace)
talweg.add_command(descend)
talweg.add_command(theory)
talweg.add_command(surfaces)
talweg.add_command(phase_retrieval)
