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

__all__ = [
    "Eigh",
    "Inertia",
    "Slogdet",
    "eigh",
    "eigvalsh",
    "inertia",
    "logabsdet",
    "slogdet",
]
