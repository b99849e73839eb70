"""Pictures: what is drawn lies where the numbers say; no test needs a screen."""

import dataclasses
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("matplotlib")

from matplotlib import pyplot
from matplotlib.colors import to_hex
from matplotlib.patches import PathPatch

import talweg
from talweg.extremals.results import CriticalPoint, Event, Survey
from talweg.plot import contour_levels, draw_survey
from talweg.plot.curves import pieces, smooth_path
from talweg.plot.style import LINES


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def lines(axes):
    """Drawn paths by label, halos left out."""
    label = {line["edgecolor"].lower(): name for name, line in LINES.items()}
    found = {}
    for patch in axes.patches:
        name = label.get(to_hex(patch.get_edgecolor()))
        if isinstance(patch, PathPatch) and name:
            found.setdefault(name, []).append(patch.get_path())
    return found


def markers(axes, symbol):
    return np.array([at for l in axes.lines if l.get_marker() == symbol for at in l.get_xydata()])


def ends(paths):
    return sorted(tuple(np.round(p, 9)) for path in paths for p in path.vertices[[0, -1]])


def test_lines_change_colour_at_the_branch_points(toy_survey):
    axes = toy_survey.plot().axes[0]
    drawn = lines(axes)
    assert set(drawn) == {"talweg", "ridge line"}
    (ridge,) = drawn["ridge line"]
    assert ends([ridge]) == pytest.approx(
        np.round([(0.0, -1 - np.sqrt(2)), (0.0, np.sqrt(2) - 1)], 9)
    )
    # Two pieces of the line x = 0 and the whole curved talweg.
    assert len(drawn["talweg"]) == 3


def test_smooth_path_follows_the_curve(toy_survey, talweg_exact):
    ordinate, _ = talweg_exact
    curve = toy_survey.extremals[0]
    (piece,) = pieces(curve)
    every = slice(None, None, 8)
    steps = np.linalg.norm(np.diff(piece.x[every], axis=0), axis=1)
    path = smooth_path(piece.x[every], piece.tangent[every], steps)
    arcs = [segment(np.linspace(0, 1, 9)) for segment, _ in path.iter_bezier()]
    drawn = np.concatenate([at for at in arcs if len(at)])
    # At the saddles, x = +-2, the cubic's roots meet and say little about y.
    drawn = drawn[np.abs(np.abs(drawn[:, 0]) - 2) > 0.01]
    exact = np.array([ordinate(x) for x in drawn[:, 0]])
    straight = np.interp(drawn[:, 0], piece.x[every, 0], piece.x[every, 1])
    error = np.abs(drawn[:, 1] - exact).max()
    assert error < np.abs(straight - exact).max() / 100
    assert error < 1e-4


def test_critical_points_and_events_are_marked(toy_survey):
    axes = toy_survey.plot().axes[0]
    assert sorted(map(tuple, markers(axes, "D"))) == [(-2.0, -1.0), (2.0, -1.0)]
    assert (0.0, 0.0) in [tuple(at) for at in markers(axes, "o")]
    assert len(markers(axes, "*")) == 2
    near = toy_survey.extremals[0].x[-3]
    assert any(np.allclose(at, near) for at in markers(axes, "o"))
    words = [text.get_text() for text in toy_survey.plot().legends[0].get_texts()]
    assert words == [
        "talweg",
        "ridge line",
        "minimum",
        "saddle",
        "valley-ridge inflection",
        "branch point",
        "near branch",
    ]
    bare = toy_survey.plot(events=False, legend=False)
    assert len(markers(bare.axes[0], "*")) == 0
    assert bare.legends == []


def test_the_same_event_on_two_curves_is_marked_once(toy_survey):
    twice = dataclasses.replace(
        toy_survey, extremals=[*toy_survey.extremals, toy_survey.extremals[1]]
    )
    assert len(markers(twice.plot().axes[0], "*")) == 2


def test_box_and_scale(toy_survey):
    axes = toy_survey.plot().axes[0]
    assert axes.get_xlim() == (-3.0, 3.0)
    assert axes.get_aspect() == 1.0
    assert toy_survey.plot(equal=False).axes[0].get_aspect() == "auto"
    free = dataclasses.replace(toy_survey, bounds=None).plot().axes[0]
    (x0, x1), (y0, y1) = free.get_xlim(), free.get_ylim()
    every = np.concatenate([curve.x for curve in toy_survey.extremals])
    assert ((every > [x0, y0]) & (every < [x1, y1])).all()


def test_files_are_written(toy_survey, tmp_path):
    figure = toy_survey.plot(title="toy")
    figure.savefig(tmp_path / "a.png")
    figure.savefig(tmp_path / "a.svg")
    assert (tmp_path / "a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert ElementTree.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")


def test_draws_into_given_axes(toy_survey):
    figure, (left, right) = pyplot.subplots(1, 2)
    assert draw_survey(toy_survey, [left, right], profile=True) is figure
    assert lines(left)
    assert lines(right)
    with pytest.raises(ValueError, match="axes: 1, wanted 2"):
        draw_survey(toy_survey, left, profile=True)


def test_profile_counts_from_the_critical_point(toy_survey):
    figure = toy_survey.extremals[0].plot()
    profile = figure.axes[1]
    (path,) = lines(profile)["talweg"]
    curve = toy_survey.extremals[0]
    assert np.ptp(path.vertices[:, 0]) == pytest.approx(curve.length)
    assert np.array_equal(path.vertices[:, 1], curve.fun)


def bowl(points):
    """f = (x^2 + 2 y^2 + 3 z^2)/2 + x^4."""
    x, y, z = np.moveaxis(np.asarray(points), -1, 0)
    return (x**2 + 2 * y**2 + 3 * z**2) / 2 + x**4


@pytest.fixture
def spatial(make_curve):
    """Three coordinate axes as curves of `bowl`."""
    t = np.linspace(-1, 1, 21)
    curves = []
    for k in range(3):
        x = np.zeros((21, 3))
        x[:, k] = t
        tangent = np.tile(np.eye(3)[k], (21, 1))
        curves.append(make_curve(x, np.full(21, k), fun=bowl(x), tangent=tangent, f=bowl))
    point = CriticalPoint(np.zeros(3), 0.0, [1.0, 2.0, 3.0], np.eye(3), 0, 0.0, 0.0)
    return Survey([point], curves, {(0, k, 1): k for k in range(3)}, f=bowl)


def test_more_coordinates_are_projected(spatial):
    figure = spatial.plot()
    left, right = figure.axes
    drawn = lines(left)
    assert set(drawn) == {"talweg", "mixed", "ridge line"}
    assert ends(drawn["talweg"]) == [(-1.0, 0.0), (1.0, 0.0)]
    assert ends(drawn["ridge line"]) == [(0.0, -1.0), (0.0, 1.0)]
    # Across the plane of the softest and stiffest directions the middle one is a point.
    assert ends(drawn["mixed"]) == [(0.0, 0.0), (0.0, 0.0)]
    assert (left.get_xlabel(), left.get_ylabel()) == (
        "along eigenvector 0",
        "along eigenvector 2",
    )
    assert set(lines(right)) == {"talweg", "mixed", "ridge line"}
    other = spatial.plot(plane=(1, 0)).axes[0]
    assert ends(lines(other)["mixed"]) == [(-1.0, 0.0), (1.0, 0.0)]


@pytest.fixture(scope="module")
def trimer():
    start = [0.0, 0, 0, 1.1, 0, 0, 0.5, 1.0, 0]
    return talweg.survey(talweg.models.lennard_jones(3), starts=start, max_length=0.1)


def test_the_plane_of_a_cluster_is_that_of_two_vibrations(trimer):
    (triangle,) = trimer.critical_points
    # The repeated eigenvalue of the triangle has three lines, numbered beyond the three vibrations.
    assert triangle.branches == 3 and max(b for _, b, _ in trimer.half_branches) > 2
    axes = trimer.plot().axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (
        "along eigenvector 0",
        "along eigenvector 2",
    )
    assert ends(lines(trimer.plot(plane=(0, -1)).axes[0])["talweg"]) == ends(lines(axes)["talweg"])
    with pytest.raises(ValueError, match=r"plane: branches \(0, 3\), wanted two of 0 to 2"):
        trimer.plot(plane=(0, 3))


def test_a_pair_of_atoms_has_one_vibration_to_draw():
    pair = talweg.models.lennard_jones(2)
    survey = talweg.survey(pair, starts=[0.0, 0, 0, 0, 0, 1.1], max_length=0.1)
    axes = survey.plot().axes[0]
    assert axes.get_xlabel() == "along eigenvector 0"
    (valley,) = lines(axes)["talweg"]
    assert ends([valley]) == [(-0.1, 0.0), (0.1, 0.0)]


def test_a_metric_does_not_stretch_the_picture():
    bowl = talweg.models.quadratic(np.diag([4.0, 2.0, 45.0]))
    f = bowl.with_metric([4.0, 1.0, 9.0])
    survey = talweg.survey(f, starts=[0.0, 0, 0], bounds=[(-1, 1)] * 3)
    assert survey.critical_points[0].eigenvalues == pytest.approx([1.0, 2.0, 5.0])
    axes = survey.plot().axes[0]
    # Eigenvectors of length 1/2 and 1/3 in x, yet the curves end at the faces of the box.
    assert ends(lines(axes)["talweg"]) == [(-1.0, 0.0), (1.0, 0.0)]
    assert ends(lines(axes)["ridge line"]) == [(0.0, -1.0), (0.0, 1.0)]


def test_one_curve_has_a_plane_of_its_own(spatial):
    axes = spatial.extremals[1].plot().axes[0]
    assert ends(lines(axes)["mixed"]) == pytest.approx(np.array([(-1.0, 0.0), (1.0, 0.0)]))


def test_one_coordinate_is_a_graph():
    point = CriticalPoint([0.5], -0.25, [2.0], np.eye(1), 0, 0.0, 0.0)
    survey = Survey([point], [], f=lambda x: x[:, 0] ** 2 - x[:, 0], bounds=[[0.0, 2.0]])
    axes = survey.plot().axes[0]
    graph = axes.lines[0].get_xydata()
    assert np.allclose(graph[:, 1], graph[:, 0] * (graph[:, 0] - 1))
    assert (graph[0, 0], graph[-1, 0]) == (0.0, 2.0)
    assert [tuple(at) for at in markers(axes, "o")] == [(0.5, -0.25)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"plane": (0, 3)}, r"plane: branches \(0, 3\), wanted two of 0 to 2"),
        ({"plane": (0, -3)}, "plane: branches"),
        ({"plane": np.ones((3, 2))}, "not orthonormal"),
        ({"plane": np.ones((2, 2))}, r"shape \(2, 2\), wanted \(3, 2\)"),
        ({"center": 1}, "center: critical point 1, wanted 0 to 0"),
        ({"center": np.zeros(2)}, r"center: shape \(2,\), wanted \(3,\)"),
        ({"center": np.zeros(3), "plane": (0, 1)}, "need a critical point as center"),
    ],
)
def test_bad_planes_are_refused(spatial, options, message):
    with pytest.raises(ValueError, match=message):
        spatial.plot(**options)


def steep(points):
    """Linear: no critical point and no curve."""
    return points[..., 0] + 2 * points[..., 1]


def test_without_critical_points_the_landscape_is_drawn_alone():
    axes = Survey((), (), f=steep, bounds=[[-1.0, 1.0], [0.0, 3.0]]).plot().axes[0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((-1.0, 1.0), (0.0, 3.0))
    assert len(axes.collections) == 2
    flat = Survey((), (), f=lambda x: np.ones(len(x)), bounds=[[-1.0, 1.0]] * 2)
    assert flat.plot().axes
    with pytest.raises(ValueError, match="nothing to draw"):
        Survey((), (), f=steep, bounds=[[-1.0, 1.0]] * 3).plot()


def test_heights_beyond_all_levels_are_drawn(tmp_path):
    f = talweg.Objective(lambda x: np.exp(1e3 * x[0] ** 2) + x[1] ** 2, 2)
    box = [[-0.83, 0.83], [-1.0, 1.0]]
    Survey((), (), f=f, bounds=box).plot().savefig(tmp_path / "steep.png")
    assert (tmp_path / "steep.png").stat().st_size > 0


def numbers_in(axes):
    return sorted(int(text.get_text()) for text in axes.texts)


def test_critical_points_carry_their_numbers(toy_survey):
    axes = toy_survey.plot().axes[0]
    assert numbers_in(axes) == [0, 1, 2]
    for text in axes.texts:
        assert np.array_equal(text.xy, toy_survey.critical_points[int(text.get_text())].x)
    assert numbers_in(toy_survey.plot(numbers=False).axes[0]) == []


def test_the_profile_numbers_a_point_that_is_met_again(spatial, make_curve):
    # A circle through the origin, which it meets at both ends.
    angle = np.linspace(0, 2 * np.pi, 81)
    x = np.stack([1 - np.cos(angle), np.sin(angle), 0 * angle], axis=-1)
    tangent = np.stack([np.sin(angle), np.cos(angle), 0 * angle], axis=-1)
    meets = [
        Event("critical_point", x[k], 0.0, s, 0.0, i, tangent[k], morse_index=0)
        for k, s, i in ((0, 0.0, 0), (-1, 2 * np.pi, 79))
    ]
    curve = make_curve(x, np.zeros(81, int), fun=bowl(x), tangent=tangent, events=meets)
    survey = dataclasses.replace(spatial, extremals=[curve], half_branches={})
    profile = survey.plot().axes[1]
    assert numbers_in(profile) == [0, 0]
    assert len(markers(profile, "o")) == 2


def test_the_map_of_a_projection_has_equal_scales(spatial):
    flat = dataclasses.replace(spatial, extremals=spatial.extremals[:1], half_branches={})
    axes = flat.plot(plane=(0, 2)).axes[0]
    assert axes.get_aspect() == 1.0
    assert np.ptp(axes.get_ylim()) >= 0.6 * np.ptp(axes.get_xlim())


def test_a_crowd_is_thinned(toy_survey):
    curve = toy_survey.extremals[1]
    many = dataclasses.replace(toy_survey, extremals=[curve] * 40, half_branches={(0, 1, 1): 3})
    crowded = many.plot(profile=True)
    width = {patch.get_linewidth() for patch in crowded.axes[0].patches}
    assert max(width) < min(p.get_linewidth() for p in toy_survey.plot().axes[0].patches) + 2.6
    # One profile: that of the curve through the first critical point.
    assert sum(len(paths) for paths in lines(crowded.axes[1]).values()) == len(list(pieces(curve)))
    assert len(crowded.axes[0].lines) < 20


def test_more_events_than_can_be_told_apart_are_left_out(toy_survey):
    curve = toy_survey.extremals[1]
    events = [
        Event("inflection", curve.x[k], 0.0, curve.arclength[k], 0.0, k, curve.tangent[k])
        for k in range(0, 300, 1)
    ]
    bare = dataclasses.replace(toy_survey, critical_points=[], half_branches={})
    for kept, marked in ((events[:100], 100), (events, 0)):
        busy = dataclasses.replace(bare, extremals=[dataclasses.replace(curve, events=kept)])
        assert len(markers(busy.plot().axes[0], "o")) == marked
    assert len(markers(busy.plot(events=True).axes[0], "o")) == 300


def test_a_level_fold_on_a_branch_point_leaves_the_marker_to_it(make_curve):
    x = np.stack([np.linspace(-1, 1, 21), np.zeros(21)], axis=-1)
    both = [
        Event(kind, at, 0.0, at[0] + 1, 0.0, 10, (1.0, 0.0))
        for kind, at in (
            ("level_fold", (0.0, 0.0)),
            ("branch_point", (0.0, 0.0)),
            ("level_fold", (0.5, 0.0)),
        )
    ]
    curve = make_curve(x, np.zeros(21, int), events=both)
    axes = Survey((), (curve,), bounds=[[-1.0, 1.0]] * 2).plot().axes[0]
    assert [tuple(at) for at in markers(axes, "s")] == [(0.5, 0.0)]
    assert [tuple(at) for at in markers(axes, "*")] == [(0.0, 0.0)]


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="nothing to draw"):
        Survey((), ()).plot()


def test_without_matplotlib_the_error_says_what_to_install(toy_survey, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install matplotlib"):
        toy_survey.plot()


def test_a_function_that_is_nowhere_finite_leaves_the_ground_white(toy_survey):
    nowhere = dataclasses.replace(toy_survey, f=lambda points: np.full(len(points), np.nan))
    figure = nowhere.plot()
    assert len(figure.axes[0].collections) == 0
    assert lines(figure.axes[0])


def test_contours_resolve_wells_and_reach_the_heights():
    # Wells between -100 and -40, walls up to 1e5.
    values = np.concatenate([np.linspace(-100, 0, 500), np.geomspace(1, 1e5, 500)])
    levels = contour_levels(values, [-100.0, -80.0, -40.0])
    assert np.sum((levels > -100) & (levels < -40)) >= 12
    assert levels[-1] > 1e4
    assert np.sum(levels > 0) >= 8


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50),
    st.lists(st.floats(-1e6, 1e6), max_size=5),
    st.integers(8, 60),
)
def test_contour_levels_ascend(values, critical, count):
    levels = contour_levels(np.array(values), critical, count)
    assert len(levels) >= 2
    assert (np.diff(levels) > 0).all()
    assert len(levels) <= 2 * count + 8


def test_contour_levels_of_nothing_are_refused():
    with pytest.raises(ValueError, match="no value is finite"):
        contour_levels(np.array([np.nan, np.inf]))
