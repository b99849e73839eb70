"""Theory held against runs: what was predicted, what was measured, whether they agree."""

from __future__ import annotations

from talweg.checks.alignment import AlignmentCheck, alignment
from talweg.checks.comparison import Comparison
from talweg.checks.shares import Concentration
from talweg.checks.stationary import StationaryCheck, stationary
from talweg.checks.volume import volume
from talweg.checks.volume_result import VolumeCheck

__all__ = [
    "AlignmentCheck",
    "Comparison",
    "Concentration",
    "StationaryCheck",
    "VolumeCheck",
    "alignment",
    "stationary",
    "volume",
]
