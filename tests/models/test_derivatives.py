"""Every quantity of every kind of model against differences in 90-digit arithmetic."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .formulas import KINDS, place

STEP = mpmath.mpf(10) ** -20

# Where terms cancel, rounding is relative to them: to the scale of the quantity over a few points.
TOLERANCE = 1e-11


def moved(p, v, amount):
    return [a + amount * b for a, b in zip(p, v, strict=True)]


def unit(n, i):
    return [mpmath.mpf(i == j) for j in range(n)]


def derivative(function, p, *directions):
    """The mixed derivative along directions, by central differences."""
    if not directions:
        return function(p)
    first, *rest = directions
    ahead = derivative(function, moved(p, first, STEP), *rest)
    return (ahead - derivative(function, moved(p, first, -STEP), *rest)) / (2 * STEP)


def reference(formula, p, v, w):
    n = len(p)
    axes = [unit(n, i) for i in range(n)]

    def matrix(*along):
        return [[derivative(formula, p, a, b, *along) for b in axes] for a in axes]

    return {
        "value": formula(p),
        "gradient": [derivative(formula, p, a) for a in axes],
        "hessian": matrix(),
        "third": matrix(v),
        "hessian_product": [derivative(formula, p, a, v) for a in axes],
        "third_product": [derivative(formula, p, a, v, w) for a in axes],
    }


coordinate = st.floats(-1, 1, allow_subnormal=False)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(data=st.data(), seed=st.integers(0, 10**6))
def test_against_differences(kind, data, seed):
    f, formula = KINDS[kind](np.random.default_rng(seed))
    vector = st.lists(coordinate, min_size=f.n, max_size=f.n).map(np.array)
    x, v, w = place(f, data.draw(vector, "x")), data.draw(vector, "v"), data.draw(vector, "w")
    got = f._core.evaluate(x[None], 63, v[None], w[None])
    with mpmath.workdps(90):
        exact = [[mpmath.mpf(float(a)) for a in array] for array in (x, v, w)]
        want = reference(formula, *exact)
        want = {key: np.array(value, dtype=object) for key, value in want.items()}
        want = {key: np.vectorize(float, otypes=[float])(value) for key, value in want.items()}
    # The size of derivatives along unit vectors stands for that of the terms that may cancel.
    scales = {
        "value": 1.0 + abs(want["value"]),
        "gradient": 1.0 + np.abs(want["gradient"]).max(),
        "hessian": 1.0 + np.abs(want["hessian"]).max(),
    }
    scales["hessian_product"] = scales["hessian"]
    scales["third"] = scales["hessian"] + np.abs(want["third"]).max()
    scales["third_product"] = scales["third"]
    for key, value in want.items():
        assert np.abs(got[key][0] - value).max() <= TOLERANCE * scales[key], key


@pytest.mark.parametrize("kind", KINDS)
def test_the_methods_give_these_quantities(kind):
    rng = np.random.default_rng(7)
    f, _ = KINDS[kind](rng)
    x, v, w = place(f, rng.uniform(-1, 1, size=(3, 5, f.n)))
    got = f._core.evaluate(x, 63, v, w)
    np.testing.assert_array_equal(f(x), got["value"])
    np.testing.assert_array_equal(f.grad(x), got["gradient"])
    np.testing.assert_array_equal(f.hess(x), got["hessian"])
    np.testing.assert_array_equal(f.third(x, v), got["third"])
    np.testing.assert_array_equal(f.hessp(x, v), got["hessian_product"])
    assert f.grad(x[0]).shape == (f.n,)
    assert np.shape(f(x[0])) == ()
