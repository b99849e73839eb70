"""Resonances against enumeration of all integer vectors."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.theory import resonances


def enumerated(numbers, max_order, tolerance, multipliers):
    found = set()
    for order in range(2, max_order + 1):
        for powers in itertools.combinations_with_replacement(range(len(numbers)), order):
            chosen = numbers[list(powers)]
            right = chosen.prod() if multipliers else chosen.sum()
            for i, left in enumerate(numbers):
                if multipliers and (left == 0.0 or right == 0.0):
                    continue
                if abs(left - right) <= tolerance * abs(left):
                    found.add((i, powers))
    return found


numbers = st.lists(st.integers(1, 40), min_size=1, max_size=5)


@settings(deadline=None)
@given(numbers, st.integers(2, 6), st.sampled_from([1e-9, 0.011, 0.2]), st.booleans())
def test_flow(values, max_order, tolerance, saddle):
    values = np.sort(np.array(values) * (0.5 if not saddle else -0.5))
    if saddle:
        values[-1] *= -1.0
        values.sort()
    found = resonances(values, max_order, tolerance=tolerance, max_count=1_000_000)
    expected = enumerated(values, max_order, tolerance, False)
    assert {(one.index, one.powers) for one in found} == expected
    assert len(found) == len(expected)
    for one in found:
        right = values[list(one.powers)].sum()
        assert np.isclose(one.gap, 1.0 - right / values[one.index], atol=1e-13)


@settings(deadline=None)
@given(numbers, st.integers(2, 5), st.sampled_from([1e-7, 0.03]), st.floats(0.05, 1.9))
def test_map(values, max_order, tolerance, part):
    values = np.sort(np.array(values, dtype=float))
    s = part / values[-1]
    found = resonances(values, max_order, s, tolerance, max_count=1_000_000)
    # Rounding decides on the edge of the tolerance.
    inner = enumerated(1.0 - s * values, max_order, tolerance * (1 - 1e-6), True)
    outer = enumerated(1.0 - s * values, max_order, tolerance * (1 + 1e-6) + 1e-13, True)
    listed = {(one.index, one.powers) for one in found}
    assert inner <= listed <= outer


def test_signs_count():
    # mu = (0.5, -0.25): mu_1 is -mu_0^2, no resonance; (0.5, 0.25) is one.
    assert not len(resonances([0.5, 1.25], 2, step_length=1.0, tolerance=1e-9))
    assert resonances([0.5, 0.75], 2, step_length=1.0, tolerance=1e-9)[0].powers == (0, 0)


def test_a_hundred_eigenvalues_to_order_six():
    values = np.sort(np.random.default_rng(0).uniform(1.0, 2.9, 100))
    found = resonances(values, 6, tolerance=1e-9)
    # Only order 2 is possible: three smallest ones already exceed the largest.
    assert found.status == talweg.Status.CONVERGED and found.complete_order == 6
    assert found.sufficient_order < 3.0
    wide = resonances(np.sort(np.exp(values * 2.0)), 6, tolerance=1e-11)
    assert wide.status == talweg.Status.CONVERGED


def test_a_count_that_is_reached_is_said():
    found = resonances(np.arange(1.0, 30.0), 4, max_count=50)
    assert len(found) == 50 and found.status == talweg.Status.MAX_POINTS
    assert "max_count" in found.message


def test_too_many_sums_end_at_the_order_before():
    found = resonances(np.random.default_rng(0).normal(size=300), 8, tolerance=0.0)
    assert found.complete_order == 6 and found.status == talweg.Status.MAX_POINTS
    assert "order 6" in found.message


def test_the_derivative_that_a_resonance_multiplies():
    one = resonances([1.0, 2.0], 2, tolerance=1e-9)[0]
    assert (one.index, one.powers, one.order, one.derivative) == (1, (0, 0), 2, (0, 0, 1))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (([1.0], 13), "max_order: want 2 to 12"),
        (([1.0], 1), "max_order: want at least 2"),
        (([1.0], 2, None, 1.5), "tolerance"),
    ],
)
def test_misuse_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        resonances(*arguments)
