"""When a run loses the direction of the signal."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array, real_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["BBPTime", "t_bbp"]


#: Cases of runs without a time, and what a message says of them.
_NOT_CROSSING = {
    "below": "start below 1",
    "above": "stay above 1",
    "ended": "end above 1 before the last time",
    "unmeasured": "have fewer than two records",
}


@dataclasses.dataclass(frozen=True, eq=False)
class BBPTime:
    """When R falls through 1.

    Attributes
    ----------
    time : float
        Mean over the runs that cross; NaN if none does.
    error : float
        Standard error of that mean: the spread over the root of the number of runs, together with
        the mean of `interpolation_error`. Of a single run `interpolation_error` alone.
    spread : float
        Standard deviation over runs; NaN for fewer than two.
    times : ndarray, shape (runs,)
        Of each run; NaN where R does not cross.
    interpolation_error : ndarray, shape (runs,)
        Of each time: the distance between a straight line and a cubic between the two records,
        and what `errors` make of it; where R rises above 1 again, half the way to the last
        crossing as well.
    cases : ndarray of str, shape (runs,)
        Of each run: "crosses"; "below", R is below 1 at the first record already, there is no outlier
        to lose; "above", R stays above 1 to the last of the times; "ended", it is above 1 at the last
        record of the run, which has none at later times; "unmeasured", fewer than two records.
    below, above, ended, unmeasured : int
        Runs of these cases.
    message : str
        How many runs there are of each case.
    """

    time: float
    error: float
    spread: float
    times: Floats
    interpolation_error: Floats
    cases: NDArray[np.str_]
    below: int
    above: int
    ended: int
    unmeasured: int
    message: str


def t_bbp(times: ArrayLike, ratios: ArrayLike, errors: ArrayLike | None = None) -> BBPTime:
    """The time at which the test R of measured trajectories falls through 1.

    Parameters
    ----------
    times : array_like, shape (n,)
        Increasing times of the records, two at least.
    ratios : array_like, shape (n,) or (runs, n)
        R at these times, `bbp_ratio` of the empirical law there. NaN where it was not measured,
        as after the end of a run.
    errors : array_like, shape of `ratios`, optional
        Standard errors of `ratios`.

    Returns
    -------
    BBPTime

    Raises
    ------
    ValueError, TypeError
        For times that do not increase, or arrays that do not fit.

    Examples
    --------
    >>> from talweg.phase_retrieval import t_bbp
    >>> found = t_bbp([0.0, 1.0, 2.0, 3.0], [1.5, 1.2, 0.9, 0.7])
    >>> abs(found.time - 5 / 3) < 0.05
    True
    >>> t_bbp([0.0, 1.0, 2.0], [[0.9, 0.8, 0.7], [1.5, 1.4, 1.3], [1.5, 1.4, float("nan")]]).message
    '0 of 3 runs cross; 1 start below 1; 1 stay above 1; 1 end above 1 before the last time.'
    """
    at = finite_array(times, "times")
    if at.ndim != 1 or at.size < 2:
        raise ValueError(f"times: want shape (n,), n at least 2, got {at.shape}")
    if not (np.diff(at) > 0.0).all():
        raise ValueError("times: want increasing times")
    r = np.atleast_2d(real_array(ratios, "ratios"))
    if r.ndim != 2 or r.shape[1] != at.size or not r.shape[0]:
        raise ValueError(
            f"ratios: want shape ({at.size},) or (runs, {at.size}), got {np.shape(ratios)}"
        )
    if errors is None:
        sigma = np.zeros_like(r)
    else:
        sigma = np.atleast_2d(real_array(errors, "errors"))
        if sigma.shape != r.shape:
            raise ValueError(f"errors: want the shape of ratios, got {np.shape(errors)}")
        if (sigma < 0.0).any():
            raise ValueError(f"errors: want numbers from 0 on, got {np.nanmin(sigma):.6g}")
    found = np.full((len(r), 2), np.nan)
    cases = []
    again = 0
    for run, (values, bars) in enumerate(zip(r, sigma)):
        known = np.isfinite(values)
        if known.sum() < 2:
            cases.append("unmeasured")
            continue
        t, x, bar = at[known], values[known], bars[known]
        falls = np.flatnonzero((x[:-1] > 1.0) & (x[1:] <= 1.0))
        if x[0] <= 1.0:
            cases.append("below")
        elif not falls.size:
            cases.append("above" if known[-1] else "ended")
        else:
            cases.append("crosses")
            again += falls.size > 1
            found[run] = _crossing(t, x, np.nan_to_num(bar), falls)
    crossed = np.isfinite(found[:, 0])
    count = int(crossed.sum())
    mean = float(found[crossed, 0].mean()) if count else math.nan
    spread = float(found[crossed, 0].std(ddof=1)) if count > 1 else math.nan
    own = float(found[crossed, 1].mean()) if count else math.nan
    error = math.hypot(spread / math.sqrt(count), own) if count > 1 else own
    others = {case: cases.count(case) for case in _NOT_CROSSING}
    message = f"{count} of {len(r)} runs cross"
    for case, what in _NOT_CROSSING.items():
        if others[case]:
            message += f"; {others[case]} {what}"
    if again:
        message += f"; {again} cross more than once"
    return BBPTime(
        mean,
        error,
        spread,
        found[:, 0],
        found[:, 1],
        np.array(cases),
        **others,
        message=message + ".",
    )


def _crossing(t: Floats, x: Floats, bar: Floats, falls: Any) -> tuple[float, float]:
    """The first crossing and its error."""
    from scipy.interpolate import PchipInterpolator

    i = int(falls[0])
    slope = (x[i + 1] - x[i]) / (t[i + 1] - t[i])
    line = float(t[i] + (1.0 - x[i]) / slope)
    near = slice(max(0, i - 2), i + 4)
    curve = PchipInterpolator(t[near], x[near] - 1.0)
    roots = [root for root in curve.roots(extrapolate=False) if t[i] <= root <= t[i + 1]]
    cubic = float(roots[0]) if roots else line
    # Both neighbours' errors, as they move the straight line.
    share = (line - t[i]) / (t[i + 1] - t[i])
    noise = math.hypot((1.0 - share) * bar[i], share * bar[i + 1]) / abs(slope)
    j = int(falls[-1])
    last = float(t[j] + (1.0 - x[j]) * (t[j + 1] - t[j]) / (x[j + 1] - x[j]))
    wander = 0.5 * (last - line) if j != i else 0.0
    return cubic, math.hypot(abs(cubic - line), math.hypot(noise, wander))
