"""Checks and conversions that the result classes share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from talweg.status import Status


def checked_array(
    owner: str, name: str, value: Any, shape: tuple[int | None, ...], dtype: type = float
) -> np.ndarray:
    """`value` as a read-only C-contiguous array of `shape` (None: any length)."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{owner}: {name} must be numbers, got an array of dtype {array.dtype}")
    if array.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(array.shape, shape, strict=False)
    ):
        wanted = str(tuple("any" if s is None else s for s in shape)).replace("'", "")
        raise ValueError(f"{owner}: {name} has shape {array.shape}, wanted {wanted}")
    array = np.ascontiguousarray(array, dtype=dtype).view()
    array.flags.writeable = False
    return array


def checked_status(owner: str, name: str, value: Any) -> Status:
    """`value`, a number or a Status, as a Status."""
    try:
        return Status(value)
    except ValueError:
        raise ValueError(f"{owner}: {name} is {value!r}, which is no talweg.Status") from None


def _plain(value: Any) -> Any:
    """Dataclasses to dicts, tuples to lists; arrays and numbers stay."""
    if hasattr(value, "asdict"):
        return value.asdict()
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def fields_of(result: Any, leave_out: Sequence[str] = ()) -> dict[str, Any]:
    """The fields of a dataclass as a dict, nested results as dicts too."""
    return {
        field.name: _plain(getattr(result, field.name))
        for field in dataclasses.fields(result)
        if field.name not in leave_out
    }


def counted(number: int, noun: str) -> str:
    """``"1 curve"``, ``"2 curves"``, ``"2 near branches"``."""
    if number != 1:
        noun += "es" if noun.endswith("h") else "s"
    return f"{number} {noun}"


def format_vector(x: np.ndarray, digits: int = 8, most: int = 4) -> str:
    """A short text for a vector: all of it up to `most` entries, else the first ones and n."""
    # What is rounding beside the other entries reads as the zero it stands for.
    rounding = 1e-14 * np.abs(x).max(initial=0.0)
    values = [f"{0.0 if abs(v) < rounding else v:.{digits}g}" for v in x[:most]]
    if x.size > most:
        return f"[{', '.join(values)}, ... n={x.size}]"
    return f"[{', '.join(values)}]"
