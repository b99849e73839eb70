"""How results are laid out as arrays, and how a file's arrays are checked."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from talweg.extremals.results import EVENT_KINDS, CriticalPoint, Event, Extremal, Survey

__all__ = ["KINDS", "Kind", "kind_of"]

Header = dict[str, Any]
Arrays = dict[str, np.ndarray]

# Columns that have one value (or one vector) a point of a curve.
_CURVE_VECTORS = ("x", "tangent", "eigenvector")
_CURVE_NUMBERS = ("fun", "sigma", "eigenvalue", "arclength", "residual")
_CURVE_INTEGERS = ("slope_index", "curvature_index")
_DESCENT_NUMBERS = (
    "starts",
    "x",
    "fun",
    "taken",
    "log_volume",
    "path_at",
    "path",
    "path_fun",
    "path_log_volume",
)
_DESCENT_INTEGERS = ("status", "minimum")
_EVENT_VECTORS = ("x", "tangent")
_EVENT_NUMBERS = ("fun", "arclength", "error")
# None is NaN in a column of numbers and -1 in a column of counts.
_EVENT_COUNTS = ("morse_index", "kernel_dimension")


class Kind(NamedTuple):
    """Both directions between a class and (header, arrays).

    `type` is the class, or "module:class" where the module waits for its use.
    """

    type: type | str
    pack: Callable[[Any], tuple[Header, Arrays]]
    unpack: Callable[[Header, Arrays], Any]


def _column(values: Sequence[Any], dtype: type, shape: tuple[int, ...] = ()) -> np.ndarray:
    return np.array(list(values), dtype=dtype).reshape(len(values), *shape)


def _take(arrays: Arrays, name: str, dtype: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """Array `name` out of `arrays`, of exactly this dtype and shape (None: any length)."""
    if name not in arrays:
        raise ValueError(f"{name}.npy is missing")
    array = arrays.pop(name)
    if array.dtype != np.dtype(dtype):
        raise ValueError(f"{name}.npy has dtype {array.dtype}, wanted {np.dtype(dtype)}")
    if array.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(array.shape, shape, strict=False)
    ):
        raise ValueError(f"{name}.npy has shape {array.shape}, wanted {shape} (None: any)")
    return array


def _offsets(arrays: Arrays, name: str, parts: int) -> np.ndarray:
    offsets = _take(arrays, name, "<i8", (parts + 1,))
    if offsets[0] != 0 or (np.diff(offsets) < 0).any():
        raise ValueError(f"{name}.npy does not ascend from 0")
    return offsets


def _pack_critical_points(points: Sequence[CriticalPoint], n: int) -> Arrays:
    return {
        "critical_points/x": _column([p.x for p in points], float, (n,)),
        "critical_points/fun": _column([p.fun for p in points], float),
        # Rigid motions have none; rows and columns are filled up with NaN.
        "critical_points/eigenvalues": _column(
            [np.pad(p.eigenvalues, (0, n - p.branches), constant_values=np.nan) for p in points],
            float,
            (n,),
        ),
        "critical_points/eigenvectors": _column(
            [
                np.pad(p.eigenvectors, ((0, 0), (0, n - p.branches)), constant_values=np.nan)
                for p in points
            ],
            float,
            (n, n),
        ),
        "critical_points/morse_index": _column([p.morse_index for p in points], np.int64),
        "critical_points/residual": _column([p.residual for p in points], float),
        "critical_points/error": _column([p.error for p in points], float),
        "critical_points/degenerate": _column([p.degenerate for p in points], np.int64),
    }


def _unpack_critical_points(arrays: Arrays, n: int) -> list[CriticalPoint]:
    x = _take(arrays, "critical_points/x", "<f8", (None, n))
    k = x.shape[0]
    columns = {
        name: _take(arrays, f"critical_points/{name}", dtype, (k, *shape))
        for name, dtype, shape in (
            ("fun", "<f8", ()),
            ("eigenvalues", "<f8", (n,)),
            ("eigenvectors", "<f8", (n, n)),
            ("morse_index", "<i8", ()),
            ("residual", "<f8", ()),
            ("error", "<f8", ()),
            ("degenerate", "<i8", ()),
        )
    }
    result = []
    for i in range(k):
        fields = {name: column[i] for name, column in columns.items()}
        branches = int((~np.isnan(fields["eigenvalues"])).sum())
        fields["eigenvalues"] = fields["eigenvalues"][:branches]
        fields["eigenvectors"] = fields["eigenvectors"][:, :branches]
        result.append(CriticalPoint(x=x[i], **fields))
    return result


def _pack_curves(curves: Sequence[Extremal], n: int) -> tuple[Header, Arrays]:
    arrays: Arrays = {
        "extremals/offsets": np.cumsum([0, *(len(c) for c in curves)], dtype=np.int64),
        "events/offsets": np.cumsum([0, *(len(c.events) for c in curves)], dtype=np.int64),
    }
    for names, dtype, shape in (
        (_CURVE_VECTORS, float, (n,)),
        (_CURVE_NUMBERS, float, ()),
        (_CURVE_INTEGERS, np.int64, ()),
    ):
        for name in names:
            arrays[f"extremals/{name}"] = np.concatenate(
                [np.zeros((0, *shape), dtype), *(getattr(c, name) for c in curves)]
            )
    events = [event for curve in curves for event in curve.events]
    arrays["events/kind"] = _column([EVENT_KINDS.index(e.kind) for e in events], np.int64)
    arrays["events/index"] = _column([e.index for e in events], np.int64)
    for name in _EVENT_VECTORS:
        arrays[f"events/{name}"] = _column([getattr(e, name) for e in events], float, (n,))
    for name in _EVENT_NUMBERS:
        arrays[f"events/{name}"] = _column([getattr(e, name) for e in events], float)
    arrays["events/distance"] = _column(
        [np.nan if e.distance is None else e.distance for e in events], float
    )
    for name in _EVENT_COUNTS:
        arrays[f"events/{name}"] = _column(
            [-1 if getattr(e, name) is None else getattr(e, name) for e in events], np.int64
        )
    header = {
        "event_kinds": EVENT_KINDS,
        "event_messages": [event.message for event in events],
        "extremals": [
            {
                "closed": curve.closed,
                "status": int(curve.status),
                "start_status": int(curve.start_status),
                "end_status": int(curve.end_status),
                "message": curve.message,
                "parameters": curve.parameters,
            }
            for curve in curves
        ],
    }
    return header, arrays


def _unpack_events(header: Header, arrays: Arrays, curves: int, n: int) -> list[list[Event]]:
    offsets = _offsets(arrays, "events/offsets", curves)
    k = int(offsets[-1])
    kinds, messages = header["event_kinds"], header["event_messages"]
    if not isinstance(messages, list) or len(messages) != k:
        raise ValueError(f"event_messages does not have {k} entries")
    kind = _take(arrays, "events/kind", "<i8", (k,))
    if not isinstance(kinds, list) or ((kind < 0) | (kind >= len(kinds))).any():
        raise ValueError("events/kind.npy has numbers beyond event_kinds")
    columns: dict[str, list[Any]] = {
        "index": _take(arrays, "events/index", "<i8", (k,)).tolist(),
        "message": messages,
    }
    for name in _EVENT_VECTORS:
        columns[name] = list(_take(arrays, f"events/{name}", "<f8", (k, n)))
    for name in _EVENT_NUMBERS:
        columns[name] = _take(arrays, f"events/{name}", "<f8", (k,)).tolist()
    columns["distance"] = [
        None if np.isnan(v) else v for v in _take(arrays, "events/distance", "<f8", (k,)).tolist()
    ]
    for name in _EVENT_COUNTS:
        columns[name] = [
            None if v < 0 else v for v in _take(arrays, f"events/{name}", "<i8", (k,)).tolist()
        ]
    events = [
        Event(kind=kinds[kind[i]], **{name: column[i] for name, column in columns.items()})
        for i in range(k)
    ]
    return [events[a:b] for a, b in itertools.pairwise(offsets)]


def _unpack_curves(header: Header, arrays: Arrays, n: int, f: Any) -> list[Extremal]:
    described = header["extremals"]
    if not isinstance(described, list):
        raise ValueError("header's extremals is no list")
    offsets = _offsets(arrays, "extremals/offsets", len(described))
    m = int(offsets[-1])
    columns = {}
    for names, dtype, shape in (
        (_CURVE_VECTORS, "<f8", (m, n)),
        (_CURVE_NUMBERS, "<f8", (m,)),
        (_CURVE_INTEGERS, "<i8", (m,)),
    ):
        for name in names:
            columns[name] = _take(arrays, f"extremals/{name}", dtype, shape)
    events = _unpack_events(header, arrays, len(described), n)
    return [
        Extremal(
            **{name: column[offsets[j] : offsets[j + 1]] for name, column in columns.items()},
            events=events[j],
            closed=part["closed"],
            status=part["status"],
            start_status=part["start_status"],
            end_status=part["end_status"],
            message=part["message"],
            parameters=part["parameters"],
            f=f,
        )
        for j, part in enumerate(described)
    ]


def _pack_objective(f: Any) -> Arrays:
    """The arrays of a recorded objective; none for one that wraps foreign code."""
    try:
        arrays = f.to_arrays()
    except (AttributeError, TypeError):
        # Not every objective is a recording: callables and pointers cannot go into a file.
        return {}
    return {f"objective/{name}": np.asarray(array) for name, array in arrays.items()}


def _unpack_objective(arrays: Arrays) -> Any:
    names = [name for name in arrays if name.startswith("objective/")]
    if not names:
        return None
    from talweg.objective import Objective

    return Objective.from_arrays({name[len("objective/") :]: arrays.pop(name) for name in names})


def _pack_survey(survey: Survey) -> tuple[Header, Arrays]:
    n = survey.n or 0
    curve_header, arrays = _pack_curves(survey.extremals, n)
    arrays.update(_pack_critical_points(survey.critical_points, n))
    arrays["half_branches"] = _column(
        [(*half, j) for half, j in survey.half_branches.items()], np.int64, (4,)
    )
    if survey.bounds is not None:
        arrays["bounds"] = survey.bounds
    arrays.update(_pack_objective(survey.f))
    header = {
        "n": n,
        "status": int(survey.status),
        "message": survey.message,
        "parameters": survey.parameters,
        **curve_header,
    }
    return header, arrays


def _dimension(header: Header, least: int) -> int:
    n = header["n"]
    if not isinstance(n, int) or isinstance(n, bool) or n < least:
        raise ValueError(f"n is {n!r}")
    return n


def _refuse_rest(arrays: Arrays) -> None:
    if arrays:
        raise ValueError(f"unexpected array {sorted(arrays)[0]}.npy")


def _unpack_survey(header: Header, arrays: Arrays) -> Survey:
    n = _dimension(header, 0)
    f = _unpack_objective(arrays)
    bounds = _take(arrays, "bounds", "<f8", (n, 2)) if "bounds" in arrays else None
    halves = _take(arrays, "half_branches", "<i8", (None, 4)).tolist()
    survey = Survey(
        critical_points=_unpack_critical_points(arrays, n),
        extremals=_unpack_curves(header, arrays, n, f),
        half_branches={(i, branch, direction): j for i, branch, direction, j in halves},
        f=f,
        bounds=bounds,
        status=header["status"],
        message=header["message"],
        parameters=header["parameters"],
    )
    _refuse_rest(arrays)
    return survey


def _pack_extremal(curve: Extremal) -> tuple[Header, Arrays]:
    header, arrays = _pack_curves([curve], curve.n)
    arrays.update(_pack_objective(curve.f))
    return {"n": curve.n, **header}, arrays


def _unpack_extremal(header: Header, arrays: Arrays) -> Extremal:
    f = _unpack_objective(arrays)
    curves = _unpack_curves(header, arrays, _dimension(header, 1), f)
    if len(curves) != 1:
        raise ValueError(f"{len(curves)} extremals, wanted 1")
    _refuse_rest(arrays)
    return curves[0]


def _pack_descents(report: Any) -> tuple[Header, Arrays]:
    arrays = {
        f"descents/{name}": np.asarray(getattr(report, name), dtype=dtype)
        for names, dtype in ((_DESCENT_NUMBERS, float), (_DESCENT_INTEGERS, np.int64))
        for name in names
        if getattr(report, name) is not None
    }
    if report.bounds is not None:
        arrays["bounds"] = report.bounds
    arrays.update(_pack_critical_points(report.minima, report.n))
    arrays.update(_pack_objective(report.f))
    return {
        "n": report.n,
        "parameters": report.parameters,
        "message": report.message,
        "interrupted": report.interrupted,
    }, arrays


def _unpack_descents(header: Header, arrays: Arrays) -> Any:
    from talweg.reports.descents import DescentReport

    n = _dimension(header, 1)
    f = _unpack_objective(arrays)
    m = _take(dict(arrays), "descents/fun", "<f8", (None,)).size
    records = _take(dict(arrays), "descents/path_at", "<f8", (None,)).size
    shapes: dict[str, tuple[int | None, ...]] = {
        "starts": (m, n),
        "x": (m, n),
        "path_at": (records,),
        "path": (records, m, n),
        "path_fun": (records, m),
        "path_log_volume": (records, m),
    }
    fields: dict[str, Any] = {}
    for names, dtype in ((_DESCENT_NUMBERS, "<f8"), (_DESCENT_INTEGERS, "<i8")):
        for name in names:
            key = f"descents/{name}"
            if name.endswith("log_volume") and key not in arrays:
                fields[name] = None
            else:
                fields[name] = _take(arrays, key, dtype, shapes.get(name, (m,)))
    bounds = _take(arrays, "bounds", "<f8", (n, 2)) if "bounds" in arrays else None
    report = DescentReport(
        f=f,
        bounds=bounds,
        minima=_unpack_critical_points(arrays, n),
        parameters=header["parameters"],
        message=header["message"],
        interrupted=header["interrupted"],
        **fields,
    )
    _refuse_rest(arrays)
    return report


#: Every kind of file, by the name in its header.
KINDS = {
    "survey": Kind(Survey, _pack_survey, _unpack_survey),
    "extremal": Kind(Extremal, _pack_extremal, _unpack_extremal),
    "descents": Kind("talweg.reports.descents:DescentReport", _pack_descents, _unpack_descents),
}


def _class_of(given: type | str) -> type | None:
    """The class; None where its module was never imported, so that it has no instances."""
    if not isinstance(given, str):
        return given
    module, _, name = given.partition(":")
    return getattr(sys.modules[module], name) if module in sys.modules else None


def kind_of(result: Any) -> str:
    """The name of the file format for `result`."""
    for name, kind in KINDS.items():
        class_ = _class_of(kind.type)
        if class_ is not None and isinstance(result, class_):
            return name
    wanted = " or ".join(
        kind.type.rpartition(":")[2] if isinstance(kind.type, str) else kind.type.__name__
        for kind in KINDS.values()
    )
    raise TypeError(f"cannot save a {type(result).__name__}, wanted a {wanted}")
