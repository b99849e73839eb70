"""Pictures of surveys, curves and runs (needs matplotlib)."""

from __future__ import annotations

from talweg.plot.basins import draw_basins
from talweg.plot.descents import draw_descents
from talweg.plot.figures import draw_extremal, draw_survey
from talweg.plot.landscape import contour_levels
from talweg.plot.valley import draw_valley

__all__ = [
    "contour_levels",
    "draw_basins",
    "draw_descents",
    "draw_extremal",
    "draw_survey",
    "draw_valley",
]
