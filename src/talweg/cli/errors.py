"""One clear line on standard error and exit code 2."""

from __future__ import annotations

import sys
import traceback
from typing import IO, Any

import click

__all__ = ["Refused", "own_traceback"]


class Refused(click.ClickException):
    """The request cannot be carried out as it was given."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message, without click's usage lines."""
        click.echo(f"talweg: {self.format_message()}", file=file or sys.stderr)


def own_traceback(error: BaseException, path: str) -> str:
    """The frames of `error` that lie in the file `path` and its last line."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path
    ]
    lines = traceback.format_list(frames[-3:]) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()
