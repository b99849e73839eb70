"""Objectives made from objectives: sums, multiples, restrictions, parameters, metrics."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from talweg import _core
from talweg.metric import checked_metric
from talweg.recording.errors import RecordingError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Algebra", "recompiled"]


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
        start = _finite(origin, "origin")
        if start.shape != (self.n,):
            raise ValueError(f"origin: want shape ({self.n},), got {start.shape}")
        matrix = _finite(directions, "directions")
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
        points = _finite(y, "y")
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


def _is_number(value: Any) -> bool:
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "iuf":
        return True
    return isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))


def _finite(value: Any, argument: str) -> Floats:
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{argument}: want an array of numbers, got unequal rows") from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{argument}: want real numbers, got dtype {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{argument}: want finite numbers")
    return array


class _Inherited:
    """What `talweg.differences.Differenced` says, for a function of several objectives."""

    def __init__(self, operands: Sequence[Any]) -> None:
        self._parts = [o._differenced for o in operands if o._differenced is not None]

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(method for part in self._parts for method in part.methods))

    @property
    def errors(self) -> dict[str, float]:
        return {
            method: max(part.errors.get(method, 0.0) for part in self._parts)
            for method in self.methods
        }


def recompiled(result: Any, operands: Sequence[Any]) -> Any:
    """`result` as machine code where an operand is."""
    if any(getattr(operand, "compiled", False) for operand in operands):
        return result.compile()
    return result


def _made(
    function: Callable[[Any], Any],
    core: Callable[[], Any],
    maker: Callable[..., Any],
    operands: tuple[Any, ...],
    rest: tuple[Any, ...],
    *,
    n: int,
    bounds: Floats | None,
    name: str,
) -> Any:
    """An objective from others: recorded from `function` where they all are, else of `core`."""
    from talweg.objective import Objective

    result = None
    if all(operand._tape is not None for operand in operands):
        try:
            result = Objective(function, n, bounds=bounds, name=name, verify=False)
        except RecordingError:  # longer than a recording may be
            pass
        else:
            result = recompiled(result, operands)
    if result is None:
        result = Objective.__new__(Objective)
        kinks = tuple(dict.fromkeys(kink for operand in operands for kink in operand.kinks))
        result._setup(core(), n, bounds=bounds, name=name, kinks=kinks)
        result._differenced = _Inherited(operands)
    result._made = (maker, operands, rest)
    return result


def linear_combination(
    operands: tuple[Any, ...], coefficients: tuple[float, ...], constant: float
) -> Any:
    """constant + sum of coefficient * operand."""
    if not np.isfinite([*coefficients, constant]).all():
        raise ValueError(f"an objective with a coefficient that is not finite: {coefficients}")
    first = operands[0]
    for operand in operands[1:]:
        if operand.n != first.n:
            raise ValueError(
                f"objectives of {first.n} and of {operand.n} coordinates cannot be added"
            )
    metrics = [operand.metric for operand in operands]
    for metric in metrics[1:]:
        same = (metric is None) == (metrics[0] is None)
        if not same or (metric is not None and not np.array_equal(metric, metrics[0])):
            raise ValueError("objectives with different metrics cannot be added")

    def function(x: Any) -> Any:
        total = constant
        for coefficient, operand in zip(coefficients, operands):
            total = total + coefficient * operand(x)
        return total

    parts = []
    for coefficient, operand in zip(coefficients, operands):
        factor = {1.0: "", -1.0: "-"}.get(coefficient, f"{coefficient:g}*")
        name = f"({operand.name})" if factor and " " in operand.name else operand.name
        parts.append(factor + name)
    if constant:
        parts.append(f"{constant:g}")
    result = _made(
        function,
        lambda: _core.linear_combination(
            [(c, operand._core) for c, operand in zip(coefficients, operands)], constant
        ),
        linear_combination,
        operands,
        (coefficients, constant),
        n=first.n,
        bounds=_common_box([o.bounds for o in operands if o.bounds is not None]),
        name=" + ".join(parts).replace("+ -", "- "),
    )
    result.metric = first.metric
    return result


def _common_box(boxes: list[Floats]) -> Floats | None:
    if not boxes:
        return None
    low = np.max([box[:, 0] for box in boxes], axis=0)
    high = np.min([box[:, 1] for box in boxes], axis=0)
    return np.stack([low, high], axis=1) if (low < high).all() else None


def compose_affine(operands: tuple[Any], origin: Floats, matrix: Floats, how: str) -> Any:
    """y -> f(matrix @ y + origin)."""
    (f,) = operands
    free = [np.flatnonzero(row) for row in matrix]

    def function(y: Any) -> Any:
        # Only what is not zero, so that fixed coordinates leave constants.
        x = [origin[i] + sum(matrix[i, j] * y[j] for j in free[i]) for i in range(f.n)]
        return f(np.stack([y[0] * 0.0 + value for value in x]))

    result = _made(
        function,
        lambda: _core.compose_affine(f._core, matrix, origin),
        compose_affine,
        operands,
        (origin, matrix, how),
        n=matrix.shape[1],
        bounds=_box_of_restriction(f.bounds, origin, matrix),
        name=f"{f.name}, {how}",
    )
    result._embedding = (matrix, origin)
    if f.metric is not None:
        result.metric = matrix.T @ f.metric @ matrix
    return result


def _box_of_restriction(box: Floats | None, origin: Floats, matrix: Floats) -> Floats | None:
    """The y for which origin + matrix @ y lies in the box, where they are a box."""
    if box is None or (np.count_nonzero(matrix, axis=1) > 1).any():
        return None
    low, high = np.full(matrix.shape[1], -np.inf), np.full(matrix.shape[1], np.inf)
    for row, column in zip(*np.nonzero(matrix)):
        ends = sorted((box[row] - origin[row]) / matrix[row, column])
        low[column], high[column] = max(low[column], ends[0]), min(high[column], ends[1])
    return np.stack([low, high], axis=1) if (low < high).all() else None


def _with_metric(operands: tuple[Any], metric: Floats) -> Any:
    from talweg.objective import Objective

    (f,) = operands
    result = Objective.__new__(type(f))
    result.__dict__.update(f.__dict__)
    result.metric = metric
    result._made = (_with_metric, operands, (metric,))
    result._recipe = (_with_metric, (operands, metric))
    return result
