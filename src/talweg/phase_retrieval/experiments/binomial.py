"""Shares of successes: intervals, and the fit of where they pass one half."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["HalfSuccess", "fit_half_success", "logistic_fit", "wilson_interval"]


def wilson_interval(
    successes: ArrayLike, runs: ArrayLike, confidence: float = 0.683
) -> tuple[Floats, Floats]:
    """Wilson's interval of a probability.

    Parameters
    ----------
    successes, runs : array_like of int
    confidence : float, default 0.683
        One standard error of a normal distribution.

    Returns
    -------
    low, high : ndarray
        NaN where there are no runs.

    Examples
    --------
    >>> from talweg.phase_retrieval.experiments.binomial import wilson_interval
    >>> low, high = wilson_interval([0, 5], 10, confidence=0.95)
    >>> low.round(3), high.round(3)
    (array([0.   , 0.237]), array([0.278, 0.763]))
    """
    from scipy.special import ndtri

    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence: want a number between 0 and 1, got {confidence}")
    k, n = np.broadcast_arrays(np.asarray(successes, float), np.asarray(runs, float))
    z = float(ndtri(0.5 + confidence / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        p = k / n
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At the ends exactly 0 and 1, which rounding misses.
    low = np.where(k == 0, np.where(n > 0, 0.0, np.nan), middle - half)
    high = np.where((k == n) & (n > 0), 1.0, middle + half)
    return low, high


def logistic_fit(design: ArrayLike, successes: ArrayLike, runs: ArrayLike) -> tuple[Floats, Floats]:
    """Coefficients b of ``log p/(1-p) = design @ b``, and their covariance.

    The likelihood is multiplied by Jeffreys' prior (Firth's correction), so that estimates stay
    finite where all runs on one side fail and all on the other succeed, and their bias is of
    second order in 1/runs.

    Parameters
    ----------
    design : array_like, shape (m, k)
    successes, runs : array_like of int, shape (m,)

    Returns
    -------
    coefficients : ndarray, shape (k,)
    covariance : ndarray, shape (k, k)
        Inverse of Fisher's information.

    Raises
    ------
    ArithmeticError
        When the design has linearly dependent columns, or Newton's method does not converge.

    References
    ----------
    Firth, Bias reduction of maximum likelihood estimates, Biometrika 80 (1993).

    Examples
    --------
    >>> from talweg.phase_retrieval.experiments.binomial import logistic_fit
    >>> b, covariance = logistic_fit([[1.0], [1.0]], [30, 40], [100, 100])
    >>> b.round(4)                              # log(70.5/130.5): half a run added to each side
    array([-0.6158])
    """
    X = np.asarray(design, float)
    k, n = np.asarray(successes, float), np.asarray(runs, float)
    b = np.zeros(X.shape[1])
    with np.errstate(over="ignore"):
        for _ in range(200):
            p = 1.0 / (1.0 + np.exp(-X @ b))
            weights = n * p * (1.0 - p)
            information = (X.T * weights) @ X
            try:
                covariance = np.linalg.inv(information)
            except np.linalg.LinAlgError:
                break
            leverage = weights * np.einsum("ij,jk,ik->i", X, covariance, X)
            step = covariance @ (X.T @ (k - n * p + leverage * (0.5 - p)))
            # Far from the solution the curve is flat and a full step jumps over it.
            largest = np.abs(X @ step).max(initial=0.0)
            if not np.isfinite(largest):
                break
            b = b + step * min(1.0, 2.0 / max(largest, 1e-300))
            if largest < 1e-10 and np.linalg.cond(information) < 1e12:
                return b, covariance
    raise ArithmeticError("the logistic fit has no unique solution for these counts")


@dataclasses.dataclass(frozen=True)
class HalfSuccess:
    """Where half of the runs succeed, with one standard error each.

    Attributes
    ----------
    N : ndarray, shape (sizes,)
    alpha : ndarray, shape (sizes,)
        Where the fitted probability of each size is 1/2; NaN where the counts do not tell.
    error : ndarray, shape (sizes,)
    slope : ndarray, shape (sizes,)
        Of ``log p/(1-p)`` in alpha.
    drift, drift_error : float
        Change of that alpha for each unit of log N, from one fit of
        ``log p/(1-p) = s (alpha - alpha_0 - drift log N)`` to all sizes. NaN for one size.
    alpha_0, common_slope : float
        The other two parameters of that fit.
    """

    N: Floats
    alpha: Floats
    error: Floats
    slope: Floats
    drift: float
    drift_error: float
    alpha_0: float
    common_slope: float

    def at(self, N: Any) -> Any:
        """The alpha of half success that the common fit gives for size N."""
        return self.alpha_0 + self.drift * np.log(N)


def fit_half_success(
    N: ArrayLike, alpha: ArrayLike, successes: ArrayLike, runs: ArrayLike
) -> HalfSuccess:
    """Fit where success passes one half for each size, and its drift with log N.

    Parameters
    ----------
    N : array_like, shape (sizes,)
    alpha : array_like, shape (ratios,)
    successes, runs : array_like of int, shape (sizes, ratios)

    Returns
    -------
    HalfSuccess

    Examples
    --------
    >>> import numpy
    >>> from talweg.phase_retrieval.experiments.binomial import fit_half_success
    >>> N, alpha = numpy.array([100, 1000]), numpy.linspace(1, 5, 9)
    >>> p = 1 / (1 + numpy.exp(-3 * (alpha - 0.4 * numpy.log(N)[:, None])))
    >>> found = fit_half_success(N, alpha, numpy.round(500 * p), numpy.full(p.shape, 500))
    >>> round(found.drift, 2), bool(found.drift_error < 0.03)
    (0.4, True)
    """
    sizes, ratios = np.asarray(N, float), np.asarray(alpha, float)
    k, n = np.asarray(successes, float), np.asarray(runs, float)
    at, error, slopes = (np.full(len(sizes), np.nan) for _ in range(3))
    for i in range(len(sizes)):
        used = n[i] > 0
        share = k[i, used].sum() / max(n[i].sum(), 1.0)
        if used.sum() < 2 or share in (0.0, 1.0):
            continue
        design = np.column_stack([np.ones(used.sum()), ratios[used]])
        try:
            b, covariance = logistic_fit(design, k[i, used], n[i, used])
        except ArithmeticError:
            continue
        if b[1] > 0.0:
            at[i], error[i] = _ratio(b, covariance)
            slopes[i] = b[1]
    drift = drift_error = alpha_0 = common = np.nan
    many = n > 0
    counted = many.any(axis=1).sum() > 1 and many.any(axis=0).sum() > 1
    if counted and 0 < k[many].sum() < n[many].sum():
        rows, columns = np.nonzero(many)
        design = np.column_stack([np.ones(len(rows)), ratios[columns], np.log(sizes[rows])])
        try:
            b, covariance = logistic_fit(design, k[many], n[many])
        except ArithmeticError:
            pass
        else:
            common, alpha_0 = float(b[1]), float(-b[0] / b[1])
            drift, drift_error = _ratio(b[[2, 1]], covariance[np.ix_([2, 1], [2, 1])])
    return HalfSuccess(sizes, at, error, slopes, drift, drift_error, alpha_0, common)


def _ratio(b: Floats, covariance: Floats) -> tuple[float, float]:
    """``-b_0/b_1`` with its error to first order."""
    value = -b[0] / b[1]
    gradient = np.array([-1.0 / b[1], b[0] / b[1] ** 2])
    return float(value), float(np.sqrt(gradient @ covariance @ gradient))
