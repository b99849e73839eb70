"""How much a spectral start knows of the signal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_positive
from talweg.phase_retrieval.complex_law import phases
from talweg.phase_retrieval.curvature import checked_a, complex_weights, real_weights
from talweg.phase_retrieval.law import Estimate, Law, gaussian_law
from talweg.phase_retrieval.observations import checked_flag
from talweg.phase_retrieval.outlier import outlier

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["PREPROCESSINGS", "named_preprocessing", "preprocessing_law", "spectral_overlap"]

#: The kinds of spectral start, as `start` names them.
PREPROCESSINGS = (
    "optimal",
    "mondelli-montanari",
    "averaged-hessian",
    "without-gauss-newton",
    "hessian",
)

#: Nodes of each panel, and of the coarser rule.
_ORDER, _COARSE_ORDER = 20, 12

#: Standard normal densities are dropped beyond this.
_REACH = 9.0


def preprocessing_law(
    T: Callable[[Floats], ArrayLike],
    *,
    supremum: float | None = None,
    breakpoints: Sequence[float] = (),
    complex: bool = False,
) -> Law:
    """The law of the weights of a spectral start, turned upside down.

    Parameters
    ----------
    T : callable
        Takes labels y = u^2 > 0, shape (n,), and returns the weights of
        ``(1/M) sum T(y_i) x_i x_i^T``, shape (n,).
    supremum : float, optional
        The least upper bound of T; by default the largest value on a logarithmic grid of y from
        1e-30 to 1e30.
    breakpoints : sequence of float, optional
        Labels at which T or a derivative of it jumps.
    complex : bool, default False
        Labels y = |u|^2 of complex data, whose law is exponential, and the matrix ``(1/M) sum T(y_i)
        x_i^* x_i^T``.

    Returns
    -------
    Law
        Of d = -T(u^2), so that the top of the spectrum is its left end.

    Raises
    ------
    ValueError, TypeError
        When T is no such function, or not finite next to y = 1.

    Examples
    --------
    >>> from talweg.phase_retrieval import outlier, preprocessing_law
    >>> trimmed = preprocessing_law(lambda y: y * (y < 5.0), supremum=5.0, breakpoints=[5.0])
    >>> top = -outlier(trimmed, 6.0).eigenvalue
    >>> top > 1.5
    True
    """
    complex = checked_flag(complex, "complex")
    if not callable(T):
        raise TypeError(f"preprocessing: want a function of the labels, got {T!r}")
    breaks = np.sort(np.atleast_1d(finite_array(list(breakpoints), "breakpoints")))
    if breaks.size and breaks[0] <= 0.0:
        raise ValueError(f"breakpoints: want positive labels, got {breaks[0]:.6g}")
    wide = np.geomspace(1e-30, 1e30, 601)
    highest = float(np.nanmax(_weights(T, wide)))
    if supremum is None:
        supremum = highest
    elif isinstance(supremum, bool) or not isinstance(supremum, (int, float, np.number)):
        raise TypeError(f"supremum: want a number, got {supremum!r}")
    elif not supremum >= highest:
        raise ValueError(
            f"supremum: want an upper bound of T, got {supremum}, and T reaches {highest:.6g}"
        )
    coarse = _quadrature(T, float(supremum), np.sqrt(breaks), _COARSE_ORDER, complex, None)
    return _quadrature(T, float(supremum), np.sqrt(breaks), _ORDER, complex, coarse)


def _weights(T: Callable[[Floats], ArrayLike], y: Floats) -> Floats:
    with np.errstate(all="ignore"):
        values = np.asarray(T(y), dtype=np.float64)
    if values.shape != y.shape:
        raise ValueError(
            f"preprocessing: want a function that keeps the shape {y.shape}, got {values.shape}"
        )
    return values


def _quadrature(
    T: Callable[[Floats], ArrayLike],
    supremum: float,
    breaks: Floats,
    order: int,
    complex: bool,
    coarse: Law | None,
) -> Law:
    # Panels that shrink towards u = 0, where T may be singular.
    ends = np.concatenate([[0.0], 2.0 ** np.arange(-30.0, 1.0), np.arange(1.5, _REACH + 0.1, 0.5)])
    ends = np.unique(np.concatenate([ends, breaks[breaks < _REACH]]))
    nodes, weights = np.polynomial.legendre.leggauss(order)
    half = 0.5 * np.diff(ends)[:, None]
    u = (ends[:-1, None] + half * (1.0 + nodes)).ravel()
    density = u * np.exp(-u * u) if complex else np.exp(-0.5 * u * u)
    probability = (half * weights).ravel() * density
    d = -_weights(T, u * u)
    if not np.isfinite(d).all():
        place = float(u[~np.isfinite(d)][0])
        raise ValueError(
            f"preprocessing: want finite weights, got {-d[u == place][0]} at y = {place**2:.6g}"
        )
    floor = -supremum if supremum > 0.0 else float(d.min())
    return Law(
        np.full_like(u, np.nan),
        u,
        d,
        probability / probability.sum(),
        floor,
        images=tuple((1, one) for one in phases(12 if complex else 2)),
        complex=complex,
        coarse=coarse,
        description="preprocessing",
    )


def spectral_overlap(
    alpha: float,
    preprocessing: str | Callable[[Floats], ArrayLike] = "optimal",
    *,
    a: float = 1.0,
    supremum: float | None = None,
    breakpoints: Sequence[float] = (),
    complex: bool = False,
) -> Estimate:
    """The expected squared overlap of a spectral start with the signal, in the limit of large N.

    Parameters
    ----------
    alpha : float
        M/N.
    preprocessing : str or callable, default "optimal"
        Weights T of the matrix ``(1/M) sum T(y_i) x_i x_i^T`` whose top eigenvector v is the start:

        * "optimal": ``1 - 1/y``;
        * "mondelli-montanari": ``(y - 1)/(y + sqrt(2 alpha) - 1)``, for alpha > 1/2; for complex
          data ``(y - 1)/(y + sqrt(alpha) - 1)``, alpha > 1;
        * "averaged-hessian": ``2 (y - 3)/(a + y)``, the bottom of the Hessian averaged over
          iterates; for complex data ``2 (y - 2)/(a + y)``;
        * "without-gauss-newton": ``2 (y - 1)/(a + y)``;
        * "hessian": the bottom eigenvector of the Hessian at a random point, whose weights depend
          on that point too;
        * a function of the labels y, shape (n,).
    a : float, default 1
        Constant of the loss, for the Hessians.
    supremum, breakpoints
        Of a function: see `preprocessing_law`.
    complex : bool, default False
        Complex data.

    Returns
    -------
    Estimate
        Of ``(v.w*)^2 / N``, for complex data ``|<v, w*>|^2 / N``: 0 where the top eigenvector knows
        nothing of the signal.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    References
    ----------
    Mondelli, Montanari, Found. Comput. Math. 19, 703 (2019); Luo, Alghamdi, Lu, IEEE Trans. Signal
    Process. 67, 2347 (2019); the page on the theory of phase retrieval.

    Examples
    --------
    >>> from talweg.phase_retrieval import spectral_overlap
    >>> round(spectral_overlap(2.0).value, 3), round(spectral_overlap(2.0, "hessian").value, 3)
    (0.639, 0.149)
    >>> round(spectral_overlap(2.0, complex=True).value, 3)
    0.338
    """
    alpha, complex = checked_positive(alpha, "alpha"), checked_flag(complex, "complex")
    law = _law(alpha, preprocessing, checked_a(a), supremum, breakpoints, complex)
    if law is None:
        return Estimate(0.0, 0.0)
    found = outlier(law, alpha)
    return Estimate(found.overlap_squared, found.overlap_squared_error)


def _law(
    alpha: float, preprocessing: Any, a: float, supremum: Any, breakpoints: Any, complex: bool
) -> Law | None:
    if callable(preprocessing):
        return preprocessing_law(
            preprocessing, supremum=supremum, breakpoints=breakpoints, complex=complex
        )
    if preprocessing == "hessian":
        return gaussian_law(a, complex=complex)
    T = named_preprocessing(preprocessing, alpha, a, complex)
    # Of weights without a bound the bulk has no edge.
    if T is None or (math.isinf(a) and preprocessing not in ("optimal", "mondelli-montanari")):
        return None
    highest = 1.0 if preprocessing in ("optimal", "mondelli-montanari") else 2.0
    return preprocessing_law(T, supremum=highest, complex=complex)


def named_preprocessing(
    name: Any, alpha: float, a: float, complex: bool
) -> Callable[[Floats], Floats] | None:
    """T of the name; None where the name has none at this alpha."""
    if name == "optimal":
        return lambda y: 1.0 - 1.0 / y
    if name == "mondelli-montanari":
        shift = math.sqrt(alpha if complex else 2.0 * alpha) - 1.0
        return (lambda y: (y - 1.0) / (y + shift)) if shift > 0.0 else None
    if name in ("averaged-hessian", "without-gauss-newton"):
        hessian = "averaged" if name == "averaged-hessian" else name
        if complex:
            return lambda y: -complex_weights(0.0, y, a, hessian)[0]
        return lambda y: -real_weights(0.0, y, a, hessian)
    raise ValueError(
        f"preprocessing: want one of {', '.join(PREPROCESSINGS)}, or a function of the labels, got "
        f"{name!r}"
    )
