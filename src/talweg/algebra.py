"""Objectives made from objectives: sums, multiples, restrictions, parameters, metrics."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from talweg import _core
from talweg.arrays import finite_array
from talweg.composition import compose_affine, linear_combination
from talweg.metric import checked_metric
from talweg.rigid_motions import weights_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Algebra"]


class Algebra:
    """The operations on objectives; a base class of `talweg.Objective`.

    A result of recorded functions is a recorded function; any other evaluates its operands.
    """

    # NumPy's numbers leave f to the methods below.
    __array_ufunc__ = None

    n: int
    bounds: Floats | None
    name: str
    metric: Floats | None
    _core: Any
    _tape: tuple[Any, int] | None
    _differenced: Any
    _made: tuple[Callable[..., Any], tuple[Any, ...], tuple[Any, ...]] | None
    _embedding: tuple[Floats, Floats] | None

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Algebra):
            return linear_combination((self, other), (1.0, 1.0), 0.0)
        if _is_number(other):
            return linear_combination((self,), (1.0,), float(other))
        return NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Algebra):
            return linear_combination((self, other), (1.0, -1.0), 0.0)
        if _is_number(other):
            return linear_combination((self,), (1.0,), -float(other))
        return NotImplemented

    def __rsub__(self, other: Any) -> Any:
        if _is_number(other):
            return linear_combination((self,), (-1.0,), float(other))
        return NotImplemented

    def __mul__(self, other: Any) -> Any:
        if _is_number(other):
            return linear_combination((self,), (float(other),), 0.0)
        return NotImplemented

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Any:
        if _is_number(other):
            if other == 0:
                raise ZeroDivisionError("an objective divided by zero")
            return linear_combination((self,), (1.0 / float(other),), 0.0)
        return NotImplemented

    def __neg__(self) -> Any:
        return linear_combination((self,), (-1.0,), 0.0)

    def __pos__(self) -> Self:
        return self

    def restricted(self, origin: ArrayLike, directions: ArrayLike) -> Any:
        """The function on an affine subspace: ``y -> f(origin + directions @ y)``.

        Parameters
        ----------
        origin : array_like, shape (n,)
        directions : array_like, shape (n, k) or (n,)
            Linearly independent columns, which need not be orthonormal; one direction may be a
            vector.

        Returns
        -------
        Objective
            Of k coordinates, with derivatives with respect to y; `embed` takes points back. It has
            bounds where the box of f is one in y too: for one direction, and for directions along
            axes.

        Raises
        ------
        ValueError, TypeError
            For shapes that do not fit, or directions that are linearly dependent.

        Examples
        --------
        >>> import numpy, talweg
        >>> f = talweg.surfaces.rosenbrock(3)
        >>> g = f.restricted([1.0, 1.0, 1.0], numpy.eye(3)[:, :2])
        >>> float(g([0.0, 0.5])) == float(f([1.0, 1.5, 1.0]))
        True
        >>> g.embed([0.0, 0.5])
        array([1. , 1.5, 1. ])
        """
        start = finite_array(origin, "origin")
        if start.shape != (self.n,):
            raise ValueError(f"origin: want shape ({self.n},), got {start.shape}")
        matrix = finite_array(directions, "directions")
        if matrix.ndim == 1:
            matrix = matrix[:, None]
        if matrix.ndim != 2 or matrix.shape[0] != self.n or not 1 <= matrix.shape[1] <= self.n:
            raise ValueError(
                f"directions: want shape ({self.n}, k) with columns to go along, k from 1 to "
                f"{self.n}, got {np.shape(directions)}"
            )
        if np.linalg.matrix_rank(matrix / np.abs(matrix).max()) < matrix.shape[1]:
            raise ValueError("directions: want linearly independent columns")
        return compose_affine((self,), start, matrix, "restricted")

    def fixed(self, values: Mapping[int, float]) -> Any:
        """The function with some coordinates held at values, of the other coordinates.

        Parameters
        ----------
        values : dict of int to float
            Value of each coordinate to hold; negative numbers count from the last.

        Returns
        -------
        Objective
            Of the coordinates left, in their order; `embed` fills the others in.

        Raises
        ------
        ValueError, TypeError
            For coordinates that do not exist or occur twice, values that are not finite numbers,
            and when no coordinate is left.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.surfaces.rosenbrock(3).fixed({-1: 1.0})
        >>> f.n, float(f([1.0, 1.0])), f.embed([2.0, 3.0]).tolist()
        (2, 0.0, [2.0, 3.0, 1.0])
        """
        if not isinstance(values, Mapping):
            raise TypeError(f"values: want a dict of coordinate to value, got {values!r}")
        start = np.zeros(self.n)
        held: set[int] = set()
        for i, value in values.items():
            if isinstance(i, (bool, np.bool_)) or not isinstance(i, (int, np.integer)):
                raise TypeError(f"values: want numbers of coordinates, ints, got {i!r}")
            if not -self.n <= i < self.n:
                raise ValueError(f"values: want coordinates -{self.n} to {self.n - 1}, got {i}")
            if int(i) % self.n in held:
                raise ValueError(f"values: coordinate {int(i) % self.n} occurs twice")
            if not _is_number(value) or not np.isfinite(value):
                raise ValueError(f"values: want a finite number for coordinate {i}, got {value!r}")
            held.add(int(i) % self.n)
            start[i] = value
        if len(held) == self.n:
            raise ValueError("values: want at least one coordinate left free")
        matrix = np.eye(self.n)[:, [i for i in range(self.n) if i not in held]]
        return compose_affine((self,), start, matrix, "fixed")

    def embed(self, y: ArrayLike) -> Floats:
        """Points of a restricted function in the coordinates of the function it came from.

        Parameters
        ----------
        y : array_like, shape (k,) or (m, k)

        Returns
        -------
        ndarray, shape (n,) or (m, n)

        Raises
        ------
        TypeError
            When the objective comes from neither `restricted` nor `fixed`.
        """
        if self._embedding is None:
            raise TypeError(f"{self!r} is no restriction of another objective")
        matrix, start = self._embedding
        points = finite_array(y, "y")
        if points.ndim not in (1, 2) or points.shape[-1] != self.n:
            raise ValueError(f"y: want shape ({self.n},) or (m, {self.n}), got {points.shape}")
        embedded: Floats = start + points @ matrix.T
        return embedded

    @property
    def parameters(self) -> dict[str, Any]:
        """Values of the named parameters, by name; those of all operands for a result."""
        values: dict[str, Any] = {}
        for operand in self._made[1] if self._made is not None else ():
            values |= operand.parameters
        return values

    def with_parameters(self, **values: Any) -> Any:
        """The same function with other values of named parameters, not recorded again.

        Parameters
        ----------
        **values : float or array_like
            By name; those not given keep their values.

        Returns
        -------
        Objective

        Raises
        ------
        TypeError
            When the function has no parameter of a name.
        ValueError
            When a value has another shape than the parameter, or is not finite.

        Examples
        --------
        >>> import talweg
        >>> def rosenbrock(x, a, b):
        ...     return (a - x[0]) ** 2 + b * (x[1] - x[0] ** 2) ** 2
        >>> f = talweg.Objective(rosenbrock, 2, parameters={"a": 1.0, "b": 100.0})
        >>> steep = f.with_parameters(b=1000.0)
        >>> float(f([0.0, 1.0])), float(steep([0.0, 1.0])), steep.parameters
        (101.0, 1001.0, {'a': 1.0, 'b': 1000.0})
        """
        unknown = sorted(set(values) - set(self.parameters))
        if unknown:
            known = ", ".join(self.parameters) or "none"
            raise TypeError(f"no parameter is called {unknown[0]!r}; {self.name} has: {known}")
        assert self._made is not None
        maker, operands, rest = self._made
        operands = tuple(
            operand.with_parameters(**{k: v for k, v in values.items() if k in operand.parameters})
            if operand.parameters
            else operand
            for operand in operands
        )
        return maker(operands, *rest)

    def with_metric(self, metric: ArrayLike) -> Any:
        """The same function in a space with another scalar product, ``u' P v``.

        Critical points, curves and surveys of the result are those of the metric: gradient
        extremals satisfy ``H P^-1 g = lambda g``, eigenvalues are those of the pencil (H, P). They
        are found in the coordinates ``y = L' x``, ``P = L L'``, and given in x: positions,
        tangents and eigenvectors (of unit length in the metric), with arclength and `slope`
        measured in the metric. The objective's own methods keep to Euclidean derivatives.

        Parameters
        ----------
        metric : array_like, shape (n, n) or (n,)
            The symmetric positive definite matrix P, or its diagonal (masses, say).

        Returns
        -------
        Objective

        Raises
        ------
        ValueError, TypeError
            When the matrix is not symmetric and positive definite, or of another shape.

        References
        ----------
        The theory page of the documentation, section "Metric".

        Examples
        --------
        >>> import talweg
        >>> f = talweg.Objective(lambda x: 0.5 * (x[0] ** 2 + 4 * x[1] ** 2), 2, bounds=[(-1, 1)] * 2)
        >>> heavy = f.with_metric([1.0, 16.0])
        >>> talweg.critical_points(heavy)[0].eigenvalues
        array([0.25, 1.  ])
        """
        return _with_metric((self,), checked_metric(metric, self.n))

    def with_rigid_motions(self, rotations: bool = True, at: ArrayLike | None = None) -> Any:
        """The same function of atoms' positions, known not to change when all move as one body.

        Critical points, curves and surveys of the result are taken orthogonal to translations and
        rotations: the 6 zero eigenvalues of these motions (5 for a linear molecule) are left out,
        and points that differ by a motion are one. Branches count the vibrations alone.

        Parameters
        ----------
        rotations : bool, default True
            False where only translations change nothing, as for atoms in a periodic box.
        at : array_like, shape (n,), optional
            Where the invariance is checked; by default at positions on a spiral.

        Returns
        -------
        Objective
            To be used as it is, with a metric or with other parameters; sums and other functions
            made of it have no motions of their own.

        Raises
        ------
        ValueError, TypeError
            When n is not 3 times two atoms or more, or the function changes under the motions.

        References
        ----------
        The theory page of the documentation, section "Rigid motions".

        Examples
        --------
        >>> import numpy, talweg
        >>> def three_springs(x):
        ...     a, b, c = x[:3], x[3:6], x[6:]
        ...     lengths = [numpy.sqrt(((p - q) ** 2).sum()) for p, q in ((a, b), (b, c), (c, a))]
        ...     return sum((length - 1) ** 2 for length in lengths)
        >>> f = talweg.Objective(three_springs, 9).with_rigid_motions()
        >>> x = [0, 0, 0, 1.1, 0, 0, 0.4, 0.9, 0]
        >>> talweg.critical_points(f, starts=x)[0].eigenvalues.round(6)
        array([3., 3., 6.])
        """
        from talweg.rigid_motions import gauged_core

        f: Any = self
        return _with_rigid_motions((f,), gauged_core(f, rotations, at))


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf":
        return True
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def _with_metric(operands: tuple[Any], metric: Floats) -> Any:
    from talweg.objective import Objective

    (f,) = operands
    if isinstance(f._core, _core.GaugedObjective):
        weights_of(metric)
    result = Objective.__new__(type(f))
    result.__dict__.update(f.__dict__)
    result.metric = metric
    result._made = (_with_metric, operands, (metric,))
    result._recipe = (_with_metric, (operands, metric))
    return result


def _with_rigid_motions(operands: tuple[Any], core: Any) -> Any:
    from talweg.objective import Objective

    (f,) = operands
    result = Objective.__new__(type(f))
    result.__dict__.update(f.__dict__)
    result._core = core
    result._made = (_regauged, operands, (core.rotations,))
    result._recipe = (_regauged, (operands, core.rotations))
    return result


def _regauged(operands: tuple[Any], rotations: bool) -> Any:
    (f,) = operands
    core = _core.GaugedObjective(f._core, [1.0] * (f.n // 3), rotations)
    return _with_rigid_motions(operands, core)
