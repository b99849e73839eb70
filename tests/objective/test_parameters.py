"""Named parameters of recorded functions."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import talweg

DATA = np.random.default_rng(3).normal(size=(20, 2))


def function(x, rate, weights, shift=0.0):
    residual = talweg.sum_over(lambda z, row: (row @ z - row[0] * row[1]) ** 2, DATA)
    return np.exp(-rate * x[0]) + weights @ x**2 + shift * x[1] + rate * residual(x)


VALUES = {"rate": 0.5, "weights": [1.0, 2.0], "shift": -1.0}


@pytest.fixture(scope="module")
def f():
    return talweg.Objective(function, 2, parameters=VALUES, bounds=[(-2, 2)] * 2)


numbers = st.floats(-2, 2)


@given(
    rate=numbers, weights=st.tuples(numbers, numbers), shift=numbers, x=st.tuples(numbers, numbers)
)
def test_the_same_as_recorded_with_the_values(f, rate, weights, shift, x):
    changed = f.with_parameters(rate=rate, weights=weights, shift=shift)
    plain = talweg.Objective(lambda x: function(x, rate, np.array(weights), shift), 2, verify=False)
    v = [0.6, -0.8]
    for got, want in (
        (changed(x), plain(x)),
        (changed.grad(x), plain.grad(x)),
        (changed.hess(x), plain.hess(x)),
        (changed.third(x, v), plain.third(x, v)),
    ):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_values_given_are_kept_and_others_stay(f):
    changed = f.with_parameters(rate=2.0)
    assert changed.parameters["rate"] == 2.0
    assert f.parameters["rate"] == 0.5
    np.testing.assert_array_equal(changed.parameters["weights"], [1.0, 2.0])
    changed.parameters["weights"][0] = 9.0
    np.testing.assert_array_equal(changed.parameters["weights"], [1.0, 2.0])
    assert changed.bounds.tolist() == f.bounds.tolist()
    assert talweg.surfaces.himmelblau().parameters == {}


def test_it_is_not_recorded_again():
    calls = []

    def counted(x, a):
        calls.append(a)
        return a * x[0] ** 2

    f = talweg.Objective(counted, 1, parameters={"a": 2.0}, verify=False)
    assert f.with_parameters(a=3.0)([2.0]) == 12.0
    assert len(calls) == 1


def test_parameters_of_results(f):
    h = (2 * f + talweg.Objective(lambda x, a: a * x @ x, 2, parameters={"a": 1.0})).fixed({0: 1.0})
    assert set(h.parameters) == {"rate", "weights", "shift", "a"}
    changed = h.with_parameters(a=3.0, shift=4.0)
    want = 2 * f.with_parameters(shift=4.0)([1.0, 0.5]) + 3.0 * 1.25
    np.testing.assert_allclose(changed([0.5]), want, rtol=1e-15)
    called = talweg.Objective.from_callables(lambda x: x[:, 0], n=2) + f
    np.testing.assert_allclose(
        called.with_parameters(rate=0.0)([0.5, 1.0]), 0.5 + 1.0 + 0.25 + 2.0 - 1.0
    )


def test_saving_keeps_parameters(f, tmp_path):
    for copy in (
        pickle.loads(pickle.dumps(f.with_parameters(rate=3.0))),
        talweg.Objective.from_arrays(f.with_parameters(rate=3.0).to_arrays()),
        pickle.loads(pickle.dumps(2 * f.with_parameters(rate=3.0) / 2)),
    ):
        assert copy.parameters["rate"] == 3.0
        x = [0.3, 0.4]
        for rate in (3.0, 0.5):
            np.testing.assert_allclose(
                copy.with_parameters(rate=rate)(x), f.with_parameters(rate=rate)(x), rtol=1e-15
            )
    path = tmp_path / "curve.talweg"
    talweg.trace(f, [0.1, 0.1], max_points=3).save(path)
    assert talweg.load(path).f.parameters["rate"] == 0.5


def test_damaged_parameters(f):
    arrays = f.to_arrays()
    for key, value in (
        ("parameter_values", arrays["parameter_values"][:-1]),
        ("parameter_shapes", np.array(["", "9", ""])),
        ("parameter_names", np.array(["rate"])),
    ):
        with pytest.raises(ValueError, match="parameters are damaged"):
            talweg.Objective.from_arrays(arrays | {key: value})
    del arrays["parameter_values"]
    with pytest.raises(ValueError, match="parameters are damaged"):
        talweg.Objective.from_arrays(arrays)


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        ({"speed": 1.0}, TypeError, "no parameter is called 'speed'; function has: rate, weights"),
        ({"weights": 1.0}, ValueError, r"weights: want shape \(2,\), got \(\)"),
        ({"rate": np.nan}, ValueError, "rate: want finite numbers"),
        ({"rate": "fast"}, TypeError, "rate: want real numbers"),
    ],
)
def test_values_that_make_no_sense(f, values, kind, message):
    with pytest.raises(kind, match=message):
        f.with_parameters(**values)
    with pytest.raises(kind, match=message.replace("function", ".*")):
        (2 * f).with_parameters(**values)


@pytest.mark.parametrize(
    ("parameters", "kind", "message"),
    [
        ([1.0], TypeError, "parameters: want a dict"),
        ({"a b": 1.0}, ValueError, "parameters: want names of arguments"),
        ({"a": None}, TypeError, "a: want real numbers"),
    ],
)
def test_parameters_that_make_no_sense(parameters, kind, message):
    with pytest.raises(kind, match=message):
        talweg.Objective(lambda x, **_: x[0], 1, parameters=parameters)


def test_a_branch_on_a_parameter_is_an_error():
    with pytest.raises(talweg.RecordingError):
        talweg.Objective(lambda x, a: x[0] if a > 0 else -x[0], 1, parameters={"a": 1.0})
