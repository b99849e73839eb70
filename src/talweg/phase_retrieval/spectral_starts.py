"""Starts that point at the signal: eigenvectors of matrices made from the labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.phase_retrieval.observations import point_generator
from talweg.phase_retrieval.problem import Problem
from talweg.phase_retrieval.spectral_overlap import named_preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["SPECTRAL_STARTS", "spectral_start"]

#: Kinds of `spectral_start`.
SPECTRAL_STARTS = ("hessian", "averaged-hessian", "mondelli-montanari", "optimal")
#: Up to so many dimensions the matrix is decomposed at once, whatever its spectrum is like.
_DENSE = 3000
#: Rows of the data that are widened together to form it.
_ROWS = 1024


def spectral_start(problem: Problem, kind: str = "optimal", rng: Any = None) -> Floats:
    """A start on the sphere that overlaps with the signal where there are enough observations.

    Parameters
    ----------
    problem : Problem
    kind : str
        * ``"hessian"``: the eigenvector of the smallest eigenvalue of the Riemannian Hessian at a
          random point;
        * ``"averaged-hessian"``: that of the Hessian averaged over random points,
          ``(1/M) sum_i 2 (3 - y_i)/(a + y_i) x_i x_i'``, with 2 in place of 3 for complex data;
        * ``"mondelli-montanari"``: the eigenvector of the largest eigenvalue of ``(1/M) sum_i T(y_i)
          x_i x_i'`` with ``T = (y - 1)/(y + sqrt(2 alpha) - 1)`` [1]_, which overlaps with the
          signal for every alpha above 1/2; for complex data sqrt(alpha) and alpha above 1;
          smaller alpha are refused;
        * ``"optimal"``: the same with ``T = 1 - 1/y``, which has the largest overlap at every alpha.
    rng : None, int or numpy.random.Generator, optional
        For the random point, and the eigensolver's own start. A number may be the one that the
        problem was made with: that point is independent of the signal.

    Returns
    -------
    ndarray, shape (n,)
        With ``|w|^2 = N``. The sign of an eigenvector is such that its largest component is
        positive.

    Raises
    ------
    ValueError
        For another `kind`, or one that does not exist at this alpha.
    ArithmeticError
        When the eigensolver does not converge.

    Notes
    -----
    For complex data the matrices of the last three kinds are Hermitian, and the phase of an
    eigenvector is free: its largest component is made positive. The Hessian at a point is a
    symmetric matrix of 2 N rows; its eigenvector is sought orthogonal to i w, along which the loss
    does not change. For large N both directions w* and i w* have the same eigenvalue, and an
    eigenvector points anywhere between them.

    References
    ----------
    .. [1] Mondelli, Montanari, Fundamental limits of weak recovery with applications to phase
       retrieval, Found. Comput. Math. 19 (2019).

    Examples
    --------
    >>> from talweg import phase_retrieval
    >>> problem = phase_retrieval.Problem(200, 3.0, rng=1)
    >>> w = phase_retrieval.spectral_start(problem, "optimal")
    >>> bool(abs(problem.overlap(w)) > 0.85)
    True
    """
    if kind not in SPECTRAL_STARTS:
        raise ValueError(f"kind: want one of {', '.join(SPECTRAL_STARTS)}, got {kind!r}")
    if not isinstance(problem, Problem):
        raise TypeError(f"problem: want a Problem, got {type(problem).__name__}")
    generator = point_generator(rng)
    if kind == "hessian":
        w = problem.random_point(generator)
        pairs = problem.extreme_pairs(w, k=1, rng=generator, phase=False)
        _require(pairs, kind)
        return problem.on_sphere(pairs.eigenvectors[:, 0])
    # Eigenvectors of the largest eigenvalue of (1/M) sum T(y) x x' in all three cases.
    weights = _weights(problem, kind)
    return problem.on_sphere(_top_eigenvector(problem, weights, generator, kind))


def _weights(problem: Problem, kind: str) -> Floats:
    T = named_preprocessing(kind, problem.alpha, problem.a, problem.complex)
    if T is None:
        least = "1" if problem.complex else "1/2"
        data = " for complex data" if problem.complex else ""
        raise ValueError(f"kind: {kind!r} needs alpha above {least}{data}, got {problem.alpha}")
    # An intensity of 0 may have weight minus infinity; the finite stand-in has the same effect.
    return T(np.maximum(problem.y, 1e-12))


def _top_eigenvector(
    problem: Problem, weights: Floats, generator: np.random.Generator, kind: str
) -> Floats:
    if problem.N <= _DENSE:
        return _decomposed(problem, weights)
    from talweg.spectrum import lowest

    X, M, N = problem.X, problem.M, problem.N

    def products(v: Floats) -> Floats:
        p: Floats = X.T @ ((X @ v).T * weights).T
        if problem.complex:
            # The imaginary part of x.v, and its transpose: rows of X are (Re x, -Im x).
            q = X.T @ ((X @ np.concatenate([v[N:], -v[:N]])).T * weights).T
            p += np.concatenate([-q[N:], q[:N]])
        return p / M

    class Operator:
        shape = (problem.n, problem.n)
        matmat = matvec = staticmethod(products)

    # 1/y has no bound, and the residual is measured against the largest eigenvalue in modulus.
    scale = max(1.0, float(np.abs(weights).max()))
    pairs = lowest(Operator, k=1, which="largest", tol=max(1e-5 / scale, 1e-12), rng=generator)
    _require(pairs, kind)
    vector = pairs.eigenvectors[:, 0]
    return _standing(vector) if problem.complex else vector


def _decomposed(problem: Problem, weights: Floats) -> Floats:
    from scipy.linalg import eigh

    N = problem.N
    matrix: Any = 0.0
    for first in range(0, problem.M, _ROWS):
        rows = np.asarray(problem.X[first : first + _ROWS], dtype=np.float64)
        if problem.complex:
            rows = rows[:, :N] - 1j * rows[:, N:]
        matrix = matrix + (rows.conj().T * weights[first : first + _ROWS]) @ rows
    _, vectors = eigh(matrix, subset_by_index=[N - 1, N - 1])
    vector = vectors[:, 0]
    if problem.complex:
        return _standing(np.concatenate([vector.real, vector.imag]))
    signed: Floats = vector * math.copysign(1.0, vector[np.abs(vector).argmax()])
    return signed


def _standing(vector: Floats) -> Floats:
    """The complex vector (Re v, Im v) with the phase that makes its largest component positive."""
    v = vector[: len(vector) // 2] + 1j * vector[len(vector) // 2 :]
    largest = v[np.abs(v).argmax()]
    v *= np.conj(largest) / abs(largest)
    return np.concatenate([v.real, v.imag])


def _require(pairs: Any, kind: str) -> None:
    if not pairs.success:
        raise ArithmeticError(f"{kind}: the eigensolver did not converge: {pairs.message}")
