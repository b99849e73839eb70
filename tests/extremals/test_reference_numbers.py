"""Numbers of three surfaces, published or computed independently in high precision."""

import numpy as np
import pytest

import talweg
from talweg import surfaces

ROOT2, ROOT5 = np.sqrt(2), np.sqrt(5)


def near(x, expected, relative=1e-10):
    """Whether two points agree to `relative` of their size."""
    return np.linalg.norm(np.subtract(x, expected)) <= relative * np.linalg.norm(expected)


def events_of(survey, kind):
    return [event for _, event in survey.events if event.kind == kind]


def count_near(events, place):
    return sum(near(event.x, place) for event in events)


def curve_through(survey, i, branch, direction):
    return survey.half_branches[i, branch, direction]


@pytest.fixture(scope="module")
def toy():
    return talweg.survey(surfaces.toy())


@pytest.fixture(scope="module")
def muller_brown():
    return talweg.survey(surfaces.muller_brown())


# Toy --------------------------------------------------------------------------------------------


def test_toy_critical_points(toy):
    minimum, *saddles = toy.critical_points
    assert np.abs(minimum.x).max() < 1e-15 and minimum.morse_index == 0
    np.testing.assert_allclose(minimum.eigenvalues, [1, 2], rtol=1e-14)
    assert sorted(saddle.x[0] for saddle in saddles) == pytest.approx([-2, 2], rel=1e-14)
    for saddle in saddles:
        assert saddle.x[1] == pytest.approx(-1, rel=1e-14)
        assert saddle.fun == pytest.approx(1, rel=1e-14)
        np.testing.assert_allclose(saddle.eigenvalues, [1 - ROOT5, 1 + ROOT5], rtol=1e-13)


def test_toy_curves_satisfy_their_equations(toy):
    assert len(toy.extremals) == 3
    for curve in toy.extremals:
        x, y = curve.x.T
        on_axis = np.abs(x) < 1e-12
        # x^2 - 3 - y^2 = -+(y + 1) sqrt((1 - y)(9 - y)), squared
        size = (1 + x**2 + y**2) ** 2
        other = np.abs((x**2 - 3 - y**2) ** 2 - (y + 1) ** 2 * (1 - y) * (9 - y)) <= 1e-9 * size
        # The square's double zero where the curves cross the axis loosens what it can tell.
        assert (on_axis | other).all()
    talweg_curve = toy.extremals[curve_through(toy, 0, 0, +1)]
    assert talweg_curve.is_talweg.all()
    x, y = talweg_curve.x.T
    formula = 3 + y**2 - (y + 1) * np.sqrt((1 - y) * (9 - y))
    np.testing.assert_allclose(x**2, formula, atol=1e-11)
    # y ~ -3/4 x^2 at the minimum
    x, y = talweg_curve.x[np.argsort(np.abs(talweg_curve.x[:, 0]))[1]]
    assert y / x**2 == pytest.approx(-0.75, abs=0.01)


def test_toy_level_folds_and_branch_points(toy):
    folds, branch_points = events_of(toy, "level_fold"), events_of(toy, "branch_point")
    for sign in (1, -1):
        place = (sign * 2.378984348408, 0.874112482913)
        assert count_near(folds, place) == 1
        (fold,) = (event for event in folds if near(event.x, place))
        assert fold.fun == pytest.approx(6.067404773634, rel=1e-10)
    for y, value in ((ROOT2 - 1, 3 - 2 * ROOT2), (-1 - ROOT2, 3 + 2 * ROOT2)):
        # Both curves that cross there report the branch point; on one of them f turns there too.
        assert count_near(branch_points, (0, y)) == 2
        assert count_near(folds, (0, y)) == 1
        for event in branch_points:
            if near(event.x, (0, y)):
                assert event.fun == pytest.approx(value, rel=1e-10)
    assert len(folds) == 4 and len(branch_points) == 4


# Müller-Brown -----------------------------------------------------------------------------------

MULLER_BROWN = {
    "MA": (-0.5582236346330243, 1.441725841804669, -146.699517209954, 410.531, 4068.199),
    "MB": (0.6234994049308765, 0.02803775852868567, -108.1667241168524, 543.836, 3005.396),
    "MC": (-0.05001082299820606, 0.4666941048719721, -80.76781812965903, 221.037, 1479.197),
    "S1": (-0.8220015587327321, 0.6243128028148714, -40.6648435086574, -750.863, 490.241),
    "S2": (0.212486582000662, 0.2929883251073678, -72.24894011232521, -735.247, 510.887),
}


def numbers(survey):
    """The names of the critical points of Müller-Brown, and their numbers in a survey."""
    return {
        name: next(i for i, p in enumerate(survey.critical_points) if near(p.x, row[:2]))
        for name, row in MULLER_BROWN.items()
    }


def test_muller_brown_critical_points(muller_brown):
    assert len(muller_brown.critical_points) == 5
    for name, i in numbers(muller_brown).items():
        x, y, value, soft, stiff = MULLER_BROWN[name]
        point = muller_brown.critical_points[i]
        np.testing.assert_allclose(point.x, [x, y], rtol=1e-13)
        assert point.fun == pytest.approx(value, rel=1e-13)
        np.testing.assert_allclose(point.eigenvalues, [soft, stiff], atol=6e-4)
        assert point.morse_index == (name[0] == "S")


@pytest.mark.parametrize("max_step", [0.001, 0.003, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1])
def test_muller_brown_curves_do_not_depend_on_the_step(muller_brown, max_step):
    survey = talweg.survey(surfaces.muller_brown(), max_step=max_step)
    assert survey.success
    name = numbers(survey)
    assert len(survey.critical_points) == 5 and len(survey.half_branches) == 20
    curves = {}
    for (i, branch, direction), j in survey.half_branches.items():
        curves.setdefault(j, set()).add((i, branch, direction))

    def all_of(points, branches):
        return {(name[p], b, d) for p in points for b in branches for d in (1, -1)}

    soft = all_of(("S1", "MC", "S2"), (0,)) | all_of(("MB",), (0, 1))
    stiff = all_of(("S1", "MC", "S2"), (1,))
    assert sorted(map(sorted, curves.values())) == sorted(
        map(sorted, [soft, stiff, all_of(("MA",), (0, 1))])
    )
    assert len(survey.extremals) == 3
    for kind in ("level_fold", "valley_ridge_inflection", "inflection", "branch_point", "boundary"):
        found, expected = events_of(survey, kind), events_of(muller_brown, kind)
        assert len(found) == len(expected)
        for event in found:
            assert min(np.linalg.norm(event.x - other.x) for other in expected) < 1e-9


def test_muller_brown_soft_curve_passes_the_saddles_in_order(muller_brown):
    name = numbers(muller_brown)
    curve = talweg.trace(surfaces.muller_brown(), MULLER_BROWN["MB"][:2], branch=0, direction=-1)
    passed = [event for event in curve.events if event.kind == "critical_point"]
    assert [event.morse_index for event in passed] == [1, 0, 1]
    for event, which in zip(passed, ("S2", "MC", "S1"), strict=True):
        assert near(event.x, muller_brown.critical_points[name[which]].x)
    joined = {frozenset((edge.start, edge.stop)) for edge in muller_brown.edges()}
    chain = ("MB", "S2", "MC", "S1")
    assert {frozenset((name[a], name[b])) for a, b in zip(chain, chain[1:])} <= joined


def test_muller_brown_folds_and_inflections(muller_brown):
    folds = events_of(muller_brown, "level_fold")
    for place in (
        (-1.654275782713, 0.567450606817),
        (-1.027860315201, 0.681559168788),
        (1.298180867049, -0.075292727255),
    ):
        assert count_near(folds, place) == 1
    inflections = events_of(muller_brown, "valley_ridge_inflection")
    for place in ((-0.980716764262, -0.047533385089), (0.372499263548, 1.263152073133)):
        assert count_near(inflections, place) == 1


@pytest.mark.parametrize("max_step", [0.001, 0.004, 0.02, 0.1])
@pytest.mark.parametrize(("branch", "direction"), [(0, 1), (1, 1), (1, -1)])
def test_muller_brown_avoided_crossing(max_step, branch, direction):
    # MA's soft branch and both halves of its stiff one come by; no step may jump across.
    curve = talweg.trace(
        surfaces.muller_brown(),
        MULLER_BROWN["MA"][:2],
        branch=branch,
        direction=direction,
        max_step=max_step,
        max_points=100_000,
    )
    centre = np.array([0.0604141996, 2.0604142001])
    narrow = [e for e in curve.events if e.kind == "near_branch" and e.distance < 1e-4]
    assert narrow
    for event in narrow:
        assert event.distance == pytest.approx(7.2e-6, rel=0.01)
        assert np.linalg.norm(event.x - centre) == pytest.approx(event.distance, rel=1e-3)


# Quapp ------------------------------------------------------------------------------------------


def test_quapp_3():
    survey = talweg.survey(surfaces.quapp(3))
    assert len(survey.critical_points) == 2
    for point, sign in zip(survey.critical_points, (-1, 1), strict=True):
        np.testing.assert_allclose(point.x, sign * ROOT2 * np.ones(2), rtol=1e-14)
        assert point.morse_index == 1
    branch_points = events_of(survey, "branch_point")
    for sign in (1, -1):
        place = sign * np.array([np.sqrt(0.4), -np.sqrt(0.4)])
        assert count_near(branch_points, place) == 2
        for event in branch_points:
            if near(event.x, place):
                assert abs(event.fun) == pytest.approx(1.517893277, rel=1e-9)
    assert len(branch_points) == 4


@pytest.mark.parametrize("max_step", [0.0085, 0.025455844122715707, 0.042, 0.1, 0.25])
def test_quapp_3_folds_on_branch_points_at_any_step(max_step):
    survey = talweg.survey(surfaces.quapp(3), max_step=max_step)
    assert survey.success
    folds, branch_points = events_of(survey, "level_fold"), events_of(survey, "branch_point")
    assert len(folds) == 2 and len(branch_points) == 4
    for fold in folds:
        assert count_near(branch_points, fold.x) == 2


# Three coordinates ------------------------------------------------------------------------------


def test_level_fold_in_three_dimensions():
    def cubic(p):
        x, y, z = p[0], p[1], p[2]
        return (
            (x**2 + 2 * y**2 + 3 * z**2) / 2
            + x**2 * y / 2
            + (x**2 * z + x * y * z + y**2 * z + x * z**2 + x * y**2) / 4
        )

    f = talweg.Objective(cubic, 3)
    survey = talweg.survey(f, bounds=[(-4, 4)] * 3)
    folds = events_of(survey, "level_fold")
    place = np.array([2.28439419, 0.68321766, -1.44256617])
    assert min(np.linalg.norm(event.x - place) for event in folds) < 2e-8
