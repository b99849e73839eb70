"""`Objective`: a function of n coordinates with its derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.algebra import Algebra
from talweg.bounds import checked_bounds, checked_dimension
from talweg.composition import recompiled
from talweg.evaluation import Evaluation
from talweg.foreign_functions import ForeignFunctions
from talweg.metric import checked_metric
from talweg.names import name_of
from talweg.parameters import Parametric
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


# What a sum gets when it is first needed.
_DEFERRED = ("_core", "_tape", "kinks")


class Objective(Evaluation, ForeignFunctions, Algebra):
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

    _unpicklable = ""  # why it is, where it is
    compiled = False
    _descent_loops: Any = None  # with the core that they are of

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
            name=name or name_of(fun),
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
        self._atoms: Any = None  # ase.Atoms, where the coordinates are theirs
        self._embedding = None

    def _defer(self, make: Callable[[], Objective]) -> None:
        """Evaluate what `make` returns, which is called when it is first needed."""
        for name in _DEFERRED:
            self.__dict__.pop(name, None)
        self._deferred = make

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            make = self.__dict__.get("_deferred") if name in _DEFERRED else None
            if make is None:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            made = make()
            self.__dict__.update({key: getattr(made, key) for key in _DEFERRED})
            return self.__dict__[name]

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
        if self._parametric is None or self._made is not None:
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
            A sum, restriction or other result is made anew of compiled operands.

        Raises
        ------
        ImportError
            When llvmlite is not installed: ``pip install talweg[jit]``.
        TypeError
            When the objective, or one it is made of, is neither recorded nor one of
            `talweg.models`.

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

        if self._made is not None:
            maker, operands, rest = self._made
            made: Objective = maker(tuple(operand.compile() for operand in operands), *rest)
            return made
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

    def _is_made(self) -> bool:
        """Whether more of it than a recording is to be kept: that it is made of others."""
        if self._made is None:
            return False
        return self._tape is None or bool(self.parameters) or self._embedding is not None

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The function as arrays, for files.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        TypeError
            When the objective is neither a recorded function nor a model, nor made of such ones.
        """
        if self._is_made():
            from talweg.composition_arrays import composition_arrays

            composed = composition_arrays(self)
            if composed is not None:
                return composed
        if self._tape is None:
            raise TypeError(
                f"{self!r} is no recorded function: only recordings can be saved, models of "
                "talweg.models, and what is made of these; save points and numbers by themselves "
                "and make the function anew where it is needed"
            )
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
        if isinstance(self._core, _core.GaugedObjective):
            arrays["rotations"] = np.array([self._core.rotations], dtype=np.int64)
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
        if "composition" in arrays:
            from talweg.composition_arrays import composition_of

            made: Objective = composition_of(arrays)
            return made
        if "kind" in arrays:
            from talweg.models import StructuredObjective

            return StructuredObjective.from_arrays(arrays)
        for key in ("name", "kinks"):
            if key not in arrays or arrays[key].dtype.kind != "U":
                raise ValueError(f"not a saved objective: {key!r} is missing or no text")
        metadata = {"name", "kinks", "bounds", "metric", "rotations", *Parametric.ARRAYS}
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
        if "rotations" in arrays:
            rotations = bool(np.all(arrays["rotations"]))
            self = self.with_rigid_motions(rotations)  # checked, as all that a file says
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._unpicklable:
            raise TypeError(f"{self!r} cannot be pickled: {self._unpicklable}")
        if self._recipe is not None:
            return self._recipe
        if self._is_made():
            assert self._made is not None
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


def _load_compiled(arrays: Mapping[str, Any]) -> Objective:
    from talweg import machine_code

    objective = Objective.from_arrays(arrays)
    return objective.compile() if machine_code.available() else objective


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) or hasattr(value, "free_symbols")
