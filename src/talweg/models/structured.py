"""What the objectives of this package share: parameters as arrays, kept for files and pickles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import finite_array
from talweg.bounds import checked_bounds
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


class StructuredObjective(Objective):
    """An objective of a known kind, evaluated by kernels of that kind.

    The functions of `talweg.models` make them. They do all that `talweg.Objective` does, except
    that they cannot be part of a recorded function.

    Attributes
    ----------
    kind : str
        ``"polynomial"``, ``"quadratic"``, ``"regression"``, ``"cluster"``, ``"gaussians"`` or
        ``"phi4_chain"``.
    parameters : dict of str to ndarray
        What the function is made from, read-only.
    n, bounds, name, kinks
        As for `talweg.Objective`; there are no kinks.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.phi4_chain(5)
    >>> f.kind, f.parameters["coupling"]
    ('phi4_chain', array(0.1))
    """

    def __init__(
        self,
        kind: str,
        parameters: Mapping[str, Any],
        *,
        bounds: ArrayLike | None = None,
        name: str | None = None,
    ) -> None:
        if kind not in _KINDS:
            raise ValueError(f"kind: want one of {', '.join(_KINDS)}, got {kind!r}")
        build, names = _KINDS[kind]
        missing = set(names) ^ set(parameters)
        if missing:
            raise ValueError(f"parameters: {kind} takes {', '.join(names)}, see {sorted(missing)}")
        self.kind = kind
        self._values = {key: _read_only(parameters[key]) for key in names}
        core = build(**self._values)
        n = core.dimension
        if kind == "cluster":
            core = _core.GaugedObjective(core, [1.0] * (n // 3), True)
        self._setup(core, n, bounds=checked_bounds(bounds, n), name=name or kind)

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self._values)

    def with_parameters(self, **values: Any) -> Any:
        """The same kind of function with other values of some parameters.

        Parameters
        ----------
        **values : float or array_like
            By name, as in `parameters`; those not given keep their values.

        Returns
        -------
        StructuredObjective

        Raises
        ------
        TypeError, ValueError
            When there is no parameter of a name, or a value does not do.
        """
        unknown = sorted(set(values) - set(self._values))
        if unknown:
            known = ", ".join(self._values)
            raise TypeError(f"no parameter is called {unknown[0]!r}; {self.name} has: {known}")
        given = {key: _like(self._values[key], value, key) for key, value in values.items()}
        changed = self._values | given
        made = type(self)(self.kind, changed, bounds=self.bounds, name=self.name)
        return made if self.metric is None else made.with_metric(self.metric)

    def compile(self) -> StructuredObjective:
        """The objective itself, as its kernels are machine code already.

        Returns
        -------
        StructuredObjective

        Examples
        --------
        >>> import talweg
        >>> f = talweg.models.phi4_chain(5)
        >>> f.compile() is f
        True
        """
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The kind and its parameters as arrays, for files.

        Returns
        -------
        dict of str to ndarray
        """
        arrays: dict[str, np.ndarray] = dict(self._values)
        arrays["kind"] = np.array(self.kind)
        arrays["name"] = np.array(self.name)
        if self.bounds is not None:
            arrays["bounds"] = self.bounds
        if self.metric is not None:
            arrays["metric"] = self.metric
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> StructuredObjective:
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
        stored = {key: np.asarray(value) for key, value in arrays.items()}
        for key in ("kind", "name"):
            if key not in stored or stored[key].dtype.kind != "U" or stored[key].ndim:
                raise ValueError(f"not a saved objective: {key!r} is missing or no text")
        for key in _COUNTS & stored.keys():
            # A cast would turn corrupted numbers into valid ones.
            if stored[key].dtype.kind != "u":
                raise ValueError(f"not a saved objective: {key!r} has the wrong type")
        bounds, metric = stored.pop("bounds", None), stored.pop("metric", None)
        kind, name = str(stored.pop("kind")), str(stored.pop("name"))
        try:
            made = cls(kind, stored, bounds=bounds, name=name)
            return made if metric is None else made.with_metric(metric)
        except (TypeError, ValueError) as error:
            raise ValueError(f"not a saved objective: {error}") from None


def _read_only(value: Any) -> np.ndarray:
    array = np.array(value)
    array.flags.writeable = False
    return array


def _like(present: np.ndarray, value: Any, argument: str) -> np.ndarray:
    """`value` in the type that a parameter has, or an error where that would change it."""
    array = np.asarray(value)
    numbers = "iuf" if present.dtype.kind in "iuf" else present.dtype.kind
    if array.dtype.kind not in numbers or present.ndim == 0 != array.ndim:
        raise TypeError(f"{argument}: want {_WANTED[present.dtype.kind]}, got {value!r}")
    with np.errstate(invalid="ignore"):
        cast = array.astype(present.dtype)
    if present.dtype.kind in "iu" and not (np.array_equal(cast, array) and (array >= 0).all()):
        raise ValueError(f"{argument}: want {_WANTED[present.dtype.kind]}, got {value!r}")
    return cast


_WANTED = {
    "i": "a whole number from 0 on",
    "u": "whole numbers from 0 on",
    "f": "real numbers",
    "b": "True or False",
    "U": "text",
}


def _scalar(array: np.ndarray) -> Any:
    if array.ndim != 0:
        raise ValueError(f"want a single value, got shape {array.shape}")
    return array.item()


def _regression(loss: Any, data: Any, targets: Any, ridge: Any) -> Any:
    return _core.regression(_scalar(loss), data, targets, ridge)


def _quadratic(constant: Any, **arrays: Any) -> Any:
    return _core.quadratic(constant=_scalar(constant), **arrays)


def _cluster(**scalars: Any) -> Any:
    return _core.cluster(**{key: _scalar(value) for key, value in scalars.items()})


def _gaussians(logarithm: Any, **arrays: Any) -> Any:
    return _core.gaussians(_scalar(logarithm), **arrays)


def _phi4_chain(**scalars: Any) -> Any:
    return _core.phi4_chain(**{key: _scalar(value) for key, value in scalars.items()})


_KINDS: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "polynomial": (_core.polynomial, ("exponents", "coefficients")),
    "quadratic": (
        _quadratic,
        ("matrix", "linear", "centre", "constant", "cubic_indices", "cubic_values"),
    ),
    "regression": (_regression, ("loss", "data", "targets", "ridge")),
    "cluster": (_cluster, ("pair", "atoms", "depth", "length", "steepness")),
    "gaussians": (_gaussians, ("logarithm", "amplitudes", "means", "precisions")),
    "phi4_chain": (_phi4_chain, ("n", "coupling", "periodic")),
}

#: Parameters that are arrays of unsigned integers.
_COUNTS = {"exponents", "cubic_indices"}


# Checks that the functions of this package share.


def checked_array(value: Any, argument: str, axes: int | tuple[int, ...]) -> Floats:
    """`value` as finite floats with one of the numbers of axes, or an error."""
    wanted = (axes,) if isinstance(axes, int) else axes
    array = finite_array(value, argument)
    if array.ndim not in wanted:
        kinds = " or ".join(_AXES[k] for k in wanted)
        raise ValueError(f"{argument}: want {kinds}, got shape {array.shape}")
    return array


_AXES = {0: "a number", 1: "one axis", 2: "two axes (rows and columns)", 3: "three axes"}


def checked_number(value: Any, argument: str, *, above: float | None = None) -> float:
    """`value` as a finite float, greater than `above` if that is given, or an error."""
    number = float(checked_array(value, argument, 0))
    if above is not None and not number > above:
        raise ValueError(f"{argument}: want a number above {above:g}, got {number:g}")
    return number
