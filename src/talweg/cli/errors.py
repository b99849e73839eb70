"""One clear line on standard error and exit code 2."""

from __future__ import annotations

import difflib
import sys
import traceback
from collections.abc import Iterable
from typing import IO, Any

import click

__all__ = ["Refused", "nearest", "own_traceback"]


class Refused(click.ClickException):
    """The request cannot be carried out as it was given."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message, without click's usage lines."""
        click.echo(f"talweg: {self.format_message()}", file=file or sys.stderr)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: "did you mean ...?" or the names there are."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "there is none"
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}"


def own_traceback(error: BaseException, path: str) -> str:
    """The frames of `error` that lie in the file `path` and its last line."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path
    ]
    lines = traceback.format_list(frames[-3:]) + traceback.format_exception_only(error)
    return "".join(lines).rstrip()
