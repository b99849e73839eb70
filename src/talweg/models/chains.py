"""Chains of coupled sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talweg.bounds import checked_dimension
from talweg.models.structured import StructuredObjective, checked_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def phi4_chain(
    n: int,
    coupling: float = 0.1,
    *,
    periodic: bool = False,
    bounds: ArrayLike | None = (-1.5, 1.5),
    name: str | None = None,
) -> StructuredObjective:
    """Chain of double wells with coupled neighbours, the phi-4 model on a line or a ring.

    f(x) = sum_i (x_i^2 - 1)^2/4 + coupling/2 sum_i (x_(i+1) - x_i)^2

    `talweg.surfaces.phi4_chain` is the same function as a recording, without the ring.

    Parameters
    ----------
    n : int
        Number of sites, at least 2, at least 3 on a ring.
    coupling : float, default 0.1
        At least 0.
    periodic : bool, default False
        Whether the last site is a neighbour of the first; else the ends are free.
    bounds, name
        As for `talweg.Objective`; [-1.5, 1.5] in each coordinate by default.

    Returns
    -------
    StructuredObjective

    Raises
    ------
    ValueError, TypeError
        When there are too few sites or `coupling` is no finite number from 0 on.

    Examples
    --------
    >>> import talweg
    >>> float(talweg.models.phi4_chain(4, periodic=True)([1.0, 1.0, 1.0, -1.0]))
    0.4
    """
    n = checked_dimension(n)
    strength = checked_number(coupling, "coupling")
    if strength < 0.0:
        raise ValueError(f"coupling: want a number from 0 on, got {strength:g}")
    least = 3 if periodic else 2
    if n < least:
        raise ValueError(f"n: want at least {least} sites, got {n}")
    parameters = {"n": n, "coupling": strength, "periodic": bool(periodic)}
    return StructuredObjective(
        "phi4_chain",
        parameters,
        bounds=bounds,
        name=name or f"phi4-{'ring' if periodic else 'chain'}-{n}",
    )
