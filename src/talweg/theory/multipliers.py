"""What one step of descent does to each eigendirection of a quadratic function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.theory.arguments import checked_momentum, checked_step

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["contraction", "moduli"]


def moduli(
    eigenvalues: Any, step_length: Any, momentum: float = 0.0, nesterov: bool = False
) -> Any:
    """The larger modulus of the roots of each direction; arrays broadcast."""
    mu = 1.0 - step_length * np.asarray(eigenvalues)
    if momentum == 0.0:
        return np.abs(mu)
    # Both are z^2 - trace z + determinant.
    trace = (1.0 + momentum) * mu if nesterov else mu + momentum
    determinant = momentum * mu if nesterov else momentum + 0.0 * mu
    discriminant = trace**2 / 4.0 - determinant
    real = np.abs(trace) / 2.0 + np.sqrt(np.maximum(discriminant, 0.0))
    return np.where(discriminant >= 0.0, real, np.sqrt(np.maximum(determinant, 0.0)))


def contraction(
    eigenvalues: ArrayLike, step_length: float, momentum: float = 0.0, nesterov: bool = False
) -> Floats:
    """Factor by which one step shrinks each eigendirection, in the long run.

    Gradient descent multiplies the part along the eigenvector of eigenvalue lambda by
    ``mu = 1 - step_length * lambda``; with momentum beta the part follows a recursion of two terms
    whose larger root decides: of ``z^2 - (1 + beta - step_length lambda) z + beta`` for the heavy
    ball, of ``z^2 - (1 + beta) mu z + beta mu`` for Nesterov's method.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
    step_length : float
    momentum : float, default 0
        beta, from 0 on and below 1.
    nesterov : bool, default False
        Nesterov's method instead of the heavy ball; without momentum both are plain descent.

    Returns
    -------
    ndarray, shape (n,)
        Moduli, in the order of `eigenvalues`; above 1 the direction diverges.

    References
    ----------
    The theory page of the documentation, section "Momentum".

    Examples
    --------
    >>> import talweg
    >>> talweg.theory.contraction([1.0, 4.0], 0.25)
    array([0.75, 0.  ])
    >>> talweg.theory.contraction([1.0, 4.0], 0.25, momentum=0.25)
    array([0.5, 0.5])
    """
    values = finite_array(eigenvalues, "eigenvalues")
    result: Floats = moduli(
        values, checked_step(step_length), checked_momentum(momentum), bool(nesterov)
    )
    return result
