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
from talweg.extremals.orbits import has_motions
from talweg.jets.compositions import by_differences, by_products, polynomial_of, terms_of
from talweg.jets.derivatives import fourth_derivatives, third_derivatives
from talweg.jets.polishing import polished, softest_and_stiffest
from talweg.jets.switching import EQUAL, SAFETY, Switch
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["RelativeObjective", "relative"]

#: Monomials up to which a polynomial is evaluated rather than products at the minimum.
_FEW_TERMS = 500

#: Operations of a recording above which differences of them are not tried.
_LONGEST = 20_000


#: Rounding errors of a product with the Hessian that a gradient may have at any distance.
_ROUNDINGS = 8.0


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
    With differences the value is an integral of the gradient from the minimum, by a rule of order 16.

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
        motions = "; rigid motions leave f unchanged" if has_motions(objective) else ""
        raise ValueError(
            f"x_min: want a nondegenerate critical point, got an eigenvalue of {soft:.3g} beside "
            f"one of {stiff:.3g}{motions}"
        )
    value, gradient = float(objective(x)), objective.grad(x)
    if not np.isfinite(value):
        raise ValueError("x_min: the function there is not finite")
    switch = Switch(objective, x, value, gradient, switch_radius)
    near = _candidates(objective, x, order)
    found = {k: switch.of(function, exact=k is None) for k, function in near.items()}
    if None in found and not np.isfinite(found[None][0]):
        # A recorded value that is infinite at x_min has no change.
        near = _polynomials(objective, x)
        found = {k: switch.of(function, exact=False) for k, function in near.items()}
    smallest = min(error for error, _ in found.values())
    if not np.isfinite(smallest):
        raise ValueError("x_min: the function is not finite next to it")
    # The first of those that are as good: differences, or the highest order, since its error falls faster
    # further inside.
    chosen = next(k for k, (error, _) in found.items() if error <= EQUAL * smallest)
    error, radius = found[chosen]
    return _relative(
        (objective, near[chosen]),
        x,
        value,
        gradient,
        chosen,
        radius,
        # Both evaluations may share the rounding of what they have in common.
        (SAFETY * error + _ROUNDINGS * float(np.finfo(float).eps) * stiff) / abs(soft),
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
