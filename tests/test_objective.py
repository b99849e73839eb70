"""`Objective`: shapes, errors, verification, pickling, use inside other functions."""

import concurrent.futures
import pickle
import random

import numpy as np
import pytest

import talweg
from talweg.bounds import checked_bounds


def cubic(x):
    return x[0] ** 3 * x[1] + x[1] ** 2 * x[2] - 2 * x[0] * x[2]


def cubic_gradient(x):
    a, b, c = x
    return np.array([3 * a**2 * b - 2 * c, a**3 + 2 * b * c, b**2 - 2 * a])


def cubic_hessian(x):
    a, b, c = x
    return np.array([[6 * a * b, 3 * a**2, -2], [3 * a**2, 2 * c, 2 * b], [-2, 2 * b, 0]])


def cubic_third(x, v):
    a, b, _ = x
    p, q, r = v
    return np.array(
        [
            [6 * (p * b + a * q), 6 * a * p, 0],
            [6 * a * p, 2 * r, 2 * q],
            [0, 2 * q, 0],
        ]
    )


@pytest.fixture(scope="module")
def f():
    return talweg.Objective(cubic, 3)


@pytest.fixture(scope="module")
def points():
    return np.random.default_rng(0).normal(size=(7, 3))


def test_one_point(f):
    x, v = np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, -1.0])
    assert f(x) == cubic(x)
    np.testing.assert_allclose(f.grad(x), cubic_gradient(x), rtol=1e-15)
    np.testing.assert_allclose(f.hess(x), cubic_hessian(x), rtol=1e-15)
    np.testing.assert_allclose(f.hessp(x, v), cubic_hessian(x) @ v, rtol=1e-15)
    np.testing.assert_allclose(f.third(x, v), cubic_third(x, v), rtol=1e-15)
    assert isinstance(f(x), float)
    assert f.grad(x).shape == f.hessp(x, v).shape == (3,)


def test_many_points(f, points):
    vectors = points[::-1].copy()
    np.testing.assert_array_equal(f(points), [f(x) for x in points])
    np.testing.assert_array_equal(f.grad(points), [f.grad(x) for x in points])
    np.testing.assert_array_equal(f.hess(points), [f.hess(x) for x in points])
    for method in (f.hessp, f.third):
        each = [method(x, v) for x, v in zip(points, vectors, strict=True)]
        np.testing.assert_array_equal(method(points, vectors), each)
        one_vector = [method(x, vectors[0]) for x in points]
        np.testing.assert_array_equal(method(points, vectors[0]), one_vector)
        one_point = [method(points[0], v) for v in vectors]
        np.testing.assert_array_equal(method(points[0], vectors), one_point)


def test_no_points(f):
    none = np.empty((0, 3))
    assert f(none).shape == (0,)
    assert f.grad(none).shape == (0, 3)
    assert f.hess(none).shape == (0, 3, 3)
    assert f.third(none, none).shape == (0, 3, 3)


@pytest.mark.parametrize(
    "convert",
    [
        list,
        tuple,
        lambda x: x.astype(np.float32),
        lambda x: np.repeat(x, 2)[::2],
        lambda x: np.asfortranarray(x),
        lambda x: x.astype(">f8"),
    ],
)
def test_kinds_of_arrays(f, convert):
    x = np.array([1.0, -2.0, 0.5])
    assert f(convert(x)) == f(x)
    np.testing.assert_array_equal(f.hessp(convert(x), convert(x)), f.hessp(x, x))


def test_integer_points(f):
    assert f([1, 2, 3]) == f([1.0, 2.0, 3.0])


def test_strided_points(f, points):
    wide = np.repeat(points, 2, axis=1)[:, ::2]
    assert not wide.flags.c_contiguous
    np.testing.assert_array_equal(f.grad(wide), f.grad(points))
    np.testing.assert_array_equal(f.grad(np.asfortranarray(points)), f.grad(points))


def test_results_are_the_callers_own(f):
    x = np.array([1.0, -2.0, 0.5])
    first = f.grad(x)
    first[:] = 0.0
    np.testing.assert_array_equal(f.grad(x), cubic_gradient(x))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"x: want shape \(3,\) or \(m, 3\), got \(2,\)"),
        (np.zeros((2, 2)), ValueError, r"x: want shape .*got \(2, 2\)"),
        (np.zeros((3, 3, 3)), ValueError, r"x: want shape"),
        (1.0, ValueError, r"x: want shape .*got \(\)"),
        ([1.0, np.nan, 2.0], ValueError, "x: want numbers, got NaN"),
        ([[0.0] * 3, [0.0, 0.0, np.nan]], ValueError, "x: want numbers, got NaN in row 1"),
        ("abc", TypeError, "x: want real numbers, got dtype <U3"),
        ([1j, 0, 0], TypeError, "x: want real numbers, got dtype complex128"),
        ([None, 0, 0], TypeError, "x: want real numbers, got dtype object"),
        ([[1.0], [1.0, 2.0]], ValueError, "x: want an array of numbers"),
    ],
)
def test_bad_points(f, x, error, message):
    for method in (f, f.grad, f.hess, lambda x: f.hessp(x, [1.0, 0.0, 0.0])):
        with pytest.raises(error, match=message):
            method(x)


@pytest.mark.parametrize(
    ("v", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"v: want shape \(3,\) or \(m, 3\), got \(2,\)"),
        (np.zeros((5, 3)), ValueError, r"v: want shape \(3,\) or \(2, 3\), as x, got \(5, 3\)"),
        ([np.nan, 0, 0], ValueError, "v: want numbers, got NaN"),
        ("x", TypeError, "v: want real numbers"),
    ],
)
def test_bad_vectors(f, v, error, message):
    for method in (f.hessp, f.third):
        with pytest.raises(error, match=message):
            method(np.zeros((2, 3)), v)


def test_infinities_are_points():
    f = talweg.Objective(lambda x: np.exp(-(x[0] ** 2)) + np.tanh(x[1]), 2)
    assert f([np.inf, -np.inf]) == -1.0
    assert f([1e200, 0.0]) == 0.0


def test_outside_the_domain_is_nan_in_its_own_lane():
    f = talweg.Objective(lambda x: np.log(x[0]) + x[1], 2)
    values = f([[1.0, 2.0], [-1.0, 2.0], [np.e, 0.0]])
    np.testing.assert_allclose(values[[0, 2]], [2.0, 1.0], rtol=1e-15)
    assert np.isnan(values[1])


# Misuse of the constructor.


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3.0, 2), TypeError, "fun: want a function of one array, got float"),
        (("x**2", 1), TypeError, "from_expression"),
        ((cubic, 2.0), TypeError, "n: want the number of coordinates"),
        ((cubic, "3"), TypeError, "n: want the number of coordinates"),
        ((cubic, True), TypeError, "n: want the number of coordinates"),
        ((cubic, 0), ValueError, "n: want at least 1 coordinate, got 0"),
        ((cubic, -1), ValueError, "n: want at least 1"),
        ((cubic, 10**9), ValueError, "n: a recorded function has at most 100,000 coordinates"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        talweg.Objective(*arguments)


@pytest.mark.parametrize(
    ("bounds", "error", "message"),
    [
        ([(0, 1)], ValueError, r"bounds: want shape \(3, 2\), got \(1, 2\)"),
        ([(0, 1), (0, 1), (1, 0)], ValueError, r"low < high, got \(1.0, 0.0\) for coordinate 2"),
        ([(0, 1), (0, 1), (1, 1)], ValueError, "low < high"),
        ([(0, 1), (0, 1), (0, np.inf)], ValueError, "finite"),
        ([(0, 1), (0, 1), (np.nan, 1)], ValueError, "finite"),
        ("box", TypeError, "bounds: want real numbers"),
        ([(0, 1), (0,), (0, 1)], ValueError, "bounds: want an array"),
    ],
)
def test_bad_bounds(bounds, error, message):
    with pytest.raises(error, match=message):
        talweg.Objective(cubic, 3, bounds=bounds)


def test_bounds_are_kept_and_copied():
    box = np.array([[0.0, 1.0], [-1.0, 2.0], [3.0, 4.0]])
    f = talweg.Objective(cubic, 3, bounds=box)
    box[0] = 7.0
    np.testing.assert_array_equal(f.bounds, [[0.0, 1.0], [-1.0, 2.0], [3.0, 4.0]])
    with pytest.raises(ValueError, match="read-only"):
        f.bounds[0, 0] = 1.0
    np.testing.assert_array_equal(checked_bounds((-1, 1), 3), [[-1.0, 1.0]] * 3)


def test_names():
    assert talweg.Objective(cubic, 3).name == "cubic"
    assert talweg.Objective(lambda x: x[0], 1).name == "f"
    assert talweg.Objective(cubic, 3, name="my surface").name == "my surface"
    shown = repr(talweg.Objective(lambda x: abs(x[0]) * 2, 1, name="g"))
    assert shown == "<Objective g, n=1, 2 operations, kinks: abs>"


# Verification.


def test_random_numbers_are_caught():
    with pytest.raises(ValueError, match="random numbers or a state"):
        talweg.Objective(lambda x: x[0] + random.random(), 2)


def test_a_counter_is_caught():
    calls = []

    def fun(x):
        calls.append(1)
        return x[0] * len(calls)

    with pytest.raises(ValueError, match="state that changes between calls"):
        talweg.Objective(fun, 1)


def test_control_flow_on_types_is_caught():
    def fun(x):
        try:
            return float(x[0]) ** 2
        except TypeError:
            return x[0] ** 3

    with pytest.raises(ValueError, match="depends on the numbers in x"):
        talweg.Objective(fun, 1)
    assert talweg.Objective(fun, 1, verify=False)([2.0]) == 8.0


def test_rounding_noise_is_no_difference():
    """Functions that are zero up to rounding, in another order of additions."""
    f = talweg.Objective(lambda x: np.subtract.outer(x, x).sum() / 3 + np.sum(x / 3 - x / 3), 4)
    assert abs(f([1.0, 2.0, 3.0, 4.0])) <= 1e-14
    g = talweg.Objective(lambda x: (1e8 + x[0] + x[1] + x[2]) - (1e8 + x[2] + x[1] + x[0]), 3)
    assert abs(g([1.0, 2.0, 3.0])) <= 1e-7


def test_points_outside_the_domain_are_skipped():
    f = talweg.Objective(lambda x: np.log(x[0]) * np.sqrt(1 - x[1]), 2)
    assert f([np.e, 0.0]) == 1.0


def test_errors_of_the_plain_function_outside_its_domain_are_skipped():
    def fun(x):
        if type(x) is np.ndarray and x[0] <= 0:
            raise ValueError("x[0] must be positive")
        return np.log(x[0])

    assert talweg.Objective(fun, 1)([1.0]) == 0.0


def test_nan_everywhere():
    with pytest.raises(ValueError, match=r"NaN or infinite at each of the 64 points.*give bounds"):
        talweg.Objective(lambda x: np.sqrt(-1 - x[0] ** 2), 1)
    with pytest.raises(
        ValueError, match="NaN or infinite at each of the 64 points tried in bounds"
    ):
        talweg.Objective(lambda x: np.sqrt(-1 - x[0] ** 2), 1, bounds=[(0, 1)])
    with pytest.raises(ValueError, match="NaN or infinite"):
        talweg.Objective(lambda x: np.nan, 2)

    def raises(x):
        if type(x) is np.ndarray:
            raise ZeroDivisionError("always")
        return x[0]

    with pytest.raises(ValueError, match="ZeroDivisionError: always"):
        talweg.Objective(raises, 1)


def test_bounds_find_a_small_domain():
    def fun(x):
        return np.sqrt(x[0] - 1000.0) + np.sqrt(1001.0 - x[0])

    with pytest.raises(ValueError, match="give bounds"):
        talweg.Objective(fun, 1)
    assert talweg.Objective(fun, 1, bounds=[(1000, 1001)])([1000.0]) == 1.0


def test_the_argument_is_not_changed_by_verification():
    seen = []

    def fun(x):
        if type(x) is np.ndarray:
            seen.append(x.copy())
            x[:] = 0.0
            return seen[-1][0] ** 2
        return x[0] ** 2

    talweg.Objective(fun, 1)
    talweg.Objective(fun, 1)
    half = len(seen) // 2
    np.testing.assert_array_equal(seen[:half], seen[half:])


# Kinks.


@pytest.mark.parametrize(
    ("fun", "kinks"),
    [
        (lambda x: x[0] ** 2, ()),
        (lambda x: abs(x[0]), ("abs",)),
        (lambda x: np.maximum(x[0], 0) + np.minimum(x[1], 0), ("minimum", "maximum")),
        (lambda x: np.where(x[0] > 0, x[0], 0), ("comparison", "where")),
        (lambda x: np.sign(x[0]) * x[1], ("sign",)),
        (lambda x: (x[0] > 0) * x[1], ("comparison",)),
        (lambda x: np.logaddexp(x[0], x[1]) + np.arcsinh(x[0]) + talweg.softplus(x[1]), ()),
        (lambda x: np.arctan2(x[0], x[1]) + np.cbrt(x[1]), ()),
        # An operation the value does not depend on is no kink of it.
        (lambda x: (abs(x[0]), x[1])[1], ()),
    ],
)
def test_kinks_are_named(fun, kinks):
    f = talweg.Objective(fun, 2)
    assert set(f.kinks) == set(kinks)
    assert len(f.kinks) == len(kinks)
    assert pickle.loads(pickle.dumps(f)).kinks == f.kinks


# Saving.


def test_pickles_without_the_function(points):
    secret = object()

    def local(x):
        assert secret is not None
        return cubic(x)

    f = talweg.Objective(local, 3, bounds=(-1, 1), name="local")
    stored = pickle.dumps(f)
    assert b"secret" not in stored
    copy = pickle.loads(stored)
    assert (copy.n, copy.name) == (3, "local")
    np.testing.assert_array_equal(copy.bounds, f.bounds)
    np.testing.assert_array_equal(copy.third(points, points), f.third(points, points))
    assert repr(copy) == repr(f)


def test_arrays_hold_no_objects(f):
    arrays = f.to_arrays()
    assert all(array.dtype.kind in "fiuU" for array in arrays.values())
    again = talweg.Objective.from_arrays(arrays).to_arrays()
    assert arrays.keys() == again.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(array, again[key])


def test_damaged_arrays_are_refused(f, points):
    good = f.to_arrays()
    for key in good:
        with pytest.raises(ValueError, match="saved"):
            talweg.Objective.from_arrays({k: v for k, v in good.items() if k != key})
    damaged = {
        "operations": np.full_like(good["operations"], 999),
        "operands": good["operands"][:-1],
        "output": np.array([10**6], dtype=good["output"].dtype),
        "inputs": np.array([0], dtype=good["inputs"].dtype),
        "values": good["values"].astype(np.int64),
        "name": np.array(3),
    }
    for key, array in damaged.items():
        with pytest.raises(ValueError, match="saved"):
            talweg.Objective.from_arrays({**good, key: array})
    with pytest.raises(ValueError, match="bounds"):
        talweg.Objective.from_arrays({**good, "bounds": np.zeros((2, 2))})


# Use inside other functions, and from several threads.


def test_objectives_are_functions_that_can_be_recorded(f, points):
    g = talweg.Objective(lambda x: np.exp(f(x[::-1] * 0.1)) + f(np.stack([x[0], 1.0, x[1]])), 3)
    plain = [np.exp(f(x[::-1] * 0.1)) + f([x[0], 1.0, x[1]]) for x in points]
    np.testing.assert_allclose(g(points), plain, rtol=1e-14)
    after_pickling = pickle.loads(pickle.dumps(f))
    h = talweg.Objective(lambda x: after_pickling(np.array([x[0], x[1], x[0]])), 2)
    assert h([1.0, 2.0]) == f([1.0, 2.0, 1.0])
    with pytest.raises(ValueError, match=r"x: want shape \(3,\), got \(2,\)"):
        talweg.Objective(lambda x: f(x[:2]), 3)


def test_kinks_and_sums_survive_composition():
    loss = talweg.sum_over(lambda x, row: abs(x[0] - row[0]), [1.0, 2.0, 4.0])
    inner = talweg.Objective(loss, 1)
    outer = talweg.Objective(lambda x: inner(x) * x[0], 1)
    assert outer.kinks == ("abs",)
    assert outer([3.0]) == 12.0


def test_a_function_may_build_an_objective():
    def fun(x):
        inner = talweg.Objective(lambda y: y[0] ** 2, 1)
        return inner(x[:1]) + talweg.zeros(2)[0]

    assert talweg.Objective(fun, 1)([3.0]) == 9.0


def test_several_threads(f, points):
    big = np.tile(points, (300, 1))
    expected = f.hess(big)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: f.hess(big), range(16)):
            np.testing.assert_array_equal(result, expected)
        kinds = list(pool.map(lambda k: talweg.Objective(lambda x: k * x[0], 1)([1.0]), range(40)))
    assert kinds == list(range(40))


def test_constant_functions():
    f = talweg.Objective(lambda x: 2.5, 2)
    assert f([1.0, 2.0]) == 2.5
    np.testing.assert_array_equal(f.grad([1.0, 2.0]), [0.0, 0.0])
    np.testing.assert_array_equal(f.hess(np.zeros((3, 2))), np.zeros((3, 2, 2)))
    np.testing.assert_array_equal(f.third([0.0, 0.0], [1.0, 1.0]), np.zeros((2, 2)))
