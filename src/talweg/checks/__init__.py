"""Theory held against runs: what was predicted, what was measured, whether they agree."""

from __future__ import annotations

from talweg.checks.alignment import AlignmentCheck, alignment

__all__ = ["AlignmentCheck", "alignment"]
