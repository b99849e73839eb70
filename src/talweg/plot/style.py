"""Colours, markers and words of every picture, in one place.

The colours are Okabe and Ito's, which colour-blind readers can tell apart; each label also has its
own line width and dash, so that pictures survive a black and white printer.
"""

from __future__ import annotations

from typing import Any

#: Line of each label: talweg, ridge line, mixed.
LINES: dict[str, dict[str, Any]] = {
    "talweg": {"edgecolor": "#0072B2", "linewidth": 2.6, "zorder": 5.0},
    "ridge line": {"edgecolor": "#D55E00", "linewidth": 1.3, "zorder": 5.2},
    "mixed": {"edgecolor": "#009E73", "linewidth": 1.3, "linestyle": (0, (4, 1.6)), "zorder": 5.1},
}

#: Marker of each kind of critical point: minimum, saddle, maximum, degenerate.
CRITICAL_POINTS: dict[str, dict[str, Any]] = {
    "minimum": {"marker": "o", "markersize": 7.5, "markerfacecolor": "white"},
    "saddle": {"marker": "D", "markersize": 6.5, "markerfacecolor": "#F0E442"},
    "maximum": {"marker": "^", "markersize": 8.0, "markerfacecolor": "black"},
    "degenerate": {"marker": "X", "markersize": 8.0, "markerfacecolor": "#56B4E9"},
}

#: Marker of each event that is drawn, with its name in the legend.
EVENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "level_fold": (
        "level fold",
        {"marker": "s", "markersize": 4.6, "markerfacecolor": "black", "markeredgecolor": "white"},
    ),
    "valley_ridge_inflection": (
        "valley-ridge inflection",
        {"marker": "v", "markersize": 5.6, "markerfacecolor": "#CC79A7"},
    ),
    "inflection": (
        "inflection",
        {"marker": "o", "markersize": 3.2, "markerfacecolor": "black", "markeredgecolor": "white"},
    ),
    "branch_point": (
        "branch point",
        {"marker": "*", "markersize": 11.0, "markerfacecolor": "#E69F00"},
    ),
    "near_branch": (
        "near branch",
        {"marker": "o", "markersize": 11.0, "markerfacecolor": "none", "markeredgewidth": 1.1},
    ),
}

EDGE = {"markeredgecolor": "black", "markeredgewidth": 0.9, "linestyle": "none"}

#: Low ground is darker; pale enough that the curves stand out.
GROUND = ("#a9b4bd", "#c3ccd2", "#dae0e4", "#ecf0f1", "#f8f9f9", "#ffffff")
CONTOUR = {"colors": "#6b7780", "linewidths": 0.35}


def line_of(label: str) -> dict[str, Any]:
    """The line for a label of `Extremal.labels`."""
    return LINES["mixed" if label.startswith("mixed") else label]


def load_pyplot() -> Any:
    """matplotlib.pyplot, or an error that says how to get it."""
    try:
        import matplotlib.pyplot as pyplot
    except ImportError as error:
        raise ImportError(
            "drawing needs matplotlib: pip install matplotlib, or pip install 'talweg[plot]'"
        ) from error
    return pyplot
