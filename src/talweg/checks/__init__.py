"""Theory held against runs: each check returns what was predicted, what was measured, and whether they agree."""

from __future__ import annotations

__all__: list[str] = []
