"""How fast trajectories turn into the softest direction."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.extremals.arguments import checked_count
from talweg.theory.arguments import checked_momentum, checked_spectrum, checked_step
from talweg.theory.multipliers import moduli

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["AlignmentRate", "alignment_rate"]

#: Relative difference below which two rates are the same one.
_EQUAL = 1e-12


@dataclasses.dataclass(frozen=True)
class AlignmentRate:
    """How the sine of the angle with the dominant direction falls.

    Attributes
    ----------
    rate : float
        The sine is ``O(exp(-rate t))``; of descent in units of time t = step_length times steps. 0
        where there is no alignment.
    factor : float or None
        Of descent: the sine's factor a step, ``exp(-rate step_length)``. None for the flow.
    mechanism : str
        "gap": the ratio to the next direction governs. "lambda_1": the square of the dominant
        coordinate forces the others (p = 1). "higher order": a higher power does. "resonance": both
        are equally fast, and the sine falls like ``t exp(-rate t)``. "none": no alignment.
    dominant_branch : int or None
        The eigendirection that trajectories align with, 0 the softest; the first one of a repeated
        eigenvalue, whose eigenspace they align with then.
    logarithmic : bool
        True for the factor t (or the number of steps) of a resonance.
    forcing : int or None
        The order p that was used.
    message : str
    """

    rate: float
    factor: float | None
    mechanism: str
    dominant_branch: int | None
    logarithmic: bool
    forcing: int | None
    message: str


def alignment_rate(
    eigenvalues: ArrayLike,
    step_length: float | None = None,
    momentum: float = 0.0,
    forcing: int | ArrayLike | Mapping[int, ArrayLike] | None = None,
    nesterov: bool = False,
) -> AlignmentRate:
    """The rate at which generic trajectories align with an eigendirection of a minimum.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
        Of the Hessian at the minimum, all positive. Directions are numbered in ascending order.
    step_length : float, optional
        Of descent; without it gradient flow.
    momentum : float, default 0
    forcing : int, array_like of shape (n,), mapping, optional
        How the dominant direction d forces the others. None: a quadratic function. An int p: the
        pure derivatives of order p + 2, p + 1 times along d and once along any other direction,
        do not vanish, and those of lower orders do. An array: these derivatives for p = 1,
        ``T[e_d, e_d, e_j]`` for each j; a mapping {p: array}: for that p. Entries that are zero do
        not force.
    nesterov : bool, default False
        Nesterov's method instead of the heavy ball; without momentum both are plain descent.

    Returns
    -------
    AlignmentRate

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    References
    ----------
    arXiv 2604.11213; the theory page of the documentation, section "Directional alignment".

    Examples
    --------
    >>> import talweg
    >>> talweg.theory.alignment_rate([1.0, 2.0, 4.0], 0.41, forcing=1).factor.__round__(5)
    0.92188
    >>> flow = talweg.theory.alignment_rate([1.0, 5.0], forcing=1)
    >>> flow.rate, flow.mechanism
    (1.0, 'lambda_1')
    >>> talweg.theory.alignment_rate([1.0, 2.0, 4.0], 0.45).dominant_branch
    2
    """
    values = checked_spectrum(eigenvalues)
    beta = checked_momentum(momentum)
    if step_length is None:
        if beta or nesterov:
            raise ValueError("momentum: gradient flow has none; give a step_length")
        contraction, s = np.exp(-values), 1.0
        signs = np.ones(len(values))
    else:
        s = checked_step(step_length)
        contraction = moduli(values, s, beta, bool(nesterov))
        signs = np.sign(1.0 - s * values)
    order, forced = _forcing(forcing, len(values))
    flow = step_length is None
    # Logarithms: exp(-lambda) of a large eigenvalue is 0.
    with np.errstate(divide="ignore"):
        decay = values if flow else -np.log(contraction)

    def none(message: str) -> AlignmentRate:
        return AlignmentRate(0.0, None if flow else 1.0, "none", None, False, order, message)

    slowest = float(decay.min())
    if slowest <= 0.0:
        return none("The step is unstable: trajectories leave the minimum.")
    # Rounding of the eigenvalues is relative to the largest, that of a step's factors to 1.
    scale = _EQUAL * (values[-1] if flow else max(1.0, slowest))
    dominant = np.abs(decay - slowest) <= scale
    same = np.ptp(values[dominant]) <= _EQUAL * values[-1]
    branch = int(np.argmax(dominant))
    if not same:
        return none(
            "Directions of different eigenvalues shrink equally fast: trajectories tend to a cycle in "
            "their span."
        )
    others = ~dominant
    if not others.any():
        return none("All eigenvalues are equal: every direction is kept.")
    linear = float((decay[others] - slowest).min())
    rate, mechanism, logarithmic = linear, "gap", False
    if order is not None and forced[others].any():
        nonlinear = order * slowest
        with np.errstate(invalid="ignore"):  # infinite where directions are lost in one step
            nearest = others & (np.abs(decay - slowest - linear) <= scale) & forced
        # Signs count: mu_j = mu_d^(p+1) resonates, mu_j = -mu_d^(p+1) does not.
        alike = signs[nearest] == signs[branch] ** (order + 1)
        if abs(nonlinear - linear) <= scale and nearest.any() and (beta == 0.0) and alike.any():
            rate, mechanism, logarithmic = linear, "resonance", True
        elif nonlinear < linear:
            rate, mechanism = nonlinear, "lambda_1" if order == 1 else "higher order"
    return AlignmentRate(
        rate / s,
        None if flow else math.exp(-rate),
        mechanism,
        branch,
        logarithmic,
        order,
        _message(mechanism, branch, int(dominant.sum())),
    )


def _message(mechanism: str, branch: int, multiplicity: int) -> str:
    target = (
        f"direction {branch}"
        if multiplicity == 1
        else f"the eigenspace of directions {branch} to {branch + multiplicity - 1}"
    )
    cause = {
        "gap": "the next slowest direction",
        "lambda_1": "the square of the dominant coordinate, which forces the others",
        "higher order": "a higher power of the dominant coordinate, which forces the others",
        "resonance": "a resonance: the sine falls like t exp(-rate t)",
    }[mechanism]
    return f"Trajectories align with {target}; the rate is set by {cause}."


def _forcing(forcing: Any, n: int) -> tuple[int | None, Any]:
    """The order p and which directions are forced."""
    if forcing is None:
        return None, np.zeros(n, dtype=bool)
    if isinstance(forcing, Mapping):
        if len(forcing) != 1:
            raise ValueError(f"forcing: want one order p, got {len(forcing)}")
        order, coefficients = next(iter(forcing.items()))
        return checked_count(order, "forcing", 1), _forced(coefficients, n)
    if np.ndim(forcing) == 0:
        return checked_count(forcing, "forcing", 1), np.ones(n, dtype=bool)
    return 1, _forced(forcing, n)


def _forced(coefficients: Any, n: int) -> Any:
    array = finite_array(coefficients, "forcing")
    if array.shape != (n,):
        raise ValueError(f"forcing: want shape ({n},), got {array.shape}")
    return array != 0.0
