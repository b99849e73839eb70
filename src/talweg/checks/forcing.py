"""How a function's dominant direction forces the others, from its derivatives at the minimum."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.minimum import Minimum
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Forcing", "measured_forcing"]

_EPS = float(np.finfo(float).eps)
_DEGREE = 16


@dataclasses.dataclass(frozen=True, eq=False)
class Forcing:
    """The least order of pure forcing.

    Attributes
    ----------
    order : int or None
        p: the derivatives p + 1 times along the dominant direction d and once along another do not
        all vanish, and those of lower orders do. None where none was found.
    coefficients : ndarray, shape (n,)
        These derivatives; 0 where they are not told from rounding.
    looked : int
        Up to which order was looked.
    """

    order: int | None
    coefficients: Floats
    looked: int


def measured_forcing(f: Objective, minimum: Minimum, dominant: Any, max_order: int) -> Forcing:
    """The forcing of `minimum.offset` by direction `dominant`, the first of its eigenvalue's.

    The third derivatives are those of f. Higher ones are the power series of the gradient along the
    direction, from its values at Chebyshev points: exact up to rounding for polynomials.
    """
    n, d = minimum.n, dominant
    same = np.abs(minimum.eigenvalues - minimum.eigenvalues[d]) <= 1e-10 * minimum.eigenvalues[-1]
    along = minimum.axes[:, d]
    third = minimum.axes.T @ f.third(minimum.x, along) @ minimum.axes
    forced = third[d].copy()
    forced[same] = 0.0
    # Axes are known to rounding times how close the eigenvalues are.
    doubt = max(100.0 * _EPS, f.approximate.get("third", 0.0)) + float(minimum.floor[d].max())
    forced[np.abs(forced) <= 10.0 * n * doubt * _size_of_third(f, minimum)] = 0.0
    if forced.any() or max_order < 2:
        return Forcing(1 if forced.any() else None, forced, 1)
    series, errors = _gradient_series(minimum, d)
    looked = min(max_order, _DEGREE - 3)
    for order in range(2, looked + 1):
        row = series[order + 1].copy()
        row[same] = 0.0
        row[np.abs(row) <= errors[order + 1]] = 0.0
        if row.any():
            factorial = float(np.prod(np.arange(1, order + 2)))
            return Forcing(order, row * factorial, looked)
    return Forcing(None, np.zeros(n), looked)


def _size_of_third(f: Objective, minimum: Minimum) -> float:
    n = minimum.n
    vectors = minimum.axes.T if n <= 50 else np.random.default_rng(0).normal(size=(20, n))
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return float(np.abs(f.third(np.tile(minimum.x, (len(vectors), 1)), vectors)).max())


def _gradient_series(minimum: Minimum, d: int) -> tuple[Floats, Floats]:
    """Coefficients of powers of y_d in each component of the gradient, and their errors."""
    from numpy.polynomial import chebyshev

    n = minimum.n
    radius = 0.5 * minimum.radius
    nodes = np.cos(np.pi * (np.arange(2 * _DEGREE) + 0.5) / (2 * _DEGREE))
    points = np.zeros((len(nodes), n))
    points[:, d] = radius * nodes
    values = minimum.offset.grad(points)
    if not np.isfinite(values).all():
        return np.zeros((_DEGREE + 1, n)), np.full(_DEGREE + 1, np.inf)
    fitted = chebyshev.chebfit(nodes, values, _DEGREE)
    to_powers = np.stack(
        [
            np.pad(chebyshev.cheb2poly(row), (0, _DEGREE + 1))[: _DEGREE + 1]
            for row in np.eye(_DEGREE + 1)
        ]
    ).T
    left = np.abs(fitted[-3:]).max() + 10.0 * _EPS * np.abs(values).max() + minimum.noise
    left += float(minimum.floor[d].max()) * float(np.abs(values).max())
    powers = radius ** -np.arange(_DEGREE + 1.0)
    series: Floats = (to_powers @ fitted) * powers[:, None]
    errors: Floats = 10.0 * np.abs(to_powers).sum(axis=1) * left * powers
    return series, errors
