"""Polynomials: sparse ones of any degree, quadratic functions, normal forms."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.models.structured import StructuredObjective, checked_array, checked_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

#: The greatest exponent of a variable.
_MOST = 1000


def polynomial(
    exponents: ArrayLike | Mapping[tuple[int, ...], float],
    coefficients: ArrayLike | None = None,
    *,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """A polynomial given by its terms.

    f(x) = sum_t c_t x_1^k_t1 ... x_n^k_tn

    Parameters
    ----------
    exponents : array_like of int, shape (terms, n), or dict
        The exponents k, 0 to 1000, no row twice. A dict maps tuples of n exponents to coefficients;
        ``dict(sympy.Poly(...).terms())`` is one.
    coefficients : array_like, shape (terms,), optional
        The coefficients c; not given with a dict.
    bounds, name
        As for `talweg.Objective`.

    Returns
    -------
    StructuredObjective

    Raises
    ------
    ValueError, TypeError
        When shapes do not fit, exponents are no whole numbers from 0 to 1000 or come twice, or a
        coefficient is not finite.

    Notes
    -----
    The cost of a point grows with the number of distinct monomials in the function and its first
    two derivatives: H v and T[v] are combinations of the monomials' own derivatives.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.polynomial({(2, 0): 0.5, (0, 2): 1.0, (2, 1): 0.5})
    >>> float(f([2.0, -1.0])), f.grad([2.0, -1.0])
    (1.0, array([0., 0.]))
    """
    if isinstance(exponents, Mapping):
        if coefficients is not None:
            raise TypeError("coefficients: they are in the dict already")
        terms = exponents
        if len({np.size(key) for key in terms}) > 1:
            raise ValueError("exponents: want tuples of one length as keys")
        coefficients = [float(value) for value in terms.values()]
        exponents = np.array([tuple(key) for key in terms])
    elif coefficients is None:
        raise TypeError("coefficients: want one number a term, or a dict as first argument")
    raw = checked_array(exponents, "exponents", 2)
    numbers = checked_array(coefficients, "coefficients", 1)
    if raw.shape[1] < 1 or len(raw) < 1:
        raise ValueError(f"exponents: want shape (terms, n), both at least 1, got {raw.shape}")
    if len(raw) != len(numbers):
        raise ValueError(f"coefficients: want shape ({len(raw)},), one a term, got {numbers.shape}")
    bad = (raw < 0) | (raw > _MOST) | (raw != np.rint(raw))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"exponents: want whole numbers from 0 to {_MOST}, got {raw[row, column]:g} in term "
            f"{row}"
        )
    return StructuredObjective(
        "polynomial",
        {"exponents": raw.astype(np.uint32), "coefficients": numbers},
        bounds=bounds,
        name=name or "polynomial",
    )


def quadratic(
    matrix: ArrayLike,
    linear: ArrayLike | None = None,
    constant: float = 0.0,
    *,
    centre: ArrayLike | None = None,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """A quadratic function.

    f(x) = constant + linear.d + d'A d/2 with d = x - centre

    Parameters
    ----------
    matrix : array_like, shape (n, n) or (n,)
        A, symmetric; shape (n,) is the diagonal of a diagonal one.
    linear : array_like, shape (n,), optional
        0 by default.
    constant : float, default 0
    centre : array_like, shape (n,), optional
        0 by default.
    bounds, name
        As for `talweg.Objective`.

    Returns
    -------
    StructuredObjective

    Raises
    ------
    ValueError, TypeError
        When shapes do not fit, `matrix` is not symmetric, or a number is not finite.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.quadratic([[2.0, 1.0], [1.0, 3.0]], linear=[0.0, -1.0])
    >>> float(f([1.0, 1.0])), f.grad([1.0, 1.0])
    (2.5, array([3., 3.]))
    """
    a = checked_array(matrix, "matrix", (1, 2))
    n = len(a)
    if n < 1 or (a.ndim == 2 and a.shape != (n, n)):
        raise ValueError(f"matrix: want shape (n, n), or (n,) for a diagonal, got {a.shape}")
    return _cubic(
        a,
        linear,
        constant,
        centre,
        np.empty((0, 3), np.uint64),
        np.empty(0),
        bounds,
        name or "quadratic",
    )


def normal_form(
    eigenvalues: ArrayLike,
    cubic: ArrayLike | Mapping[tuple[int, int, int], float] | None = None,
    *,
    axes: ArrayLike | None = None,
    centre: ArrayLike | None = None,
    constant: float = 0.0,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """A function up to third order around a critical point, from its eigenvalues.

    f(x) = constant + sum_i lambda_i y_i^2/2 + sum_ijk T_ijk y_i y_j y_k/6

    where y = `axes`' (x - centre) are coordinates along the eigenvectors.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
        lambda, of any sign.
    cubic : array_like, shape (n, n, n), or dict, optional
        The third derivatives T_ijk = T[e_i, e_j, e_k] along the eigenvectors, symmetric. A dict
        maps (i, j, k), counted from 0, to T_ijk; each combination of indices comes once, in any
        order, and what is left out is 0.
    axes : array_like, shape (n, n), optional
        Orthonormal eigenvectors in columns; the coordinate axes by default.
    centre : array_like, shape (n,), optional
        The critical point; 0 by default.
    constant : float, default 0
        The value there.
    bounds, name
        As for `talweg.Objective`.

    Returns
    -------
    StructuredObjective

    Raises
    ------
    ValueError, TypeError
        When shapes do not fit, `cubic` is not symmetric or names a combination twice, `axes` are
        not orthonormal, or a number is not finite.

    Notes
    -----
    Without `axes` the cost of a point grows with the number of cubic coefficients; with them the
    rotated third derivative has n (n + 1) (n + 2)/6.

    Examples
    --------
    The function (x^2 + 2 y^2)/2 + x^2 y/2, with the saddle (2, -1):

    >>> import talweg
    >>> f = talweg.models.normal_form([1.0, 2.0], {(0, 0, 1): 1.0})
    >>> float(f([2.0, -1.0])), f.grad([2.0, -1.0])
    (1.0, array([0., 0.]))
    """
    values = checked_array(eigenvalues, "eigenvalues", 1)
    n = len(values)
    if n < 1:
        raise ValueError("eigenvalues: want at least 1")
    indices, numbers = _cubic_coefficients(cubic, n)
    matrix = values
    if axes is not None:
        frame = checked_array(axes, "axes", 2)
        if frame.shape != (n, n):
            raise ValueError(f"axes: want shape ({n}, {n}), got {frame.shape}")
        error = np.abs(frame.T @ frame - np.eye(n)).max()
        if error > 1e-10:
            raise ValueError(f"axes: want orthonormal columns, got axes'axes - 1 of size {error:g}")
        matrix = (frame * values) @ frame.T
        matrix = (matrix + matrix.T) / 2
        if len(numbers):
            full = np.zeros((n, n, n))
            for order in itertools.permutations(range(3)):
                full[tuple(indices[:, order].T)] = numbers
            for _ in range(3):  # each turn rotates the first index and moves it to the end
                full = np.tensordot(full, frame, axes=(0, 1))
            indices = _sorted_triples(n)
            numbers = full[tuple(indices.T)]
    return _cubic(
        matrix,
        None,
        constant,
        centre,
        indices.astype(np.uint64),
        numbers,
        bounds,
        name or "normal form",
    )


def _sorted_triples(n: int) -> np.ndarray:
    triples = itertools.combinations_with_replacement(range(n), 3)
    return np.array(list(triples), dtype=np.int64).reshape(-1, 3)


def _cubic_coefficients(cubic: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sorted index triples, each once, and their numbers."""
    if cubic is None:
        return np.empty((0, 3), np.int64), np.empty(0)
    if not isinstance(cubic, Mapping):
        full = checked_array(cubic, "cubic", 3)
        if full.shape != (n, n, n):
            raise ValueError(f"cubic: want shape ({n}, {n}, {n}), got {full.shape}")
        size = np.abs(full).max()
        for order in itertools.permutations(range(3)):
            if np.abs(full - full.transpose(order)).max() > 1e-12 * size:
                raise ValueError("cubic: want the same number for every order of the indices")
        indices = _sorted_triples(n)
        numbers = full[tuple(indices.T)]
        return indices[numbers != 0.0], numbers[numbers != 0.0]
    found: dict[tuple[int, ...], float] = {}
    for key, value in cubic.items():
        good = isinstance(key, tuple) and len(key) == 3
        if not good or not all(isinstance(i, (int, np.integer)) and 0 <= i < n for i in key):
            raise ValueError(f"cubic: want three indices from 0 to {n - 1} as keys, got {key!r}")
        place = tuple(sorted(int(i) for i in key))
        if place in found:
            raise ValueError(f"cubic: the combination {place} is there twice")
        found[place] = checked_number(value, f"cubic[{key}]")
    return np.array(list(found), np.int64).reshape(-1, 3), np.array(list(found.values()))


def _cubic(
    matrix: np.ndarray,
    linear: Any,
    constant: Any,
    centre: Any,
    indices: np.ndarray,
    numbers: np.ndarray,
    bounds: Any,
    name: str,
) -> StructuredObjective:
    n = len(matrix)
    parameters: dict[str, Any] = {"matrix": matrix}
    for argument, value in (("linear", linear), ("centre", centre)):
        array = np.zeros(n) if value is None else checked_array(value, argument, 1)
        if array.shape != (n,):
            raise ValueError(f"{argument}: want shape ({n},), got {array.shape}")
        parameters[argument] = array
    parameters["constant"] = checked_number(constant, "constant")
    parameters |= {"cubic_indices": indices, "cubic_values": numbers}
    return StructuredObjective("quadratic", parameters, bounds=bounds, name=name)
