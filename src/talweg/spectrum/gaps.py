"""Where the gap between two neighbouring eigenvalues is smallest."""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["smallest_gap"]

_GOLDEN = 0.3819660112501051


def smallest_gap(
    gap: Callable[[float], float],
    low: float,
    high: float,
    start: float,
    resolution: float,
    most: int = 60,
) -> tuple[float, float]:
    """The place in ``[low, high]`` where a gap of eigenvalues is smallest, and the gap there.

    The square of a gap is nearly a parabola both where eigenvalues cross (with its minimum at 0)
    and where they avoid each other, so that parabolas through three points converge fast. Ends
    once the gap is below `resolution` or the place no longer moves.
    """
    a, b = low, high
    x = min(max(start, low + 1e-3 * (high - low)), high - 1e-3 * (high - low))
    fx = gap(x) ** 2
    ends = [(gap(low) ** 2, low), (gap(high) ** 2, high)]
    fw, w = min(ends)
    fv, v = max(ends)
    for _ in range(most):
        if math.sqrt(max(fx, 0.0)) <= resolution:
            break
        step = _vertex(x, fx, w, fw, v, fv)
        smallest = 1e-15 * max(abs(x), abs(high), 1e-300)
        if step is None or not a < x + step < b:
            step = _GOLDEN * ((b if x < (a + b) / 2 else a) - x)
        if abs(step) <= smallest:
            # A parabola through points of equal height on both sides knows nothing of what is
            # between: only if it is higher beside x the place is found.
            beside = [s for s in (1e-4, -1e-4) if a < x + s * (high - low) < b]
            lower = [s for s in beside if gap(x + s * (high - low)) ** 2 < fx]
            if not lower:
                break
            step = lower[0] * (high - low)
        u = x + step
        fu = gap(u) ** 2
        if fu <= fx:
            if u >= x:
                a = x
            else:
                b = x
            (v, fv), (w, fw), (x, fx) = (w, fw), (x, fx), (u, fu)
            if abs(step) <= 1e-9 * (high - low) and fw - fu <= 1e-12 * fu:
                break
        else:
            if u < x:
                a = u
            else:
                b = u
            if fu <= fw or w == x:
                (v, fv), (w, fw) = (w, fw), (u, fu)
            elif fu <= fv or v in (x, w):
                v, fv = u, fu
            if abs(step) <= 1e-9 * (high - low):
                break
    best = min((fx, x), *ends)
    return best[1], math.sqrt(best[0])


def _vertex(x: float, fx: float, w: float, fw: float, v: float, fv: float) -> float | None:
    """From x to the lowest point of the parabola through three points, None where there is none."""
    r = (x - w) * (fx - fv)
    q = (x - v) * (fx - fw)
    p = (x - v) * q - (x - w) * r
    q = 2 * (q - r)
    if q == 0 or not math.isfinite(p / q if q else math.inf):
        return None
    step = -p / q
    # Upwards it would be the highest point.
    curvature = ((fw - fx) / (w - x) - (fv - fx) / (v - x)) / (w - v) if len({x, w, v}) == 3 else 0
    return step if curvature > 0 else None
