"""Objectives made from objectives as arrays, for files."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from talweg import _core

__all__ = ["composition_arrays", "composition_of"]

Arrays = dict[str, np.ndarray]


class _Maker(NamedTuple):
    """A function of objectives and arguments that makes an objective."""

    module: str
    name: str
    operands: int | None  # how many; None for any number
    arguments: dict[str, str]  # kinds by name, in order

    def function(self) -> Callable[..., Any]:
        made: Callable[..., Any] = getattr(importlib.import_module(self.module), self.name)
        return made


# By the names that files have for them. Nothing else is called for what a file says.
_MAKERS = {
    "sum": _Maker(
        "talweg.composition",
        "linear_combination",
        None,
        {"coefficients": "terms", "constant": "number"},
    ),
    "restriction": _Maker(
        "talweg.composition",
        "compose_affine",
        1,
        {"origin": "point", "matrix": "matrix", "how": "text"},
    ),
    "metric": _Maker("talweg.algebra", "_with_metric", 1, {"metric": "metric"}),
    "rigid_motions": _Maker("talweg.algebra", "_regauged", 1, {"rotations": "flag"}),
    "differences": _Maker("talweg.jets.compositions", "_changes", 1, {"origin": "point"}),
    "taylor": _Maker(
        "talweg.jets.compositions",
        "_taylor",
        1,
        {"origin": "point", "order": "count", "step": "number"},
    ),
    "relative": _Maker(
        "talweg.jets.relative",
        "_relative",
        2,
        {
            "origin": "point",
            "value": "number",
            "gradient": "point",
            "order": "count",
            "radius": "number",
            "error": "number",
        },
    ),
}
_NAMES = {(maker.module, maker.name): name for name, maker in _MAKERS.items()}


def composition_arrays(f: Any) -> Arrays | None:
    """What makes `f` again out of its operands, or None where it is made in no way known here.

    Operands that occur several times are stored once: `part0/...`, `part1/...` in an order in which
    each is made of earlier ones, and `operands` are numbers of parts.

    Raises
    ------
    TypeError
        When an operand cannot be stored.
    """
    if _name_of(f) is None:
        return None
    parts: list[Arrays] = []
    numbers: dict[int, int] = {}

    def stored(g: Any) -> int:
        if id(g) not in numbers:
            arrays = _described(g, stored) if g._is_made() and _name_of(g) else g.to_arrays()
            numbers[id(g)] = len(parts)
            parts.append(arrays)
        return numbers[id(g)]

    own = _described(f, stored)
    own |= {f"part{i}/{key}": value for i, part in enumerate(parts) for key, value in part.items()}
    return own


def _name_of(f: Any) -> str | None:
    maker = f._made[0]
    return _NAMES.get((maker.__module__, maker.__name__))


def _described(f: Any, stored: Callable[[Any], int]) -> Arrays:
    _, operands, rest = f._made
    name = _name_of(f)
    assert name is not None
    arrays = {
        "composition": np.array(name),
        "operands": np.array([stored(operand) for operand in operands], dtype=np.int64),
    }
    for (key, kind), value in zip(_MAKERS[name].arguments.items(), rest, strict=True):
        if kind == "count":
            arrays[key] = np.array([0 if value is None else value], dtype=np.int64)
        elif kind == "flag":
            arrays[key] = np.array([value], dtype=np.int64)
        elif kind == "text":
            arrays[key] = np.array(value)
        else:
            arrays[key] = np.atleast_1d(np.asarray(value, dtype=np.float64))
    return arrays


def composition_of(arrays: Mapping[str, np.ndarray]) -> Any:
    """The objective that `composition_arrays` was called on.

    Raises
    ------
    ValueError
        When the arrays are no saved objective.
    """
    from talweg.objective import Objective

    own: Arrays = {}
    parts: dict[int, Arrays] = {}
    for key, value in arrays.items():
        part, slash, rest = key.partition("/")
        if not slash:
            own[key] = value
        elif part.startswith("part") and part[4:].isdecimal():
            parts.setdefault(int(part[4:]), {})[rest] = value
        else:
            raise ValueError(f"not a saved objective: unexpected {key!r}")
    if sorted(parts) != list(range(len(parts))):
        raise ValueError("not a saved objective: a part is missing")
    made: list[Any] = []
    for number in range(len(parts)):
        part_arrays = parts[number]
        if "composition" in part_arrays:
            made.append(_made_of(part_arrays, made))
        else:
            made.append(Objective.from_arrays(part_arrays))
    return _made_of(own, made)


def _made_of(arrays: Arrays, parts: list[Any]) -> Any:
    """One composition of earlier parts."""
    arrays = dict(arrays)
    name = _text(arrays, "composition")
    if name not in _MAKERS:
        raise ValueError(f"not a saved objective: it is made by an unknown {name!r}")
    maker = _MAKERS[name]
    chosen = _take(arrays, "operands", "i", (None,)).tolist()
    if not chosen or (maker.operands or len(chosen)) != len(chosen):
        raise ValueError(f"not a saved objective: a {name} of {len(chosen)} operands")
    if min(chosen) < 0 or max(chosen) >= len(parts):
        raise ValueError("not a saved objective: an operand is no earlier part")
    operands = tuple(parts[i] for i in chosen)
    rest = [
        _argument(arrays, key, kind, operands[0].n, len(operands))
        for key, kind in maker.arguments.items()
    ]
    if arrays:
        raise ValueError(f"not a saved objective: unexpected {sorted(arrays)[0]!r}")
    try:
        if name == "rigid_motions":  # checked, as all that a file says
            return operands[0].with_rigid_motions(*rest)
        return maker.function()(operands, *rest)
    except (TypeError, ValueError, AttributeError, _core.RecordingLimit) as error:
        raise ValueError(f"not a saved objective: {error}") from error


def _argument(arrays: Arrays, key: str, kind: str, n: int, terms: int) -> Any:
    if kind == "text":
        return _text(arrays, key)
    if kind == "count":
        number = int(_take(arrays, key, "i", (1,))[0])
        return number or None
    if kind == "flag":
        return bool(_take(arrays, key, "i", (1,))[0])
    if kind == "number":
        return float(_take(arrays, key, "f", (1,))[0])
    if kind == "terms":
        return tuple(_take(arrays, key, "f", (terms,)).tolist())
    if kind == "metric":
        from talweg.metric import checked_metric

        return checked_metric(_take(arrays, key, "f", (n, n)), n)
    shape = (n, None) if kind == "matrix" else (n,)
    return np.array(_take(arrays, key, "f", shape))


def _text(arrays: Arrays, key: str) -> str:
    if key not in arrays or arrays[key].dtype.kind != "U" or arrays[key].ndim:
        raise ValueError(f"not a saved objective: {key!r} is missing or no text")
    return str(arrays.pop(key))


def _take(arrays: Arrays, key: str, kind: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """An array of this kind of numbers and shape (None: any length), of finite numbers."""
    if key not in arrays:
        raise ValueError(f"not a saved objective: {key!r} is missing")
    array = arrays.pop(key)
    fits = array.ndim == len(shape) and all(s in (None, m) for s, m in zip(shape, array.shape))
    if array.dtype.kind != kind or not fits or not np.isfinite(array).all():
        raise ValueError(f"not a saved objective: {key!r} is damaged")
    return array
