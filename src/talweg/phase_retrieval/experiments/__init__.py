"""Experiments of publication size: restartable, parallel, saved with all that they depend on."""

from __future__ import annotations

from talweg.phase_retrieval.experiments.binomial import (
    HalfSuccess,
    fit_half_success,
    wilson_interval,
)
from talweg.phase_retrieval.experiments.success_rates import SuccessRates, success

__all__ = [
    "HalfSuccess",
    "SuccessRates",
    "fit_half_success",
    "success",
    "wilson_interval",
]
