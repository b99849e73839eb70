"""Misuse and hopeless functions: a clear error or a status, never a hang or a silent wrong curve."""

import numpy as np
import pytest

import talweg
from talweg import Status, surfaces

BOX = [(-2.0, 2.0), (-2.0, 2.0)]


def quadratic(p):
    return p[0] ** 2 + 3 * p[1] ** 2 + p[0] ** 3 / 5


@pytest.fixture(scope="module")
def f():
    return talweg.Objective(quadratic, 2)


@pytest.mark.parametrize(
    ("x0", "error"),
    [
        ([0.0], ValueError),
        ([0.0, 0.0, 0.0], ValueError),
        ([[0.0, 0.0]], ValueError),
        ([np.nan, 0.0], ValueError),
        ([np.inf, 0.0], ValueError),
        ([5.0, 0.0], ValueError),
        ("ab", TypeError),
        ([1j, 0], TypeError),
        (None, (TypeError, ValueError)),
    ],
)
def test_unusable_starts(f, x0, error):
    with pytest.raises(error, match="x0"):
        talweg.trace(f, x0, bounds=BOX)
    with pytest.raises(error, match="x0"):
        talweg.ExtremalTracer(f, x0, bounds=BOX)
    with pytest.raises(error, match="x0"):
        talweg.trace_talweg(f, x0, bounds=BOX)


@pytest.mark.parametrize(
    "bounds",
    [
        [(1.0, 1.0), (0.0, 1.0)],
        [(2.0, -2.0), (-2.0, 2.0)],
        [(-2.0, 2.0)],
        [(-2.0, 2.0)] * 3,
        [(-2.0, np.nan), (-2.0, 2.0)],
        [(-np.inf, np.inf), (-2.0, 2.0)],
        "everywhere",
        3.0,
        [(-2.0, 0.0, 2.0), (-2.0, 0.0, 2.0)],
    ],
)
def test_unusable_bounds(f, bounds):
    with pytest.raises((ValueError, TypeError), match="bounds"):
        talweg.trace(f, [0.0, 0.0], bounds=bounds)
    with pytest.raises((ValueError, TypeError), match="bounds"):
        talweg.critical_points(f, bounds=bounds)
    with pytest.raises((ValueError, TypeError), match="bounds"):
        talweg.survey(f, bounds=bounds)


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("branch", 2, ValueError),
        ("branch", -3, ValueError),
        ("branch", 0.5, TypeError),
        ("branch", True, TypeError),
        ("branch", "soft", TypeError),
        ("direction", 0, ValueError),
        ("direction", 2, ValueError),
        ("direction", np.nan, ValueError),
        ("direction", [0.0, 0.0], ValueError),
        ("direction", [1.0, 0.0, 0.0], ValueError),
        ("direction", [np.nan, 1.0], ValueError),
        ("direction", "up", (TypeError, ValueError)),
        ("max_step", 0.0, ValueError),
        ("max_step", -0.1, ValueError),
        ("max_step", np.nan, ValueError),
        ("max_step", np.inf, ValueError),
        ("max_step", "small", TypeError),
        ("max_points", 1, ValueError),
        ("max_points", 2.5, TypeError),
        ("max_length", 0.0, ValueError),
        ("max_length", np.nan, ValueError),
        ("initial_step", -1.0, ValueError),
        ("near_branch_distance", -1.0, ValueError),
        ("tolerance", 0.0, ValueError),
        ("tolerance", 0.1, ValueError),
    ],
)
def test_unusable_options(f, option, value, error):
    with pytest.raises(error, match=option):
        talweg.trace(f, [0.0, 0.0], bounds=BOX, **{option: value})


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("branches", [2], ValueError),
        ("branches", [], ValueError),
        ("branches", "some", ValueError),
        ("branches", [0.5], TypeError),
        ("starts", [[0.0]], ValueError),
        ("starts", np.zeros((0, 2)), ValueError),
        ("starts", [[np.nan, 0.0]], ValueError),
        ("workers", 0, ValueError),
        ("workers", 1.5, TypeError),
        ("max_starts", 0, ValueError),
        ("max_length", -1.0, ValueError),
        ("max_step", 0.0, ValueError),
    ],
)
def test_unusable_survey_options(f, option, value, error):
    with pytest.raises(error, match=option):
        talweg.survey(f, bounds=BOX, **{option: value})


def test_what_is_missing_is_named(f):
    with pytest.raises(ValueError, match="bounds"):
        talweg.survey(f)
    with pytest.raises(ValueError, match="bounds"):
        talweg.critical_points(f)
    with pytest.raises(ValueError, match="max_length"):
        talweg.survey(f, starts=[[0.1, 0.1]])
    with pytest.raises(TypeError, match="f"):
        talweg.survey("f", bounds=BOX)
    with pytest.raises(TypeError, match="f"):
        talweg.trace(3.0, [0.0, 0.0])
    with pytest.raises(TypeError, match="unknown"):
        talweg.trace_talweg(f, [0.0, 0.0], bounds=BOX, maximal_step=1.0)


@pytest.mark.parametrize(
    "value", [lambda p: p, lambda p: "energy", lambda p: None, lambda p: [1, 2]]
)
def test_functions_that_return_no_number(value):
    for call in (
        lambda: talweg.survey(value, bounds=BOX),
        lambda: talweg.critical_points(value, bounds=BOX),
        lambda: talweg.trace(value, [0.0, 0.0], bounds=BOX),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()


def test_function_that_is_nan_everywhere():
    def nowhere(p):
        return np.log(-1 - p[0] ** 2) + p[1]

    with pytest.raises(ValueError, match="NaN or infinite"):
        talweg.survey(nowhere, bounds=BOX)


def test_function_that_is_nan_in_the_whole_box():
    f = talweg.Objective(lambda p: np.log(p[0]) ** 2 + p[1] ** 2, 2)
    box = [(-3.0, -1.0), (-1.0, 1.0)]
    with pytest.raises(ValueError, match="finite"):
        talweg.critical_points(f, bounds=box)
    with pytest.raises(ValueError, match="finite"):
        talweg.survey(f, bounds=box)
    curve = talweg.trace(f, [-2.0, 0.5], bounds=box)
    assert curve.status == Status.NON_FINITE and not curve.success
    assert "finite" in curve.message


def test_curve_that_runs_into_nan_ends_there():
    # x log x: not defined for x < 0; the minimum is at x = 1/e.
    f = talweg.Objective(lambda p: p[0] * np.log(p[0]) + 4 * p[1] ** 2 + p[0] * p[1] ** 2, 2)
    curve = talweg.trace(f, [np.exp(-1), 0.0], branch=0, direction=-1, bounds=[(-1, 1), (-1, 1)])
    assert not curve.success
    assert curve.status in (Status.NON_FINITE, Status.STEP_TOO_SMALL)
    assert (curve.x[:, 0] > 0).all() and curve.x[-1, 0] < 1e-3
    survey = talweg.survey(f, bounds=[(-1, 1), (-1, 1)])
    assert len(survey.critical_points) >= 1 and not survey.success


def test_curve_that_runs_to_infinity_stops_at_a_limit(f):
    curve = talweg.trace(f, [0.0, 0.0], branch=1, bounds=(), max_points=300)
    assert curve.status == Status.MAX_POINTS and len(curve) == 300
    curve = talweg.trace(f, [0.0, 0.0], branch=1, bounds=(), max_length=7.0)
    assert curve.status == Status.MAX_LENGTH
    assert curve.length == pytest.approx(7.0, rel=1e-6)
    # exp overflows: the curve ends with a status, not with a hang or infinities in it.
    steep = talweg.Objective(lambda p: np.exp(p[0] ** 2) + p[1] ** 2 / 4, 2)
    curve = talweg.trace(steep, [0.0, 0.0], branch=1, bounds=(), max_step=1.0, max_points=2000)
    assert np.isfinite(curve.x).all() and np.isfinite(curve.fun).all()


def test_degenerate_minimum():
    f = talweg.Objective(lambda p: p[0] ** 4 + p[1] ** 2, 2)
    (point,) = talweg.critical_points(f, bounds=BOX)
    assert point.degenerate and np.abs(point.x).max() < 1e-3
    survey = talweg.survey(f, bounds=BOX)
    assert len(survey.critical_points) == 1
    for curve in survey.extremals:
        # Its gradient extremals are the axes, and the lines on which H is a multiple of I.
        x, y = np.abs(curve.x.T)
        assert np.minimum(np.minimum(x, y), np.abs(x - 6**-0.5)).max() < 1e-2


def test_isotropic_minimum_needs_a_direction():
    f = talweg.Objective(lambda p: p[0] ** 2 + p[1] ** 2, 2)
    survey = talweg.survey(f, bounds=BOX)
    assert survey.status == Status.ISOTROPIC and not survey.success
    assert "direction" in survey.message
    curve = talweg.trace(f, [0.0, 0.0], bounds=BOX)
    assert curve.status == Status.ISOTROPIC
    # Every direction qualifies, so that no tangent is defined even where one is given.
    curve = talweg.trace(f, [0.0, 0.0], direction=[1.0, 2.0], bounds=BOX)
    if curve.success:
        np.testing.assert_allclose(curve.x[:, 1], 2 * curve.x[:, 0], atol=1e-9)
    else:
        assert len(curve) == 1 and curve.message


def test_circle_of_minima():
    f = talweg.Objective(lambda p: (p[0] ** 2 + p[1] ** 2 - 1) ** 2, 2)
    with pytest.warns(RuntimeWarning, match="isolated"):
        points = talweg.critical_points(f, bounds=BOX)
    assert all(np.linalg.norm(p.x) < 1e-6 or abs(np.linalg.norm(p.x) - 1) < 1e-4 for p in points)
    survey = talweg.survey(f, bounds=BOX)
    assert not survey.success


def test_linear_and_constant_functions():
    slope = talweg.Objective(lambda p: p[0] + 2 * p[1], 2)
    assert talweg.critical_points(slope, bounds=BOX) == []
    survey = talweg.survey(slope, bounds=BOX)
    assert len(survey.critical_points) == 0 and len(survey.extremals) == 0
    assert not talweg.trace(slope, [0.0, 0.0], bounds=BOX).success


def test_one_coordinate():
    f = talweg.Objective(lambda p: p[0] ** 4 - p[0] ** 2, 1)
    survey = talweg.survey(f, bounds=[(-2, 2)])
    assert survey.success and len(survey.critical_points) == 3
    (curve,) = survey.extremals
    np.testing.assert_allclose([curve.x.min(), curve.x.max()], [-2, 2], rtol=1e-15)
    inflections = [e.x[0] for e in curve.events if e.kind == "inflection"]
    np.testing.assert_allclose(sorted(inflections), [-(6**-0.5), 6**-0.5], rtol=1e-12)


def test_start_off_any_critical_point_is_corrected_onto_the_branch():
    f = surfaces.toy()
    for x0 in ([0.7, -0.2], [0.5, -0.3], [0.2, 0.1]):
        curve = talweg.trace(f, x0, branch=0)
        assert curve.success
        assert np.linalg.norm(curve.x[0] - x0) < 0.5
        x, y = curve.x.T
        np.testing.assert_allclose(
            x**2, 3 + y**2 - (y + 1) * np.sqrt((1 - y) * (9 - y)), atol=1e-10
        )


def test_positions_in_rows_are_told_to_be_flattened():
    f = talweg.surfaces.by_name("lennard-jones-3")
    with pytest.raises(ValueError, match=r"starts: want shape .*got \(3, 3\); starts.ravel\(\)"):
        talweg.critical_points(f, starts=np.eye(3))
    with pytest.raises(ValueError, match=r"x0: want shape \(9,\), got \(3, 3\); x0.ravel\(\)"):
        talweg.trace(f, np.eye(3))
