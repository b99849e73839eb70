"""Quadrature of the law of (lambda, u) in threshold states."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["ThresholdNodes", "largest_root", "threshold_nodes"]

#: Standard normal densities are dropped beyond this.
_REACH = 9.0


class ThresholdNodes(NamedTuple):
    """Points of the quarter plane lambda, u > 0, raveled.

    Attributes
    ----------
    lam, u, probability : ndarray, shape (n,)
    force : ndarray, shape (n,)
        The derivative of the loss.
    d : ndarray, shape (n,)
        Its second derivative.
    """

    lam: Floats
    u: Floats
    probability: Floats
    force: Floats
    d: Floats


def threshold_nodes(a: float, chi: float, s: float, fineness: float = 1.0) -> ThresholdNodes:
    """Nodes and weights of the threshold law.

    Given u, lambda minimises ``l(lambda) + (lambda - z)^2 / (2 chi)``, z is standard normal and has
    the weight ``exp(-s min)``. The integral runs over lambda in place of z = lambda + chi l'(lambda),
    which makes it free of roots: the minimisers are the lambda beyond the largest root of z.
    """
    u, du, has_gap = _outer(a, chi, fineness)
    kappa = np.ones_like(u) if math.isinf(a) else 1.0 / (a + u * u)
    # lambda = xi / sqrt(kappa), in which z is proportional to xi (xi^2 - gap).
    rho = u * u * kappa
    gap = rho - 0.5 / chi
    far = largest_root(gap, _REACH * np.sqrt(kappa) / (2.0 * chi))
    inside = gap <= 0.0
    # 1 + chi d has its zeros at xi = +-sqrt(gap / 3), imaginary below the gap; both maps keep them
    # at a fixed distance from the range of t.
    scale = np.sqrt(np.abs(gap) / 3.0)
    first = np.sqrt(np.maximum(gap, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        length = np.where(inside, np.arcsinh(far / scale), np.arccosh(far / first))
    order = math.ceil(fineness * (72 if has_gap else 56))
    y, dy = _unit(order)
    t = length[:, None] * y
    even, odd = np.cosh(t), np.sinh(t)
    inside, scale, first = inside[:, None], scale[:, None], first[:, None]
    xi = np.where(inside, scale * odd, first * even)
    jacobian = np.where(inside, scale * even, first * odd) * length[:, None] * dy
    stretch, rho = 1.0 / np.sqrt(kappa)[:, None], rho[:, None]
    lam = stretch * xi
    difference = xi * xi - rho
    force = 2.0 * lam * difference
    d = 2.0 * (3.0 * xi * xi - rho)
    z = lam + chi * force
    least = 0.5 * (stretch * difference) ** 2 + 0.5 * chi * force * force
    # For large s the least energy of each u would underflow.
    exponent = -0.5 * z * z - s * least
    exponent -= exponent.max(axis=1, keepdims=True)
    weights = np.exp(exponent) * (1.0 + chi * d) * jacobian
    weights *= (du * np.exp(-0.5 * u * u) / weights.sum(axis=1))[:, None]
    weights /= weights.sum()
    return ThresholdNodes(
        lam.ravel(),
        np.broadcast_to(u[:, None], lam.shape).ravel(),
        weights.ravel(),
        force.ravel(),
        d.ravel(),
    )


def largest_root(gap: Floats, target: Floats) -> Floats:
    """The largest root xi of ``xi (xi^2 - gap) = target``, targets positive."""
    xi: Floats = np.cbrt(target) + np.sqrt(np.maximum(gap, 0.0))
    # Newton's method from the right of the root of a convex function.
    for _ in range(60):
        step = (xi * (xi * xi - gap) - target) / (3.0 * xi * xi - gap)
        xi = xi - step
        if (np.abs(step) <= 1e-14 * xi).all():
            break
    return xi


def _outer(a: float, chi: float, fineness: float) -> tuple[Floats, Floats, bool]:
    """Nodes in u, and whether some u there have no minimiser next to 0."""
    scale = 1.0 if math.isinf(a) else math.sqrt(a)
    if math.isinf(a):
        opens = 1.0 / math.sqrt(2.0 * chi)
    else:
        opens = math.sqrt(a / (2.0 * chi - 1.0)) if 2.0 * chi > 1.0 else math.inf
    # u = scale sinh t, as the loss varies on the scale sqrt(a).
    last = math.asinh(_REACH / scale)
    if opens >= _REACH:
        y, dy = _unit(math.ceil(fineness * (16 + 10 * last)))
        t, dt = last * y, last * dy
    else:
        # The inner integral grows like the inverse root of the distance to where the gap opens.
        middle = math.asinh(opens / scale)
        y, dy = _unit(math.ceil(fineness * (20 + 12 * middle)))
        x, dx = _unit(math.ceil(fineness * (20 + 12 * (last - middle))))
        t = np.concatenate([middle * (1.0 - y * y), middle + (last - middle) * x * x])
        dt = np.concatenate([2.0 * middle * y * dy, 2.0 * (last - middle) * x * dx])
    return scale * np.sinh(t), scale * np.cosh(t) * dt, opens < _REACH


def _unit(order: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights for (0, 1)."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    return 0.5 * (nodes + 1.0), 0.5 * weights
