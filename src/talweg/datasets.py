"""Objectives on real data."""

from __future__ import annotations

import numpy as np

from talweg.models import StructuredObjective, logistic_regression
from talweg.names import hint

_LOGISTIC = {"breast-cancer": "load_breast_cancer"}


def logistic(name: str = "breast-cancer", ridge: float = 0.01) -> StructuredObjective:
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
    StructuredObjective
        Without bounds; made by `talweg.models.logistic_regression`.

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
    rows, classes = _rows_and_classes(name)
    return logistic_regression(rows, classes, ridge, name=f"logistic:{name}")


def _rows_and_classes(name) -> tuple[np.ndarray, np.ndarray]:
    """The rows z_i and the classes, 0 or 1."""
    try:
        from sklearn import datasets
    except ImportError:
        raise ImportError(
            f"the data set {name!r} comes with scikit-learn: pip install scikit-learn"
        ) from None
    features, classes = getattr(datasets, _LOGISTIC[name])(return_X_y=True)
    standardised = (features - features.mean(axis=0)) / features.std(axis=0)
    return np.column_stack([standardised, np.ones(len(features))]), classes
