"""Derivatives at a point up to the fourth order, as one object."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.arguments import (
    checked_count,
    checked_objective,
    checked_point,
    checked_positive,
    dimension_of,
)
from talweg.jets.compositions import by_products, polynomial_of, terms_of
from talweg.jets.derivatives import fourth_derivatives, third_derivatives
from talweg.jets.remainder import gradient_remainder
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Jet", "jet"]

#: Monomials above which products at the point cost less than sums of monomials.
_MOST_TERMS = 20_000

#: What the remainder that was found is multiplied by, for the directions that were not tried.
_SAFETY = 2.0


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Jet:
    """The derivatives of a function at a point.

    Returned by `jet`. The offset y of the Taylor polynomial is ``x_there - x = axes @ y``.

    Attributes
    ----------
    f : Objective
    x : ndarray, shape (n,)
    order : int
        The highest derivative there is, 2 to 4.
    value : float
    gradient : ndarray, shape (n,)
    hessian : ndarray, shape (n, n)
    third : ndarray, shape (n, n, n), or None
        T[e_i, e_j, e_k], the same for every order of the indices.
    fourth : ndarray, shape (n, n, n, n), or None
    fourth_error : float
        Estimated error of `fourth` (Frobenius norm): 0 where it is exact up to rounding, as for
        recorded functions.
    axes : ndarray, shape (n, n), or None
        Orthonormal directions that the derivatives are taken along, in columns; None for the
        coordinate axes.
    """

    f: Objective
    x: Floats
    order: int
    value: float
    gradient: Floats
    hessian: Floats
    third: Floats | None
    fourth: Floats | None
    fourth_error: float
    axes: Floats | None = None

    def objective(self, constant: bool = True, gradient: bool = True) -> Objective:
        """The Taylor polynomial as a function of the offset.

        Parameters
        ----------
        constant, gradient : bool, default True
            Whether it has the terms of order 0 and 1.

        Returns
        -------
        Objective
            A polynomial of `talweg.models`. One of fourth order with more than 20,000 terms
            is evaluated by products at the point instead, where it has to have neither constant nor
            linear term nor other axes.

        Raises
        ------
        ValueError
            When it has too many terms.
        """
        terms = terms_of(len(self.x), self.order)
        name = f"{self.f.name} to order {self.order}"
        if self.order > 3 and terms > _MOST_TERMS:
            if constant or gradient or self.axes is not None:
                raise ValueError(
                    f"order: a polynomial of order {self.order} in {len(self.x)} coordinates has "
                    f"{terms:,} terms, more than {_MOST_TERMS:,}; without constant and gradient, "
                    "along the coordinate axes, it needs none of them"
                )
            return by_products(self.f, self.x, self.order)
        tensors = [self.gradient if gradient else np.zeros_like(self.gradient), self.hessian]
        tensors += [t for t in (self.third, self.fourth) if t is not None]
        return polynomial_of(self.value if constant else 0.0, tensors, name)

    def remainder(self, radius: float) -> float:
        """Estimate the error of the polynomial's gradient in a ball.

        Parameters
        ----------
        radius : float

        Returns
        -------
        float
            An estimate from above of ``|grad f(x + d) - grad p(d)|`` for all ``|d| <= radius``,
            infinite where f is not finite. Rounding in the gradient of f comes on top.

        Notes
        -----
        It is twice the largest difference that was found at four distances, along axes,
        eigenvectors and random directions, from the worst of which a power method goes on to worse
        ones. Where the difference is not above rounding, larger distances are taken and
        the result is extrapolated by the power `order` of the distance. So it is no proven bound: a
        function that behaves as usual except in a small part of the ball can exceed it.

        Examples
        --------
        >>> import numpy, talweg
        >>> f = talweg.Objective(lambda x: numpy.cosh(x[0]) + x[1] ** 2, 2)
        >>> jet = talweg.jets.jet(f, [0.0, 0.0], order=3)
        >>> exact = numpy.sinh(0.1) - 0.1
        >>> bool(exact < jet.remainder(0.1) < 3 * exact)
        True
        """
        r = checked_positive(radius, "radius")
        home = self if self.axes is None else _turned(self, self.axes.T, None)
        found = gradient_remainder(
            self.f, self.x, home._gradient_part(), self.order, home.hessian, r
        )
        return _SAFETY * found + self.fourth_error * r**3 / 6.0

    def in_eigenvectors(self) -> Jet:
        """The same derivatives along the eigenvectors of the Hessian, softest first.

        Returns
        -------
        Jet
            With a diagonal `hessian`, and the eigenvectors as `axes`.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.Objective(lambda x: 2 * x[0] ** 2 + x[1] ** 2 / 2 + x[0] * x[1] ** 2, 2)
        >>> jet = talweg.jets.jet(f, [0.0, 0.0]).in_eigenvectors()
        >>> jet.hessian.diagonal().tolist(), abs(float(jet.third[0, 0, 1]))
        ([1.0, 4.0], 2.0)
        """
        if self.axes is not None:
            return self
        values, vectors = np.linalg.eigh(self.hessian)
        return _turned(self, vectors, vectors, np.diag(values))

    def _gradient_part(self) -> Objective:
        """The polynomial with its linear term, which costs no constant."""
        if self.order > 3 and terms_of(len(self.x), self.order) > _MOST_TERMS:
            from talweg.models import quadratic

            n = len(self.x)
            linear = quadratic(np.zeros(n), linear=self.gradient)
            sum_of_both: Objective = by_products(self.f, self.x, self.order) + linear
            return sum_of_both
        return self.objective(constant=False)

    def __repr__(self) -> str:
        along = "" if self.axes is None else ", along eigenvectors"
        return f"<Jet of {self.f.name}, order {self.order}, n={len(self.x)}{along}>"


def _turned(jet: Jet, axes: Floats, shown: Floats | None, hessian: Floats | None = None) -> Jet:
    """The derivatives along the columns of `axes`."""

    def turned(tensor: Any) -> Any:
        if tensor is None:
            return None
        for _ in range(tensor.ndim):  # each turn takes the first index and moves it to the end
            tensor = np.tensordot(tensor, axes, axes=(0, 0))
        return tensor

    return dataclasses.replace(
        jet,
        gradient=turned(jet.gradient),
        hessian=turned(jet.hessian) if hessian is None else hessian,
        third=turned(jet.third),
        fourth=turned(jet.fourth),
        axes=shown,
    )


def jet(
    f: Objective | Callable[[Any], Any],
    x: ArrayLike,
    order: int = 4,
    *,
    memory: int = 2**30,
) -> Jet:
    """The derivatives of a function at a point, up to the fourth.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x : array_like, shape (n,)
    order : int, default 4
        2, 3 or 4.
    memory : int, default 2**30
        Bytes that the derivatives may take.

    Returns
    -------
    Jet

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, derivatives that do not fit into `memory`, and points where a
        derivative is not finite.

    Notes
    -----
    Third derivatives are T along the coordinate axes. Fourth derivatives of a recorded function
    are exact: T of its directional derivative, which is recorded as well. Those of others are
    central differences of T with Richardson's extrapolation.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.Objective(lambda x: x[0] ** 2 / 2 + x[0] ** 3 * x[1], 2)
    >>> found = talweg.jets.jet(f, [0.0, 0.0])
    >>> found.hessian.tolist(), float(found.fourth[0, 0, 0, 1])
    ([[1.0, 0.0], [0.0, 0.0]], 6.0)
    >>> float(found.objective()([2.0, 1.0])) == float(f([2.0, 1.0]))
    True
    """
    objective = checked_objective(f, dimension_of(None, x))
    n = objective.n
    point = checked_point(x, n, "x").copy()
    highest = checked_count(order, "order", 2)
    if highest > 4:
        raise ValueError(f"order: want 2, 3 or 4, got {order}")
    limit = checked_count(memory, "memory", 1)
    needed = 8 * n**highest
    if needed > limit:
        raise ValueError(
            f"order: derivatives of order {highest} in {n} coordinates take {_shown(needed)}, more "
            f"than the {_shown(limit)} of `memory`"
        )
    value = float(objective(point))
    gradient, hessian = objective.grad(point), objective.hess(point)
    third = third_derivatives(objective, point) if highest > 2 else None
    fourth, error = fourth_derivatives(objective, point) if highest > 3 else (None, 0.0)
    for name, array in (
        ("value", value), ("gradient", gradient), ("Hessian", hessian),
        ("third derivative", third), ("fourth derivative", fourth),
    ):  # fmt: skip
        if array is not None and not np.isfinite(array).all():
            raise ValueError(f"x: the {name} there is not finite")
    return Jet(objective, point, highest, value, gradient, hessian, third, fourth, error)


def _shown(number: int) -> str:
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.3g} {unit}"
        number = number / 1024  # type: ignore[assignment]
    return f"{number:,.3g} TiB"
