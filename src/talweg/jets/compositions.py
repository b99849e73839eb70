"""Functions of a short offset: Taylor polynomials, stored or by products, and exact differences."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.composition import evaluated_from
from talweg.jets.derivatives import fourth_step
from talweg.models.structured import StructuredObjective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["by_differences", "by_products", "polynomial_of", "terms_of"]


def by_differences(f: Any, x: Floats) -> Any:
    """A recorded f in the offset from `x`, its gradient from changes that were never subtracted.

    Raises
    ------
    talweg._core.RecordingLimit
        When the function is too long.
    """
    return _changes((f,), x)


def _changes(operands: tuple[Any], x: Floats) -> Any:
    (f,) = operands
    tape, output = f._tape
    core = _core.ExactOffsets(f._core, tape, output, x)
    if f.compiled:
        from talweg.machine_code import compile_core

        compile_core(core)
    result = evaluated_from(
        operands,
        core,
        n=f.n,
        bounds=None,
        name=f"{f.name} by differences",
    )
    result._made = (_changes, operands, (x,))
    return result


def by_products(f: Any, x: Floats, order: int) -> Any:
    """The Taylor polynomial of f at `x`, without its constant and linear terms, nothing stored."""
    step = fourth_step(f, x)[0] if order > 3 else 1.0
    return _taylor((f,), x, order, step)


def _taylor(operands: tuple[Any], x: Floats, order: int, step: float) -> Any:
    (f,) = operands
    result = evaluated_from(
        operands,
        _core.compose_taylor(f._core, x, order, step),
        n=f.n,
        bounds=None,
        name=f"{f.name} to order {order}",
    )
    result._made = (_taylor, operands, (x, order, step))
    return result


def terms_of(n: int, order: int) -> int:
    """Number of monomials of n variables from second order up to `order`."""
    return math.comb(n + order, order) - n - 1


def polynomial_of(constant: float, tensors: list[Floats], name: str) -> StructuredObjective:
    """The polynomial with these derivatives at 0: the gradient first, up to the fourth order."""
    gradient, hessian, *higher = tensors
    n = len(gradient)
    if len(higher) < 2:
        indices, numbers = np.empty((0, 3), np.uint64), np.empty(0)
        if higher:
            indices, numbers, _ = _coefficients(higher[0])
            indices = indices.astype(np.uint64)
        return StructuredObjective(
            "quadratic",
            {
                "matrix": hessian,
                "linear": gradient,
                "centre": np.zeros(n),
                "constant": constant,
                "cubic_indices": indices,
                "cubic_values": numbers,
            },
            name=name,
        )
    exponents, coefficients = [np.zeros((1, n), np.uint32)], [np.array([constant])]
    for tensor in tensors:
        indices, numbers, multiplicity = _coefficients(tensor)
        powers = np.zeros((len(indices), n), np.uint32)
        for column in indices.T:
            np.add.at(powers, (np.arange(len(indices)), column), 1)
        exponents.append(powers)
        coefficients.append(numbers / multiplicity)
    return StructuredObjective(
        "polynomial",
        {"exponents": np.concatenate(exponents), "coefficients": np.concatenate(coefficients)},
        name=name,
    )


def _coefficients(tensor: Floats) -> tuple[Any, Floats, Floats]:
    """Ascending indices of a symmetric tensor, its entries other than 0, and the product of the
    factorials of the exponents of each."""
    n, order = len(tensor), tensor.ndim
    places = itertools.combinations_with_replacement(range(n), order)
    indices = np.fromiter(
        itertools.chain.from_iterable(places), np.int64, math.comb(n + order - 1, order) * order
    ).reshape(-1, order)
    numbers = tensor[tuple(indices.T)]
    indices, numbers = indices[numbers != 0.0], numbers[numbers != 0.0]
    multiplicity, run = np.ones(len(indices)), np.ones(len(indices))
    for k in range(1, order):
        run = np.where(indices[:, k] == indices[:, k - 1], run + 1.0, 1.0)
        multiplicity *= run
    return indices, numbers, multiplicity
