"""Points drawn from a region, with the volumes that they stand for."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array, real_array
from talweg.bounds import checked_bounds
from talweg.extremals.arguments import checked_generator, checked_positive

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Sample", "drawn", "is_ball"]


@dataclasses.dataclass(frozen=True)
class Sample:
    """Points and what each stands for.

    Attributes
    ----------
    x : ndarray, shape (m, n)
    weight : ndarray, shape (m,)
        With mean 1.
    volume : float
        Of the region; NaN where points were given without weights.
    words : str
        What the region is.
    """

    x: Floats
    weight: Floats
    volume: float
    words: str


def is_ball(region: Any) -> bool:
    """Whether `region` is a pair of a centre and a radius."""
    return (
        isinstance(region, (tuple, list))
        and len(region) == 2
        and np.ndim(region[1]) == 0
        and not isinstance(region[0], (int, float))
        and np.ndim(region[0]) == 1
    )


def drawn(region: Any, points: Any, weights: Any, n: int, count: int, rng: Any) -> Sample:
    """`count` points uniform in a box or ball, or the points given."""
    if points is not None:
        return _given(region, points, weights, n)
    if weights is not None:
        raise ValueError("weights: want points with them; points of a region weigh the same")
    if region is None:
        raise ValueError(
            "region: want bounds of shape (n, 2), a pair (centre, radius), or points instead"
        )
    generator = checked_generator(rng)
    ones = np.ones(count)
    if is_ball(region):
        centre = finite_array(region[0], "region")
        if centre.shape != (n,):
            raise ValueError(f"region: want a centre of shape ({n},), got {centre.shape}")
        radius = checked_positive(region[1], "region")
        direction = generator.normal(size=(count, n))
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        x = centre + radius * generator.random((count, 1)) ** (1.0 / n) * direction
        volume = math.exp(n / 2 * math.log(math.pi) - math.lgamma(n / 2 + 1) + n * math.log(radius))
        return Sample(x, ones, volume, f"ball of radius {radius:g}")
    try:
        box = checked_bounds(region, n)
    except (ValueError, TypeError) as error:
        raise type(error)(str(error).replace("bounds:", "region:", 1)) from None
    assert box is not None
    side = box[:, 1] - box[:, 0]
    x = box[:, 0] + side * generator.random((count, n))
    return Sample(x, ones, float(np.prod(side)), "box")


def _given(region: Any, points: Any, weights: Any, n: int) -> Sample:
    if region is not None:
        raise ValueError("region: want a region or points, not both; leave one as None")
    x = finite_array(points, "points")
    if x.ndim != 2 or x.shape[1] != n or not len(x):
        raise ValueError(f"points: want shape (m, {n}), m at least 1, got {x.shape}")
    if weights is None:
        return Sample(x, np.ones(len(x)), math.nan, "points given")
    weight = real_array(weights, "weights")
    if weight.shape != (len(x),):
        raise ValueError(f"weights: want shape ({len(x)},), got {weight.shape}")
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.sum() > 0):
        raise ValueError("weights: want finite numbers from 0 on, one at least above 0")
    return Sample(x, weight / weight.mean(), float(weight.sum()), "points given")
