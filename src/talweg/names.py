"""Names: of functions, and what to say where one is not known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["hint", "name_of"]


def hint(name: str, known: Iterable[str]) -> str:
    """For a misspelt name "did you mean ...?", else the names there are.

    Examples
    --------
    >>> from talweg.names import hint
    >>> hint("rosenbrok", ["toy", "rosenbrock"])
    'did you mean rosenbrock?'
    >>> hint("", ["toy", "rosenbrock"])
    'there are rosenbrock, toy'
    """
    import difflib

    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    if not names:
        return "there is none"
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names)}"


def name_of(fun: Any) -> str:
    """What to call an objective made from `fun`."""
    name = getattr(fun, "__name__", None) or type(fun).__name__
    return "f" if name == "<lambda>" else name
