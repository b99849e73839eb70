"""Gaussian mixtures and sums of Gaussians."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.models.structured import StructuredObjective, checked_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def gaussian_mixture(
    means: ArrayLike,
    covariances: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """Minus the logarithm of a Gaussian mixture's density.

    f(x) = -log sum_k w_k N(x; mean_k, C_k) with the normal densities N; modes of the density are
    minima of f

    Parameters
    ----------
    means : array_like, shape (K, n)
    covariances : array_like, shape (K, n, n), (K,) or ()
        C_k, symmetric and positive definite. A number stands for that variance in every direction:
        one a component, or one for all of them.
    weights : array_like, shape (K,), optional
        w_k, above 0; divided by their sum. Equal by default.
    bounds : array_like, shape (n, 2), optional
        By default the box of all points within 4 standard deviations of a mean along each axis.
    name : str, optional

    Returns
    -------
    StructuredObjective

    Raises
    ------
    ValueError, TypeError
        When shapes do not fit, a covariance is not symmetric and positive definite, a weight is not
        above 0, or a number is not finite.

    Notes
    -----
    f does not underflow far away from the means, where it grows like the squared distance.

    Examples
    --------
    >>> import math, talweg
    >>> f = talweg.models.gaussian_mixture([[-1.0, 0.0], [1.0, 0.0]], 0.25)
    >>> f.bounds.tolist()
    [[-3.0, 3.0], [-2.0, 2.0]]
    >>> f.grad([0.0, 0.0])
    array([0., 0.])
    """
    centres, precisions, log_determinants, box = _components(means, covariances)
    components, n = centres.shape
    if weights is None:
        shares = np.full(components, 1.0 / components)
    else:
        shares = checked_array(weights, "weights", 1)
        if shares.shape != (components,):
            raise ValueError(f"weights: want shape ({components},), got {shares.shape}")
        if not (shares > 0.0).all():
            raise ValueError(f"weights: want numbers above 0, got {shares.min():g}")
        shares = shares / shares.sum()
    amplitudes = np.log(shares) - 0.5 * (log_determinants + n * np.log(2.0 * np.pi))
    parameters = {
        "logarithm": True,
        "amplitudes": amplitudes,
        "means": centres,
        "precisions": precisions,
    }
    return StructuredObjective(
        "gaussians",
        parameters,
        bounds=box if bounds is None else bounds,
        name=name or "gaussian mixture",
    )


def gaussian_sum(
    amplitudes: ArrayLike,
    means: ArrayLike,
    covariances: ArrayLike,
    *,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """Sum of Gaussians, wells and hills on a plain.

    f(x) = sum_k a_k exp(-(x - mean_k)' C_k^-1 (x - mean_k)/2)

    Parameters
    ----------
    amplitudes : array_like, shape (K,)
        a_k: wells where negative, hills where positive.
    means : array_like, shape (K, n)
    covariances : array_like, shape (K, n, n), (K,) or ()
        C_k, symmetric and positive definite. A number stands for that variance in every direction:
        one a component, or one for all of them.
    bounds : array_like, shape (n, 2), optional
        By default the box of all points within 4 standard deviations of a mean along each axis.
    name : str, optional

    Returns
    -------
    StructuredObjective

    Raises
    ------
    ValueError, TypeError
        When shapes do not fit, a covariance is not symmetric and positive definite, or a number is
        not finite.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.gaussian_sum([-1.0, -2.0], [[0.0, 0.0], [100.0, 0.0]], 1.0)
    >>> float(f([0.0, 0.0])), float(f([100.0, 0.0]))
    (-1.0, -2.0)
    """
    centres, precisions, _, box = _components(means, covariances)
    heights = checked_array(amplitudes, "amplitudes", 1)
    if heights.shape != (len(centres),):
        raise ValueError(f"amplitudes: want shape ({len(centres)},), got {heights.shape}")
    parameters = {
        "logarithm": False,
        "amplitudes": heights,
        "means": centres,
        "precisions": precisions,
    }
    return StructuredObjective(
        "gaussians",
        parameters,
        bounds=box if bounds is None else bounds,
        name=name or "gaussian sum",
    )


def _components(means: Any, covariances: Any) -> tuple[np.ndarray, ...]:
    """Means, inverse covariances, logarithms of the determinants, and the box they cover."""
    centres = checked_array(means, "means", 2)
    components, n = centres.shape
    if not centres.size:
        raise ValueError(f"means: want shape (K, n), both at least 1, got {centres.shape}")
    matrices = checked_array(covariances, "covariances", (0, 1, 3))
    if matrices.ndim < 3:
        if matrices.ndim == 1 and matrices.shape != (components,):
            raise ValueError(
                f"covariances: want shape ({components}, {n}, {n}), ({components},) or a number, "
                f"got {matrices.shape}"
            )
        variances = np.broadcast_to(matrices, (components,))
        matrices = variances[:, None, None] * np.eye(n)
    if matrices.shape != (components, n, n):
        raise ValueError(f"covariances: want shape ({components}, {n}, {n}), got {matrices.shape}")
    precisions, log_determinants = np.empty_like(matrices), np.empty(components)
    for k, matrix in enumerate(matrices):
        if not np.allclose(matrix, matrix.T, rtol=0, atol=1e-12 * np.abs(matrix).max()):
            raise ValueError(f"covariances: number {k} is not symmetric")
        try:
            factor = np.linalg.cholesky(matrix)
        except np.linalg.LinAlgError:
            raise ValueError(f"covariances: number {k} is not positive definite") from None
        root = np.linalg.solve(factor, np.eye(n))
        precisions[k] = root.T @ root
        log_determinants[k] = 2.0 * np.log(np.diagonal(factor)).sum()
    reach = 4.0 * np.sqrt(np.diagonal(matrices, axis1=1, axis2=2))
    box = np.column_stack([(centres - reach).min(axis=0), (centres + reach).max(axis=0)])
    return centres, precisions, log_determinants, box
