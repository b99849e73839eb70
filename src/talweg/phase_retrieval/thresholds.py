"""Threshold states: the highest minima, from the replica method."""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_positive
from talweg.phase_retrieval.curvature import checked_a, curvature_floor, curvature_weights
from talweg.phase_retrieval.law import Law
from talweg.phase_retrieval.threshold_nodes import ThresholdNodes, threshold_nodes

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["ThresholdState", "alpha_threshold", "threshold_law", "threshold_state"]

#: Where the search for alpha_TS starts, to some per cent: log a, and chi and s over 1 + a.
_SEEDS = np.array(
    [
        [-14.0, 0.150, 0.362],
        [-4.6, 0.160, 0.374],
        [-2.3, 0.175, 0.379],
        [-0.7, 0.169, 0.326],
        [0.0, 0.154, 0.275],
        [0.7, 0.132, 0.216],
        [1.3, 0.112, 0.169],
        [1.83, 0.0956, 0.138],
        [2.4, 0.0824, 0.1153],
        [3.4, 0.0674, 0.0888],
        [4.7, 0.0608, 0.0764],
        [7.3, 0.0584, 0.0718],
        [14.0, 0.0582, 0.0715],
    ]
)

#: A state counts as found below this residual.
_SOLVED = 1e-9


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class ThresholdState:
    """A threshold state of one step of replica symmetry breaking (1RSB) at zero temperature.

    A replica prediction: it is not proved, and gradient descent at finite N need not follow it.

    Attributes
    ----------
    a : float
        Constant of the loss.
    alpha : float
        M/N.
    chi : float
        Response: the trace of the inverse Hessian over M. Of the plain loss in its own units.
    s : float
        Breaking parameter, the slope of the complexity.
    error : float
        Of alpha where it was solved for (`alpha_threshold`), else of chi: the difference to a
        coarser quadrature.
    residuals : ndarray, shape (3,)
        Of the saddle-point equation, the marginality condition and, where alpha was solved for,
        the instability towards the signal (else the left side minus 1 of that), relative.
    multiplier : float
        ``mu = E[l' lambda]``, which the Riemannian Hessian subtracts.
    edge : float
        Left edge of the bulk in that state. It equals `multiplier` where the law of lambda is
        connected, chi < 1/2 for finite a. Beyond, lambda has a gap about 0 for large u, and the
        small difference between both shows that one step of breaking is not exact.
    ratio : float
        The test R of that state: above 1 it is unstable towards the signal.
    """

    a: float
    alpha: float
    chi: float
    s: float
    error: float
    residuals: Floats

    def __repr__(self) -> str:
        return (
            f"ThresholdState(a={self.a:g}, alpha={self.alpha:.6g}, chi={self.chi:.6g}, "
            f"s={self.s:.6g})"
        )

    @functools.cached_property
    def _nodes(self) -> ThresholdNodes:
        return threshold_nodes(self.a, self.chi, self.s)

    @property
    def multiplier(self) -> float:
        nodes = self._nodes
        return float((nodes.force * nodes.lam) @ nodes.probability)

    @property
    def edge(self) -> float:
        nodes = self._nodes
        mean = float((nodes.d / (1.0 + self.chi * nodes.d)) @ nodes.probability)
        return mean - 1.0 / (self.alpha * self.chi)

    @property
    def ratio(self) -> float:
        return self.alpha * _conditions(self._nodes, self.chi)[2]

    def law(self) -> Law:
        """The joint law of (lambda, u), as a quadrature.

        Returns
        -------
        Law
        """
        coarse = _as_law(self, threshold_nodes(self.a, self.chi, self.s, 0.7), None)
        return _as_law(self, self._nodes, coarse)

    def density(self, lam: ArrayLike, u: ArrayLike) -> Any:
        """The joint density of (lambda, u).

        Parameters
        ----------
        lam, u : array_like
            Of shapes that broadcast.

        Returns
        -------
        float or ndarray
        """
        x, y = np.broadcast_arrays(finite_array(lam, "lam"), finite_array(u, "u"))
        heights, at = np.unique(np.abs(y), return_inverse=True)
        norms = np.array([self._norm(float(height)) for height in heights])
        values = self._weight(x, y) * np.exp(-0.5 * y * y) / math.sqrt(2.0 * math.pi)
        result = values / norms[at.reshape(y.shape)]
        return float(result) if result.ndim == 0 else result

    def _weight(self, lam: Any, u: Any) -> Any:
        kappa = 1.0 if math.isinf(self.a) else 1.0 / (self.a + u * u)
        difference = lam * lam - u * u
        force = 2.0 * kappa * lam * difference
        z = lam + self.chi * force
        slope = 1.0 + self.chi * curvature_weights(lam, u, self.a)
        least = 0.5 * kappa * difference**2 + 0.5 * self.chi * force**2
        # Minimisers have z on their own side of 0; the others are not the least minimum.
        allowed = (lam * z >= 0.0) & (slope >= 0.0)
        return np.where(allowed, np.exp(-0.5 * z * z - self.s * least) * slope, 0.0)

    def _norm(self, u: float) -> float:
        from talweg.phase_retrieval.threshold_nodes import largest_root

        kappa = 1.0 if math.isinf(self.a) else 1.0 / (self.a + u * u)
        gap = np.array([u * u * kappa - 0.5 / self.chi])
        far = largest_root(gap, np.array([9.0 * math.sqrt(kappa) / (2.0 * self.chi)]))[0]
        start = math.sqrt(max(gap[0], 0.0) / kappa)
        stop = far / math.sqrt(kappa)
        nodes, weights = np.polynomial.legendre.leggauss(200)
        # Denser next to the lower end, where the weight may vary fast.
        t = 0.5 * (nodes + 1.0)
        lam = start + (stop - start) * t * t
        return float(2.0 * (weights * t * (stop - start)) @ self._weight(lam, u))


def _as_law(state: ThresholdState, nodes: ThresholdNodes, coarse: Law | None) -> Law:
    floor = max(curvature_floor(state.a), -1.0 / state.chi)
    return Law(
        nodes.lam,
        nodes.u,
        nodes.d,
        nodes.probability,
        floor,
        images=((1, 1), (-1, 1), (1, -1), (-1, -1)),
        coarse=coarse,
        description=f"threshold state, a = {state.a:g}, alpha = {state.alpha:.6g}",
    )


def _conditions(nodes: ThresholdNodes, chi: float) -> tuple[float, float, float]:
    """E[(lambda - z)^2], E[(chi d / (1 + chi d))^2] and chi E[d (1 - u^2) / (1 + chi d)]."""
    ratio = chi * nodes.d / (1.0 + chi * nodes.d)
    p = nodes.probability
    return (
        float(np.square(chi * nodes.force) @ p),
        float(np.square(ratio) @ p),
        float((ratio * (1.0 - nodes.u**2)) @ p),
    )


def alpha_threshold(a: float = 1.0) -> ThresholdState:
    """The ratio M/N above which threshold states are unstable towards the signal.

    A prediction of the replica method with one step of symmetry breaking, no theorem and no fact
    about descent: at finite N the signal is found far below it.

    Parameters
    ----------
    a : float, default 1
        Constant of the loss; inf for the plain loss ``(lambda^2 - u^2)^2 / 2``.

    Returns
    -------
    ThresholdState
        With ``alpha`` the threshold, and the state there.

    Raises
    ------
    ValueError, TypeError
        For an unusable `a`.
    ArithmeticError
        Where the equations are not solved, as for a far outside 1e-6 to 1e6.

    Notes
    -----
    With lambda(u, z) the minimiser of ``l(., u) + (. - z)^2 / (2 chi)``, z standard normal with the weight
    exp(-s min), normalised at each u, the equations are ``alpha E[(lambda - z)^2] = chi/(chi + s)``,
    ``alpha E[(chi d / (1 + chi d))^2] = 1`` and ``alpha chi E[d (1 - u^2) / (1 + chi d)] = 1``.

    References
    ----------
    Bonnaire, Biroli, Cammarota, arXiv 2403.02418; the page on the theory of phase retrieval.

    Examples
    --------
    >>> import math
    >>> from talweg.phase_retrieval import alpha_threshold
    >>> round(alpha_threshold(1.0).alpha, 3), round(alpha_threshold(math.inf).alpha, 2)
    (7.094, 13.8)
    """
    a = checked_a(a)
    chi, s = _solve_threshold(a, _seed(a), 1.0)
    coarse = _solve_threshold(a, (chi, s), 0.7)
    first, second, third = _conditions(threshold_nodes(a, chi, s), chi)
    alpha = 1.0 / second
    other = 1.0 / _conditions(threshold_nodes(a, *coarse, 0.7), coarse[0])[1]
    residuals = np.array([alpha * first * (chi + s) / chi, alpha * second, alpha * third]) - 1.0
    return ThresholdState(a, alpha, chi, s, abs(other - alpha), residuals)


def _seed(a: float) -> tuple[float, float]:
    size = 14.0 if math.isinf(a) else math.log(a)
    scale = 1.0 if math.isinf(a) else 1.0 + a
    chi, s = (float(np.interp(size, _SEEDS[:, 0], _SEEDS[:, i])) for i in (1, 2))
    return chi * scale, s * scale


def _solve_threshold(a: float, seed: tuple[float, float], fineness: float) -> tuple[float, float]:
    def excess(logarithms: Any) -> list[float]:
        chi, s = (float(value) for value in np.exp(logarithms))
        first, second, third = _conditions(threshold_nodes(a, chi, s, fineness), chi)
        return [first * (chi + s) / (chi * second) - 1.0, third / second - 1.0]

    return _solve(excess, seed, f"a: no threshold state was found at a = {a:g}")


def _solve(excess: Any, seed: tuple[float, float], failure: str) -> tuple[float, float]:
    from scipy.optimize import root

    with np.errstate(all="ignore"):
        found = root(excess, np.log(seed), tol=1e-13)
        worst = float(np.abs(found.fun).max())
    if not worst < _SOLVED:
        raise ArithmeticError(f"{failure} (residual {worst:.3g})")
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))


def threshold_state(a: float = 1.0, alpha: float | None = None) -> ThresholdState:
    """The threshold state at a given ratio M/N: a replica prediction.

    Parameters
    ----------
    a : float, default 1
        Constant of the loss; inf for the plain loss.
    alpha : float, optional
        M/N; default: `alpha_threshold`.

    Returns
    -------
    ThresholdState

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    ArithmeticError
        Where no state was found, as for alpha next to 1 and below.

    Examples
    --------
    >>> from talweg.phase_retrieval import threshold_state
    >>> state = threshold_state(1.0, 4.0)
    >>> state.ratio < 1.0, abs(state.edge - state.multiplier) < 1e-9
    (True, True)
    """
    critical = alpha_threshold(a)
    if alpha is None:
        return critical
    alpha = checked_positive(alpha, "alpha")
    a = critical.a
    # From the solved state in steps that Newton's method takes surely.
    count = math.ceil(abs(math.log(alpha / critical.alpha)) / 0.15) + 1
    state = (critical.chi, critical.s)
    for value in np.geomspace(critical.alpha, alpha, count)[1:]:
        state = _solve_at(a, float(value), state, 1.0)
    coarse = _solve_at(a, alpha, state, 0.7)
    first, second, third = _conditions(threshold_nodes(a, *state), state[0])
    residuals = (
        np.array([alpha * first * sum(state) / state[0], alpha * second, alpha * third]) - 1.0
    )
    return ThresholdState(a, alpha, *state, abs(coarse[0] - state[0]), residuals)


def _solve_at(
    a: float, alpha: float, seed: tuple[float, float], fineness: float
) -> tuple[float, float]:
    def excess(logarithms: Any) -> list[float]:
        chi, s = (float(value) for value in np.exp(logarithms))
        first, second, _ = _conditions(threshold_nodes(a, chi, s, fineness), chi)
        return [alpha * first * (chi + s) / chi - 1.0, alpha * second - 1.0]

    return _solve(
        excess, seed, f"alpha: no threshold state was found at a = {a:g}, alpha = {alpha:g}"
    )


def threshold_law(a: float = 1.0, alpha: float | None = None) -> Law:
    """The law of (lambda, u) in the threshold state: a replica prediction.

    Parameters
    ----------
    a : float, default 1
        Constant of the loss; inf for the plain loss.
    alpha : float, optional
        M/N; default: `alpha_threshold`.

    Returns
    -------
    Law

    Raises
    ------
    ValueError, TypeError, ArithmeticError
        As `threshold_state`.

    Examples
    --------
    >>> from talweg.phase_retrieval import bbp_ratio, threshold_law
    >>> round(bbp_ratio(threshold_law(1.0, 4.0), 4.0).value, 3)
    0.182
    """
    return threshold_state(a, alpha).law()
