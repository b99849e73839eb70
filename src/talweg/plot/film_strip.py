"""A film strip of points on their way into a valley, coloured by the volume that they stand for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.plot.landscape import draw_landscape
from talweg.plot.style import CRITICAL_POINTS, EDGE, LINES, load_pyplot

if TYPE_CHECKING:
    from talweg.checks.volume_result import VolumeCheck

__all__ = ["draw_film_strip"]

_COLUMNS = 3
_VALLEY = "#56B4E9"


def draw_film_strip(
    check: VolumeCheck, frames: Any = None, *, points: int = 2000, title: str | None = None
) -> Any:
    """Draw the points at some times: see `talweg.checks.VolumeCheck.film_strip`."""
    places = _places(check, frames)
    pyplot = load_pyplot()
    columns = min(_COLUMNS, len(places))
    rows = math.ceil(len(places) / columns)
    figure, grid = pyplot.subplots(
        rows,
        columns,
        figsize=(3.9 * columns + 0.9, 3.7 * rows),
        layout="constrained",
        squeeze=False,
    )
    n = check.cloud.shape[2]
    shown = None
    for axes, k in zip(grid.ravel(), places):
        shown = _draw_frame(axes, check, k, points) or shown
    for axes in grid.ravel()[len(places) :]:
        axes.set_axis_off()
    if shown is not None:
        bar = figure.colorbar(shown, ax=grid, shrink=0.8, pad=0.01)
        bar.set_label("weight over the mean weight (log$_{10}$)")
    handles, labels = grid[0, 0].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=len(handles),
            fontsize=9,
            frameon=False,
        )
    kind = (
        "gradient flow"
        if check.step_length is None
        else f"gradient descent, steps of {check.step_length:g}"
    )
    if title is None:
        title = f"{check.f.name}: {kind}" if n == 2 else f"{check.f.name}, {n} coordinates: {kind}"
    if title:
        figure.suptitle(title)
    return figure


def _places(check: VolumeCheck, frames: Any) -> list[int]:
    times = np.asarray(check.times, dtype=float)
    if frames is None:
        # Early frames close together, and none after all is where it belongs.
        done = np.zeros(len(times), dtype=bool)
        if check.cone is not None:
            done = check.cone.share > 0.999
        last = times[int(done.argmax())] if done.any() else times[-1]
        count = min(6, len(times))
        wanted = last * (np.arange(count) / max(count - 1, 1)) ** 1.5
    else:
        wanted = finite_array(frames, "frames")
        if wanted.ndim != 1 or not wanted.size:
            raise ValueError(f"frames: want times, shape (k,), got shape {wanted.shape}")
        if wanted.min() < 0 or wanted.max() > times[-1] * (1 + 1e-9):
            raise ValueError(
                f"frames: want times from 0 to {times[-1]:g}, got {wanted.min():g} to "
                f"{wanted.max():g}"
            )
    return sorted({int(np.abs(times - time).argmin()) for time in wanted})


class _View:
    """The plane of a frame, and how wide it is."""

    def __init__(self, check: VolumeCheck, reach: float) -> None:
        n = check.cloud.shape[2]
        self.flat = n == 2
        self.origin = np.zeros(n)
        if self.flat:
            self.basis = np.eye(2)
            self.names = ("$x_1$", "$x_2$")
            # Coordinates that differ in late digits only are no scale to read.
            if reach > 1e-3 * float(np.abs(check.x_min).max()):
                self.origin = check.x_min
            else:
                self.names = ("$x_1 - x_{1, min}$", "$x_2 - x_{2, min}$")
        elif n == 1:
            self.basis = np.eye(1, 2)
            self.names = ("x - $x_{min}$", "")
        else:
            self.basis = check.eigenvectors[:, :2]
            self.names = ("along eigenvector 0", "along eigenvector 1")

    def of(self, offset: Any) -> Any:
        return (offset + self.origin) @ self.basis

    def offset(self, seen: Any) -> Any:
        """The offset from the minimum of a point of the picture of two coordinates."""
        return seen - self.origin

    def box(self, x: Any, centre: Any) -> Any:
        """Around the bulk of the points and the minimum, square, a tenth wider."""
        rows = np.concatenate([x, centre[None]])
        low, high = np.quantile(rows, [0.0, 1.0], axis=0)
        low, high = np.minimum(low, centre), np.maximum(high, centre)
        half = 0.56 * np.maximum(high - low, 0.35 * (high - low).max())
        half = np.maximum(half, 1e-280)
        middle = (low + high) / 2
        return np.stack([middle - half, middle + half], axis=1)


def _draw_frame(axes: Any, check: VolumeCheck, k: int, points: int) -> Any:
    x, logs = check.cloud[k][:points], check.cloud_log_volume[k][:points]
    alive = np.isfinite(x).all(axis=1) & np.isfinite(logs)
    x, logs = x[alive], logs[alive]
    view = _View(check, float(np.abs(x).max(initial=0.0)))
    time = check.times[k]
    words = f"t = {time:.4g}" if check.step_length is None else f"step {time}"
    shares = [
        f"{name} {100 * one.share[k]:.4g} %" if one.decided[k] else f"{name} undecided"
        for name, one in (("cone", check.cone), ("V$_R$", check.valley))
        if one is not None
    ]
    axes.set_title(f"{words}: " + ", ".join(shares) if shares else words, fontsize=9)
    axes.set_xlabel(view.names[0], fontsize=8)
    axes.set_ylabel(view.names[1], fontsize=8)
    axes.tick_params(labelsize=7)
    # Beside the title, which it would run into.
    axes.yaxis.get_offset_text().set(x=-0.14, fontsize=7)
    axes.xaxis.get_offset_text().set_fontsize(7)
    if not len(x):
        axes.text(0.5, 0.5, "no points", transform=axes.transAxes, ha="center")
        return None
    seen = view.of(x)
    centre = view.of(np.zeros(len(check.x_min)))
    box = view.box(seen, centre)
    if view.flat:
        # Heights above the minimum, which have digits however near it.
        draw_landscape(
            axes, lambda at: check.g(view.offset(at)), box, [0.0], levels=18, resolution=160
        )
        if check.valley_of is not None:
            _shade_valley(axes, check, view, box)
    if check.talweg is not None:
        line = view.of(_fine(check, box))
        axes.plot(
            line[:, 0],
            line[:, 1],
            color=LINES["talweg"]["edgecolor"],
            linewidth=1.8,
            zorder=4,
            label="talweg",
        )
    weight = (logs - np.log(np.mean(np.exp(logs - logs.max()))) - logs.max()) / np.log(10.0)
    # The heaviest on top.
    order = np.argsort(weight)
    shown = axes.scatter(
        seen[order, 0],
        seen[order, 1],
        c=weight[order],
        cmap="plasma_r",
        vmin=-1.5,
        vmax=1.5,
        s=5.0,
        linewidths=0,
        zorder=5,
        rasterized=True,
    )
    axes.plot(*centre, zorder=7, label="minimum", **CRITICAL_POINTS["minimum"], **EDGE)
    axes.locator_params(nbins=5)
    axes.set_xlim(*box[0])
    axes.set_ylim(*box[1])
    return shown


def _fine(check: VolumeCheck, box: Any) -> Any:
    """Offsets of the talweg's points, more of them next to the minimum where a frame is small."""
    curve = check.talweg
    nodes = curve.x - check.x_min
    i = int(np.linalg.norm(nodes, axis=1).argmin())
    nodes[i] = 0.0
    size = float((box[:, 1] - box[:, 0]).max())
    t = np.geomspace(min(0.01 * size, 0.5), 1.0, 60)[:, None]
    before = [nodes[:i], t[::-1] * nodes[i - 1]] if i else []
    after = [t * nodes[i + 1], nodes[i + 1 :]] if i + 1 < len(nodes) else []
    return np.concatenate([*before, nodes[i : i + 1], *after])


def _shade_valley(axes: Any, check: VolumeCheck, view: _View, box: Any) -> None:
    s, t = (np.linspace(side[0], side[1], 200) for side in box)
    grid = np.stack(np.meshgrid(s, t), axis=-1).reshape(-1, 2)
    ratio = check.membership.slope_ratio(view.offset(grid)).reshape(200, 200)
    # A boundary interpolated towards an infinite ratio would be drawn nowhere.
    finite = np.ma.masked_invalid(np.minimum(ratio, 1e3 * check.ratio))
    if finite.count() and finite.min() <= check.ratio:
        filled = axes.contourf(
            s, t, finite, [0.0, check.ratio], colors=[_VALLEY], alpha=0.45, zorder=2
        )
        filled.set_rasterized(True)
        axes.fill([], [], color=_VALLEY, alpha=0.45, label=f"valley V$_R$, R = {check.ratio:g}")
