"""Functions of the offset from a minimum, whose gradient stays right however short it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.composition import evaluated_from
from talweg.extremals.arguments import (
    checked_count,
    checked_objective,
    checked_point,
    checked_positive,
    dimension_of,
)
from talweg.jets.compositions import by_products, polynomial_of, terms_of
from talweg.jets.derivatives import fourth_derivatives, third_derivatives
from talweg.jets.polishing import polished, softest_and_stiffest
from talweg.jets.remainder import directions_to_try
from talweg.objective import Objective
from talweg.quantity import GRADIENT

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["RelativeObjective", "relative"]

#: Monomials up to which a polynomial is evaluated rather than products at the minimum.
_FEW_TERMS = 500

#: What the difference found is multiplied by, for the directions that were not tried.
_SAFETY = 3.0

#: Errors within this factor are equal: they are the largest of samples of rounding.
_EQUAL = 2.0


class RelativeObjective(Objective):
    """A function of the offset from a critical point; made by `relative`.

    Attributes
    ----------
    x_min : ndarray, shape (n,)
        The critical point that offsets are counted from.
    order : int
        That of the Taylor polynomial that short offsets are evaluated by.
    switch_radius : float
        Offsets shorter than this are.
    relative_error : float
        Estimated largest error of the gradient, relative to its length along the softest direction,
        at the switch radius, on both sides, where it is largest: further inside the polynomial is better,
        further outside rounding weighs less.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.jets.relative(talweg.surfaces.himmelblau(), [3.0, 2.0])
    >>> f.order, f.relative_error < 1e-10
    (4, True)
    """

    x_min: Floats
    order: int
    switch_radius: float
    relative_error: float

    def with_parameters(self, **values: Any) -> Any:
        raise TypeError(
            "the critical point moves with the parameters: change them in the function that "
            "talweg.jets.relative is called with"
        )


def relative(
    f: Objective | Callable[[Any], Any],
    x_min: ArrayLike,
    *,
    order: int | None = None,
    switch_radius: float | None = None,
) -> RelativeObjective:
    """A function in the offset d from a minimum, right to many digits at any ``|d|``.

    It is ``f(x_min + d) - f(x_min) - g . d`` with g the gradient at `x_min`, which is nothing but
    rounding: `x_min` is the exact minimum of the result. Direct evaluation loses digits as d
    gets shorter, since ``x_min + d`` and the gradient there are rounded. Offsets shorter than the switch
    radius are therefore evaluated by the Taylor polynomial at `x_min`, whose relative error falls with
    the length, and directions ``d / |d|`` of descents and flows mean something at 1e-12 and at
    1e-200.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x_min : array_like, shape (n,)
        A nondegenerate minimum, or another nondegenerate critical point, to a few digits; Newton steps
        polish it.
    order : int, optional
        That of the polynomial, 2 to 4. Default: the one with the smallest error at the switch.
    switch_radius : float, optional
        Default: where the polynomial's remainder and the rounding of f's gradient are equal.

    Returns
    -------
    RelativeObjective
        With derivatives with respect to d, for `talweg.descend`, `talweg.flow` and everything
        else that takes objectives; its attributes say where it switches and what error to expect.

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, an `x_min` that is no nondegenerate critical point among them.

    Notes
    -----
    Outside the switch radius the rounding of ``x_min + d`` is made good to first order, for a product
    with the Hessian a gradient. The polynomial has its terms stored where they are few and
    is evaluated by products at `x_min` otherwise, so that n may be as large as for f. What a polynomial
    with 4 orders cannot give is exactness: the error at the switch is typically 1e-13 to 1e-11.

    Examples
    --------
    Ten steps of descent that start at a distance of 1e-100:

    >>> import numpy, talweg
    >>> f = talweg.jets.relative(talweg.surfaces.himmelblau(), [3.0, 2.0])
    >>> d = talweg.descend(f, [3e-101, 4e-101], 0.01, 10).x
    >>> step = numpy.eye(2) - 0.01 * f.hess([0.0, 0.0])
    >>> numpy.allclose(d / 1e-101, numpy.linalg.matrix_power(step, 10) @ [3, 4], rtol=1e-13)
    True
    """
    objective = checked_objective(f, dimension_of(None, x_min))
    start = checked_point(x_min, objective.n, "x_min")
    if order is not None and checked_count(order, "order", 2) > 4:
        raise ValueError(f"order: want 2, 3 or 4, got {order}")
    if switch_radius is not None:
        checked_positive(switch_radius, "switch_radius")
    x = polished(objective, start)
    soft, stiff = softest_and_stiffest(objective, x)
    if abs(soft) <= 1e-12 * stiff:
        raise ValueError(
            f"x_min: want a nondegenerate critical point, got an eigenvalue of {soft:.3g} beside "
            f"one of {stiff:.3g}"
        )
    value, gradient = float(objective(x)), objective.grad(x)
    if not np.isfinite(value):
        raise ValueError("x_min: the function there is not finite")
    near = {k: _near(objective, x, k) for k in ((4, 3, 2) if order is None else (order,))}
    found = {
        k: _switch(objective, x, value, gradient, polynomial, switch_radius)
        for k, polynomial in near.items()
    }
    smallest = min(error for error, _ in found.values())
    # The highest order of those that are as good, since its error falls faster further inside.
    chosen = next(k for k, (error, _) in found.items() if error <= _EQUAL * smallest)
    error, radius = found[chosen]
    return _relative(
        (objective, near[chosen]),
        x,
        value,
        gradient,
        chosen,
        radius,
        _SAFETY * error / abs(soft),
    )


def _near(f: Any, x: Floats, order: int) -> Any:
    if terms_of(f.n, order) > _FEW_TERMS:
        return by_products(f, x, order)
    tensors = [np.zeros(f.n), f.hess(x)]
    if order > 2:
        tensors.append(third_derivatives(f, x))
    if order > 3:
        tensors.append(fourth_derivatives(f, x)[0])
    if not all(np.isfinite(tensor).all() for tensor in tensors):
        return by_products(f, x, order)
    return polynomial_of(0.0, tensors, f"{f.name} to order {order}")


def _switch(
    f: Any, x: Floats, value: float, gradient: Floats, near: Any, given: float | None
) -> tuple[float, float]:
    """The largest error of the gradient over the distance, where that is smallest, and where.

    Differences between both evaluations at each distance are the remainder where it is large and rounding
    where it is small; rounding grows no smaller than at shorter distances.
    """
    count = 64 if f.n <= 1000 else 4
    units = directions_to_try(f.hess(x), count) if f.n <= 16 else _random_units(f.n, count)
    if given is not None:
        radii = given * 0.5 ** np.arange(3)
    else:
        radii = max(1.0, float(np.abs(x).max())) * 10.0 ** (-0.25 * np.arange(49))
    direct = _core.compose_relative(f._core, near._core, x, value, gradient, 0.0)
    errors = np.empty(len(radii))
    with np.errstate(invalid="ignore", over="ignore"):
        for k, r in enumerate(radii):
            offsets = r * units
            there = direct.evaluate(offsets, GRADIENT)["gradient"]
            here = near._core.evaluate(offsets, GRADIENT)["gradient"]
            errors[k] = np.linalg.norm(there - here, axis=1).max()
    errors[~np.isfinite(errors)] = np.inf
    errors = np.maximum.accumulate(errors[::-1])[::-1] / radii
    best = 0 if given is not None else int(np.argmax(errors <= _EQUAL * errors.min()))
    return float(errors[best]), float(radii[best])


def _random_units(n: int, count: int) -> Floats:
    units = np.random.default_rng(7).normal(size=(count, n))
    units /= np.linalg.norm(units, axis=1)[:, None]
    return units


def _relative(
    operands: tuple[Any, Any],
    x: Floats,
    value: float,
    gradient: Floats,
    order: int,
    radius: float,
    error: float,
) -> RelativeObjective:
    f, near = operands
    result: RelativeObjective = evaluated_from(
        (f,),
        _core.compose_relative(f._core, near._core, x, value, gradient, radius),
        n=f.n,
        bounds=None if f.bounds is None else f.bounds - x[:, None],
        name=f"{f.name}, relative",
        kind=RelativeObjective,
    )
    result._made = (_relative, operands, (x, value, gradient, order, radius, error))
    result.metric = f.metric
    result.x_min, result.order = x, order
    result.switch_radius, result.relative_error = radius, error
    return result
