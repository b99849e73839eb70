"""`Objective`: a function of n coordinates with its derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.algebra import Algebra, recompiled
from talweg.metric import checked_metric
from talweg.parameters import Parametric
from talweg.quantity import GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD, VALUE
from talweg.recording import RecordingError, record, recorded, recording_of
from talweg.verification import verify as _verify

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_KINK_NAMES = {
    "absolute": "abs",
    "sign": "sign",
    "minimum": "minimum",
    "maximum": "maximum",
    "select": "where",
    "less": "comparison",
    "less_equal": "comparison",
    "equal": "comparison",
}


class Objective(Algebra):
    """A smooth function f: R^n -> R with exact derivatives, made from a plain Python function.

    The function is called once with an array that records what is done with it. Values, gradients,
    Hessians and third derivatives then come from that recording, without Python, for one point or
    many at once.

    Parameters
    ----------
    fun : callable
        ``fun(x)`` with `x` an array of shape (n,), returning one real number. NumPy's functions,
        arithmetic, indexing and loops work; a branch on a value of `x` does not (write
        ``numpy.where``), nor do `math`'s functions (write `numpy`'s or `talweg`'s).
    n : int
        Number of coordinates, at least 1.
    bounds : array_like, shape (n, 2), optional
        The box the function is meant for, ``[(low, high), ...]``. It limits no evaluation; it is
        where the recording is checked, and where surveys look when they are given no other box.
    name : str, optional
        A name for tables and titles; by default that of `fun`.
    parameters : dict of str to array_like, optional
        Values of named parameters, with which `fun` is called as keyword arguments:
        ``fun(x, a=..., b=...)``. `with_parameters` changes them later, without recording again.
    verify : bool, default True
        Compare the recording with `fun` at a few points, which are the same each time. It costs
        some calls of `fun` and catches hidden state and control flow that depends on `x`.

    Attributes
    ----------
    n : int
    bounds : ndarray, shape (n, 2), or None
    name : str
    metric : ndarray, shape (n, n), or None
        The scalar product that `with_metric` gave it; None for the Euclidean one.
    kinks : tuple of str
        The operations with a kink or a jump that the function uses (``"abs"``, ``"where"``, ...).
        On the kink itself a derivative is that of one side.
    compiled : bool
        Whether it runs as machine code (`compile`).

    Raises
    ------
    TypeError
        When `fun` is no function, returns no real number, or does something that cannot be
        recorded (`talweg.RecordingError`); the message says what to write instead.
    ValueError
        When `n` or `bounds` make no sense, `fun` is NaN everywhere, or the recording differs from
        `fun`.

    Notes
    -----
    Derivatives are with respect to the Euclidean coordinates. Points are float64, shape (n,) for
    one and (m, n) for many; a single point gives a single answer. Results outside the function's
    domain are NaN or infinite, as NumPy's; a NaN in the argument is an error. Objectives pickle as
    arrays, without `fun`. An objective can be used inside another recorded function.

    Examples
    --------
    >>> import numpy, talweg
    >>> def toy(x):
    ...     return (x[0]**2 + 2 * x[1]**2) / 2 + x[0]**2 * x[1] / 2
    >>> f = talweg.Objective(toy, 2)
    >>> float(f([2.0, -1.0]))
    1.0
    >>> f.grad([1.0, 0.0])
    array([1. , 0.5])
    >>> f.hess([2.0, -1.0])
    array([[0., 2.],
           [2., 2.]])
    >>> f(numpy.zeros((3, 2))).shape
    (3,)
    """

    compiled = False

    def __init__(
        self,
        fun: Callable[[Any], Any],
        n: int,
        *,
        bounds: ArrayLike | None = None,
        name: str | None = None,
        parameters: Mapping[str, ArrayLike] | None = None,
        verify: bool = True,
    ) -> None:
        if not callable(fun):
            raise TypeError(
                f"fun: want a function of one array, got {type(fun).__name__}"
                + ("; use Objective.from_expression" if _is_expression(fun) else "")
            )
        n = checked_dimension(n)
        box = checked_bounds(bounds, n)
        if parameters:
            self._parametric = Parametric.recorded(fun, n, parameters)
            recording, (tape, output) = self._parametric.recording, self._parametric.bound()
            plain = self._parametric.plain(fun)
        else:
            recording, output = record(fun, n)
            tape, plain = recording.tape, fun
        core = _core.TapeObjective(tape, output)
        if verify:
            _verify(plain, core, n, bounds=box)
        used = tape.kinks(output)
        kinks = (_KINK_NAMES[kink] for kink in used if kink in recording.kinks)
        self._setup(
            core,
            n,
            bounds=box,
            name=name or _name_of(fun),
            kinks=tuple(dict.fromkeys(kinks)),
            tape=(tape, output),
        )

    _parametric: Parametric | None = None

    def _setup(
        self,
        core: Any,
        n: int,
        *,
        bounds: Floats | None = None,
        name: str = "f",
        kinks: tuple[str, ...] = (),
        tape: tuple[Any, int] | None = None,
    ) -> None:
        """Shared by every kind of objective; `core` is the talweg._core.Objective."""
        self._core = core
        self._tape = tape
        self.n = n
        self.bounds = bounds
        self.name = name
        self.kinks = kinks
        self._differenced: Any = None  # a talweg.differences.Differenced
        self._recipe: tuple[Any, ...] | None = None  # to make it anew, where it is no recording
        self.metric: Floats | None = None
        self._made = None  # of which objectives, and how
        self._embedding = None

    @classmethod
    def from_expression(
        cls,
        expr: Any,
        variables: str | Sequence[Any],
        *,
        bounds: ArrayLike | None = None,
        name: str | None = None,
    ) -> Objective:
        """An objective from a SymPy expression or a string.

        Parameters
        ----------
        expr : sympy.Expr or str
            A string holds numbers, variables, ``+ - * / **``, parentheses, the constants ``pi`` and
            ``e``, and functions of `talweg` by name. It is parsed, never evaluated as Python.
        variables : sequence of sympy.Symbol or str, or one str with the names separated by spaces
            or commas
            The coordinates in order.
        bounds, name
            As for `Objective`.

        Raises
        ------
        ValueError, TypeError
            When the expression cannot be read, uses names that are no variables, or holds a
            function that cannot be recorded.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.Objective.from_expression("(x**2 + 2*y**2)/2 + x**2*y/2", "x y")
        >>> float(f([2.0, -1.0]))
        1.0
        """
        from talweg.expressions import parse

        function, names = parse(expr, variables)
        return cls(function, len(names), bounds=bounds, name=name or str(expr)[:60])

    @classmethod
    def from_callables(
        cls,
        fun: Callable[..., Any],
        grad: Callable[..., Any] | bool | None = None,
        hess: Callable[..., Any] | None = None,
        hessp: Callable[..., Any] | None = None,
        third: Callable[..., Any] | None = None,
        *,
        n: int,
        batched: bool = True,
        args: tuple[Any, ...] = (),
        bounds: ArrayLike | None = None,
        name: str | None = None,
        scale: ArrayLike | None = None,
        noise: float = 0.0,
        verify: bool = True,
    ) -> Objective:
        """An objective from Python functions that are called, not recorded.

        Derivatives that are not given are made from those that are: the Hessian from products with
        it, products from the Hessian, anything else by central differences of fourth order of the
        highest derivative at hand. `approximate` says which those are, and how good.

        Parameters
        ----------
        fun : callable
            ``fun(x)`` with `x` of shape (m, n), returning shape (m,).
        grad : callable or True, optional
            ``grad(x)``, returning shape (m, n); True when `fun` returns both, (value, gradient).
        hess : callable, optional
            ``hess(x)``, returning shape (m, n, n).
        hessp : callable, optional
            ``hessp(x, v)`` with `v` of shape (m, n), a vector for each point: the Hessian times v,
            shape (m, n).
        third : callable, optional
            ``third(x, v)``: the derivative of the Hessian along v, shape (m, n, n).
        n : int
            Number of coordinates.
        batched : bool, default True
            False for functions of one point, as SciPy's minimisers take them: `x` and `v` of shape
            (n,), results without the leading m. A call for each point costs about a microsecond,
            a call for a block of 1024 some nanoseconds a point.
        args : tuple, optional
            Further arguments, which follow x (and v) in each call.
        bounds, name
            As for `Objective`.
        scale : float or array_like, shape (n,), optional
            For each coordinate a length over which the function changes by about its own size.
            Differences k orders above what is given take steps of ``noise**(1/(k + 4))`` times it.
            By default it is estimated from some 50 calls for each coordinate and point, in blocks.
        noise : float, default 0.0
            Relative error of what the functions return, where it is above rounding (a solver's
            tolerance, single precision).
        verify : bool, default True
            Compare the derivatives given with differences at a few points.

        Returns
        -------
        Objective

        Raises
        ------
        TypeError
            When an argument is no function, or a function returns something else than real
            numbers in double precision (integers will do).
        ValueError
            When a function returns another shape, a derivative is not that of the function, or
            `fun` is finite at none of the points tried. A NaN at some points is no error: it stays
            with those points.

        Notes
        -----
        An exception that a function raises leaves the method or kernel unchanged. The functions
        run on the calling thread alone; each call gets arrays of its own. The objective pickles
        when the functions do.

        Examples
        --------
        >>> import scipy.optimize, talweg
        >>> f = talweg.Objective.from_callables(
        ...     scipy.optimize.rosen, scipy.optimize.rosen_der, scipy.optimize.rosen_hess,
        ...     scipy.optimize.rosen_hess_prod, n=3, batched=False)
        >>> f.grad([1.0, 1.0, 2.0]) + 0.0
        array([   0., -400.,  200.])
        >>> list(f.approximate)
        ['third']
        """
        from talweg.callables import callable_core

        n = checked_dimension(n)
        box = checked_bounds(bounds, n)
        functions = {"fun": fun, "grad": grad, "hess": hess, "hessp": hessp, "third": third}
        made = callable_core(
            functions,
            n,
            batched=batched,
            args=args,
            bounds=box,
            scale=scale,
            noise=noise,
            verify=verify,
        )
        self = cls.__new__(cls)
        shown = fun.name if isinstance(fun, Objective) else _name_of(fun)
        self._setup(made.core, n, bounds=box, name=name or shown)
        self._differenced = made
        options = {"n": n, "batched": batched, "args": args, "bounds": box, "name": self.name}
        options |= {"scale": made.scale, "noise": noise, "verify": False}
        self._recipe = (_from_callables, (functions, options))
        return self

    @property
    def approximate(self) -> dict[str, float]:
        """Which derivatives are differences, and their estimated relative errors.

        A dict from ``"grad"``, ``"hess"``, ``"hessp"`` and ``"third"`` to errors relative to the
        size of the derivative; empty when all are exact up to rounding. The estimate compares steps
        of several lengths at a few points, when it is first asked for.
        """
        return {} if self._differenced is None else self._differenced.errors

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the named parameters, by name; those of all operands for a result."""
        return super().parameters if self._parametric is None else self._parametric.shown()

    def with_parameters(self, **values: Any) -> Objective:
        if self._parametric is None:
            changed: Objective = super().with_parameters(**values)
            return changed
        parametric = self._parametric.changed(values, self.name)
        other = Objective.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._parametric = parametric
        other._tape = parametric.bound()
        other._core = _core.TapeObjective(*other._tape)
        return recompiled(other, (self,))

    with_parameters.__doc__ = Algebra.with_parameters.__doc__

    # Evaluation.

    def __call__(self, x: ArrayLike) -> Any:
        """Value at `x`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)

        Returns
        -------
        float or ndarray, shape (m,)
        """
        if (type(x) is not np.ndarray or x.dtype == object) and recording_of(x) is not None:
            return self._replayed(x)
        points, single = self._points(x)
        value = self._core.evaluate(points, VALUE)["value"]
        return value[0] if single else value

    def grad(self, x: ArrayLike) -> Floats:
        """Gradient at `x`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)

        Returns
        -------
        ndarray, shape (n,) or (m, n)
        """
        points, single = self._points(x)
        gradient: Floats = self._core.evaluate(points, GRADIENT)["gradient"]
        return gradient[0] if single else gradient

    def hess(self, x: ArrayLike) -> Floats:
        """Hessian at `x`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)

        Returns
        -------
        ndarray, shape (n, n) or (m, n, n)
        """
        points, single = self._points(x)
        hessian: Floats = self._core.evaluate(points, HESSIAN)["hessian"]
        return hessian[0] if single else hessian

    def hessp(self, x: ArrayLike, v: ArrayLike) -> Floats:
        """Hessian times a vector, without forming the Hessian.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)
        v : array_like, shape (n,) or (m, n)
            One vector for all points, or one for each.

        Returns
        -------
        ndarray, shape (n,) or (m, n)
        """
        points, vectors, single = self._points_and_vectors(x, v)
        product: Floats = self._core.evaluate(points, HESSIAN_PRODUCT, vectors)["hessian_product"]
        return product[0] if single else product

    def third(self, x: ArrayLike, v: ArrayLike) -> Floats:
        """T[v], the derivative of the Hessian along `v`.

        Parameters
        ----------
        x : array_like, shape (n,) or (m, n)
        v : array_like, shape (n,) or (m, n)
            One vector for all points, or one for each.

        Returns
        -------
        ndarray, shape (n, n) or (m, n, n)
        """
        points, vectors, single = self._points_and_vectors(x, v)
        third: Floats = self._core.evaluate(points, THIRD, vectors)["third"]
        return third[0] if single else third

    def _points(self, x: Any, argument: str = "x") -> tuple[Floats, bool]:
        """`x` as (m, n) floats, and whether it was one point."""
        if type(x) is not np.ndarray or x.dtype != np.float64:
            x = _as_floats(x, argument)
        if x.shape == (self.n,):
            points, single = x.reshape(1, self.n), True
        elif x.ndim == 2 and x.shape[1] == self.n:
            points, single = x, False
        else:
            raise ValueError(f"{argument}: want shape ({self.n},) or (m, {self.n}), got {x.shape}")
        if single:
            # NumPy's reductions would cost as much as the evaluation of one point. A sum is NaN
            # also where infinities of both signs meet, so it only says where to look.
            suspicious = math.isnan(sum(x.tolist()))
        else:
            suspicious = points.size > 0 and math.isnan(points.min())
        if suspicious:
            bad = np.isnan(points).any(axis=1)
            if bad.any():
                first = int(np.flatnonzero(bad)[0])
                shown = np.array2string(points[first], threshold=6, separator=", ")
                where = "" if single else f" in row {first}"
                raise ValueError(f"{argument}: want numbers, got NaN{where}: {shown}")
        return points, single

    def _points_and_vectors(self, x: Any, v: Any) -> tuple[Floats, Floats, bool]:
        points, single_point = self._points(x)
        vectors, single_vector = self._points(v, "v")
        if len(points) != len(vectors):
            if single_point:
                points = np.broadcast_to(points, vectors.shape)
            elif single_vector:
                vectors = np.broadcast_to(vectors, points.shape)
            else:
                raise ValueError(
                    f"v: want shape ({self.n},) or {points.shape}, as x, got {vectors.shape}"
                )
        return points, vectors, single_point and single_vector

    def _replayed(self, x: Any) -> Any:
        from talweg.recording.replay import replay

        if self._tape is None:
            raise RecordingError(
                f"{self!r} is no recorded function, so that it cannot be part of a recording"
            )
        x = recorded(x, recording_of(x))
        if x.shape != (self.n,):
            raise ValueError(f"x: want shape ({self.n},), got {x.shape}")
        tape, output = self._tape
        names = {kink for kink, shown in _KINK_NAMES.items() if shown in self.kinks}
        x._recording.kinks |= names
        return replay(tape.serialize(output), x)

    def compile(self) -> Objective:
        """The same function as machine code for this processor.

        Each quantity, or combination of quantities that a kernel asks for, is compiled when it is
        first needed, which takes 5 to 80 ms for the surfaces of the catalogue and 0.1 to 0.2 ms for
        each instruction of a long function. Results are those of the objective itself, to the last
        bit on processors that `talweg` has own kernels for.

        Returns
        -------
        Objective
            A new one; the objective itself stays as it is. It pickles as a recorded function, and
            is compiled again where it is loaded, or interpreted where llvmlite is missing there.

        Raises
        ------
        ImportError
            When llvmlite is not installed: ``pip install talweg[jit]``.
        TypeError
            When the objective is no recorded function.

        Examples
        --------
        >>> import numpy, talweg
        >>> f = talweg.surfaces.muller_brown()
        >>> fast = f.compile()
        >>> x = numpy.random.default_rng(0).uniform(-1, 1, size=(100000, 2))
        >>> numpy.allclose(fast.grad(x), f.grad(x), rtol=1e-13)
        True
        """
        from talweg.machine_code import compile_core

        if self._tape is None:
            raise TypeError(f"{self!r} is no recorded function: only recordings can be compiled")
        core = _core.TapeObjective(*self._tape)
        compile_core(core)
        other = Objective.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._core = core
        other.compiled = True
        return other

    # Saving.

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The recorded function as arrays, for files.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        TypeError
            When the objective is no recorded function.
        """
        if self._tape is None:
            raise TypeError(f"{self!r} is no recorded function: only recordings can be saved")
        tape, output = self._tape
        arrays: dict[str, np.ndarray] = {}
        if self._parametric is not None:
            tape, output = self._parametric.tape
            arrays |= self._parametric.to_arrays()
        arrays |= tape.serialize(output)
        arrays["name"] = np.array(self.name)
        arrays["kinks"] = np.array(self.kinks, dtype=str)
        if self.bounds is not None:
            arrays["bounds"] = self.bounds
        if self.metric is not None:
            arrays["metric"] = self.metric
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> Objective:
        """The objective that `to_arrays` was called on.

        Parameters
        ----------
        arrays : dict of str to ndarray
            Checked, not trusted; no code in it is run.

        Raises
        ------
        ValueError
            When the arrays are no saved objective.
        """
        arrays = {key: np.asarray(value) for key, value in arrays.items()}
        for key in ("name", "kinks"):
            if key not in arrays or arrays[key].dtype.kind != "U":
                raise ValueError(f"not a saved objective: {key!r} is missing or no text")
        metadata = {"name", "kinks", "bounds", "metric", *Parametric.ARRAYS}
        stored = {key: value for key, value in arrays.items() if key not in metadata}
        tape, output = _core.Tape.deserialize(stored)
        parametric = Parametric.from_arrays(tape, output, arrays)
        if parametric is not None:
            tape, output = parametric.bound()
        bounds = checked_bounds(arrays.get("bounds"), tape.n)
        self = cls.__new__(cls)
        self._setup(
            _core.TapeObjective(tape, output),
            tape.n,
            bounds=bounds,
            name=str(arrays["name"]),
            kinks=tuple(str(kink) for kink in arrays["kinks"].reshape(-1)),
            tape=(tape, output),
        )
        self._parametric = parametric
        if "metric" in arrays:
            self.metric = checked_metric(arrays["metric"], tape.n)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._recipe is not None:
            return self._recipe
        if self._made is not None and (self._tape is None or self.parameters or self._embedding):
            maker, operands, rest = self._made
            return maker, (operands, *rest)
        load = _load_compiled if self.compiled else Objective.from_arrays
        return load, (self.to_arrays(),)

    def __repr__(self) -> str:
        parts = [self.name, f"n={self.n}"]
        if self._tape is not None:
            tape = self._tape[0]
            parts.append(f"{tape.size} operation{'' if tape.size == 1 else 's'}")
        if self.kinks:
            parts.append("kinks: " + ", ".join(self.kinks))
        if self._differenced is not None and self._differenced.methods:
            parts.append("by differences: " + ", ".join(self._differenced.methods))
        if self.compiled:
            parts.append("compiled")
        return f"<Objective {', '.join(parts)}>"


def _from_callables(functions: dict[str, Any], options: dict[str, Any]) -> Objective:
    return Objective.from_callables(**functions, **options)


def _load_compiled(arrays: Mapping[str, Any]) -> Objective:
    from talweg import machine_code

    objective = Objective.from_arrays(arrays)
    return objective.compile() if machine_code.available() else objective


def checked_dimension(n: Any) -> int:
    """`n` as an int, or an error."""
    if isinstance(n, (bool, np.bool_)) or not isinstance(n, (int, np.integer)):
        raise TypeError(f"n: want the number of coordinates, an int, got {n!r}")
    if n < 1:
        raise ValueError(f"n: want at least 1 coordinate, got {n}")
    return int(n)


def pairs_of(bounds: Any) -> Any:
    """`bounds`, a ``scipy.optimize.Bounds`` turned into pairs (one for all: a lone pair)."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):
        pairs = np.stack(np.broadcast_arrays(bounds.lb, bounds.ub), axis=-1)
        return pairs[0] if len(pairs) == 1 else pairs
    return bounds


def checked_bounds(bounds: Any, n: int) -> Floats | None:
    """`bounds` as a read-only (n, 2) array or None, or an error.

    A pair (low, high) stands for the same bounds on every coordinate.
    """
    if bounds is None:
        return None
    bounds = pairs_of(bounds)
    if isinstance(bounds, (list, tuple)) and any(
        end is None for pair in bounds for end in (pair if np.iterable(pair) else [pair])
    ):
        raise ValueError(f"bounds: want two finite numbers for each coordinate, got {bounds!r}")
    array = _as_floats(bounds, "bounds")
    if array.shape == (2,):
        array = np.tile(array, (n, 1))
    if array.shape != (n, 2):
        raise ValueError(f"bounds: want shape ({n}, 2), got {array.shape}")
    for i, (low, high) in enumerate(array.tolist()):
        if not (math.isfinite(low) and math.isfinite(high)):
            raise ValueError(f"bounds: want finite numbers, got ({low}, {high}) for coordinate {i}")
        if not low < high:
            raise ValueError(f"bounds: want low < high, got ({low}, {high}) for coordinate {i}")
    array = array.copy()
    array.flags.writeable = False
    return array


def _as_floats(x: Any, argument: str) -> np.ndarray:
    try:
        array = np.asarray(x)
    except ValueError:
        raise ValueError(
            f"{argument}: want an array of numbers, got rows of unequal lengths"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{argument}: want real numbers, got dtype {array.dtype}")
    return array.astype(np.float64, copy=False)


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "free_symbols")


def _name_of(fun: Any) -> str:
    name = getattr(fun, "__name__", None) or type(fun).__name__
    return "f" if name == "<lambda>" else name
