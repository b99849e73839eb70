"""The report on all minima of a function: theory, and runs beside it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.arguments import (
    checked_bounds_of,
    checked_generator,
    checked_objective,
    dimension_of,
)
from talweg.extremals.fields import counted, format_vector
from talweg.extremals.points import CriticalPoint
from talweg.objective import Objective
from talweg.reports.minimum import TheoryOfMinimum, theory_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["TheoryReport", "theory_report"]

#: More coordinates than these make the report's dense matrices and curves dear.
_MOST_COORDINATES = 200


@dataclasses.dataclass(eq=False, repr=False)
class TheoryReport:
    """What `theory_report` found.

    Attributes
    ----------
    f : Objective or None
    bounds : ndarray, shape (n, 2), or None
    minima : list of TheoryOfMinimum
        Lowest first.
    message : str
        What went wrong; empty where nothing did.
    measured : bool
        Whether anything was run.
    interrupted : bool
    """

    f: Any
    bounds: Floats | None
    minima: list[TheoryOfMinimum]
    message: str = ""
    measured: bool = False
    interrupted: bool = False

    @property
    def success(self) -> bool:
        """Whether nothing went wrong."""
        return not self.message

    def counts(self) -> dict[str, int]:
        """How many measurements agree, disagree and are undecided."""
        from talweg.reports.measurement import VERDICTS

        every = [m.verdict for one in self.minima for m in one.measurements]
        return {verdict: every.count(verdict) for verdict in VERDICTS}

    def headline(self) -> str:
        """One line: how many minima, how many measurements agree."""
        text = counted(len(self.minima), "minimum").replace("minimums", "minima")
        if self.measured:
            text += "; measurements: " + ", ".join(
                f"{count} {'agree' if verdict == 'agrees' else verdict}"
                for verdict, count in self.counts().items()
            ).replace("disagrees", "disagree")
        return text

    def __str__(self) -> str:
        from talweg.reports.text import plain_table, theory_tables

        parts = [self.headline()]
        for i, one in enumerate(self.minima):
            parts.append(f"Minimum {i} at {format_vector(one.point.x)}, f = {one.point.fun:.8g}")
            for title, columns, rows in theory_tables(one):
                parts.append(f"{title}\n{plain_table(columns, rows)}")
        if self.message:
            parts.append(self.message)
        return "\n\n".join(parts)

    def __repr__(self) -> str:
        return f"TheoryReport({self.headline()})"

    def markdown(self, title: str = "Theory and measurement", pictures: Sequence[str] = ()) -> str:
        """The report as a Markdown document.

        Parameters
        ----------
        title : str
        pictures : sequence of str
            Which of `plots` lie beside it as PNG files.

        Returns
        -------
        str
        """
        from talweg.reports.text import markdown_table, theory_tables

        parts = [f"# {title}", f"{self.headline()}."]
        for i, one in enumerate(self.minima):
            parts.append(f"## Minimum {i}: {format_vector(one.point.x)}, f = {one.point.fun:.8g}")
            for name, columns, rows in theory_tables(one):
                parts.append(f"### {name}\n\n{markdown_table(columns, rows)}")
            own = [name for name in pictures if name.startswith(f"minimum-{i}-")]
            parts += [f"![{name}]({name}.png)" for name in own]
        if self.message:
            parts.append(self.message)
        return "\n\n".join(parts) + "\n"

    def plots(self) -> dict[str, Any]:
        """Figures by name: multipliers against steps, curves next to minima, runs.

        Returns
        -------
        dict of str to matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.surfaces.toy()
        >>> report = talweg.reports.theory_report(f, measure=False)
        >>> sorted(report.plots())
        ['minimum-0-curves', 'minimum-0-steps']
        """
        from talweg.plot.theory import draw_theory

        return draw_theory(self)

    def json_document(self) -> tuple[str, dict[str, Any]]:
        """The kind and the fields of the JSON that `to_json` writes."""
        return "theory", {
            "bounds": self.bounds,
            "minima": [_minimum_fields(one) for one in self.minima],
            "message": self.message,
            "measured": self.measured,
            "interrupted": self.interrupted,
            "counts": self.counts(),
        }

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write JSON for other programs; see `talweg.io.to_json`."""
        from talweg.io import to_json

        to_json(self, path)


#: What the runs behind a report keep for pictures alone.
_PICTURED = ("sine", "distance", "cloud", "cloud_log_volume", "talweg", "valley_of", "membership")


def _run_fields(check: Any) -> dict[str, Any]:
    """The fields of a check, without paths and functions."""
    result = {}
    for field in dataclasses.fields(check):
        value = getattr(check, field.name)
        if field.name in (*_PICTURED, "f", "g"):
            continue
        result[field.name] = _run_fields(value) if dataclasses.is_dataclass(value) else value
    return result


def _minimum_fields(one: TheoryOfMinimum) -> dict[str, Any]:
    fields = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    fields["point"] = {**one.point.asdict(), "type": one.point.type}
    for name in ("bounds", "curves"):
        fields[name] = dataclasses.asdict(fields[name])
    for name in ("resonances", "resonant_steps", "predictions", "measurements"):
        fields[name] = [dataclasses.asdict(row) for row in fields[name]]
    fields["alignments"] = [_run_fields(check) for check in one.alignments]
    if one.concentration is not None:
        fields["concentration"] = _run_fields(one.concentration)
    return fields


def theory_report(
    f: Objective | Callable[[Any], Any],
    x_min: ArrayLike | None = None,
    bounds: Any = None,
    *,
    measure: bool = True,
    max_order: int = 4,
    tolerance: float = 1e-2,
    minima: list[CriticalPoint] | None = None,
    rng: Any = 0,
    workers: int | None = None,
) -> TheoryReport:
    """What theory predicts of descent and flow next to the minima of a function, and what runs show.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x_min : array_like, shape (n,) or (k, n), optional
        Points next to the minima to report on. Default: all that are found in the box.
    bounds : array_like, shape (n, 2), optional
        Default: the objective's own.
    measure : bool, default True
        Run descents and flows and measure rates, variances and volumes.
    max_order : int, default 4
        Up to which resonances are listed.
    tolerance : float, default 0.01
        Relative gap up to which a relation counts as near-resonance.
    minima : list of CriticalPoint, optional
        Known ones, instead of `x_min`.
    rng : None, int or numpy.random.Generator, default 0
    workers : int, optional

    Returns
    -------
    TheoryReport

    Raises
    ------
    ValueError, TypeError
        For unusable arguments: an `x_min` that leads to no nondegenerate minimum among them.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the report so far.

    Examples
    --------
    >>> import talweg
    >>> report = talweg.reports.theory_report(talweg.surfaces.toy(), measure=False)
    >>> report.minima[0].bounds.alignment.__round__(6)
    0.666667
    >>> [term.relation.powers for term in report.minima[0].resonances if term.system == "flow"]
    [(0, 0)]
    """
    objective = checked_objective(f, dimension_of(bounds, x_min))
    if objective.metric is not None:
        raise ValueError("f: want an objective without a metric; the formulas are Euclidean")
    if objective.n > _MOST_COORDINATES:
        raise ValueError(
            f"f: want at most {_MOST_COORDINATES} coordinates, got {objective.n}; "
            "talweg.spectrum.lowest and talweg.theory take extreme eigenvalues alone"
        )
    if objective.n < 2:
        raise ValueError("f: want at least two coordinates; with one there is nothing to align")
    box = checked_bounds_of(objective, bounds)
    generator = checked_generator(rng)
    if minima is not None:
        found = list(minima)
    elif x_min is not None:
        found = [_minimum_at(objective, x, box) for x in np.atleast_2d(np.asarray(x_min, float))]
    else:
        found = _minima_in(objective, box, generator)
    report = TheoryReport(objective, box, [], measured=bool(measure))
    if not found:
        where = "in the box" if box is not None else "from the start"
        report.message = f"No nondegenerate minimum was found {where}."
        return report
    try:
        for point in found:
            report.minima.append(theory_of(objective, point, max_order, tolerance))
        if measure:
            from talweg.reports.runs import measure_all

            measure_all(report, generator, workers)
    except KeyboardInterrupt as stop:
        report.interrupted = True
        report.message = "Interrupted: the report so far."
        stop.result = report  # type: ignore[attr-defined]
        raise
    wrong = report.counts()["disagrees"]
    if wrong:
        report.message = f"{counted(wrong, 'measurement')} against the prediction: see the tables."
    return report


def _minimum_at(f: Objective, x: Floats, box: Floats | None) -> CriticalPoint:
    from talweg.extremals.finding import critical_points

    if x.shape != (f.n,):
        raise ValueError(f"x_min: want shape ({f.n},) or (k, {f.n}), got {np.shape(x)}")
    found = critical_points(f, bounds=() if box is None else box, starts=[x])
    if found:
        # Minima beyond a saddle are found too; the point asked for is the nearest.
        nearest = min(found, key=lambda p: float(np.linalg.norm(p.x - x)))
        if nearest.morse_index == 0 and not nearest.degenerate:
            return nearest
        what = f"{nearest.type} at {format_vector(nearest.x, 6)}"
    else:
        what = "no critical point"
    raise ValueError(f"x_min: want a nondegenerate minimum, {format_vector(x, 6)} leads to: {what}")


def _minima_in(f: Objective, box: Floats | None, rng: np.random.Generator) -> list[CriticalPoint]:
    from talweg.extremals.finding import critical_points

    if box is None:
        raise ValueError("bounds: want a box to look for minima in, or x_min")
    found = critical_points(f, bounds=box, rng=rng)
    return sorted(
        (p for p in found if p.morse_index == 0 and not p.degenerate), key=lambda p: p.fun
    )
