"""Pictures of surveys and curves (needs matplotlib)."""

from __future__ import annotations

from talweg.plot.figures import draw_extremal, draw_survey
from talweg.plot.landscape import contour_levels

__all__ = ["contour_levels", "draw_extremal", "draw_survey"]
