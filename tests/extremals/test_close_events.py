"""Pairs of events that lie between two points of a curve, at any length of the steps."""

import numpy as np
import pytest

import talweg


def along_x(second_derivative_of, k=30.0):
    """A function whose gradient extremal y = 0 has the eigenvalue q''(x), with q given."""
    return talweg.Objective(lambda x: second_derivative_of(x[0]) + k * x[1] ** 2 / 2, 2)


@pytest.mark.parametrize("max_step", [0.01, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("place", np.linspace(1.0, 1.6, 7))
def test_an_eigenvalue_that_dips_below_zero_between_two_points(max_step, place):
    # q'' = sqrt((x - place)^2 + 0.01) - 0.12 is negative within 0.0663 of the place.
    def q(x):
        u = x - place
        root = np.sqrt(u * u + 0.01)
        # Twice integrated: (u^2 root)/6 - ... written with asinh as a logarithm.
        area = 0.01 * np.log(u + root) / 2
        return u * (u * root / 2 + area) - (root**3) / 3 - 0.06 * u * u + 3 * x

    curve = talweg.trace(along_x(q), [0.0, 0.0], branch=0, direction=[1.0, 0.0],
                         bounds=[(-1, 3), (-1, 1)], max_step=max_step)  # fmt: skip
    half = np.sqrt(0.12**2 - 0.01)
    events = [e for e in curve.events if e.kind == "inflection"]
    np.testing.assert_allclose([e.x[0] for e in events], [place - half, place + half], atol=1e-9)


@pytest.mark.parametrize("max_step", [0.01, 0.1, 0.3, 0.7])
@pytest.mark.parametrize("place", np.linspace(1.0, 1.6, 7))
def test_two_critical_points_close_together(max_step, place):
    # q' = sqrt((x - place)^2 + 0.01) - 0.12.
    def q(x):
        u = x - place
        root = np.sqrt(u * u + 0.01)
        return u * root / 2 + 0.01 * np.log(u + root) / 2 - 0.12 * u

    curve = talweg.trace(along_x(q), [0.0, 0.0], branch=0, direction=[1.0, 0.0],
                         bounds=[(-1, 3), (-1, 1)], max_step=max_step)  # fmt: skip
    half = np.sqrt(0.12**2 - 0.01)
    events = [e for e in curve.events if e.kind == "critical_point"]
    np.testing.assert_allclose([e.x[0] for e in events], [place - half, place + half], atol=1e-9)
