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
    view = _View(check)
    shown = None
    for axes, k in zip(grid.ravel(), places):
        shown = _draw_frame(axes, check, view, k, points) or shown
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
    """The plane of the picture and how wide each frame is."""

    def __init__(self, check: VolumeCheck) -> None:
        n = check.cloud.shape[2]
        self.flat = n == 2
        if self.flat:
            self.origin, self.basis = np.zeros(2), np.eye(2)
            self.names = ("$x_1$", "$x_2$")
        else:
            self.origin = check.x_min
            if n == 1:
                self.basis = np.eye(1, 2)
                self.names = ("x - x$_{min}$", "")
            else:
                self.basis = check.eigenvectors[:, :2]
                self.names = ("along eigenvector 0", "along eigenvector 1")

    def of(self, x: Any) -> Any:
        return (x - self.origin) @ self.basis

    def box(self, x: Any, centre: Any) -> Any:
        """Around the bulk of the points and the minimum, square, a tenth wider."""
        rows = np.concatenate([x, centre[None]])
        low, high = np.quantile(rows, [0.0, 1.0], axis=0)
        low, high = np.minimum(low, centre), np.maximum(high, centre)
        half = 0.56 * np.maximum(high - low, 0.35 * (high - low).max())
        half = np.maximum(half, 1e-12 * (1.0 + np.abs(centre)))
        middle = (low + high) / 2
        return np.stack([middle - half, middle + half], axis=1)


def _draw_frame(axes: Any, check: VolumeCheck, view: _View, k: int, points: int) -> Any:
    x, logs = check.cloud[k][:points], check.cloud_log_volume[k][:points]
    alive = np.isfinite(x).all(axis=1) & np.isfinite(logs)
    x, logs = x[alive], logs[alive]
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
    if not len(x):
        axes.text(0.5, 0.5, "no points", transform=axes.transAxes, ha="center")
        return None
    seen = view.of(x)
    centre = view.of(check.x_min)
    box = view.box(seen, centre)
    if view.flat:
        draw_landscape(axes, check.f, box, [float(check.f(check.x_min))], levels=18, resolution=160)
        if check.valley_of is not None:
            _shade_valley(axes, check, box)
    if check.talweg is not None:
        line = view.of(check.talweg.x)
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


def _shade_valley(axes: Any, check: VolumeCheck, box: Any) -> None:
    from talweg.valleys import slope_ratio

    s, t = (np.linspace(side[0], side[1], 160) for side in box)
    grid = np.stack(np.meshgrid(s, t), axis=-1).reshape(-1, 2)
    ratio = slope_ratio(check.valley_of, grid).ratio.reshape(160, 160)
    finite = np.ma.masked_invalid(np.minimum(ratio, 1e3 * check.ratio))
    if finite.count():
        filled = axes.contourf(
            s, t, finite, [0.0, check.ratio], colors=[_VALLEY], alpha=0.45, zorder=2
        )
        filled.set_rasterized(True)
        axes.fill([], [], color=_VALLEY, alpha=0.45, label=f"valley V$_R$, R = {check.ratio:g}")
