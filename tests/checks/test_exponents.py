"""Common exponents of sequences, against sequences whose exponents are known."""

import numpy as np
import pytest

from talweg.checks.exponents import fit_exponents
from talweg.checks.method import Method


def sequences(terms, length=80, count=16, noise=1e-13, seed=0):
    """Random combinations of functions of the index, and their relative errors."""
    rng = np.random.default_rng(seed)
    k = np.arange(length)
    values = sum(rng.normal(size=(count, 1)) * term(k) for term in terms)
    size = np.sqrt((values**2).mean(axis=0))
    return values + noise * size * rng.normal(size=values.shape), np.full(length, noise)


@pytest.mark.parametrize("noise", [1e-13, 1e-10, 1e-7])
@pytest.mark.parametrize("z", [0.8, -0.8])
@pytest.mark.parametrize("multiplicity", [1, 2, 3])
def test_multiple_roots_are_seen_as_such(multiplicity, z, noise):
    terms = [lambda k, power=power: k**power * z**k for power in range(multiplicity)]
    terms.append(lambda k: 0.3**k)
    fit = fit_exponents(*sequences(terms, noise=noise))
    assert fit is not None and fit.multiplicity == multiplicity
    assert abs(fit.rate + np.log(0.8)) <= 4.0 * fit.error
    assert fit.error < 0.002 * fit.rate or noise > 1e-10 or multiplicity == 3


@pytest.mark.parametrize("apart", [0.1, 0.01, 0.003])
def test_close_roots_are_not_taken_for_one(apart):
    terms = [lambda k: 0.8**k, lambda k: (0.8 * np.exp(-apart)) ** k]
    fit = fit_exponents(*sequences(terms))
    assert fit.multiplicity == 1
    assert abs(fit.rate + np.log(0.8)) <= 4.0 * fit.error < 0.1 * apart


@pytest.mark.parametrize("noise", [1e-6, 1e-8, 1e-9])
def test_close_roots_do_not_lean_to_their_mean(noise):
    # So far apart that errors do not merge them, and near enough that a fit might.
    length = 80
    apart = 40.0 * np.sqrt(noise) / length
    terms = [lambda k: 0.8**k, lambda k: (0.8 * np.exp(-apart)) ** k, lambda k: 0.5**k]
    deviations = []
    for seed in range(12):
        fit = fit_exponents(*sequences(terms, length, noise=noise, seed=seed))
        deviations.append((fit.rate + np.log(0.8)) / fit.error)
    assert abs(np.mean(deviations)) < 0.4
    assert np.sqrt(np.mean(np.square(deviations))) < 1.0


def test_what_cannot_be_told_apart_is_within_the_error():
    for apart in (1e-4, 1e-6, 1e-8):
        terms = [lambda k: 0.8**k, lambda k, apart=apart: (0.8 * np.exp(-apart)) ** k]
        fit = fit_exponents(*sequences(terms, noise=1e-9))
        assert abs(fit.rate + np.log(0.8)) <= 4.0 * fit.error


def test_a_small_term_beside_a_double_root_does_not_stand_for_it():
    # Of the same rate, with the other sign: a forced term beside the free ones.
    terms = [
        lambda k: (-0.8) ** k,
        lambda k: k * (-0.8) ** k,
        lambda k: 1e-2 * 0.8**k,
    ]
    fit = fit_exponents(*sequences(terms))
    assert fit.multiplicity == 2 and fit.share == 1.0


@pytest.mark.parametrize(
    "method, values",
    [
        (Method(0.3, 0.0, False), [1.0, 2.0, 5.0]),
        (Method(0.2, 0.4, False), [0.2, 2.0, 5.0]),
        (Method(0.1, 0.4, True), [0.5, 2.0, 5.0]),
    ],
)
def test_amplification_is_that_of_descents_with_errors(method, values):
    values = np.array(values)
    s, beta = method.step_length, method.momentum
    rng = np.random.default_rng(4)
    x = before = np.array([1.0, 0.0, 0.0]) * np.ones((4000, 1))
    for _ in range(300):
        y = x + beta * (x - before) if method.nesterov else x
        errors = np.abs(y[:, :1]) * rng.normal(size=x.shape) * [0.0, 1e-6, 1e-6]
        momentum = 0.0 if method.nesterov else beta * (x - before)
        x, before = y - s * (y * values + errors) + momentum, x
        size = np.abs(x[:, :1]).max()
        x, before = x / size, before / size
    spread = (x / x[:, :1])[:, 1:].std(axis=0) / 1e-6
    np.testing.assert_allclose(spread, method.amplification(values, 0)[1:], rtol=0.05)
