"""Integer relations between eigenvalues or multipliers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from talweg.extremals.arguments import checked_count
from talweg.status import Status
from talweg.theory.arguments import checked_spectrum, checked_step

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Resonance", "Resonances", "resonances"]


@dataclasses.dataclass(frozen=True)
class Resonance:
    """One relation ``lambda_i = sum_j m_j lambda_j`` or ``mu_i = prod_j mu_j^m_j``, exact or near.

    Attributes
    ----------
    index : int
        i, in ascending order of the eigenvalues, from 0.
    powers : tuple of int
        The indices j, each m_j times.
    gap : float
        ``1 - right side / left side``.
    """

    index: int
    powers: tuple[int, ...]
    gap: float

    @property
    def order(self) -> int:
        """The number of factors, ``sum(m)``."""
        return len(self.powers)

    @property
    def derivative(self) -> tuple[int, ...]:
        """Directions of the derivative of f, of order ``order + 1``, that the resonance multiplies.

        It obstructs a smooth linearisation only where this derivative, with the terms that lower
        orders put beside it, is not zero.
        """
        return (*self.powers, self.index)

    def __str__(self) -> str:
        counted = {j: self.powers.count(j) for j in self.powers}
        right = " ".join(f"{j}" if m == 1 else f"{j}^{m}" for j, m in counted.items())
        return f"{self.index} ~ {right} (gap {self.gap:.3g})"


@dataclasses.dataclass(frozen=True)
class Resonances:
    """Resonances up to an order; a sequence of `Resonance`.

    Attributes
    ----------
    found : list of Resonance
        By order, then by size of the gap.
    max_order : int
        The order up to which was asked.
    complete_order : int
        The order up to which all were found.
    sufficient_order : float
        No resonance can be of higher order than this: the ratio of the largest to the smallest
        eigenvalue, or of the logarithms of the multipliers; infinite where nothing bounds it.
    status : Status
        `CONVERGED`, `MAX_POINTS` where there were more than `max_count` or an order needs more than
        2e7 sums, `INTERRUPTED`.
    """

    found: list[Resonance]
    max_order: int
    complete_order: int
    sufficient_order: float
    status: Status

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Resonance]:
        return iter(self.found)

    def __getitem__(self, place: int) -> Resonance:
        return self.found[place]

    @property
    def message(self) -> str:
        """One sentence on what was searched."""
        if self.status == Status.MAX_POINTS:
            return (
                f"All up to order {self.complete_order} are listed. A smaller tolerance or a larger "
                "max_count may give the rest, where an order does not need more than 2e7 sums."
            )
        bound = (
            "higher orders are impossible"
            if self.complete_order >= self.sufficient_order
            else f"resonances up to order {self.sufficient_order:.6g} are possible"
        )
        return f"{len(self.found)} resonances up to order {self.complete_order}; {bound}."


def resonances(
    eigenvalues: ArrayLike,
    max_order: int = 4,
    step_length: float | None = None,
    tolerance: float = 1e-2,
    max_count: int = 10_000,
) -> Resonances:
    """Resonances between the eigenvalues at a critical point, exact and near ones.

    Without resonances the flow, or the map, is smoothly the same as its linear part next to the
    point.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
        Of the Hessian, of any signs for the flow. They are numbered in ascending order.
    max_order : int, default 4
        From 2 to 12. See `Resonances.sufficient_order`.
    step_length : float, optional
        Of gradient descent, whose multipliers ``mu = 1 - step_length * eigenvalues`` are then
        compared, with their signs; those that are zero are left out. Without it gradient flow.
    tolerance : float, default 0.01
        The largest gap relative to the left side.
    max_count : int, default 10000
        Stop when there are so many.

    Returns
    -------
    Resonances

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    References
    ----------
    The theory page of the documentation, section "Resonances".

    Examples
    --------
    >>> import talweg
    >>> for resonance in talweg.theory.resonances([1.0, 2.0, 5.0], 3):
    ...     print(resonance)
    1 ~ 0^2 (gap 0)
    2 ~ 0 1^2 (gap 0)
    >>> talweg.theory.resonances([1.0, 2.0, 5.0], 5)[-1].powers
    (0, 0, 0, 0, 0)
    >>> print(talweg.theory.resonances([1.0, 4.0], 2, step_length=0.75).message)
    0 resonances up to order 2; resonances up to order inf are possible.
    """
    from talweg import _core

    values = checked_spectrum(eigenvalues, positive=False)
    order = checked_count(max_order, "max_order", 2)
    count = checked_count(max_count, "max_count", 1)
    if isinstance(tolerance, bool) or not isinstance(
        tolerance, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"tolerance: want a number, got {tolerance!r}")
    if not 0.0 <= tolerance < 1.0:
        raise ValueError(f"tolerance: want 0 <= tolerance < 1, got {tolerance}")
    if step_length is None:
        numbers = values
        bound = values[-1] / values[0] if values[0] > 0.0 else np.inf
    else:
        numbers = 1.0 - checked_step(step_length) * values
        moduli = np.abs(numbers[numbers != 0.0])
        if not moduli.size:
            bound = 0.0
        elif moduli.max() < 1.0:
            bound = np.log(moduli.min()) / np.log(moduli.max())
        else:
            bound = np.inf
    found, complete, status = _core.resonances(
        numbers, step_length is not None, order, float(tolerance), count
    )
    return Resonances(
        [Resonance(*one) for one in found],
        order,
        complete,
        float(bound) * (1.0 + tolerance),
        Status(int(status)),
    )
