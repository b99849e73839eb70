"""Texts of the command line turned into boxes, points and branches."""

from __future__ import annotations

import math
from typing import Any

import click
import numpy as np

__all__ = ["BOUNDS", "BRANCHES", "DIRECTION", "POINT"]


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r} in {what} is no number") from None
    if not math.isfinite(value):
        raise ValueError(f"{text!r} in {what} is not finite")
    return value


def parse_bounds(text: str) -> np.ndarray:
    """``"-1.8,1.4 -0.6,2.2"`` as an array (n, 2)."""
    pairs = []
    for pair in text.split():
        parts = pair.split(",")
        if len(parts) != 2:
            raise ValueError(
                f"{pair!r} is no pair; wanted 'lower,upper' for each coordinate, "
                "separated by spaces"
            )
        low, high = (_number(part, repr(pair)) for part in parts)
        if not low < high:
            raise ValueError(
                f"{pair!r} is {'empty' if low == high else 'reversed'}; wanted lower < upper"
            )
        pairs.append((low, high))
    if not pairs:
        raise ValueError("empty; wanted 'lower,upper' for each coordinate, separated by spaces")
    return np.array(pairs)


def parse_point(text: str) -> np.ndarray:
    """``"0.5,1"`` as an array (n,)."""
    if not text.strip():
        raise ValueError("empty; wanted coordinates separated by commas")
    return np.array([_number(part, repr(text)) for part in text.split(",")])


def parse_branches(text: str) -> str | list[int]:
    """``"all"`` or ``"0,-1"`` as a list of integers."""
    if text.strip() == "all":
        return "all"
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ValueError(
            f"{text!r}; wanted 'all' or branch numbers separated by commas, "
            "0 the softest and -1 the stiffest"
        ) from None


def parse_direction(text: str) -> int | np.ndarray:
    """``"+1"`` or ``"-1"``, or ``"1,2"`` as an array (n,)."""
    if text.strip() in ("1", "+1", "-1"):
        return int(text)
    if "," not in text:
        raise ValueError(f"{text!r}; wanted +1, -1 or the components of a vector, with commas")
    return parse_point(text)


class _Parsed(click.ParamType[Any]):
    def __init__(self, name: str, parse: Any) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            from talweg.cli.errors import Refused

            flag = param.opts[0] if param is not None else self.name
            raise Refused(f"{flag}: {error}") from None


BOUNDS = _Parsed("bounds", parse_bounds)
POINT = _Parsed("point", parse_point)
BRANCHES = _Parsed("branches", parse_branches)
DIRECTION = _Parsed("direction", parse_direction)
