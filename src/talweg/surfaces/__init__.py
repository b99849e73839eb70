"""Surfaces to try things on, each an `Objective` with ``.bounds`` and ``.name``."""

from talweg.surfaces.catalogue import Entry, by_name, catalogue
from talweg.surfaces.chemistry import (
    leps,
    muller_brown,
    neria_fischer_karplus,
    quapp,
    valley_ridge,
    wolfe_quapp,
)
from talweg.surfaces.planar import (
    beale,
    camel,
    goldstein_price,
    henon_heiles,
    himmelblau,
    mccormick,
    monkey_saddle,
    toy,
)
from talweg.surfaces.scalable import lennard_jones, lj, phi4_chain, rosenbrock, styblinski_tang

__all__ = [
    "Entry",
    "beale",
    "by_name",
    "camel",
    "catalogue",
    "goldstein_price",
    "henon_heiles",
    "himmelblau",
    "lennard_jones",
    "leps",
    "lj",
    "mccormick",
    "monkey_saddle",
    "muller_brown",
    "neria_fischer_karplus",
    "phi4_chain",
    "quapp",
    "rosenbrock",
    "styblinski_tang",
    "toy",
    "valley_ridge",
    "wolfe_quapp",
]
