"""Derivatives that are differences: their steps, and how good they are.

The differences themselves are made in the core (``talweg/differences.hpp``): central, of fourth
order, with steps proportional to a length for each coordinate, its scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg import _core
from talweg.quantity import ARRAYS, GRADIENT, HESSIAN, HESSIAN_PRODUCT, METHODS, THIRD, VALUE

__all__ = [
    "Differenced",
    "checked_noise",
    "checked_scale",
    "compare_with_differences",
    "estimated_scale",
]

_EPSILON = float(np.finfo(float).eps)

#: Halvings of the longest step that are tried when the scale is estimated.
_HALVINGS = 24


def checked_noise(noise: Any) -> float:
    """`noise` as a float, at least the rounding of one operation."""
    if isinstance(noise, (bool, np.bool_)) or not isinstance(
        noise, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"noise: want a relative error, a number, got {noise!r}")
    if not 0 <= noise <= 1e-2:
        raise ValueError(f"noise: want a relative error from 0 to 0.01, got {noise}")
    return max(float(noise), _EPSILON)


def checked_scale(scale: Any, n: int) -> np.ndarray | None:
    """`scale` as n positive floats, or None."""
    if scale is None:
        return None
    array = np.asarray(scale)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"scale: want positive numbers, got dtype {array.dtype}")
    if array.shape not in ((), (n,)):
        raise ValueError(f"scale: want one number or shape ({n},), got {array.shape}")
    array = np.broadcast_to(array.astype(float), (n,)).copy()
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise ValueError("scale: want positive finite numbers")
    return array


def estimated_scale(
    core: Any, available: int, points: np.ndarray, bounds: np.ndarray | None, noise: float
) -> np.ndarray:
    """A length for each coordinate over which the function changes by about its own size.

    For each coordinate, fourth-order central differences of the highest derivative that is at
    hand are compared with those of half the step, over steps from half the box down by powers of
    two. Where they agree best truncation and rounding balance, which happens near a step of
    ``noise**(1/5)`` scales.

    Returns
    -------
    ndarray, shape (n,)
    """
    n = points.shape[1]
    quantity = next(q for q in (HESSIAN, GRADIENT, VALUE) if available & q)
    if bounds is not None:
        longest = 0.5 * (bounds[:, 1] - bounds[:, 0])
    else:
        longest = 2.0 * np.maximum(1.0, np.abs(points).max(axis=0))
    scale = np.empty(n)
    steps = 0.5 ** np.arange(_HALVINGS + 1)
    for i in range(n):
        h = longest[i] * steps
        # Points x - h and x + h, by step, side and point.
        displaced = np.broadcast_to(points, (len(h), 2, *points.shape)).copy()
        displaced[:, 0, :, i] -= h[:, None]
        displaced[:, 1, :, i] += h[:, None]
        values = core.evaluate(displaced.reshape(-1, n), quantity)[ARRAYS[quantity]]
        values = values.reshape(len(h), 2, len(points), -1)
        second_order = (values[:, 1] - values[:, 0]) / (2.0 * h[:, None, None])
        fourth_order = (4.0 * second_order[1:] - second_order[:-1]) / 3.0
        change = np.linalg.norm(fourth_order[1:] - fourth_order[:-1], axis=-1)
        # One lucky agreement is no sign of accuracy, two in a row are.
        change = np.fmax(change[1:], change[:-1])
        change[~np.isfinite(change)] = np.inf
        # Nor is agreement to more digits than rounding leaves.
        size = np.linalg.norm(values[-1].mean(axis=0), axis=-1)
        change = np.fmax(change, 0.5 * noise * size / h[2 : len(change) + 2, None])
        found = []
        for column in change.T:
            if np.isfinite(column).any() and column.max() > 0.0:
                best = int(np.flatnonzero(column <= 2.0 * column.min())[0])
                found.append(h[best + 2] / noise**0.2)
        # The smallest: truncation grows faster with the step than rounding falls.
        scale[i] = min(found) if found else longest[i]
        scale[i] = np.clip(scale[i], 1e-8 * longest[i], longest[i])
    return scale


def compare_with_differences(
    core: Any, available: int, points: np.ndarray, scale: np.ndarray, noise: float
) -> None:
    """Raise when a derivative that was given is not that of what it should be one of."""
    known = VALUE
    vectors = np.random.default_rng(1979).normal(size=points.shape) * scale
    for quantity in (GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD):
        if not available & quantity:
            continue
        name = ARRAYS[quantity]
        reference = _core.DifferencedObjective(core, known, scale.tolist(), noise)
        got = core.evaluate(points, quantity, vectors)[name].reshape(len(points), -1)
        want = reference.evaluate(points, quantity, vectors)[name].reshape(len(points), -1)
        size = np.abs(got) + np.abs(want)
        allowed = size + size.max(axis=1, keepdims=True)
        # Where the derivative is zero all that differences have left is noise.
        allowed += 1e6 * _noise_of(reference, quantity, points, vectors)[:, None]
        wrong = np.abs(got - want) > 1e-3 * allowed
        usable = np.isfinite(got).all(axis=1) & np.isfinite(want).all(axis=1)
        # A function may have a kink or a steep wall at one of the points.
        if usable.any() and wrong.any(axis=1)[usable].all():
            point = int(np.flatnonzero(usable)[0])
            entry = int(np.flatnonzero(wrong[point])[0])
            index = np.unravel_index(entry, (points.shape[1],) * (got.shape[1] > 1))
            if quantity in (HESSIAN, THIRD):
                index = np.unravel_index(entry, (points.shape[1],) * 2)
            place = "".join(f"[{int(i)}]" for i in index)
            below = "fun" if known == VALUE else METHODS[_highest(known)]
            raise ValueError(
                f"{METHODS[quantity]}: gives {got[point, entry]:.6g} for {METHODS[quantity]}{place}"
                f" where differences of {below} give {want[point, entry]:.6g}, at x = "
                f"{np.array2string(points[point], threshold=6, precision=6)}; "
                "verify=False skips this comparison"
            )
        known |= quantity


def _noise_of(reference: Any, quantity: int, points: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Estimated error of one quantity of a differenced objective at points."""
    kind = {GRADIENT: "gradient", THIRD: "third"}.get(quantity, "hessian")
    noise = np.zeros(len(points))
    for coefficient, lower in zip(reference.errors[kind], (VALUE, GRADIENT, HESSIAN)):
        if coefficient:
            values = reference.evaluate(points, lower)[ARRAYS[lower]]
            noise += coefficient * np.linalg.norm(values.reshape(len(points), -1), axis=1)
    if quantity in (HESSIAN_PRODUCT, THIRD):
        noise *= np.linalg.norm(v, axis=1)
    return noise


def _highest(known: int) -> int:
    return next(q for q in (HESSIAN, HESSIAN_PRODUCT, GRADIENT, VALUE) if known & q)


class Differenced:
    """An objective of the core that has all quantities, some by differences of a base's.

    Parameters
    ----------
    base : talweg._core.Objective
        What evaluates the quantities `available` (an or of the bits in `talweg.quantity`).
    points : ndarray, shape (m, n)
        Where to estimate errors.
    scale : ndarray, shape (n,)
        Length for each coordinate; steps are proportional to it.
    noise : float
        Relative error of the base's results.
    rotations : bool, optional
        Of a function of atoms' positions that rigid motions leave unchanged: whether rotations are
        among these. Differences are then taken orthogonal to the motions alone.
    """

    def __init__(
        self,
        base: Any,
        available: int,
        points: np.ndarray,
        scale: np.ndarray,
        noise: float,
        rotations: bool | None = None,
    ) -> None:
        # The wrapper of the base is what the garbage collector sees its functions through.
        self._base = base
        self._available = available
        self._points = points
        self._noise = noise
        self._rotations = rotations
        self.scale = scale
        self.core = self._with_scale(scale)
        self._errors: dict[str, float] | None = None

    def _with_scale(self, scale: np.ndarray) -> Any:
        return _core.DifferencedObjective(
            self._base, self._available, scale.tolist(), self._noise, self._rotations
        )

    @property
    def methods(self) -> list[str]:
        """The methods whose results are differences."""
        return [method for bit, method in METHODS.items() if self.core.approximate & bit]

    @property
    def errors(self) -> dict[str, float]:
        """Relative errors of the derivatives that are differences, by method.

        Estimated from steps half and twice as long: doubling the step multiplies the truncation
        error by 16, halving it multiplies the rounding error by 2 to 8, so that each comparison
        shows one of them.
        """
        if self._errors is None:
            self._errors = self._estimated_errors()
        return self._errors

    def _estimated_errors(self) -> dict[str, float]:
        # Third derivatives of a function of many coordinates take many calls a point.
        points = self._points if self._points.shape[1] <= 10 else self._points[:1]
        vectors = np.random.default_rng(1979).normal(size=points.shape) * self.scale
        result = {}
        with np.errstate(all="ignore"):
            cores = [self.core, *(self._with_scale(k * self.scale) for k in (2.0, 0.5))]
            for quantity, method in METHODS.items():
                if not self.core.approximate & quantity:
                    continue
                name = ARRAYS[quantity]
                values, long, short = (
                    core.evaluate(points, quantity, vectors)[name].reshape(len(points), -1)
                    for core in cores
                )
                truncation = np.linalg.norm(values - long, axis=1) / 15.0
                rounding = np.linalg.norm(values - short, axis=1)
                error = np.fmax(truncation, rounding) / np.linalg.norm(values, axis=1)
                error = error[np.isfinite(error)]
                result[method] = float(max(error.max(initial=0.0), self._noise))
        return result
