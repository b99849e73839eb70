"""Rates of alignment against trajectories in high precision."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talweg.theory import alignment_rate, volume_rate


def sines(values, s, steps, cubic, digits=500):
    """Sines of the angle with each eigendirection of f = sum lambda_i x_i^2 / 2 + sum b x x x."""
    n = len(values)
    with mpmath.workdps(digits):
        x = [mpmath.mpf(3 + i) / 1000 for i in range(n)]
        history = []
        for _ in range(steps):
            g = [mpmath.mpf(values[i]) * x[i] for i in range(n)]
            for (i, j, k), b in cubic.items():
                g[i] += b * x[j] * x[k]
                g[j] += b * x[i] * x[k]
                g[k] += b * x[i] * x[j]
            x = [x[i] - mpmath.mpf(s) * g[i] for i in range(n)]
            norm = mpmath.sqrt(sum(a * a for a in x))
            history.append(
                [
                    mpmath.sqrt(sum(a * a for j, a in enumerate(x) if j != i)) / norm
                    for i in range(n)
                ]
            )
    return history


def measured(values, s, branch, cubic, steps=900):
    history = sines(values, s, steps, cubic)
    half = steps // 2
    return float(
        (history[-1][branch] / history[half - 1][branch]) ** (mpmath.mpf(1) / (steps - half))
    )


@pytest.mark.parametrize(
    "values, s, expected, branch",
    [
        ((1, 2, 4), 0.39, 0.91803, 0),
        ((1, 2, 4), 0.41, 0.92188, 2),
        ((1, 2, 4), 0.45, 0.6875, 2),
        ((1, 4, 5), 0.3, 0.71429, 0),
    ],
)
def test_published_rates(values, s, expected, branch):
    # Third derivatives T[e_0, e_0, e_j] = 0.5 only: they force branch 0 and no other.
    cubic = {(0, 0, j): 0.25 for j in range(1, 3)}
    forcing = 1 if branch == 0 else None
    found = alignment_rate(values, s, forcing=forcing)
    assert found.dominant_branch == branch
    assert round(found.factor, 5) == expected
    assert math.isclose(measured(values, s, branch, cubic), expected, rel_tol=2e-4)


def test_a_forced_stiff_direction():
    found = alignment_rate((1, 2, 4), 0.45, forcing=[0.5, 0.5, 0.0])
    assert (found.dominant_branch, found.mechanism) == (2, "lambda_1")
    assert math.isclose(found.factor, 0.8)
    cubic = {(2, 2, 0): 0.25, (2, 2, 1): 0.25}
    assert math.isclose(measured((1, 2, 4), 0.45, 2, cubic), 0.8, rel_tol=2e-4)


def test_a_resonance_has_a_logarithm():
    # mu = (0.5, 0.25): the square of the first is the second.
    found = alignment_rate((1.0, 1.5), 0.5, forcing=1)
    assert found.mechanism == "resonance" and found.logarithmic
    assert math.isclose(found.factor, 0.5)
    history = sines((1.0, 1.5), 0.5, 400, {(0, 0, 1): 0.25})
    # sine / q^k is a + b k, b not zero.
    scaled = [float(history[k - 1][0] / mpmath.mpf(0.5) ** k) for k in (200, 300, 400)]
    growth = np.diff(scaled)
    assert math.isclose(growth[0], growth[1], rel_tol=1e-6)
    assert abs(growth[1]) > 0.05 * abs(scaled[0])
    without = alignment_rate((1.0, 1.5), 0.5, forcing=[0.0, 0.0])
    assert without.mechanism == "gap" and not without.logarithmic


def test_signs_decide_on_resonance():
    # mu = (0.5, -0.25)
    found = alignment_rate((1.0, 2.5), 0.5, forcing=1)
    assert found.mechanism == "gap" and not found.logarithmic


def test_flow():
    assert alignment_rate([1.0, 2.5]).rate == 1.5
    assert alignment_rate([1.0, 2.5], forcing=1).rate == 1.0
    third = alignment_rate([1.0, 5.0], forcing=2)
    assert (third.rate, third.mechanism) == (2.0, "higher order")
    resonant = alignment_rate([1.0, 2.0, 7.0], forcing=[0.0, 0.5, 0.0])
    assert (resonant.rate, resonant.mechanism, resonant.logarithmic) == (1.0, "resonance", True)
    hidden = alignment_rate([1.0, 2.0, 7.0], forcing=[0.0, 0.0, 0.5])
    assert (hidden.rate, hidden.mechanism, hidden.logarithmic) == (1.0, "gap", False)
    assert alignment_rate([1.0, 2.5], forcing={3: [0.0, 1.0]}).rate == 1.5


@settings(deadline=None)
@given(
    st.lists(st.floats(0.1, 10.0), min_size=2, max_size=5),
    st.floats(0.01, 0.99),
    st.sampled_from([None, 1, 2]),
)
def test_short_steps_have_the_rate_of_the_flow(values, scale, forcing):
    flow = alignment_rate(values, forcing=forcing)
    step = 1e-5 * scale / max(values)
    descent = alignment_rate(values, step, forcing=forcing)
    if flow.mechanism == "none" or descent.mechanism == "none":
        return
    assert math.isclose(descent.rate, flow.rate, rel_tol=1e-3, abs_tol=1e-6)
    assert math.isclose(descent.factor, math.exp(-descent.rate * step))


def test_no_alignment_is_said():
    at_the_bound = alignment_rate([1.0, 3.0], 0.5)
    assert at_the_bound.mechanism == "none" and "cycle" in at_the_bound.message
    assert "unstable" in alignment_rate([1.0, 3.0], 0.7).message
    assert "equal" in alignment_rate([2.0, 2.0]).message
    # Polyak's parameters: every direction shrinks by sqrt(beta).
    beta = ((math.sqrt(9.0) - 1.0) / (math.sqrt(9.0) + 1.0)) ** 2
    step = (1.0 + math.sqrt(beta)) ** 2 / 9.0
    found = alignment_rate([1.0, 4.0, 9.0], step, momentum=beta * (1.0 + 1e-9))
    assert found.mechanism == "none"


def test_a_repeated_softest_eigenvalue():
    found = alignment_rate([1.0, 1.0, 3.0])
    assert found.rate == 2.0 and "eigenspace" in found.message


@given(st.lists(st.floats(-3.0, 5.0), min_size=1, max_size=4), st.floats(0.01, 2.0))
def test_volume_rates_are_log_determinants(values, s):
    matrix = np.diag(values)
    assert math.isclose(volume_rate(values), -np.trace(matrix), abs_tol=1e-12)
    _, expected = np.linalg.slogdet(np.eye(len(values)) - s * matrix)
    assert math.isclose(volume_rate(values, s), expected, rel_tol=1e-9, abs_tol=1e-9) or (
        np.abs(1.0 - s * np.array(values)).min() < 1e-6
    )


def test_volume_of_pairs_with_momentum():
    values, s, beta = np.array([1.0, 3.0]), 0.2, 0.4
    eye, zero = np.eye(2), np.zeros((2, 2))
    mu = np.diag(1.0 - s * values)
    heavy = np.block([[mu + beta * eye, -beta * eye], [eye, zero]])
    nesterov = np.block([[(1 + beta) * mu, -beta * mu], [eye, zero]])
    assert math.isclose(volume_rate(values, s, beta), np.linalg.slogdet(heavy)[1])
    assert math.isclose(volume_rate(values, s, beta, True), np.linalg.slogdet(nesterov)[1])
    assert volume_rate([1.0, 5.0], 0.2) == -math.inf


@pytest.mark.parametrize("scale", [1e-200, 1e-14, 1e14, 1e200])
def test_rates_of_the_flow_scale_with_the_eigenvalues(scale):
    values = np.array([1.0, 2.0, 4.0])
    for forcing in (None, 1, 3):
        plain = alignment_rate(values, forcing=forcing)
        scaled = alignment_rate(scale * values, forcing=forcing)
        assert scaled.mechanism == plain.mechanism
        assert scaled.rate == pytest.approx(scale * plain.rate, rel=1e-12)
