"""The weights of the rank-one terms of the Hessian."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = [
    "HESSIANS",
    "checked_a",
    "checked_hessian",
    "complex_weights",
    "curvature_floor",
    "curvature_weights",
    "real_weights",
]

#: The matrices of which the theory speaks.
HESSIANS = ("full", "averaged", "without-gauss-newton")


def checked_a(a: Any) -> float:
    """The constant of the loss as a float: positive, or inf for the plain loss."""
    if isinstance(a, (bool, np.bool_)) or not isinstance(a, (int, float, np.integer, np.floating)):
        raise TypeError(f"a: want a positive number or inf (the plain loss), got {a!r}")
    if not a > 0:
        raise ValueError(f"a: want a positive number or inf (the plain loss), got {a}")
    return float(a)


def checked_hessian(hessian: Any) -> str:
    """`hessian` as one of `HESSIANS`."""
    if hessian not in HESSIANS:
        raise ValueError(f"hessian: want one of {', '.join(HESSIANS)}, got {hessian!r}")
    return str(hessian)


def curvature_weights(lam: Any, u: Any, a: float = 1.0, hessian: str = "full") -> Any:
    """The weights d of ``D = (1/M) sum d_i x_i x_i^T``.

    Parameters
    ----------
    lam : array_like
        ``x_i.w / sqrt(N)``. Complex numbers, here or in `u`, stand for complex data.
    u : array_like
        ``x_i.w* / sqrt(N)``; its sign or phase does not matter.
    a : float, default 1
        Constant of the loss ``(lam^2 - u^2)^2 / (2 (a + u^2))``; inf for the plain loss
        ``(lam^2 - u^2)^2 / 2``.
    hessian : str, default "full"
        "full": the second derivative of the loss, ``2 (3 lam^2 - u^2) / (a + u^2)``. "averaged": its mean
        over a standard normal `lam`, ``2 (3 - u^2) / (a + u^2)``. "without-gauss-newton": the mean
        of ``2 (lam^2 - u^2) / (a + u^2)``, what is left without the square of the derivative of
        ``lam^2``.

    Returns
    -------
    ndarray, shape of `lam` and `u`; for complex data (2, ...)
        For complex data the second derivative is a matrix of two rows; given are its eigenvalues,
        ``2 (3 |lam|^2 - |u|^2) / (a + |u|^2)`` along lam and ``2 (|lam|^2 - |u|^2) / (a + |u|^2)``
        across. Averaged, both are ``2 (2 - |u|^2) / (a + |u|^2)``, and without the Gauss-Newton
        term ``2 (1 - |u|^2) / (a + |u|^2)``.

    Raises
    ------
    ValueError, TypeError
        For another `hessian` or an unusable `a`.

    References
    ----------
    Bonnaire, Biroli, Cammarota, arXiv 2403.02418.

    Examples
    --------
    >>> from talweg.phase_retrieval import curvature_weights
    >>> float(curvature_weights(1.0, 1.0)), curvature_weights(1j, 1.0).tolist()
    (2.0, [2.0, 0.0])
    """
    a, hessian = checked_a(a), checked_hessian(hessian)
    if np.iscomplexobj(lam) or np.iscomplexobj(u):
        squares = np.square(np.abs(lam)), np.square(np.abs(u))
        return np.stack(np.broadcast_arrays(*complex_weights(*squares, a, hessian)))
    return real_weights(np.square(lam), np.square(u), a, hessian)


def real_weights(square: Any, label: Any, a: float, hessian: str) -> Any:
    """The weights as analytic functions of lambda^2 and u^2, which may be complex numbers."""
    scale = 2.0 if math.isinf(a) else 2.0 / (a + label)
    if hessian == "full":
        return scale * (3.0 * square - label)
    return scale * ((3.0 if hessian == "averaged" else 1.0) - label) + 0.0 * square


def complex_weights(square: Any, label: Any, a: float, hessian: str) -> tuple[Any, Any]:
    """Those of complex data along and across lambda, as functions of |lambda|^2 and |u|^2."""
    scale = 2.0 if math.isinf(a) else 2.0 / (a + label)
    if hessian == "full":
        return scale * (3.0 * square - label), scale * (square - label)
    both = scale * ((2.0 if hessian == "averaged" else 1.0) - label) + 0.0 * square
    return both, both


def curvature_floor(a: float) -> float:
    """The greatest lower bound of all weights, over all numbers `lam` and `u`."""
    return -math.inf if math.isinf(a) else -2.0
