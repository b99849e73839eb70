"""The ratio M/N above which the Hessian at the start knows the signal."""

from __future__ import annotations

import dataclasses
import math

from talweg.phase_retrieval.curvature import checked_a, checked_hessian
from talweg.phase_retrieval.law import Law, checked_overlap, gaussian_law
from talweg.phase_retrieval.observations import checked_flag

__all__ = ["BBPTransition", "alpha_bbp", "smallest_alpha_bbp"]


@dataclasses.dataclass(frozen=True)
class BBPTransition:
    """Where an outlier leaves the bulk.

    Attributes
    ----------
    alpha : float
        The smallest M/N above which there is an outlier; inf where there never is one.
    kind : str
        "continuous": the overlap of its eigenvector with the signal grows from 0.
        "discontinuous": it starts at a positive value. "none": there is no outlier at any alpha.
    q : float
        Of the left edge at the transition, 1/2 where it is discontinuous.
    error : float
        Of alpha: the difference to a coarser quadrature, or rounding where there is a formula.
    a : float
        Constant of the loss.
    last : float
        Where the outlier is lost again as M/N grows: inf at m = 0. With an overlap it may cross to
        the right of the bulk's mean, towards the large eigenvalues.
    across : bool
        Of complex data with an overlap: whether it is the outlier along ``i (w* - m w)``, that of
        `Law.across`, and not the one along ``w* - m w``.
    """

    alpha: float
    kind: str
    q: float
    error: float
    a: float
    last: float = math.inf
    across: bool = False


def alpha_bbp(
    a: float = 1.0, *, overlap: float = 0.0, hessian: str = "full", complex: bool = False
) -> BBPTransition:
    """The transition of Baik, Ben Arous and Péché at an iterate chosen without regard to the data.

    Parameters
    ----------
    a : float, default 1
        Constant of the loss; inf for the plain loss, whose bulk has no left edge and so no outlier.
    overlap : float, default 0
        m of the iterate; 0 at a random start.
    hessian : str, default "full"
        Which matrix: see `curvature_weights`.
    complex : bool, default False
        Complex data. With an overlap there are two outliers then, with transitions of their own;
        this is the first of the two as M/N grows.

    Returns
    -------
    BBPTransition

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    Notes
    -----
    At a continuous transition the equations of the left edge and of the outlier hold with the same
    q, and alpha drops out of their quotient. Without a root below 1/2 the transition is
    discontinuous, and with m = 0 alpha is ``(3/2) sqrt(2b/pi) exp(-b/2) / erfc(sqrt(b/2))``, b = a/3.
    For "averaged" and "without-gauss-newton" it is ``(a + 3)/2`` and ``(a + 1)/2``. For complex data
    the three are ``2 / (F(a) + F(a/3)/3)`` with ``F(x) = exp(x) E1(x)``, E1 the exponential integral,
    ``a + 2`` and ``a + 1``.

    References
    ----------
    Bonnaire, Biroli, Cammarota, arXiv 2403.02418; the page on the theory of phase retrieval.

    Examples
    --------
    >>> from talweg.phase_retrieval import alpha_bbp
    >>> round(alpha_bbp(0.5).alpha, 4), alpha_bbp(0.5).kind
    (1.3796, 'continuous')
    >>> round(alpha_bbp(2.0).alpha, 4), alpha_bbp(2.0).kind
    (1.6904, 'discontinuous')
    >>> round(alpha_bbp(0.5, complex=True).alpha, 4)
    2.8266
    """
    a, m, which = checked_a(a), checked_overlap(overlap), checked_hessian(hessian)
    complex = checked_flag(complex, "complex")
    if math.isinf(a):
        return BBPTransition(math.inf, "none", 0.0, 0.0, a)
    law = gaussian_law(a, m, which, complex=complex)
    if m == 0.0:
        q, kind, _ = _edge(law)
        if kind == "discontinuous":
            alpha = _formula(a, which, complex)
            return BBPTransition(alpha, kind, q, 4e-16 * alpha, a)
    found = _transition(law, a)
    if complex and m != 0.0:
        other = dataclasses.replace(_transition(law.across(), a), across=True)
        # Discontinuous ones agree but for rounding.
        if other.alpha < (1.0 - 1e-9) * found.alpha:
            return other
    return found


def _transition(law: Law, a: float) -> BBPTransition:
    """By the quadrature."""
    q, kind, end = _edge(law)
    if kind == "none":
        return BBPTransition(math.inf, "none", math.nan, 0.0, a)
    last = _alpha(law, end, "continuous") if end else math.inf
    alpha = _alpha(law, q, kind)
    assert law.coarse is not None
    coarse_q, coarse_kind, _ = _edge(law.coarse)
    if coarse_kind == kind:
        error = abs(_alpha(law.coarse, coarse_q, kind) - alpha) + 1e-14 * alpha
    else:
        error = math.nan
    return BBPTransition(alpha, kind, q, error, a, last)


def _edge(law: Law) -> tuple[float, str, float]:
    """q of the transition, its kind, and q where the outlier is lost again, 0 for never."""
    from scipy.optimize import brentq

    def excess(q: float) -> float:
        ratio = law.d / (1.0 + q * law.d)
        return float(law.mean(ratio * (q * ratio - (1.0 - law.direction_squared))))

    def root(low: float, high: float) -> float:
        return float(brentq(excess, low, high, xtol=1e-15, rtol=1e-14))

    # alpha falls as the q of the edge grows, and there is an outlier where the excess is negative.
    top = -1.0 / law.floor
    if law.overlap == 0.0:
        # E[d (1 - u^2)] > 0: one change of sign at most.
        if excess(top) <= 0.0:
            return top, "discontinuous", 0.0
        return root(0.0, top), "continuous", 0.0
    grid = [top * i / 48 for i in range(49)]
    negative = [excess(q) <= 0.0 for q in grid]
    if not any(negative):
        return math.nan, "none", 0.0
    first = 48 - negative[::-1].index(True)
    q, kind = (
        (top, "discontinuous")
        if first == 48
        else (root(grid[first], grid[first + 1]), "continuous")
    )
    end = first
    while end > 0 and negative[end - 1]:
        end -= 1
    return q, kind, root(grid[end - 1], grid[end]) if end else 0.0


def _alpha(law: Law, q: float, kind: str) -> float:
    ratio = q * law.d / (1.0 + q * law.d)
    if kind == "continuous":
        return 1.0 / float(law.mean(ratio * ratio))
    return 1.0 / float(law.mean(ratio * (1.0 - law.direction_squared)))


def _formula(a: float, hessian: str, complex: bool) -> float:
    """alpha of the discontinuous transition at m = 0."""
    if hessian == "averaged":
        return a + 2.0 if complex else (a + 3.0) / 2.0
    if hessian == "without-gauss-newton":
        return a + 1.0 if complex else (a + 1.0) / 2.0
    if complex:
        return 2.0 / (_inverse(a) + _inverse(a / 3.0) / 3.0)
    from scipy.special import erfcx

    b = a / 3.0
    return 1.5 * math.sqrt(2.0 * b / math.pi) / float(erfcx(math.sqrt(b / 2.0)))


def _inverse(x: float) -> float:
    """The mean of 1/(x + s) over s of density exp(-s)."""
    from scipy.special import exp1, hyperu

    # Neither is exact everywhere: the exponential overflows, the other cancels for moderate x.
    return float(math.exp(x) * exp1(x) if x < 40.0 else hyperu(1.0, 1.0, x))


def smallest_alpha_bbp(*, complex: bool = False) -> BBPTransition:
    """The smallest transition of all a, at the left end of the discontinuous branch.

    Parameters
    ----------
    complex : bool, default False
        Complex data.

    Returns
    -------
    BBPTransition

    Examples
    --------
    >>> from talweg.phase_retrieval import smallest_alpha_bbp
    >>> smallest = smallest_alpha_bbp()
    >>> round(smallest.a, 4), round(smallest.alpha, 4)
    (1.1088, 1.1134)
    """
    from scipy.optimize import brentq

    complex = checked_flag(complex, "complex")
    square = _complex_square if complex else _real_square

    def excess(a: float) -> float:
        # The equation of the edge at q = 1/2.
        return _formula(a, "full", complex) * square(a) - 1.0

    a = float(brentq(excess, 0.5, 3.0, xtol=1e-15, rtol=1e-14))
    alpha = _formula(a, "full", complex)
    # The slope of alpha is of order 1, and the bracket is as tight as rounding allows.
    return BBPTransition(alpha, "discontinuous", 0.5, 1e-13, a)


def _real_square(a: float) -> float:
    """E[((3 lambda^2 - u^2) / (3 lambda^2 + a))^2]."""
    from scipy.special import erfcx

    # E[1 / (lambda^2 + b)] and minus its derivative by b in closed form.
    b = a / 3.0
    first = math.sqrt(math.pi / (2.0 * b)) * float(erfcx(math.sqrt(b / 2.0)))
    second = ((1.0 - b) * first + 1.0) / (2.0 * b)
    # E[(3 lambda^2 - u^2)^2] over u is 9 lambda^4 - 6 lambda^2 + 3.
    return 1.0 - (2.0 * b + 2.0 / 3.0) * first + (b * b + 2.0 * b / 3.0 + 1.0 / 3.0) * second


def _complex_square(a: float) -> float:
    """E[((g x - y) / (g x + a))^2], x = |lambda|^2 and y = |u|^2, mean over g = 1 and 3."""
    total = 0.0
    for g in (1.0, 3.0):
        first = _inverse(a / g) / g
        second = (g / a - _inverse(a / g)) / (g * g)
        # E[(g x - y)^2] over y is (g x)^2 - 2 g x + 2.
        total += 1.0 - 2.0 * (a + 1.0) * first + (a * a + 2.0 * a + 2.0) * second
    return total / 2.0
