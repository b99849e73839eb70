"""What results say happened, and that it is so."""

import _thread
import threading
import warnings

import numpy as np
import pytest
from scipy.optimize import Bounds

import talweg
from talweg import Status, surfaces

BOX = [(-2.0, 2.0), (-2.0, 2.0)]


def slope(x):
    return x[0] + 2 * x[1]


def cubic_minimum(x):
    """A minimum at (0.5, 0) across whose kink at x = 0 the third derivative jumps."""
    return np.abs(x[0]) ** 3 + (x[0] - 0.5) ** 2 + 2 * x[1] ** 2


# Starts that are no critical points -----------------------------------------------------------


def test_a_start_on_no_curve_is_not_called_a_degenerate_critical_point():
    f = surfaces.toy()
    crossing = [0.0, np.sqrt(2) - 1]
    assert np.linalg.norm(f.grad(crossing)) > 0.5
    curve = talweg.trace(f, crossing, branch=1)
    assert not curve.success and len(curve) == 1
    assert "The start is no critical point (|grad f| = 0.828 there)" in curve.message
    assert "critical point is degenerate" not in curve.message
    curve = talweg.trace(lambda x: x @ x, [1.0, 1.0], bounds=BOX)
    assert curve.status == Status.NOT_CONVERGED
    assert "no gradient extremal of branch 0 was found near it" in curve.message


def test_a_degenerate_critical_point_is_called_one():
    curve = talweg.trace(lambda x: x[0] ** 2 + x[1] ** 3, [0.0, 0.0], branch=1, bounds=BOX)
    assert curve.status == Status.DEGENERATE
    assert "another eigenvalue of its Hessian is zero" in curve.message


# Kinks ------------------------------------------------------------------------------------------


def test_kinks_are_named():
    f = talweg.Objective(cubic_minimum, 2)
    assert f.kinks == ("abs",)
    for result in (
        talweg.survey(f, BOX),
        talweg.trace(f, [-1.0, 0.0], bounds=BOX),
        talweg.trace_talweg(f, [0.4, 0.0], bounds=BOX),
    ):
        assert "f has kinks (abs)" in result.message
        assert "f has kinks (abs)" in repr(result)
    assert "kinks" not in talweg.survey(surfaces.toy()).message


# Nothing found ------------------------------------------------------------------------------------


def test_a_survey_without_critical_points_is_no_success():
    survey = talweg.survey(slope, BOX)
    assert survey.status == Status.NOT_CONVERGED and not survey.success
    assert "No critical point was found in the box" in survey.message
    assert survey.critical_points == survey.extremals == ()
    survey = talweg.survey(slope, starts=[[0.0, 0.0]], bounds=BOX)
    assert "from the given starts; start nearer" in survey.message
    axes = survey.plot().axes[0]
    assert (axes.get_xlim(), axes.get_ylim()) == ((-2.0, 2.0), (-2.0, 2.0))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("fun", [lambda x: 3.0 + 0 * x[0], lambda x: x[-1] / 3])
def test_constant_and_linear_functions_give_a_status_without_warnings(n, fun):
    f = talweg.Objective(fun, n)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        survey = talweg.survey(f, [(-1.0, 1.0)] * n)
        assert not survey.success and survey.message
        if n > 1:
            for call in (talweg.trace, talweg.trace_talweg):
                curve = call(f, [0.0] * n, bounds=[(-1.0, 1.0)] * n)
                assert not curve.success and len(curve) == 1


# Degenerate critical points -----------------------------------------------------------------------


def rotation(angle):
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2])
def test_the_three_lines_of_a_monkey_saddle(angle):
    turn, centre = rotation(angle), np.array([0.17, -0.05])

    def monkey(x):
        y = turn @ (x - centre)
        return y[0] ** 3 - 3 * y[0] * y[1] ** 2

    survey = talweg.survey(monkey, [(-1, 1), (-1, 1)])
    (point,) = survey.critical_points
    assert point.degenerate and np.linalg.norm(point.x - centre) < 1e-14
    assert point.multiplicities() == [[0, 1]]
    assert survey.success and len(survey.extremals) == 3
    assert sorted(survey.half_branches) == [(0, b, s) for b in (0, 1, 2) for s in (-1, 1)]
    angles = []
    for curve in survey.extremals:
        y = (curve.x - centre) @ turn.T
        radius = np.linalg.norm(y, axis=1)
        assert curve.start_status == curve.end_status == Status.BOUNDARY
        along = np.arctan2(y[:, 1], y[:, 0])[radius > 1e-3] % np.pi
        # Its lines of symmetry, at multiples of 60 degrees.
        assert np.abs(np.sin(3 * along)).max() < 1e-9
        angles.append(round(along[0] / (np.pi / 3)) % 3)
    assert sorted(angles) == [0, 1, 2]


def test_a_critical_point_with_zero_hessian_is_a_start():
    monkey = surfaces.monkey_saddle()
    (point,) = talweg.critical_points(monkey)
    curve = talweg.trace(monkey, point)
    assert curve.success and curve.status == Status.BOUNDARY


@pytest.mark.parametrize("distance", [1e-16, 1e-41, 1e-160, 1e-300])
def test_a_zero_hessian_off_by_rounding_is_a_start(distance):
    # Newton's method halves the distance there and stops wherever it likes.
    monkey = surfaces.monkey_saddle()
    for branch in (0, 1):
        curve = talweg.trace(monkey, [0.7 * distance, -0.3 * distance], branch=branch)
        assert curve.status == Status.BOUNDARY
        angle = np.arctan2(curve.x[-1, 1], curve.x[-1, 0])
        assert abs(np.sin(3 * angle)) < 1e-9


@pytest.mark.parametrize("c", [0.0, 0.4])
def test_fold_points_of_the_gradient_are_found_to_rounding(c):
    def fold(x):
        y = x[1] - 0.1
        return (x[0] - 0.3) ** 2 + y**3 + c * (x[0] - 0.3) * y * y

    (point,) = (p for p in talweg.critical_points(fold, BOX) if p.degenerate)
    np.testing.assert_allclose(point.x, [0.3, 0.1], atol=1e-14)
    assert point.eigenvalues[0] == 0 and point.morse_index == 0


def test_trouble_is_said_once():
    survey = talweg.survey(lambda x: x[0] ** 2 + x[1] ** 3, BOX)
    assert survey.status == Status.DEGENERATE
    assert survey.message.count("equations are singular") == 1
    assert "Critical point 0, branch 1:" in survey.message


def test_a_minimum_in_the_corner_of_the_box():
    survey = talweg.survey(surfaces.toy(), [(0, 1), (0, 1)])
    assert survey.success, survey.message
    (point,) = survey.critical_points
    np.testing.assert_allclose(point.x, 0, atol=1e-12)
    # Its talweg, y ~ -3/4 x^2, leaves the box on both sides at once.
    assert survey.extremals[survey.half_branches[0, 0, +1]].length == 0


# Ends of a talweg ---------------------------------------------------------------------------------


def test_a_cut_talweg_says_where():
    curve = talweg.trace_talweg(surfaces.toy(), [2.0, -1.0], branch=1)
    assert "level fold at x = [2.3789843, 0.87411248]" in curve.message
    assert "level fold at x = [-2.3789843, 0.87411248]" in curve.message
    assert "no talweg" in curve.message
    whole = talweg.trace_talweg(surfaces.toy(), [0.0, 0.0])
    assert whole.message == Status.BOUNDARY.describe()


# Interrupts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", [talweg.trace, talweg.trace_talweg])
def test_an_interrupted_trace_keeps_the_curve(call):
    f = surfaces.phi4_chain(30)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            call(f, np.ones(30), bounds=(), max_step=1e-5, max_points=10**7)
    finally:
        timer.cancel()
    result = caught.value.result
    assert result.status == Status.INTERRUPTED and len(result) > 2
    assert np.isfinite(result.x).all()


def test_an_interrupted_search_keeps_the_points():
    f = surfaces.styblinski_tang(9)
    timer = threading.Timer(0.3, _thread.interrupt_main)
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            talweg.survey(f, max_starts=10**8)
    finally:
        timer.cancel()
    survey = caught.value.result
    assert survey.status == Status.INTERRUPTED
    for point in survey.critical_points:
        assert np.linalg.norm(f.grad(point.x)) < 1e-9


# Arguments ----------------------------------------------------------------------------------------


def test_bounds_of_scipy():
    pairs = talweg.survey(surfaces.toy(), [(-3, 3), (-2, 3)])
    scipys = talweg.survey(surfaces.toy(), Bounds([-3, -2], [3, 3]))
    assert np.array_equal(scipys.bounds, pairs.bounds)
    assert np.array_equal(talweg.survey(slope, Bounds([-1, -1], 2)).bounds, [[-1, 2], [-1, 2]])
    f = talweg.Objective(slope, 2, bounds=Bounds(-1, 1))
    assert np.array_equal(f.bounds, [[-1, 1], [-1, 1]])
    with pytest.raises(ValueError, match=r"bounds: want finite numbers, got \(-1.0, inf\)"):
        talweg.survey(slope, Bounds([-1, -1], np.inf))


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ([(None, 2), (-1, 1)], r"bounds: want two finite numbers .*got \[\(None, 2\), \(-1, 1\)\]"),
        ([(-1, 1), (-np.inf, 2)], r"bounds: want finite numbers, got \(-inf, 2.0\).* coordinate 1"),
        ([(-1, 1), None], "bounds: want two finite numbers"),
    ],
)
def test_bounds_without_an_end(bounds, message):
    for call in (talweg.survey, talweg.critical_points):
        with pytest.raises(ValueError, match=message):
            call(surfaces.toy(), bounds)
    with pytest.raises(ValueError, match=message):
        talweg.trace(surfaces.toy(), [0.0, 0.0], bounds=bounds)


def test_nan_arguments_are_shown():
    with pytest.raises(ValueError, match=r"x: want numbers, got NaN: \[nan, *1"):
        surfaces.toy()([np.nan, 1.0])
    with pytest.raises(ValueError, match=r"x: want numbers, got NaN in row 1: \[ *2"):
        surfaces.toy()([[0.0, 1.0], [2.0, np.nan]])


def test_names_are_not_functions():
    for call in (talweg.survey, talweg.critical_points):
        with pytest.raises(TypeError, match=r"got the string 'toy'; talweg\.surfaces\.by_name"):
            call("toy", BOX)
