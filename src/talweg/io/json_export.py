"""JSON for other programs: strict (no NaN), every float in its shortest exact form."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from talweg.extremals.results import Extremal, Survey
from talweg.reports.descents import DescentReport
from talweg.reports.theory import TheoryReport
from talweg.status import Status

__all__ = ["JSON_FORMAT_VERSION", "as_json"]

JSON_FORMAT_VERSION = 1


def _strict(value: Any) -> Any:
    """`value` in JSON's own types; what is not finite becomes null, a status its name."""
    if isinstance(value, Status):
        return value.name.lower()
    if isinstance(value, np.ndarray):
        return _strict(value.tolist())
    if isinstance(value, np.generic):
        return _strict(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(k): _strict(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_strict(v) for v in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return repr(value)


def _curve(curve: Extremal) -> dict[str, Any]:
    return {
        **curve.asdict(),
        "length": curve.length,
        "labels": [segment._asdict() for segment in curve.labels()],
    }


def _survey(survey: Survey) -> dict[str, Any]:
    return {
        **survey.asdict(),
        "n": survey.n,
        "critical_points": [{**p.asdict(), "type": p.type} for p in survey.critical_points],
        "extremals": [_curve(curve) for curve in survey.extremals],
        "half_branches": [
            {"critical_point": i, "branch": branch, "direction": direction, "extremal": j}
            for (i, branch, direction), j in sorted(survey.half_branches.items())
        ],
        "edges": [edge._asdict() for edge in survey.edges(talweg_only=False)],
    }


def _descents(report: DescentReport) -> dict[str, Any]:
    changes = [report.volume_change(i) for i in range(len(report.minima))]
    return {
        **report.asdict(),
        "n": report.n,
        "minima": [{**p.asdict(), "type": p.type} for p in report.minima],
        "status": [Status(int(code)) for code in report.status],
        "volume_change": [None if c is None else dataclasses.asdict(c) for c in changes],
    }


#: What the runs behind a report keep for pictures alone.
_PICTURED = ("sine", "distance", "cloud", "cloud_log_volume", "talweg", "valley_of", "membership")


def _run(check: Any) -> dict[str, Any]:
    """The fields of a check, without paths and functions."""
    result = {}
    for field in dataclasses.fields(check):
        value = getattr(check, field.name)
        if field.name in (*_PICTURED, "f", "g"):
            continue
        result[field.name] = _run(value) if dataclasses.is_dataclass(value) else value
    return result


def _theory(report: TheoryReport) -> dict[str, Any]:
    minima = []
    for one in report.minima:
        fields = {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
        fields["point"] = {**one.point.asdict(), "type": one.point.type}
        for name in ("bounds", "curves"):
            fields[name] = dataclasses.asdict(fields[name])
        for name in ("resonances", "resonant_steps", "predictions", "measurements"):
            fields[name] = [dataclasses.asdict(row) for row in fields[name]]
        fields["alignments"] = [_run(check) for check in one.alignments]
        if one.concentration is not None:
            fields["concentration"] = _run(one.concentration)
        minima.append(fields)
    return {
        "bounds": report.bounds,
        "minima": minima,
        "message": report.message,
        "measured": report.measured,
        "interrupted": report.interrupted,
        "counts": report.counts(),
    }


def as_json(result: Any) -> str:
    """A result as JSON text: see docs/files.md for the schema.

    Parameters
    ----------
    result : Survey, Extremal, DescentReport or TheoryReport
        What to write.

    Returns
    -------
    str
        Strict JSON: NaN and infinities are null. Every finite number reads back exactly.

    Raises
    ------
    TypeError
        If `result` is something else.
    """
    from talweg.io.versions import talweg_version

    if isinstance(result, Survey):
        kind, fields = "survey", _survey(result)
    elif isinstance(result, Extremal):
        kind, fields = "extremal", _curve(result)
    elif isinstance(result, DescentReport):
        kind, fields = "descents", _descents(result)
    elif isinstance(result, TheoryReport):
        kind, fields = "theory", _theory(result)
    else:
        raise TypeError(
            f"cannot write a {type(result).__name__} as JSON, wanted a Survey, an Extremal or a "
            "report"
        )
    document = {
        "format": "talweg-json",
        "format_version": JSON_FORMAT_VERSION,
        "talweg": talweg_version(),
        "kind": kind,
        **_strict(fields),
    }
    return json.dumps(document, allow_nan=False, separators=(",", ":"))
