"""Curves that lie in a face of the box, and points on its faces and corners."""

import numpy as np
import pytest

import talweg

CROSSING = np.sqrt(2) - 1


def shifted_toy(origin):
    def toy(x):
        u, v = x[0] - origin[0], x[1] - origin[1]
        return (u**2 + 2 * v**2) / 2 + u**2 * v / 2

    return talweg.Objective(toy, 2)


def corner_box(origin, lower, upper):
    return np.array(origin)[:, None] + np.array([lower, upper]).T


@pytest.mark.parametrize("origin", [(0.0, 0.0), (0.3, -0.7), (1 / 3, 1e3)])
@pytest.mark.parametrize("lower, upper", [((0, 0), (1, 1)), ((-1, 0), (0, 1)), ((-1, -1), (0, 1))])
def test_a_curve_in_a_face_runs_to_its_corners_and_is_one_curve(origin, lower, upper):
    f = shifted_toy(origin)
    box = corner_box(origin, lower, upper)
    survey = talweg.survey(f, box)
    assert survey.success, survey.message
    assert len(survey.critical_points) == 1
    assert survey.half_branches[0, 1, 1] == survey.half_branches[0, 1, -1]
    curve = survey.extremals[survey.half_branches[0, 1, 1]]
    # The line x = 0 of the function, from face to face, in steps of the usual length.
    assert len(curve) < 400
    np.testing.assert_allclose(curve.x[:, 0], origin[0], atol=1e-11)
    assert (curve.x >= box[:, 0]).all() and (curve.x <= box[:, 1]).all()
    ends = sorted([curve.x[0, 1] - origin[1], curve.x[-1, 1] - origin[1]])
    np.testing.assert_allclose(ends, [lower[1], upper[1]], atol=1e-11)
    assert {curve.start_status, curve.end_status} == {talweg.Status.BOUNDARY}
    (crossing,) = (e for e in curve.events if e.kind == "branch_point")
    np.testing.assert_allclose(crossing.x[1] - origin[1], CROSSING, atol=1e-10)


@pytest.mark.parametrize("max_step", [0.002, 0.01, 0.05])
def test_a_curve_traced_in_an_edge_of_a_box_in_three_dimensions(max_step):
    def f(x):
        return x[0] ** 2 + 2 * x[1] ** 2 + 3 * x[2] ** 2 + x[2] * (x[0] ** 2 - x[1] ** 2) / 3

    box = [(0, 1), (-1, 0), (-0.5, 1)]
    curve = talweg.trace(f, [0.0, 0.0, 0.0], branch=2, bounds=box, max_step=max_step)
    assert curve.status == talweg.Status.BOUNDARY
    np.testing.assert_allclose(curve.x[-1], [0, 0, 1], atol=1e-12)


def test_a_curve_ends_at_a_critical_point_on_the_face():
    curve = talweg.trace(
        shifted_toy((0, 0)), [0.0, 0.3], branch=1, direction=[0.0, -1.0], bounds=[(0, 1), (0, 1)]
    )
    assert curve.status == talweg.Status.BOUNDARY
    np.testing.assert_allclose(curve.x[-1], 0, atol=1e-13)
    assert [e.kind for e in curve.events][-2:] in (
        ["critical_point", "boundary"],
        ["boundary", "critical_point"],
    )


def even_polynomial(seed):
    """A random polynomial of degree 3 to 5, even in x, so that x = 0 is a gradient extremal."""
    rng = np.random.default_rng(seed)
    degree = 3 + seed % 3
    exponents = [(i, d - i) for d in range(1, degree + 1) for i in range(d + 1) if i % 2 == 0]
    terms = [(exponent, rng.normal()) for exponent in exponents]
    return talweg.Objective(lambda x: sum(a * x[0] ** i * x[1] ** j for (i, j), a in terms), 2)


@pytest.mark.parametrize("side", [(0.0, 1.5), (-1.5, 0.0)])
@pytest.mark.parametrize("seed", [0, 23, 45, 102, 194, 207, 232, 277, 280, 296])
def test_a_mirror_line_in_the_face_is_one_curve_past_its_branch_points(seed, side):
    # Branch points lie close together here, and between them positions are loose.
    survey = talweg.survey(even_polynomial(seed), [side, (-1.5, 1.5)])
    assert survey.success, survey.message
    if not any(abs(point.x[0]) < 1e-9 for point in survey.critical_points):
        return
    on_line = [c for c in survey.extremals if np.abs(c.x[:, 0]).max() < 1e-7 and c.length > 0.1]
    assert len(on_line) == 1
    np.testing.assert_allclose(on_line[0].length, 3.0, atol=1e-9)
    np.testing.assert_allclose(np.sort(on_line[0].x[[0, -1], 1]), [-1.5, 1.5], atol=1e-12)
