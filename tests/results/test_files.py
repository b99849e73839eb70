"""Files: bit for bit back, and a clear refusal of everything else."""

import dataclasses
import io
import json
import math
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import talweg
from talweg.extremals.results import EVENT_KINDS, Event, Extremal, Survey
from talweg.io import as_json, to_json

SCHEMA = Path(__file__).parents[2] / "docs/result.schema.json"


def assert_same(a, b):
    """Equal to the last bit, in types too."""
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray)
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        assert a.tobytes() == b.tobytes()
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            assert_same(left, right)
    elif isinstance(a, float):
        assert np.float64(a).tobytes() == np.float64(b).tobytes()
    else:
        assert (type(a), a) == (type(b), b)


def save(result, path):
    result.save(path)
    return path


def test_survey_comes_back(toy_survey, tmp_path):
    loaded = talweg.load(save(toy_survey, tmp_path / "survey.talweg"))
    assert isinstance(loaded, Survey)
    assert_same(toy_survey.asdict(), loaded.asdict())
    assert loaded.f is None


def test_extremal_comes_back(toy_survey, tmp_path):
    for curve in toy_survey.extremals:
        loaded = talweg.load(save(curve, tmp_path / "curve"))
        assert isinstance(loaded, Extremal)
        assert_same(curve.asdict(), loaded.asdict())


floats = st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True)


@st.composite
def curves(draw, n):
    m = draw(st.integers(1, 5))

    def column(*shape):
        return draw(hnp.arrays(float, (m, *shape), elements=floats))

    def integers():
        return draw(hnp.arrays(np.int64, m, elements=st.integers(0, n)))

    optional = st.none() | st.integers(0, 3)
    events = [
        Event(
            kind=draw(st.sampled_from(EVENT_KINDS)),
            x=draw(hnp.arrays(float, n, elements=floats)),
            fun=draw(floats),
            arclength=draw(st.floats(0, 10)),
            error=draw(floats),
            index=draw(st.integers(0, max(m - 2, 0))),
            tangent=draw(hnp.arrays(float, n, elements=floats)),
            morse_index=draw(optional),
            distance=draw(st.none() | st.floats(allow_nan=False)),
            kernel_dimension=draw(optional),
            message=draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=5)),
        )
        for _ in range(draw(st.integers(0, 3)))
    ]
    return Extremal(
        x=column(n),
        fun=column(),
        sigma=column(),
        eigenvalue=column(),
        tangent=column(n),
        eigenvector=column(n),
        arclength=column(),
        slope_index=integers(),
        curvature_index=integers(),
        residual=column(),
        events=events,
        closed=draw(st.booleans()),
        status=draw(st.sampled_from(talweg.Status)),
        message=draw(st.sampled_from(["", "überall", "a\nb"])),
        parameters={"max_step": draw(st.floats(allow_nan=False)), "deep": {"list": [1, None]}},
    )


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_survey_comes_back(tmp_path, data):
    n = data.draw(st.integers(1, 3))
    parts = data.draw(st.lists(curves(n), max_size=3))
    survey = Survey((), parts, status=talweg.Status.INTERRUPTED, message="stopped")
    path = save(survey, tmp_path / "s")
    assert_same(survey.asdict(), talweg.load(path).asdict())


def test_empty_survey_comes_back(tmp_path):
    survey = Survey((), (), bounds=[[0.0, 1.0]] * 3)
    assert_same(survey.asdict(), talweg.load(save(survey, tmp_path / "s")).asdict())


def test_equal_results_are_equal_files(toy_survey, tmp_path):
    a, b = (save(toy_survey, tmp_path / name).read_bytes() for name in "ab")
    assert a == b


def test_numpy_reads_the_arrays(toy_survey, tmp_path):
    with np.load(save(toy_survey, tmp_path / "s"), allow_pickle=False) as file:
        x, offsets = file["extremals/x"], file["extremals/offsets"]
    assert np.array_equal(x[offsets[1] : offsets[2]], toy_survey.extremals[1].x)


def test_failed_save_keeps_the_earlier_file(toy_survey, tmp_path):
    path = save(toy_survey, tmp_path / "s")
    before = path.read_bytes()

    class Bad:
        def to_arrays(self):
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        dataclasses.replace(toy_survey, f=Bad()).save(path)
    bad = dataclasses.replace(toy_survey, parameters={"key": "\ud800"})
    with pytest.raises(OSError, match="directory"):
        bad.save(tmp_path / "missing" / "s")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_save_refuses_other_things(tmp_path):
    with pytest.raises(TypeError, match="cannot save a dict, wanted a Survey or Extremal"):
        talweg.io.save({}, tmp_path / "s")
    with pytest.raises(TypeError, match="cannot write a dict"):
        as_json({})


def test_truncated_files_are_refused(toy_survey, tmp_path):
    data = save(toy_survey, tmp_path / "s").read_bytes()
    cut = tmp_path / "cut"
    for length in [*range(0, len(data), 997), len(data) - 1, len(data) - 30]:
        cut.write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"cut: (not a talweg file|truncated or damaged)"):
            talweg.load(cut)


def test_flipped_bytes_never_change_the_numbers(make_curve, tmp_path):
    x = np.column_stack([np.linspace(0, 1, 3), np.zeros(3)])
    curve = make_curve(x, np.zeros(3, int))
    data = save(curve, tmp_path / "s").read_bytes()
    bad = tmp_path / "bad"
    refused = 0
    for position in range(0, len(data), 7):
        flipped = bytearray(data)
        flipped[position] ^= 0x41
        bad.write_bytes(flipped)
        try:
            loaded = talweg.load(bad)
        except ValueError:
            refused += 1
        else:
            # Some bytes of a zip archive (times, attributes) mean nothing here.
            assert_same(curve.asdict(), loaded.asdict())
    assert refused > len(data) / 14


class Bomb:
    """Unpickling this writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


def rewritten(path, changes, **options):
    """The archive at `path` with entries replaced (bytes), or dropped (None)."""
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries.update(changes)
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, data in entries.items():
            if data is not None:
                archive.writestr(name, data)
    return path


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), **options)
    return buffer.getvalue()


def header_with(path, **changes):
    with zipfile.ZipFile(path) as archive:
        header = json.loads(archive.read("header.json"))
    header.update(changes)
    return {"header.json": json.dumps({k: v for k, v in header.items() if v is not None}).encode()}


def test_loading_runs_no_code(toy_survey, tmp_path):
    path = save(toy_survey, tmp_path / "s")
    mark = tmp_path / "mark"
    objects = np.array([Bomb(mark)], dtype=object)
    rewritten(path, {"bounds.npy": npy(objects, allow_pickle=True)})
    with pytest.raises(ValueError, match="dtype object"):
        talweg.load(path)
    path.write_bytes(pickle.dumps(Bomb(mark)))
    with pytest.raises(ValueError, match="not a talweg file"):
        talweg.load(path)
    assert not mark.exists()


HUGE = (
    b"\x93NUMPY\x01\x00"
    + (118).to_bytes(2, "little")
    + (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 2), }".ljust(117)
        + b"\n"
    )
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bounds.npy": npy(np.zeros((3, 2)))}, r"bounds.npy has shape \(3, 2\)"),
        ({"bounds.npy": npy(np.zeros((2, 2), "f4"))}, "bounds.npy has dtype float32"),
        ({"bounds.npy": npy(np.zeros((2, 2), ">f8"))}, "bounds.npy has dtype >f8"),
        ({"bounds.npy": HUGE}, r"bounds.npy has 0 bytes of data for shape \(1000000000000, 2\)"),
        ({"bounds.npy": b"nonsense"}, "bounds.npy is no .npy array"),
        ({"extremals/x.npy": None}, "extremals/x.npy is missing"),
        ({"extremals/fun.npy": npy(np.zeros(3))}, "extremals/fun.npy has shape"),
        ({"extremals/offsets.npy": npy(np.array([0, 900, 701]))}, "does not ascend"),
        ({"events/kind.npy": npy(np.full(10, 99))}, "beyond event_kinds"),
        ({"half_branches.npy": npy(np.array([[0, 0, 1, 7]]))}, "half_branches has"),
        ({"more.npy": npy(np.zeros(3))}, "unexpected array more.npy"),
        ({"objective/code.npy": npy(np.zeros(3))}, "s: damaged survey file"),
        ({"readme.txt": b"hello"}, "not a talweg file .*readme.txt"),
        ({"header.json": None}, "no header.json"),
        ({"header.json": b"{"}, "header.json: "),
        ({"header.json": b"[" * 100_000}, "header.json: "),
        ({"header.json": b"\xff\xfe"}, "header.json: "),
        ({"header.json": b"{}"}, "names another format"),
    ],
)
def test_damaged_files_are_refused(toy_survey, tmp_path, changes, message):
    path = rewritten(save(toy_survey, tmp_path / "s"), changes)
    with pytest.raises(ValueError, match=message):
        talweg.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"format_version": 2, "talweg": "9.0"},
            "format 2 by talweg 9.0; this talweg reads up to 1",
        ),
        ({"format_version": "1"}, "format_version is '1'"),
        ({"kind": "flow"}, "holds 'flow', wanted one of descents, extremal, survey"),
        ({"kind": "extremal"}, "damaged extremal file"),
        ({"n": 3}, "wanted"),
        ({"n": "2"}, "n is '2'"),
        ({"status": 55}, "status is 55"),
        ({"extremals": None}, "header lacks 'extremals'"),
        ({"extremals": {}}, "no list"),
        ({"event_messages": []}, "event_messages does not have"),
        ({"event_kinds": ["fold"] * 7}, "kind is 'fold'"),
    ],
)
def test_wrong_headers_are_refused(toy_survey, tmp_path, changes, message):
    path = save(toy_survey, tmp_path / "s")
    rewritten(path, header_with(path, **changes))
    with pytest.raises(ValueError, match=message):
        talweg.load(path)


def test_compressed_files_are_refused(toy_survey, tmp_path):
    path = rewritten(save(toy_survey, tmp_path / "s"), {}, compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(ValueError, match="is compressed"):
        talweg.load(path)


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        talweg.load(tmp_path / "nothing")


def strict(text):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_json_has_every_number_exactly(toy_survey, tmp_path):
    path = tmp_path / "survey.json"
    to_json(toy_survey, path)
    document = strict(path.read_text(encoding="utf-8"))
    assert (document["format"], document["kind"]) == ("talweg-json", "survey")
    for curve, written in zip(toy_survey.extremals, document["extremals"], strict=True):
        for name in ("x", "fun", "sigma", "eigenvalue", "tangent", "arclength", "slope_index"):
            assert np.array_equal(np.array(written[name]), getattr(curve, name)), name
        assert [e["x"] for e in written["events"]] == [e.x.tolist() for e in curve.events]
        assert [s["label"] for s in written["labels"]] == [s.label for s in curve.labels()]
    assert {
        (h["critical_point"], h["branch"], h["direction"]): h["extremal"]
        for h in document["half_branches"]
    } == toy_survey.half_branches
    assert len(document["edges"]) == len(toy_survey.edges(talweg_only=False))


def test_json_is_strict_about_what_is_not_finite(make_curve):
    x = np.column_stack([np.linspace(0, 1, 3), np.zeros(3)])
    curve = make_curve(
        x, np.zeros(3, int), residual=[math.nan, math.inf, 1.0], parameters={"max_length": math.inf}
    )
    document = strict(as_json(curve))
    assert document["residual"] == [None, None, 1.0]
    assert document["parameters"] == {"max_length": None}
    assert document["status"] == "converged"


def test_json_follows_its_schema(toy_survey):
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for result in (toy_survey, toy_survey.extremals[0], Survey((), ())):
        validator.validate(json.loads(as_json(result)))
    toy = talweg.surfaces.toy()
    descents = talweg.reports.descent_report(toy, n_starts=5)
    flow = talweg.reports.descent_report(toy, n_starts=5, flow=True)
    noisy = talweg.reports.descent_report(toy, n_starts=5, noise=1e-3)
    for report in (descents, flow, noisy, talweg.reports.theory_report(toy, measure=False)):
        validator.validate(json.loads(as_json(report)))
    broken = json.loads(as_json(toy_survey))
    broken["extremals"][0]["events"][0]["kind"] = "fold"
    assert not validator.is_valid(broken)


def test_a_missing_folder_is_named(toy_survey, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such directory to save in") as caught:
        toy_survey.save(tmp_path / "missing" / "survey.talweg")
    assert caught.value.filename == str(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []
