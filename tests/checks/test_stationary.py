"""Variances of noisy descents against the exact solution of the linear recursion."""

import numpy as np
import pytest

import talweg


def lyapunov(eigenvalue, step, momentum, nesterov):
    """The stationary variance from the covariance of (x, x before), by a linear system."""
    mu = 1.0 - step * eigenvalue
    top = [(1 + momentum) * mu, -momentum * mu] if nesterov else [mu + momentum, -momentum]
    A = np.array([top, [1.0, 0.0]])
    noise = np.array([[step**2, 0.0], [0.0, 0.0]])
    covariance = np.linalg.solve(np.eye(4) - np.kron(A, A), noise.ravel()).reshape(2, 2)
    return covariance[0, 0]


@pytest.mark.parametrize(
    ("step", "momentum", "nesterov"),
    [(0.3, 0.0, False), (0.47, 0.0, False), (0.5, 0.5, False), (0.3, 0.5, True)],
)
def test_measured_variances_are_those_of_the_linear_recursion(step, momentum, nesterov):
    f = talweg.models.normal_form([1.0, 2.0, 4.0], {(0, 0, 1): 0.4, (0, 1, 2): 0.2})
    check = talweg.checks.stationary(
        f, [0.0] * 3, step, momentum=momentum, nesterov=nesterov, n_starts=4000
    )
    exact = [lyapunov(v, step, momentum, nesterov) * check.noise_variance for v in (1, 2, 4)]
    assert np.allclose(check.predicted, exact, rtol=1e-12)
    assert check.agrees
    # The error is an error: small enough to tell, and not too small.
    assert (check.error < 0.02 * check.measured).all()
    assert (np.abs(check.measured - exact) < 5 * check.error).all()


def test_a_wrong_prediction_is_found(monkeypatch):
    import talweg.theory.noise as noise

    real = noise.variances
    monkeypatch.setattr(noise, "variances", lambda *given: 1.05 * real(*given))
    f = talweg.models.normal_form([1.0, 4.0])
    check = talweg.checks.stationary(f, [0.0, 0.0], 0.3)
    assert check.agrees is False
    assert "predicted" in check.message


def test_what_would_take_too_long_is_undecided():
    f = talweg.models.normal_form([1e-6, 1.0])
    check = talweg.checks.stationary(f, [0.0, 0.0], 0.1)
    assert check.agrees is None
    assert "too many to wait for" in check.message
    assert np.isnan(check.measured).all()


def test_the_same_numbers_for_any_number_of_threads():
    f = talweg.models.normal_form([1.0, 4.0])
    one, two = (
        talweg.checks.stationary(f, [0.0, 0.0], 0.3, n_starts=64, workers=w) for w in (1, 2)
    )
    assert np.array_equal(one.measured, two.measured)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x_min": [1.0, 0.0]}, "x_min: want a critical point"),
        ({"step_length": 0.0}, "step_length"),
        ({"step_length": 0.6}, "step_length"),
        ({"momentum": 1.0}, "momentum"),
        ({"n_starts": 2}, "n_starts"),
        ({"samples": 0}, "samples"),
    ],
)
def test_bad_arguments(arguments, message):
    f = talweg.models.normal_form([1.0, 4.0])
    given = {"x_min": [0.0, 0.0], "step_length": 0.3, **arguments}
    with pytest.raises(ValueError, match=message):
        talweg.checks.stationary(f, **given)
