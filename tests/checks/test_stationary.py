"""Stationary variances: both sides of the sharp bound, errors that are what they say, bad input."""

import numpy as np
import pytest

import talweg
from talweg.checks import stationary

VALUES = np.array([1.0, 2.0, 4.0])


def recursion(values, step, beta, nesterov):
    """Variances by solving for the covariance of (x, x before) under noise of variance 1."""
    result = []
    for value in values:
        mu = 1.0 - step * value
        a = (1.0 + beta) * mu if nesterov else mu + beta
        b = -beta * mu if nesterov else -beta
        shift = np.array([[a, b], [1.0, 0.0]])
        noise = np.array([step**2, 0.0, 0.0, 0.0])
        result.append(np.linalg.solve(np.eye(4) - np.kron(shift, shift), noise)[0])
    return np.array(result)


@pytest.mark.parametrize(
    "step, momentum, nesterov, largest",
    [
        (0.3, 0.0, False, 0),
        (0.39, 0.0, False, 0),
        (0.41, 0.0, False, 2),
        (0.48, 0.0, False, 2),
        (0.55, 0.5, False, 0),
        (0.62, 0.5, False, 2),
        (0.3, 0.5, True, 0),
    ],
)
def test_both_sides_of_the_bound(step, momentum, nesterov, largest):
    f = talweg.models.normal_form(VALUES, {(0, 0, 1): 0.5, (1, 2, 2): 0.4})
    check = stationary(f, np.zeros(3), step, 1e-5, momentum=momentum, nesterov=nesterov, rng=1)
    assert check.agrees, check
    expected = 1e-5 * recursion(VALUES, step, momentum, nesterov)
    assert (np.abs(check.measured - expected) < 4.5 * check.error).all()
    assert (check.error < 0.05 * expected).all()
    assert check.largest_predicted == check.largest_measured == largest
    assert check.deviation > 3.0


def test_errors_are_standard_errors():
    f = talweg.models.quadratic(VALUES)
    deviations = []
    for seed in range(40):
        check = stationary(f, np.zeros(3), 0.1, 1e-4, rng=seed, n_trajectories=16)
        deviations.append((check.measured - 1e-4 * recursion(VALUES, 0.1, 0, 0)) / check.error)
    size = np.sqrt((np.array(deviations) ** 2).mean())
    # 120 numbers, nearly normal.
    assert 0.8 < size < 1.3


def test_a_wrong_prediction_disagrees(monkeypatch):
    module = __import__("sys").modules["talweg.checks.stationary"]
    true = module.stationary_variance
    monkeypatch.setattr(
        module, "stationary_variance", lambda *args: true(*args) * np.array([1.0, 1.1, 1.0])
    )
    check = stationary(talweg.models.quadratic(VALUES), np.zeros(3), 0.1, 1e-4)
    assert check.verdict == "disagrees" and "direction 1" in check.message


def test_a_surface_and_noise_that_is_not_small():
    f = talweg.surfaces.himmelblau()
    assert stationary(f, [3.0, 2.0], 0.01, 1e-2).agrees
    rough = stationary(f, [3.0, 2.0], 0.01, 100.0)
    assert rough.verdict == "undecided" and "not small" in rough.message
    lost = stationary(f, [3.0, 2.0], 0.01, 1e6)
    assert lost.verdict == "undecided"


def test_a_short_run_is_undecided():
    check = stationary(talweg.models.quadratic([1.0, 2.0]), [0.0, 0.0], 1e-3, 1e-4, max_steps=2000)
    assert check.verdict == "undecided" and "short" in check.message


@pytest.mark.parametrize(
    "arguments, name",
    [
        ({"step_length": 0.6}, "step_length"),
        ({"noise": 0.0}, "noise"),
        ({"momentum": 1.0}, "momentum"),
        ({"n_trajectories": 4}, "n_trajectories"),
    ],
)
def test_bad_arguments(arguments, name):
    arguments = {"step_length": 0.1, "noise": 1e-4} | arguments
    with pytest.raises(ValueError, match=name):
        stationary(talweg.models.quadratic(VALUES), np.zeros(3), **arguments)
