"""Sums over rows of data against plain NumPy and closed forms."""

import pickle

import numpy as np
import pytest
import sympy

import talweg
from talweg.recording import RecordingError
from talweg.recording.replay import OPERATIONS

ROWS = np.random.default_rng(0).normal(size=(37, 3))


def logistic(x, row):
    return talweg.softplus(-(row[:2] @ x) * row[2])


def squares(x, row):
    return (x[0] + x[1] * row[0] - row[1]) ** 2


TERMS = {
    "logistic": logistic,
    "squares": squares,
    "products of rows and coordinates": lambda x, row: (
        np.sin(x[0] * row[0]) * np.exp(x[1] - row[2])
    ),
    "where": lambda x, row: np.where(row[0] > 0, x[0] ** 2, x[1]) * row[1],
    "row only": lambda x, row: row[0] ** 2 + row[1],
    "coordinates only": lambda x, row: x[0] * x[1],
    "constant": lambda x, row: 2.0,
    "column itself": lambda x, row: row[2],
    "quotient": lambda x, row: row[0] / (1 + x[0] ** 2) + (x[1] - row[1]) / 3,
}


@pytest.mark.parametrize("name", TERMS)
def test_sum_is_that_of_a_loop(name):
    term = TERMS[name]
    total = talweg.sum_over(term, ROWS)
    f = talweg.Objective(total, 2)
    for x in np.random.default_rng(1).normal(size=(4, 2)):
        each = [term(x, row) for row in ROWS]
        tolerance = 1e-14 * np.abs(each).sum()
        assert abs(f(x) - np.sum(each)) <= tolerance
        assert abs(total(x) - np.sum(each)) <= tolerance


@pytest.mark.parametrize("rows", [1, 2, 7, 37])
def test_derivatives_are_those_of_sympy(rows):
    a, b, p, q, r = sympy.symbols("a b p q r")
    term = sympy.log(1 + sympy.exp(-(p * a + q * b) * r)) + sympy.sin(a * p) * b**2
    data = ROWS[:rows]

    def recorded(x, row):
        return logistic(x, row) + np.sin(x[0] * row[0]) * x[1] ** 2

    f = talweg.Objective(talweg.sum_over(recorded, data), 2)
    x, v = np.array([0.4, -1.3]), np.array([0.7, 0.2])

    def summed(expression):
        function = sympy.lambdify((a, b, p, q, r), expression, modules="mpmath")
        return float(sum(function(*x, *row) for row in data))

    symbols = (a, b)
    hessian = [[sympy.diff(term, s, t) for t in symbols] for s in symbols]
    third = [
        [sum(sympy.diff(h, s) * c for s, c in zip(symbols, v, strict=True)) for h in row]
        for row in hessian
    ]
    for computed, exact in [
        ([f(x)], [term]),
        (f.grad(x), [sympy.diff(term, s) for s in symbols]),
        (f.hess(x), hessian),
        (f.third(x, v), third),
    ]:
        exact = np.vectorize(summed)(np.array(exact, dtype=object))
        assert np.linalg.norm(computed - exact) <= 1e-13 * np.linalg.norm(exact)
    np.testing.assert_allclose(f.hessp(x, v), f.hess(x) @ v, rtol=1e-13)


def test_many_points_give_what_each_gives():
    f = talweg.Objective(talweg.sum_over(logistic, ROWS), 2)
    points = np.random.default_rng(2).normal(size=(11, 2))
    np.testing.assert_array_equal(f(points), [f(x) for x in points])
    np.testing.assert_array_equal(f.grad(points), [f.grad(x) for x in points])
    np.testing.assert_array_equal(f.hess(points), [f.hess(x) for x in points])
    np.testing.assert_array_equal(f.third(points, points), [f.third(x, x) for x in points])


def test_inside_other_functions():
    loss = talweg.sum_over(squares, ROWS)
    other = talweg.sum_over(lambda x, row: x[0] * row[0], ROWS[:5, 0])

    def fun(x):
        return np.sqrt(1 + loss(x)) + 0.5 * x @ x + other(x * 2) + loss(np.array([x[1], x[0]]))

    f = talweg.Objective(fun, 2)
    for x in np.random.default_rng(3).normal(size=(4, 2)):
        assert f(x) == pytest.approx(fun(x), rel=1e-13)
        step = 1e-6
        quotient = [(fun(x + e) - fun(x - e)) / (2 * step) for e in step * np.eye(2)]
        np.testing.assert_allclose(f.grad(x), quotient, rtol=1e-6, atol=1e-6)


def test_functions_of_a_sum_have_cross_terms():
    """The Hessian of a square of a sum: products of sums, not sums of products."""
    data = np.array([1.0, 2.0, -0.5])
    inner = talweg.sum_over(lambda x, row: np.sin(row[0] * x[0]) + x[1] * row[0], data)
    f = talweg.Objective(lambda x: inner(x) ** 2, 2)
    x = np.array([0.3, -0.2])
    s = np.sum(np.sin(data * x[0]) + x[1] * data)
    g = np.array([np.sum(data * np.cos(data * x[0])), data.sum()])
    h = np.diag([-np.sum(data**2 * np.sin(data * x[0])), 0.0])
    np.testing.assert_allclose(f.hess(x), 2 * np.outer(g, g) + 2 * s * h, rtol=1e-14, atol=1e-14)


def test_the_recording_does_not_grow_with_the_rows():
    short = talweg.Objective(talweg.sum_over(logistic, ROWS[:2]), 2)
    long = talweg.Objective(talweg.sum_over(logistic, np.tile(ROWS, (3000, 1))), 2)
    operations = [len(f.to_arrays()["operations"]) for f in (short, long)]
    assert operations[0] == operations[1] < 40
    x = np.array([0.5, 0.25])
    full = np.sum([logistic(x, row) for row in ROWS])
    assert long(x) == pytest.approx(3000 * full, rel=1e-12)


def test_one_sum_used_twice_is_recorded_once():
    loss = talweg.sum_over(squares, ROWS)
    once = talweg.Objective(loss, 2)
    twice = talweg.Objective(lambda x: loss(x) * loss(x), 2)
    stored = twice.to_arrays()
    assert np.count_nonzero(stored["operations"] == OPERATIONS.index("sum_rows")) == 1
    assert len(stored["operations"]) <= len(once.to_arrays()["operations"]) + 2
    assert stored["table_values"].size <= ROWS.size


def test_nested_sums():
    """An inner sum that does not use the outer row is one number in every outer row."""
    inner = talweg.sum_over(lambda x, row: x[0] * row[0], [1.0, 2.0, 3.0])
    outer = talweg.sum_over(lambda x, row: row[0] * inner(x) ** 2, [1.0, 10.0])
    assert talweg.Objective(outer, 1)([2.0]) == 11 * 12.0**2

    def uses_both_rows(x, row):
        return talweg.sum_over(lambda y, other: y[0] * other[0] * row[0], [1.0, 2.0])(x)

    with pytest.raises(RecordingError, match="sum_over"):
        talweg.Objective(talweg.sum_over(uses_both_rows, [1.0, 2.0]), 1)


def test_pickles_with_its_data():
    f = talweg.Objective(talweg.sum_over(logistic, ROWS), 2)
    copy = pickle.loads(pickle.dumps(f))
    x = np.array([0.1, 0.2])
    assert copy(x) == f(x)
    np.testing.assert_array_equal(copy.third(x, x), f.third(x, x))
    total = pickle.loads(pickle.dumps(talweg.sum_over(logistic, ROWS)))
    assert total(x) == f(x)


def test_the_data_is_copied():
    data = ROWS.copy()
    total = talweg.sum_over(squares, data)
    before = total(np.ones(2))
    data[:] = 0.0
    assert total(np.ones(2)) == before
    with pytest.raises(ValueError, match="read-only"):
        total.data[0] = 1.0
    assert repr(total) == "<sum of squares over 37 rows of 3>"
    assert talweg.Objective(total, 2).name == "sum of squares"


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (np.zeros((2, 2, 2)), ValueError, r"data: want shape \(m, p\) or \(m,\).*got \(2, 2, 2\)"),
        (np.zeros((0, 2)), ValueError, r"at least one row and column, got \(0, 2\)"),
        (np.zeros((3, 0)), ValueError, r"at least one row and column, got \(3, 0\)"),
        ([], ValueError, "at least one row"),
        (3.0, ValueError, "data: want shape"),
        ([[1.0], [1.0, 2.0]], ValueError, "unequal lengths"),
        ([["a", "b"]], TypeError, "data: want real numbers, got dtype <U1"),
        ([[1j]], TypeError, "data: want real numbers"),
        ([[1.0], [np.nan]], ValueError, "data: row 1 holds a NaN"),
        ([[np.inf], [1.0]], ValueError, "data: row 0 holds a NaN or an infinity"),
    ],
)
def test_bad_data(data, error, message):
    with pytest.raises(error, match=message):
        talweg.sum_over(squares, data)


def test_bad_terms():
    with pytest.raises(TypeError, match="term: want a function"):
        talweg.sum_over(3, ROWS)
    for term, message in [
        (lambda x, row: x * row[0], r"sum_over's term returned an array of shape \(2,\)"),
        (lambda x, row: None, "sum_over's term returned None"),
        (lambda x, row: x[0] if row[0] > 0 else x[1], "numpy.where"),
        (lambda x, row: row[int(row[0])], r"int\(\)"),
    ]:
        with pytest.raises(RecordingError, match=message):
            talweg.Objective(talweg.sum_over(term, ROWS), 2)
    with pytest.raises(RecordingError, match="x has shape"):
        talweg.Objective(lambda x: talweg.sum_over(squares, ROWS)(x.reshape(2, 1)), 2)
    with pytest.raises(ValueError, match="x: want shape"):
        talweg.sum_over(squares, ROWS)(np.zeros((2, 2)))


def test_hidden_state_in_a_term_is_caught():
    rng = np.random.default_rng(0)
    total = talweg.sum_over(lambda x, row: x[0] * row[0] + rng.normal(), ROWS)
    with pytest.raises(ValueError, match=r"sum_over's term.*random numbers"):
        talweg.Objective(total, 2)


def test_a_row_must_not_leave_its_term():
    kept = []

    def term(x, row):
        kept.append(row[0] * x[0])
        return x[0]

    total = talweg.sum_over(term, ROWS)

    def fun(x):
        return total(x) + kept[-1]

    with pytest.raises(
        (RecordingError, ValueError), match=r"row of talweg.sum_over|another recording"
    ):
        talweg.Objective(fun, 2)
