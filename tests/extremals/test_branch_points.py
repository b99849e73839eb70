"""Branch points, those with an even kernel included."""

import numpy as np
import pytest

import talweg
from talweg import surfaces


def ring(n, coupling):
    """phi^4 ring: the uniform direction is a gradient extremal by symmetry."""

    def energy(x):
        total = 0.0
        for i in range(n):
            total = total + (x[i] ** 2 - 1) ** 2 / 4
            total = total + coupling / 2 * (x[(i + 1) % n] - x[i]) ** 2
        return total

    return talweg.Objective(energy, n)


def ring_branch_points(n, coupling):
    """(s, kernel dimension) of the branch points on x = s (1, ..., 1), s > 0.

    With h_k = 3 s^2 - 1 + w_k and g = (s^3 - s) (1, ..., 1), L's eigenvalue on mode k is
    h_k w_k + 6 s^2 (s^2 - 1).
    """
    result = []
    for k in range(1, n // 2 + 1):
        w = coupling * (2 - 2 * np.cos(2 * np.pi * k / n))
        for square in np.roots([6, 3 * w - 6, w * w - w]):
            if abs(square.imag) < 1e-12 and square.real > 0:
                result.append((np.sqrt(square.real), 1 if 2 * k == n else 2))
    return sorted(result)


@pytest.mark.parametrize("max_step", [0.05, 0.23, 0.6])
def test_even_kernels_on_a_ring_of_six(max_step):
    n = 6
    f = ring(n, 0.2)
    curve = talweg.trace(
        f, np.ones(n), branch=0, direction=-1, bounds=[(-1.3, 1.3)] * n, max_step=max_step
    )
    assert curve.success and curve.status == talweg.Status.BOUNDARY
    # All the way along the diagonal, through the maximum-like origin and the other minimum.
    np.testing.assert_allclose(curve.x, curve.x[:, :1] * np.ones(n), atol=1e-9)
    np.testing.assert_allclose(curve.x[-1], -1.3, rtol=1e-9)
    expected = [(sign * s, k) for s, k in ring_branch_points(n, 0.2) for sign in (1, -1)]
    assert any(k == 2 for _, k in expected) and any(k == 1 for _, k in expected)
    found = [e for e in curve.events if e.kind == "branch_point"]
    assert len(found) == len(expected)
    for (s, dimension), event in zip(sorted(expected, reverse=True), found, strict=True):
        assert event.kernel_dimension == dimension
        assert np.abs(event.x - s).max() <= 10 * event.error + 1e-9
        # Across the curve a singular linearisation leaves the square root of rounding.
        assert abs(event.x.mean() - s) < 1e-6 and event.error < 1e-4


def test_even_kernels_on_a_ring_of_fifty():
    n, coupling = 50, 0.2
    f = ring(n, coupling)
    curve = talweg.trace(
        f, np.ones(n), branch=0, direction=-1, bounds=[(-1.3, 1.3)] * n, max_points=3000
    )
    assert curve.status == talweg.Status.BOUNDARY
    np.testing.assert_allclose(curve.x, curve.x[:, :1] * np.ones(n), atol=1e-5)
    expected = [(sign * s, k) for s, k in ring_branch_points(n, coupling) for sign in (1, -1)]
    found = [e for e in curve.events if e.kind == "branch_point"]
    # Each place with its kernel, none missed, however close together they are.
    assert len(found) == len(expected)
    for (s, dimension), event in zip(sorted(expected, reverse=True), found, strict=True):
        assert event.kernel_dimension == dimension
        assert abs(event.x.mean() - s) < 1e-5 and np.ptp(event.x) < 1e-5


def test_crossing_curves_are_followed_from_branch_points():
    # x^2 y^2 terms with mirror symmetries: the axes are extremals, other curves cross them.
    f = talweg.Objective(
        lambda p: (p[0] ** 2 + 3 * p[1] ** 2) / 2 - p[0] ** 2 * p[1] ** 2 / 2 + p[0] ** 4 / 20, 2
    )
    survey = talweg.survey(f, bounds=[(-3, 3), (-3, 3)])
    assert survey.success
    places = {}
    for j, event in survey.events:
        if event.kind == "branch_point":
            key = tuple(np.round(event.x, 7) + 0.0)
            places.setdefault(key, []).append((j, event))
    assert places
    for passing in places.values():
        assert len(passing) == 2
        (_, a), (_, b) = passing
        assert abs(a.tangent @ b.tangent) < 0.999
        for _, event in passing:
            assert event.kernel_dimension == 1


def test_henon_heiles_three_lines_of_a_repeated_eigenvalue():
    f = surfaces.henon_heiles()
    survey = talweg.survey(f, bounds=[(-1.5, 1.5), (-1.5, 1.5)])
    assert survey.success
    minimum = survey.critical_points[0]
    np.testing.assert_allclose(minimum.eigenvalues, [1, 1], rtol=1e-14)
    assert minimum.multiplicities() == [[0, 1]]
    lines = {j for (i, _, _), j in survey.half_branches.items() if i == 0}
    assert len(lines) == 3
    # f = r^2 / 2 + r^3 sin(3 phi) / 3: the lines of its symmetry.
    for j in lines:
        x = survey.extremals[j].x
        radius = np.linalg.norm(x, axis=1)
        angle = np.arctan2(x[:, 1], x[:, 0])[radius > 1e-3]
        np.testing.assert_allclose(np.cos(3 * angle), 0, atol=1e-8)
        assert radius.max() > 1.5 - 1e-12
    # ... and the circle through the three saddles.
    assert sum(curve.closed for curve in survey.extremals) == 1
    assert len(survey.extremals) == 4


def test_slope_index_at_branch_points_is_that_of_the_arc():
    f = surfaces.henon_heiles()
    survey = talweg.survey(f, bounds=[(-1.5, 1.5), (-1.5, 1.5)])
    (circle,) = (curve for curve in survey.extremals if curve.closed)
    assert (circle.slope_index == 0).all()


@pytest.mark.parametrize("corner", [1.0, 1.1])
def test_branch_point_on_the_face_of_the_box(corner):
    # (0, -1) is a branch point of the Henon-Heiles surface.
    f = surfaces.henon_heiles()
    for max_step in (0.0099724, 0.009972462083156797, 0.0166, 0.04):
        survey = talweg.survey(f, bounds=[(-1.2, 1.2), (-corner, 1.3)], max_step=max_step)
        assert survey.success
        assert len(survey.extremals) == 4


@pytest.mark.parametrize("n", [4, 6, 8])
@pytest.mark.parametrize("max_step", [0.02, 0.05, 0.1])
def test_an_eigenvalue_that_touches_zero_is_passed(n, max_step):
    # With coupling 0.3 the alternating mode's eigenvalue 6 s^4 + (3 w - 6) s^2 + w^2 - w, w = 1.2,
    # is 6 (s^2 - 1/5)^2: singular at s^2 = 1/5 without a change of sign.
    f = ring(n, 0.3)
    curve = talweg.trace(
        f, np.ones(n), branch=0, direction=-1, bounds=[(-1.6, 1.6)] * n, max_step=max_step
    )
    assert curve.success and curve.status == talweg.Status.BOUNDARY
    np.testing.assert_allclose(curve.x, curve.x[:, :1] * np.ones(n), atol=1e-5)
    np.testing.assert_allclose(curve.x[-1], -1.6, rtol=1e-9)
    for event in curve.events:
        if event.kind == "branch_point" and event.kernel_dimension == 0:
            assert np.abs(np.abs(event.x) - np.sqrt(0.2)).max() <= event.error


def test_survey_past_an_eigenvalue_that_touches_zero():
    survey = talweg.survey(
        ring(4, 0.3), starts=np.ones(4), branches=[0], bounds=[(-1.6, 1.61)] * 4, max_step=0.02
    )
    diagonal = [c for c in survey.extremals if np.ptp(c.x, axis=1).max() < 1e-5]
    assert len(diagonal) == 1
    assert diagonal[0].success and np.ptp(diagonal[0].x[:, 0]) > 3.2
