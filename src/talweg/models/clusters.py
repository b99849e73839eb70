"""Clusters of atoms with pair potentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.models.structured import StructuredObjective, checked_number

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def lennard_jones(
    atoms: int,
    *,
    epsilon: float = 1.0,
    sigma: float = 1.0,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """Cluster of atoms with Lennard-Jones pair potentials.

    f(x) = sum over pairs of 4 epsilon ((sigma/r)^12 - (sigma/r)^6), r the distance of the two atoms

    Parameters
    ----------
    atoms : int
        At least 2.
    epsilon : float, default 1
        Depth of the pair potential's minimum, which is at r = 2^(1/6) sigma. Above 0.
    sigma : float, default 1
        Distance at which the pair potential is 0. Above 0.
    bounds, name
        As for `talweg.Objective`.

    Returns
    -------
    StructuredObjective
        n = 3 `atoms`, the Cartesian coordinates atom by atom.

    Raises
    ------
    ValueError, TypeError
        When a parameter is out of its range.

    Notes
    -----
    Critical points and curves are taken orthogonal to translations and rotations, as by
    `talweg.Objective.with_rigid_motions`. Where atoms coincide f is infinite and derivatives are
    infinite or NaN, at that point only.

    References
    ----------
    J. E. Jones, Proc. R. Soc. A 106, 463 (1924).

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.lennard_jones(13)
    >>> f.n
    39
    """
    parameters = {"depth": epsilon, "length": sigma, "steepness": 1.0}
    names = {"depth": "epsilon", "length": "sigma"}
    return _cluster("lennard-jones", atoms, parameters, names, bounds, name)


def morse(
    atoms: int,
    *,
    depth: float = 1.0,
    steepness: float = 6.0,
    distance: float = 1.0,
    bounds: ArrayLike | None = None,
    name: str | None = None,
) -> StructuredObjective:
    """Cluster of atoms with Morse pair potentials.

    f(x) = sum over pairs of depth (exp(-2 a (r - r0)) - 2 exp(-a (r - r0))) with a = `steepness`
    and r0 = `distance`

    Parameters
    ----------
    atoms : int
        At least 2.
    depth : float, default 1
        Depth of the pair potential's minimum. Above 0.
    steepness : float, default 6
        a, in units of one over length; at 6/r0 the potential is curved like Lennard-Jones' at its
        minimum. Above 0.
    distance : float, default 1
        r0, where the minimum is. Above 0.
    bounds, name
        As for `talweg.Objective`.

    Returns
    -------
    StructuredObjective
        n = 3 `atoms`, the Cartesian coordinates atom by atom.

    Raises
    ------
    ValueError, TypeError
        When a parameter is out of its range.

    Notes
    -----
    Critical points and curves are taken orthogonal to translations and rotations, as by
    `talweg.Objective.with_rigid_motions`. Where atoms coincide f is finite but has a cone: derivatives are infinite or NaN, at that point
    only.

    References
    ----------
    P. M. Morse, Phys. Rev. 34, 57 (1929); clusters: J. P. K. Doye, D. J. Wales, J. Chem. Soc.
    Faraday Trans. 93, 4233 (1997).

    Examples
    --------
    >>> import talweg
    >>> f = talweg.models.morse(2)
    >>> float(f([0.0, 0.0, 0.0, 0.0, 1.0, 0.0]))
    -1.0
    """
    parameters = {"depth": depth, "length": distance, "steepness": steepness}
    return _cluster("morse", atoms, parameters, {"length": "distance"}, bounds, name)


def _cluster(
    pair: str,
    atoms: Any,
    parameters: dict[str, Any],
    names: dict[str, str],
    bounds: Any,
    name: str | None,
) -> StructuredObjective:
    if isinstance(atoms, (bool, np.bool_)) or not isinstance(atoms, (int, np.integer)):
        raise TypeError(f"atoms: want an int, got {atoms!r}")
    if atoms < 2:
        raise ValueError(f"atoms: want at least 2, got {atoms}")
    checked: dict[str, Any] = {
        key: checked_number(value, names.get(key, key), above=0.0)
        for key, value in parameters.items()
    }
    checked |= {"pair": pair, "atoms": int(atoms)}
    return StructuredObjective("cluster", checked, bounds=bounds, name=name or f"{pair}-{atoms}")
