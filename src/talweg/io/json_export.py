"""JSON for other programs: strict (no NaN), every float in its shortest exact form."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from talweg.extremals.results import Extremal, Survey
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
    elif hasattr(result, "json_document"):
        kind, fields = result.json_document()
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
