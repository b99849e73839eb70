"""Surfaces whose number of coordinates can be chosen."""

from __future__ import annotations

import itertools

import numpy as np

from talweg.objective import Objective
from talweg.surfaces.catalogue import checked_size, listed

_CHAINS = range(2, 1001)
_ATOMS = range(2, 39)


def _sized(name, size, default) -> str:
    return name if size == default else f"{name}-{size}"


@listed("rosenbrock", "coordinates", 2, _CHAINS)
def rosenbrock(n: int = 2) -> Objective:
    """Rosenbrock's banana-shaped valley, chained over n coordinates.

    f(x) = sum_i 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2, i = 1 ... n - 1

    Minimum (1, ..., 1) with f = 0; for n >= 4 there is a second one near (-1, 1, ..., 1).

    Parameters
    ----------
    n : int, default 2
        2 to 1000.

    Returns
    -------
    Objective
        Bounds [-2, 2] in each coordinate.

    References
    ----------
    H. H. Rosenbrock, Comput. J. 3, 175 (1960).

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.rosenbrock(5)([1.0] * 5))
    0.0
    """
    n = checked_size(n, "n", _CHAINS)

    def formula(x):
        return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    name = _sized("rosenbrock", n, 2)
    return Objective(formula, n, bounds=(-2.0, 2.0), name=name, verify=False)


@listed("styblinski-tang", "coordinates", 2, range(1, 1001))
def styblinski_tang(n: int = 2) -> Objective:
    """Styblinski and Tang's function, 2^n minima in a separable landscape.

    f(x) = sum_i (x_i^4 - 16 x_i^2 + 5 x_i)/2

    Parameters
    ----------
    n : int, default 2
        1 to 1000.

    Returns
    -------
    Objective
        Bounds [-5, 5] in each coordinate.

    References
    ----------
    M. A. Styblinski, T.-S. Tang, Neural Networks 3, 467 (1990).

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.styblinski_tang(3)([1.0, 1.0, 1.0]))
    -15.0
    """
    n = checked_size(n, "n", range(1, 1001))
    name = _sized("styblinski-tang", n, 2)
    return Objective(
        lambda x: np.sum(x**4 - 16 * x**2 + 5 * x) / 2,
        n,
        bounds=(-5.0, 5.0),
        name=name,
        verify=False,
    )


@listed("phi4-chain", "sites", 3, _CHAINS)
def phi4_chain(n: int = 3, coupling: float = 0.1) -> Objective:
    """Chain of double wells with coupled neighbours, the phi-4 model on a line.

    f(x) = sum_i (x_i^2 - 1)^2/4 + coupling/2 sum_i (x_(i+1) - x_i)^2, with free ends

    At coupling 0 there are 3^n critical points, 2^n of them minima; strong coupling leaves three.

    Parameters
    ----------
    n : int, default 3
        Number of sites, 2 to 1000.
    coupling : float, default 0.1
        At least 0.

    Returns
    -------
    Objective
        Bounds [-1.5, 1.5] in each coordinate.

    Examples
    --------
    >>> import talweg
    >>> float(talweg.surfaces.phi4_chain(4)([1.0, 1.0, 1.0, 1.0]))
    0.0
    """
    n = checked_size(n, "n", _CHAINS)
    coupling = float(coupling)
    if not 0.0 <= coupling < np.inf:
        raise ValueError(f"coupling: want a finite number from 0 on, got {coupling}")

    def formula(x):
        return np.sum((x**2 - 1) ** 2) / 4 + coupling / 2 * np.sum(np.diff(x) ** 2)

    name = _sized("phi4-chain", n, 3)
    return Objective(formula, n, bounds=(-1.5, 1.5), name=name, verify=False)


@listed("lennard-jones", "atoms", 3, _ATOMS)
def lennard_jones(atoms: int = 3) -> Objective:
    """Cluster of atoms with Lennard-Jones pair potentials, in reduced units.

    f(x) = sum over pairs of 4 (r^-12 - r^-6), r the distance of the two atoms in units of sigma,
    f in units of epsilon

    Critical points and curves are taken orthogonal to translations and rotations, as by
    `talweg.Objective.with_rigid_motions`.

    Parameters
    ----------
    atoms : int, default 3
        2 to 38.

    Returns
    -------
    Objective
        n = 3 `atoms`, the Cartesian coordinates atom by atom. No bounds: f is infinite where atoms
        coincide.

    References
    ----------
    J. E. Jones, Proc. R. Soc. A 106, 463 (1924).

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.lennard_jones(2)
    >>> round(float(f([0.0, 0.0, 0.0, 2 ** (1 / 6), 0.0, 0.0])), 12)
    -1.0
    """
    atoms = checked_size(atoms, "atoms", _ATOMS)

    def formula(x):
        positions = x.reshape(atoms, 3)
        total = 0.0
        for i, j in itertools.combinations(range(atoms), 2):
            inverse = 1.0 / np.sum((positions[i] - positions[j]) ** 2)
            cube = inverse**3
            total = total + 4.0 * (cube * cube - cube)
        return total

    name = _sized("lennard-jones", atoms, 3)
    return Objective(formula, 3 * atoms, name=name, verify=False).with_rigid_motions()


lj = lennard_jones
