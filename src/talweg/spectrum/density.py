"""The spectral density of a matrix known by its products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.extremals.arguments import checked_count, checked_generator, checked_workers
from talweg.spectrum.density_estimates import Density
from talweg.spectrum.operators import Hessian, Products, operator_of
from talweg.spectrum.recurrences import (
    dense_matrix,
    preferred_block,
    recurrences,
    refuse_asymmetric,
)
from talweg.spectrum.tridiagonal import quadrature
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["density"]

#: Up to so many rows all eigenvalues cost less than a run of the default size and are exact.
EXACT_UP_TO = 256

#: The same for matrices given as arrays, whose products need not be asked for.
EXACT_ARRAYS_UP_TO = 1000

_PROBES = ("rademacher", "gaussian")


def density(
    f_or_operator: Any,
    x: ArrayLike | None = None,
    *,
    n: int | None = None,
    probes: int = 12,
    steps: int = 60,
    kind: str = "rademacher",
    rng: Any = None,
    exact: bool | None = None,
    reorthogonalise: bool = False,
    workers: int | None = None,
) -> Density:
    """Estimate how the eigenvalues of a Hessian or of any symmetric matrix are distributed.

    Stochastic Lanczos quadrature: from each of a few random vectors a Lanczos run of some steps,
    without reorthogonalisation, gives a quadrature of the spectral density. Trace, log determinant,
    effective rank and the rest then come from the same run.

    Parameters
    ----------
    f_or_operator : Objective, callable, array_like, sparse array or LinearOperator
        As for `lowest`: a function, whose Hessian at `x` is meant; a symmetric matrix of shape
        (n, n) or an operator; or, with `n`, a function that returns the product with a vector.
    x : array_like, shape (n,), optional
        Where the Hessian is taken.
    n : int, optional
        Number of rows, for a function that is the product.
    probes : int, default 12
        Number of random vectors, from 1; with one there are no standard errors. Relative to a sum
        over the spectrum they fall like one over the root of probes times n.
    steps : int, default 60
        Products for each probe, from 1. Features of the density down to the width of the spectrum
        over `steps` show.
    kind : {"rademacher", "gaussian"}, default "rademacher"
        Entries of the probes, signs or normal numbers; signs give the diagonal's part of a trace
        exactly. All are scaled to length 1.
    rng : None, int or numpy.random.Generator, optional
        Seed or source of the probes. A probe depends on it and on its number only.
    exact : bool, optional
        Decompose the matrix instead of sampling. By default where that is cheap: up to 256 rows, up
        to 1000 of an array, or where there are at least n probes.
    reorthogonalise : bool, default False
        Keep each run's vectors orthogonal, for `steps` times n numbers of memory a probe. It is no
        more accurate in general: see Notes.
    workers : int, optional
        Threads for passes over long vectors; by default one for each processor. Results do not
        depend on it.

    Returns
    -------
    Density

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Density of the probes that
        were finished.

    Notes
    -----
    Without reorthogonalisation nodes come in copies once extreme eigenvalues have converged. Copies
    share their weight, which leaves every sum as it was (Greenbaum, Linear Algebra Appl. 113, 1989),
    so vectors of n numbers need not be kept: three for each probe in work.

    References
    ----------
    Ubaru, Chen and Saad, SIAM J. Matrix Anal. Appl. 38, 1075 (2017). Golub and Meurant, Matrices,
    Moments and Quadrature with Applications (2010).

    Examples
    --------
    >>> import numpy, talweg
    >>> from talweg.spectrum import density
    >>> n = 2000
    >>> f = talweg.Objective(lambda x: (x @ x + ((x[1:] - x[:-1])**2).sum()) / 2, n)
    >>> spectrum = density(f, numpy.zeros(n), rng=1)
    >>> low, high = spectrum.trace.interval(0.99)
    >>> bool(low < 5998 < high)
    True
    >>> low, high = spectrum.logabsdet.interval(0.99)
    >>> bool(low < numpy.linalg.slogdet(f.hess(numpy.zeros(n))).logabsdet < high)
    True
    """
    count = checked_count(probes, "probes", 1)
    length = checked_count(steps, "steps", 1)
    threads = checked_workers(workers)
    if kind not in _PROBES:
        raise ValueError(f"kind: want one of {', '.join(_PROBES)}, got {kind!r}")
    if exact not in (None, True, False):
        raise TypeError(f"exact: want True, False or None, got {exact!r}")
    generator = checked_generator(rng)
    operator = operator_of(f_or_operator, x, n)
    rows = operator.n
    if exact is None:
        limit = EXACT_ARRAYS_UP_TO if operator.matrix is not None else EXACT_UP_TO
        exact = rows <= limit or count >= rows
    if not isinstance(reorthogonalise, (bool, np.bool_)):
        raise TypeError(f"reorthogonalise: want True or False, got {reorthogonalise!r}")
    run = _Sampling(
        operator, count, min(length, rows), kind, generator, bool(reorthogonalise), threads
    )
    try:
        if exact:
            return _decomposed(operator)
        refuse_asymmetric(operator)
        run.go()
    except KeyboardInterrupt as interrupt:
        interrupt.result = run.result()  # type: ignore[attr-defined]
        raise
    return run.result()


class _Sampling:
    """The runs of one call, in blocks as wide as the operator likes."""

    def __init__(
        self,
        operator: Hessian | Products,
        probes: int,
        steps: int,
        kind: str,
        rng: np.random.Generator,
        reorthogonalise: bool,
        workers: int,
    ) -> None:
        self.operator, self.steps, self.kind = operator, steps, kind
        self.reorthogonalise, self.workers = reorthogonalise, workers
        # A stream for each probe, so that none depends on how many are drawn together.
        self.streams = rng.spawn(probes)
        self.diagonal: list[Floats] = []
        self.beside: list[Floats] = []
        self.products = 0
        self.failed = 0

    def go(self) -> None:
        width = preferred_block(self.operator)
        for first in range(0, len(self.streams), width):
            starts = np.stack([self.start(s) for s in self.streams[first : first + width]])
            try:
                runs = recurrences(
                    self.operator, starts, self.steps, self.reorthogonalise, self.workers
                )
                self.keep(runs)
            except KeyboardInterrupt as interrupt:
                self.keep(getattr(interrupt, "result", None))
                raise

    def start(self, stream: np.random.Generator) -> Floats:
        n = self.operator.n
        if self.kind == "gaussian":
            vector = stream.standard_normal(n)
            return vector / np.linalg.norm(vector)
        bits = np.frombuffer(stream.bytes(-(-n // 8)), dtype=np.uint8)
        vector = np.unpackbits(bits, count=n).astype(np.float64)
        vector -= 0.5
        vector *= 2 / np.sqrt(n)
        return vector

    def keep(self, runs: Any) -> None:
        """Add what has been finished of (diagonal, beside, statuses)."""
        if runs is None:
            return
        for diagonal, beside, status in zip(*runs, strict=True):
            taken = int((~np.isnan(diagonal)).sum())
            self.products += taken
            if Status(int(status)) == Status.NON_FINITE:
                self.failed += 1
            elif Status(int(status)).succeeded:
                self.diagonal.append(diagonal)
                self.beside.append(beside)

    def result(self) -> Density:
        probes = len(self.diagonal)
        shape = (probes, self.steps)
        diagonal = np.array(self.diagonal).reshape(shape)
        beside = np.array(self.beside).reshape(shape)
        message = f"{probes} probes of {self.steps} steps"
        status = Status.CONVERGED
        if self.failed:
            status = Status.NON_FINITE
            message += f"; products were not finite for {self.failed} more"
        elif probes < len(self.streams):
            status = Status.INTERRUPTED
            message += f" of {len(self.streams)} probes that were asked for"
        nodes, weights = quadrature(diagonal, beside)
        if self.failed:
            # Some of the probes would be a sample of the wrong matrix.
            nodes, weights = nodes[:0], weights[:0]
        return Density(
            self.operator.n,
            nodes,
            weights,
            False,
            probes,
            self.steps,
            self.products,
            status,
            message,
            diagonal,
            beside,
        )


def _decomposed(operator: Hessian | Products) -> Density:
    n = operator.n
    values, _, code = _core.dense_eigen(dense_matrix(operator), 0, n, False)
    status = Status(int(code))
    nodes = values[None] if status.succeeded else np.empty((0, n))
    return Density(
        n,
        nodes,
        np.full(nodes.shape, 1.0 / n),
        True,
        0,
        0,
        0 if operator.matrix is not None else n,
        status,
        "all eigenvalues" if status.succeeded else status.describe(),
    )
