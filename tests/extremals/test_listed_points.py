"""What is listed as a critical point is one, wherever the search was taken."""

import warnings

import numpy as np
import pytest

import talweg
from talweg import surfaces


def found(f, bounds, seed=None):
    with warnings.catch_warnings():
        # Turned molecules are no isolated points.
        warnings.simplefilter("ignore", RuntimeWarning)
        return talweg.critical_points(f, bounds, rng=seed)


@pytest.mark.parametrize("size", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("seed", range(4))
def test_two_atoms_have_one_distance(size, seed):
    # Steep walls: |grad f| and its derivatives exceed 1e10 where atoms nearly meet. The sum has no
    # rigid motions of its own, so that no point is isolated.
    f = surfaces.by_name("lennard-jones-2") + 0.0
    points = found(f, [(-size, size)] * 6, seed)
    assert points or size < 0.5
    for point in points:
        apart = np.linalg.norm(point.x[:3] - point.x[3:])
        assert abs(apart - 2 ** (1 / 6)) <= 1e-13
        assert abs(point.fun + 1) <= 1e-14
        assert point.degenerate
        # The error may count a step along the kernel too, but never less than what is left.
        assert abs(apart - 2 ** (1 / 6)) <= 2 * point.error + 2e-15 * np.linalg.norm(point.x)
        assert point.error > 0


def test_three_atoms_form_a_triangle_or_a_row():
    f = surfaces.by_name("lennard-jones-3")
    # In a row, with u = d^-6: 8 (u^2 - u) + 4 ((u / 64)^2 - u / 64), least at its vertex.
    square, linear = 8 + 4 / 64**2, 8 + 4 / 64
    row = -(linear**2) / (4 * square)
    values = {round(point.fun, 9) for point in found(f, [(-1, 1)] * 9, 0)}
    assert values <= {-3.0, round(row, 9)}
    assert -3.0 in values


def test_tails_hold_no_critical_points():
    # Newton steps for g ~ exp(-x) or x^-k never get anywhere; gradients are tiny out there.
    assert found(lambda x: 1 / (1 + x[0] * x[0]) + 0 * x[1] + x[1] ** 2, [(3, 400), (-1, 1)]) == []
    assert found(lambda x: np.exp(-x[0]) + x[1] ** 2, [(0, 60), (-1, 1)]) == []
    assert found(lambda x: np.exp(-x[0]) * np.exp(-x[1]), [(0, 60), (0, 60)]) == []
    assert found(lambda x: 1e8 * (x[0] + x[1] ** 2) ** 3 + 1e8 * x[0], [(-1, 1)] * 2) == []


@pytest.mark.parametrize("scale", [1e-8, 1e-3, 1.0, 1e6])
def test_the_list_does_not_depend_on_the_units_of_x(scale):
    plain = surfaces.muller_brown()
    box = np.array(plain.bounds)
    f = talweg.Objective(lambda x: plain([x[0] / scale, x[1] / scale]), 2, bounds=box * scale)
    a, b = found(plain, box), found(f, box * scale)
    assert len(a) == len(b) == 5
    for p, q in zip(a, b, strict=True):
        np.testing.assert_allclose(q.x, p.x * scale, rtol=1e-12)
