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
from talweg.spectrum.density import density
from talweg.spectrum.density_estimates import Density
from talweg.spectrum.estimates import Estimate
from talweg.spectrum.following import Crossing, Following, follow
from talweg.spectrum.fused import (
    hessian_eigh,
    hessian_eigvalsh,
    hessian_inertia,
    hessian_slogdet,
)
from talweg.spectrum.lowest import Eigenpairs, lowest

__all__ = [
    "Crossing",
    "Density",
    "Eigenpairs",
    "Eigh",
    "Estimate",
    "Following",
    "Inertia",
    "Slogdet",
    "density",
    "eigh",
    "eigvalsh",
    "follow",
    "hessian_eigh",
    "hessian_eigvalsh",
    "hessian_inertia",
    "hessian_slogdet",
    "inertia",
    "logabsdet",
    "lowest",
    "slogdet",
]
