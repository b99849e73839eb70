"""Critical points from starts that are hard on Newton's method."""

import numpy as np
import pytest

import talweg


@pytest.mark.parametrize("condition", [1e1, 1e4, 1e8, 1e11])
def test_a_start_within_rounding_of_a_critical_point_finds_it(condition):
    # Newton's steps from there are rounding, which must neither be taken for ever nor refused.
    rng = np.random.default_rng(4)
    n = 4
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0]
    matrix = (turn * np.geomspace(1.0, condition, n)) @ turn.T
    centre, wave = rng.normal(size=(2, n))

    def fun(x):
        y = x - centre
        return y @ matrix @ y / 2 + 0.3 * talweg.sin(y @ wave) ** 3 + 0.1 * talweg.exp(0.7 * y[0])

    f = talweg.Objective(fun, n)
    found = talweg.critical_points(f, starts=centre + 0.1 * rng.normal(size=(5, n)))
    assert found
    for point in found:
        ulps = rng.integers(-8, 9, size=(100, n)) * np.spacing(point.x)
        for start in point.x + ulps:
            (again,) = talweg.critical_points(f, starts=start)
            # H dx = dg: the distance in the softest direction is what rounding of g leaves open.
            slope = np.finfo(float).eps * condition * np.linalg.norm(point.x)
            assert np.linalg.norm(matrix @ (again.x - point.x)) <= 100 * slope
