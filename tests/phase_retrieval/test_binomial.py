"""Intervals and fits of success rates, against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from talweg.phase_retrieval.experiments.binomial import (
    fit_half_success,
    logistic_fit,
    wilson_interval,
)


@given(st.integers(1, 200), st.data(), st.sampled_from([0.5, 0.683, 0.95, 0.999]))
def test_wilson_is_scipys(n, data, confidence):
    k = data.draw(st.integers(0, n))
    low, high = wilson_interval(k, n, confidence)
    expected = stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert low == pytest.approx(expected.low, abs=1e-12)
    assert high == pytest.approx(expected.high, abs=1e-12)
    assert low <= k / n <= high


def test_wilson_without_runs_is_unknown():
    low, high = wilson_interval([0, 1], [0, 2])
    assert np.isnan([low[0], high[0]]).all()
    assert np.isfinite([low[1], high[1]]).all()
    with pytest.raises(ValueError, match="confidence"):
        wilson_interval(1, 2, 1.0)


def test_logistic_fit_maximises_the_penalised_likelihood():
    rng = np.random.default_rng(2)
    x = rng.uniform(-2, 2, 12)
    n = rng.integers(3, 20, 12)
    k = rng.binomial(n, 1 / (1 + np.exp(-(0.4 + 1.3 * x))))
    X = np.column_stack([np.ones(12), x])

    def objective(b):
        eta = X @ b
        p = 1 / (1 + np.exp(-eta))
        information = (X.T * (n * p * (1 - p))) @ X
        likelihood = (k * eta - n * np.logaddexp(0, eta)).sum()
        return -likelihood - 0.5 * np.linalg.slogdet(information)[1]

    b, covariance = logistic_fit(X, k, n)
    best = optimize.minimize(objective, [0.0, 0.0], tol=1e-12)
    assert np.allclose(b, best.x, atol=1e-5)
    p = 1 / (1 + np.exp(-X @ b))
    assert np.allclose(np.linalg.inv(covariance), (X.T * (n * p * (1 - p))) @ X)


def test_separated_counts_have_a_finite_fit():
    found = fit_half_success([100], [1.0, 2.0, 3.0, 4.0], [[0, 0, 10, 10]], [[10] * 4])
    assert found.alpha[0] == pytest.approx(2.5, abs=1e-6)
    assert 0.05 < found.error[0] < 0.5


def test_counts_that_do_not_tell_give_nothing():
    for counts in ([[0, 0]], [[5, 5]]):
        assert np.isnan(fit_half_success([100], [1.0, 2.0], counts, [[5, 5]]).alpha).all()
    one = fit_half_success([100], [1.0, 2.0], [[0, 5]], [[5, 5]])
    assert np.isnan(one.drift) and np.isfinite(one.alpha[0])
    # No run at all is done yet.
    none = fit_half_success([10, 20], [1.0, 2.0], np.zeros((2, 2)), np.zeros((2, 2)))
    assert np.isnan(none.drift)


def test_errors_are_the_spread_of_repeated_experiments():
    rng = np.random.default_rng(7)
    N, alpha = np.array([64, 256]), np.linspace(1, 5, 9)
    p = 1 / (1 + np.exp(-2.5 * (alpha - 1.0 - 0.4 * np.log(N)[:, None])))
    fits = [
        fit_half_success(N, alpha, rng.binomial(40, p), np.full(p.shape, 40)) for _ in range(300)
    ]
    drift = np.array([fit.drift for fit in fits])
    half = np.array([fit.alpha for fit in fits])
    assert drift.mean() == pytest.approx(0.4, abs=4 * drift.std() / np.sqrt(300))
    assert np.mean([fit.drift_error for fit in fits]) == pytest.approx(drift.std(), rel=0.15)
    expected = 1.0 + 0.4 * np.log(N)
    assert np.allclose(half.mean(axis=0), expected, atol=4 * half.std() / np.sqrt(300))
    errors = np.mean([fit.error for fit in fits], axis=0)
    assert np.allclose(errors, half.std(axis=0), rtol=0.15)
    assert np.isclose(fits[0].at(100.0), fits[0].alpha_0 + fits[0].drift * np.log(100.0))
