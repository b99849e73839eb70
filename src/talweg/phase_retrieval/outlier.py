"""The eigenvalue that the signal splits off the bulk."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from talweg.extremals.arguments import checked_positive
from talweg.phase_retrieval.bulk import checked_law, edge_influence, left_edge, solve_edge
from talweg.phase_retrieval.law import Estimate, Law

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Outlier", "bbp_ratio", "outlier"]


@dataclasses.dataclass(frozen=True)
class Outlier:
    """What the theory says of the smallest eigenvalue.

    Attributes
    ----------
    exists : bool
        Whether ``ratio > 1``.
    eigenvalue : float
        Its limit z*, below the left edge; NaN without an outlier.
    overlap_squared : float
        Limit of ``(v.w*)^2 / N`` for its unit eigenvector v, for complex data of the share
        ``|<v, w*>|^2 / N`` in the plane of w* and i w*; 0 without an outlier.
    ratio : float
        The test R of Baik, Ben Arous and Péché.
    edge : float
        The left edge z_- of the bulk.
    q : float
        Root of the equation of the outlier; NaN without one.
    eigenvalue_error, overlap_squared_error, ratio_error, edge_error : float
        See `Estimate`.
    """

    exists: bool
    eigenvalue: float
    overlap_squared: float
    ratio: float
    edge: float
    q: float
    eigenvalue_error: float
    overlap_squared_error: float
    ratio_error: float
    edge_error: float


def bbp_ratio(law: Law, alpha: float) -> Estimate:
    """The test R of an outlier along the signal: there is one if and only if R > 1.

    Parameters
    ----------
    law : Law
    alpha : float
        M/N.

    Returns
    -------
    Estimate
        0 where the bulk has no left edge.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    Examples
    --------
    >>> from talweg.phase_retrieval import bbp_ratio, gaussian_law
    >>> bbp_ratio(gaussian_law(a=1.0), 3.0).value > 1.0 > bbp_ratio(gaussian_law(a=1.0), 1.0).value
    True
    """
    law, alpha = checked_law(law), checked_positive(alpha, "alpha")
    q, kind = solve_edge(law, alpha)
    return _ratio(law, alpha, q, kind)


def _ratio(law: Law, alpha: float, q: float, kind: str) -> Estimate:
    if kind == "unbounded":
        return Estimate(0.0, 0.0)
    value = left_side(law, alpha, q)
    if law.samples:
        error = float(law.standard_error(_ratio_influence(law, alpha, q, kind)))
    elif law.coarse is not None:
        error = abs(value - left_side(law.coarse, alpha, solve_edge(law.coarse, alpha)[0]))
    else:
        error = math.nan
    return Estimate(value, error)


def left_side(law: Law, alpha: float, q: float) -> float:
    """``alpha q E[d (1 - v^2) / (1 + q d)]``, v the projection orthogonal to the iterate."""
    if math.isinf(q):
        return alpha * float(law.mean(1.0 - law.direction_squared))
    return alpha * float(law.mean(_left_terms(law, q)))


def _left_terms(law: Law, q: float) -> Floats:
    ratio: Floats = q * law.d / (1.0 + q * law.d) * (1.0 - law.direction_squared)
    return ratio


def _left_slope(law: Law, alpha: float, q: float) -> float:
    return alpha * float(law.mean(law.d * (1.0 - law.direction_squared) / (1.0 + q * law.d) ** 2))


def _ratio_influence(law: Law, alpha: float, q: float, kind: str) -> Floats:
    terms = alpha * (_left_terms(law, q) if math.isfinite(q) else 1.0 - law.direction_squared)
    influence: Floats = terms - law.mean(terms)
    if kind == "square root":
        influence = influence + _left_slope(law, alpha, q) * edge_influence(law, alpha, q)
    return influence


def outlier(law: Law, alpha: float) -> Outlier:
    """The outlier of D along the signal, or along ``w* - m w`` where the iterate overlaps with it.

    Parameters
    ----------
    law : Law
        With its overlap m. With m = 0 the limits are exact for weights that depend on the data
        through lambda and u only; otherwise they are so for the matrix projected orthogonally to
        the iterate, when lambda and u have the law of an iterate chosen without regard to the other
        data. Along a run that is an approximation. For complex data this is the outlier along
        ``w* - m w``; ``law.across()`` has that along i times this direction, the same one for m = 0
        and perhaps the lower one otherwise.
    alpha : float
        M/N.

    Returns
    -------
    Outlier

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    References
    ----------
    Baik, Ben Arous, Péché, Ann. Probab. 33, 1643 (2005); Bonnaire, Biroli, Cammarota, arXiv
    2403.02418; the page on the theory of phase retrieval.

    Examples
    --------
    >>> from talweg.phase_retrieval import gaussian_law, outlier
    >>> found = outlier(gaussian_law(a=1.0), 3.0)
    >>> round(found.eigenvalue, 3), round(found.edge, 3), round(found.overlap_squared, 3)
    (-0.504, -0.457, 0.284)
    """
    law, alpha = checked_law(law), checked_positive(alpha, "alpha")
    edge = left_edge(law, alpha)
    ratio = _ratio(law, alpha, edge.q, edge.kind)
    if not ratio.value > 1.0:
        return Outlier(
            False,
            math.nan,
            0.0,
            ratio.value,
            edge.eigenvalue,
            math.nan,
            math.nan,
            0.0,
            ratio.error,
            edge.error,
        )
    q = _root(law, alpha, edge.q)
    z, overlap = _limits(law, alpha, q)
    if law.samples:
        influence_z, influence_overlap = _limits_influence(law, alpha, q)
        z_error = float(law.standard_error(influence_z))
        overlap_error = float(law.standard_error(influence_overlap))
    elif law.coarse is not None:
        other = law.coarse
        top, kind = solve_edge(other, alpha)
        if _ratio(other, alpha, top, kind).value > 1.0:
            coarse_z, coarse_overlap = _limits(other, alpha, _root(other, alpha, top))
        else:
            coarse_z, coarse_overlap = edge.eigenvalue, 0.0
        z_error, overlap_error = abs(z - coarse_z), abs(overlap - coarse_overlap)
    else:
        z_error = overlap_error = math.nan
    return Outlier(
        True,
        z,
        overlap,
        ratio.value,
        edge.eigenvalue,
        q,
        z_error,
        overlap_error,
        ratio.error,
        edge.error,
    )


def _root(law: Law, alpha: float, top: float) -> float:
    from scipy.optimize import brentq

    if math.isinf(top):
        top = 1.0
        while left_side(law, alpha, top) <= 1.0:
            top *= 4.0
    return float(
        brentq(lambda q: left_side(law, alpha, q) - 1.0, 0.0, top, xtol=1e-300, rtol=1e-14)
    )


def _limits(law: Law, alpha: float, q: float) -> tuple[float, float]:
    square = law.direction_squared
    ratio = law.d / (1.0 + q * law.d)
    tau = 1.0 / (alpha * q * q) - float(law.mean(ratio * ratio))
    pull = float(law.mean(ratio * ratio * square))
    # The eigenvector is orthogonal to the iterate, so the signal's part along that is lost.
    overlap = (1.0 - law.overlap**2) * max(tau, 0.0) / (tau + pull)
    return float(law.mean(ratio * square)), overlap


def _limits_influence(law: Law, alpha: float, q: float) -> tuple[Floats, Floats]:
    square = law.direction_squared
    ratio = law.d / (1.0 + q * law.d)
    tau = 1.0 / (alpha * q * q) - float(law.mean(ratio * ratio))
    pull = float(law.mean(ratio * ratio * square))
    moved_q = -(alpha * _left_terms(law, q) - 1.0) / _left_slope(law, alpha, q)
    z = ratio * square - law.mean(ratio * square) - pull * moved_q
    tau_slope = -2.0 / (alpha * q**3) + 2.0 * float(law.mean(ratio**3))
    pull_slope = -2.0 * float(law.mean(ratio**3 * square))
    tau_moved = -(ratio * ratio - law.mean(ratio * ratio)) + tau_slope * moved_q
    pull_moved = ratio * ratio * square - pull + pull_slope * moved_q
    total = tau + pull
    overlap = (pull * tau_moved - tau * pull_moved) / (total * total)
    return z, (1.0 - law.overlap**2) * overlap
