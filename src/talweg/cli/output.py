"""What a command leaves behind: files, a picture, and the code it exits with."""

from __future__ import annotations

import os
import sys
from typing import Any, NoReturn

import click

from talweg.cli.errors import Refused

__all__ = ["Output"]


class Output:
    """Where the results of one command go.

    `stem` names the files: survey.talweg, survey.json, survey.png in the folder `folder`, which
    is None where nothing is to be written. `pictures` says that there are some beside these.
    """

    def __init__(
        self,
        folder: str | None,
        stem: str,
        *,
        as_json: bool,
        quiet: bool,
        endings: tuple[str, ...] = ("talweg", "json", "png"),
        pictures: bool = False,
    ) -> None:
        self.folder = folder
        self.stem = stem
        self.endings = endings
        self.pictures = pictures
        self.as_json = as_json
        self.quiet = quiet
        self.written: list[str] = []
        if folder is not None:
            # Made first: a long survey must not end with nowhere to go.
            try:
                os.makedirs(folder, exist_ok=True)
            except OSError as error:
                raise Refused(f"-o {folder}: {error.strerror}") from None
            if not os.access(folder, os.W_OK):
                raise Refused(f"-o {folder}: not writable")

    def save(self, result: Any, *, json: bool = True) -> None:
        """Write the archive, and the JSON."""
        if self.folder is None:
            return
        self._write("talweg", result.save)
        if json:
            self._write("json", result.to_json)

    def draw(self, result: Any, title: str) -> None:
        """Write the picture, if there is anything to draw and matplotlib to draw it."""
        if self.folder is None:
            return
        try:
            # A picture goes to a file, whatever screen there is or is not.
            import matplotlib

            matplotlib.use("Agg")
            figure = result.plot(title=os.path.basename(title))
        except (ImportError, ValueError) as error:
            click.echo(f"talweg: no picture: {error}", err=True)
            return
        self._write("png", lambda path: figure.savefig(path, dpi=200))

    def write_json(self, result: Any) -> None:
        """Write the JSON alone, of a result that has no archive."""
        if self.folder is not None:
            self._write("json", result.to_json)

    def write_text(self, ending: str, text: str) -> None:
        """Write a text beside the other files."""
        if self.folder is None:
            return

        def write(path: str) -> None:
            with open(path, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)

        self._write(ending, write)

    def draw_each(self, result: Any) -> list[str]:
        """Write a picture for each of the result's plots; their names."""
        if self.folder is None:
            return []
        try:
            import matplotlib

            matplotlib.use("Agg")
            figures = result.plots()
        except (ImportError, ValueError) as error:
            click.echo(f"talweg: no pictures: {error}", err=True)
            return []
        for name, figure in figures.items():
            self._write("png", figure.savefig, name)
        return list(figures)

    def _write(self, ending: str, write: Any, name: str | None = None) -> None:
        assert self.folder is not None
        path = os.path.join(self.folder, f"{name or self.stem}.{ending}")
        try:
            write(path)
        except OSError as error:
            raise Refused(f"{path}: {error.strerror or error}") from None
        if path not in self.written:
            self.written.append(path)

    def print_json(self, result: Any) -> None:
        """The result on standard output."""
        from talweg.io import as_json as to_text

        click.echo(to_text(result))

    def interrupted(self, result: Any, what: str) -> NoReturn:
        """Save what there is of a result, if any, quickly, and leave with code 130."""
        if result is None and not self.written:
            click.echo("talweg: interrupted before there was anything to save", err=True)
            sys.exit(130)
        if self.written:
            click.echo(
                f"talweg: interrupted; the whole result is already in {', '.join(self.written)}",
                err=True,
            )
            sys.exit(130)
        if self.folder is not None:
            # The archive alone: it is quick, and talweg.load(path).to_json(...) does the rest.
            self.save(result, json=False)
            kept = f"in {self.written[0]}"
        elif self.as_json:
            self.print_json(result)
            kept = "on standard output"
        else:
            kept = "lost: -o DIR would have saved it"
        click.echo(f"talweg: interrupted; the partial result ({what}) is {kept}", err=True)
        sys.exit(130)

    def conclude(self, result: Any) -> None:
        """Say what was written and what went wrong, and leave with the code for it."""
        if not self.quiet:
            for path in self.written:
                click.echo(f"wrote {path}", err=self.as_json)
            if self.folder is None and not self.as_json:
                files = ", ".join(f"{self.stem}.{end}" for end in self.endings)
                files += " and pictures" if self.pictures else ""
                click.echo(f"(nothing saved: -o DIR writes {files})")
        kinks = bool(getattr(result.f, "kinks", ()))
        notable = not result.success or (kinks and not self.quiet)
        if notable:
            click.echo(f"talweg: {result.message or result.status.describe()}", err=True)
        if not result.success:
            sys.exit(1)
