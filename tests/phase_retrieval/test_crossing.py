"""Times at which known curves cross 1."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talweg.phase_retrieval import t_bbp


@given(st.floats(0.2, 3.0), st.floats(0.05, 1.5), st.integers(8, 60))
def test_an_exponential(rate, height, records):
    times = np.linspace(0.0, 5.0 / rate, records)
    ratios = 0.5 + (0.5 + height) * np.exp(-rate * times)
    exact = math.log((0.5 + height) / 0.5) / rate
    found = t_bbp(times, ratios)
    assert abs(found.time - exact) <= 2.0 * found.error + 1e-9
    assert found.error < times[1]
    assert found.message == "1 of 1 runs cross."


def test_errors_of_the_ratios():
    times = np.linspace(0.0, 2.0, 21)
    rng = np.random.default_rng(4)
    sigma, exact = 0.01, 1.03
    runs = [
        t_bbp(
            times, 1.0 - 0.5 * (times - exact) + sigma * rng.standard_normal(21), np.full(21, sigma)
        )
        for _ in range(300)
    ]
    off = np.array([run.time - exact for run in runs])
    assert off.std() == pytest.approx(np.median([run.error for run in runs]), rel=0.3)


def test_many_runs():
    times = np.linspace(0.0, 4.0, 81)
    exact = np.array([1.0, 1.4, 1.9, 1.2])
    ratios = np.array([1.3 - 0.3 * times / t for t in exact])
    found = t_bbp(times, ratios)
    assert found.times == pytest.approx(exact, abs=1e-9)
    assert found.time == pytest.approx(exact.mean())
    assert found.spread == pytest.approx(exact.std(ddof=1))
    assert found.error == pytest.approx(found.spread / 2.0, rel=1e-6)


def test_runs_that_do_not_cross():
    times = [0.0, 1.0, 2.0]
    found = t_bbp(times, [[1.5, 1.2, 1.1], [0.9, 0.8, 0.7], [1.2, 0.8, 0.6]])
    assert (found.above, found.below) == (1, 1)
    assert found.time == pytest.approx(0.5, abs=0.1)
    assert np.isnan(found.times[:2]).all()
    assert found.message == "1 of 3 runs cross; 1 start below 1; 1 stay above 1."
    never = t_bbp(times, [1.5, 1.2, 1.1])
    assert math.isnan(never.time)
    assert math.isnan(never.error)


def test_every_run_without_a_time_has_a_reason():
    nan = math.nan
    runs = {
        "crosses": [1.4, 1.2, 0.8, 0.7],
        "below": [0.9, 1.1, 0.9, 0.8],
        "above": [1.4, nan, 1.2, 1.1],
        "ended": [1.4, 1.2, nan, nan],
        "unmeasured": [1.4, nan, nan, nan],
    }
    found = t_bbp([0.0, 1.0, 2.0, 3.0], [*runs.values(), [nan] * 4, [1.5, 0.9, nan, nan]])
    assert found.cases.tolist() == [*runs, "unmeasured", "crosses"]
    assert (np.isfinite(found.times) == (found.cases == "crosses")).all()
    assert (found.below, found.above, found.ended, found.unmeasured) == (1, 1, 1, 2)
    assert found.message == (
        "2 of 7 runs cross; 1 start below 1; 1 stay above 1; 1 end above 1 before the last time; "
        "2 have fewer than two records."
    )
    alone = t_bbp([0.0, 1.0], [1.4, 0.9])
    assert alone.cases.tolist() == ["crosses"]


def test_repeated_crossings_widen_the_error():
    found = t_bbp([0.0, 1.0, 2.0, 3.0], [1.1, 0.9, 1.1, 0.9])
    assert 0.0 < found.time < 1.0
    assert found.error >= 1.0
    assert "more than once" in found.message


def test_missing_records_are_skipped():
    full = t_bbp([0.0, 1.0, 3.0], [1.4, 1.2, 0.8])
    missing = t_bbp([0.0, 1.0, 2.0, 3.0], [1.4, 1.2, math.nan, 0.8])
    assert missing.time == full.time


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0.0], [1.0]), "times: want shape"),
        (([0.0, 0.0], [1.0, 1.0]), "times: want increasing"),
        (([0.0, 1.0], [1.0, 1.0, 2.0]), "ratios: want shape"),
        (([0.0, math.nan], [1.0, 1.0]), "times: want finite"),
        (([0.0, 1.0], [1.0, 2.0], [1.0]), "errors: want the shape"),
        (([0.0, 1.0], [1.0, 2.0], [1.0, -1.0]), "errors: want numbers"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        t_bbp(*arguments)
