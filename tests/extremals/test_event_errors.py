"""Reported errors against independent positions, and against other steps."""

import itertools

import mpmath
import numpy as np
import pytest

import talweg
from talweg import surfaces

STEPS = (0.1, 0.023, 0.005)
LOCATED = ("critical_point", "level_fold", "valley_ridge_inflection", "inflection", "boundary")


def by_kind(f, step, kinds):
    survey = talweg.survey(f, max_step=step)
    assert survey.success, survey.message
    return {
        kind: [e for c in survey.extremals for e in c.events if e.kind == kind] for kind in kinds
    }


@pytest.mark.parametrize(
    "name", ["beale", "goldstein-price", "muller-brown", "neria-fischer-karplus", "camel"]
)
def test_errors_cover_the_scatter_over_steps(name):
    found = [by_kind(surfaces.by_name(name), step, LOCATED) for step in STEPS]
    for kind in LOCATED:
        for other in found[1:]:
            assert len(other[kind]) == len(found[0][kind])
            left = list(other[kind])
            for event in found[0][kind]:
                distances = [np.linalg.norm(event.x - e.x) for e in left]
                twin = left.pop(int(np.argmin(distances)))
                assert min(distances) <= 3 * (event.error + twin.error), (kind, event, twin)
                assert event.error < 1e-9


def test_fold_beside_the_narrow_crossing_of_muller_brown():
    # The fold equations in 40 digits: H g parallel to g, and v orthogonal to the tangent, where
    # det [A across v] vanishes; solved from the event that was found.
    f = surfaces.muller_brown()
    folds = by_kind(f, 0.02, ["level_fold"])["level_fold"]
    near = [e for e in folds if np.linalg.norm(e.x - [0.0603, 2.0605]) < 1e-3]
    assert len(near) == 1
    amplitude, a, b = (-200, -100, -170, 15), (-1, -1, -6.5, 0.7), (0, 0, 11, 0.6)
    c, x0, y0 = (-10, -10, -6.5, 0.7), (1, 0, -0.5, -1), (0, 0.5, 1.5, 1)
    with mpmath.workdps(40):
        numbers = [
            [mpmath.mpf(str(q)) for q in row]
            for row in zip(amplitude, a, b, c, x0, y0, strict=True)
        ]

        def value(x, y):
            return mpmath.fsum(
                k * mpmath.exp(p * (x - u) ** 2 + q * (x - u) * (y - w) + r * (y - w) ** 2)
                for k, p, q, r, u, w in numbers
            )

        def derivative(x, y, i, j):
            return mpmath.diff(value, (x, y), (i, j), h=mpmath.mpf("1e-12"))

        def equation(x, y):
            gx, gy = derivative(x, y, 1, 0), derivative(x, y, 0, 1)
            xx, xy, yy = (derivative(x, y, *o) for o in ((2, 0), (1, 1), (0, 2)))
            return (xx * gx + xy * gy) * gy - (xy * gx + yy * gy) * gx

        def system(x, y):
            h = mpmath.mpf("1e-10")
            ex = (equation(x + h, y) - equation(x - h, y)) / (2 * h)
            ey = (equation(x, y + h) - equation(x, y - h)) / (2 * h)
            # The tangent is (-ey, ex).
            return (
                equation(x, y),
                derivative(x, y, 0, 1) * ex - derivative(x, y, 1, 0) * ey,
            )

        with mpmath.workdps(60):
            exact = mpmath.findroot(system, tuple(near[0].x), tol=1e-25)
        distance = mpmath.sqrt(sum((p - q) ** 2 for p, q in zip(exact, near[0].x, strict=True)))
    assert distance <= 2 * near[0].error
    assert near[0].error < 1e-8


@pytest.mark.parametrize("name", ["goldstein-price", "himmelblau", "camel", "muller-brown"])
def test_near_branches_do_not_depend_on_the_step(name):
    found = [
        by_kind(surfaces.by_name(name), step, ["near_branch"])["near_branch"] for step in STEPS
    ]
    assert found[0]
    for other in found[1:]:
        assert len(other) == len(found[0])
        left = list(other)
        for event in found[0]:
            distances = [np.linalg.norm(event.x - e.x) for e in left]
            twin = left.pop(int(np.argmin(distances)))
            assert min(distances) <= 1e-6 * max(event.distance, 1e-3)
            assert twin.distance == pytest.approx(event.distance, rel=1e-6)


@pytest.mark.parametrize("max_step", [0.019, 0.02, 0.021])
def test_critical_point_at_the_origin_is_never_passed_over(max_step):
    f = surfaces.neria_fischer_karplus()
    survey = talweg.survey(f, max_step=max_step)
    assert survey.success and len(survey.extremals) == 2


@pytest.mark.parametrize("max_step", [0.002, 0.01, 0.05])
def test_a_fold_beside_a_narrow_avoided_crossing_is_as_uncertain_as_it_says(max_step):
    # The arcs are 7e-6 apart there, and the tangent turns with every bit of the start.
    f = surfaces.muller_brown()
    minimum = talweg.critical_points(f)[0].x
    folds = []
    for ulps in itertools.product([-2, 0, 1], repeat=2):
        start = minimum + np.array(ulps) * np.spacing(minimum)
        curve = talweg.trace(f, start, 0, +1, max_step=max_step)
        folds += [
            event
            for event in curve.events
            if event.kind == "level_fold" and np.linalg.norm(event.x - [0.0603, 2.0605]) < 1e-3
        ]
    assert len(folds) == 9
    for a, b in itertools.combinations(folds, 2):
        assert np.linalg.norm(a.x - b.x) <= a.error + b.error
    assert max(event.error for event in folds) < 1e-8
