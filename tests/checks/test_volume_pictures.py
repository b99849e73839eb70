"""Pictures of checks of volume: what is drawn is what was found."""

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from matplotlib import pyplot

import talweg


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def check():
    f = talweg.Objective(lambda x: x[0] ** 2 / 2 + 3 * x[1] ** 2 / 2 + x[0] ** 2 * x[1] / 2, 2)
    return talweg.checks.volume(f, (-0.4, 0.4), step_length=0.1, steps=30, n_points=4000, ratio=1.2)


def test_curves_are_the_shares_and_volumes(check):
    share, outside, volume = check.plot().axes
    drawn = {line.get_label(): line.get_xydata() for line in share.lines}
    np.testing.assert_array_equal(drawn["valley, R = 1.2"][:, 1], check.valley.share)
    np.testing.assert_array_equal(share.lines[0].get_xydata()[:, 1], check.cone.share)
    assert outside.get_yscale() == "log"
    slope = next(line for line in outside.lines if "predicted slope" in line.get_label())
    (t0, y0), (t1, y1) = slope.get_xydata()
    assert np.log(y1 / y0) / (t1 - t0) == pytest.approx(check.decay.predicted)
    lines = {line.get_label(): line.get_ydata() for line in volume.lines}
    np.testing.assert_array_equal(lines["mean of log volume ratios"], check.mean_log_volume)


def test_frames_show_points_at_their_times(check):
    figure = check.film_strip([0, 10, 30], points=500)
    frames = figure.axes[:3]
    for axes, k in zip(frames, (0, 10, 30)):
        assert axes.get_title().startswith(f"step {k}: cone {100 * check.cone.share[k]:.4g} %")
        (points,) = axes.collections[-1:]
        at = np.asarray(points.get_offsets())
        want = check.cloud[k][:500] + check.x_min
        np.testing.assert_allclose(np.sort(at, axis=0), np.sort(want, axis=0), atol=1e-12)
        assert axes.get_xlim()[0] <= at[:, 0].min() and at[:, 0].max() <= axes.get_xlim()[1]


def test_default_frames_and_more_coordinates():
    f = talweg.Objective(lambda x: (x[0] ** 2 + 2 * x[1] ** 2 + 4 * x[2] ** 2) / 2, 3)
    check = talweg.checks.volume(f, (-1, 1), times=3.0, n_points=2000)
    figure = check.film_strip()
    assert len([axes for axes in figure.axes if axes.get_title()]) == 6
    assert figure.axes[0].get_xlabel() == "along eigenvector 0"


@pytest.mark.parametrize("frames", [[], [-1.0], [1e9], [[0.0]], [np.nan]])
def test_unusable_frames_are_named(check, frames):
    with pytest.raises(ValueError, match="frames"):
        check.film_strip(frames)


def test_frames_next_to_the_minimum_are_drawn_as_offsets():
    f = talweg.Objective(lambda x: (x[0] - 1) ** 2 / 2 + 3 * (x[1] - 2) ** 2 / 2, 2)
    check = talweg.checks.volume(f, ([1.0, 2.0], 0.1), times=[0.0, 30.0], n_points=2000)
    axes = check.film_strip([30.0]).axes[0]
    assert "min" in axes.get_xlabel()
    assert 0 < axes.get_xlim()[1] < 1e-12
