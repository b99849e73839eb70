"""Minima at which the second and third derivatives vanish."""

import numpy as np
import pytest

import talweg

BOX = np.array([[-1.0, 1.0], [-1.1, 0.9]])
DIAGONALS = [(1.0, 1.0), (1.0, -1.0)]
AXES = [(1.0, 0.0), (0.0, 1.0)]


def power_sum(power):
    return lambda x: x[0] ** power + x[1] ** power


def mixed(x):
    return x[0] ** 4 + x[1] ** 4 + x[0] ** 2 * x[1] ** 2


def weighted(x):
    return (x[0] ** 2 + x[1] ** 2) * (x[0] ** 2 + 2 * x[1] ** 2)


def unequal(x):
    return x[0] ** 4 + 2 * x[1] ** 4


#: Function, straight lines that are regular curves, and those along which the equation
#: det[g, Hg] = 0 has a multiple root, so that its linearisation vanishes all along them.
CASES = {
    "x^4 + y^4": (power_sum(4), DIAGONALS, AXES),
    "x^6 + y^6": (power_sum(6), DIAGONALS, AXES),
    "x^4 + 2 y^4": (unequal, [(np.sqrt(2), 1.0), (np.sqrt(2), -1.0)], AXES),
    "x^4 + y^4 + x^2 y^2": (mixed, DIAGONALS + AXES, []),
    "r^2 (x^2 + 2 y^2)": (weighted, AXES, []),
}


@pytest.mark.parametrize("centre", [(0.0, 0.0), (0.2, -0.3)])
@pytest.mark.parametrize("name", CASES)
def test_lines_through_a_flat_minimum(name, centre):
    function, regular, singular = CASES[name]
    f = talweg.Objective(lambda x: function([x[0] - centre[0], x[1] - centre[1]]), 2)
    survey = talweg.survey(f, BOX)
    (point,) = survey.critical_points
    assert np.linalg.norm(point.x - centre) <= max(point.error, 1e-300)
    assert point.error <= 1e-13
    followed = [curve for curve in survey.extremals if curve.length > 0.1]
    assert len(followed) == len(regular)
    for curve in followed:
        assert (curve.start_status, curve.end_status) == (talweg.Status.BOUNDARY,) * 2
        away = curve.x - centre
        aside = [
            np.abs(away @ np.array([-line[1], line[0]])).max() / np.linalg.norm(line)
            for line in regular
        ]
        assert min(aside) <= 1e-11
    assert len(survey.extremals) == len(regular) + len(singular)
    if singular:
        assert survey.status == talweg.Status.DEGENERATE
        assert "equations are singular" in survey.message
        left = [curve for curve in survey.extremals if curve.length <= 0.1]
        assert all(curve.end_status == talweg.Status.DEGENERATE for curve in left)
    else:
        assert survey.success, survey.message


def test_a_flat_minimum_in_three_dimensions():
    def quartic(x):
        mixed = x[0] ** 2 * x[1] ** 2 + x[1] ** 2 * x[2] ** 2 + x[0] ** 2 * x[2] ** 2
        return x[0] ** 4 + x[1] ** 4 + x[2] ** 4 + mixed / 2

    survey = talweg.survey(quartic, [(-1, 1)] * 3)
    assert survey.success, survey.message
    # By symmetry: 3 axes, 6 diagonals of faces, 4 diagonals of the cube; (3^3 - 1) / 2 is the most
    # that a quartic form in three variables has.
    lengths = sorted(curve.length for curve in survey.extremals)
    expected = [2.0] * 3 + [2 * np.sqrt(2)] * 6 + [2 * np.sqrt(3)] * 4
    np.testing.assert_allclose(lengths, expected, rtol=1e-12)
