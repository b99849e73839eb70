"""Laws of complex data.

With lambda and u complex the second derivative of a sample's loss is a matrix of two rows, symmetric
under reflection at lambda: one weight belongs to the projection along lambda, one to that across. In
the limit of large N both projections count as samples of their own, so that a law of complex data is
one of twice as many points with half the probability.
"""

from __future__ import annotations

import cmath
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.phase_retrieval.curvature import complex_weights, curvature_floor
from talweg.phase_retrieval.law import Law

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["complex_empirical", "complex_gaussian", "finite_complex_array", "phases"]

#: Step of the quadrature in t of |lambda|^2 = exp(t - exp(-t - shift)), and the coarser one. Integrands
#: are analytic and bounded for |Im t| up to about pi/2, so the error is of order exp(-pi^2 / step).
_STEP, _COARSE_STEP = 0.28, 0.36

#: Exponential densities are dropped beyond this.
_REACH = 38.0

#: Phases of means that depend on them: common ones of lambda and u, and differences for small m.
_PHASES, _COARSE_PHASES = 12, 8
_DIFFERENCES, _COARSE_DIFFERENCES = 64, 48


def phases(count: int) -> list[complex]:
    """Numbers of modulus 1, evenly spaced."""
    return [cmath.exp(2j * math.pi * k / count) for k in range(count)]


def finite_complex_array(value: Any, argument: str) -> np.ndarray:
    """A copy of `value` as finite complex numbers, or an error that names the argument."""
    array = np.asarray(value)
    if array.dtype.kind != "c":
        return finite_array(array, argument).astype(np.complex128)
    return finite_array(array.real, argument) + 1j * finite_array(array.imag, argument)


def complex_gaussian(a: float, m: float, hessian: str) -> Law:
    """`gaussian_law` of complex data."""
    coarse = _gaussian(a, m, hessian, _COARSE_STEP, _COARSE_PHASES, _COARSE_DIFFERENCES, None)
    return _gaussian(a, m, hessian, _STEP, _PHASES, _DIFFERENCES, coarse)


def _gaussian(
    a: float, m: float, hessian: str, step: float, common: int, between: int, coarse: Law | None
) -> Law:
    X, Y, probability = _nodes(a, m, step, 0.0)
    probability = probability / probability.sum()
    weights = complex_weights(X, Y, a, hessian)
    if m == 0.0:
        turned: dict[str, Any] = {
            "images": tuple((one, other) for one in phases(common) for other in phases(common))
        }
    else:
        turned = {"squares": _squares(X, Y, m), **_turned(X, Y, m, common, between)}

    def contour() -> tuple[Any, Any]:
        # What a factor exp(-i angle) of lambda and its inverse of u leave of the strip.
        angle = min(math.pi / 8, math.acos(abs(m)) / 4)
        x, y, part = _nodes(a, m, 0.6 * step * angle / (math.pi / 8), angle)
        d = np.concatenate(complex_weights(x, y, a, hessian))
        return d, _twice(part / part.sum())

    at = "" if m == 0.0 else f", overlap {m:g}"
    return Law(
        np.tile(np.sqrt(X), 2),
        np.tile(np.sqrt(Y), 2),
        np.concatenate(weights),
        _twice(probability),
        curvature_floor(a),
        overlap=m,
        complex=True,
        coarse=coarse,
        description=f"complex Gaussian, a = {a:g}{at}",
        contour=contour,
        **turned,
    )


def _twice(probability: Any) -> Any:
    return np.tile(0.5 * probability, 2)


def _nodes(a: float, m: float, step: float, angle: float) -> tuple[Any, Any, Any]:
    """|lambda|^2 and |u|^2, continued to factors exp(-2i angle) and exp(2i angle), and weights.

    Their joint density has the Bessel function I0 of kappa = 2 m |lambda| |u| / (1 - m^2), an entire
    function of the product, which is real on the contour as well. Poles of the weights lie on the
    negative axis, from -a/3 and -a on; the map brings them to |Im t| above pi/2 for every a.
    """
    from scipy.special import ive

    square = 1.0 - m * m
    step *= min(1.0, 1.2 * math.sqrt(square))
    reach = _REACH / (math.cos(2.0 * angle) - abs(m) * (angle > 0.0))
    x, wx = _half_line(min(a / 3.0, 1.0), step, reach)
    y, wy = _half_line(min(a, 1.0), step, reach)
    x, y = (part.ravel() for part in np.meshgrid(x, y, indexing="ij"))
    turn = cmath.exp(-2j * angle) if angle else 1.0
    X, Y = x * turn, y / turn
    kappa = 2.0 * abs(m) * np.sqrt(x * y) / square
    weights = np.outer(wx, wy).ravel() * np.exp(kappa - (X + Y) / square) * ive(0, kappa)
    keep = np.abs(weights) > 1e-22 * np.abs(weights).max()
    return X[keep], Y[keep], weights[keep]


def _half_line(scale: float, step: float, reach: float) -> tuple[Floats, Floats]:
    """Trapezoidal rule for x > 0, where what lies below `scale` is smooth."""
    shift = 1.0 - math.log(scale)
    first, last = -shift - 3.7, math.log(reach)
    t = first + step * np.arange(math.ceil((last - first) / step) + 1)
    steep = np.exp(-t - shift)
    x = np.exp(t - steep)
    return x, step * x * (1.0 + steep)


def _squares(X: Floats, Y: Floats, m: float) -> Floats:
    """Means of twice the squared parts of (u - m lambda)/sqrt(1 - m^2) along lambda and across.

    Given the moduli, the difference of phases has the density exp(kappa cos psi).
    """
    from scipy.special import ive

    square = 1.0 - m * m
    kappa = 2.0 * m * np.sqrt(X * Y) / square
    cosine = ive(1, np.abs(kappa)) / ive(0, kappa) * np.sign(kappa)
    small = np.abs(kappa) < 1e-8
    across = np.where(small, 0.5, cosine / np.where(small, 1.0, kappa))
    along = Y * (1.0 - across) - 2.0 * m * np.sqrt(X * Y) * cosine + m * m * X
    return np.concatenate([2.0 * along, 2.0 * Y * across]) / square


def _turned(X: Floats, Y: Floats, m: float, common: int, between: int) -> dict[str, Any]:
    """The phases of a law with an overlap, the difference with the density exp(kappa cos psi).

    For m near 1 that is narrow about 0, for m near -1 about pi; nodes are denser there.
    """
    narrow = (1.0 - m * m) ** (1.0 / 3.0)
    count = math.ceil(between * narrow ** (-1.0 / 3.0))
    angles = 2.0 * math.pi * np.arange(count) / count
    # Moebius map of the circle to itself, tan(psi / 2) = narrow tan(angle / 2), and its derivative.
    half = np.cos(angles / 2.0), narrow * np.sin(angles / 2.0)
    turned = np.exp(2j * np.arctan2(half[1], half[0])) * math.copysign(1.0, m)
    lengths = narrow / (half[0] ** 2 + half[1] ** 2)
    images = tuple((one, one * complex(other)) for other in turned for one in phases(common))
    kappa = 2.0 * m * np.sqrt(X * Y) / (1.0 - m * m)

    def density(place: int) -> Floats:
        found: Floats = lengths[place] * np.exp(turned[place].real * kappa - np.abs(kappa))
        return found

    total = np.zeros_like(kappa)
    for place in range(count):
        total += density(place)

    def weight(image: int) -> Floats:
        return np.tile(density(image // common) / (common * total), 2)

    return {"images": images, "image_weight": weight}


def complex_empirical(
    lam: np.ndarray,
    u: np.ndarray,
    a: float,
    overlap: Any,
    probability: Floats,
    curvature: Floats | None,
) -> Law:
    """`empirical_law` of complex data. `curvature` multiplies the identity."""
    m, turn = _checked_overlap(overlap)
    if curvature is None:
        d = np.concatenate(complex_weights(np.abs(lam) ** 2, np.abs(u) ** 2, a, "full"))
    else:
        d = np.tile(curvature, 2)
    u = u * turn
    squares = None
    if m != 0.0:
        length = np.abs(lam)
        # Seen from the phase of lambda.
        seen = np.where(length > 0.0, lam.conj() / np.where(length > 0.0, length, 1.0), 1.0)
        away = (u - m * lam) * seen / math.sqrt(1.0 - m * m)
        squares = 2.0 * np.concatenate([away.real**2, away.imag**2])
    twice = _twice(probability)
    return Law(
        np.tile(lam, 2),
        np.tile(u, 2),
        d,
        twice,
        float(d[twice > 0.0].min()),
        overlap=m,
        samples=len(lam),
        complex=True,
        description=f"complex empirical, a = {a:g}",
        squares=squares,
    )


def _checked_overlap(overlap: Any) -> tuple[float, complex]:
    """The modulus of m, and what turns the phase of the signal to that of the iterate."""
    if isinstance(overlap, (bool, np.bool_)) or not isinstance(
        overlap, (int, float, complex, np.number)
    ):
        raise TypeError(f"overlap: want a number, got {overlap!r}")
    m = abs(complex(overlap))
    if not m <= 0.999:
        raise ValueError(f"overlap: want a number of modulus 0.999 at most, got {overlap}")
    return m, complex(overlap).conjugate() / m if m else 1.0
