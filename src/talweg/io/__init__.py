"""Files: one archive that talweg reads back bit for bit, and JSON for other programs.

The layout of both is described in docs/files.md.
"""

from __future__ import annotations

import os
from typing import Any

from talweg.io.archive import read_archive, write_archive
from talweg.io.json_export import as_json
from talweg.io.result_files import KINDS, kind_of

__all__ = ["as_json", "load", "save", "to_json"]


def save(result: Any, path: str | os.PathLike[str]) -> None:
    """Write a result to one file that `load` reads back bit for bit.

    The file is a zip archive of ``.npy`` arrays and a JSON header, written in full beside `path`
    and then moved there, so that an interrupted save leaves an earlier file as it was.

    Parameters
    ----------
    result : Survey, Extremal or DescentReport
        What to save. Its objective goes into the file when it is a recorded tape or a model, or
        made of such ones, and is left out otherwise.
    path : path-like
        Where to; any ending.

    Raises
    ------
    TypeError
        If `result` is of a class that has no file format.
    OSError
        If `path` cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> curve = talweg.trace(toy, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "curve.talweg"
    ...     talweg.io.save(curve, path)
    ...     loaded = talweg.load(path)
    >>> bool((loaded.x == curve.x).all()), float(loaded.f([2.0, -1.0]))
    (True, 1.0)
    """
    kind = kind_of(result)
    header, arrays = KINDS[kind].pack(result)
    write_archive(path, {"kind": kind, **header}, arrays)


def load(path: str | os.PathLike[str]) -> Any:
    """Read a result that `save` wrote. Loading runs no code from the file.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    Survey, Extremal or DescentReport
        With the same bits in every array. ``f`` is None when the file carries no objective.

    Raises
    ------
    ValueError
        If the file is not one of talweg's, is truncated or damaged, comes from a later format, or
        its parts do not fit together; the message says which.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> curve = talweg.trace(toy, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "curve.talweg"
    ...     talweg.io.save(curve, path)
    ...     loaded = talweg.load(path)
    >>> bool((loaded.x == curve.x).all()), float(loaded.f([2.0, -1.0]))
    (True, 1.0)
    """
    header, arrays = read_archive(path)
    kind = header.pop("kind", None)
    if kind not in KINDS:
        raise ValueError(
            f"{os.fspath(path)}: holds {kind!r}, wanted one of {', '.join(sorted(KINDS))}"
        )
    try:
        return KINDS[kind].unpack(header, arrays)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        reason = f"header lacks {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{os.fspath(path)}: damaged {kind} file: {reason}") from error


def to_json(result: Any, path: str | os.PathLike[str]) -> None:
    """Write a result as JSON for other programs (NaN and infinities become null).

    Parameters
    ----------
    result : Survey, Extremal or DescentReport
        What to write.
    path : path-like
        Where to.

    Raises
    ------
    TypeError
        If `result` is of a class that has no file format.
    OSError
        If `path` cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import talweg
    >>> toy = talweg.Objective(lambda x: (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2, 2)
    >>> curve = talweg.trace(toy, [0.0, 0.0], bounds=[(-3, 3), (-3, 3)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder) / "curve.json"
    ...     talweg.io.to_json(curve, path)
    ...     "talweg-json" in path.read_text()
    True
    """
    text = as_json(result)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.write("\n")
