"""Pictures of surveys and curves (needs matplotlib)."""

from __future__ import annotations

from talweg.plot.basins import draw_basins
from talweg.plot.figures import draw_extremal, draw_survey
from talweg.plot.landscape import contour_levels
from talweg.plot.phase_retrieval import draw_bulk, draw_transitions
from talweg.plot.valley import draw_valley

__all__ = [
    "contour_levels",
    "draw_basins",
    "draw_bulk",
    "draw_extremal",
    "draw_survey",
    "draw_transitions",
    "draw_valley",
]
