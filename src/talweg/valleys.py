"""Valleys: where the slope is not much more than the least one at the same height."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from talweg.arrays import real_array
from talweg.extremals.arguments import checked_positive
from talweg.extremals.results import Extremal, Survey
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Profile", "SlopeRatio", "in_valley", "least_slope", "slope_ratio", "valley_widths"]


@dataclasses.dataclass(frozen=True)
class Profile:
    """The slope along one monotone piece of a talweg, as a function of height.

    Attributes
    ----------
    curve : int
        Which talweg of those asked.
    fun : ndarray, shape (k,)
        Heights, ascending.
    square : ndarray, shape (k,)
        Squares of the slope there.
    eigenvalue : ndarray, shape (k,)
        Half the derivative of `square` by `fun`: along a gradient extremal
        ``d(|g|^2 / 2) = lambda df``.
    """

    curve: int
    fun: Floats
    square: Floats
    eigenvalue: Floats

    def at(self, heights: Floats) -> tuple[Floats, Floats]:
        """Slope and its error at heights within the piece."""
        fine = _hermite(self, np.arange(len(self.fun)), heights)
        if len(self.fun) > 2:
            every_second = np.unique(np.append(np.arange(0, len(self.fun), 2), len(self.fun) - 1))
            coarse = _hermite(self, every_second, heights)
        else:
            coarse = np.interp(heights, self.fun, self.square)
        # Of fourth order: twice the spacing has sixteen times the error. A height is known to
        # the rounding of f, which matters next to a critical point.
        rounding = 4.0 * np.finfo(float).eps * float(np.abs(self.fun).max())
        rise = 2.0 * np.abs(np.interp(heights, self.fun, self.eigenvalue))
        error = np.abs(fine - coarse) / 15.0 + rise * rounding
        slope = np.sqrt(np.maximum(fine, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            spread = np.where(slope > 0.0, error / (2.0 * slope), np.sqrt(error))
        return slope, np.minimum(spread, np.sqrt(error))


def _hermite(profile: Profile, nodes: Any, heights: Floats) -> Floats:
    f, square, rise = profile.fun[nodes], profile.square[nodes], 2.0 * profile.eigenvalue[nodes]
    i = np.clip(np.searchsorted(f, heights, side="right") - 1, 0, len(f) - 2)
    width = f[i + 1] - f[i]
    t = (heights - f[i]) / width
    result: Floats = (
        square[i] * (1.0 + 2.0 * t) * (1.0 - t) ** 2
        + square[i + 1] * t**2 * (3.0 - 2.0 * t)
        + width * t * (1.0 - t) * (rise[i] * (1.0 - t) - rise[i + 1] * t)
    )
    return result


class SlopeRatio(NamedTuple):
    """Slopes over the least ones at the same heights.

    Attributes
    ----------
    ratio : float or ndarray, shape (m,)
        At least 1 but for errors where the talwegs hold the least slope; NaN where no talweg has
        the height; on the level of a critical point 1 at the point itself, else infinite.
    error : float or ndarray, shape (m,)
        Estimated, from the spacing of the talwegs' points.
    least : float or ndarray, shape (m,)
        The least slope.
    curve : int or ndarray of int, shape (m,)
        The talweg that has it, by its place among the extremals asked; -1 for none.
    status : Status or ndarray of int, shape (m,)
        `CONVERGED`; `CRITICAL_POINT` on a critical level, whose least slope is 0; `UNCOVERED` where no
        talweg has the height; `NON_FINITE` where f is not finite.
    """

    ratio: Any
    error: Any
    least: Any
    curve: Any
    status: Any


def _curves(valley: Any) -> Sequence[Extremal]:
    if isinstance(valley, Survey):
        return valley.extremals
    if isinstance(valley, Extremal):
        return [valley]
    if isinstance(valley, (list, tuple)) and all(isinstance(one, Extremal) for one in valley):
        return valley
    raise TypeError(
        "valley: want a survey, a traced curve or a list of curves, as talweg.survey and "
        f"talweg.trace_talweg give them, got {type(valley).__name__}"
    )


def _objective(curves: Sequence[Extremal]) -> Any:
    f = next((curve.f for curve in curves if curve.f is not None), None)
    if f is None:
        raise ValueError("valley: its curves know no function; loaded results may lack it")
    if f.metric is not None:
        raise ValueError("valley: want curves of a function without a metric")
    return f


#: Events at which a talweg can turn, or end and go on as a ridge line.
_ENDS = ("critical_point", "level_fold", "branch_point", "valley_ridge_inflection")


def _profiles(curves: Sequence[Extremal], f: Any) -> Iterator[Profile]:
    """Monotone pieces of the talwegs, from one end or turning point to the next."""
    for number, curve in enumerate(curves):
        length, fun = list(curve.arclength), list(curve.fun)
        square, rate = list(curve.sigma**2), list(curve.eigenvalue)
        talweg = list(curve.is_talweg)
        ends = [False] * len(length)
        for event in curve.events:
            if event.kind not in _ENDS:
                continue
            gradient, hessian = f.grad(event.x), f.hess(event.x)
            slope = float(gradient @ gradient)
            critical = event.kind == "critical_point"
            along = event.tangent if critical else gradient
            length.append(event.arclength)
            fun.append(event.fun)
            square.append(0.0 if critical else slope)
            rate.append(float(along @ hessian @ along) / float(along @ along))
            talweg.append(True)
            ends.append(True)
        order = np.argsort(length, kind="stable")
        values = np.array([length, fun, square, rate])[:, order]
        on, end = np.array(talweg)[order], np.array(ends)[order]
        # The critical point that a curve started from is a point of it and no event.
        steps = np.diff(values[1])
        end[1:-1] |= steps[:-1] * steps[1:] < 0.0
        # A piece reaches from one end to the next; a point that coincides with an end gives way.
        changes = np.flatnonzero(on[:-1] != on[1:])
        last_on = np.where(on[changes], changes, changes + 1)
        cuts = np.unique([0, *np.flatnonzero(end), *last_on, len(order) - 1])
        for first, last in itertools.pairwise(cuts):
            inner = np.arange(first + 1, last)
            if not on[inner].all() or not (on[first] and on[last]):
                continue
            if not len(inner) and not (end[first] or end[last]):
                continue
            piece = values[1:, first : last + 1]
            if piece[0, 0] > piece[0, -1]:
                piece = piece[:, ::-1]
            highest = np.maximum.accumulate(piece[0])
            rising = np.append(True, piece[0, 1:] > highest[:-1])
            if rising.sum() > 1:
                yield Profile(number, *(row[rising] for row in piece))


def least_slope(valley: Any, heights: ArrayLike) -> tuple[Floats, Floats, Any]:
    """The least slope that talwegs have at given heights.

    Parameters
    ----------
    valley : Survey, Extremal or list of Extremal
        Whose talwegs count: all of a survey for a whole region, one curve for one valley.
    heights : array_like, shape (m,)
        Values of f.

    Returns
    -------
    slope : ndarray, shape (m,)
        NaN where no talweg has the height.
    error : ndarray, shape (m,)
        Estimated from the spacing of the talwegs' points.
    curve : ndarray of int, shape (m,)
        The talweg that has it; -1 for none.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 4 * x[1]**2) / 2, 2)
    >>> valley = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-2, 2), (-2, 2)])
    >>> slope, error, curve = talweg.valleys.least_slope(valley, [0.5, 3.0])
    >>> float(slope[0].round(6)), bool(error[0] < 1e-6), curve.tolist()
    (1.0, True, [0, -1])
    """
    curves = _curves(valley)
    levels = np.atleast_1d(real_array(heights, "heights")).astype(float)
    return _least(curves, _objective(curves), levels)


def _least(curves: Sequence[Extremal], f: Any, heights: Floats) -> tuple[Floats, Floats, Any]:
    best = np.full(heights.shape, np.nan)
    error = np.full(heights.shape, np.nan)
    place = np.full(heights.shape, -1)
    for profile in _profiles(curves, f):
        # A start within rounding of a critical level is on it.
        slack = 1e-14 * max(abs(profile.fun[0]), abs(profile.fun[-1]))
        inside = np.flatnonzero(
            (heights >= profile.fun[0] - slack) & (heights <= profile.fun[-1] + slack)
        )
        if not inside.size:
            continue
        clipped = np.clip(heights[inside], profile.fun[0], profile.fun[-1])
        slope, spread = profile.at(clipped)
        less = ~(slope >= best[inside])
        best[inside[less]] = slope[less]
        error[inside[less]] = spread[less]
        place[inside[less]] = profile.curve
    return best, error, place


def slope_ratio(valley: Any, x: ArrayLike) -> SlopeRatio:
    """Slope at points over the least slope at the same height.

    Parameters
    ----------
    valley : Survey, Extremal or list of Extremal
        Whose talwegs hold the least slope: a survey for its whole region, one curve
        (`talweg.trace_talweg`, an element of `Survey.extremals`) for its own valley.
    x : array_like, shape (n,) or (m, n)

    Returns
    -------
    SlopeRatio

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    Notes
    -----
    The least slope on a level is a minimum over a region. Where it is attained on the region's edge,
    no talweg has it, and points near the edge can have ratios below 1.

    References
    ----------
    arXiv 2604.11213; the theory page of the documentation, section "Valleys".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 4 * x[1]**2) / 2, 2)
    >>> valley = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-2, 2), (-2, 2)])
    >>> found = talweg.slope_ratio(valley, [[1.0, 0.0], [0.0, 0.5]])
    >>> found.ratio.round(6)
    array([1., 2.])
    """
    curves = _curves(valley)
    f = _objective(curves)
    points = real_array(x, "x")
    if points.ndim not in (1, 2) or points.shape[-1] != f.n:
        raise ValueError(f"x: want shape ({f.n},) or (m, {f.n}), got {points.shape}")
    rows = np.atleast_2d(points)
    with np.errstate(all="ignore"):
        heights = np.asarray(f(rows), dtype=float)
        slopes = np.linalg.norm(f.grad(rows), axis=1)
        least, error, curve = _least(curves, f, heights)
        ratio = slopes / least
        spread = ratio * error / least
    status = np.full(len(rows), int(Status.CONVERGED))
    # No slope that can be told from 0: on the level of a critical point, whose own ratio is 1, as it
    # is on the talweg.
    with np.errstate(invalid="ignore"):
        critical = least <= error
    status[critical] = int(Status.CRITICAL_POINT)
    with np.errstate(invalid="ignore"):
        ratio[critical] = np.where(slopes[critical] <= 2.0 * error[critical], 1.0, np.inf)
    spread[critical] = 0.0
    status[np.isnan(least)] = int(Status.UNCOVERED)
    broken = ~(np.isfinite(heights) & np.isfinite(slopes))
    status[broken] = int(Status.NON_FINITE)
    ratio[broken] = spread[broken] = np.nan
    result = SlopeRatio(ratio, spread, least, curve, status)
    if points.ndim == 1:
        return SlopeRatio(
            float(ratio[0]),
            float(spread[0]),
            float(least[0]),
            int(curve[0]),
            Status(int(status[0])),
        )
    return result


def in_valley(valley: Any, x: ArrayLike, R: float) -> Any:
    """Whether points lie in the valley V_R: their slope at most R times the least one at their height.

    Parameters
    ----------
    valley : Survey, Extremal or list of Extremal
        See `slope_ratio`.
    x : array_like, shape (n,) or (m, n)
    R : float
        Above 1.

    Returns
    -------
    bool or ndarray of bool, shape (m,)
        False where no talweg has the height; `slope_ratio` tells those apart.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 4 * x[1]**2) / 2, 2)
    >>> valley = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-2, 2), (-2, 2)])
    >>> talweg.in_valley(valley, [[1.0, 0.0], [0.0, 0.5]], 1.5)
    array([ True, False])
    """
    bound = checked_positive(R, "R")
    if bound <= 1.0:
        raise ValueError(f"R: want a ratio above 1, got {R}")
    ratio = slope_ratio(valley, x).ratio
    inside = np.less_equal(ratio, bound)
    return bool(inside) if np.ndim(ratio) == 0 else inside


def valley_widths(curve: Extremal, R: float) -> Floats:
    """Half-widths of the valley V_R across a talweg, to leading order.

    Across the gradient the square of the slope grows on the level set as ``|g|^2 + y . L y``, L the
    Hessian of ``|g|^2 / 2`` there. So the slope ratio reaches R at a distance of
    ``|g| sqrt((R^2 - 1) / l)`` along an eigenvector of L with eigenvalue l.

    Parameters
    ----------
    curve : Extremal
        As `talweg.trace` or `talweg.trace_talweg` gives it.
    R : float
        Above 1.

    Returns
    -------
    ndarray, shape (m, n - 1)
        For each point of the curve, ascending; NaN where it is no talweg. The next order is
        left out: widths far beyond the distance over which L changes are only an indication.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 4 * x[1]**2) / 2, 2)
    >>> curve = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-2, 2), (-2, 2)])
    >>> width = talweg.valleys.valley_widths(curve, 2.0)
    >>> float(width[-1, 0].round(6))  # at (2, 0): |g| = 2, l = 4 (4 - 1)
    1.0
    """
    if not isinstance(curve, Extremal):
        raise TypeError(f"curve: want a traced curve, got {type(curve).__name__}")
    bound = checked_positive(R, "R")
    if bound <= 1.0:
        raise ValueError(f"R: want a ratio above 1, got {R}")
    f = _objective([curve])
    widths = np.full((len(curve), curve.n - 1), np.nan)
    for k in np.flatnonzero(curve.is_talweg):
        x, v, sigma = curve.x[k], curve.eigenvector[k], curve.sigma[k]
        hessian = f.hess(x)
        bending = hessian @ hessian + sigma * f.third(x, v) - curve.eigenvalue[k] * hessian
        # An orthonormal basis across the gradient.
        across = np.linalg.qr(np.column_stack([v, np.eye(curve.n)]))[0][:, 1:]
        values = np.linalg.eigvalsh(across.T @ bending @ across)
        with np.errstate(divide="ignore", invalid="ignore"):
            widths[k] = np.sort(abs(sigma) * np.sqrt((bound**2 - 1.0) / values))
    return widths
