"""Eigenvalues, inertia and determinants of batches of symmetric matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from talweg import _core
from talweg.extremals.arguments import checked_workers
from talweg.spectrum.matrices import (
    Output,
    checked_number,
    checked_symmetry,
    matrices_of,
    output_pair,
    refuse_asymmetric,
    refuse_shared,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.floating[Any]]
    Counts = NDArray[np.intc]

__all__ = ["Eigh", "Inertia", "Slogdet", "eigh", "eigvalsh", "inertia", "logabsdet", "slogdet"]


class Eigh(NamedTuple):
    """Eigenvalues and eigenvectors, named as NumPy's.

    Attributes
    ----------
    eigenvalues : ndarray, shape (..., n)
        In ascending order.
    eigenvectors : ndarray, shape (..., n, n)
        Unit vectors in columns, the component of largest modulus positive.
    """

    eigenvalues: Floats
    eigenvectors: Floats


class Slogdet(NamedTuple):
    """The sign of a determinant and the logarithm of its modulus, named as NumPy's.

    Attributes
    ----------
    sign : float or ndarray, shape (...)
        -1, 0 or 1.
    logabsdet : float or ndarray, shape (...)
        Minus infinity where the determinant is 0.
    """

    sign: Any
    logabsdet: Any


class Inertia(NamedTuple):
    """Numbers of eigenvalues below, at and above zero.

    Attributes
    ----------
    negative, zero, positive : int or ndarray of int, shape (...)
        They add up to n, or are -1 where a matrix has entries that are not finite.
    """

    negative: Any
    zero: Any
    positive: Any


def eigh(
    H: ArrayLike,
    *,
    out: tuple[Floats, Floats] | None = None,
    symmetry: str = "check",
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Eigh:
    """Eigenvalues and eigenvectors of symmetric matrices, many at once.

    Parameters
    ----------
    H : array_like, shape (..., n, n)
        Symmetric matrices, of any n (up to 64 many of them share one instruction). float64 and
        float32 arrays give results of the same type, which for float32 are computed in double
        precision; any other real type is converted to float64.
    out : tuple of two ndarrays, shapes (..., n) and (..., n, n), optional
        Where to write eigenvalues and eigenvectors; of the type of the results, any strides. They
        may share memory with `H`.
    symmetry : {"check", "symmetrise", "lower"}, default "check"
        What to do with the two triangles: raise an error where they differ by more than rounding
        (1e-10 of a matrix's largest entry, 1e-4 for float32) and read the lower one, take
        their mean, or read the lower triangle without looking at the upper one.
    status_out : ndarray of intc, shape (...), optional
        Where to write a code of `talweg.Status` for each matrix: `CONVERGED`, or `NON_FINITE` where
        an entry is NaN or infinite.
    workers : int, optional
        Threads that share the matrices; by default one for each processor. Results do not depend
        on it.

    Returns
    -------
    Eigh
        A named tuple ``(eigenvalues, eigenvectors)``. A matrix with an entry that is not finite
        gets NaN, and the others are not touched by it.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments; for a matrix that is not symmetric with ``symmetry="check"`` (`out`
        may have been written to by then).
    KeyboardInterrupt
        When interrupted; matrices that were not done are NaN in the exception's attribute
        ``result``.

    Notes
    -----
    Residual ``|H V - V L|`` relative to ``|H|`` and ``|V' V - 1|`` are below 10 n eps in the
    Frobenius norm.

    Examples
    --------
    >>> import numpy, talweg
    >>> H = numpy.array([[[2.0, 1.0], [1.0, 2.0]], [[0.0, 3.0], [3.0, 0.0]]])
    >>> values, vectors = talweg.spectrum.eigh(H)
    >>> values
    array([[ 1.,  3.],
           [-3.,  3.]])
    >>> numpy.allclose(H @ vectors, vectors * values[:, None, :])
    True
    """
    H = matrices_of(H)
    values_out, vectors_out = output_pair(out, "eigenvalues and eigenvectors")
    values = Output(values_out, H.shape[:-1], H.dtype, "out[0]", (H,))
    vectors = Output(vectors_out, H.shape, H.dtype, "out[1]", (H, values.array))
    _run(
        _core.eigh_batch,
        H,
        (values.array, vectors.array),
        symmetry,
        status_out,
        workers,
    )
    return Eigh(values.result(), vectors.result())


def eigvalsh(
    H: ArrayLike,
    *,
    out: Floats | None = None,
    symmetry: str = "check",
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Floats:
    """Eigenvalues of symmetric matrices, many at once.

    Parameters
    ----------
    H : array_like, shape (..., n, n)
        As for `eigh`.
    out : ndarray, shape (..., n), optional
        Where to write them; of the type of the result, any strides. It may share memory with `H`.
    symmetry, status_out, workers
        As for `eigh`.

    Returns
    -------
    ndarray, shape (..., n)
        In ascending order; NaN for a matrix with an entry that is not finite.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As for `eigh`.

    Examples
    --------
    >>> import numpy, talweg
    >>> talweg.spectrum.eigvalsh([[2.0, 1.0], [1.0, 2.0]])
    array([1., 3.])
    >>> talweg.spectrum.eigvalsh(numpy.zeros((1000, 5, 5))).shape
    (1000, 5)
    """
    H = matrices_of(H)
    values = Output(out, H.shape[:-1], H.dtype, "out", (H,))
    _run(_core.eigh_batch, H, (values.array, None), symmetry, status_out, workers)
    return values.result()


def inertia(
    H: ArrayLike,
    *,
    out: Counts | None = None,
    symmetry: str = "check",
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Inertia:
    """Numbers of negative, zero and positive eigenvalues of symmetric matrices, many at once.

    An eigenvalue counts as zero when its modulus is at most ``n * eps`` times the largest one's,
    with the eps of double precision. Most matrices need no eigenvalues for that, only the signs of
    the pivots of two factorisations, and so a fraction of the time of `eigvalsh`.

    Parameters
    ----------
    H : array_like, shape (..., n, n)
        As for `eigh`.
    out : ndarray of intc, shape (..., 3), optional
        Where to write the three numbers.
    symmetry, status_out, workers
        As for `eigh`.

    Returns
    -------
    Inertia
        A named tuple ``(negative, zero, positive)`` of ints for one matrix, of arrays for many (the
        columns of `out`). A matrix with an entry that is not finite gets -1.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As for `eigh`.

    References
    ----------
    Sylvester's law of inertia; Higham, Accuracy and Stability of Numerical Algorithms, chapter 11.

    Examples
    --------
    >>> import numpy, talweg
    >>> talweg.spectrum.inertia(numpy.diag([-1.0, 0.0, 2.0, 3.0]))
    Inertia(negative=1, zero=1, positive=2)
    """
    H = matrices_of(H)
    counts = Output(out, (*H.shape[:-2], 3), np.intc, "out", (H,))
    _run(_core.inertia_batch, H, (counts.array,), symmetry, status_out, workers)
    result = counts.result()
    if H.ndim == 2:
        return Inertia(*result.tolist())
    return Inertia(result[..., 0], result[..., 1], result[..., 2])


def logabsdet(
    H: ArrayLike,
    *,
    offset: float = 0.0,
    factor: float = 1.0,
    out: Floats | None = None,
    symmetry: str = "check",
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Any:
    """log |det H| of symmetric matrices, many at once; `slogdet` gives the signs too.

    Parameters
    ----------
    H : array_like, shape (..., n, n)
        As for `eigh`.
    offset, factor : float, default 0 and 1
        The determinant is that of ``offset * I + factor * H``.
    out : ndarray, shape (...), optional
        Where to write the logarithms.
    symmetry, status_out, workers
        As for `eigh`.

    Returns
    -------
    float or ndarray, shape (...)
        Minus infinity where the determinant is 0; NaN where an entry is not finite. The
        determinant itself may lie far outside of the range of floats.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As for `eigh`.

    Notes
    -----
    From L D L' without pivoting where that is shown to be safe, and with the pivoting of Bunch and
    Kaufman elsewhere. The result is the determinant of a matrix as near as ``c n eps |H|``, with c
    at most some hundreds and a small number for almost all matrices.

    Examples
    --------
    >>> import numpy, talweg
    >>> H = numpy.array([[2.0, 1.0], [1.0, 3.0]])
    >>> bool(numpy.isclose(talweg.spectrum.logabsdet(H), numpy.log(5)))
    True
    >>> bool(numpy.isclose(talweg.spectrum.logabsdet(H, offset=1, factor=-0.1), numpy.log(0.55)))
    True
    """
    H = matrices_of(H)
    scalars = checked_number(offset, "offset"), checked_number(factor, "factor")
    logarithms = Output(out, H.shape[:-2], H.dtype, "out", (H,))
    arrays = (logarithms.array, None)
    _run(_core.logabsdet_batch, H, arrays, symmetry, status_out, workers, scalars)
    result = logarithms.result()
    return result if H.ndim > 2 or out is not None else result[()]


def slogdet(
    H: ArrayLike,
    *,
    offset: float = 0.0,
    factor: float = 1.0,
    out: tuple[Floats, Floats] | None = None,
    symmetry: str = "check",
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Slogdet:
    """Sign and log |det H| of symmetric matrices, many at once.

    Parameters
    ----------
    H : array_like, shape (..., n, n)
        As for `eigh`.
    offset, factor : float, default 0 and 1
        The determinant is that of ``offset * I + factor * H``.
    out : tuple of two ndarrays, shape (...), optional
        Where to write signs and logarithms.
    symmetry, status_out, workers
        As for `eigh`.

    Returns
    -------
    Slogdet
        A named tuple ``(sign, logabsdet)``, as of ``numpy.linalg.slogdet``; see `logabsdet`.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As for `eigh`.

    Examples
    --------
    >>> import talweg
    >>> sign, logarithm = talweg.spectrum.slogdet([[0.0, 1.0], [1.0, 0.0]])
    >>> float(sign), float(logarithm)
    (-1.0, 0.0)
    """
    H = matrices_of(H)
    scalars = checked_number(offset, "offset"), checked_number(factor, "factor")
    sign_out, logarithm_out = output_pair(out, "signs and logarithms")
    signs = Output(sign_out, H.shape[:-2], H.dtype, "out[0]", (H,))
    logarithms = Output(logarithm_out, H.shape[:-2], H.dtype, "out[1]", (H, signs.array))
    arrays = (logarithms.array, signs.array)
    _run(_core.logabsdet_batch, H, arrays, symmetry, status_out, workers, scalars)
    results = signs.result(), logarithms.result()
    return Slogdet(*(results if H.ndim > 2 or out is not None else (r[()] for r in results)))


def _run(
    kernel: Any,
    H: np.ndarray,
    arrays: tuple[np.ndarray | None, ...],
    symmetry: str,
    status_out: Any,
    workers: Any,
    scalars: tuple[float, ...] = (),
) -> None:
    """Calls the core and raises what it found to be misuse."""
    reading = checked_symmetry(symmetry)
    threads = checked_workers(workers)
    for array in arrays:
        refuse_shared(array, "out", status_out, "status_out")
    statuses = Output(status_out, H.shape[:-2], np.intc, "status_out", (H,))
    trouble = kernel(H, *arrays, statuses.array, *scalars, reading, threads)
    if trouble and reading == 0:
        refuse_asymmetric(H, statuses.array)
    statuses.result()
