"""Reports as tables of text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from talweg.extremals.fields import format_vector
from talweg.status import Status

if TYPE_CHECKING:
    from talweg.reports.descents import DescentReport
    from talweg.reports.measurement import Measurement
    from talweg.reports.minimum import Prediction, ResonantTerm, TheoryOfMinimum

__all__ = ["descent_tables", "markdown_table", "plain_table", "theory_tables"]

#: What is said of measurements that hold no surprise.
_PLAIN = ("One exponential governs", "All ")

Table = tuple[str, list[str], list[list[str]]]


def plain_table(columns: list[str], rows: list[list[str]]) -> str:
    """Columns of text, as wide as their cells."""
    widths = [max(len(row[k]) for row in [columns, *rows]) for k in range(len(columns))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in [columns, ["-" * width for width in widths], *rows]
    ]
    return "\n".join(lines)


def markdown_table(columns: list[str], rows: list[list[str]]) -> str:
    """The same in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def status_counts(status: np.ndarray) -> str:
    """ "180 converged, 20 max steps"."""
    counts = Counter(int(code) for code in status)
    return ", ".join(
        f"{count} {Status(code).name.lower().replace('_', ' ')}"
        for code, count in counts.most_common()
    )


def descent_tables(report: DescentReport) -> list[Table]:
    """Title, columns and rows: one row a minimum, and one for descents that reached none."""
    unit = "time" if report.time else "steps"
    per = "a unit of time" if report.time else "a step"
    columns = ["#", "minimum", "f", "eigenvalues", "starts", "share", f"{unit} (median)", "status"]
    volumes = report.path_log_volume is not None
    if volumes:
        columns += [f"log volume {per}", "predicted"]
    rows = []
    many = len(report.starts)
    for i in [*range(len(report.minima)), -1]:
        lanes = np.flatnonzero(report.minimum == i)
        if i < 0 and not lanes.size:
            continue
        row = ["–", "none", "", ""]
        if i >= 0:
            point = report.minima[i]
            values = ", ".join(f"{v:.6g}" for v in point.eigenvalues[:3])
            if point.eigenvalues.size > 3:
                values += f", … {point.eigenvalues[-1]:.6g}"
            row = [str(i), format_vector(point.x, 6), f"{point.fun:.8g}", values]
        taken = f"{np.median(report.taken[lanes]):.6g}" if lanes.size else ""
        row += [str(lanes.size), f"{100 * lanes.size / many:.3g} %", taken]
        row.append(status_counts(report.status[lanes]))
        if volumes:
            change = report.volume_change(i) if i >= 0 else None
            row += ["", ""] if change is None else [_volume(change), f"{change.predicted:.6g}"]
        rows.append(row)
    return [("Minima reached", columns, rows)]


def _volume(change: object) -> str:
    measured, spread = change.measured, change.spread  # type: ignore[attr-defined]
    if not np.isfinite(measured):
        return ""
    return f"{measured:.6g}" + (f" ± {spread:.2g}" if np.isfinite(spread) else "")


def theory_tables(one: TheoryOfMinimum) -> list[Table]:
    """Title, columns and rows: spectrum, steps, resonances, predictions, measurements."""
    tables = [_spectrum(one), _steps(one), _relations(one), _predictions(one)]
    if one.measurements:
        columns = ["method", "quantity", "predicted", "measured", "window", "verdict"]
        rows = [_measured(m) for m in one.measurements]
        tables.append(("Predicted and measured", columns, rows))
        notes = [
            [m.method, m.quantity, m.reason]
            for m in one.measurements
            if m.reason and not (m.verdict == "agrees" and m.reason.startswith(_PLAIN))
        ]
        if notes:
            tables.append(("Notes", ["method", "quantity", "note"], notes))
    return [table for table in tables if table[2]]


def _spectrum(one: TheoryOfMinimum) -> Table:
    columns = ["#", "eigenvalue", "error", "T[e0,e0,ej]", "trajectories bend", "talweg bends"]
    rows = []
    n = one.curves.eigenvalues.size
    shown = range(n) if n <= 24 else [*range(12), *range(n - 12, n)]
    for j in shown:
        rows.append(
            [
                str(j),
                f"{one.curves.eigenvalues[j]:.10g}",
                f"{one.eigenvalue_error[j]:.1e}",
                f"{one.soft_forcing[j]:.6g}",
                "" if j == 0 else f"{one.curves.invariant[j]:.6g}",
                "" if j == 0 else f"{one.curves.extremal[j]:.6g}",
            ]
        )
    return "Spectrum and second-order curves", columns, rows


def _steps(one: TheoryOfMinimum) -> Table:
    bounds = one.bounds
    rows = [["shorter are stable", f"{bounds.stability:.8g}", "2 / largest eigenvalue"]]
    if np.isfinite(bounds.alignment):
        rows += [
            [
                "shorter align with the talweg",
                f"{bounds.alignment:.8g}",
                "2 / (smallest + largest eigenvalue)",
            ],
            [
                "aligns fastest",
                f"{bounds.best_alignment:.8g}",
                f"factor {bounds.best_factor:.6g} a step",
            ],
        ]
    best = bounds.best_momentum
    if best is not None and best.momentum > 0.0:
        rows += [
            [
                "heavy ball that aligns fastest",
                f"{best.step_length:.8g}",
                f"momentum {best.momentum:.6g}, factor {best.factor:.6g} a step",
            ],
            [
                "Nesterov: shorter align",
                f"{one.nesterov_bound:.8g}",
                f"with momentum {best.momentum:.6g}",
            ],
        ]
    if bounds.singular.size:
        listed = ", ".join(f"{s:.6g}" for s in bounds.singular[::-1][:6])
        more = f", … ({bounds.singular.size} in all)" if bounds.singular.size > 6 else ""
        rows.append(["singular", listed + more, "1 / eigenvalue"])
    if one.resonant_steps:
        listed = ", ".join(f"{t.step_length:.6g}" for t in one.resonant_steps[:6])
        count = len(one.resonant_steps)
        more = f", … ({count} in all)" if count > 6 else ""
        rows.append(["resonant", listed + more, f"up to order {bounds.resonant_order}"])
    return "Step lengths of gradient descent", ["step lengths", "value", "what"], rows


def _relations(one: TheoryOfMinimum) -> Table:
    columns = ["system", "relation", "gap", "derivative of f"]
    rows = [_relation(term, f"{term.relation.gap:.3g}") for term in one.resonances]
    rows += [_relation(term, "0") for term in one.resonant_steps[:6]]
    return "Resonances and near-resonances", columns, rows


def _relation(term: ResonantTerm, gap: str) -> list[str]:
    system = "flow" if term.step_length is None else f"descent, step {term.step_length:.6g}"
    symbol = "λ" if term.step_length is None else "μ"
    join = " + " if term.step_length is None else " "
    right = join.join(f"{symbol}{j}" for j in term.relation.powers)
    derivative = "" if term.derivative is None else f"{term.derivative:.6g}"
    return [system, f"{symbol}{term.relation.index} = {right}", gap, derivative]


def _predictions(one: TheoryOfMinimum) -> Table:
    columns = ["method", "step length", "aligns with", "rate", "set by", "log volume"]
    return "Predictions", columns, [_prediction(p) for p in one.predictions]


def _prediction(p: Prediction) -> list[str]:
    rate = p.alignment
    per = "a unit of time" if p.step_length is None else "a step"
    if rate.dominant_branch is None:
        what, how = "none", ""
    else:
        what = f"direction {rate.dominant_branch}"
        how = f"{rate.rate:.6g} {per}" if rate.factor is None else f"factor {rate.factor:.6g} {per}"
        how += ", times t" if rate.logarithmic and rate.factor is None else ""
        how += ", times steps" if rate.logarithmic and rate.factor is not None else ""
    step = "" if p.step_length is None else f"{p.step_length:.6g}"
    return [p.method, step, what, how, rate.mechanism, f"{p.volume_rate:.6g} {per}"]


def _measured(m: Measurement) -> list[str]:
    measured = ""
    if np.isfinite(m.measured):
        measured = f"{m.measured:.6g}" + (f" ± {m.error:.2g}" if np.isfinite(m.error) else "")
    window = "" if m.window is None else f"{m.window[0]:.4g} … {m.window[1]:.4g}"
    return [m.method, m.quantity, f"{m.predicted:.6g}", measured, window, m.verdict]
