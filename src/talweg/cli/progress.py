"""A progress bar with tqdm's methods, drawn by rich on standard error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

__all__ = ["ProgressBar"]


class ProgressBar:
    """What `talweg.survey` needs of a tqdm-compatible bar."""

    def __init__(
        self,
        iterable: Iterable[Any] | None = None,
        *,
        total: float | None = None,
        desc: str = "",
        **_: Any,
    ) -> None:
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        from talweg.cli.tables import console

        self._iterable = iterable
        self.total = total
        self.n: float = 0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console(stderr=True),
            transient=True,
        )
        self._task = self._bar.add_task(desc, total=total)
        self._bar.start()

    def update(self, n: float = 1) -> None:
        """Advance by `n`."""
        self.n += n
        # Curves that turn up on the way raise the total after the bar was made.
        self._bar.update(self._task, completed=self.n, total=self.total)

    def set_description(self, desc: str = "", refresh: bool = True) -> None:
        """Change the text before the bar."""
        self._bar.update(self._task, description=desc, refresh=refresh)

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        """Accepted for tqdm's sake; the bar has no room for it."""

    def refresh(self) -> None:
        """Draw now."""
        self._bar.refresh()

    def close(self) -> None:
        """Take the bar off the screen."""
        self._bar.stop()

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        try:
            for item in self._iterable or ():
                yield item
                self.update()
        finally:
            self.close()
