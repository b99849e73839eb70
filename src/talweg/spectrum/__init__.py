"""Spectra of symmetric matrices and of Hessians."""

from __future__ import annotations

from talweg.spectrum.batches import (
    Eigh,
    Inertia,
    Slogdet,
    eigh,
    eigvalsh,
    inertia,
    logabsdet,
    slogdet,
)
from talweg.spectrum.density import Density, density
from talweg.spectrum.estimates import Estimate
from talweg.spectrum.following import Crossing, Following, follow

__all__ = [
    "Crossing",
    "Density",
    "Eigh",
    "Estimate",
    "Following",
    "Inertia",
    "Slogdet",
    "density",
    "eigh",
    "eigvalsh",
    "follow",
    "inertia",
    "logabsdet",
    "slogdet",
]
