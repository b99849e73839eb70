"""Rates at which volume shrinks and concentrates, measured from sums over points."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.comparison import Comparison, late_slope
from talweg.checks.shares import Sums
from talweg.descent import descend
from talweg.gradient_flow import flow
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["cone_decay", "directional_rates", "volume_decay"]

#: Trajectories that tangent maps are followed along.
_TRAJECTORIES = 64
_MOST_COORDINATES = 64
_MOST_STEPS = 2000
_MOST_PIECES = 6000

#: An error above this part of a rate says too little.
_TELLING = 0.25
#: Points outside from which on a curvature is looked for, and when it is one: the relative change of
#: slope, also in standard errors.
_FEW = 8.0
_BENT, _DEVIATION = 0.5, 3.5

_TOO_SHORT = "the run is too short for a limit: take a later last time"


def volume_decay(times: Any, sums: Sums, predicted: float, rate: float) -> Comparison:
    """The slope of the mean logarithm of the factor of volume, late in the run.

    `rate` is that of the logarithm of the distance from the minimum, at last.
    """
    if not np.isfinite(predicted):
        return Comparison.none(predicted, "the map is singular at the minimum: volume is lost")
    if len(times) < 3:
        return Comparison.none(predicted, "fewer than three times")
    mass = sums.mass.sum(axis=1)
    if not (mass[-1] > 0 and (mass == mass[-1]).all()):
        return Comparison.none(
            predicted, "some maps are singular, or no point is followed to the last time"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        each = sums.leave_one_out(sums.log) / sums.leave_one_out(sums.mass)
    found = late_slope(times, sums.log.sum(axis=1) / mass, rate)
    if found is None:
        return Comparison.none(predicted, _TOO_SHORT)
    value, left, window = found
    around = late_slope(times, each, rate)
    assert around is not None
    return Comparison.of(
        predicted, float(value), float(np.hypot(_jackknife(around[0]), left)), window, ""
    )


def cone_decay(times: Any, sums: Sums, j: int, predicted: float, resolved: Any) -> Comparison:
    """The slope of the logarithm of the share outside set `j`, where that is a straight line.

    `resolved` says at which times points are far enough from the minimum for their directions.
    """
    if not predicted < 0.0:
        return Comparison.none(
            predicted,
            "no decay is predicted: directions other than the talweg's shrink no faster",
        )
    if not np.isfinite(predicted):
        return Comparison.none(
            predicted, "all other directions are lost in one step; there is no rate to fit"
        )
    total = sums.weight.sum(axis=1)
    out, squares = sums.outside[j].sum(axis=1), sums.outside_square[j].sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share, size = out / total, out**2 / squares
    # A few heavy points are no distribution, and a jackknife over them no error.
    enough = sums.effective_size() >= 200.0
    fine = (share > 0) & (share <= 0.25) & (size >= 40) & resolved & enough
    places = np.flatnonzero(fine)
    if places.size and not (np.diff(places) == 1).all():
        # The last stretch without a gap.
        places = places[np.flatnonzero(np.diff(places) > 1)[-1] + 1 :]
    words = "shares between 0.25 and that of 40 points"
    if places.size < 4:
        return Comparison.none(
            predicted,
            f"no window: fewer than four times have {words}, so that there is no line to fit"
            + ("" if resolved.all() else "; late points are too close to the minimum")
            + ("" if enough.all() else "; few points carry all the weight at some times"),
        )
    t = np.asarray(times, dtype=float)[places]
    if share[places[0]] < 2.0 * share[places[-1]]:
        return Comparison.none(
            predicted, f"no window: over the times with {words} the share falls by less than half"
        )
    weights = np.minimum(size[places], 2000.0)
    slope = _line(t, np.log(share[places]), weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = sums.leave_one_out(sums.outside[j]) / sums.leave_one_out(sums.weight)
        slopes = np.array([_line(t, np.log(row), weights) for row in each[places].T])
    half = len(t) // 2
    late = _line(t[half:], np.log(share[places][half:]), weights[half:]) if half > 1 else slope
    # Volume shrinks at another rate than at last where Hessians are not yet those of the minimum.
    logs = sums.log.sum(axis=1) / sums.mass.sum(axis=1)
    far = (logs[places[-1]] - logs[places[0]]) / (t[-1] - t[0]) - (logs[-1] - logs[-2]) / float(
        times[-1] - times[-2]
    )
    error = float(np.linalg.norm([_jackknife(slopes), late - slope, far]))
    window = (float(t[0]), float(t[-1]))
    if _bent(times, share, each, size * resolved, places):
        return Comparison(
            predicted,
            float(slope),
            error,
            window,
            None,
            "no window: the share falls along no line, as where all points of a region come from one "
            "side and none stay outside",
        )
    if error > _TELLING * abs(predicted):
        return Comparison(
            predicted, float(slope), error, window, None, "the error is too large for a verdict"
        )
    return Comparison.of(predicted, float(slope), error, window, "")


def _bent(times: Any, share: Floats, each: Floats, size: Floats, places: Any) -> bool:
    """Whether the logarithm of a share curves, seen down to fewer points than a line is fitted to."""
    last = int(places[-1])
    while last + 1 < len(share) and size[last + 1] >= _FEW:
        last += 1
    rows = np.arange(places[0], last + 1)
    t, weights = np.asarray(times, dtype=float)[rows], np.minimum(size[rows], 2000.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        bend = _bend(t, np.log(share[rows]), weights)
        bends = np.array([_bend(t, np.log(row), weights) for row in each[rows].T])
    return bool(abs(bend) > max(_BENT, _DEVIATION * _jackknife(bends)))


def _bend(t: Floats, y: Floats, weights: Floats) -> float:
    """The change of the slope from the first time to the last, over their mean."""
    if not np.isfinite(y).all():
        return float("nan")
    square, line, _ = np.polyfit((t - t[0]) / (t[-1] - t[0]), y, 2, w=np.sqrt(weights))
    return float(2.0 * square / (line + square))


def _line(t: Floats, y: Floats, weights: Floats) -> float:
    centre = np.average(t, weights=weights)
    return float((weights * (t - centre) * y).sum() / (weights * (t - centre) ** 2).sum())


def _jackknife(values: Floats) -> float:
    """Standard error from estimates with each group left out."""
    fine = values[np.isfinite(values)]
    if len(fine) < len(values):
        return float("inf")
    return float(np.sqrt((len(fine) - 1) * np.mean((fine - fine.mean()) ** 2)))


def directional_rates(
    f: Objective,
    starts: Floats,
    step: float | None,
    last: float,
    predicted: Floats,
    workers: int | None,
) -> Comparison:
    """Growth of n directions under the tangent map, by QR along trajectories, in descending order."""
    if f.n > _MOST_COORDINATES:
        return Comparison.none(
            predicted, f"not followed with more than {_MOST_COORDINATES} coordinates"
        )
    if not np.isfinite(predicted).all():
        return Comparison.none(predicted, "a direction is lost in one step: there is no rate")
    x = starts[: max(min(_TRAJECTORIES, 8 * _TRAJECTORIES // f.n), 8)]
    if not len(x):
        return Comparison.none(predicted, "no point goes to the minimum")
    # Distances from the minimum and from the frame of eigenvectors both fall on the way; a window
    # wants them down to a twentieth. Tangent maps keep their digits next to the minimum.
    gaps = np.diff(predicted)
    slowest = float(max(predicted[0], gaps[gaps < 1e-9 * predicted[-1]].max(initial=-np.inf)))
    if not slowest < 0.0:
        return Comparison.none(predicted, "the minimum does not attract: there is no limit")
    need = 4.0 * np.log(20.0) / -slowest
    if need > (50.0 * last if step is None else max(50 * last, _MOST_STEPS)):
        return Comparison.none(
            predicted,
            "two eigenvalues are too close together, or one to 0, to be told apart in time",
        )
    end = max(last, need)
    if step is None:
        times = np.array([end / 2, 3 * end / 4, end])
        curvature = np.linalg.eigvalsh(f.hess(x))
        spread = float((curvature[:, -1] - curvature[:, 0]).max())
        # Within a piece directions may not part by more than the digits of numbers.
        pieces = 4 * int(np.ceil(max(60.0, end * max(spread, predicted[0] - predicted[-1]) / 40.0)))
        if not pieces <= _MOST_PIECES:
            return Comparison.none(
                predicted, "too stiff: exponentials along the flow would be too many"
            )
        stretch = _flow_stretch(f, x, times, pieces, workers)
    else:
        times = np.ceil(end / 4) * np.array([2, 3, 4])
        stretch = np.array(
            [
                descend(f, x, step, int(k), tangent=True, workers=workers).stretch
                for k in times.tolist()
            ]
        )
    fine = np.isfinite(stretch).all(axis=(0, 2))
    if not fine.any():
        return Comparison.none(predicted, "all trajectories met a singular map")
    found = late_slope(times, stretch[:, fine], slowest)
    if found is None:
        return Comparison.none(predicted, _TOO_SHORT)
    slopes, left, window = found
    # A direction that no Hessian on the way mixes with others keeps its place among them.
    order = np.argsort(-slopes, axis=1)
    slopes, left = np.take_along_axis(slopes, order, 1), np.take_along_axis(left, order, 1)
    count = max(int(fine.sum()), 2)
    error = np.hypot(slopes.std(axis=0) / np.sqrt(count), left.mean(axis=0))
    return Comparison.of(predicted, slopes.mean(axis=0), error, window, "")


def _flow_stretch(
    f: Objective, x: Floats, times: Floats, pieces: int, workers: int | None
) -> Floats:
    """The same for the flow: ``Y' = -H(x(t)) Y`` by exponentials at Gauss's nodes, of order four."""
    h = float(times[-1]) / pieces
    node = np.sqrt(3.0) / 6.0
    at = h * (np.arange(pieces)[:, None] + [0.5 - node, 0.5 + node])
    path = flow(f, x, at.ravel(), 1e-8, 1e-14, workers=workers).x
    n = f.n
    hessian = np.full((*path.shape[:2], n, n), np.nan)
    fine = np.isfinite(path).all(axis=2)
    hessian[fine] = f.hess(path[fine])
    hessian = hessian.reshape(pieces, 2, len(x), n, n)
    # Without commutators: Y <- exp(-h (a H2 + b H1)) exp(-h (a H1 + b H2)) Y.
    a, b = 0.25 + node, 0.25 - node
    frame = np.broadcast_to(np.eye(n), (len(x), n, n)).copy()
    total = np.zeros((len(x), n))
    found = []
    wanted = np.rint(times / h).astype(int)
    for k in range(pieces):
        first, second = hessian[k]
        usable = np.isfinite(first).all(axis=(1, 2)) & np.isfinite(second).all(axis=(1, 2))
        total[~usable] = np.nan
        for matrix in (a * first + b * second, b * first + a * second):
            values, vectors = np.linalg.eigh(np.where(usable[:, None, None], matrix, 0.0))
            rotated = vectors.transpose(0, 2, 1) @ frame
            frame = vectors @ (np.exp(-h * values)[:, :, None] * rotated)
        frame, triangle = np.linalg.qr(frame)
        with np.errstate(divide="ignore"):
            total += np.log(np.abs(np.diagonal(triangle, axis1=1, axis2=2)))
        if k + 1 in wanted:
            found.append(total.copy())
    return np.array(found)
