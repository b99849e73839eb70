"""Evaluation at any number of points by a function that is compiled for a few numbers of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIZES = (1, 4, 16, 64, 256, 1024)


def largest_for_matrices(n: int) -> int:
    """The largest block whose n by n matrices stay in the processor's caches."""
    return max((size for size in SIZES if size * n * n <= 1 << 16), default=1)


# What a call costs beside its points, in points: a rough figure, for small models.
_CALL = 16


@functools.lru_cache(maxsize=4096)
def _cheapest(points: int, largest: int) -> tuple[int, tuple[int, ...]]:
    """Cost and sizes of the blocks for a number of points."""
    if points == 0:
        return 0, ()
    ways: list[tuple[int, tuple[int, ...]]] = []
    whole = next((size for size in SIZES if points <= size <= largest), None)
    if whole is not None:
        ways.append((_CALL + whole, (whole,)))
    if whole != points:
        part = max(size for size in SIZES if size <= min(points, largest))
        cost, rest = _cheapest(points - part, largest)
        ways.append((_CALL + part + cost, (part, *rest)))
    return min(ways)


def pieces(points: int, largest: int) -> Iterator[tuple[int, int, int]]:
    """Cut a number of points into blocks: (first, count, size), count filled up to size."""
    first = 0
    while first < points:
        # Whole blocks of the largest size first, so that the search is a short one.
        left = points - first
        sizes = (largest,) if left > largest else _cheapest(left, largest)[1]
        for size in sizes:
            count = min(points - first, size)
            yield first, count, size
            first += count


def in_pieces(function: Callable[..., Floats], largest: int) -> Callable[..., Floats]:
    """Wrap a function of arrays of shape (size, n) so that it takes any number of points."""

    def evaluate(*arrays: Floats) -> Floats:
        points = len(arrays[0])
        results = []
        for first, count, size in pieces(points, largest):
            block = [array[first : first + count] for array in arrays]
            if count < size:
                # With a point that is there: another one might be outside the function's domain.
                block = [
                    np.concatenate(
                        [part, np.broadcast_to(part[-1:], (size - count, *part.shape[1:]))]
                    )
                    for part in block
                ]
            results.append(function(*block)[:count])
        return results[0] if len(results) == 1 else np.concatenate(results)

    return evaluate
