"""The catalogue of surfaces by name."""

from __future__ import annotations

import dataclasses
import operator
import re
from collections.abc import Callable
from typing import TypeVar

from talweg.names import hint
from talweg.objective import Objective

_entries: dict[str, Entry] = {}


@dataclasses.dataclass(frozen=True)
class Entry:
    """One surface of the catalogue.

    Attributes
    ----------
    name : str
        As `by_name` and the command line take it.
    build : callable
        Returns the `Objective`; takes the size where there is one.
    summary : str
        One line about the surface.
    size : str or None
        What the number that may follow the name counts: ``"rosenbrock-10"`` has n = 10.
    default : int or None
        The size that the bare name stands for.
    sizes : range or None
        Sizes there are.
    """

    name: str
    build: Callable[..., Objective]
    summary: str
    size: str | None = None
    default: int | None = None
    sizes: range | None = None


_Build = TypeVar("_Build", bound=Callable[..., Objective])


def listed(
    name: str, size: str | None = None, default: int | None = None, sizes: range | None = None
) -> Callable[[_Build], _Build]:
    """Put a function that builds a surface into the catalogue."""

    def register(build: _Build) -> _Build:
        summary = (build.__doc__ or "").split("\n", 1)[0].rstrip(".")
        _entries[name] = Entry(name, build, summary, size, default, sizes)
        return build

    return register


def catalogue() -> tuple[Entry, ...]:
    """All surfaces, in the order of their names.

    Returns
    -------
    tuple of Entry
        Each with ``.name``, ``.summary``, ``.build()`` and, where the number of coordinates can be
        chosen, ``.size`` and ``.default``.

    Examples
    --------
    >>> import talweg
    >>> "muller-brown" in [entry.name for entry in talweg.surfaces.catalogue()]
    True
    """
    return tuple(_entries[name] for name in sorted(_entries))


def by_name(name: str) -> Objective:
    """The surface of a name, as the command line takes it.

    Parameters
    ----------
    name : str
        A name of `catalogue`, with ``-`` or ``_`` between words; where the size can be chosen it
        may follow, as in ``"rosenbrock-10"``.

    Returns
    -------
    Objective

    Raises
    ------
    ValueError
        When there is no such surface; the message suggests names like it.

    Examples
    --------
    >>> import talweg
    >>> talweg.surfaces.by_name("rosenbrock-5").n
    5
    """
    if not isinstance(name, str):
        raise TypeError(f"name: want a string, got {type(name).__name__}")
    wanted = re.sub(r"[\s_]+", "-", name.strip().lower()).replace("ü", "u")
    if wanted in _entries:
        return _entries[wanted].build()
    stem, _, number = wanted.rpartition("-")
    entry = _entries.get(stem)
    if entry is None or not (number.isascii() and number.isdigit() and len(number) < 10):
        alike = hint(stem if number.isdigit() else wanted, _entries)
        raise ValueError(f"name: no surface is called {name!r}: {alike}")
    if entry.sizes is None:
        raise ValueError(f"name: {entry.name} has no size to choose, got {name!r}")
    if int(number) not in entry.sizes:
        raise ValueError(
            f"name: {entry.name} takes {entry.sizes.start} to {entry.sizes.stop - 1} {entry.size}, "
            f"got {number}"
        )
    return entry.build(int(number))


def checked_size(size, argument, sizes: range) -> int:
    """A size in the range, or an error naming the argument."""
    if isinstance(size, bool) or not hasattr(size, "__index__"):
        raise TypeError(f"{argument}: want an int, got {size!r}")
    count = operator.index(size)
    if count not in sizes:
        raise ValueError(f"{argument}: want {sizes.start} to {sizes.stop - 1}, got {size}")
    return count
