"""Experiments of publication size: restartable, parallel, saved with all that they depend on."""

from __future__ import annotations

from talweg.phase_retrieval.experiments.binomial import (
    HalfSuccess,
    fit_half_success,
    wilson_interval,
)
from talweg.phase_retrieval.experiments.spectra import Spectra, spectrum
from talweg.phase_retrieval.experiments.success_rates import SuccessRates, success
from talweg.phase_retrieval.experiments.threshold_curves import Thresholds, thresholds
from talweg.phase_retrieval.experiments.tracks import Track, track

__all__ = [
    "HalfSuccess",
    "Spectra",
    "SuccessRates",
    "Thresholds",
    "Track",
    "fit_half_success",
    "spectrum",
    "success",
    "thresholds",
    "track",
    "wilson_interval",
]
