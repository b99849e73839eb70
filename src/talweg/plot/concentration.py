"""Pictures of checks of volume: shares of the image, and volume against prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.plot.style import load_pyplot

if TYPE_CHECKING:
    from talweg.checks.shares import Concentration
    from talweg.checks.volume_result import VolumeCheck

__all__ = ["draw_concentration"]

_CONE, _VALLEY, _MEASURED, _PREDICTED = "#0072B2", "#009E73", "#0072B2", "#D55E00"


def draw_concentration(check: VolumeCheck, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw shares and volumes against time: see `talweg.checks.VolumeCheck.plot`."""
    if axes is None:
        pyplot = load_pyplot()
        if check.cone is None and check.valley is None:
            figure, only = pyplot.subplots(figsize=(5.0, 3.8), layout="constrained")
            axes = (None, None, only)
        else:
            figure, axes = pyplot.subplots(1, 3, figsize=(12.0, 3.8), layout="constrained")
    elif len(axes) != 3:
        raise ValueError(f"axes: want three, got {len(axes)}")
    share, outside, volume = axes
    figure = volume.figure
    t = np.asarray(check.times, dtype=float)
    if share is not None:
        sets = ((check.cone, "cone", _CONE, "-"), (check.valley, "valley", _VALLEY, "--"))
        for one, name, colour, dash in sets:
            if one is not None:
                _draw_share(share, outside, t, one, name, colour, dash)
        _draw_decay(outside, check)
        share.set_ylim(-0.03, 1.03)
        share.set_ylabel("share of the image's volume inside")
        outside.set_ylabel("share outside")
        outside.set_yscale("log")
        for one in (share, outside):
            one.set_xlabel(_time(check))
            if one.get_legend_handles_labels()[0]:
                one.legend(fontsize=8, loc="best")
    _draw_volume(volume, t, check)
    if title:
        figure.suptitle(title)
    return figure


def _time(check: VolumeCheck) -> str:
    return "time" if check.step_length is None else "steps"


def _draw_share(
    share: Any, outside: Any, t: Any, one: Concentration, name: str, colour: str, dash: str
) -> None:
    parameter = f"R = {one.parameter:g}" if name == "valley" else rf"$\epsilon$ = {one.parameter:g}"
    label = f"{name}, {parameter}"
    low, high = np.clip(one.share - one.error, 0, 1), np.clip(one.share + one.error, 0, 1)
    share.fill_between(t, low, high, color=colour, alpha=0.25, linewidth=0)
    share.plot(t, one.share, color=colour, linestyle=dash, label=label)
    seen = one.outside > 0
    if seen.any():
        middle = np.where(seen, one.outside, np.nan)
        # A band that reaches down to nothing would take all of a logarithmic scale.
        low = np.maximum(middle - one.error, middle / 4)
        outside.fill_between(t, low, middle + one.error, color=colour, alpha=0.25, linewidth=0)
        outside.plot(t, middle, color=colour, linestyle=dash, label=label)


def _draw_decay(axes: Any, check: VolumeCheck) -> None:
    """The predicted slope, through the middle of the window where it was measured."""
    decay, cone = check.decay, check.cone
    if decay.window is None or cone is None:
        return
    t = np.asarray(check.times, dtype=float)
    within = (t >= decay.window[0]) & (t <= decay.window[1]) & (cone.outside > 0)
    if not within.any():
        return
    centre = t[within].mean()
    height = np.log(cone.outside[within]).mean()
    ends = np.array(decay.window)
    axes.plot(
        ends,
        1.6 * np.exp(height + decay.predicted * (ends - centre)),
        color=_PREDICTED,
        linestyle=":",
        linewidth=2.0,
        label=f"predicted slope {decay.predicted:.4g}\n"
        f"(measured {decay.measured:.4g} ± {decay.error:.1g})",
    )


def _draw_volume(axes: Any, t: Any, check: VolumeCheck) -> None:
    if np.isfinite(check.predicted):
        unit = "unit of time" if check.step_length is None else "step"
        axes.plot(
            t,
            check.predicted_log_volume,
            color=_PREDICTED,
            alpha=0.45,
            linewidth=5.0,
            solid_capstyle="butt",
            label=f"predicted, {check.predicted:.4g} a {unit}",
        )
    mean, error = check.mean_log_volume, check.mean_log_volume_error
    axes.fill_between(t, mean - error, mean + error, color=_MEASURED, alpha=0.25, linewidth=0)
    axes.plot(t, mean, color=_MEASURED, label="mean of log volume ratios")
    finite = np.where(np.isfinite(check.log_mean_volume), check.log_mean_volume, np.nan)
    axes.plot(
        t, finite, color=_VALLEY, linestyle="--", label="log of their mean: the image's volume"
    )
    axes.set_xlabel(_time(check))
    axes.set_ylabel("log volume ratio")
    axes.legend(fontsize=8, loc="best")
