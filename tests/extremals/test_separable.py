"""Sums of functions of one coordinate: many curves meet, eigenvalues repeat, H may vanish."""

import itertools

import numpy as np
import pytest

import talweg


def quartic(weights):
    """Sum of w (x^2 - 1)^2: critical points in {-1, 0, 1}^n, H = 0 where all 3 x^2 = 1."""
    n = len(weights)
    return talweg.Objective(
        lambda x: sum(w * (x[i] ** 2 - 1) ** 2 for i, w in enumerate(weights)), n
    )


def events(survey, kind):
    return [e for c in survey.extremals for e in c.events if e.kind == kind]


def assert_same_places(surveys, kind, near=1e-7):
    first = [e.x for e in events(surveys[0], kind)]
    for survey in surveys[1:]:
        left = [e.x for e in events(survey, kind)]
        assert len(left) == len(first), kind
        for x in first:
            distances = [np.linalg.norm(x - y) for y in left]
            nearest = int(np.argmin(distances))
            assert distances[nearest] <= near, (kind, x)
            left.pop(nearest)


@pytest.mark.parametrize("weights", [(1.0, 0.7), (1.0, 1.0), (1.0, 0.7, 0.45), (1.0, 1.0, 1.0)])
def test_separable_quartics_are_the_same_at_any_step(weights):
    n = len(weights)
    f = quartic(weights)
    box = [(-1.7, 1.71)] * n
    surveys = [talweg.survey(f, bounds=box, max_step=step) for step in (0.02, 0.1)]
    for survey in surveys:
        assert survey.success, survey.message
        assert len(survey.critical_points) == 3**n
        # One coordinate moves while every other one sits at a critical point.
        for fixed in itertools.product((-1, 0, 1), repeat=n - 1):
            assert any(
                np.abs(curve.x[:, 1:] - fixed).max() < 1e-6 and np.ptp(curve.x[:, 0]) > 3.4
                for curve in survey.extremals
            )
        for event in events(survey, "inflection"):
            # w (12 x^2 - 4) is the multiplier of every coordinate that is not critical.
            moving = np.abs(f.grad(event.x)) > 1e-9
            assert np.abs(event.x[moving] ** 2 - 1 / 3).max() <= 4 * event.error + 1e-14
            assert event.error < 1e-10
    assert len(surveys[0].extremals) == len(surveys[1].extremals)
    for kind in ("inflection", "valley_ridge_inflection", "level_fold", "branch_point"):
        assert_same_places(surveys, kind)


def test_lines_of_a_triple_eigenvalue_without_third_derivatives():
    # At 0 every sum of axes with signs is a line: (3^3 - 1) / 2 of them.
    survey = talweg.survey(quartic((1.0, 1.0, 1.0)), bounds=[(-0.5, 0.51)] * 3)
    (point,) = survey.critical_points
    directions = {
        tuple(np.sign(np.round(curve.tangent[np.argmin(np.abs(curve.x).sum(1))], 6)).astype(int))
        for curve in survey.extremals
    }
    assert len(directions) == len(survey.extremals) == 13
    for curve in survey.extremals:
        moving = np.abs(curve.x[-1]) > 1e-3
        np.testing.assert_allclose(np.ptp(np.abs(curve.x[:, moving]), axis=1), 0, atol=1e-9)
    assert point.morse_index == 3


def test_every_direction_of_a_ball_stays_isotropic():
    f = talweg.Objective(lambda x: (x @ x) + (x @ x) ** 2, 3)
    survey = talweg.survey(f, bounds=[(-1, 1.01)] * 3)
    assert survey.status == talweg.Status.ISOTROPIC and not survey.extremals


@pytest.mark.parametrize("max_step", [0.01, 0.05, 0.1])
def test_styblinski_tang_in_three_dimensions(max_step):
    survey = talweg.survey(talweg.surfaces.styblinski_tang(3), max_step=max_step)
    assert survey.success, survey.message
    assert len(survey.critical_points) == 27
    # 27 lines along axes; x_i = +-x_j with the third coordinate at a critical value; 4 diagonals.
    # Where a diagonal meets such lines at once the kernel has dimension two, and all go on.
    assert len(survey.extremals) == 27 + 3 * 3 * 2 + 4
    for curve in survey.extremals:
        assert {curve.start_status, curve.end_status} == {talweg.Status.BOUNDARY}
    places = [point.x for point in survey.critical_points]
    for event in events(survey, "branch_point"):
        # A repeated eigenvalue's critical point is not reported as a branch point as well.
        assert min(np.linalg.norm(event.x - x) for x in places) > 1e-6


@pytest.mark.parametrize("max_step", [0.005, 0.02, 0.1])
def test_branch_points_beside_a_maximum(max_step):
    # x_i = 1/2 and the maximum at 0.50255: three branch points within 0.01 of it.
    f = talweg.Objective(lambda x: sum(xi**2 / 10 - np.cos(2 * np.pi * xi) for xi in x), 2)
    survey = talweg.survey(f, bounds=[(-1.3, 1.313)] * 2, max_step=max_step)
    assert survey.success, survey.message
    assert len(survey.critical_points) == 25 and len(survey.extremals) == 20
    for event in events(survey, "critical_point"):
        assert np.linalg.norm(f.grad(event.x)) < 1e-10
    crossing = [e for e in events(survey, "branch_point") if np.abs(e.x - 0.5).max() < 1e-9]
    assert len(crossing) == 2
    # f turns there along the curve x_1 + x_2 = 1.
    folds = [e for e in events(survey, "level_fold") if np.abs(e.x - 0.5).max() < 1e-9]
    assert len(folds) == 1
