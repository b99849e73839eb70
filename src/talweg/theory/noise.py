"""Where isotropic noise in the gradient keeps the iterates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.arguments import checked_positive
from talweg.theory.arguments import checked_momentum, checked_spectrum, checked_step
from talweg.theory.multipliers import moduli

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["stationary_variance", "variances"]


def variances(eigenvalues: Any, step_length: float, momentum: float, nesterov: bool) -> Any:
    """Stationary variances for noise of variance 1; steps must be stable."""
    s, beta = step_length, momentum
    if nesterov:
        mu = 1.0 - s * eigenvalues
        # 1 - mu as it is: a difference of rounded numbers is poor for small steps.
        return (
            s**2
            * (1.0 + beta * mu)
            / ((1.0 - beta * mu) * (s * eigenvalues) * (1.0 + mu + 2.0 * beta * mu))
        )
    return s * (1.0 + beta) / ((1.0 - beta) * eigenvalues * (2.0 * (1.0 + beta) - s * eigenvalues))


def stationary_variance(
    eigenvalues: ArrayLike,
    step_length: float,
    noise_variance: float = 1.0,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Floats:
    """Variance of the iterates along each eigenvector when the gradient carries isotropic noise.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
        All positive; the answer is in ascending order of them.
    step_length : float
        Below the bound of stability (`step_bounds`).
    noise_variance : float, default 1
        Of each coordinate of the gradient, independent from step to step.
    momentum : float, default 0
    nesterov : bool, default False
        Nesterov's method instead of the heavy ball; without momentum both are plain descent.

    Returns
    -------
    ndarray, shape (n,)
        Exact for a quadratic function, the leading order of small noise for others.

    Raises
    ------
    ValueError
        When the step is unstable: there is no stationary state.

    References
    ----------
    The theory page of the documentation, section "Noise".

    Examples
    --------
    >>> import talweg
    >>> talweg.theory.stationary_variance([1.0, 4.0], 0.1).round(6)
    array([0.052632, 0.015625])
    """
    values = checked_spectrum(eigenvalues)
    s, beta = checked_step(step_length), checked_momentum(momentum)
    strength = checked_positive(noise_variance, "noise_variance")
    largest = float(moduli(values, s, beta, bool(nesterov)).max())
    if largest >= 1.0:
        raise ValueError(
            f"step_length: {s} is unstable (a factor of {largest:.6g} a step), so no stationary "
            "state exists; talweg.theory.step_bounds gives the bound"
        )
    result: Floats = strength * variances(values, s, beta, bool(nesterov))
    return result
