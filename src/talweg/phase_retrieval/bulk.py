"""The limiting bulk of the Hessian's eigenvalues."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_positive
from talweg.phase_retrieval.law import Law

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Complexes = NDArray[np.complex128]

__all__ = ["BulkDensity", "LeftEdge", "bulk_density", "checked_law", "left_edge"]

#: Complex numbers that an array of (eigenvalues, points of the law) may hold: what stays in cache.
_BLOCK = 1 << 15

#: Largest change of q by a Newton step, relative, at which a density counts as found.
_SETTLED = 1e-9


@dataclasses.dataclass(frozen=True)
class LeftEdge:
    """Where the bulk begins.

    Attributes
    ----------
    eigenvalue : float
        z_-. -inf where the weights d have no lower bound.
    q : float
        The trace of ``(D - z_-)^-1`` over M; inf where the edge is the eigenvalue 0 of a matrix of
        deficient rank.
    kind : str
        "square root": the density grows like the square root of the distance. "exponential": q has
        reached ``-1 / min d``, and the density vanishes exponentially. "unbounded": the bulk has no
        left edge. "rank": the edge is 0.
    error : float
        Of the eigenvalue: see `Estimate`.
    q_error : float
    """

    eigenvalue: float
    q: float
    kind: str
    error: float
    q_error: float


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class BulkDensity:
    """Density of the eigenvalues of D in the limit of large N.

    Attributes
    ----------
    z : ndarray, shape (n,)
        Eigenvalues at which the density is given.
    density : ndarray, shape (n,)
        Per unit of eigenvalue; the whole has mass ``1 - atom``.
    error : ndarray, shape (n,)
        Difference to a coarser quadrature of the law; NaN for samples.
    q : ndarray of complex, shape (n,)
        Solution of the equation of the bulk; the density is ``alpha Im q / pi``.
    residual : ndarray, shape (n,)
        Of that equation, over ``1 + |z|``.
    atom : float
        Weight of the eigenvalue 0, ``1 - alpha`` where that is positive.
    alpha : float
    edge : LeftEdge
    """

    z: Floats
    density: Floats
    error: Floats
    q: Complexes
    residual: Floats
    atom: float
    alpha: float
    edge: LeftEdge

    def __repr__(self) -> str:
        return (
            f"BulkDensity({len(self.z)} eigenvalues from {self.z.min():.4g} to {self.z.max():.4g}, "
            f"left edge {self.edge.eigenvalue:.6g}, {self.edge.kind})"
        )

    def plot(self, axes: Any = None, **options: Any) -> Any:
        """Draw the density: see `talweg.plot.draw_bulk`."""
        from talweg.plot.phase_retrieval import draw_bulk

        return draw_bulk(self, axes, **options)


def checked_law(law: Any) -> Law:
    """`law` itself if it is one."""
    if not isinstance(law, Law):
        raise TypeError(
            f"law: want a Law, as from gaussian_law or empirical_law, got {type(law).__name__}"
        )
    return law


def left_edge(law: Law, alpha: float) -> LeftEdge:
    """The left edge of the bulk of ``D = (1/M) sum d_i x_i x_i^T``.

    Parameters
    ----------
    law : Law
        Of the weights d.
    alpha : float
        M/N.

    Returns
    -------
    LeftEdge

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    References
    ----------
    Silverstein, Bai, J. Multivariate Anal. 54, 175 (1995); the page on the theory of phase
    retrieval.

    Examples
    --------
    >>> from talweg.phase_retrieval import gaussian_law, left_edge
    >>> edge = left_edge(gaussian_law(a=1.0), 3.0)
    >>> round(edge.eigenvalue, 4), edge.kind
    (-0.4566, 'square root')
    """
    law, alpha = checked_law(law), checked_positive(alpha, "alpha")
    q, kind = solve_edge(law, alpha)
    z = _eigenvalue(law, alpha, q, kind)
    if kind in ("unbounded", "rank"):
        return LeftEdge(z, q, kind, 0.0, 0.0)
    if law.samples:
        # The edge is a maximum over q: to first order q's own error does not move it.
        scaled = law.d / (1.0 + q * law.d)
        error = float(law.standard_error(scaled - law.mean(scaled)))
        q_error = float(law.standard_error(edge_influence(law, alpha, q)))
    elif law.coarse is not None:
        other, _ = solve_edge(law.coarse, alpha)
        error, q_error = abs(z - _eigenvalue(law.coarse, alpha, other, kind)), abs(q - other)
    else:
        error = q_error = math.nan
    return LeftEdge(z, q, kind, error, q_error)


def solve_edge(law: Law, alpha: float) -> tuple[float, str]:
    """q at the left edge, and the edge's kind."""
    from scipy.optimize import brentq

    if law.floor == -math.inf:
        return 0.0, "unbounded"

    def excess(q: float) -> float:
        ratio = q * law.d / (1.0 + q * law.d)
        return float(alpha * law.mean(ratio * ratio)) - 1.0

    if law.floor < 0.0:
        pole = -1.0 / law.floor
        # Samples reach the floor: the sum has its pole there.
        top = pole * (1.0 - 1e-12) if law.samples else pole
        beyond = excess(top)
        if beyond <= 0.0:
            # Equality up to rounding, as in threshold states: the derivative of z vanishes there.
            return pole, "exponential" if beyond < -1e-9 else "square root"
    else:
        if alpha * float(law.mean(law.d > 0.0)) <= 1.0:
            return math.inf, "rank"
        top = 1.0 / float(law.mean(law.d))
        while excess(top) <= 0.0:
            top *= 4.0
    return float(brentq(excess, 0.0, top, xtol=1e-300, rtol=1e-15)), "square root"


def _eigenvalue(law: Law, alpha: float, q: float, kind: str) -> float:
    if kind == "unbounded":
        return -math.inf
    if kind == "rank":
        return 0.0
    return float(law.mean(law.d / (1.0 + q * law.d))) - 1.0 / (alpha * q)


def edge_influence(law: Law, alpha: float, q: float) -> Floats:
    """How much each sample moves q at a square-root edge: see `Law.standard_error`."""
    ratio = q * law.d / (1.0 + q * law.d)
    slope = 2.0 * alpha / q * float(law.mean(ratio * ratio / (1.0 + q * law.d)))
    result: Floats = -(alpha * ratio * ratio - 1.0) / slope
    return result


def bulk_density(law: Law, alpha: float, z: ArrayLike | None = None) -> BulkDensity:
    """The density of the eigenvalues of D in the limit of large N.

    Parameters
    ----------
    law : Law
        Of the weights d.
    alpha : float
        M/N.
    z : array_like, shape (n,), optional
        Real numbers; default: 400 from the left edge to where little is left on the right.

    Returns
    -------
    BulkDensity

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    Notes
    -----
    With ``q = tr (D - z)^-1 / M`` the equation is ``z = -1/(alpha q) + E[d / (1 + q d)]``. Its solution in
    the upper half plane is followed from large Im z down to the axis. For laws given by formulas
    the mean runs along a contour in complex (lambda, u) on which ``1 + q d`` has no zero for any q
    with Im q >= 0, so exponentially small densities come out as well.

    Examples
    --------
    >>> from talweg.phase_retrieval import bulk_density, gaussian_law
    >>> bulk = bulk_density(gaussian_law(a=1.0), 3.0, [-1.0, 0.0, 1.0])
    >>> bulk.density.round(5)
    array([0.     , 0.35247, 0.20172])
    """
    law, alpha = checked_law(law), checked_positive(alpha, "alpha")
    edge = left_edge(law, alpha)
    if z is None:
        at = _default_grid(law, alpha, edge)
    else:
        at = np.atleast_1d(finite_array(z, "z"))
        if at.ndim != 1 or not at.size:
            raise ValueError(f"z: want shape (n,), n at least 1, got {at.shape}")
    q, residual = _solve(*_points(law), alpha, at)
    # Left of an edge the equation has other real solutions; there is no eigenvalue in any case.
    left = at <= edge.eigenvalue
    density = np.where(left, 0.0, alpha * np.maximum(q.imag, 0.0) / np.pi)
    if law.coarse is not None:
        other, _ = _solve(*_points(law.coarse), alpha, at)
        coarse = np.where(left, 0.0, alpha * np.maximum(other.imag, 0.0) / np.pi)
        error = np.abs(coarse - density)
    else:
        error = np.full(at.shape, np.nan)
    return BulkDensity(at, density, error, q, residual, max(0.0, 1.0 - alpha), alpha, edge)


def _points(law: Law) -> tuple[Any, Any]:
    return (law.d, law.probability) if law.contour is None else law.contour()


def _default_grid(law: Law, alpha: float, edge: LeftEdge) -> Floats:
    mean = float(law.mean(law.d))
    width = math.sqrt(float(law.mean(law.d * law.d)) / alpha)
    left = mean - 4.0 * width if math.isinf(edge.eigenvalue) else edge.eigenvalue
    # The density may have features at all scales next to the edge, and lies about the mean.
    near = left + 12.0 * width * np.geomspace(1e-7, 1.0, 100)
    about = np.linspace(max(left, mean - 4.0 * width), mean + 12.0 * width, 120)
    rough = np.unique(np.concatenate([[left], near, about]))
    q, _ = _solve(*_points(law), alpha, rough)
    density = np.maximum(q.imag, 0.0)
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(rough)
    share = np.concatenate([[0.0], np.cumsum(steps)])
    # Points at equal shares of the integral; the end is where a hundredth of a per cent is left.
    share = np.minimum(share / share[-1], 0.9999)
    quantiles = np.linspace(0.0, 0.9999, 361)
    inner = np.interp(quantiles, *_increasing(share, rough))
    # Quantiles are sparse next to the edge.
    first = inner[0] + (inner[1] - inner[0]) * np.linspace(0.0, 1.0, 41)[:-1] ** 2
    return np.concatenate([first, inner[1:]])


def _increasing(share: Floats, rough: Floats) -> tuple[Floats, Floats]:
    keep = np.concatenate([[True], np.diff(share) > 0.0])
    # The last number without any share is where quantiles begin.
    keep[:-1] |= keep[1:]
    return share[keep], rough[keep]


def _solve(d: Any, weights: Any, alpha: float, z: Floats) -> tuple[Complexes, Floats]:
    """q at real z, and the residual of its equation."""
    q = np.empty(z.shape, dtype=np.complex128)
    residual = np.empty(z.shape)
    rows = max(1, _BLOCK // len(d))
    for start in range(0, len(z), rows):
        part = slice(start, start + rows)
        q[part], residual[part] = _follow(d, weights, alpha, z[part])
    return q, residual


def _follow(d: Any, weights: Any, alpha: float, z: Floats) -> tuple[Complexes, Floats]:
    scale = float(np.sqrt(np.abs((d * d) @ weights) * max(1.0, 1.0 / alpha)))
    # In the upper half plane there is one solution, so wherever a quick descent ends there it is right.
    q, settled = _descend(d, weights, alpha, z, 3.0 * scale, 1e-2 * scale, 0.2, 3)
    again = ~settled | (q.imag <= 1e-9 * np.abs(q))
    if again.any():
        far = 4.0 * (scale + float(np.abs(z).max()))
        q[again], _ = _descend(d, weights, alpha, z[again], far, 1e-7 * scale, 0.4, 4)
    with np.errstate(all="ignore"):
        mean = (d / (1.0 + q[:, None] * d)) @ weights
        residual = np.abs(mean - 1.0 / (alpha * q) - z) / (1.0 + np.abs(z))
    return q, residual


def _descend(
    d: Any,
    weights: Any,
    alpha: float,
    z: Floats,
    height: float,
    lowest: float,
    factor: float,
    iterations: int,
) -> tuple[Complexes, NDArray[np.bool_]]:
    """Follow q from z + i height down to z."""
    # Exact far from the axis.
    q = 1.0 / (alpha * (complex(d @ weights) - (z + 1j * height)))
    while True:
        target = z + 1j * height
        for _ in range(iterations if height else 30):
            ratio = d / (1.0 + q[:, None] * d)
            mean = ratio @ weights
            square = np.square(ratio) @ weights
            # The equation as a map of the upper half plane into itself, which contracts, and a
            # Newton step where it stays there.
            mapped = 1.0 / (alpha * (mean - target))
            with np.errstate(all="ignore"):
                step = (1.0 / (alpha * q) + target - mean) / (1.0 / (alpha * q * q) - square)
                newton = q + step
                good = (newton.imag >= 0.0) & (np.abs(step) < 0.5 * np.abs(q))
            following = np.where(good, newton, 0.5 * (q + mapped))
            settled = np.abs(following - q) <= _SETTLED * np.abs(q)
            q = following
            if settled.all():
                break
        if not height:
            return q.astype(np.complex128, copy=False), np.asarray(settled)
        height = factor * height if height > lowest else 0.0
