"""Spectra of an objective's Hessian at many points, without storing the Hessians."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.extremals.arguments import checked_objective, checked_workers, dimension_of
from talweg.extremals.coordinates import Coordinates
from talweg.objective import Objective
from talweg.spectrum.batches import Eigh, Inertia, Slogdet
from talweg.spectrum.matrices import Output, checked_number, output_pair

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.intc]

__all__ = ["hessian_eigh", "hessian_eigvalsh", "hessian_inertia", "hessian_slogdet"]


def hessian_eigh(
    f: Objective | Callable[[Any], Any],
    x: ArrayLike,
    *,
    out: tuple[Floats, Floats] | None = None,
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Eigh:
    """Eigenvalues and eigenvectors of the Hessian at one point or many.

    The same as ``talweg.spectrum.eigh(f.hess(x))``, but Hessians are decomposed while they are in
    the processor's cache and are stored nowhere.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first. In a metric P (`Objective.with_metric`) the pairs are
        those of the pencil: ``H u = lambda P u`` with ``u' P u = 1``, as of `critical_points`.
        Rigid motions (`Objective.with_rigid_motions`) are not taken out, so there are n pairs at
        every point; at a critical point 6 eigenvalues (5 for a linear molecule) are about zero.
    x : array_like, shape (n,) or (m, n)
        Finite.
    out : tuple of two ndarrays, shapes (n,) or (m, n) and (n, n) or (m, n, n), optional
        Where to write eigenvalues and eigenvectors; float64, any strides.
    status_out : ndarray of intc, shape () or (m,), optional
        Where to write a code of `talweg.Status` for each point: `CONVERGED`, or `NON_FINITE` where
        the Hessian is not finite.
    workers : int, optional
        Threads that share the points; by default one for each processor. Functions that are not
        thread-safe use one. Results do not depend on it.

    Returns
    -------
    Eigh
        A named tuple ``(eigenvalues, eigenvectors)``, eigenvalues in ascending order, eigenvectors
        in columns, the component of largest modulus positive. NaN where the Hessian is not finite.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; points that were not done are NaN in the exception's attribute ``result``.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.toy()
    >>> values, vectors = talweg.spectrum.hessian_eigh(f, [[0.0, 0.0], [2.0, -1.0]])
    >>> values.round(6)
    array([[ 1.      ,  2.      ],
           [-1.236068,  3.236068]])
    """
    points = _Points(f, x, status_out, workers)
    values_out, vectors_out = output_pair(out, "eigenvalues and eigenvectors")
    values = points.output(values_out, (points.n,), "out[0]")
    vectors = points.output(vectors_out, (points.n, points.n), "out[1]", values.array)
    points.run(_core.hessian_eigh, values.array, vectors.array)
    if points.coordinates.f.metric is not None:
        _to_x(points.coordinates, vectors.array)
    return Eigh(values.result(), vectors.result())


def hessian_eigvalsh(
    f: Objective | Callable[[Any], Any],
    x: ArrayLike,
    *,
    out: Floats | None = None,
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Floats:
    """Eigenvalues of the Hessian at one point or many.

    The same as ``talweg.spectrum.eigvalsh(f.hess(x))`` without storing the Hessians.

    Parameters
    ----------
    f : Objective or callable
    x : array_like, shape (n,) or (m, n)
        As for `hessian_eigh`.
    out : ndarray, shape (n,) or (m, n), optional
        Where to write them; float64, any strides.
    status_out, workers
        As for `hessian_eigh`.

    Returns
    -------
    ndarray, shape (n,) or (m, n)
        In ascending order; NaN where the Hessian is not finite.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As for `hessian_eigh`.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.rosenbrock(2).compile()
    >>> talweg.spectrum.hessian_eigvalsh(f, [1.0, 1.0]).round(4)
    array([3.9940000e-01, 1.0016006e+03])
    """
    points = _Points(f, x, status_out, workers)
    values = points.output(out, (points.n,), "out")
    points.run(_core.hessian_eigh, values.array, None)
    return values.result()


def hessian_inertia(
    f: Objective | Callable[[Any], Any],
    x: ArrayLike,
    *,
    out: Counts | None = None,
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Inertia:
    """Numbers of negative, zero and positive eigenvalues of the Hessian at one point or many.

    The same as ``talweg.spectrum.inertia(f.hess(x))`` without storing the Hessians. At a critical
    point the first is its Morse index.

    Parameters
    ----------
    f : Objective or callable
    x : array_like, shape (n,) or (m, n)
        As for `hessian_eigh`.
    out : ndarray of intc, shape (3,) or (m, 3), optional
        Where to write the three numbers.
    status_out, workers
        As for `hessian_eigh`.

    Returns
    -------
    Inertia
        A named tuple ``(negative, zero, positive)`` of ints or of arrays of shape (m,). An
        eigenvalue counts as zero when its modulus is at most n eps times the largest one's. -1 where
        the Hessian is not finite.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As for `hessian_eigh`.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.toy()
    >>> talweg.spectrum.hessian_inertia(f, [2.0, -1.0])
    Inertia(negative=1, zero=0, positive=1)
    """
    points = _Points(f, x, status_out, workers)
    counts = points.output(out, (3,), "out", dtype=np.intc)
    points.run(_core.hessian_inertia, counts.array)
    result = counts.result()
    return Inertia(*(result.tolist() if points.single else np.moveaxis(result, -1, 0)))


def hessian_slogdet(
    f: Objective | Callable[[Any], Any],
    x: ArrayLike,
    *,
    offset: float = 0.0,
    factor: float = 1.0,
    out: tuple[Floats, Floats] | None = None,
    status_out: Counts | None = None,
    workers: int | None = None,
) -> Slogdet:
    """Sign and log |det| of the Hessian, or of ``offset * I + factor * H``, at one point or many.

    With ``offset=1`` and ``factor=-s`` it is the determinant of one step of gradient descent of
    length s. In a metric P the matrix H is that of the pencil, ``L^-1 H L^-T`` with ``P = L L'``.

    Parameters
    ----------
    f : Objective or callable
    x : array_like, shape (n,) or (m, n)
        As for `hessian_eigh`.
    offset, factor : float, default 0 and 1
    out : tuple of two ndarrays, shape () or (m,), optional
        Where to write signs and logarithms; float64.
    status_out, workers
        As for `hessian_eigh`.

    Returns
    -------
    Slogdet
        A named tuple ``(sign, logabsdet)``; NaN where the Hessian is not finite, minus infinity and
        0 where the determinant is 0.

    Raises
    ------
    ValueError, TypeError, KeyboardInterrupt
        As for `hessian_eigh`.

    Examples
    --------
    >>> import numpy, talweg
    >>> f = talweg.surfaces.toy()
    >>> sign, logarithm = talweg.spectrum.hessian_slogdet(f, [2.0, -1.0])
    >>> float(sign * numpy.exp(logarithm).round(12))
    -4.0
    """
    points = _Points(f, x, status_out, workers)
    scalars = checked_number(offset, "offset"), checked_number(factor, "factor")
    sign_out, logarithm_out = output_pair(out, "signs and logarithms")
    signs = points.output(sign_out, (), "out[0]")
    logarithms = points.output(logarithm_out, (), "out[1]", signs.array)
    points.run(_core.hessian_logabsdet, logarithms.array, signs.array, scalars=scalars)
    results = signs.result(), logarithms.result()
    return Slogdet(*(r[()] for r in results) if points.single and out is None else results)


class _Points:
    """The checked arguments that all of these functions share."""

    def __init__(self, f: Any, x: Any, status_out: Any, workers: Any) -> None:
        objective = checked_objective(f, dimension_of(None, x))
        points, self.single = objective._points(x)
        # Neither NaN, which objectives refuse, nor infinities: no point has a Hessian there.
        finite = np.isfinite(points).all(axis=1)
        if not finite.all():
            first = int(np.argmin(finite))
            shown = np.array2string(points[first], threshold=6, separator=", ")
            where = "" if self.single else f" in row {first}"
            raise ValueError(f"x: want finite numbers, got {shown}{where}")
        self.coordinates = Coordinates(objective)
        self.n = objective.n
        self.x = np.ascontiguousarray(self.coordinates.to_y(points))
        self.workers = checked_workers(workers)
        self.statuses = self.output(status_out, (), "status_out", dtype=np.intc)

    def output(
        self, given: Any, shape: tuple[int, ...], argument: str, *others: Any, dtype: Any = float
    ) -> Output:
        shape = shape if self.single else (len(self.x), *shape)
        return Output(given, shape, np.dtype(dtype), argument, (self.x, *others))

    def run(self, kernel: Any, *arrays: Any, scalars: tuple[float, ...] = ()) -> None:
        core = self.coordinates.objective._core
        kernel(core, self.x, *arrays, self.statuses.array, *scalars, self.workers)
        self.statuses.result()


def _to_x(coordinates: Coordinates, vectors: Floats) -> None:
    """Eigenvectors in columns from the coordinates of the metric to x, in place."""
    columns = coordinates.to_x(np.swapaxes(vectors, -1, -2))
    largest = np.abs(columns).argmax(axis=-1, keepdims=True)
    columns *= np.where(np.take_along_axis(columns, largest, axis=-1) < 0, -1.0, 1.0)
    vectors[...] = np.swapaxes(columns, -1, -2)
