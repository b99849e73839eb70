"""Pictures of spectra: densities, and eigenvalues along a path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.plot.style import load_pyplot

if TYPE_CHECKING:
    from talweg.spectrum.density_estimates import Density
    from talweg.spectrum.following import Following

__all__ = ["draw_density", "draw_following"]

#: The blue of the pictures of curves, and the rest of that palette.
_COLOUR = "#0072B2"
_COLOURS = (_COLOUR, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

#: Marker of each kind of meeting.
_MARKERS = {"crossing": "x", "avoided": "o", "touching": "d"}


def draw_density(
    density: Density,
    axes: Any = None,
    *,
    width: float | None = None,
    points: int = 500,
    log: bool = False,
    title: str | None = None,
) -> Any:
    """Draw a smoothed spectral density with a band of two standard errors.

    Parameters
    ----------
    density : talweg.spectrum.Density
        What to draw.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.
    width : float, optional
        Standard deviation of the smoothing; by default ``density.default_width``.
    points : int, default 500
        Numbers along the axis.
    log : bool, default False
        Logarithmic scale of the density.
    title : str, optional
        Above the picture.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.
    ValueError
        If there is nothing to draw.

    Examples
    --------
    >>> import numpy
    >>> from talweg.spectrum import density
    >>> figure = density(numpy.diag(numpy.linspace(-1.0, 1.0, 100))).plot()
    >>> len(figure.axes)
    1
    """
    nodes = density.nodes[density.weights > 0]
    if not nodes.size or not density.success:
        raise ValueError("density: no finished probe, so there is nothing to draw")
    scale = density.default_width if width is None else width
    at = np.linspace(nodes.min() - 4 * scale, nodes.max() + 4 * scale, points)
    estimate = density.density(at, scale)
    if axes is None:
        figure, axes = load_pyplot().subplots(figsize=(6.4, 4.0), layout="constrained")
    else:
        figure = axes.figure
    if np.any(estimate.error > 0):
        low = np.maximum(estimate.value - 2 * estimate.error, 0.0)
        high = estimate.value + 2 * estimate.error
        axes.fill_between(at, low, high, color=_COLOUR, alpha=0.25, linewidth=0)
    axes.plot(at, estimate.value, color=_COLOUR)
    if log:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.1 / density.n / (scale * np.sqrt(2 * np.pi)))
    else:
        axes.set_ylim(bottom=0.0)
    axes.axvline(0.0, color="#6b7780", linewidth=0.6)
    axes.set_xlabel(r"$\lambda$")
    axes.set_ylabel("density of eigenvalues")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if title:
        axes.set_title(title)
    return figure


def draw_following(
    following: Following,
    axes: Any = None,
    *,
    crossings: bool = True,
    legend: bool = True,
    title: str | None = None,
) -> Any:
    """Draw eigenvalues along a path, a colour for each track, with the places where they meet.

    Parameters
    ----------
    following : talweg.spectrum.Following
        What to draw.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.
    crossings : bool, default True
        Mark where tracks meet.
    legend : bool, default True
        Explain the markers.
    title : str, optional
        Above the picture.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ImportError
        Without matplotlib.

    Examples
    --------
    >>> import numpy
    >>> from talweg.spectrum import follow
    >>> turning = [[[c, 0.0], [0.0, -c]] for c in numpy.linspace(-1.0, 1.0, 8)]
    >>> figure = follow(numpy.array(turning)).plot()
    >>> len(figure.axes[0].lines)
    3
    """
    if axes is None:
        figure, axes = load_pyplot().subplots(figsize=(6.4, 4.0), layout="constrained")
    else:
        figure = axes.figure
    at = following.arclength
    for j, track in enumerate(following.eigenvalues.T):
        axes.plot(at, track, color=_COLOURS[j % len(_COLOURS)], linewidth=1.4)
    if crossings:
        for kind, marker in _MARKERS.items():
            met = [crossing for crossing in following.crossings if crossing.kind == kind]
            if met:
                axes.plot(
                    np.interp([c.position for c in met], np.arange(len(at)), at),
                    [c.eigenvalue for c in met],
                    linestyle="none",
                    marker=marker,
                    color="black",
                    markerfacecolor="none",
                    label=kind,
                )
        if legend and following.crossings:
            axes.legend(frameon=False, fontsize="small")
    axes.set_xlabel("arclength" if following.x is not None else "point")
    axes.set_ylabel("eigenvalue")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if title:
        axes.set_title(title)
    return figure
