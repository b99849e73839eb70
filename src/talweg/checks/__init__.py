"""Theory held against runs: each check returns what was predicted, what was measured, and whether they agree."""

from __future__ import annotations

from talweg.checks.volume import volume
from talweg.checks.volume_result import VolumeCheck

__all__ = ["VolumeCheck", "volume"]
