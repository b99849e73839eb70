"""Every curve on every catalogue surface, checked point by point against the derivatives."""

import itertools

import numpy as np
import pytest

import talweg
from talweg import surfaces

PLANAR = {
    name: getattr(surfaces, name)
    for name in (
        "toy",
        "muller_brown",
        "wolfe_quapp",
        "neria_fischer_karplus",
        "valley_ridge",
        "leps",
        "himmelblau",
        "camel",
        "beale",
        "goldstein_price",
        "mccormick",
        "henon_heiles",
        "rosenbrock",
        "styblinski_tang",
    )
}
PLANAR["quapp_3"] = lambda: surfaces.quapp(3)
PLANAR["phi4_chain_2"] = lambda: surfaces.phi4_chain(2)


@pytest.mark.parametrize("name", PLANAR)
def test_catalogue_surface(name, check_curve):
    f = PLANAR[name]()
    survey = talweg.survey(f)
    assert survey.success
    assert survey.critical_points and survey.extremals
    for curve in survey.extremals:
        assert curve.success
        check_curve(f, curve, f.bounds)


@pytest.mark.parametrize("n", [3, 4])
def test_rosenbrock_in_more_dimensions(n, check_curve):
    f = surfaces.rosenbrock(n)
    survey = talweg.survey(f)
    for curve in survey.extremals:
        check_curve(f, curve, f.bounds)


@pytest.mark.parametrize("name", ["muller_brown", "camel", "rosenbrock", "wolfe_quapp"])
def test_half_branches_are_complete_and_lie_on_their_curves(name):
    f = PLANAR[name]()
    survey = talweg.survey(f)
    expected = set(itertools.product(range(len(survey.critical_points)), range(f.n), (1, -1)))
    assert set(survey.half_branches) == expected
    for (i, branch, direction), j in survey.half_branches.items():
        point, curve = survey.critical_points[i], survey.extremals[j]
        distances = np.linalg.norm(curve.x - point.x, axis=1)
        at = np.flatnonzero(distances <= 1e-9)
        assert at.size
        # There the curve runs along the eigenvector, and it goes on to the given side.
        vector = point.eigenvectors[:, branch]
        along = [k for k in at if abs(abs(curve.tangent[k] @ vector) - 1) < 1e-7]
        assert along
        sides = [
            np.sign((curve.x[k + step] - point.x) @ vector)
            for k in along
            for step in (-1, 1)
            if 0 <= k + step < len(curve)
        ]
        assert direction in sides


def test_slope_index_at_critical_points_counts_eigenvalues_between():
    # m is the number of eigenvalues strictly between 0 and the branch's own.
    f = talweg.Objective(
        lambda p: (
            (p[0] ** 2 - 1) ** 2 / 4
            + (1.3 * p[1] ** 2 + 2.9 * p[2] ** 2) / 2
            + p[0] * p[1] / 5
            + p[1] * p[2] ** 2 / 7
            + p[0] ** 2 * p[2] / 9
        ),
        3,
    )
    checked = 0
    for point in talweg.critical_points(f, bounds=[(-2, 2)] * 3):
        for branch in range(3):
            own = point.eigenvalues[branch]
            between = sum(
                min(0, own) < v < max(0, own) for v in np.delete(point.eigenvalues, branch)
            )
            for direction in (1, -1):
                curve = talweg.trace(
                    f, point, branch=branch, direction=direction, bounds=(), max_step=1e-3,
                    max_points=5,
                )  # fmt: skip
                assert (curve.slope_index == between).all()
                checked += 1
    assert checked == 18


def test_graph_edges_join_neighbours_on_a_curve():
    survey = talweg.survey(surfaces.muller_brown())
    edges = survey.edges(talweg_only=False)
    # Each critical point of the soft curve is joined to the next.
    assert len(edges) >= 4
    for edge in edges:
        curve = survey.extremals[edge.extremal]
        ends = [survey.critical_points[i] for i in (edge.start, edge.stop)]
        for point in ends:
            assert np.linalg.norm(curve.x - point.x, axis=1).min() < 1e-9
        assert edge.barrier >= max(point.fun for point in ends) - 1e-9
        assert edge.length >= np.linalg.norm(ends[0].x - ends[1].x) * (1 - 1e-12)


def test_closed_curves_stop_after_one_turn():
    # The unit circle of the Henon-Heiles surface is a gradient extremal through its saddles.
    f = surfaces.henon_heiles()
    circle = talweg.trace(f, [0.0, 1.0], branch=1, bounds=[(-2, 2), (-2, 2)])
    assert circle.closed and circle.status == talweg.Status.CLOSED
    np.testing.assert_allclose(np.linalg.norm(circle.x, axis=1), 1, rtol=1e-9)
    assert circle.length == pytest.approx(2 * np.pi, rel=1e-6)
    np.testing.assert_allclose(circle.x[-1], circle.x[0], atol=1e-9)
    for step in (0.003, 0.05, 0.2):
        again = talweg.trace(f, [0.0, 1.0], branch=1, bounds=[(-2, 2), (-2, 2)], max_step=step)
        assert again.closed and again.length == pytest.approx(2 * np.pi, rel=1e-4)


def test_toy_survey_holds_one_closed_curve_once():
    survey = talweg.survey(surfaces.toy(), bounds=[(-6, 6), (-6, 6)])
    assert len(survey.extremals) == 3
    for curve, other in itertools.combinations(survey.extremals, 2):
        near = [np.linalg.norm(other.x - x, axis=1).min() < 1e-6 for x in curve.x]
        assert np.mean(near) < 0.05
