"""Joint laws of a sample's projections on the iterate and on the signal."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from talweg.arrays import finite_array
from talweg.phase_retrieval.curvature import (
    checked_a,
    checked_hessian,
    curvature_floor,
    curvature_weights,
    real_weights,
)
from talweg.phase_retrieval.observations import checked_flag

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Estimate", "Law", "empirical_law", "gaussian_law"]

#: Step of the quadrature in the variable t of x = scale sinh t, and that of the coarser rule whose
#: distance is the error estimate. Integrands are analytic and bounded for |Im t| < pi/4, so the
#: error is of order exp(-pi^2 / (2 step)).
_STEP, _COARSE_STEP = 0.14, 0.2

#: Standard normal densities are dropped beyond this.
_REACH = 8.7

#: Largest scale of the map: beyond it the Gaussian is the sharpest feature.
_WIDEST = 2.0


class Estimate(NamedTuple):
    """A number with what is known of its error.

    Attributes
    ----------
    value : float or ndarray
    error : float or ndarray
        Of an exact law the difference to a coarser quadrature, which exceeds the error; of samples a
        standard error.
    """

    value: Any
    error: Any


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Law:
    """Weighted points that stand for a joint law of (lambda, u).

    Make one with `gaussian_law`, `empirical_law`, `threshold_law` or `preprocessing_law`. Complex data
    have two weights for each sample, and two points: the first half holds those along lambda, the
    second those across.

    Attributes
    ----------
    lam : ndarray, shape (n,)
        Projections ``x.w / sqrt(N)`` on the iterate; NaN where the law has none.
    u : ndarray, shape (n,)
        Projections ``x.w* / sqrt(N)`` on the signal.
    d : ndarray, shape (n,)
        Weights of the samples in the matrix.
    probability : ndarray, shape (n,)
        Sum 1.
    floor : float
        Lower bound of d: exact for laws given by formulas, the smallest d of samples.
    overlap : float
        m, the overlap of iterate and signal, for complex data its modulus.
    samples : int
        Number of samples, 0 for a quadrature.
    images : tuple of (float or complex, float or complex)
        Signs or phases of (lambda, u) under which the law is invariant; `lam` and `u` hold one point
        of each orbit.
    complex : bool
        Whether it is one of complex data.
    coarse : Law or None
        A coarser quadrature of the same law.
    description : str
    """

    lam: Floats
    u: Floats
    d: Floats
    probability: Floats
    floor: float
    overlap: float = 0.0
    samples: int = 0
    images: tuple[tuple[Any, Any], ...] = ((1.0, 1.0),)
    complex: bool = False
    coarse: Law | None = None
    description: str = "law"
    #: d and weights on a contour in complex (lambda, u) that keeps away from poles at real d.
    contour: Callable[[], tuple[Any, Any]] | None = None
    #: `direction_squared` where it does not follow from lam and u.
    squares: Floats | None = None
    #: Probabilities of an image at the points, shape (n,), where not all are equal.
    image_weight: Callable[[int], Floats] | None = None

    def __repr__(self) -> str:
        size = f"{self.samples} samples" if self.samples else f"{len(self.d)} nodes"
        return f"Law({self.description}, {size})"

    @functools.cached_property
    def direction_squared(self) -> Floats:
        """The squared projection on the direction of ``w* - m w``, mean 1, shape (n,).

        For real data ``(u - m lam)^2 / (1 - m^2)``. For complex data the squares of twice the parts
        of ``(u - m lam) / sqrt(1 - m^2)`` along lam and across, each beside its weight; with m = 0
        their mean, |u|^2, since the phases of lam and u are independent.
        """
        if self.squares is not None:
            return self.squares
        if self.overlap == 0.0:
            return np.square(np.abs(self.u))
        m = self.overlap
        result: Floats = np.square((self.u - m * self.lam) / math.sqrt(1.0 - m * m))
        return result

    def across(self) -> Law:
        """The law of complex data seen from the direction of ``i (w* - m w)``.

        With an overlap m the signal splits off two eigenvalues, `outlier` of the law along ``w* - m w``
        and `outlier` of this one, of the Hessian without the direction i w of the phase.

        Returns
        -------
        Law

        Raises
        ------
        ValueError
            For a law of real data.
        """
        if not self.complex:
            raise ValueError(f"across: want a law of complex data, got {self!r}")
        if self.overlap == 0.0:
            return self
        along, across = np.split(self.direction_squared, 2)
        coarse = None if self.coarse is None else self.coarse.across()
        return dataclasses.replace(self, squares=np.concatenate([across, along]), coarse=coarse)

    def expect(self, function: Callable[[Any, Any], Any]) -> Estimate:
        """The mean of a function of (lambda, u).

        Parameters
        ----------
        function : callable
            Takes lambda and u, arrays of shape (n,), and returns an array of shape (n,) or (k, n).

        Returns
        -------
        Estimate
            Of a float or of an array of shape (k,).

        Raises
        ------
        ValueError
            When `function` returns another shape.

        Examples
        --------
        >>> from talweg.phase_retrieval import gaussian_law
        >>> value, error = gaussian_law(a=1.0, overlap=0.5).expect(lambda lam, u: lam * u)
        >>> round(float(value), 12)
        0.5
        """
        values: Any = 0.0
        for i, (sign_lam, sign_u) in enumerate(self.images):
            value = np.asarray(function(sign_lam * self.lam, sign_u * self.u))
            if value.shape[-1:] != self.d.shape or value.ndim > 2:
                raise ValueError(
                    f"function: want values of shape (n,) or (k, n), n = {len(self.d)}, got "
                    f"{value.shape}"
                )
            if self.image_weight is None:
                values = values + value / len(self.images)
            else:
                values = values + value * self.image_weight(i)
        mean = self.mean(values)
        if self.samples:
            error = self.standard_error(values - np.asarray(mean)[..., None])
        elif self.coarse is not None:
            error = np.abs(mean - self.coarse.expect(function).value)
        else:
            error = np.full(np.shape(mean), np.nan)
        return Estimate(mean, error)

    def mean(self, values: Any) -> Any:
        """The mean of values at the points, over the last axis."""
        return values @ self.probability

    def standard_error(self, influence: Any) -> Any:
        """The standard error of a quantity with these influences, one for each sample.

        The influence of a sample is by how much the quantity grows for each unit of probability
        moved to that sample (the infinitesimal jackknife). Samples count as independent.
        """
        if self.complex and self.samples:
            # The two points of a sample move together.
            moved = np.asarray(influence * self.probability)
            moved = moved.reshape(*moved.shape[:-1], 2, self.samples).sum(axis=-2)
            return np.sqrt(np.square(np.abs(moved)).sum(axis=-1))
        return np.sqrt(np.square(influence) @ np.square(self.probability))


def gaussian_law(
    a: float = 1.0, overlap: float = 0.0, hessian: str = "full", *, complex: bool = False
) -> Law:
    """Standard normal (lambda, u) of correlation m: an iterate chosen without regard to the data.

    Parameters
    ----------
    a : float, default 1
        Constant of the loss; inf for the plain loss.
    overlap : float, default 0
        m = w.w*/N, 0 at a random start; |m| below 0.999.
    hessian : str, default "full"
        Which weights: see `curvature_weights`.
    complex : bool, default False
        Complex data: lambda and u are complex normal, with E|lambda|^2 = 1.

    Returns
    -------
    Law
        A quadrature whose nodes resolve the scale sqrt(a).

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    Examples
    --------
    >>> from talweg.phase_retrieval import gaussian_law
    >>> law = gaussian_law(a=1.0)
    >>> value, error = law.expect(lambda lam, u: lam**2 * u**2)
    >>> round(float(value), 12), law.floor
    (1.0, -2.0)
    """
    a, m = checked_a(a), checked_overlap(overlap)
    which = checked_hessian(hessian)
    if checked_flag(complex, "complex"):
        from talweg.phase_retrieval.complex_law import complex_gaussian

        return complex_gaussian(a, m, which)
    return _gaussian(a, m, which, _STEP, _gaussian(a, m, which, _COARSE_STEP, None))


def _gaussian(a: float, m: float, hessian: str, step: float, coarse: Law | None) -> Law:
    lam, u, probability = _gaussian_nodes(a, m, step, 0.0)
    d = real_weights(lam * lam, u * u, a, hessian)
    # Means of constants are then exact, those of all else no worse.
    probability = probability / probability.sum()
    if m == 0.0:
        images: tuple[tuple[float, float], ...] = ((1, 1), (-1, 1), (1, -1), (-1, -1))
    else:
        images = ((1, 1), (-1, -1))

    def contour() -> tuple[Any, Any]:
        # The strip that is left between contour and poles is half as wide.
        angle = min(math.pi / 8, math.acos(abs(m)) / 4)
        x, y, weights = _gaussian_nodes(a, m, 0.6 * step * angle / (math.pi / 8), angle)
        return real_weights(x * x, y * y, a, hessian), weights / weights.sum()

    at = "" if m == 0.0 else f", overlap {m:g}"
    return Law(
        lam,
        u,
        d,
        probability,
        curvature_floor(a),
        overlap=m,
        images=images,
        coarse=coarse,
        description=f"Gaussian, a = {a:g}{at}",
        contour=contour,
    )


def _gaussian_nodes(a: float, m: float, step: float, angle: float) -> tuple[Any, Any, Any]:
    """Nodes and weights for lambda = x exp(-i angle), u = y exp(i angle), real x and y > 0.

    The weights are ``2 (lambda^2 - ...)``: rational in lambda and u with poles at distances sqrt(a)
    and sqrt(a/3) or more from the real axis, however small a is. x = scale sinh t brings them to
    |Im t| = pi/2, where the trapezoidal rule converges exponentially.
    """
    narrow = math.sqrt(1.0 - m * m)
    step = step * min(1.0, 1.2 * narrow)
    reach = _REACH / math.sqrt(math.cos(2.0 * angle) - abs(m) * (angle > 0.0))
    x, wx = _half_line(min(math.sqrt(a / 3.0), _WIDEST), step, reach)
    y, wy = _half_line(min(math.sqrt(a), _WIDEST), step, reach)
    if m != 0.0:
        x, wx = np.concatenate([-x[::-1], x]), np.concatenate([wx[::-1], wx])
    if angle:
        lam, u = x[:, None] * np.exp(-1j * angle), y * np.exp(1j * angle)
    else:
        lam, u = x[:, None], y[None, :]
    form = (lam * lam + u * u - 2.0 * m * lam * u) / (2.0 * narrow * narrow)
    weights = wx[:, None] * wy * np.exp(-form)
    keep = np.abs(weights) > 1e-22 * np.abs(weights).max()
    shape = weights.shape
    return np.broadcast_to(lam, shape)[keep], np.broadcast_to(u, shape)[keep], weights[keep]


def _half_line(scale: float, step: float, reach: float) -> tuple[Floats, Floats]:
    # Midpoints: an even integrand's half line, and no node at 0.
    count = math.ceil(math.asinh(reach / scale) / step)
    t = (np.arange(count) + 0.5) * step
    return scale * np.sinh(t), scale * np.cosh(t)


def empirical_law(
    lam: ArrayLike,
    u: ArrayLike,
    a: float = 1.0,
    *,
    overlap: complex = 0.0,
    weights: ArrayLike | None = None,
    curvature: ArrayLike | None = None,
) -> Law:
    """The law of measured pairs (lambda, u), as they are along a run.

    Parameters
    ----------
    lam : array_like, shape (M,)
        ``X @ w / sqrt(N)``. Complex numbers, here or in `u`, stand for complex data: what
        `Problem.samples` returns serves in either case.
    u : array_like, shape (M,)
        ``X @ signal / sqrt(N)``, signs or phases included where `overlap` is not 0.
    a : float, default 1
        Constant of the loss; inf for the plain loss.
    overlap : float or complex, default 0
        m = w.w*/N of the state, for complex data ``vdot(w, w*)/N`` of complex vectors. Where it is
        not 0 the outlier is sought orthogonal to the iterate, with ``(u - m lam) / sqrt(1 - m^2)``
        in place of u.
    weights : array_like, shape (M,), optional
        Of the samples, not negative; equal by default.
    curvature : array_like, shape (M,), optional
        Weights d of the matrix where they are not those of `curvature_weights`. For complex data
        the matrix is then ``(1/M) sum d_i x_i^* x_i^T``.

    Returns
    -------
    Law

    Raises
    ------
    ValueError, TypeError
        For unequal lengths, numbers that are not finite, or negative weights.

    Examples
    --------
    >>> import numpy
    >>> from talweg.phase_retrieval import empirical_law
    >>> lam, u = numpy.random.default_rng(0).standard_normal((2, 3000))
    >>> empirical_law(lam, u, a=1.0)
    Law(empirical, a = 1, 3000 samples)
    """
    a = checked_a(a)
    complex_data = np.iscomplexobj(lam) or np.iscomplexobj(u)
    finite = finite_array
    if complex_data:
        from talweg.phase_retrieval.complex_law import complex_empirical, finite_complex_array

        finite = finite_complex_array
    first = finite(lam, "lam")
    if first.ndim != 1 or first.size < 2:
        raise ValueError(f"lam: want shape (M,), M at least 2, got {first.shape}")
    second = _like(finite(u, "u"), "u", first)
    own = None
    if curvature is not None:
        own = _like(finite_array(curvature, "curvature"), "curvature", first)
    if weights is None:
        probability = np.full(first.size, 1.0 / first.size)
    else:
        probability = _like(finite_array(weights, "weights"), "weights", first)
        if probability.min() < 0.0 or not probability.sum() > 0.0:
            raise ValueError(
                "weights: want numbers from 0 on, not all 0, got a smallest of "
                f"{probability.min():.6g}"
            )
        probability /= probability.sum()
    if complex_data:
        return complex_empirical(first, second, a, overlap, probability, own)
    m = checked_overlap(overlap)
    d = curvature_weights(first, second, a) if own is None else own
    return Law(
        first,
        second,
        d,
        probability,
        float(d[probability > 0].min()),
        overlap=m,
        samples=first.size,
        description=f"empirical, a = {a:g}",
    )


def _like(array: Any, argument: str, other: Any) -> Any:
    if array.shape != other.shape:
        raise ValueError(f"{argument}: want the shape of lam, {other.shape}, got {array.shape}")
    return array


def checked_overlap(overlap: Any) -> float:
    """`overlap` as a float of modulus below 0.999."""
    if isinstance(overlap, (bool, np.bool_)) or not isinstance(
        overlap, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"overlap: want a number, got {overlap!r}")
    if not abs(float(overlap)) <= 0.999:
        raise ValueError(f"overlap: want a number of modulus 0.999 at most, got {overlap}")
    return float(overlap)
