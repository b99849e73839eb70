"""Theory held against runs: what was predicted, what was measured, whether they agree."""

from __future__ import annotations

from talweg.checks.alignment import AlignmentCheck, alignment
from talweg.checks.stationary import StationaryCheck, stationary

__all__ = ["AlignmentCheck", "StationaryCheck", "alignment", "stationary"]
