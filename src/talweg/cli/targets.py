"""What a survey is asked of: a catalogue surface, a function in a file, or a data set."""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from talweg.cli.errors import Refused, own_traceback
from talweg.names import hint

__all__ = ["Target", "resolve"]

#: How many random points of the box a function is tried at before it is recorded.
_TRIALS = 64

#: What to give where nothing says where to look.
WHERE = 'where to look? give --bounds "lower,upper lower,upper ..." or --start "x,y,..."'


class Target(NamedTuple):
    """An objective with what is known about where to look."""

    name: str
    f: Any
    bounds: np.ndarray | None
    starts: list[np.ndarray] | None
    from_minimum: bool = False

    def minimum(self) -> Any:
        """The critical point that Newton's method finds from the target's own start."""
        from talweg import critical_points

        found = critical_points(self.f, starts=self.starts)
        if not found:
            raise Refused(f"{self.name}: no minimum was found")
        return found[0]


def resolve(
    text: str, n: int | None, bounds: np.ndarray | None, starts: list[np.ndarray]
) -> Target:
    """The target named `text`; `bounds` and `starts` overrule its own."""
    if text.startswith("logistic:"):
        return _logistic(text, bounds, starts)
    path, colon, name = text.rpartition(":")
    if not colon and text.endswith(".py"):
        path, name = text, ""
    # A drive letter's colon (C:\f.py) is no separator.
    if path.endswith(".py") or os.sep in path:
        return _from_file(path, name, n, bounds, starts)
    return _surface(text, n, bounds, starts)


def _dimension(
    n: int | None, bounds: np.ndarray | None, starts: list[np.ndarray], known: str = "--n"
) -> tuple[int | None, np.ndarray | None]:
    """n as all that is given says it; bounds with a single pair repeated for every coordinate."""
    if n is not None and n < 1:
        raise Refused(f"--n: {n}, wanted at least 1")
    if bounds is not None and len(bounds) == 1:
        bounds = np.repeat(bounds, n or (starts[0].size if starts else 1), axis=0)
    sizes = {}
    if n is not None:
        sizes[known] = n
    if bounds is not None:
        sizes["--bounds"] = len(bounds)
    for start in starts:
        sizes.setdefault("--start", start.size)
        if start.size != sizes["--start"]:
            raise Refused("--start: points of different numbers of coordinates")
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{flag} has {size}" for flag, size in sizes.items())
        raise Refused(f"different numbers of coordinates: {listed}")
    return next(iter(sizes.values()), None), bounds


def _surface(
    text: str, n: int | None, bounds: np.ndarray | None, starts: list[np.ndarray]
) -> Target:
    from talweg import surfaces

    try:
        f = surfaces.by_name(text)
    except ValueError as error:
        raise Refused(
            f"{str(error).removeprefix('name: ')} "
            "(talweg surfaces lists them; a function of your own is path/to/file.py:name)"
        ) from None
    if n is not None and f.n != n:
        with contextlib.suppress(ValueError):
            f = surfaces.by_name(f"{text}-{n}")
    if n is not None and f.n != n:
        raise Refused(
            f"--n: {text} has n = {f.n}, not {n}; talweg surfaces says what may follow a name"
        )
    _, bounds = _dimension(f.n, bounds, starts, known=text)
    if bounds is None and f.bounds is None and not starts:
        raise Refused(f"{text} has no box of its own: {WHERE}")
    return Target(text, f, f.bounds if bounds is None else bounds, starts or None)


def _logistic(text: str, bounds: np.ndarray | None, starts: list[np.ndarray]) -> Target:
    from talweg import datasets

    try:
        f = datasets.logistic(text.partition(":")[2])
    except (ValueError, ImportError) as error:
        raise Refused(f"{text}: {str(error).removeprefix('name: ')}") from None
    _, bounds = _dimension(f.n, bounds, starts, known=text)
    return Target(text, f, bounds, starts or [np.zeros(f.n)], from_minimum=not starts)


def _from_file(
    path: str, name: str, n: int | None, bounds: np.ndarray | None, starts: list[np.ndarray]
) -> Target:
    fun = load_function(path, name)
    n, bounds = _dimension(n, bounds, starts)
    label = f"{path}:{fun.__name__}" if hasattr(fun, "__name__") else f"{path}:{name}"
    if bounds is None and not starts:
        raise Refused(f"{label}: {WHERE}")
    assert n is not None
    try_out(fun, label, os.path.abspath(path), n, bounds, starts)
    from talweg import Objective

    try:
        f = fun if isinstance(fun, Objective) else Objective(fun, n)
    except (ValueError, TypeError) as error:
        raise Refused(f"{label}: {error}") from None
    return Target(label, f, bounds, starts or None)


def load_function(path: str, name: str) -> Callable[..., Any]:
    """Function `name` of the Python file `path`; without a name `f`, or the only one."""
    if not os.path.isfile(path):
        raise Refused(f"{path}: {'a directory' if os.path.isdir(path) else 'no such file'}")
    full = os.path.abspath(path)
    spec = importlib.util.spec_from_file_location("talweg_user_file", full)
    if spec is None or spec.loader is None:
        raise Refused(f"{path}: no Python file (it must end in .py)")
    module = importlib.util.module_from_spec(spec)
    # The file may import its neighbours and pickle what it defines.
    sys.modules[spec.name] = module
    sys.path.insert(0, os.path.dirname(full))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise Refused(f"{path} cannot be imported:\n{own_traceback(error, full)}") from None
    finally:
        sys.path.pop(0)
    functions = {
        key
        for key, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == spec.name and key[0] != "_"
    }
    if not name:
        if len(functions) > 1 and "f" not in functions:
            raise Refused(f"{path}: which function? {hint('', functions)}; write {path}:name")
        if not functions:
            raise Refused(f"{path}: no function is defined in it")
        name = "f" if "f" in functions else functions.pop()
    if not hasattr(module, name):
        raise Refused(f"{path}: no function {name!r}; {hint(name, functions)}")
    fun = getattr(module, name)
    if not callable(fun):
        raise Refused(f"{path}: {name} is a {type(fun).__name__}, wanted a function")
    return fun


def try_out(
    fun: Callable[..., Any],
    label: str,
    full: str,
    n: int,
    bounds: np.ndarray | None,
    starts: list[np.ndarray],
) -> None:
    """Call `fun` at a few points; refuse what is no scalar function that is finite somewhere."""
    points = list(starts)
    if bounds is not None:
        random = np.random.default_rng(0).random((_TRIALS, n))
        points += list(bounds[:, 0] + random * (bounds[:, 1] - bounds[:, 0]))
    finite = 0
    for x in points:
        try:
            with np.errstate(all="ignore"):
                value = fun(x.copy())
        except Exception as error:
            at = np.array2string(x, precision=4, threshold=6, separator=", ")
            raise Refused(f"{label} raises at x = {at}:\n{own_traceback(error, full)}") from None
        array = np.asarray(value)
        if array.dtype.kind not in "fiub" or array.ndim != 0:
            what = (
                f"an array of shape {array.shape}"
                if array.ndim
                else f"{type(value).__name__} {value!r}"
            )
            raise Refused(f"{label} returns {what}, wanted one real number")
        finite += bool(np.isfinite(array))
    if not finite:
        where = "in the box" if bounds is not None else "at the start"
        raise Refused(f"{label} is not finite at any of {len(points)} points {where}")
