"""Pictures of the theory of phase retrieval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.plot.style import load_pyplot

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from talweg.phase_retrieval.bulk import BulkDensity
    from talweg.phase_retrieval.outlier import Outlier

__all__ = ["draw_bulk", "draw_transitions"]

_BULK, _OUTLIER, _EDGE, _MEASURED = "#0072B2", "#D55E00", "#009E73", "#c3ccd2"


def draw_bulk(
    bulk: BulkDensity,
    axes: Any = None,
    *,
    outlier: Outlier | None = None,
    eigenvalues: ArrayLike | None = None,
    shift: float = 0.0,
    right: float | None = None,
    inset: bool | None = None,
    legend: bool = True,
    title: str | None = None,
) -> Any:
    """Draw a density of eigenvalues with its left edge, its outlier, and measured eigenvalues.

    Parameters
    ----------
    bulk : talweg.phase_retrieval.BulkDensity
        What to draw.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.
    outlier : talweg.phase_retrieval.Outlier, optional
        The predicted outlier, a mark with its overlap.
    eigenvalues : array_like, shape (n,), optional
        Measured eigenvalues of D: a histogram, the smallest one as a mark.
    shift : float, default 0
        Subtracted from all eigenvalues: the multiplier mu of the Riemannian Hessian.
    right : float, optional
        Where to end; default: where 95 per cent of the mass is passed.
    inset : bool, optional
        Enlarge the neighbourhood of the left edge; default: when there is an outlier or
        eigenvalues to be seen there.
    legend : bool, default True
        Explain lines and marks.
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
        For eigenvalues of another shape, or an inset of a bulk without a left edge.

    Examples
    --------
    >>> from talweg.phase_retrieval import bulk_density, gaussian_law, outlier
    >>> law = gaussian_law(a=1.0)
    >>> figure = bulk_density(law, 3.0).plot(outlier=outlier(law, 3.0))
    >>> len(figure.axes)
    1
    """
    measured = None
    if eigenvalues is not None:
        measured = finite_array(eigenvalues, "eigenvalues") - shift
        if measured.ndim != 1 or not measured.size:
            raise ValueError(f"eigenvalues: want shape (n,), n at least 1, got {measured.shape}")
    if axes is None:
        figure, axes = load_pyplot().subplots(figsize=(6.4, 4.0), layout="constrained")
    else:
        figure = axes.figure
    z = bulk.z - shift
    steps = 0.5 * (bulk.density[1:] + bulk.density[:-1]) * np.diff(z)
    share = np.concatenate([[0.0], np.cumsum(steps)])
    if right is None:
        right = float(z[min(np.searchsorted(share, 0.95 * share[-1]), len(z) - 1)])
    marks = [float(z[0])]
    if measured is not None:
        marks.append(float(measured.min()))
    if outlier is not None and outlier.exists:
        marks.append(outlier.eigenvalue - shift)
    first = min(marks)
    _draw_window(axes, bulk, outlier, measured, shift, first, float(right), 60)
    axes.set_xlabel("eigenvalue" if shift == 0.0 else r"eigenvalue of $D - \mu I$")
    axes.set_ylabel("density of eigenvalues")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if legend:
        axes.legend(frameon=False, fontsize="small", loc="upper right")
    edge = bulk.edge.eigenvalue - shift
    if inset is None:
        inset = bool(np.isfinite(edge)) and len(marks) > 1
    if inset:
        if not np.isfinite(edge):
            raise ValueError("inset: the bulk has no left edge to enlarge")
        # Some per cent of the eigenvalues, and at least twice the distance of the marks.
        near = float(z[np.searchsorted(share, 0.03 * share[-1])])
        window = axes.inset_axes([0.53, 0.2, 0.45, 0.38])
        last = max(near, edge + 2.0 * (edge - first))
        _draw_window(window, bulk, outlier, measured, shift, first, last, 24)
        window.set_title("next to the edge", fontsize="small")
        window.tick_params(labelsize="small")
    if title:
        axes.set_title(title)
    return figure


def _draw_window(
    axes: Any,
    bulk: BulkDensity,
    outlier: Outlier | None,
    measured: Any,
    shift: float,
    first: float,
    right: float,
    bars: int,
) -> None:
    z = bulk.z - shift
    left = first - 0.05 * (right - first)
    top = float(bulk.density[(z >= left) & (z <= right)].max(initial=0.0))
    if measured is not None:
        # Bars over a share of all eigenvalues, so that they compare with the density.
        bins = np.linspace(first, right, bars + 1)
        counts, _ = np.histogram(measured, bins)
        heights = counts / (measured.size * (bins[1] - bins[0]))
        axes.stairs(
            heights, bins, fill=True, color=_MEASURED, linewidth=0, label="measured eigenvalues"
        )
        axes.plot(
            measured.min(),
            0.0,
            marker="v",
            markersize=7,
            color="black",
            linestyle="none",
            clip_on=False,
            zorder=6,
            label="smallest one measured",
        )
        # A single bar, as of eigenvalues 0, should not flatten everything else.
        top = max(top, float(np.sort(heights)[-2]))
    axes.plot(z, bulk.density, color=_BULK, linewidth=1.6, label="bulk", zorder=4)
    edge = bulk.edge.eigenvalue - shift
    if np.isfinite(edge):
        axes.axvline(edge, color=_EDGE, linewidth=1.2, linestyle=(0, (4, 2)), label="left edge")
    if outlier is not None and outlier.exists:
        where = outlier.eigenvalue - shift
        axes.vlines(
            where,
            0.0,
            0.55 * top,
            color=_OUTLIER,
            linewidth=2.2,
            zorder=5,
            label=rf"outlier, $(v\cdot w^*)^2/N = {outlier.overlap_squared:.3f}$",
        )
        axes.plot(where, 0.55 * top, marker="o", color=_OUTLIER, markersize=5, zorder=5)
    axes.set_xlim(left, right)
    axes.set_ylim(0.0, 1.12 * top if top > 0.0 else 1.0)


def draw_transitions(
    a: ArrayLike | None = None,
    axes: Any = None,
    *,
    thresholds: bool = True,
    legend: bool = True,
    title: str | None = None,
) -> Any:
    """Draw the transition at a random start and the 1RSB threshold against the constant a.

    Parameters
    ----------
    a : array_like, shape (n,), optional
        Increasing positive constants of the loss; default: 60 from 0.01 to 100.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.
    thresholds : bool, default True
        Draw `alpha_threshold` too, a replica prediction.
    legend : bool, default True
        Explain the lines.
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
        For constants that are not positive or do not increase.

    Examples
    --------
    >>> from talweg.plot import draw_transitions
    >>> figure = draw_transitions([0.1, 0.5, 1.0, 2.0], thresholds=False)
    >>> figure.axes[0].get_xscale()
    'log'
    """
    from talweg.phase_retrieval import alpha_bbp, alpha_threshold, smallest_alpha_bbp

    constants = np.geomspace(0.01, 100.0, 60) if a is None else finite_array(a, "a")
    if constants.ndim != 1 or not constants.size:
        raise ValueError(f"a: want shape (n,), n at least 1, got {constants.shape}")
    if constants[0] <= 0.0 or (np.diff(constants) <= 0.0).any():
        raise ValueError("a: want positive increasing constants")
    if axes is None:
        figure, axes = load_pyplot().subplots(figsize=(6.4, 4.2), layout="constrained")
    else:
        figure = axes.figure
    smallest = smallest_alpha_bbp()
    inner = constants[0] < smallest.a < constants[-1]
    grid = np.union1d(constants, [smallest.a]) if inner else constants
    found = np.array([alpha_bbp(float(value)).alpha for value in grid])
    for kind, part, dash in (
        ("continuous", grid <= smallest.a, "solid"),
        ("discontinuous", grid >= smallest.a, (0, (5, 1.5))),
    ):
        if part.any():
            axes.plot(
                grid[part],
                found[part],
                color=_BULK,
                linestyle=dash,
                linewidth=2.0,
                label=rf"$\alpha_\mathrm{{BBP}}$ at a random start, {kind}",
            )
    if inner:
        axes.plot(
            smallest.a,
            smallest.alpha,
            marker="o",
            markersize=6,
            color=_BULK,
            linestyle="none",
            label=f"smallest: {smallest.alpha:.4f} at a = {smallest.a:.4f}",
        )
    if thresholds:
        states = [alpha_threshold(float(value)).alpha for value in constants]
        axes.plot(
            constants,
            states,
            color=_OUTLIER,
            linewidth=2.0,
            label=r"$\alpha_\mathrm{TS}$, 1RSB (a replica prediction)",
        )
        plain = alpha_threshold(np.inf).alpha
        axes.axhline(
            plain,
            color=_OUTLIER,
            linewidth=1.0,
            linestyle=(0, (1, 2)),
            label=rf"$\alpha_\mathrm{{TS}}$ of the plain loss, {plain:.2f}",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("constant of the loss, $a$")
    axes.set_ylabel(r"$\alpha = M/N$")
    ticks = [1, 2, 5, 10, 20, 50]
    low, high = axes.get_ylim()
    axes.set_yticks([tick for tick in ticks if low <= tick <= high])
    axes.set_yticks([], minor=True)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if legend:
        axes.legend(frameon=False, fontsize="small", loc="upper left")
    if title:
        axes.set_title(title)
    return figure
