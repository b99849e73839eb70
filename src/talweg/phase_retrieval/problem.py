"""`Problem`: the loss of phase retrieval and its derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import finite_array
from talweg.extremals.arguments import (
    checked_count,
    checked_generator,
    checked_positive,
    checked_workers,
)
from talweg.objective import Objective
from talweg.phase_retrieval.memory import require_memory
from talweg.phase_retrieval.observations import (
    ON_THE_SPHERE,
    checked_alpha,
    checked_constant,
    checked_data,
    checked_flag,
    checked_intensities,
    checked_signal,
    checked_storage,
    draw_labels,
    draw_matrix,
    on_sphere,
    point_generator,
    require_data_memory,
)
from talweg.phase_retrieval.sphere_hessian import SphereHessian

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from talweg.spectrum import Eigenpairs

    Floats = NDArray[np.float64]

__all__ = ["Problem"]

_ENDS = {"lowest": "smallest", "highest": "largest", "both": "both"}

#: Below so many coordinates, or where more than this part of the pairs is wanted, the matrix on the
#: sphere costs less than its products.
_DENSE_UP_TO, _DENSE_PART = 64, 0.1


class Problem(Objective):
    """Find a signal on a sphere from the squares of its projections.

    The data are x_i, i = 1 ... M, with independent normal coordinates, M = alpha N; observed are
    y_i = u_i^2 with u_i = x_i.w* / sqrt N for a signal w* with |w*|^2 = N. The loss of w, with
    lambda_i = x_i.w / sqrt N, is the mean over i of::

        l = (lambda^2 - y)^2 / (2 (a + y))          a finite
        l = (lambda^2 - y)^2 / 2                    a infinite: the plain loss, multiplied by a

    Parameters
    ----------
    N : int
        Dimension of the signal, at least 2.
    alpha : float
        Observations for each coordinate; M is ``round(alpha * N)``.
    a : float, default 1.0
        The constant in the loss, above 0; `numpy.inf` for the plain loss.
    rng : int or numpy.random.Generator, optional
        For the signal and then the data, row by row.
    dtype : {float64, float32}
        Precision in which the data are kept. Sums are in double precision always.
    labels : {"signal", "random"}
        Whether y comes from a signal, or is drawn from the same law independently of the data.
    complex : bool, default False
        Complex normal data and signal. A point is then (Re w, Im w), with n = 2 N coordinates.
    workers : int, optional
        Threads of one reading of the data. Default: one for each processor. No result depends on
        it.

    Attributes
    ----------
    N, M : int
    n : int
        Number of coordinates: N, or 2 N for complex data.
    alpha : float
        M / N.
    a : float
    X : ndarray, shape (M, n)
        The data, in the given precision; for complex data its rows are (Re x, -Im x).
    y : ndarray, shape (M,)
        The observed intensities, also called `labels`. Read-only.
    signal : ndarray, shape (n,), or None
    complex : bool
    dtype : dtype

    Raises
    ------
    ValueError, TypeError
        For sizes, numbers and names that make no sense.
    NotEnoughMemory
        When the data would not fit into the memory that is available (a MemoryError and a
        ValueError).

    Notes
    -----
    A `Problem` is a `talweg.Objective`: calling it, `grad`, `hess`, `hessp` and `third` give Euclidean
    derivatives, and `talweg.descend`, `talweg.spectrum.lowest` and the rest take it. Of the
    Riemannian quantities, the gradient is P grad L with P = I - w w^T / N, and the Hessian is
    given times N::

        N grad L = (sqrt N / M) X^T l'
        N Hess L = D = (1/M) sum l''_i x_i x_i^T            of order one, as its eigenvalues
        N times the Riemannian Hessian = P (D - mu I) P,    mu = (1/M) sum l'_i lambda_i

    Each quantity takes one reading of the data, whatever the number of points: memory is that of X,
    which is never copied, and of a few vectors for each point. A reading costs 8 bytes (4 in single
    precision) of memory traffic and, for each point, 4 floating-point operations an entry of X. A
    complex problem's loss does not change with the phase of w, and overlaps are moduli. Problems
    pickle with their data.

    References
    ----------
    Bonnaire, Biroli and Cammarota, From Zero to Hero, arXiv:2403.02418.

    Examples
    --------
    >>> from talweg.phase_retrieval import Problem
    >>> problem = Problem(200, 3.0, rng=0)
    >>> problem.X.shape, problem.loss(problem.signal)
    ((600, 200), 0.0)
    >>> w = problem.random_point(rng=1)
    >>> pairs = problem.extreme_pairs(w, k=2)
    >>> pairs.success, bool(pairs.eigenvalues[0] < 0)
    (True, True)
    """

    kind = "phase_retrieval"

    def __init__(
        self,
        N: int,
        alpha: float,
        a: float = 1.0,
        rng: Any = None,
        dtype: DTypeLike = np.float64,
        *,
        labels: str = "signal",
        complex: bool = False,
        workers: int | None = None,
    ) -> None:
        N = checked_count(N, "N", 2)
        M = checked_alpha(alpha, N)
        a = checked_constant(a)
        storage = checked_storage(dtype)
        if labels not in ("signal", "random"):
            raise ValueError(f"labels: want 'signal' or 'random', got {labels!r}")
        complex = checked_flag(complex, "complex")
        threads = checked_workers(workers)
        generator = checked_generator(rng)
        require_data_memory(M, N, storage, complex)
        signal = on_sphere(generator.standard_normal(2 * N if complex else N), N)
        X = draw_matrix(generator, M, N, storage, complex)
        if labels == "random":
            self._prepare(X, draw_labels(generator, M, complex), a, None, complex, threads)
        else:
            self._prepare(X, None, a, signal, complex, threads)

    @classmethod
    def from_data(
        cls,
        X: ArrayLike,
        y: ArrayLike | None = None,
        a: float = 1.0,
        *,
        signal: ArrayLike | None = None,
        workers: int | None = None,
    ) -> Problem:
        """A problem of one's own data.

        Parameters
        ----------
        X : array_like, shape (M, N)
            One row for each observation. Arrays of float64 or float32 in rows are used as they are
            and must not change; others are converted. A complex array makes a complex problem with
            lambda_i = x_i.w / sqrt N, without conjugation.
        y : array_like, shape (M,), optional
            The observed intensities |x_i.w*|^2 / N, none negative. Default: those of `signal`.
        a, workers
            As for `Problem`.
        signal : array_like, shape (N,), or (2 N,) for complex data, optional
            The signal, |signal|^2 = N, where it is known.

        Returns
        -------
        Problem

        Examples
        --------
        >>> import numpy
        >>> from talweg.phase_retrieval import Problem
        >>> X = numpy.random.default_rng(0).standard_normal((60, 20))
        >>> problem = Problem.from_data(X, (X @ numpy.ones(20)) ** 2 / 20, a=numpy.inf)
        >>> problem.X is X, problem.signal is None, problem.loss(numpy.ones(20)) < 1e-25
        (True, True, True)
        """
        a = checked_constant(a)
        threads = checked_workers(workers)
        rows, complex = checked_data(X)
        M, n = rows.shape
        N = n // 2 if complex else n
        intensities = None if y is None else checked_intensities(y, M)
        known = None if signal is None else checked_signal(signal, N, complex)
        if intensities is None and known is None:
            raise TypeError("y: want the observed intensities, or a signal to compute them from")
        self = cls.__new__(cls)
        self._prepare(rows, intensities, a, known, complex, threads)
        return self

    def _prepare(
        self,
        X: np.ndarray,
        y: Floats | None,
        a: float,
        signal: Floats | None,
        complex: bool,
        workers: int,
    ) -> None:
        M, n = X.shape
        self.N, self.M = n // 2 if complex else n, M
        self.alpha, self.a, self.complex = M / self.N, a, complex
        self.X, self.dtype = X, X.dtype
        self.signal = signal
        self._workers = workers
        if y is None:
            assert signal is not None
            u = _core.PhaseRetrieval(X, np.zeros(M), 1.0, complex, workers).project(signal[None])[0]
            with np.errstate(over="ignore"):
                y = (u * u).sum(axis=1) if complex else u * u
            if not np.isfinite(y).all():
                raise ValueError("X: want numbers of size one, got some whose squares overflow")
        for array in (signal, y):
            if array is not None:
                array.flags.writeable = False
        self.y: Floats = y
        core = _core.PhaseRetrieval(X, y, a, complex, workers)
        self._setup(core, n, name="phase_retrieval")

    def __reduce__(self) -> tuple[Any, ...]:
        state = (self.X, self.y, self.a, self.signal, self.complex, self._workers)
        return _restored, state

    def __repr__(self) -> str:
        shown = ["complex"] if self.complex else []
        shown += [] if self.signal is not None else ["no signal"]
        shown += [self.dtype.name] if self.dtype != np.float64 else []
        rest = "".join(f", {word}" for word in shown)
        return f"<Problem N={self.N}, alpha={self.alpha:g}, a={self.a:g}{rest}>"

    @property
    def labels(self) -> Floats:
        """The observed intensities, `y`."""
        return self.y

    # The objective: several points share a reading of the data.

    def __call__(self, x: ArrayLike) -> Any:
        if type(x) is not np.ndarray or x.dtype == object:
            return super().__call__(x)
        return self.loss(x)

    def grad(self, x: ArrayLike) -> Floats:
        return self.loss_and_gradient(x)[1]

    def hessp(self, x: ArrayLike, v: ArrayLike) -> Floats:
        points, vectors, single = self._points_and_vectors(x, v)
        products: Floats = self._core.hessian_products(points, vectors)
        return products[0] if single else products

    def hess(self, x: ArrayLike) -> Floats:
        self._require_matrices(x, "hess", "hessp multiplies without forming them")
        return super().hess(x)

    def third(self, x: ArrayLike, v: ArrayLike) -> Floats:
        self._require_matrices(x, "third", "differences of hessp need no matrices")
        return super().third(x, v)

    def _require_matrices(self, x: Any, method: str, instead: str) -> None:
        count = self._points(x)[0].shape[0]
        # The result, and one matrix in the kernel with room beside it.
        needed = 8 * self.n * self.n * (count + 2)
        what = f"{method} at {count} point{'s' if count > 1 else ''} of {self.n} coordinates"
        require_memory("x", what, needed, f"; {instead}")

    # The same in the field's words, and what belongs to the sphere.

    def loss(self, w: ArrayLike) -> Any:
        """The loss L.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)

        Returns
        -------
        float or ndarray, shape (R,)
        """
        points, single = self._points(w, "w")
        value = self._core.losses(points, False)[0]
        return float(value[0]) if single else value

    def gradient(self, w: ArrayLike) -> Floats:
        """The Euclidean gradient, X^T l' / (M sqrt N).

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)

        Returns
        -------
        ndarray, shape (n,) or (R, n)
        """
        return self.loss_and_gradient(w)[1]

    def loss_and_gradient(self, w: ArrayLike) -> tuple[Any, Floats]:
        """The loss and the Euclidean gradient, from one reading of the data.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)

        Returns
        -------
        loss : float or ndarray, shape (R,)
        gradient : ndarray, shape (n,) or (R, n)
        """
        points, single = self._points(w, "w")
        value, _, gradient = self._core.losses(points, True)
        return (float(value[0]), gradient[0]) if single else (value, gradient)

    def hessian_product(self, w: ArrayLike, v: ArrayLike) -> Floats:
        """The Euclidean Hessian times a vector, D v / N.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)
        v : array_like, shape (n,) or (R, n)
            One vector for all points, or one for each.

        Returns
        -------
        ndarray, shape (n,) or (R, n)
        """
        return self.hessp(w, v)

    def curvature(self, w: ArrayLike) -> Any:
        """mu = (1/M) sum l'_i lambda_i = w.grad L, what the sphere's curvature takes from D.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)

        Returns
        -------
        float or ndarray, shape (R,)
        """
        points, single = self._points(w, "w")
        value = self._core.losses(points, False)[1]
        return float(value[0]) if single else value

    mu = curvature

    def riemannian_gradient(self, w: ArrayLike) -> Floats:
        """P grad L, the gradient along the sphere.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)
            On the sphere, |w|^2 = N.

        Returns
        -------
        ndarray, shape (n,) or (R, n)
        """
        points, single = self._sphere_points(w)
        _, mu, gradient = self._core.losses(points, True)
        along: Floats = gradient - points * (mu / self.N)[:, None]
        return along[0] if single else along

    def riemannian_hessian_product(self, w: ArrayLike, v: ArrayLike) -> Floats:
        """N times the Riemannian Hessian times a vector, P (D - mu I) P v.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)
            On the sphere, |w|^2 = N.
        v : array_like, shape (n,) or (R, n)
            One vector for all points, or one for each.

        Returns
        -------
        ndarray, shape (n,) or (R, n)
        """
        points, vectors, single = self._points_and_vectors(w, v)
        self._sphere_points(points)
        vectors = vectors - points * ((vectors * points).sum(axis=1) / self.N)[:, None]
        mu = self._core.losses(points, False)[1]
        products = self.N * self._core.hessian_products(points, vectors) - mu[:, None] * vectors
        products -= points * ((products * points).sum(axis=1) / self.N)[:, None]
        result: Floats = products[0] if single else products
        return result

    riemannian_grad = riemannian_gradient
    riemannian_hessp = riemannian_hessian_product

    def sphere_hessian(self, w: ArrayLike) -> SphereHessian:
        """N times the Riemannian Hessian at one point as an operator, for blocks of vectors.

        Parameters
        ----------
        w : array_like, shape (n,)
            On the sphere, |w|^2 = N.

        Returns
        -------
        SphereHessian
        """
        return SphereHessian(self._core, self._sphere_point(w))

    def extreme_pairs(
        self,
        w: ArrayLike,
        k: int = 1,
        which: str = "lowest",
        *,
        start: ArrayLike | None = None,
        tol: float = 1e-8,
        maxiter: int | None = None,
        rng: Any = None,
        phase: bool = True,
    ) -> Eigenpairs:
        """Extreme eigenpairs of N times the Riemannian Hessian, on the tangent space of the sphere.

        Parameters
        ----------
        w : array_like, shape (n,)
            On the sphere, |w|^2 = N.
        k : int, default 1
            Pairs from each end.
        which : {"lowest", "highest", "both"}
        start : array_like, shape (n,) or (n, b), optional
            Vectors near the wanted ones, such as those of the last step of a descent, where block
            Lanczos is used: fewer readings of the data do then. See `talweg.spectrum.lowest` for
            the risk.
        tol, maxiter, rng
            As for `talweg.spectrum.lowest`.
        phase : bool, default True
            Whether the direction i w of the phase of a complex problem counts as a tangent. The
            loss does not change along it, and where the gradient vanishes it is an eigenvector of
            eigenvalue 0, the lowest one at a minimum. Without it the pairs are those of the
            Hessian among points up to their phase. Nothing to a real problem.

        Returns
        -------
        talweg.spectrum.Eigenpairs
            With the Euclidean gradient at w, which the first reading brings.

        Notes
        -----
        For real data the whole matrix is decomposed up to n = 2000 for pairs from the lower end, up
        to 1200 for others: mostly n^2 numbers in single precision beside the data, then corrections
        of the pairs from two readings. Else block Lanczos; each step multiplies eight vectors in one
        reading of the data. The part of a start along w is taken out, and of the pairs found none
        points along w.
        """
        if which not in _ENDS:
            raise ValueError(f"which: want one of {', '.join(map(repr, _ENDS))}, got {which!r}")
        count = checked_count(k, "k", 1)
        total = 2 * count if which == "both" else count
        bare = not checked_flag(phase, "phase") and self.complex
        dimension = self.n - (2 if bare else 1)
        if total > dimension:
            most = dimension // 2 if which == "both" else dimension
            raise ValueError(
                f"k: want at most {most} for which={which!r} and n = {self.n}, got {k}"
            )
        tol = checked_positive(tol, "tol")
        if start is not None:
            start = finite_array(start, "start")
            if start.ndim not in (1, 2) or start.shape[0] != self.n:
                raise ValueError(
                    f"start: want shape ({self.n},) or ({self.n}, b), got {start.shape}"
                )
        from talweg.phase_retrieval.sphere_spectrum import WithoutPhase, decomposed, iterated

        hessian: Any = self.sphere_hessian(w)
        if bare:
            hessian = WithoutPhase(hessian)
        if self.n <= _DENSE_UP_TO or total > _DENSE_PART * self.n:
            return decomposed(hessian, count, which)
        return iterated(
            hessian, count, _ENDS[which], start=start, tol=tol, maxiter=maxiter, rng=rng
        )

    def overlap(self, w: ArrayLike) -> Any:
        """m = w.w* / N, for complex data its modulus.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)

        Returns
        -------
        float or ndarray, shape (R,)

        Raises
        ------
        ValueError
            When the problem has no signal.
        """
        points, single = self._points(w, "w")
        signal = self._known_signal()
        m = points @ signal / self.N
        if self.complex:
            turned = np.concatenate([-signal[self.N :], signal[: self.N]])
            m = np.hypot(m, points @ turned / self.N)
        return float(m[0]) if single else m

    def samples(self, w: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """The pairs (lambda_i, u_i), whose law decides the spectrum.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)

        Returns
        -------
        lambdas : ndarray, shape (M,) or (R, M)
            x_i.w / sqrt N, complex for complex data.
        u : ndarray, shape (M,)
            x_i.w* / sqrt N; sqrt y where the problem has no signal.
        """
        points, single = self._points(w, "w")
        lambdas = self._products(points)
        u = np.sqrt(self.y) if self.signal is None else self._products(self.signal[None])[0]
        return (lambdas[0] if single else lambdas), u

    def random_point(self, rng: Any = None, size: int | None = None) -> Floats:
        """Points drawn uniformly on the sphere |w|^2 = N.

        Parameters
        ----------
        rng : int or numpy.random.Generator, optional
            A number may be the one that the problem was made with: the points are independent of
            the signal. A second generator of that number is not.
        size : int, optional
            How many. Default: one, without an axis for it.

        Returns
        -------
        ndarray, shape (n,) or (size, n)
        """
        generator = point_generator(rng)
        if size is None:
            return on_sphere(generator.standard_normal(self.n), self.N)
        rows = generator.standard_normal((checked_count(size, "size", 1), self.n))
        return np.stack([on_sphere(row, self.N) for row in rows])

    def on_sphere(self, w: ArrayLike) -> Floats:
        """Points rescaled to |w|^2 = N.

        Parameters
        ----------
        w : array_like, shape (n,) or (R, n)
            None of them zero.

        Returns
        -------
        ndarray, shape (n,) or (R, n)
        """
        points, single = self._points(w, "w")
        if not (np.isfinite(points).all() and points.any(axis=1).all()):
            raise ValueError("w: want finite points other than zero")
        scaled = np.array([on_sphere(point / np.abs(point).max(), self.N) for point in points])
        return scaled[0] if single else scaled.reshape(points.shape)

    def memory(self) -> int:
        """Bytes that the problem holds: the data, the intensities and the signal."""
        signal = 0 if self.signal is None else self.signal.nbytes
        return int(self.X.nbytes + 2 * self.y.nbytes + signal)

    def as_objective(self) -> Objective:
        """The problem itself, which is a `talweg.Objective`."""
        return self

    def _products(self, points: Floats) -> np.ndarray:
        lambdas: np.ndarray = self._core.project(points)
        return lambdas[..., 0] + 1j * lambdas[..., 1] if self.complex else lambdas

    def _known_signal(self) -> Floats:
        if self.signal is None:
            raise ValueError("this problem has no signal, so that overlaps with it are not defined")
        return self.signal

    def _sphere_points(self, w: Any, argument: str = "w") -> tuple[Floats, bool]:
        points, single = self._points(w, argument)
        with np.errstate(over="ignore"):
            square = (points * points).sum(axis=1) / self.N
        off = ~(np.abs(square - 1.0) <= ON_THE_SPHERE)
        if off.any():
            raise ValueError(
                f"{argument}: want |w|^2 = N, got |w|^2 = {square[off][0]:.6g} N; on_sphere "
                "rescales it"
            )
        return points, single

    def _sphere_point(self, w: Any) -> Floats:
        points, single = self._sphere_points(w)
        if not single:
            raise ValueError(f"w: want one point, shape ({self.n},), got {points.shape}")
        return points[0]


def _restored(
    X: np.ndarray, y: Floats, a: float, signal: Floats | None, complex: bool, workers: int
) -> Problem:
    self = Problem.__new__(Problem)
    self._prepare(np.ascontiguousarray(X), y, a, signal, complex, workers)
    return self
