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
from talweg.jets.compositions import by_differences, by_products, polynomial_of, terms_of
from talweg.jets.derivatives import fourth_derivatives, third_derivatives
from talweg.jets.polishing import polished, softest_and_stiffest
from talweg.jets.remainder import directions_to_try
from talweg.objective import Objective
from talweg.quantity import GRADIENT, VALUE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["RelativeObjective", "relative"]

#: Monomials up to which a polynomial is evaluated rather than products at the minimum.
_FEW_TERMS = 500

_EPSILON = float(np.finfo(float).eps)

#: Operations of a recording above which differences of them are not tried.
_LONGEST = 20_000

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
    order : int or None
        That of the Taylor polynomial that short offsets are evaluated by; None where they are
        evaluated by differences of recorded values.
    switch_radius : float
        Offsets shorter than this are.
    relative_error : float
        Estimated largest error of the gradient, relative to its length along the softest direction,
        at the switch radius, on both sides, where it is largest: further inside a polynomial is better
        and differences are as good, further outside rounding weighs less.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.jets.relative(talweg.surfaces.himmelblau(), [3.0, 2.0], order=4)
    >>> f.order, f.relative_error < 1e-10
    (4, True)
    """

    x_min: Floats
    order: int | None
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
    radius are therefore evaluated in another way, and directions ``d / |d|`` of descents and flows
    mean something at 1e-12 and at 1e-200:

    * a recorded function by differences: the change of each recorded value is computed from those of its
      operands by identities that do not cancel (``expm1`` for exp, and so on), so that the gradient
      has full relative precision at any d;
    * any other, or one for which `order` is given, by its Taylor polynomial at `x_min`, whose
      relative error falls with the length.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x_min : array_like, shape (n,)
        A nondegenerate minimum, or another nondegenerate critical point, to a few digits; Newton steps
        polish it.
    order : int, optional
        Use a polynomial of this order, 2 to 4. Default: differences for recorded functions, for others
        the order with the smallest error at the switch.
    switch_radius : float, optional
        Default: for a polynomial where its remainder and the rounding of f's gradient are equal; for
        differences where that rounding has become as small as it gets.

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
    with the Hessian a gradient. A polynomial has its terms stored where they are few and is evaluated by
    products at `x_min` otherwise, so that n may be as large as for f. Its error at the switch is
    typically 1e-13 to 1e-11 times the condition number; that of differences is 1e-16 to 1e-15 times it.
    Values near the minimum are integrals of the gradient from there, by a rule of order 16.

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
    near = _candidates(objective, x, order)
    found = {
        k: _switch(objective, x, value, gradient, function, switch_radius, k is None)
        for k, function in near.items()
    }
    if None in found and not np.isfinite(found[None][0]):
        # A recorded value that is infinite at x_min has no change.
        near = _polynomials(objective, x)
        found = {
            k: _switch(objective, x, value, gradient, function, switch_radius, False)
            for k, function in near.items()
        }
    smallest = min(error for error, _ in found.values())
    if not np.isfinite(smallest):
        raise ValueError("x_min: the function is not finite next to it")
    # The first of those that are as good: differences, or the highest order, since its error falls faster
    # further inside.
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


def _candidates(f: Any, x: Floats, order: int | None) -> dict[int | None, Any]:
    if order is not None:
        return {order: _near(f, x, order)}
    if f._tape is not None and f._tape[0].size <= _LONGEST:
        try:
            return {None: by_differences(f, x)}
        except _core.RecordingLimit:
            pass
    return _polynomials(f, x)


def _polynomials(f: Any, x: Floats) -> dict[int | None, Any]:
    return {k: _near(f, x, k) for k in (4, 3, 2)}


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
    f: Any,
    x: Floats,
    value: float,
    gradient: Floats,
    near: Any,
    given: float | None,
    exact: bool,
) -> tuple[float, float]:
    """The largest error of the gradient over the distance, where that is smallest, and where.

    Differences between both evaluations at each distance are the remainder where it is large and rounding
    where it is small; rounding grows no smaller than at shorter distances. Exact differences have no
    remainder, so that they are switched to as soon as rounding weighs more.
    """
    # Differences of functions that are sums over data take a pass over these for every point.
    count = 4 if f.n > 1000 else 24 if exact else 64
    units = directions_to_try(f.hess(x), count) if f.n <= 16 else _random_units(f.n, count)
    if given is not None:
        radii = given * 0.5 ** np.arange(3)
    else:
        radii = max(1.0, float(np.abs(x).max())) * 10.0 ** -np.arange(
            0.0, 12.1, 0.5 if exact else 0.25
        )
    direct = _core.compose_relative(f._core, near._core, x, value, gradient, 0.0)
    errors = np.empty(len(radii))
    with np.errstate(invalid="ignore", over="ignore"):
        for k, r in enumerate(radii):
            offsets = r * units
            there = direct.evaluate(offsets, GRADIENT | VALUE)
            here = near._core.evaluate(offsets, GRADIENT | VALUE)
            errors[k] = np.linalg.norm(there["gradient"] - here["gradient"], axis=1).max()
            if exact and given is None:
                # Of the gradient nothing says how far the integral for the value goes.
                rounding = 256.0 * _EPSILON * (np.abs(there["value"]) + abs(value))
                off = np.abs(there["value"] - here["value"])
                if not (off <= 1e-9 * np.abs(there["value"]) + rounding).all():
                    errors[k] = np.inf
    errors[~np.isfinite(errors)] = np.inf
    if exact:
        errors /= radii
        good = np.flatnonzero(errors <= _SAFETY * errors.min())
        best = 0 if given is not None else int(good[-1])
    else:
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
    order: int | None,
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
