"""The rate at which an ensemble turns into a direction, measured without knowing what to expect."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.exponents import FEWEST_VALUES, Exponents, fit_exponents, usable_length
from talweg.checks.method import Method, Run
from talweg.checks.minimum import Minimum, lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Measurement", "measure"]

_EPS = float(np.finfo(float).eps)
#: A term that is smaller, against all others at the end of its window, does not govern there.
_GOVERNS = 0.1
#: Directions with larger tangents have not aligned.
_SMALL = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class Measurement:
    """How fast the tangent of the angle falls. Rates are those of a unit of time.

    Attributes
    ----------
    rate, error : float
        Of the slowest term that is seen, with its standard error; NaN where there is no window.
    component : int or None
        The direction in which that term is seen.
    rates, shares : ndarray, shape (terms,)
        All terms in that direction, and their relative sizes at the end of the window.
    multiplicity : int
        How many terms are equally slow up to what can be resolved: with two the tangent falls like
        t exp(-rate t), with three like t^2 exp(-rate t).
    window : tuple of float
        From when to when, in time.
    slope, slope_error : float
        Of the logarithm of the tangent in the window, with minus sign: the mean over trajectories
        and its standard error. A fit of one exponential, for comparison.
    tangent : float
        Root of the mean square of the tangent at the end of the window.
    coordinate : float
        And that of the dominant coordinate.
    floor : float
        What rounding leaves of the tangent there.
    reason : str
        Why there is no asymptotic window; empty where there is.
    """

    rate: float
    error: float
    component: int | None
    rates: Floats
    shares: Floats
    multiplicity: int
    window: tuple[float, float]
    slope: float
    slope_error: float
    tangent: float
    coordinate: float
    floor: float
    reason: str


def measure(
    run: Run, kept: Any, minimum: Minimum, method: Method, dominant: Any, soft: Any
) -> Measurement:
    """The measurement of the trajectories `kept` of a run.

    Parameters
    ----------
    run : Run
    kept : ndarray of int
    minimum : Minimum
    method : Method
    dominant : ndarray of bool, shape (n,)
        The directions that the angle is measured from.
    soft : ndarray of bool, shape (n,)
        Directions that shrink more slowly, of trajectories in a strong stable manifold: rounding
        brings them back.

    Returns
    -------
    Measurement
    """
    y = run.y[:, kept]
    d = int(np.argmax(dominant))
    along = _along(y[:, :, dominant], method.oscillation(float(minimum.eigenvalues[d])))
    with np.errstate(all="ignore"):
        ratio = y / along[:, :, None]
    ratio[:, :, dominant] = 0.0
    size = np.sqrt((ratio**2).mean(axis=1))
    tangent = np.linalg.norm(ratio, axis=2)
    distance = lengths(along) / np.sqrt(len(kept))
    spacing = float(run.index[1] - run.index[0]) if len(run.index) > 1 else 1.0
    floor = _floors(run, minimum, method, d, dominant, soft, distance)
    relative = 1e-11 if method.step_length is None else 1e-13
    # An exponent of 0 has no relative error: small is what changes nothing in the whole run.
    flat = 1e-3 / len(run.index)
    fits: dict[int, Exponents] = {}
    unclear: list[int] = []
    usable = 0
    for j in np.flatnonzero(~dominant):
        with np.errstate(all="ignore"):
            noise = relative + floor[:, j] / size[:, j]
        noise[~np.isfinite(noise)] = np.inf
        noise = np.maximum.accumulate(noise)
        usable = max(usable, usable_length(size[:, j], noise))
        fit = fit_exponents(ratio[:, :, j].T, noise)
        if fit is not None:
            fits[int(j)] = fit
        else:
            unclear.append(int(j))
    if not fits:
        if usable < FEWEST_VALUES:
            return _nothing(
                f"only {usable} records are above rounding, of the {FEWEST_VALUES} that a fit needs"
                + ("" if method.step_length is None else ": the angle is gone in a few steps")
            )
        return _nothing(
            f"no window of the {usable} records above rounding is described by a few exponentials"
        )
    clear = {
        j: fit for j, fit in fits.items() if fit.error < 0.1 * abs(fit.rate) or fit.error < flat
    }
    unclear += [j for j in fits if j not in clear]
    if not clear:
        return _nothing("the exponents of different windows differ by more than a tenth")
    component = _governing(clear, size)
    fit = clear[component]
    unit = spacing * method.unit
    # Rounding, or the tolerance of the flow, at each step or unit of the fastest decay.
    resolution = _resolution(minimum, method)
    error = fit.error / unit + resolution
    window = slice(fit.start, fit.end + 1)
    times = run.index[window] * method.unit
    slope, slope_error = _slope(times, tangent[window])
    end = fit.end
    last = float(np.median(tangent[end]))
    reason = _reason(unclear, component, size[end], fit)
    if not reason and last > _SMALL:
        reason = f"the tangent of the angle is still {last:.2g} when the window ends"
    return Measurement(
        rate=fit.rate / unit,
        error=error,
        component=component,
        rates=fit.rates / unit,
        shares=fit.shares,
        multiplicity=fit.multiplicity,
        window=(float(times[0]), float(times[-1])),
        slope=slope,
        slope_error=slope_error,
        tangent=float(np.sqrt((tangent[end] ** 2).mean())),
        coordinate=float(distance[end]),
        floor=float(floor[end].max()),
        reason=reason,
    )


def _along(y: Floats, oscillation: tuple[float, float] | None) -> Floats:
    """The dominant coordinate; its amplitude, which has no zeros, where it oscillates."""
    if oscillation is None:
        return y[:, :, 0] if y.shape[2] == 1 else lengths(y)
    trace, determinant = oscillation
    before = np.concatenate([y[:1], y[:-1]])
    middle = y - 0.5 * trace * before
    rest = np.sqrt(determinant - 0.25 * trace**2) * before
    return lengths(np.concatenate([middle, rest], axis=2))


def _floors(
    run: Run,
    minimum: Minimum,
    method: Method,
    d: int,
    dominant: Any,
    soft: Any,
    distance: Floats,
) -> Floats:
    """Tangents, component by component, below which there is rounding; shape (k, n)."""
    decay = method.decay(minimum.eigenvalues)
    gaps = np.abs(decay - decay[d])
    gaps[dominant] = np.inf
    with np.errstate(all="ignore"):
        # Errors of the gradient that are always the same, and those that change from step to step.
        gap = np.abs(minimum.eigenvalues - minimum.eigenvalues[d])
        gain = np.maximum(1.0, gap * np.nan_to_num(method.amplification(minimum.eigenvalues, d)))
        floor = np.tile(4.0 * minimum.floor[d] * gain, (len(run.index), 1))
        # Coordinates that have left the range of numbers do not shrink with the distance.
        floor += 1e-286 / distance[:, None]
        if method.step_length is None and minimum.floor.any():
            floor += 1e-13 * np.maximum(1.0, minimum.eigenvalues[-1] / gaps)
        if minimum.noise > 0.0:
            floor += minimum.noise * method.unit / (np.minimum(gaps, 1.0) * distance[:, None])
        if run.y[:, :, soft].any():
            # Rounding at the start grows against what is measured.
            small = 8.0 * _EPS if method.step_length is not None else 1e-13
            growth = np.exp(np.minimum(np.outer(run.index, decay[d] - decay[soft]), 600.0))
            floor[:, soft] += small * growth
            floor[:, ~soft] += small * growth.max(axis=1)[:, None] * distance[0]
    floor[np.isnan(floor)] = np.inf
    return floor


def _resolution(minimum: Minimum, method: Method) -> float:
    stiffest = float(minimum.eigenvalues[-1])
    if method.step_length is None:
        return 1e-11 * stiffest
    return 8.0 * minimum.n * _EPS / method.step_length


def _slope(times: Floats, tangent: Floats) -> tuple[float, float]:
    with np.errstate(all="ignore"):
        logs = np.log(tangent)
    good = np.isfinite(logs).all(axis=0)
    if not good.any() or len(times) < 2:
        return np.nan, np.nan
    slopes = -np.polyfit(times - times.mean(), logs[:, good], 1)[0]
    spread = float(slopes.std(ddof=1) / np.sqrt(len(slopes))) if len(slopes) > 1 else 0.0
    return float(slopes.mean()), spread


def _governing(clear: dict[int, Exponents], size: Floats) -> int:
    """Of the directions with the slowest term, as far as errors tell, the one with the largest."""
    slowest = min(clear.values(), key=lambda fit: fit.rate)

    def largest(j: int) -> float:
        fit = clear[j]
        return float(size[fit.end, j] * fit.share)

    alike = [
        j
        for j, fit in clear.items()
        if fit.rate - slowest.rate <= 4.0 * (fit.error + slowest.error) + 1e-9 * abs(slowest.rate)
    ]
    # At one time: the size at the end of the shortest window.
    end = min(clear[j].end for j in alike)
    return max(alike, key=lambda j: largest(j) * np.exp((clear[j].end - end) * clear[j].rate))


def _reason(unclear: list[int], component: int, size: Floats, fit: Exponents) -> str:
    largest = float(np.nanmax(size)) if np.isfinite(size).any() else np.nan
    for j in unclear:
        if size[j] > _GOVERNS * largest:
            return (
                f"the part along direction {j}, as large as any at the end of the window, is not a sum "
                "of a few exponentials there"
            )
    slowest = fit.share * size[component]
    if slowest < _GOVERNS * largest:
        return (
            "the slowest term that is seen does not govern the angle before rounding does: it is "
            f"{slowest / largest:.1e} of it at the end of the window"
        )
    return ""


def _nothing(reason: str) -> Measurement:
    nan, empty = float("nan"), np.zeros(0)
    return Measurement(nan, nan, None, empty, empty, 1, (nan, nan), nan, nan, nan, nan, nan, reason)
