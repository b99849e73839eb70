"""Starts that point at the signal: eigenvectors of matrices made from the labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.phase_retrieval.observations import point_generator
from talweg.phase_retrieval.problem import Problem

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["SPECTRAL_STARTS", "spectral_start"]

#: Kinds of `spectral_start`.
SPECTRAL_STARTS = ("hessian", "averaged-hessian", "mondelli-montanari", "optimal")
#: Up to so many coordinates the matrix is decomposed at once, whatever its spectrum is like.
_DENSE = 3000


def spectral_start(problem: Problem, kind: str = "optimal", rng: Any = None) -> Floats:
    """A start on the sphere that overlaps with the signal where there are enough observations.

    Parameters
    ----------
    problem : Problem
        Real.
    kind : str
        * ``"hessian"``: the eigenvector of the smallest eigenvalue of the Riemannian Hessian at a
          random point;
        * ``"averaged-hessian"``: that of the Hessian averaged over random points,
          ``(1/M) sum_i 2 (3 - y_i)/(a + y_i) x_i x_i'``;
        * ``"mondelli-montanari"``: the eigenvector of the largest eigenvalue of ``(1/M) sum_i T(y_i)
          x_i x_i'`` with ``T = (y - 1)/(y + sqrt(2 alpha) - 1)`` [1]_, which overlaps with the
          signal for every alpha above 1/2; smaller alpha are refused;
        * ``"optimal"``: the same with ``T = 1 - 1/y``, which has the largest overlap at every alpha.
    rng : None, int or numpy.random.Generator, optional
        For the random point, and the eigensolver's own start. A number may be the one that the
        problem was made with: that point is independent of the signal.

    Returns
    -------
    ndarray, shape (N,)
        With ``|w|^2 = N``. The sign of an eigenvector is such that its largest component is
        positive.

    Raises
    ------
    ValueError
        For another `kind`, one that does not exist at this alpha, or a complex problem.
    ArithmeticError
        When the eigensolver does not converge.

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
    if problem.complex:
        raise ValueError("problem: want a real one; spectral starts of complex ones are not known")
    generator = point_generator(rng)
    if kind == "hessian":
        w = problem.random_point(generator)
        pairs = problem.extreme_pairs(w, k=1, rng=generator)
        _require(pairs, kind)
        return problem.on_sphere(pairs.eigenvectors[:, 0])
    # Eigenvectors of the largest eigenvalue of (1/M) sum T(y) x x' in all three cases.
    weights = _weights(problem, kind)
    return problem.on_sphere(_top_eigenvector(problem, weights, generator, kind))


def _weights(problem: Problem, kind: str) -> Floats:
    y = problem.y
    if kind == "averaged-hessian":
        if math.isinf(problem.a):
            return y - 3.0
        return 2.0 * (y - 3.0) / (problem.a + y)
    if kind == "mondelli-montanari":
        shift = math.sqrt(2.0 * problem.alpha) - 1.0
        if shift <= 0.0:
            raise ValueError(
                f"kind: 'mondelli-montanari' needs alpha above 1/2, got {problem.alpha}"
            )
        return (y - 1.0) / (y + shift)
    # An intensity of 0 has weight minus infinity; the finite stand-in has the same effect.
    return 1.0 - 1.0 / np.maximum(y, 1e-12)


def _top_eigenvector(
    problem: Problem, weights: Floats, generator: np.random.Generator, kind: str
) -> Floats:
    X, M, N = problem.X, problem.M, problem.N
    if N <= _DENSE:
        from scipy.linalg import eigh

        rows = np.asarray(X, dtype=np.float64)
        matrix = (rows.T * weights) @ rows / M
        _, vectors = eigh(matrix, subset_by_index=[N - 1, N - 1])
        vector = vectors[:, 0]
        return vector * math.copysign(1.0, vector[np.abs(vector).argmax()])
    from talweg.spectrum import lowest

    class Operator:
        shape = (N, N)

        @staticmethod
        def matmat(v: Floats) -> Floats:
            return X.T @ (weights[:, None] * (X @ v)) / M

        @staticmethod
        def matvec(v: Floats) -> Floats:
            return X.T @ (weights * (X @ v)) / M

    # 1/y has no bound, and the residual is measured against the largest eigenvalue in modulus.
    scale = max(1.0, float(np.abs(weights).max()))
    pairs = lowest(Operator, k=1, which="largest", tol=max(1e-5 / scale, 1e-12), rng=generator)
    _require(pairs, kind)
    return pairs.eigenvectors[:, 0]


def _require(pairs: Any, kind: str) -> None:
    if not pairs.success:
        raise ArithmeticError(f"{kind}: the eigensolver did not converge: {pairs.message}")
