"""Objectives on real data."""

from __future__ import annotations

import numpy as np

from talweg.functions import softplus
from talweg.names import hint
from talweg.objective import Objective
from talweg.sums import sum_over

_LOGISTIC = {"breast-cancer": "load_breast_cancer"}


def logistic(name: str = "breast-cancer", ridge: float = 0.01) -> Objective:
    """Ridge-regularised logistic regression on a data set that scikit-learn ships.

    f(w) = 1/M sum_i log(1 + exp(-y_i w.z_i)) + ridge/2 |w|^2

    where z_i are the M rows of the data, each column standardised to mean 0 and variance 1, with a
    column of ones appended for the intercept, and y_i = +-1 the classes. The ridge acts on all
    coordinates, the intercept included, so that f is strongly convex with a single minimum.

    Parameters
    ----------
    name : {"breast-cancer"}
        "breast-cancer": M = 569 rows, n = 31 coordinates (30 features and the intercept, which
        comes last); +1 is benign.
    ridge : float, default 0.01
        Greater than 0. With the default the Hessian at the minimum has the smallest eigenvalue
        0.010002 and the condition number 22.

    Returns
    -------
    Objective
        Without bounds.

    Raises
    ------
    ValueError
        When no such data set is known, or the ridge is not positive.
    ImportError
        When scikit-learn is not installed.

    References
    ----------
    W. N. Street, W. H. Wolberg, O. L. Mangasarian, Proc. SPIE 1905, 861 (1993), for the data.

    Examples
    --------
    >>> import math, talweg
    >>> f = talweg.datasets.logistic("breast-cancer")
    >>> f.n, bool(abs(f([0.0] * 31) - math.log(2)) < 1e-14)
    (31, True)
    """
    if name not in _LOGISTIC:
        raise ValueError(f"name: no data set is called {name!r}: {hint(str(name), _LOGISTIC)}")
    ridge = float(ridge)
    if not 0.0 < ridge < np.inf:
        raise ValueError(f"ridge: want a finite number above 0, got {ridge}")
    rows = _signed_rows(name)
    count, n = rows.shape
    loss = sum_over(lambda w, row: softplus(-(row @ w)), rows)
    return Objective(
        lambda w: loss(w) / count + ridge / 2 * (w @ w),
        n,
        name=f"logistic:{name}",
        verify=False,
    )


def _signed_rows(name) -> np.ndarray:
    """The rows y_i z_i."""
    try:
        from sklearn import datasets
    except ImportError:
        raise ImportError(
            f"the data set {name!r} comes with scikit-learn: pip install scikit-learn"
        ) from None
    features, classes = getattr(datasets, _LOGISTIC[name])(return_X_y=True)
    standardised = (features - features.mean(axis=0)) / features.std(axis=0)
    rows = np.column_stack([standardised, np.ones(len(features))])
    signed: np.ndarray = rows * (2.0 * classes - 1.0)[:, None]
    return signed
