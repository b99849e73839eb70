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
from talweg.spectrum.fused import (
    hessian_eigh,
    hessian_eigvalsh,
    hessian_inertia,
    hessian_slogdet,
)

__all__ = [
    "Eigh",
    "Inertia",
    "Slogdet",
    "eigh",
    "eigvalsh",
    "hessian_eigh",
    "hessian_eigvalsh",
    "hessian_inertia",
    "hessian_slogdet",
    "inertia",
    "logabsdet",
    "slogdet",
]
