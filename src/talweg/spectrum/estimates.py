"""`Estimate`: what random probes say about a number, and how far it may be off."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Estimate", "jackknife"]


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A number, or an array of them, estimated from random probes.

    Attributes
    ----------
    value : float or ndarray
    error : float or ndarray
        Standard error over the probes; NaN where there was one probe only, 0 for exact values.
    bias : float or ndarray
        How far all probes may be off together because the steps were few; 0 for exact values.
    probes : int
        Number of probes, for `interval`.

    Examples
    --------
    >>> from talweg.spectrum.estimates import Estimate
    >>> Estimate(3.0, 0.1, 0.01, 10)
    3 +- 0.1 (bias up to 0.01)
    >>> low, high = Estimate(3.0, 0.1, 0.01, 10).interval(0.95)
    >>> round(float(low), 2), round(float(high), 2)
    (2.76, 3.24)
    """

    value: Any
    error: Any
    bias: Any
    probes: int = 0

    def __float__(self) -> float:
        return float(self.value)

    def interval(self, level: float = 0.95) -> tuple[Any, Any]:
        """Bounds that hold with probability `level`, by Student's t, widened by the bias.

        Parameters
        ----------
        level : float, default 0.95
            Between 0 and 1.

        Returns
        -------
        tuple of float or of ndarray
        """
        if not 0 < level < 1:
            raise ValueError(f"level: want a number between 0 and 1, got {level}")
        if np.all(self.error == 0):
            reach = np.asarray(self.bias)
        else:
            from scipy.special import stdtrit

            freedom = max(self.probes - 1, 1)
            reach = float(stdtrit(freedom, (1 + level) / 2)) * np.asarray(self.error) + self.bias
        return self.value - reach, self.value + reach

    def __repr__(self) -> str:
        if np.ndim(self.value):
            return f"Estimate(value={self.value!r}, error={self.error!r}, bias={self.bias!r})"
        return f"{self.value:.6g} +- {self.error:.2g} (bias up to {self.bias:.2g})"


#: Differences that hardly fall do not tell where they end.
_SLOWEST = 0.9


def _left_out(value: Any, half: Any, quarter: Any) -> Any:
    """How far `value` may be from its limit, from the same with half and a quarter of the steps.

    Where each doubling of the steps divides the difference by less than two, what is still to come
    is more than the last difference: the geometric series that both differences begin.
    """
    last = np.abs(value - half)
    if quarter is None:
        return last
    before = np.abs(half - quarter)
    ratio = np.where(before > 0, last / np.where(before > 0, before, 1.0), 0.0)
    ratio = np.minimum(ratio, _SLOWEST)
    return last * np.maximum(1.0, ratio / (1.0 - ratio))


def jackknife(
    samples: np.ndarray,
    half: np.ndarray,
    quarter: np.ndarray | None = None,
    function: Callable[[np.ndarray], Any] | None = None,
) -> Estimate:
    """`function` of the means of `samples` (probes, quantities, ...) over the probes.

    `half` and `quarter` hold the same of runs with so many of the steps. Without a function the
    only quantity's mean itself, whose jackknife is the ordinary standard error.
    """
    probes = len(samples)
    of = function if function is not None else (lambda means: means)
    value = of(samples.mean(axis=0))
    bias = _left_out(
        value, of(half.mean(axis=0)), quarter if quarter is None else of(quarter.mean(axis=0))
    )
    if probes == 1:
        error = np.full_like(value, np.nan)
    elif function is None:
        # Squares of huge and tiny numbers do not fit.
        finite = np.where(np.isfinite(samples), np.abs(samples), 0.0)
        scale = np.max(finite, axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        error = (samples / scale).std(axis=0, ddof=1) * scale / np.sqrt(probes)
    else:
        total = samples.sum(axis=0)
        without = np.array([of((total - sample) / (probes - 1)) for sample in samples])
        error = np.sqrt((probes - 1) * without.var(axis=0))
    if np.ndim(value) == 0:
        return Estimate(float(value), float(error), float(bias), probes)
    return Estimate(value, error, bias, probes)
