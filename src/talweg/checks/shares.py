"""Shares of an image's volume, from weighted points, with their errors."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Concentration", "Sums"]

#: With fewer points' worth of weight nothing is said.
_FEWEST = 30.0


@dataclasses.dataclass(frozen=True)
class Concentration:
    """The share of the volume of the image of a region that lies within a set, over time.

    Attributes
    ----------
    parameter : float
        Of the set: the ratio R of a valley, or the half-width of a cone.
    share : ndarray, shape (times,)
        Estimate of vol(image within the set) / vol(image); NaN where it is undecided.
    outside : ndarray, shape (times,)
        1 - share, without cancellation.
    error : ndarray, shape (times,)
        Standard error of both (self-normalised importance sampling, delta method). Where no point
        is outside, or none inside, the share of one point, 1 / effective_size.
    effective_size : ndarray, shape (times,)
        How many equally weighted points would tell as much.
    outside_size : ndarray, shape (times,)
        The same of the points outside alone.
    decided : ndarray of bool, shape (times,)
        False where the image has no volume or fewer than 30 points' worth of weight is left.
    message : str
        What is to be said; empty for nothing.
    """

    parameter: float
    share: Floats
    outside: Floats
    error: Floats
    effective_size: Floats
    outside_size: Floats
    decided: NDArray[np.bool_]
    message: str = ""

    def __repr__(self) -> str:
        if not self.decided.any():
            return f"Concentration({self.parameter:g}: undecided)"
        ends = [
            f"{self.share[k]:.6g} +- {self.error[k]:.1g}" if self.decided[k] else "undecided"
            for k in (0, -1)
        ]
        return f"Concentration({self.parameter:g}: share {ends[0]} at first, {ends[1]} at last)"


class Sums:
    """Sums over points by time and group, from which all estimates follow.

    Points belong to groups in turn. Sums of all groups but one give the estimates that a jackknife
    needs, where one set of points is seen at many times and errors hang together.

    Parameters
    ----------
    times : int
    sets : int
        How many sets membership is asked of.
    groups : int
    """

    def __init__(self, times: int, sets: int, groups: int) -> None:
        self.groups = groups
        self.scale = np.full(times, np.nan)  # logarithm by which weights are divided
        self.weight = np.zeros((times, groups))
        self.square = np.zeros((times, groups))
        self.outside = np.zeros((sets, times, groups))
        self.outside_square = np.zeros((sets, times, groups))
        self.mass = np.zeros(
            (times, groups)
        )  # weights at the start, points with a finite logarithm
        self.log = np.zeros((times, groups))
        self.start = np.zeros((times, groups))  # weights at the start, all points
        self.start_square = np.zeros(times)
        self.start_by_weight = np.zeros(times)
        self.centre = np.zeros(times)  # a logarithm, off which squares keep their digits
        # Squares of weights at the start, times powers 0, 1, 2 of the logarithm off the centre.
        self.spread = np.zeros((3, times))

    def add(self, first: int, base: Floats, log_volume: Floats, inside: Any) -> None:
        """Points number `first` on: weights at the start (m,), logarithms (times, m), (sets, times, m)."""
        group = (first + np.arange(len(base))) % self.groups
        for k, row in enumerate(log_volume):
            seen = ~np.isnan(row)
            self.start[k] += self._total(group[seen], base[seen])
            self.start_square[k] += float(base[seen] @ base[seen])
            finite = np.isfinite(row)
            if not finite.any():
                continue
            g, logs, b = group[finite], row[finite], base[finite]
            if np.isnan(self.scale[k]):
                self.scale[k], self.centre[k] = logs.max(), logs.mean()
            elif logs.max() > self.scale[k]:
                self._rescale(k, float(logs.max()))
            w = b * np.exp(logs - self.scale[k])
            off = logs - self.centre[k]
            self.start_by_weight[k] += float(b @ w)
            self.spread[:, k] += (b * b) @ np.stack([np.ones_like(off), off, off * off], axis=1)
            self.weight[k] += self._total(g, w)
            self.square[k] += self._total(g, w * w)
            self.mass[k] += self._total(g, b)
            self.log[k] += self._total(g, b * logs)
            for j, members in enumerate(inside):
                out = w * ~members[k, finite]
                self.outside[j, k] += self._total(g, out)
                self.outside_square[j, k] += self._total(g, out * out)

    def _rescale(self, k: int, scale: float) -> None:
        factor = np.exp(self.scale[k] - scale)
        self.scale[k] = scale
        for sums in (self.weight[k], self.outside[:, k]):
            sums *= factor
        for sums in (self.square[k], self.outside_square[:, k]):
            sums *= factor * factor
        self.start_by_weight[k] *= factor

    def _total(self, group: Any, values: Floats) -> Floats:
        return np.asarray(
            np.bincount(group, weights=values, minlength=self.groups), dtype=np.float64
        )

    def effective_size(self) -> Floats:
        """The square of the sum of weights over the sum of squares."""
        return _quotient(self.weight.sum(axis=1) ** 2, self.square.sum(axis=1), 0.0)

    def concentration(self, j: int, parameter: float, message: str = "") -> Concentration:
        """The estimate for set number `j`."""
        total, squares = self.weight.sum(axis=1), self.square.sum(axis=1)
        out, out_squares = self.outside[j].sum(axis=1), self.outside_square[j].sum(axis=1)
        size = self.effective_size()
        # A sum may be rounding where every point is outside.
        outside = np.minimum(_quotient(out, total, np.nan), 1.0)
        variance = out_squares * (1.0 - 2.0 * outside) + outside**2 * squares
        error = np.sqrt(np.maximum(variance, 0.0)) / np.where(total > 0, total, np.nan)
        lone = (out <= 0.0) | (total - out <= 1e-14 * total)
        with np.errstate(divide="ignore"):
            error = np.where(lone, 1.0 / size, error)
        decided = (size >= _FEWEST) & (total > 0.0)
        share = _quotient(total - out, total, np.nan)
        blank = np.where(decided, 1.0, np.nan)
        if not decided.all():
            few = int((~decided).sum())
            text = (
                f"undecided at {few} of {len(decided)} times: the image has no volume, or fewer than "
                f"{_FEWEST:g} points' worth of weight"
            )
            message = f"{message}; {text}" if message else text
        return Concentration(
            parameter,
            share * blank,
            outside * blank,
            error * blank,
            size,
            _quotient(out**2, out_squares, 0.0),
            decided,
            message,
        )

    def log_mean_volume(self) -> tuple[Floats, Floats]:
        """Logarithm of the mean of the factors of volume, and its standard error."""
        total, start = self.weight.sum(axis=1), self.start.sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            value = np.where(total > 0, self.scale + np.log(total / start), -np.inf)
            # The delta method for a quotient of sums over the same points.
            relative = (
                self.square.sum(axis=1) / total**2
                - 2.0 * self.start_by_weight / (total * start)
                + self.start_square / start**2
            )
        value[start == 0] = np.nan
        return value, np.sqrt(np.maximum(relative, 0.0))

    def mean_log_volume(self) -> tuple[Floats, Floats]:
        """Mean of the logarithms (of points whose map is not singular), and its standard error."""
        mass = self.mass.sum(axis=1)
        mean = _quotient(self.log.sum(axis=1), mass, np.nan)
        off = mean - self.centre
        square = self.spread[2] - 2.0 * off * self.spread[1] + off * off * self.spread[0]
        with np.errstate(invalid="ignore"):
            return mean, np.sqrt(np.maximum(_quotient(square, mass**2, 0.0), 0.0))

    def leave_one_out(self, values: Floats) -> Floats:
        """Sums (times, groups) with each group left out in turn, shape (times, groups)."""
        return np.asarray(values.sum(axis=-1, keepdims=True) - values)


def _quotient(top: Floats, bottom: Floats, otherwise: float) -> Floats:
    return np.where(bottom > 0, top / np.where(bottom > 0, bottom, 1.0), otherwise)
