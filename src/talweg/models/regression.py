"""Logistic and linear regression with ridge on dense data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.models.structured import StructuredObjective, checked_array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def logistic_regression(
    data: ArrayLike,
    labels: ArrayLike,
    ridge: float | ArrayLike = 0.0,
    *,
    intercept: bool = False,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """Mean logistic loss over the rows of a data array, with ridge.

    f(w) = 1/M sum_i log(1 + exp(-y_i w.z_i)) + sum_j ridge_j w_j^2/2

    Parameters
    ----------
    data : array_like, shape (M, p)
        The rows z_i. Copied.
    labels : array_like, shape (M,)
        y_i: -1 and +1, or 0 (or False) and 1 (or True) for the same.
    ridge : float or array_like, shape (n,), default 0
        At least 0; an array has one number for each coordinate, the intercept's last.
    intercept : bool, default False
        Whether to append a column of ones, whose coordinate comes last.
    bounds, name
        As for `talweg.Objective`.

    Returns
    -------
    StructuredObjective
        n = p, or p + 1 with an intercept.

    Raises
    ------
    ValueError, TypeError
        When shapes do not fit, `data` has no rows, labels are anything else, `ridge` is negative,
        or a number is not finite.

    Notes
    -----
    A block of points is multiplied with the data as matrices, so many points at once cost far less
    than one by one. Nothing overflows, whatever w.

    Examples
    --------
    >>> import math, talweg
    >>> f = talweg.models.logistic_regression([[1.0], [2.0], [-1.0]], [1, 1, 0], ridge=0.1)
    >>> bool(f([0.0]) == math.log(2))
    True
    """
    rows = _rows(data, intercept)
    y = _one_a_row(labels, "labels", rows)
    found = set(np.unique(y).tolist())
    if not (found <= {0.0, 1.0} or found <= {-1.0, 1.0}):
        shown = ", ".join(f"{value:g}" for value in sorted(found)[:5])
        raise ValueError(f"labels: want 0 and 1, or -1 and +1, got {shown}")
    signs = np.where(y > 0.0, 1.0, -1.0)
    return _objective("logistic", rows, signs, ridge, bounds, name or "logistic regression")


def linear_regression(
    data: ArrayLike,
    targets: ArrayLike,
    ridge: float | ArrayLike = 0.0,
    *,
    intercept: bool = False,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """Half the mean squared residual over the rows of a data array, with ridge.

    f(w) = 1/M sum_i (w.z_i - y_i)^2/2 + sum_j ridge_j w_j^2/2

    Parameters
    ----------
    data : array_like, shape (M, p)
        The rows z_i. Copied.
    targets : array_like, shape (M,)
        y_i.
    ridge : float or array_like, shape (n,), default 0
        At least 0; an array has one number for each coordinate, the intercept's last.
    intercept : bool, default False
        Whether to append a column of ones, whose coordinate comes last.
    bounds, name
        As for `talweg.Objective`.

    Returns
    -------
    StructuredObjective
        n = p, or p + 1 with an intercept.

    Raises
    ------
    ValueError, TypeError
        When shapes do not fit, `data` has no rows, `ridge` is negative, or a number is not finite.

    Notes
    -----
    Value and gradient come from the residuals, not from the normal equations, whose rounding errors
    are far larger near a good fit.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.linear_regression([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], intercept=True)
    >>> float(f([2.0, 1.0])), f.grad([2.0, 1.0])
    (0.0, array([0., 0.]))
    """
    rows = _rows(data, intercept)
    y = _one_a_row(targets, "targets", rows)
    return _objective("squares", rows, y, ridge, bounds, name or "linear regression")


def _rows(data: Any, intercept: bool) -> np.ndarray:
    rows = checked_array(data, "data", 2)
    if intercept:
        rows = np.column_stack([rows, np.ones(len(rows))])
    if not rows.size:
        raise ValueError(f"data: want at least one row and one column, got shape {np.shape(data)}")
    return rows


def _one_a_row(values: Any, argument: str, rows: np.ndarray) -> np.ndarray:
    array = checked_array(values, argument, 1)
    if len(array) != len(rows):
        raise ValueError(f"{argument}: want shape ({len(rows)},), one a row, got {array.shape}")
    return array


def _objective(
    loss: str, rows: np.ndarray, targets: np.ndarray, ridge: Any, bounds: Any, name: str
) -> StructuredObjective:
    n = rows.shape[1]
    weights = checked_array(ridge, "ridge", (0, 1))
    if weights.ndim == 1 and weights.shape != (n,):
        raise ValueError(f"ridge: want a number or shape ({n},), got {weights.shape}")
    if (weights < 0.0).any():
        raise ValueError(f"ridge: want numbers from 0 on, got {weights.min():g}")
    parameters = {
        "loss": loss,
        "data": rows,
        "targets": targets,
        "ridge": np.broadcast_to(weights, (n,)),
    }
    return StructuredObjective("regression", parameters, bounds=bounds, name=name)
