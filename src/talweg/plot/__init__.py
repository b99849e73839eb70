"""Pictures of surveys, curves and runs (needs matplotlib)."""

from __future__ import annotations

from talweg.plot.alignment import draw_alignment
from talweg.plot.basins import draw_basins
from talweg.plot.concentration import draw_concentration
from talweg.plot.descents import draw_descents
from talweg.plot.figures import draw_extremal, draw_survey
from talweg.plot.film_strip import draw_film_strip
from talweg.plot.landscape import contour_levels
from talweg.plot.paths import draw_paths
from talweg.plot.phase_retrieval import draw_bulk, draw_transitions
from talweg.plot.valley import draw_valley

__all__ = [
    "contour_levels",
    "draw_alignment",
    "draw_basins",
    "draw_bulk",
    "draw_concentration",
    "draw_descents",
    "draw_extremal",
    "draw_film_strip",
    "draw_paths",
    "draw_survey",
    "draw_transitions",
    "draw_valley",
]
