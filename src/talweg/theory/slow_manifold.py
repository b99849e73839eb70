"""The curves that trajectories and gradient extremals follow at second order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_objective, dimension_of
from talweg.objective import Objective
from talweg.theory.arguments import checked_step

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["SlowManifold", "slow_manifold"]


@dataclasses.dataclass(frozen=True)
class SlowManifold:
    """Two curves through a minimum, tangent to one eigenvector, to second order.

    In eigencoordinates y of the minimum both are ``y_j = c_j y_d^2``, d the branch.

    Attributes
    ----------
    x_min : ndarray, shape (n,)
    eigenvalues : ndarray, shape (n,)
    eigenvectors : ndarray, shape (n, n)
        In columns.
    branch : int
        d.
    forcing : ndarray, shape (n,)
        ``T[e_d, e_d, e_j]``, the third derivatives that bend the curves.
    invariant : ndarray, shape (n,)
        The coefficients c_j of the invariant curve of the flow or the map; entry d is 0. NaN where
        the denominator vanishes (a resonance) and the forcing does not: no twice differentiable
        invariant curve exists then.
    extremal : ndarray, shape (n,)
        The coefficients c_j of the gradient extremal; NaN likewise at a repeated eigenvalue.
    """

    x_min: Floats
    eigenvalues: Floats
    eigenvectors: Floats
    branch: int
    forcing: Floats
    invariant: Floats
    extremal: Floats

    def points(self, t: ArrayLike, which: str = "invariant") -> Floats:
        """Points of a curve's second-order form at the coordinates `t` along the eigenvector.

        Parameters
        ----------
        t : array_like, shape (m,)
            Signed distances from the minimum along the eigenvector.
        which : {"invariant", "extremal"}

        Returns
        -------
        ndarray, shape (m, n)
        """
        if which not in ("invariant", "extremal"):
            raise ValueError(f"which: want 'invariant' or 'extremal', got {which!r}")
        along = finite_array(t, "t").reshape(-1, 1)
        bend = self.eigenvectors @ getattr(self, which)
        return self.x_min + along * self.eigenvectors[:, self.branch] + along**2 * bend


def slow_manifold(
    f: Objective | Callable[[Any], Any],
    x_min: ArrayLike,
    step_length: float | None = None,
    branch: int = 0,
) -> SlowManifold:
    """The invariant curve that trajectories follow into a minimum, and the talweg beside it.

    Trajectories share the talweg's tangent at the minimum, not its curvature: the two coefficients
    differ wherever the forcing is not zero.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x_min : array_like, shape (n,)
        A nondegenerate minimum, as `talweg.critical_points` gives it.
    step_length : float, optional
        Of gradient descent; without it gradient flow.
    branch : int, default 0
        The eigendirection, 0 the softest.

    Returns
    -------
    SlowManifold

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, an `x_min` that is no minimum among them.

    References
    ----------
    The theory page of the documentation, section "Directional alignment".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: (x[0]**2 + 5*x[1]**2)/2 + 0.3*x[0]**2*x[1], 2)
    >>> curves = talweg.theory.slow_manifold(f, [0.0, 0.0])
    >>> curves.invariant.round(6).tolist(), curves.extremal.round(6).tolist()
    ([0.0, -0.1], [0.0, -0.09])
    """
    objective = checked_objective(f, dimension_of(None, x_min))
    if objective.metric is not None:
        raise ValueError("f: want an objective without a metric; the formulas are Euclidean")
    x = finite_array(x_min, "x_min")
    n = objective.n
    if x.shape != (n,):
        raise ValueError(f"x_min: want shape ({n},), got {x.shape}")
    s = 0.0 if step_length is None else checked_step(step_length)
    if isinstance(branch, bool) or not isinstance(branch, (int, np.integer)):
        raise TypeError(f"branch: want a whole number, got {branch!r}")
    if not 0 <= branch < n:
        raise ValueError(f"branch: want 0 to {n - 1}, got {branch}")
    eigenvalues, eigenvectors = np.linalg.eigh(objective.hess(x))
    if eigenvalues[0] <= 1e-12 * np.abs(eigenvalues).max():
        raise ValueError(
            f"x_min: want a nondegenerate minimum, got a smallest eigenvalue of {eigenvalues[0]:.6g}"
        )
    away = float(np.linalg.norm((eigenvectors.T @ objective.grad(x)) / eigenvalues))
    if away > 1e-6 * (1.0 + float(np.linalg.norm(x))):
        raise ValueError(
            f"x_min: want a critical point, got one at a distance of about {away:.3g}; "
            "talweg.critical_points(f, starts=[x_min]) finds it"
        )
    v = eigenvectors[:, branch]
    forcing = eigenvectors.T @ (objective.third(x, v) @ v)
    soft = eigenvalues[branch]
    other = np.arange(n) != branch
    small = 1e-12 * eigenvalues[-1]
    invariant = _quotient(-forcing / 2.0, eigenvalues - 2.0 * soft + s * soft**2, other, small)
    extremal = _quotient(
        -forcing / 2.0 * (eigenvalues + soft) / eigenvalues, eigenvalues - soft, other, small
    )
    return SlowManifold(x, eigenvalues, eigenvectors, int(branch), forcing, invariant, extremal)


def _quotient(top: Floats, bottom: Floats, where: Any, small: float) -> Floats:
    singular = np.abs(bottom) <= small
    result = np.where(singular, np.nan, top / np.where(singular, 1.0, bottom))
    result[singular & (np.abs(top) <= small)] = 0.0
    result[~where] = 0.0
    return np.asarray(result, dtype=np.float64)
