"""Slope ratios against minima over level sets found without talwegs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar

import talweg
from talweg.valleys import least_slope, valley_widths


def bent(x):
    return (x[0] ** 2 + 3.0 * x[1] ** 2) / 2.0 + 0.4 * x[0] ** 2 * x[1] - 0.1 * x[0] * x[1] ** 2


@pytest.fixture(scope="module")
def f():
    return talweg.Objective(bent, 2)


@pytest.fixture(scope="module")
def survey(f):
    return talweg.survey(f, bounds=[(-1.5, 1.5), (-1.2, 1.2)], max_step=0.02)


def least_over_level(f, height):
    """The least slope on the level set around the origin, by rays."""

    def point(angle):
        ray = np.array([np.cos(angle), np.sin(angle)])
        return ray * brentq(lambda r: f(r * ray) - height, 1e-9, 0.9, xtol=1e-15)

    def slope(angle):
        return np.linalg.norm(f.grad(point(angle)))

    angles = np.linspace(0.0, 2.0 * np.pi, 181)
    start = angles[np.argmin([slope(a) for a in angles])]
    return minimize_scalar(slope, bounds=(start - 0.05, start + 0.05), method="bounded").fun


@pytest.mark.parametrize("height", [0.003, 0.03, 0.12])
def test_the_least_slope_is_the_minimum_over_the_level_set(f, survey, height):
    slope, error, _curve = least_slope(survey, [height])
    expected = least_over_level(f, height)
    assert abs(slope[0] - expected) <= max(10.0 * error[0], 1e-8 * expected)
    assert error[0] < 1e-6


@settings(deadline=None, max_examples=50)
@given(st.floats(0.05, 0.5), st.floats(0.0, 6.28))
def test_no_point_near_the_minimum_is_below_one(radius, angle):
    f = talweg.Objective(bent, 2)
    curve = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-1.5, 1.5), (-1.2, 1.2)], max_step=0.05)
    x = radius * np.array([np.cos(angle), np.sin(angle)])
    found = talweg.slope_ratio(curve, x)
    assert found.status == talweg.Status.CONVERGED
    assert found.ratio >= 1.0 - max(10.0 * found.error, 1e-9)
    assert talweg.in_valley(curve, x, 1.2) == (found.ratio <= 1.2)


def test_points_of_the_talweg_have_ratio_one(f):
    curve = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-0.8, 0.8), (-0.8, 0.8)], max_step=0.02)
    rows = np.flatnonzero(curve.is_talweg & (curve.slope > 1e-6))
    # Of its two arms the less steep one holds the minimum.
    found = talweg.slope_ratio(curve, curve.x[rows])
    assert found.ratio.min() > 1.0 - 1e-6
    assert np.isclose(found.ratio, 1.0, atol=1e-6).sum() >= len(rows) // 3


def test_the_error_covers_a_coarse_curve(f):
    coarse = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-1.4, 1.4), (-1, 1)], max_step=0.2)
    fine = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-1.4, 1.4), (-1, 1)], max_step=0.01)
    heights = np.linspace(0.01, 0.3, 40)
    rough, error, _ = least_slope(coarse, heights)
    exact, _, _ = least_slope(fine, heights)
    assert (np.abs(rough - exact) <= 10.0 * error + 1e-9).mean() > 0.9


def test_heights_without_a_talweg_and_critical_levels_have_a_status(f, survey):
    points = [[0.0, 0.0], [30.0, 30.0], [np.inf, 0.0]]
    found = talweg.slope_ratio(survey, points)
    assert found.status.tolist() == [
        talweg.Status.CRITICAL_POINT,
        talweg.Status.UNCOVERED,
        talweg.Status.NON_FINITE,
    ]
    assert found.ratio[0] == 1.0 and np.isnan(found.ratio[1:]).all()
    assert not talweg.in_valley(survey, points, 2.0)[1:].any()


def test_one_valley_of_several(survey):
    surface = talweg.surfaces.muller_brown()
    region = talweg.survey(surface)
    x = [0.6, 0.03]
    alone = min(
        talweg.slope_ratio(curve, x).least
        for curve in region.extremals
        if talweg.slope_ratio(curve, x).status == talweg.Status.CONVERGED
    )
    found = talweg.slope_ratio(region, x)
    assert found.least == alone
    assert talweg.slope_ratio(region.extremals[found.curve], x).ratio == found.ratio


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (("nonsense", [0.0, 0.0]), TypeError, "valley: want a survey"),
        ((None, [0.0, 0.0]), TypeError, "valley: want a survey"),
    ],
)
def test_misuse_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        talweg.slope_ratio(*arguments)


def test_wrong_shapes_and_ratios_are_named(survey):
    with pytest.raises(ValueError, match=r"x: want shape \(2,\) or \(m, 2\)"):
        talweg.slope_ratio(survey, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="R: want a ratio above 1"):
        talweg.in_valley(survey, [0.1, 0.1], 0.5)


def test_widths_are_those_of_the_slope_ratio_to_leading_order():
    f = talweg.Objective(
        lambda x: (x[0] ** 2 + 4.0 * x[1] ** 2 + 9.0 * x[2] ** 2) / 2.0
        + 0.3 * x[0] ** 2 * (x[1] - x[2]) + 0.2 * x[0] * x[1] * x[2],
        3,
    )  # fmt: skip
    curve = talweg.trace_talweg(f, np.zeros(3), bounds=[(-0.6, 0.6)] * 3, max_step=0.01)
    R = 1.0 + 1e-4
    widths = valley_widths(curve, R)
    k = int(np.argmin(np.abs(curve.x[:, 0] - 0.4)))
    x, v, sigma = curve.x[k], curve.eigenvector[k], curve.sigma[k]
    height = f(x)
    hessian = f.hess(x)
    bending = hessian @ hessian + sigma * f.third(x, v) - curve.eigenvalue[k] * hessian
    across = np.linalg.qr(np.column_stack([v, np.eye(3)]))[0][:, 1:]

    # On the level set through x, at the distance where the ratio is R.
    def point(t, direction):
        side = x + t * direction
        return side + v * brentq(lambda c: f(side + c * v) - height, -0.05, 0.05, xtol=1e-15)

    def excess(t, direction):
        return np.linalg.norm(f.grad(point(t, direction))) / abs(sigma) - R

    for direction in (across @ np.linalg.eigh(across.T @ bending @ across)[1]).T:
        found = brentq(excess, 1e-4, 0.02, args=(direction,))
        assert np.isclose(widths[k], found, rtol=0.03).any()
    assert np.all(np.diff(widths[k]) > 0.0)


def test_pictures(survey, f, tmp_path):
    pytest.importorskip("matplotlib")
    from talweg.plot import draw_valley

    figure = draw_valley(survey, (1.1, 2.0))
    figure.savefig(tmp_path / "valley.png")
    curve = talweg.trace_talweg(f, [0.0, 0.0], bounds=[(-1, 1), (-1, 1)])
    lines = draw_valley(curve).axes[0].get_lines()
    assert len(lines) == 3
    with pytest.raises(ValueError, match="ratios: want numbers above 1"):
        draw_valley(survey, (0.5,))
    with pytest.raises(TypeError, match="ratios: want a sequence"):
        draw_valley(survey, 2.0)
    with pytest.raises(TypeError, match="valley: want a survey or a traced curve"):
        draw_valley(3)


def test_pieces_end_where_a_talweg_turns_into_a_ridge():
    # On y = c, the maximum of one summand, the slope is least on the levels above the saddle; next
    # to the maximum of both the same line is a ridge.
    f = talweg.surfaces.styblinski_tang()
    survey = talweg.survey(f)
    top = 0.156731257
    points = np.array([[-2.5, top], [-2.6, top]])
    slope, error, _ = least_slope(survey, f(points))
    own = np.linalg.norm(f.grad(points), axis=1)
    assert (slope <= own + 5 * error + 1e-9).all()
    np.testing.assert_allclose(talweg.slope_ratio(survey, points).ratio, 1.0, atol=1e-5)


@pytest.mark.parametrize("name", ["muller_brown", "himmelblau"])
def test_critical_points_lie_on_their_talwegs(name):
    region = talweg.survey(getattr(talweg.surfaces, name)())
    minima = [point.x for point in region.critical_points if point.morse_index == 0]
    found = talweg.slope_ratio(region, minima)
    # Some minima are as high as another valley's talweg.
    own = found.status == talweg.Status.CRITICAL_POINT
    assert own.any()
    assert (found.ratio[own] == 1.0).all()
    assert talweg.in_valley(region, minima, 1.5)[own].all()
