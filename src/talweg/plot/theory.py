"""Pictures of a report on minima: multipliers against step lengths, curves next to minima, runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from talweg.plot.landscape import draw_landscape
from talweg.plot.style import CRITICAL_POINTS, EDGE, load_pyplot
from talweg.reports.minimum import TheoryOfMinimum
from talweg.reports.theory import TheoryReport
from talweg.theory.arguments import distinct
from talweg.theory.multipliers import moduli

__all__ = ["draw_angles", "draw_curves", "draw_steps", "draw_theory"]

_TALWEG, _TRAJECTORIES, _STIFF, _MEASURED = "#0072B2", "#D55E00", "#009E73", "#000000"
#: Most minima that get pictures of their own.
_MOST_MINIMA = 6


def draw_theory(report: TheoryReport) -> dict[str, Any]:
    """Figures by name: see `talweg.reports.TheoryReport.plots`."""
    # All are handed over at once: more than the twenty from which on pyplot warns.
    with load_pyplot().rc_context({"figure.max_open_warning": 0}):
        return _figures(report)


def _figures(report: TheoryReport) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for i, one in enumerate(report.minima[:_MOST_MINIMA]):
        if distinct(one.curves.eigenvalues)[1] is None:
            continue
        figures[f"minimum-{i}-steps"] = draw_steps(one, title=f"Minimum {i}")
        if report.f is not None:
            figures[f"minimum-{i}-curves"] = draw_curves(report.f, one, title=f"Minimum {i}")
        if one.alignments:
            figures[f"minimum-{i}-angles"] = draw_angles(one, title=f"Minimum {i}")
        if one.concentration is not None:
            name = f"Minimum {i}: gradient flow"
            figures[f"minimum-{i}-volume"] = one.concentration.plot(title=name)
            # A film takes longer to draw than everything else: one of the lowest minimum.
            if i == 0:
                figures[f"minimum-{i}-film"] = one.concentration.film_strip(title=name)
    return figures


def draw_steps(one: TheoryOfMinimum, axes: Any = None, title: str | None = None) -> Any:
    """Factors of one step along eigenvectors and of the sine, against the step length."""
    pyplot = load_pyplot()
    if axes is None:
        _, axes = pyplot.subplots(figsize=(7.2, 4.4), layout="constrained")
    bounds, values = one.bounds, one.curves.eigenvalues
    s = np.linspace(0.0, 1.02 * bounds.stability, 1200)
    mu = np.abs(1.0 - s[:, None] * values)
    for j in range(1, len(values) - 1):
        label = "directions between" if j == 1 else None
        axes.plot(s, mu[:, j], color="#b0b0b0", linewidth=0.7, label=label)
    axes.plot(s, mu[:, 0], color=_TALWEG, linewidth=1.4, label=r"$|\mu|$ of direction 0")
    axes.plot(
        s, mu[:, -1], color=_STIFF, linewidth=1.4, label=rf"$|\mu|$ of direction {len(values) - 1}"
    )
    axes.plot(
        s, _sine_factor(one, s), color=_TRAJECTORIES, linewidth=2.2, label="factor of the sine"
    )
    measured = [
        m
        for m in one.measurements
        if m.quantity == "factor of the sine" and m.momentum == 0.0 and np.isfinite(m.measured)
    ]
    if measured:
        axes.errorbar(
            [m.step_length for m in measured],
            [m.measured for m in measured],
            yerr=[3.0 * m.error for m in measured],
            fmt="o",
            markersize=5.0,
            color=_MEASURED,
            capsize=3.0,
            zorder=6,
            label="measured, with 3 errors",
        )
    for at, text in (
        (bounds.alignment, "sharp bound"),
        (bounds.best_alignment, "aligns fastest"),
        (bounds.stability, "stable below"),
    ):
        axes.axvline(at, color="#444444", linewidth=0.8, linestyle="--")
        axes.annotate(
            text,
            (at, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            rotation=30,
            ha="left",
            va="bottom",
            fontsize=7.5,
        )
    resonant = [t.step_length for t in one.resonant_steps if t.derivative]
    if resonant:
        axes.plot(
            resonant, np.zeros(len(resonant)), "|", color="#CC79A7", markersize=12, label="resonant"
        )
    axes.set_xlim(0.0, s[-1])
    axes.set_ylim(0.0, 1.12)
    axes.set_xlabel("step length")
    axes.set_ylabel("factor of one step")
    axes.legend(fontsize=7.5, loc="lower left", framealpha=0.9)
    if title:
        axes.set_title(title, loc="left", pad=28)
    return axes.figure


def _sine_factor(one: TheoryOfMinimum, s: Any) -> Any:
    """How much a step shrinks the sine of the angle with the direction that wins."""
    values = one.curves.eigenvalues
    mu = np.asarray(moduli(values, s[:, None]))
    winner = mu.argmax(axis=1)
    rows = np.arange(len(s))
    best = mu[rows, winner]
    apart = np.abs(values[None] - values[winner][:, None]) > 1e-12 * values[-1]
    second = np.where(apart, mu, 0.0).max(axis=1)
    factor = second / np.maximum(best, 1e-300)
    stiff = np.delete(one.stiff_forcing, -1)
    forced_above = np.abs(stiff).max(initial=0.0) > 1e-9 * max(
        np.abs(one.stiff_forcing).max(), 1e-300
    )
    power = np.where(winner == 0, one.forcing or np.inf, 1.0 if forced_above else np.inf)
    return np.maximum(factor, np.where(np.isfinite(power), best**power, 0.0))


def draw_curves(f: Any, one: TheoryOfMinimum, axes: Any = None, title: str | None = None) -> Any:
    """Trajectories of the flow into a minimum, the curve that they follow, and the talweg."""
    from talweg.gradient_flow import flow

    pyplot = load_pyplot()
    if axes is None:
        _, axes = pyplot.subplots(figsize=(6.0, 5.4), layout="constrained")
    curves = one.curves
    values, vectors, x = curves.eigenvalues, curves.eigenvectors, curves.x_min
    # The direction into which both curves bend most differently.
    apart = np.nan_to_num(np.abs(curves.invariant - curves.extremal), nan=np.inf)
    j = int(np.argmax(apart[1:])) + 1 if apart[1:].any() else len(values) - 1
    bend = max(
        (abs(c) for c in (curves.invariant[j], curves.extremal[j]) if np.isfinite(c)), default=0.0
    )
    strength = max(
        float(np.linalg.norm(vectors.T @ (f.third(x, v) @ v)))
        for v in (vectors[:, 0], vectors[:, j])
    )
    reach = 0.7 * values[0] / strength if strength > 0.0 else 0.5
    if bend > 0.0:
        reach = max(reach, min(0.25 / bend, 3.0 * reach))
    basis = vectors[:, [0, j]]
    box = np.array([[-reach, reach], [-reach, reach]])
    draw_landscape(axes, lambda y: f(x + y @ basis.T), box, [float(f(x))], 24)
    angle = 2.0 * np.pi * (np.arange(28) + 0.5) / 28
    circle = 0.97 * reach * np.column_stack([np.cos(angle), np.sin(angle)])
    times = np.r_[0.0, np.geomspace(1e-3 / values[-1], 12.0 / values[0], 160)]
    paths = (flow(f, x + circle @ basis.T, times).x - x) @ basis
    for lane in range(paths.shape[1]):
        label = "trajectories of the flow" if lane == 0 else None
        axes.plot(*paths[:, lane].T, color="#555555", linewidth=0.7, zorder=3, label=label)
    t = np.linspace(-reach, reach, 301)
    for which, colour, style, label in (
        ("extremal", _TALWEG, "-", "talweg, to second order"),
        ("invariant", _TRAJECTORIES, "--", "curve that they follow, to second order"),
    ):
        coefficient = getattr(curves, which)[j]
        if np.isfinite(coefficient):
            axes.plot(
                t, coefficient * t**2, style, color=colour, linewidth=2.0, zorder=4, label=label
            )
    axes.plot(0.0, 0.0, zorder=6, **CRITICAL_POINTS["minimum"], **EDGE)
    axes.set_xlim(*box[0])
    axes.set_ylim(*box[1])
    axes.set_aspect("equal")
    axes.set_xlabel("along eigenvector 0")
    axes.set_ylabel(f"along eigenvector {j}")
    axes.legend(fontsize=7.5, loc="lower left", framealpha=0.9)
    if title:
        axes.set_title(title)
    return axes.figure


def draw_angles(one: TheoryOfMinimum, title: str | None = None) -> Any:
    """Sines of angles with the direction that wins, run by run, and the predicted slopes."""
    pyplot = load_pyplot()
    checks = one.alignments
    names = [m.method for m in one.measurements if m.quantity.endswith("of the sine")]
    columns = min(3, len(checks))
    rows = -(-len(checks) // columns)
    width, height = 3.9 * columns, 2.9 * rows + 0.4
    figure, panels = pyplot.subplots(rows, columns, figsize=(width, height), squeeze=False)
    # Fixed, as finding room for so many ticks takes a second.
    figure.subplots_adjust(
        left=0.65 / width,
        right=1.0 - 0.15 / width,
        bottom=0.5 / height,
        top=1.0 - 0.65 / height,
        wspace=0.22,
        hspace=0.42,
    )
    for panel in panels.ravel()[len(checks) :]:
        panel.set_axis_off()
    for panel, check, name in zip(panels.ravel(), checks, names):
        unit = 1.0 if check.step_length is None else check.step_length
        sine = np.where(check.sine > 0.0, check.sine, np.nan)
        steps = check.times / unit
        panel.plot(steps, sine, color="#777777", linewidth=0.6)
        panel.plot([], [], color="#777777", linewidth=0.6, label="runs")
        if np.isfinite(check.window).all():
            panel.axvspan(
                *(at / unit for at in check.window), color="#56B4E9", alpha=0.18, label="window"
            )
            anchor = int(np.argmin(np.abs(check.times - check.window[0])))
            t = check.times[(check.times >= check.window[0]) & (check.times <= check.window[1])]
            with np.errstate(invalid="ignore"):
                level = np.exp(np.nanmean(np.log(sine[anchor])))
            line = level * np.exp(-check.predicted.rate * (t - check.times[anchor]))
            panel.plot(t / unit, line, color=_TRAJECTORIES, linewidth=1.8, label="predicted slope")
        panel.set_yscale("log")
        finite = sine[np.isfinite(sine)]
        if finite.size:
            panel.set_ylim(max(float(finite.min()), 1e-18) / 3.0, 3.0)
        panel.set_title(f"{name}: {check.verdict}", fontsize=8.0)
        panel.set_xlabel("time" if check.step_length is None else "steps", fontsize=8.0)
        panel.tick_params(labelsize=7.0)
        panel.legend(fontsize=6.5, loc="upper right")
    for row in panels:
        row[0].set_ylabel("sine of the angle", fontsize=8.0)
    if title:
        figure.suptitle(title)
    return figure
