"""Pictures of directional alignment: how angles fall, and how fast they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.plot.style import load_pyplot

if TYPE_CHECKING:
    from talweg.checks import AlignmentCheck

__all__ = ["draw_alignment"]

_BLUE, _RED = "#0072B2", "#D55E00"


def draw_alignment(check: AlignmentCheck, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw the sines of an ensemble's angles against time or steps, and the predicted slope.

    The line is the median over trajectories, the dark band their middle half, the pale one all of
    them. The predicted rate is drawn through the median at the end of the window.

    Parameters
    ----------
    check : talweg.checks.AlignmentCheck
        What to draw.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.
    title : str, optional
        Above the picture; by default the verdict.

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
    >>> import talweg
    >>> f = talweg.models.normal_form([1.0, 3.0], {(0, 0, 1): 0.5})
    >>> figure = talweg.checks.alignment(f, [0.0, 0.0]).plot()
    >>> figure.axes[0].get_xlabel()
    'time'
    """
    with np.errstate(invalid="ignore"):
        seen = np.isfinite(check.sine) & (check.sine > 0.0)
    rows = np.flatnonzero(seen.sum(axis=1) >= max(1, seen.shape[1] // 2))
    if not rows.size:
        raise ValueError("check: no angle above 0 was recorded, so there is nothing to draw")
    if axes is None:
        figure, axes = load_pyplot().subplots(figsize=(6.4, 4.2), layout="constrained")
    else:
        figure = axes.figure
    unit = 1.0 if check.step_length is None else check.step_length
    at = check.times[rows] / unit
    sines = np.where(seen, check.sine, np.nan)[rows]
    levels = np.nanquantile(sines, [0.0, 0.25, 0.5, 0.75, 1.0], axis=1)
    axes.fill_between(at, levels[0], levels[4], color=_BLUE, alpha=0.15, linewidth=0)
    axes.fill_between(at, levels[1], levels[3], color=_BLUE, alpha=0.3, linewidth=0)
    axes.plot(at, levels[2], color=_BLUE, label="median of the ensemble")
    start, end = (time / unit for time in check.window)
    if np.isfinite([start, end]).all():
        axes.axvspan(
            start, end, color="#6b7780", alpha=0.12, linewidth=0, label="window of the fit"
        )
    rate = check.predicted.rate * unit
    if np.isfinite(rate) and rate > 0.0:
        last = end if np.isfinite(end) else at[-1]
        anchor = float(np.interp(last, at, np.log(levels[2])))
        letter = "t" if check.step_length is None else "k"
        power = f"exp(-{rate:.4g} t)" if check.step_length is None else f"{np.exp(-rate):.5g}$^k$"
        label = f"predicted, {f'{letter} times ' if check.predicted.logarithmic else ''}{power}"
        first = at[0] if not check.predicted.logarithmic else max(at[0], 0.02 * last)
        line = np.linspace(first, at[-1], 200)
        logs = anchor - rate * (line - last)
        if check.predicted.logarithmic:
            logs = logs + np.log(line / last)
        inside = logs < np.log(3.0)
        axes.plot(line[inside], np.exp(logs[inside]), color=_RED, linestyle="--", label=label)
    axes.set_yscale("log")
    axes.set_ylim(float(np.nanmin(levels[2])) / 10.0, 3.0)
    axes.set_xlim(at[0], at[-1])
    axes.set_xlabel("time" if check.step_length is None else "step k")
    branch = check.predicted.dominant_branch
    axes.set_ylabel("sine of the angle" + ("" if branch is None else f" with direction {branch}"))
    axes.legend(frameon=False, fontsize="small", loc="lower left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(_title(check) if title is None else title, fontsize="medium")
    return figure


def _title(check: AlignmentCheck) -> str:
    if check.predicted.mechanism == "none":
        return f"{check.verdict}: no direction should win"
    if not np.isfinite(check.measured):
        return check.verdict
    if check.step_length is None:
        return f"{check.verdict}: rate {check.measured:.7g}, predicted {check.predicted.rate:.7g}"
    return (
        f"{check.verdict}: factor {check.measured_factor:.7g} a step, predicted "
        f"{check.predicted.factor:.7g}"
    )
