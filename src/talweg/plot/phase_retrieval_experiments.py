"""Pictures of experiments with phase retrieval."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.plot.style import load_pyplot

if TYPE_CHECKING:
    from talweg.phase_retrieval.experiments.spectra import Spectra
    from talweg.phase_retrieval.experiments.success_rates import SuccessRates
    from talweg.phase_retrieval.experiments.threshold_curves import Thresholds
    from talweg.phase_retrieval.experiments.tracks import Track

__all__ = [
    "draw_late_law",
    "draw_spectra",
    "draw_success",
    "draw_t_bbp",
    "draw_thresholds",
    "draw_track",
]

#: Okabe and Ito's colours, those that are dark enough for thin lines first.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (5, 1.5, 1, 1.5)))
_MEASURED, _EDGE, _OUTLIER = _COLOURS[0], "#555555", _COLOURS[1]


def _panels(axes: Any, rows: int, columns: int, size: tuple[float, float], **options: Any) -> Any:
    """The figure and its axes as an array (rows, columns)."""
    if axes is None:
        return load_pyplot().subplots(
            rows, columns, figsize=size, layout="constrained", squeeze=False, **options
        )
    panels = np.atleast_1d(np.asarray(axes, dtype=object))
    if panels.size != rows * columns:
        raise ValueError(f"axes: want {rows} x {columns} of them, got {panels.size}")
    panels = panels.reshape(rows, columns)
    return panels[0, 0].figure, panels


def _loss_name(a: float | None) -> str:
    return "plain loss" if a is None or np.isinf(a) else f"a = {a:g}"


def draw_success(rates: SuccessRates, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw success rates: see `talweg.phase_retrieval.experiments.SuccessRates.plot`."""
    figure, panels = _panels(axes, 1, 2, (10.4, 4.2), width_ratios=[1.5, 1])
    left, right = panels[0]
    kinds, sizes = list(rates.start), list(rates.N)
    span = rates.alpha[-1] - rates.alpha[0]
    fine = np.linspace(rates.alpha[0], rates.alpha[-1], 300)
    for i, kind in enumerate(kinds):
        for j, size in enumerate(sizes):
            known = rates.runs[i, j] > 0
            rate = rates.rate[i, j, known]
            # Error bars of several sizes at one alpha would lie on one another.
            shift = 0.012 * span * (j - (len(sizes) - 1) / 2)
            bars = np.array([rate - rates.low[i, j, known], rates.high[i, j, known] - rate])
            colour = _COLOURS[j % len(_COLOURS)]
            label = f"N = {size}" + (f", {kind}" if len(kinds) > 1 else "")
            left.errorbar(
                rates.alpha[known] + shift,
                rate,
                yerr=np.clip(bars, 0.0, None),
                color=colour,
                marker=_MARKERS[i % len(_MARKERS)],
                markersize=4.5,
                markerfacecolor=colour if i == 0 else "white",
                linestyle="none",
                elinewidth=1.0,
                capsize=2.0,
                label=label,
            )
            middle = rates.half_alpha[i, j]
            slope = rates.half_slope[i, j]
            if np.isfinite(middle):
                with np.errstate(over="ignore"):
                    curve = 1.0 / (1.0 + np.exp(-slope * (fine - middle)))
                left.plot(fine, curve, color=colour, linewidth=1.1, linestyle=_DASHES[i % 4])
    left.axhline(0.5, color="#999999", linewidth=0.7, zorder=0)
    left.set(xlabel=r"$\alpha = M/N$", ylabel="share of runs that find the signal")
    left.set_ylim(-0.03, 1.03)
    if len(kinds) * len(sizes) <= 4:
        left.legend(fontsize="small", frameon=False)
    else:
        handles, labels = left.get_legend_handles_labels()
        columns = len(kinds) if len(kinds) > 1 else 4
        place = "outside lower center"
        figure.legend(handles, labels, loc=place, ncols=columns, fontsize="small", frameon=False)
    _half_success(right, rates)
    note = _loss_name(rates.parameters.get("a"))
    time = rates.parameters.get("horizon")
    left.set_title(title or f"{note}, until t = {time:g}", fontsize="medium")
    return figure


def _half_success(panel: Any, rates: SuccessRates) -> None:
    kinds, sizes = list(rates.start), rates.N.astype(float)
    drawn = False
    for i, kind in enumerate(kinds):
        known = np.isfinite(rates.half_alpha[i])
        if not known.any():
            continue
        drawn = True
        fit = rates.half_success(kind)
        label = kind
        if np.isfinite(fit.drift):
            fine = np.geomspace(sizes.min(), sizes.max(), 50)
            panel.plot(fine, fit.at(fine), color="#555555", linewidth=1.1, linestyle=_DASHES[i % 4])
            label += f"\ndrift {fit.drift:.2f} ± {fit.drift_error:.2f} per unit of ln N"
        panel.errorbar(
            sizes[known],
            rates.half_alpha[i, known],
            yerr=rates.half_error[i, known],
            color=_COLOURS[i % len(_COLOURS)],
            marker=_MARKERS[i % len(_MARKERS)],
            markersize=5,
            linestyle="none",
            capsize=2.0,
            label=label,
        )
    panel.set_xscale("log", base=2)
    panel.set_xticks(sizes, [str(size) for size in rates.N])
    panel.minorticks_off()
    if sizes.size > 1:
        margin = (sizes[-1] / sizes[0]) ** 0.08
        panel.set_xlim(sizes[0] / margin, sizes[-1] * margin)
    panel.set(xlabel="N", ylabel=r"$\alpha$ of half success")
    panel.set_title("one standard error", fontsize="medium")
    if drawn:
        low, high = panel.get_ylim()
        panel.set_ylim(low, high + 0.18 * len(kinds) * (high - low))
        panel.legend(fontsize="small", frameon=False, loc="upper left")
    else:
        panel.text(0.5, 0.5, "rates do not tell", transform=panel.transAxes, ha="center")


def draw_track(track: Track, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw curvature along descents: see `talweg.phase_retrieval.experiments.Track.plot`."""
    count = len(track.alpha)
    size = (max(4.6, 3.1 * count + 0.6), 5.6)
    figure, panels = _panels(axes, 2, count, size, sharex="col")
    for i, alpha in enumerate(track.alpha):
        upper, lower = panels[:, i]
        # A logarithmic axis has no room for the start.
        later = track.time > 0
        time = track.time[later]
        for run in track.run:
            first = run == track.run[0]
            _line(upper, time, track.eigenvalue[i, run, later], _MEASURED, "-", first, "smallest")
            _line(upper, time, track.edge[i, run, later], _EDGE, _DASHES[1], first, "edge")
            _line(upper, time, track.outlier[i, run, later], _OUTLIER, _DASHES[2], first, "outlier")
            measured = track.eigenvector_overlap[i, run, later]
            _line(lower, time, measured, _MEASURED, "-", first, "measured")
            theory = track.outlier_overlap[i, run, later]
            _line(lower, time, theory, _OUTLIER, _DASHES[2], first, "predicted")
            square = track.overlap[i, run, later] ** 2
            _line(lower, time, square, _COLOURS[2], _DASHES[3], first, "of the iterate, $m^2$")
        mean = track.t_bbp_mean[i]
        for panel in (upper, lower):
            panel.set_xscale("log")
            if np.isfinite(mean):
                panel.axvline(mean, color="black", linewidth=0.9, zorder=0)
        name = rf"$\alpha$ = {alpha:g}"
        if np.isfinite(mean):
            spread = track.t_bbp_spread[i]
            name += f", $t_{{BBP}}$ = {mean:.2g}"
            name += f" ({spread:.2g})" if np.isfinite(spread) else ""
        upper.set_title(name, fontsize="medium")
        lower.set_xlabel("t")
        lower.set_ylim(bottom=0.0)
    panels[0, 0].set_ylabel("eigenvalues of D")
    panels[1, 0].set_ylabel("squared overlap with the signal")
    panels[0, 0].legend(fontsize="small", frameon=False)
    # The curves fall from the left and rise to the right: room is made above them.
    panels[1, 0].set_ylim(top=1.35 * panels[1, 0].get_ylim()[1])
    panels[1, 0].legend(fontsize="small", frameon=False)
    note = f"N = {track.parameters['N']}, {_loss_name(track.parameters.get('a'))}"
    if len(track.run) > 1:
        note += "; thin lines: further runs"
    note += "; black: mean $t_{BBP}$ (spread over runs)"
    figure.suptitle(title or note, fontsize="medium")
    return figure


def _line(panel: Any, x: Any, y: Any, colour: str, dash: Any, named: bool, label: str) -> None:
    panel.plot(
        x,
        y,
        color=colour,
        linestyle=dash,
        linewidth=1.3 if named else 0.8,
        alpha=1.0 if named else 0.6,
        label=label if named else None,
    )


def draw_t_bbp(track: Track, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw when the outlier is lost against alpha."""
    figure, panels = _panels(axes, 1, 1, (5.2, 3.9))
    panel = panels[0, 0]
    for run in track.run:
        panel.plot(
            track.alpha,
            track.t_bbp[:, run],
            color="#999999",
            marker=".",
            markersize=4,
            linestyle="none",
            label="runs" if run == track.run[0] else None,
        )
    spread = np.nan_to_num(track.t_bbp_spread)
    panel.errorbar(
        track.alpha,
        track.t_bbp_mean,
        # On a logarithmic axis a bar must end above 0.
        yerr=[np.minimum(spread, 0.9 * np.nan_to_num(track.t_bbp_mean)), spread],
        color=_MEASURED,
        marker="o",
        markersize=5,
        linewidth=1.0,
        capsize=2.0,
        label="mean and spread",
    )
    panel.set_yscale("log")
    _plain_ticks(panel.yaxis)
    _without_crossing(panel, track)
    panel.set(xlabel=r"$\alpha = M/N$", ylabel=r"$t_{BBP}$")
    if not np.isfinite(track.t_bbp).any():
        panel.text(0.5, 0.5, "no run loses an outlier", transform=panel.transAxes, ha="center")
        panel.set_yticks([])
    handles = dict(zip(*reversed(panel.get_legend_handles_labels())))
    if not np.isfinite(track.t_bbp).any():
        handles = {label: mark for label, mark in handles.items() if label.startswith("runs ")}
    if handles:
        panel.legend(handles.values(), handles, fontsize="small", frameon=False, loc="best")
    note = f"N = {track.parameters['N']}, {_loss_name(track.parameters.get('a'))}"
    panel.set_title(title or note, fontsize="medium")
    return figure


def _without_crossing(panel: Any, track: Track) -> None:
    """How many runs have no t_BBP, at the top where R stays above 1 and below where it begins so."""
    cases = track.t_bbp_case
    kept = ((cases == "above") | (cases == "ended")).sum(axis=1)
    late, early = "runs that keep R > 1, how many", "runs with R < 1 from the start, how many"
    # Room for the marks: they are no times.
    panel.margins(x=0.08, y=0.12)
    for count, height, marker, label in (
        (kept, 0.955, "^", late),
        ((cases == "below").sum(axis=1), 0.045, "v", early),
    ):
        some = count > 0
        if not some.any():
            continue
        across = panel.get_xaxis_transform()
        panel.plot(
            track.alpha[some],
            np.full(some.sum(), height),
            transform=across,
            color="#555555",
            marker=marker,
            markerfacecolor="none",
            markersize=5,
            linestyle="none",
            label=label,
        )
        for x, number in zip(track.alpha[some], count[some]):
            panel.annotate(
                str(number),
                (x, height),
                xycoords=across,
                xytext=(5, 0),
                textcoords="offset points",
                fontsize="x-small",
                color="#555555",
                va="center",
            )


def _plain_ticks(axis: Any) -> None:
    """1, 2 and 5 of each decade, as plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def draw_late_law(
    track: Track, axes: Any = None, *, title: str | None = None, overlap: float = 0.5
) -> Any:
    """Draw the law of (lambda, u) at the end beside that of the 1RSB threshold states.

    One panel for each ratio: medians and central 80 % of |lambda| in classes of |u|. Runs that end
    with a larger overlap than `overlap` have found the signal and are left out.
    """
    from talweg.phase_retrieval.thresholds import threshold_law

    count = len(track.alpha)
    figure, panels = _panels(axes, 1, count, (max(4.6, 2.9 * count + 0.6), 3.4), sharey=True)
    for i, (panel, alpha) in enumerate(zip(panels[0], track.alpha)):
        panel.set_title(rf"$\alpha$ = {alpha:g}", fontsize="medium")
        panel.set_xlabel("|u|")
        lam, u = _late_samples(track, i, overlap)
        if lam.size:
            panel.plot(u, lam, ".", color="#56B4E9", markersize=1.2, alpha=0.5, rasterized=True)
            _quantiles(panel, u, lam, np.ones(u.size), _MEASURED, "-", "descent")
        else:
            panel.text(0.5, 0.95, "signal found", transform=panel.transAxes, ha="center", va="top")
        try:
            law = threshold_law(track.parameters["a"], float(alpha))
        except ArithmeticError:
            panel.text(0.97, 0.03, "no 1RSB state", transform=panel.transAxes, ha="right")
        else:
            _quantiles(
                panel,
                np.abs(law.u),
                np.abs(law.lam),
                law.probability,
                _OUTLIER,
                _DASHES[1],
                "1RSB prediction",
            )
        panel.plot([0.0, 3.0], [0.0, 3.0], color="#999999", linewidth=0.7, zorder=0)
        panel.set(xlim=(0.0, 3.0), ylim=(0.0, 3.4))
    panels[0, 0].set_ylabel(r"$|\lambda|$")
    handles: dict[str, Any] = {}
    for panel in panels.ravel():
        for handle, label in zip(*panel.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=2, frameon=False)
    time = track.time[-1]
    note = f"N = {track.parameters['N']}, {_loss_name(track.parameters.get('a'))}, t = {time:g}"
    figure.suptitle(title or f"{note}: 10, 50 and 90 % of |λ| at |u|", fontsize="medium")
    return figure


def _late_samples(track: Track, i: int, overlap: float) -> tuple[np.ndarray, np.ndarray]:
    """|lambda| and |u| of all runs of one ratio that did not find the signal."""
    last = [row[np.isfinite(row)][-1:] for row in track.overlap[i]]
    kept = [run for run, value in enumerate(last) if value.size and value[0] <= overlap]
    lam, u = np.abs(track.late_lambda[i, kept]), np.abs(track.late_u[i, kept])
    known = np.isfinite(lam)
    return lam[known], u[known]


def _quantiles(
    panel: Any,
    u: np.ndarray,
    lam: np.ndarray,
    weight: np.ndarray,
    colour: str,
    dash: Any,
    name: str,
) -> None:
    edges = np.linspace(0.0, 2.6, 14)
    middles, rows = [], []
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (u >= low) & (u < high)
        if inside.sum() < 10:
            continue
        order = np.argsort(lam[inside])
        share = np.cumsum(weight[inside][order])
        share = (share - 0.5 * weight[inside][order]) / share[-1]
        middles.append(np.average(u[inside], weights=weight[inside]))
        rows.append(np.interp([0.1, 0.5, 0.9], share, lam[inside][order]))
    for k, line in enumerate(np.array(rows).T):
        panel.plot(
            middles,
            line,
            color=colour,
            linestyle=dash,
            linewidth=1.8 if k == 1 else 1.0,
            label=name if k == 1 else None,
        )


def draw_thresholds(curves: Thresholds, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw both thresholds: see `talweg.phase_retrieval.experiments.Thresholds.plot`."""
    figure, panels = _panels(axes, 1, 1, (6.2, 4.4))
    panel = panels[0, 0]
    finite = np.isfinite(curves.a)
    a = curves.a[finite]
    bbp, kinds = curves.alpha_bbp[finite], curves.kind[finite]
    for kind, dash, i in (("continuous", "-", 0), ("discontinuous", _DASHES[1], 2)):
        here = kinds == kind
        if not here.any():
            continue
        if kind == "discontinuous":
            # The curve is one: it goes on from the last point of the other branch.
            here[max(0, np.flatnonzero(here)[0] - 1) :] = True
        panel.plot(
            a[here],
            bbp[here],
            color=_COLOURS[i],
            linestyle=dash,
            marker=_MARKERS[i],
            markersize=3.5,
            zorder=2.5 - 0.2 * i,
            label=rf"$\alpha_{{BBP}}$, {kind}",
        )
    if a.size:
        panel.plot(
            a,
            curves.alpha_threshold[finite],
            color=_OUTLIER,
            linestyle=_DASHES[3],
            marker=_MARKERS[1],
            markersize=3.5,
            label=r"$\alpha_{TS}$, 1RSB prediction",
        )
    plain = curves.alpha_threshold[~finite]
    if plain.size and np.isfinite(plain[0]):
        panel.axhline(
            plain[0],
            color=_OUTLIER,
            linewidth=0.9,
            linestyle=_DASHES[2],
            label=rf"$\alpha_{{TS}}$ of the plain loss, {plain[0]:.2f}",
        )
    panel.set_xscale("log")
    panel.set_yscale("log")
    for axis in (panel.xaxis, panel.yaxis):
        _plain_ticks(axis)
    panel.set(xlabel="a", ylabel=r"$\alpha = M/N$")
    figure.legend(loc="outside lower center", ncols=2, fontsize="small", frameon=False)
    panel.set_title(title or "Thresholds of phase retrieval", fontsize="medium")
    return figure


def draw_spectra(spectra: Spectra, axes: Any = None, *, title: str | None = None) -> Any:
    """Draw spectra of the Hessian: see `talweg.phase_retrieval.experiments.Spectra.plot`."""
    rows, columns = len(spectra.alpha), len(spectra.state)
    figure, panels = _panels(axes, rows, columns, (10.6, 2.5 * rows + 0.6))
    for i, alpha in enumerate(spectra.alpha):
        for j, state in enumerate(spectra.state):
            panel = panels[i, j]
            values = spectra.eigenvalue[i, j]
            if not np.isfinite(values).any():
                panel.text(0.5, 0.5, "not done", transform=panel.transAxes, ha="center")
                continue
            z, density = spectra.z[i, j], spectra.density[i, j]
            _histogram(panel, values, z)
            panel.plot(z, density, color="black", linewidth=1.1, label="bulk, theory")
            top = panel.get_ylim()[1]
            # A peak next to 0 would flatten all the rest.
            shown = min(top, 1.35 * float(np.quantile(density[density > 0], 0.97)))
            panel.set_ylim(0.0, shown)
            panel.set_xlim(z[0], z[-1])
            lowest, low = values[0], 0.07 * shown
            panel.plot(lowest, low, "v", color=_MEASURED, markersize=6, label="smallest")
            if np.isfinite(spectra.outlier[i, j]):
                panel.axvline(
                    spectra.outlier[i, j],
                    color=_OUTLIER,
                    linestyle=_DASHES[1],
                    linewidth=1.2,
                    label="outlier, theory",
                )
            panel.axvline(0.0, color="#999999", linewidth=0.7, zorder=0)
            panel.text(0.97, 0.93, _facts(spectra, i, j), transform=panel.transAxes, **_CORNER)
            if i == 0:
                panel.set_title(str(state), fontsize="medium")
            if i == rows - 1:
                panel.set_xlabel("eigenvalue of the Riemannian Hessian")
        panels[i, 0].set_ylabel(rf"density, $\alpha$ = {alpha:g}")
    handles: dict[str, Any] = {}
    for panel in panels.ravel():
        for handle, label in zip(*panel.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=4, frameon=False)
    note = f"N = {spectra.parameters['N']}, {_loss_name(spectra.parameters.get('a'))}"
    note += "; $v^2$: squared overlap of the lowest eigenvector (predicted)"
    figure.suptitle(title or note, fontsize="medium")
    return figure


_CORNER = {"ha": "right", "va": "top", "fontsize": "small"}


def _histogram(panel: Any, values: np.ndarray, z: np.ndarray) -> None:
    bins = np.linspace(z[0], z[-1], 61)
    inside = values[(values >= bins[0]) & (values <= bins[-1])]
    weights = np.full(inside.size, 1.0 / (values.size * (bins[1] - bins[0])))
    panel.hist(
        inside, bins, weights=weights, color="#56B4E9", alpha=0.7, label="measured", zorder=0.5
    )


def _facts(spectra: Spectra, i: int, j: int) -> str:
    lines = [f"t = {spectra.time[i, j]:.3g}", f"|m| = {spectra.overlap[i, j]:.2f}"]
    if np.isfinite(spectra.ratio[i, j]):
        lines.append(f"R = {spectra.ratio[i, j]:.2f}")
    measured, predicted = spectra.eigenvector_overlap[i, j], spectra.outlier_overlap[i, j]
    if np.isfinite(predicted):
        lines.append(f"$v^2$ = {measured:.2f} ({predicted:.2f})")
    return "\n".join(lines)
