"""`Problem`: the loss of phase retrieval and its derivatives."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import finite_array, real_array
from talweg.extremals.arguments import checked_count
from talweg.objective import Objective
from talweg.phase_retrieval.memory import require_memory

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from talweg.spectrum import Eigenpairs

    Floats = NDArray[np.float64]

__all__ = ["Problem"]

#: How far |w|^2 / N may be from 1 for w to be on the sphere.
_ON_THE_SPHERE = 1e-6


class Problem(Objective):
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
    ) -> None:
        N = checked_count(N, "N", 2)
        alpha = _checked_alpha(alpha)
        a = _checked_a(a)
        storage = _checked_dtype(dtype)
        if labels not in ("signal", "random"):
            raise ValueError(f"labels: want 'signal' or 'random', got {labels!r}")
        complex = _checked_flag(complex, "complex")
        M = round(alpha * N)
        if M < 1:
            raise ValueError(f"alpha: want at least one observation, got {alpha} * {N} = {M}")
        columns = 2 * N if complex else N
        require_memory(
            "N",
            f"X of {M} rows and {N} {'complex ' if complex else ''}columns in {storage.name}",
            M * columns * storage.itemsize,
            "; dtype=numpy.float32 takes half of it" if storage.itemsize == 8 else "",
        )
        generator = np.random.default_rng(rng)
        scale = math.sqrt(0.5) if complex else 1.0
        signal = _on_sphere(generator.standard_normal(columns), N)
        X = generator.standard_normal((M, columns), dtype=storage.type)
        if complex:
            X *= storage.type(scale)
        if labels == "random":
            u = generator.standard_normal((M, 2 if complex else 1)) * scale
            y = (u * u).sum(axis=1)
            self._prepare(X, y, a, None, complex)
        else:
            self._prepare(X, None, a, signal, complex)

    @classmethod
    def from_data(
        cls,
        X: ArrayLike,
        y: ArrayLike | None = None,
        a: float = 1.0,
        *,
        signal: ArrayLike | None = None,
    ) -> Problem:
        a = _checked_a(a)
        rows, complex = _checked_data(X)
        M, n = rows.shape
        N = n // 2 if complex else n
        intensities = None if y is None else _checked_intensities(y, M)
        known = None if signal is None else _checked_signal(signal, N, complex)
        if intensities is None and known is None:
            raise TypeError("y: want the observed intensities, or a signal to compute them from")
        self = cls.__new__(cls)
        self._prepare(rows, intensities, a, known, complex)
        return self

    def _prepare(self, X: Any, y: Any, a: float, signal: Floats | None, complex: bool) -> None:
        M, n = X.shape
        N = n // 2 if complex else n
        self.N, self.M, self.alpha, self.a = N, M, M / N, a
        self.complex = complex
        self.X = X
        self.dtype = X.dtype
        self.signal = signal
        if y is None:
            u = X @ signal.astype(X.dtype) / math.sqrt(N)
            y = u.astype(np.float64) ** 2
        self.y = y
        if signal is not None:
            signal.flags.writeable = False
        y.flags.writeable = False
        self._weights = 2.0 / (a + y) if math.isfinite(a) else np.full(M, 2.0)
        core = _core.CallbackObjective(
            n,
            self._fun,
            self._grad,
            self._hess,
            self._hessp,
            self._third,
            batched=True,
            arguments=(),
        )
        self._setup(core, n, name="phase_retrieval")

    # The functions of points (m, n).

    def _lambda(self, w: Floats) -> Floats:
        return (self.X @ w.T) / math.sqrt(self.N)

    def _fun(self, w: Floats) -> Floats:
        s = self._lambda(w)
        return (self._weights[:, None] / 4 * (s * s - self.y[:, None]) ** 2).mean(axis=0)

    def _back(self, p: Floats) -> Floats:
        return (self.X.T @ p).T / (self.M * math.sqrt(self.N))

    def _grad(self, w: Floats) -> Floats:
        s = self._lambda(w)
        return self._back(self._weights[:, None] * s * (s * s - self.y[:, None]))

    def _second(self, w: Floats) -> Floats:
        s = self._lambda(w)
        return self._weights[:, None] * (3 * s * s - self.y[:, None])

    def _hessp(self, w: Floats, v: Floats) -> Floats:
        return self._back(self._second(w) * self._lambda(v))

    def _hess(self, w: Floats) -> Floats:
        d = self._second(w)
        return np.stack([(self.X.T * d[:, i]) @ self.X for i in range(len(w))]) / (self.M * self.N)

    def _third(self, w: Floats, v: Floats) -> Floats:
        d = 6 * self._weights[:, None] * self._lambda(w) * self._lambda(v)
        return np.stack([(self.X.T * d[:, i]) @ self.X for i in range(len(w))]) / (self.M * self.N)

    # What users call.

    def loss(self, w: ArrayLike) -> Any:
        return self(w)

    def gradient(self, w: ArrayLike) -> Floats:
        return self.grad(w)

    def loss_and_gradient(self, w: ArrayLike) -> tuple[Any, Floats]:
        return self(w), self.grad(w)

    def hessian_product(self, w: ArrayLike, v: ArrayLike) -> Floats:
        return self.hessp(w, v)

    def curvature(self, w: ArrayLike) -> Any:
        points, single = self._points(w, "w")
        value = (points * self.grad(points)).sum(axis=1)
        return float(value[0]) if single else value

    mu = curvature

    def riemannian_gradient(self, w: ArrayLike) -> Floats:
        points, single = self._sphere_points(w)
        g = self.grad(points)
        g = g - points * ((g * points).sum(axis=1) / (points * points).sum(axis=1))[:, None]
        return g[0] if single else g

    def riemannian_hessian_product(self, w: ArrayLike, v: ArrayLike) -> Floats:
        points, vectors, single = self._points_and_vectors(w, v)
        self._sphere_points(points)
        square = (points * points).sum(axis=1)

        def projected(u: Floats) -> Floats:
            return u - points * ((u * points).sum(axis=1) / square)[:, None]

        mu = (points * self.grad(points)).sum(axis=1)
        vectors = projected(vectors)
        product = projected(self.N * self.hessp(points, vectors)) - mu[:, None] * vectors
        return product[0] if single else product

    riemannian_grad = riemannian_gradient
    riemannian_hessp = riemannian_hessian_product

    def overlap(self, w: ArrayLike) -> Any:
        points, single = self._points(w, "w")
        m = points @ self._known_signal() / self.N
        return float(m[0]) if single else m

    def samples(self, w: ArrayLike) -> tuple[Floats, Floats]:
        points, single = self._points(w, "w")
        s = self._lambda(points).T
        u = self._lambda(self._known_signal()[None])[:, 0]
        return (s[0] if single else s), u

    def random_point(self, rng: Any = None, size: int | None = None) -> Floats:
        generator = np.random.default_rng(rng)
        if size is None:
            return _on_sphere(generator.standard_normal(self.n), self.N)
        rows = generator.standard_normal((checked_count(size, "size", 1), self.n))
        return np.stack([_on_sphere(row, self.N) for row in rows])

    def on_sphere(self, w: ArrayLike) -> Floats:
        points, single = self._points(w, "w")
        lengths = np.linalg.norm(points, axis=1)
        if not (lengths > 0).all():
            raise ValueError("w: want points other than zero")
        scaled: Floats = points * (math.sqrt(self.N) / lengths)[:, None]
        return scaled[0] if single else scaled

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
    ) -> Eigenpairs:
        from talweg.spectrum import lowest

        ends = {"lowest": "smallest", "highest": "largest", "both": "both"}
        if which not in ends:
            raise ValueError(f"which: want one of {', '.join(map(repr, ends))}, got {which!r}")
        points, single = self._sphere_points(w)
        if not single:
            raise ValueError(f"w: want one point, shape ({self.n},), got {points.shape}")
        w = points[0]
        mu = self.curvature(w)
        d = self._second(points)[:, 0]
        unit = w / np.linalg.norm(w)
        inside = float(d.mean() - mu)

        def product(v: Floats) -> Floats:
            along = unit @ v
            u = v - np.outer(unit, along)
            r = self.X.T @ (d[:, None] * (self.X @ u)) / self.M - mu * u
            return r - np.outer(unit, unit @ r) + inside * np.outer(unit, along)

        class Operator:
            shape = (self.n, self.n)
            matvec = staticmethod(lambda v: product(v[:, None])[:, 0])
            matmat = staticmethod(product)

        return lowest(
            Operator,
            k=k,
            which=ends[which],
            start=start,
            tol=tol,
            maxiter=maxiter,
            rng=rng,
            method="block",
        )

    def memory(self) -> int:
        return int(self.X.nbytes + self.y.nbytes)

    def as_objective(self) -> Problem:
        return self

    def _known_signal(self) -> Floats:
        if self.signal is None:
            raise ValueError("this problem has no signal: the overlap with it is not defined")
        return self.signal

    def _sphere_points(self, w: Any) -> tuple[Floats, bool]:
        points, single = self._points(w, "w")
        square = (points * points).sum(axis=1) / self.N
        off = ~(np.abs(square - 1.0) <= _ON_THE_SPHERE)
        if off.any():
            raise ValueError(
                f"w: want |w|^2 = N, got |w|^2 = {square[off][0]:.6g} N; on_sphere(w) rescales it"
            )
        return points, single


def _on_sphere(v: Floats, N: int) -> Floats:
    scaled: Floats = v * (math.sqrt(N) / np.linalg.norm(v))
    return scaled


def _checked_flag(value: Any, argument: str) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{argument}: want True or False, got {value!r}")
    return bool(value)


def _checked_alpha(alpha: Any) -> float:
    if isinstance(alpha, (bool, np.bool_)) or not isinstance(
        alpha, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"alpha: want a number, observations for each coordinate, got {alpha!r}")
    if not (alpha > 0 and math.isfinite(alpha)):
        raise ValueError(
            f"alpha: want a number above 0, observations for each coordinate, got {alpha}"
        )
    return float(alpha)


def _checked_a(a: Any) -> float:
    if isinstance(a, (bool, np.bool_)) or not isinstance(a, (int, float, np.integer, np.floating)):
        raise TypeError(f"a: want a number above 0, or inf for the plain loss, got {a!r}")
    if not a > 0:
        raise ValueError(f"a: want a number above 0, or inf for the plain loss, got {a}")
    return float(a)


def _checked_dtype(dtype: Any) -> np.dtype[Any]:
    storage = np.dtype(dtype)
    if storage not in (np.dtype(np.float64), np.dtype(np.float32)):
        raise TypeError(f"dtype: want float64 or float32, got {storage}")
    return storage


def _checked_data(X: Any) -> tuple[np.ndarray, bool]:
    array = np.asarray(X)
    if array.dtype.kind not in "biufc":
        raise TypeError(f"X: want numbers, got dtype {array.dtype}")
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 2:
        raise ValueError(f"X: want shape (M, N), M at least 1 and N at least 2, got {array.shape}")
    complex = array.dtype.kind == "c"
    if complex:
        storage = np.float32 if array.dtype == np.complex64 else np.float64
        array = np.hstack([array.real, -array.imag]).astype(storage)
    elif array.dtype not in (np.dtype(np.float64), np.dtype(np.float32)):
        array = array.astype(np.float64)
    array = np.ascontiguousarray(array)
    return array, complex


def _checked_intensities(y: Any, M: int) -> Floats:
    array = finite_array(y, "y")
    if array.shape != (M,):
        raise ValueError(
            f"y: want shape ({M},), one intensity for each row of X, got {array.shape}"
        )
    if (array < 0).any():
        i = int(np.argmax(array < 0))
        raise ValueError(f"y: want intensities u^2 from 0 on, got {array[i]} at {i}")
    return array


def _checked_signal(signal: Any, N: int, complex: bool) -> Floats:
    array = np.asarray(signal)
    if complex and array.dtype.kind == "c" and array.shape == (N,):
        array = np.concatenate([array.real, array.imag])
    array = real_array(array, "signal").copy()
    n = 2 * N if complex else N
    if array.shape != (n,):
        raise ValueError(f"signal: want shape ({n},), got {array.shape}")
    square = float(array @ array) / N
    if not abs(square - 1.0) <= _ON_THE_SPHERE:
        raise ValueError(f"signal: want |signal|^2 = N, got |signal|^2 = {square:.6g} N")
    return array
