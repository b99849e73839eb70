"""Result classes: labels, graph, checks and texts."""

import itertools
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

import talweg
from talweg import _core
from talweg.extremals.results import EVENT_KINDS, CriticalPoint, Event, Extremal, Survey

STATUS_HEADER = Path(__file__).parents[2] / "csrc/include/talweg/status.hpp"


def test_status_mirrors_the_header():
    text = STATUS_HEADER.read_text(encoding="utf-8")
    body = re.search(r"enum class Status.*?\{(.*?)\};", text, re.DOTALL)[1]
    codes = {name.upper(): int(code) for name, code in re.findall(r"(\w+)\s*=\s*(\d+)", body)}
    assert len(codes) >= 15
    assert {status.name: status.value for status in talweg.Status} == codes


@pytest.mark.parametrize("status", talweg.Status)
def test_status_speaks_as_the_core_does(status):
    assert status.describe() == _core.describe(_core.Status(int(status)))
    assert status.succeeded == (status < 100)


def test_labels_agree_with_the_closed_form(toy_survey):
    line = toy_survey.extremals[1]
    y = line.x[:, 1]
    # Across x = 0 the index changes where y^2 + 2 y - 1 changes sign.
    assert np.array_equal(line.is_talweg, y**2 + 2 * y - 1 >= 0)
    assert np.array_equal(line.is_ridge, ~line.is_talweg)
    assert [segment.label for segment in line.labels()] == ["talweg", "ridge line", "talweg"]
    # The ridge line runs over 2 sqrt 2 of the length 6; a label changes within one step.
    assert line.share()["ridge line"] == pytest.approx(2 * np.sqrt(2) / 6, abs=0.02 / 6)


@given(st.integers(1, 6), st.lists(st.integers(0, 5), min_size=1, max_size=40))
def test_segments_partition_the_points(n, indices):
    indices = np.minimum(indices, n - 1)
    m = len(indices)
    curve = Extremal(
        x=np.arange(m * n, dtype=float).reshape(m, n),
        fun=np.zeros(m),
        sigma=np.zeros(m),
        eigenvalue=np.zeros(m),
        tangent=np.ones((m, n)),
        eigenvector=np.ones((m, n)),
        arclength=np.arange(m, dtype=float),
        slope_index=indices,
        curvature_index=np.zeros(m, dtype=int),
        residual=np.zeros(m),
    )
    segments = curve.labels()
    covered = [k for start, stop, _ in segments for k in range(start, stop)]
    assert covered == list(range(m))
    assert all(a.label != b.label for a, b in itertools.pairwise(segments))
    for start, stop, label in segments:
        (index,) = set(indices[start:stop])
        expected = (
            "talweg" if index == 0 else "ridge line" if index == n - 1 else f"mixed, index {index}"
        )
        assert label == expected
    assert sum(curve.share().values()) == pytest.approx(1.0)
    assert not (n == 1 and curve.is_ridge.any())


def test_edges_join_saddles_with_the_minimum(toy_survey, talweg_exact):
    _, slope = talweg_exact
    edges = toy_survey.edges()
    assert [(edge.start, edge.stop) for edge in edges] == [(2, 0), (0, 1)]
    length = quad(lambda x: np.hypot(1.0, slope(x)), 0, 2, limit=200)[0]
    for edge in edges:
        assert edge.extremal == 0
        assert edge.is_talweg
        assert edge.barrier == 1.0
        # A chord of length h is shorter than its arc by about h^3 kappa^2 / 24.
        assert edge.length == pytest.approx(length, rel=1e-4)


def test_graph_has_the_edges(toy_survey):
    pytest.importorskip("networkx")
    graph = toy_survey.graph()
    assert sorted(graph.nodes) == [0, 1, 2]
    assert [graph.nodes[i]["morse_index"] for i in range(3)] == [0, 1, 1]
    listed = sorted(
        (*sorted((a, b)), data["barrier"], data["extremal"])
        for a, b, data in graph.edges(data=True)
    )
    assert listed == sorted(
        (*sorted((edge.start, edge.stop)), edge.barrier, edge.extremal)
        for edge in toy_survey.edges()
    )


def test_graph_without_networkx_names_the_other_way(toy_survey, monkeypatch):
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ImportError, match=r"networkx.*survey\.edges\(\)"):
        toy_survey.graph()


def isolated_minimum(x):
    n = len(x)
    return CriticalPoint(x, 0.0, np.ones(n), np.eye(n), 0, 0.0, 0.0)


def passing(curve, k, **more):
    """A critical point event on point k of `curve`."""
    return Event(
        "critical_point",
        curve.x[k],
        curve.fun[k],
        curve.arclength[k],
        0.0,
        min(k, len(curve) - 2),
        curve.tangent[k],
        morse_index=0,
        **more,
    )


def test_two_folds_between_neighbouring_points_are_no_talweg(make_curve):
    x = np.column_stack([np.linspace(0, 1, 11), np.zeros(11)])
    bare = make_curve(x, np.zeros(11, int))
    ends = [passing(bare, 0), passing(bare, 10)]
    folds = [
        Event("level_fold", (0.55, 0.0), 7.5 + k, 0.55 + 1e-3 * k, 0.0, 5, (1.0, 0.0))
        for k in range(2)
    ]
    points = [isolated_minimum(x[0]), isolated_minimum(x[-1])]
    smooth = Survey(points, [make_curve(x, np.zeros(11, int), events=ends)])
    folded = Survey(points, [make_curve(x, np.zeros(11, int), events=ends + folds)])
    assert [edge.is_talweg for edge in smooth.edges()] == [True]
    assert folded.edges() == []
    (edge,) = folded.edges(talweg_only=False)
    # fun is the point number, so the end (10) is higher than both folds.
    assert (edge.barrier, edge.is_talweg) == (10.0, False)


def test_part_mixed_arc_is_no_talweg(make_curve):
    x = np.column_stack([np.linspace(0, 1, 11), np.zeros(11)])
    index = np.zeros(11, int)
    index[4] = 1
    bare = make_curve(x, index)
    curve = make_curve(x, index, events=[passing(bare, 0), passing(bare, 3), passing(bare, 10)])
    survey = Survey([isolated_minimum(x[k]) for k in (0, 3, 10)], [curve])
    assert [(e.start, e.stop) for e in survey.edges()] == [(0, 1)]
    assert [e.is_talweg for e in survey.edges(talweg_only=False)] == [True, False]


@pytest.mark.parametrize("starts_at_point", [True, False])
def test_closed_curve_leads_back(make_curve, starts_at_point):
    angle = np.linspace(0, 2 * np.pi, 73)
    x = np.column_stack([np.cos(angle), np.sin(angle)])
    x[-1] = x[0]
    fun = np.sin(angle + (0 if starts_at_point else 0.5)) ** 2
    bare = make_curve(x, np.zeros(73, int), fun=fun)
    marks = (0, 36, 72) if starts_at_point else (9, 45)
    curve = make_curve(
        x, np.zeros(73, int), fun=fun, closed=True, events=[passing(bare, k) for k in marks]
    )
    survey = Survey([isolated_minimum(x[k]) for k in marks[:2]], [curve])
    edges = survey.edges()
    assert [(e.start, e.stop) for e in edges] == [(0, 1), (1, 0)]
    assert sum(e.length for e in edges) == pytest.approx(curve.length)
    assert [e.length for e in edges] == pytest.approx([curve.length / 2] * 2)
    assert all(e.barrier > 0.9 for e in edges)


def test_multiplicities_group_equal_eigenvalues():
    point = CriticalPoint(np.zeros(4), 0.0, [-2.0, 1.0, 1.0 + 1e-12, 5.0], np.eye(4), 1, 0, 0)
    assert point.multiplicities() == [[0], [1, 2], [3]]
    assert point.multiplicities(rtol=1e-15) == [[0], [1], [2], [3]]
    assert point.type == "saddle, index 1"


def test_events_are_sorted(make_curve):
    x = np.column_stack([np.linspace(0, 1, 5), np.zeros(5)])
    late = Event("level_fold", (0.9, 0.0), 0.0, 0.9, 0.0, 3, (1.0, 0.0))
    early = Event("inflection", (0.1, 0.0), 0.0, 0.1, 0.0, 0, (1.0, 0.0))
    assert make_curve(x, np.zeros(5, int), events=[late, early]).events == (early, late)


def test_arrays_cannot_be_changed(toy_survey):
    with pytest.raises(ValueError, match="read-only"):
        toy_survey.extremals[0].x[0, 0] = 1.0


def test_texts_say_what_is_there(toy_survey):
    text = toy_survey.summary()
    for part in (
        "3 critical points",
        "minimum",
        "saddle",
        "2 – 0",
        "ridge line 47",
        "2 branch points",
    ):
        assert part in text, part
    assert repr(toy_survey) == text
    text = repr(toy_survey.extremals[1])
    assert "301 points, n = 2, length 6" in text
    assert "critical point (Morse index 0)" in text
    assert "half-gap 1e-05" in repr(toy_survey.extremals[0])


def test_asdict_holds_every_field(toy_survey):
    fields = toy_survey.asdict()
    assert set(fields) == {
        "critical_points",
        "extremals",
        "half_branches",
        "bounds",
        "status",
        "message",
        "parameters",
    }
    curve = fields["extremals"][0]
    assert np.array_equal(curve["slope"], np.abs(curve["sigma"]))
    assert curve["events"][0]["kind"] in EVENT_KINDS


def test_results_pickle(toy_survey):
    curve = toy_survey.extremals[1]
    again = pickle.loads(pickle.dumps(curve.events[0]))
    assert again.asdict().keys() == curve.events[0].asdict().keys()
    assert np.array_equal(again.x, curve.events[0].x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.zeros(3)}, r"x has shape \(3,\), wanted \(any, any\)"),
        ({"x": np.zeros((0, 2))}, "at least one point"),
        ({"fun": np.zeros(4)}, r"fun has shape \(4,\), wanted \(3,\)"),
        ({"tangent": np.zeros((3, 3))}, r"tangent has shape \(3, 3\), wanted \(3, 2\)"),
        ({"status": 77}, "status is 77"),
        (
            {"events": [Event("inflection", (0.0, 0.0), 0.0, 0.0, 0.0, 2, (1.0, 0.0))]},
            "index 2, wanted 0 to 1 for 3 points",
        ),
        (
            {"events": [Event("inflection", (0.0,), 0.0, 0.0, 0.0, 0, (1.0,))]},
            "1 coordinates, the curve has 2",
        ),
    ],
)
def test_extremal_refuses_what_does_not_fit(make_curve, change, message):
    fields = make_curve(np.zeros((3, 2)), np.zeros(3, int)).asdict()
    del fields["slope"]
    with pytest.raises(ValueError, match=message):
        Extremal(**{**fields, **change})


def test_extremal_refuses_text(make_curve):
    with pytest.raises(TypeError, match="fun must be numbers"):
        make_curve(np.zeros((3, 2)), np.zeros(3, int), fun=["a", "b", "c"])


def test_survey_refuses_what_does_not_fit(toy_survey):
    with pytest.raises(ValueError, match="half_branches"):
        Survey(toy_survey.critical_points, toy_survey.extremals, {(0, 0, 1): 2})
    with pytest.raises(ValueError, match="half_branches"):
        Survey(toy_survey.critical_points, toy_survey.extremals, {(0, 0, 0): 1})
    with pytest.raises(ValueError, match=r"different dimensions \[2, 3\]"):
        Survey([*toy_survey.critical_points, isolated_minimum((0, 0, 0))], [])
    with pytest.raises(ValueError, match="kind is 'fold'"):
        Event("fold", (0.0,), 0.0, 0.0, 0.0, 0, (1.0,))
    with pytest.raises(ValueError, match="morse_index is 3"):
        CriticalPoint((0.0, 0.0), 0.0, (1.0, 1.0), np.eye(2), 3, 0.0, 0.0)
