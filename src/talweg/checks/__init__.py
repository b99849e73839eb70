"""Theory held against runs: each check returns what was predicted, what was measured, and whether they agree."""

from __future__ import annotations

from talweg.checks.alignment import AlignmentCheck, alignment
from talweg.checks.stationary import StationaryCheck, stationary

__all__ = ["AlignmentCheck", "StationaryCheck", "alignment", "stationary"]
