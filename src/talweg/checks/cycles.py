"""Verdicts where theory predicts that no direction wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.measurement import Measurement, measure
from talweg.checks.method import Method, Run
from talweg.checks.minimum import Minimum, lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["judge_cycle"]


def judge_cycle(
    run: Run,
    kept: Any,
    minimum: Minimum,
    method: Method,
    decay: Floats,
) -> tuple[str, str, Measurement | None]:
    """Whether trajectories leave the minimum, or keep parts along several directions."""
    if decay.min() <= 0.0:
        return (*_judge_leaving(run), None)
    if len(kept) < 4 or len(run.index) < 8:
        return "undecided", f"Only {len(kept)} trajectories went down to the minimum.", None
    slowest = float(decay.min())
    tied = decay - slowest <= 1e-12 * max(1.0, slowest)
    y = run.y[:, kept]
    with np.errstate(all="ignore"):
        parts = np.abs(y) / lengths(y)[:, :, None]
    usable = np.flatnonzero(np.isfinite(parts).all(axis=(1, 2)))
    if len(usable) < 8:
        return "undecided", "No asymptotic window: too few records above rounding.", None
    late = parts[usable[len(usable) // 2 :]]
    # Of each trajectory the largest angle with the nearest of the directions, late.
    away = np.sqrt(np.maximum(1.0 - late.max(axis=2) ** 2, 0.0)).max(axis=0)
    outside = float(np.median(np.linalg.norm(late[-1][:, ~tied], axis=1)))
    middle = float(np.median(away))
    dominant = np.zeros(minimum.n, dtype=bool)
    dominant[np.argmax(tied)] = True
    found = measure(run, kept, minimum, method, dominant, np.zeros(minimum.n, dtype=bool))
    seen = (
        f"median sine of the angle with the nearest eigenvector {middle:.2g} in the later half, part outside "
        f"the span {outside:.1g}"
    )
    if middle < 1e-3:
        return "disagrees", f"The trajectories align after all ({seen}).", found
    if outside > 0.1:
        return "undecided", f"The other directions have not died out yet ({seen}).", found
    return "agrees", f"No direction wins ({seen}).", found


def _judge_leaving(run: Run) -> tuple[str, str]:
    """Of an unstable step: all but starts in the stable directions leave."""
    with np.errstate(all="ignore"):
        distance = lengths(run.y)
        nearest = np.nanmin(distance, axis=0)
        last = np.array([row[np.isfinite(row)][-1] for row in distance.T])
    left = (run.status >= 100) | (last > 0.5 * distance[0]) | (last > 10.0 * nearest)
    count, m = int(left.sum()), len(left)
    if count > 0.9 * m:
        return "agrees", f"{count} of {m} trajectories do not stay at the minimum."
    if count < 0.1 * m:
        return "disagrees", f"{m - count} of {m} trajectories go down to the minimum."
    return "undecided", f"{count} of {m} trajectories do not stay at the minimum."
