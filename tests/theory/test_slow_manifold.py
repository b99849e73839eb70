"""Second-order curves through minima against traced curves and invariance."""

import numpy as np
import pytest

import talweg
from talweg.theory import slow_manifold


def surface(x):
    return (
        (x[0] ** 2 + 5.0 * x[1] ** 2 + 7.0 * x[2] ** 2) / 2.0
        + 0.6 * x[0] ** 2 * x[1]
        - 0.4 * x[0] ** 2 * x[2]
        + 0.3 * x[0] * x[1] * x[2]
        + 0.2 * x[1] ** 3
        + 0.1 * x[0] ** 4
    )


@pytest.mark.parametrize("step_length", [None, 0.1])
def test_the_invariant_curve_is_invariant_to_third_order(step_length):
    f = talweg.Objective(surface, 3)
    curves = slow_manifold(f, np.zeros(3), step_length)

    def defect(t):
        x = curves.points([t])[0]
        if step_length is None:
            # The velocity has no part across the tangent.
            tangent = (curves.points([t + 1e-4]) - curves.points([t - 1e-4]))[0] / 2e-4
            velocity = -f.grad(x)
            return np.linalg.norm(velocity - tangent * velocity[0] / tangent[0])
        image = x - step_length * f.grad(x)
        return np.linalg.norm(image - curves.points([image[0]])[0])

    # O(t^3): halving t divides by 8; one order less would divide by 4.
    assert defect(0.01) > 0.0
    assert defect(0.02) / defect(0.01) > 6.0


def test_the_extremal_coefficient_is_that_of_the_traced_curve():
    f = talweg.Objective(surface, 3)
    for branch in range(3):
        curves = slow_manifold(f, np.zeros(3), branch=branch)
        traced = talweg.trace(f, np.zeros(3), branch, max_step=1e-3, max_points=12)
        y = (traced.x @ curves.eigenvectors)[-1]
        others = np.arange(3) != branch
        measured = y[others] / y[branch] ** 2
        assert np.allclose(measured, curves.extremal[others], atol=0.02)
        if branch == 0:
            assert np.abs(curves.extremal - curves.invariant).max() > 0.01


def test_a_resonance_has_no_smooth_invariant_curve():
    f = talweg.Objective(lambda x: (x[0] ** 2 + 2.0 * x[1] ** 2) / 2.0 + x[0] ** 2 * x[1], 2)
    curves = slow_manifold(f, [0.0, 0.0])
    assert np.isnan(curves.invariant[1]) and np.isfinite(curves.extremal[1])


def test_misuse_is_named():
    f = talweg.surfaces.muller_brown()
    with pytest.raises(ValueError, match="x_min: want a critical point"):
        slow_manifold(f, [-0.5, 1.4])
    with pytest.raises(ValueError, match="x_min: want a nondegenerate minimum"):
        slow_manifold(f, [-0.822, 0.624])
    with pytest.raises(ValueError, match="branch: want 0 to 1"):
        slow_manifold(f, [-0.558, 1.442], branch=2)
    with pytest.raises(ValueError, match="which"):
        slow_manifold(lambda x: x[0] ** 2 + x[1] ** 2 * 3, [0.0, 0.0]).points([0.1], "other")
