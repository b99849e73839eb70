"""How fast descent contracts volume."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from talweg.theory.arguments import checked_momentum, checked_spectrum, checked_step

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["volume_rate"]


def volume_rate(
    eigenvalues: ArrayLike,
    step_length: float | None = None,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> float:
    """Change of log volume, of a small set at a critical point, in a unit of time or a step.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
        Of any signs.
    step_length : float, optional
        Of descent: the change at each step. Without it gradient flow: the change in a unit of time.
    momentum : float, default 0
        With momentum volume is that of pairs of iterates, in 2 n dimensions.
    nesterov : bool, default False
        Nesterov's method instead of the heavy ball; without momentum both are plain descent.

    Returns
    -------
    float
        ``-sum(lambda)`` for the flow, ``sum log|1 - s lambda|`` for descent, ``n log(momentum)`` for the
        heavy ball, ``sum log|momentum (1 - s lambda)|`` for Nesterov's method; -inf where the map
        is singular.

    References
    ----------
    The theory page of the documentation, section "Volume".

    Examples
    --------
    >>> import talweg
    >>> talweg.theory.volume_rate([1.0, 3.0])
    -4.0
    >>> round(talweg.theory.volume_rate([1.0, 3.0], 0.1), 6)
    -0.462035
    """
    values = checked_spectrum(eigenvalues, positive=False)
    beta = checked_momentum(momentum)
    if step_length is None:
        if beta or nesterov:
            raise ValueError("momentum: gradient flow has none; give a step_length")
        return -float(values.sum())
    s = checked_step(step_length)
    if beta and not nesterov:
        return float(len(values) * np.log(beta))
    with np.errstate(divide="ignore"):
        # log1p keeps what small steps do.
        small = s * values < 0.5
        logs = np.where(
            small,
            np.log1p(-np.where(small, s * values, 0.0)),
            np.log(np.abs(1.0 - s * values)),
        )
        total = float(logs.sum())
    return total + (len(values) * float(np.log(beta)) if beta else 0.0)
