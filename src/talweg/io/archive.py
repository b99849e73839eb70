"""The container: a zip archive of ``.npy`` arrays and one JSON header, read without pickle."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import math
import os
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["FORMAT", "FORMAT_VERSION", "read_archive", "write_archive"]

FORMAT = "talweg"
FORMAT_VERSION = 1
HEADER = "header.json"

# Zip keeps a time for every entry; a constant one makes equal results equal files.
_TIME = (1980, 1, 1, 0, 0, 0)


def _json_ready(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(k): _json_ready(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_ready(v) for v in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return repr(value)


def write_archive(
    path: str | os.PathLike[str], header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
) -> None:
    """Write `header` and `arrays` to `path`, replacing it only when all is written."""
    from talweg.io.versions import talweg_version

    full = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "talweg": talweg_version(),
        "numpy": np.__version__,
        **_json_ready(header),
    }
    path = os.fspath(path)
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):  # mkstemp would name its own file
        raise FileNotFoundError(errno.ENOENT, "no such directory to save in", folder)
    handle, temporary = tempfile.mkstemp(prefix=".talweg-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            text = json.dumps(full, indent=1).encode()
            archive.writestr(zipfile.ZipInfo(HEADER, _TIME), text)
            for name, array in arrays.items():
                buffer = io.BytesIO()
                np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
                archive.writestr(zipfile.ZipInfo(f"{name}.npy", _TIME), buffer.getvalue())
        # mkstemp makes the file private; a result is as readable as any new file.
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        # An interrupt may come when the file is in its place already.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _read_npy(data: bytes, name: str) -> np.ndarray:
    """The array in `data`; sizes are checked before anything is allocated."""
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise ValueError(f"npy version {version}")
    except (ValueError, TypeError, SyntaxError, EOFError) as error:
        raise ValueError(f"{name} is no .npy array: {error}") from error
    if dtype.hasobject or dtype.kind not in "biufSU":
        raise ValueError(f"{name} has dtype {dtype}, wanted numbers or text")
    rest = len(data) - file.tell()
    if math.prod(shape) * dtype.itemsize != rest:
        raise ValueError(f"{name} has {rest} bytes of data for shape {shape} of {dtype}")
    array = np.frombuffer(data, dtype=dtype, offset=file.tell())
    return array.reshape(shape, order="F" if fortran else "C")


def read_archive(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file that `write_archive` wrote.

    Raises
    ------
    ValueError
        If the file is something else, truncated, damaged or of a later format version.
    """
    name = os.fspath(path)
    with open(path, "rb") as file:
        if file.read(2) != b"PK":
            raise ValueError(f"{name}: not a talweg file (no zip archive)")
        file.seek(0)
        try:
            with zipfile.ZipFile(file) as archive:
                entries = _read_entries(archive, name)
        except (
            zipfile.BadZipFile,
            # The file is open: what the system now refuses are positions that make no sense.
            OSError,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            struct.error,
        ) as error:
            raise ValueError(f"{name}: truncated or damaged ({error})") from error
    header = _read_header(entries.pop(HEADER, None), name)
    arrays = {}
    for entry, data in entries.items():
        try:
            arrays[entry.removesuffix(".npy")] = _read_npy(data, entry)
        except ValueError as error:
            raise ValueError(f"{name}: truncated or damaged ({error})") from error
    return header, arrays


def _read_entries(archive: zipfile.ZipFile, name: str) -> dict[str, bytes]:
    entries = {}
    for info in archive.infolist():
        if info.filename != HEADER and not info.filename.endswith(".npy"):
            raise ValueError(f"{name}: not a talweg file (it contains {info.filename!r})")
        # talweg stores without compression, so nothing in a true file can swell on reading.
        if info.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{name}: not a talweg file ({info.filename!r} is compressed)")
        if info.filename in entries:
            raise ValueError(f"{name}: truncated or damaged ({info.filename!r} occurs twice)")
        entries[info.filename] = archive.read(info)
    return entries


def _read_header(data: bytes | None, name: str) -> dict[str, Any]:
    if data is None:
        raise ValueError(f"{name}: not a talweg file (no {HEADER} inside)")
    try:
        header = json.loads(data)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{name}: truncated or damaged ({HEADER}: {error})") from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"{name}: not a talweg file ({HEADER} names another format)")
    version = header.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"{name}: truncated or damaged (format_version is {version!r})")
    if version > FORMAT_VERSION:
        raise ValueError(
            f"{name}: written in format {version} by talweg {header.get('talweg')}; "
            f"this talweg reads up to {FORMAT_VERSION}"
        )
    for key in ("format", "format_version", "talweg", "numpy"):
        header.pop(key, None)
    return header
