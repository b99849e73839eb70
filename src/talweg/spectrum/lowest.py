"""Extreme eigenpairs of Hessians and other symmetric operators, from products with vectors."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import (
    checked_count,
    checked_generator,
    checked_positive,
    checked_workers,
)
from talweg.extremals.orbits import has_motions, horizontal_spectrum
from talweg.objective import Objective
from talweg.spectrum.operators import Hessian, Products, operator_of
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Eigenpairs", "lowest"]

_ENDS = ("smallest", "largest", "both", "nearest-zero")
_METHODS = ("auto", "dense", "refined", "three-term", "block")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Eigenpairs:
    """Some eigenpairs of a symmetric operator.

    Returned by `talweg.spectrum.lowest`; k is the number of pairs, twice the one asked for with
    ``which="both"``.

    Attributes
    ----------
    eigenvalues : ndarray, shape (k,)
        Ascending.
    eigenvectors : ndarray, shape (n, k)
        In columns, of length one, the component of largest modulus positive.
    residuals : ndarray, shape (k,)
        ``norm(H v - lambda v)``, from products made at the end (estimates after an interrupt). An
        eigenvalue lies within this distance of each `eigenvalues`.
    errors : ndarray, shape (k,)
        The residuals, or smaller bounds ``residual**2 / gap`` where other eigenvalues that were
        found tell the distance to the rest of the spectrum.
    norm : float
        Largest modulus of an eigenvalue of H that was seen, a lower bound of its norm.
    missed_probability : float
        A bound of the probability that an eigenvalue beyond those found was missed, where it was
        looked for; 0 where all eigenvalues were computed, else NaN.
    products : int
        Number of vectors that were multiplied; 0 where the Hessian was formed at once.
    nit : int
        Steps of the iteration; with the method ``"refined"``, rounds of corrections.
    method : str
        ``"dense"``, ``"refined"``, ``"three-term"`` or ``"block"``.
    gradient : ndarray, shape (n,), or None
        The gradient at the point, where it was asked for.
    status : Status
        `CONVERGED`, or `NOT_CONVERGED`, `NON_FINITE` or `INTERRUPTED`: what there is then is kept,
        and what there is not is NaN.
    message : str
        What was done, in a sentence.
    """

    eigenvalues: Floats
    eigenvectors: Floats
    residuals: Floats
    errors: Floats
    norm: float
    missed_probability: float
    products: int
    nit: int
    method: str
    gradient: Floats | None
    status: Status
    message: str

    @property
    def success(self) -> bool:
        """Whether all residuals are as small as was asked for."""
        return self.status.succeeded

    def asdict(self) -> dict[str, Any]:
        """The attributes as a dict."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __repr__(self) -> str:
        shown = np.array2string(self.eigenvalues, precision=6, threshold=6, separator=", ")
        return f"<Eigenpairs: {shown}, {self.status.name}: {self.message}>"


def lowest(
    f_or_operator: Any,
    x: ArrayLike | None = None,
    k: int = 1,
    which: str = "smallest",
    *,
    n: int | None = None,
    start: ArrayLike | None = None,
    tol: float = 1e-8,
    maxiter: int | None = None,
    gradient: bool = False,
    check: bool | None = None,
    method: str = "auto",
    block: int | None = None,
    basis: int | None = None,
    memory: int = 2**30,
    rng: Any = None,
    workers: int | None = None,
    callback: Callable[[int, int, float], Any] | None = None,
) -> Eigenpairs:
    """Find extreme eigenpairs of a Hessian or another symmetric operator by products with vectors.

    Parameters
    ----------
    f_or_operator : Objective, callable, array_like, sparse array or LinearOperator
        * an objective or a plain function of one array (which is recorded), with the point `x`;
        * a symmetric matrix, dense (n, n) or sparse;
        * anything with `shape` and `matvec` or `matmat`, as `scipy.sparse.linalg.LinearOperator`;
        * with `n`, a function that returns the product with a vector of shape (n,).
    x : array_like, shape (n,), optional
        Where the Hessian is taken.
    k : int, default 1
        Eigenpairs from each end, up to n altogether.
    which : {"smallest", "largest", "both", "nearest-zero"}
        Smallest or largest by value, `k` from each end, or smallest in modulus.
    n : int, optional
        Number of rows, for a function that is the product.
    start : array_like, shape (n,) or (n, b), optional
        Vectors near the wanted eigenvectors, such as those of a point nearby: fewer products are
        needed then. Any number of vectors will do; random ones otherwise. A start takes the risk
        that lower eigenvalues are missed, see Notes.
    tol : float, default 1e-8
        Largest residual, relative to the largest eigenvalue in modulus that was seen.
    maxiter : int, optional
        Most steps. Default: 300 + 10 n, at most 100000.
    gradient : bool, default False
        Return the gradient at `x` as well, from the same pass over the data as the first product.
    check : bool, optional
        Look for copies of repeated eigenvalues, which a run from one vector cannot see, in the
        complement of what was found. Default: where `k` is above one, more than the vectors that
        the run began with, and no `start` was given, or the one given is invariant to rounding.
    method : {"auto", "dense", "refined", "three-term", "block"}
        All products and a decomposition; for one end, the whole matrix decomposed in single
        precision and its pairs corrected by products, in about half that time (and as
        ``"dense"`` where that fails, a fifth of all pairs or more are asked for, or the matrix is
        to be had from products only); Lanczos with one vector and no reorthogonalisation, which
        needs the fewest passes over vectors; or Lanczos with blocks of vectors, full
        reorthogonalisation and restarts, which needs the fewest products, and fewer still where
        `start` is good. Default: by n, `k`, and what is known of the operator.
    block : int, optional
        Vectors multiplied at once by the method ``"block"``.
    basis : int, optional
        Vectors it keeps before it restarts.
    memory : int, default 2**30
        Bytes that vectors may take. The method ``"three-term"`` multiplies anew for the
        eigenvectors what does not fit.
    rng : int or numpy.random.Generator, optional
        For random vectors. Default: the same ones at each call.
    workers : int, optional
        Threads for the passes over vectors; the result does not depend on it. Default: one for
        each processor.
    callback : callable, optional
        Called now and then as ``callback(nit, products, residual)``, with the residual of the worst
        pair relative to the norm; returns true to stop with the status `INTERRUPTED`.

    Returns
    -------
    Eigenpairs

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, operators that are not symmetric, objectives with a metric, and
        products of the wrong shape. What a function raises comes out as it is.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Eigenpairs so far.

    Notes
    -----
    `start`, `check`, `maxiter` and `callback` mean nothing to the methods ``"dense"`` and
    ``"refined"``, which may be chosen for small n; all eigenvalues are known there.

    Every residual is computed from a product with the vector that is returned; `success` is true
    only if all are below the tolerance. That these are the lowest eigenvalues, not just
    eigenvalues, rests on random start vectors. A `start` nearly in an invariant subspace may
    converge before a lower one shows, above all where eigenvectors are localised or the point is not
    as near as was thought; ``check=True`` then looks for it, for about the products of a run without
    `start`. Only a start that is invariant to rounding is found out in any case. The vector given to a function may be read during the
    call only. For a molecule (an objective with rigid motions) the pairs are those of the Hessian
    on the complement of the motions, as in `talweg.critical_points`, from the whole matrix. A
    `workers` above one does not make products themselves faster.

    References
    ----------
    Paige, J. Inst. Maths Applics 10, 373 (1972); Cullum and Willoughby, Lanczos Algorithms (1985);
    Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 602 (2000); for `missed_probability` Kuczynski and
    Wozniakowski, SIAM J. Matrix Anal. Appl. 13, 1094 (1992).

    Examples
    --------
    >>> import numpy, talweg
    >>> from talweg.spectrum import lowest
    >>> found = lowest(talweg.surfaces.rosenbrock(50), numpy.ones(50), k=2)
    >>> found.success, found.eigenvectors.shape
    (True, (50, 2))
    >>> second = 2 * numpy.eye(200) - numpy.eye(200, k=1) - numpy.eye(200, k=-1)
    >>> found = lowest(lambda v: second @ v, n=200, k=1, which="largest")
    >>> numpy.allclose(found.eigenvalues, 2 + 2 * numpy.cos(numpy.pi / 201))
    True
    """
    if not isinstance(which, str) or which not in _ENDS:
        raise ValueError(f"which: want one of {', '.join(map(repr, _ENDS))}, got {which!r}")
    if method not in _METHODS:
        raise ValueError(f"method: want one of {', '.join(map(repr, _METHODS))}, got {method!r}")
    if method == "block" and which == "nearest-zero":
        raise ValueError("method: 'block' finds ends of the spectrum only, not 'nearest-zero'")
    count = checked_count(k, "k", 1)
    tolerance = checked_positive(tol, "tol")
    if tolerance >= 1:
        raise ValueError(f"tol: want a number below 1, got {tol}")
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: want a function, got {type(callback).__name__}")
    options: dict[str, Any] = {
        "count": count,
        "which": which,
        "tolerance": tolerance,
        "method": method,
        "memory": checked_count(memory, "memory", 1),
        "seed": _seed(rng),
        "workers": checked_workers(workers),
        "max_steps": 0 if maxiter is None else checked_count(maxiter, "maxiter", 1),
        "block": 0 if block is None else checked_count(block, "block", 1),
        "basis": 0 if basis is None else checked_count(basis, "basis", 1),
    }
    operator = operator_of(f_or_operator, x, n, gradient=bool(gradient))
    total = 2 * count if which == "both" else count
    if total > operator.n:
        most = operator.n // 2 if which == "both" else operator.n
        raise ValueError(
            f"k: want at most {most} for which={which!r} and n = {operator.n}, got {k}"
        )
    vectors = _checked_start(start, operator.n)
    options["check"] = "auto" if check is None else "always" if check else "never"
    if isinstance(operator, Hessian) and has_motions(operator.f):
        return _of_molecule(operator, count, which)
    if method == "auto" and operator.matrix is not None:
        options["method"] = _for_matrix(operator.n, total, which)
    try:
        return _result(operator.eigenpairs(options, vectors, callback), operator, total, tolerance)
    except KeyboardInterrupt as interrupt:
        done = getattr(interrupt, "result", None)
        if isinstance(done, dict):
            interrupt.result = _result(done, operator, total, tolerance)  # type: ignore[attr-defined]
        raise


def _seed(rng: Any) -> int:
    if rng is None:
        return 0
    return int(checked_generator(rng).integers(2**32))


def _checked_start(start: Any, n: int) -> Floats | None:
    """The vectors as rows."""
    if start is None:
        return None
    vectors = finite_array(start, "start")
    if vectors.shape == (n,):
        vectors = vectors[:, None]
    if vectors.ndim != 2 or vectors.shape[0] != n or not 1 <= vectors.shape[1] <= n:
        raise ValueError(f"start: want shape ({n},) or ({n}, b), got {np.shape(start)}")
    lengths = np.abs(vectors).max(axis=0)
    if not lengths.all():
        raise ValueError("start: want vectors other than zero")
    vectors = vectors / lengths
    return np.ascontiguousarray((vectors / np.linalg.norm(vectors, axis=0)).T)


def _for_matrix(n: int, total: int, which: str) -> str:
    """A matrix that is there already need not be formed, so that decomposing it costs less."""
    if which == "nearest-zero" or n < 300 + 150 * total:
        return "dense"
    return "auto"


def _of_molecule(operator: Hessian, count: int, which: str) -> Eigenpairs:
    f: Objective = operator.f
    values, vectors = horizontal_spectrum(f, operator.x)
    total = 2 * count if which == "both" else count
    if total > len(values):
        raise ValueError(f"k: the motions leave {len(values)} pairs, got k = {count}")
    order = np.arange(len(values))
    if which == "nearest-zero":
        chosen = np.sort(np.argsort(np.abs(values), kind="stable")[:count])
    else:
        low = 0 if which == "largest" else count
        high = 0 if which == "smallest" else count
        chosen = np.r_[order[:low], order[len(values) - high :]]
    u = vectors[:, chosen]
    u = u * np.where(u[np.abs(u).argmax(axis=0), np.arange(u.shape[1])] < 0, -1.0, 1.0)
    products = f.hessp(operator.x, u.T).T - u * values[chosen]
    residuals = np.linalg.norm(vectors.T @ products, axis=0)
    return Eigenpairs(
        values[chosen],
        u,
        residuals,
        residuals.copy(),
        float(np.abs(values).max(initial=0.0)),
        0.0,
        f.n,
        f.n,
        "dense",
        f.grad(operator.x) if operator.gradient else None,
        Status.CONVERGED,
        "decomposed the Hessian on the complement of the rigid motions",
    )


def _result(
    found: dict[str, Any], operator: Hessian | Products, total: int, tolerance: float
) -> Eigenpairs:
    status = Status(found["status"])
    if status is Status.NOT_SYMMETRIC:
        raise ValueError(
            "f_or_operator: is not symmetric: v'(A w) and w'(A v) differ for random v and w"
        )
    values, vectors = found["eigenvalues"], found["eigenvectors"]
    residuals, errors = found["residuals"], found["errors"]
    if status is Status.CONVERGED and (residuals > tolerance * found["norm"]).any():
        # Of a decomposition, which is as good as rounding lets it be.
        status = Status.NOT_CONVERGED
    missing = total - len(values)
    if missing > 0:
        absent = np.full(missing, np.nan)
        values = np.concatenate([values, absent])
        residuals = np.concatenate([residuals, absent])
        errors = np.concatenate([errors, absent])
        vectors = np.hstack([vectors, np.full((operator.n, missing), np.nan)])
    return Eigenpairs(
        values,
        vectors,
        residuals,
        errors,
        found["norm"],
        found["missed_probability"],
        found["products"],
        found["steps"],
        found["method"],
        found.get("gradient"),
        status,
        _message(found, status, total, tolerance),
    )


def _message(found: dict[str, Any], status: Status, total: int, tolerance: float) -> str:
    work = f"{found['products']} products, method {found['method']}"
    if status is Status.CONVERGED:
        return f"converged with {work}"
    if status is Status.NON_FINITE:
        return f"a product was not finite, after {work}"
    sizes = found["residuals"] / found["norm"] if found["norm"] > 0 else found["residuals"]
    good = int((sizes <= tolerance).sum())
    how = "interrupted" if status is Status.INTERRUPTED else "stopped"
    return f"{how} with {good} of {total} pairs at the tolerance, after {work}"
