"""The data of a phase retrieval problem: drawn, or checked where a user gives them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array, real_array
from talweg.extremals.arguments import checked_generator
from talweg.phase_retrieval.memory import require_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "ON_THE_SPHERE",
    "checked_alpha",
    "checked_constant",
    "checked_data",
    "checked_flag",
    "checked_intensities",
    "checked_signal",
    "checked_storage",
    "draw_labels",
    "draw_matrix",
    "on_sphere",
    "point_generator",
    "require_data_memory",
]

#: How far |w|^2 / N may be from 1 for w to be on the sphere.
ON_THE_SPHERE = 1e-6

#: Rows that are looked at together.
_ROWS = 1024


def on_sphere(v: Floats, N: int) -> Floats:
    """`v` rescaled to |v|^2 = N."""
    scaled: Floats = v * (math.sqrt(N) / np.linalg.norm(v))
    return scaled


def point_generator(rng: Any) -> np.random.Generator:
    """The generator that `rng` stands for where points are drawn.

    A problem made from a number begins with its signal: what is drawn from the same number later
    must not be that vector again.
    """
    number = isinstance(rng, (int, np.integer)) and not isinstance(rng, bool)
    if number and rng >= 0:
        rng = np.random.SeedSequence(int(rng), spawn_key=(1,))
    return checked_generator(rng)


def require_data_memory(M: int, N: int, storage: np.dtype[Any], complex: bool) -> None:
    """An error where the data, the signal and the intensities would not fit."""
    columns = 2 * N if complex else N
    require_memory(
        "N",
        f"X of {M} rows and {N} {'complex ' if complex else ''}columns in {storage.name}",
        M * columns * storage.itemsize + 8 * (columns + 2 * M),
        "; dtype=numpy.float32 takes half of it" if storage.itemsize == 8 else "",
    )


def draw_matrix(
    generator: np.random.Generator, M: int, N: int, storage: np.dtype[Any], complex: bool
) -> np.ndarray:
    """M rows of independent normal numbers of variance 1, for complex data (Re x, -Im x).

    The first one begins a cache line: rows whose length is a multiple of it then stay aligned.
    """
    columns = 2 * N if complex else N
    room = np.empty(M * columns + 64, dtype=storage)
    first = -room.ctypes.data % 64 // storage.itemsize
    X = room[first : first + M * columns].reshape(M, columns)
    generator.standard_normal(dtype=storage.type, out=X)
    if complex:
        X *= storage.type(math.sqrt(0.5))
    return X


def draw_labels(generator: np.random.Generator, M: int, complex: bool) -> Floats:
    """Intensities of the same law as those of a signal, independent of the data."""
    u = generator.standard_normal((M, 2 if complex else 1))
    y: Floats = (u * u).mean(axis=1)
    return y


def checked_flag(value: Any, argument: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{argument}: want True or False, got {value!r}")
    return bool(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)


def checked_alpha(alpha: Any, N: int) -> int:
    """The number of observations."""
    if not _is_number(alpha):
        raise TypeError(f"alpha: want a number, observations for each coordinate, got {alpha!r}")
    if not (alpha > 0 and math.isfinite(alpha)):
        raise ValueError(
            f"alpha: want a number above 0, observations for each coordinate, got {alpha}"
        )
    M = round(float(alpha) * N)
    if M < 1:
        raise ValueError(f"alpha: want at least one observation, got alpha N = {alpha * N:.3g}")
    return M


def checked_constant(a: Any) -> float:
    if not _is_number(a):
        raise TypeError(f"a: want a number above 0, or inf for the plain loss, got {a!r}")
    if not a > 0:
        raise ValueError(f"a: want a number above 0, or inf for the plain loss, got {a}")
    return float(a)


def checked_storage(dtype: Any) -> np.dtype[Any]:
    try:
        storage = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype: want float64 or float32, got {dtype!r}") from None
    if storage not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise TypeError(f"dtype: want float64 or float32, got {storage}")
    return storage


def checked_data(X: Any) -> tuple[np.ndarray, bool]:
    """Rows of the data, the user's own array where it can be read as it is, and if it is complex."""
    try:
        array = np.asarray(X)
    except ValueError:
        raise ValueError("X: want an array of numbers, got rows of unequal lengths") from None
    if array.dtype.kind not in "biufc":
        raise TypeError(f"X: want numbers, got dtype {array.dtype}")
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 2:
        raise ValueError(f"X: want shape (M, N), M at least 1 and N at least 2, got {array.shape}")
    complex = array.dtype.kind == "c"
    if complex:
        single = array.dtype == np.complex64
        array = np.hstack([array.real, -array.imag], dtype=np.float32 if single else np.float64)
    elif array.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
        array = array.astype(np.float64)
    array = np.ascontiguousarray(array)
    for first in range(0, len(array), _ROWS):
        rows = array[first : first + _ROWS]
        if not np.isfinite(rows).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(rows))[0])
            raise ValueError(
                f"X: want finite numbers, got {rows[row, column]} in row {first + row}"
            )
    return array, complex


def checked_intensities(y: Any, M: int) -> Floats:
    array = finite_array(y, "y")
    if array.shape != (M,):
        raise ValueError(
            f"y: want shape ({M},), one intensity for each row of X, got {array.shape}"
        )
    if (array < 0).any():
        i = int(np.argmax(array < 0))
        raise ValueError(f"y: want intensities u^2, none negative, got {array[i]:.6g} at {i}")
    return array


def checked_signal(signal: Any, N: int, complex: bool) -> Floats:
    array = np.asarray(signal)
    if complex and array.dtype.kind == "c" and array.shape == (N,):
        array = np.concatenate([array.real, array.imag])
    array = real_array(array, "signal").copy()
    n = 2 * N if complex else N
    if array.shape != (n,):
        raise ValueError(f"signal: want shape ({n},), got {array.shape}")
    square = float(array @ array) / N
    if not abs(square - 1.0) <= ON_THE_SPHERE:
        raise ValueError(f"signal: want |signal|^2 = N, got |signal|^2 = {square:.6g} N")
    return array
