"""NumPy code recorded as it stands, and errors that say what to write where it cannot be."""

import functools
import math

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
import scipy.special

import talweg
from talweg.recording import MAX_OPERATIONS, RecordingError

MATRIX = np.random.default_rng(0).normal(size=(4, 4))
SPARSE = scipy.sparse.csr_array(np.diag([1.0, 2.0, 3.0, 4.0]))
TENSOR = np.random.default_rng(1).normal(size=(4, 4, 4))


def in_place(x):
    y = x.copy()
    y[1:] += y[:-1]
    y *= 2
    y[0] = 3.0
    return np.sum(y)


def filled(x):
    y = talweg.zeros((2, 2))
    y[0, 1] = x[0] * x[1]
    y[1] = x[2:]
    return np.sum(y**2) + y.size


def like(x):
    y = np.zeros_like(x)
    y[::2] = x[1::2]
    return y @ np.ones_like(x) + np.full_like(x, x[0]).sum()


def collected(x):
    out = []
    for i, value in enumerate(x):
        out.append(i * value**2)
    return sum(out)


IDIOMS = {
    "quadratic form": lambda x: x @ MATRIX @ x,
    "method dot": lambda x: MATRIX.dot(x).sum(),
    "dense form of a sparse matrix": lambda x: x @ (SPARSE.toarray() @ x),
    "matrix product": lambda x: (MATRIX @ x)[2] + (x @ MATRIX)[-1],
    "stacked matrix product": lambda x: (TENSOR @ x).sum() + (TENSOR @ np.outer(x, x)).sum(),
    "object array": lambda x: np.exp(np.array([x[0], x[1]])).sum(),
    "object array, mixed operands": lambda x: (
        np.array([x[0], x[1]]) * x[2:] + MATRIX[0, :2]
    ).sum(),
    "object array of rows": lambda x: np.array([x[:2], x[2:]]).sum(axis=0)[0],
    "asarray": lambda x: np.asarray(x) @ np.array(x),
    "array with like": lambda x: np.array([x[0], 1.0], like=x).sum(),
    "einsum": lambda x: np.einsum("i,ij,j", x, MATRIX, x),
    "einsum trace": lambda x: np.einsum("ii", np.outer(x, x)),
    "einsum explicit": lambda x: np.einsum("ij, j -> i", MATRIX, x).prod(),
    "einsum outer": lambda x: np.einsum("i,j->ji", x, MATRIX[0])[1, 2],
    "norm": np.linalg.norm,
    "norms": lambda x: sum(np.linalg.norm(x, p) for p in (1, 3, 2)),
    "Frobenius norm": lambda x: np.linalg.norm(np.outer(x, MATRIX[0])),
    "norm of rows": lambda x: np.linalg.norm(x.reshape(2, 2), axis=1).sum(),
    "largest": lambda x: np.linalg.norm(x, np.inf) + x.max() + np.min(x) + np.ptp(x),
    "numpy scalar on the left": lambda x: np.float64(2.0) * x[0] - np.float64(3.0) / x[1],
    "numbers on the left": lambda x: 2 / x[0] - 3 * x[1] + 1.5 ** x[2] + (1 - x[3]),
    "integer array": lambda x: (np.arange(4) * x).sum() + (x ** np.arange(4)).sum(),
    "powers": lambda x: x[0] ** 2 + x[1] ** -1 + x[2] ** 0.5 + x[3] ** x[0] + x[1] ** 0 + x[2] ** 7,
    "python sum": lambda x: sum(value**2 for value in x),
    "python reduce": lambda x: functools.reduce(lambda a, b: a * b + 1, x),
    "sum of a list": lambda x: np.sum([x[0], x[1] * 2]),
    "collected in a list": collected,
    "logaddexp": lambda x: (
        np.logaddexp(x[0], x[1]) + np.logaddexp.reduce(x) + np.logaddexp2(1, x[0])
    ),
    "inverse functions": lambda x: (
        np.arcsin(x[0]) + np.arccos(x[1]) + np.arctan(x[2]) + np.arcsinh(-x[0]) + np.arctanh(x[3])
    ),
    "arccosh and arctan2": lambda x: np.arccosh(1 + x[0]) + np.arctan2(x[1], -x[2]),
    "hyperbolic": lambda x: np.sum(np.sinh(x) * np.cosh(x) - np.tanh(x)),
    "trigonometric": lambda x: np.sum(np.sin(x) + np.cos(x) * np.tan(x)),
    "logarithms": lambda x: np.log(x[0]) + np.log2(x[1]) + np.log10(x[2]) + np.log1p(x[3]),
    "exponentials": lambda x: np.exp(x[0]) + np.exp2(x[1]) + np.expm1(x[2]) + np.sqrt(x[3]),
    "roots": lambda x: np.cbrt(x[0]) + np.cbrt(-x[1]) + np.square(x[2]) + np.reciprocal(x[3]),
    "angles": lambda x: np.deg2rad(x[0]) + np.rad2deg(x[1]) + np.degrees(x[2]) + np.radians(x[3]),
    "hypot": lambda x: np.hypot(x[0], x[1]) + np.hypot.reduce(x),
    "signs": lambda x: (
        np.sign(x - 0.5).sum() + np.copysign(x[0], -x[1]) + abs(x - 0.5).sum() + -x[0]
    ),
    "heaviside": lambda x: np.heaviside(x - 0.5, 0.5).sum() + np.fabs(x)[0] + (+x)[1],
    "scipy.special": lambda x: (
        scipy.special.erf(x[0])
        + scipy.special.expit(x[1])
        + scipy.special.xlogy(x[2], x[3])
        + scipy.special.log_expit(x[0])
        + scipy.special.logit(x[1])
        + scipy.special.xlog1py(x[0], x[1])
    ),
    "where": lambda x: np.where(x > 0.5, x, x**2).sum() + np.where(x <= 0.5, 1.0, x)[0],
    "select": lambda x: np.select([x < 0.3, x < 0.6], [x, 2 * x], 3 * x).sum(),
    "logic": lambda x: (
        ((x > 0.3) & (x < 0.6)).sum()
        + (np.logical_or(x > 0.8, ~(x > 0.2))).sum()
        + ((x >= 0.5) ^ (x != x[0])).sum()
        + np.where((x == x[0]) | (x < 0.1), x, 0).sum()
        + x[0]
    ),
    "clip": lambda x: (
        np.clip(x, 0.2, 0.5).sum() + x.clip(0.4, None)[0] + np.clip(x, None, x[0]).sum()
    ),
    "extrema": lambda x: np.maximum(x, 0.3)[1] + np.minimum(0.5, x).sum() + np.fmax(x[0], x[1]),
    "concatenate": lambda x: np.concatenate([x, [1, 2]]).prod() + np.append(x, x[0] ** 2).sum(),
    "stack": lambda x: np.stack([x[0], 1.0, x[1]]).std() + np.hstack([x, x]).var(ddof=1),
    "more stacks": lambda x: (
        np.vstack([x, x * 2])[1, 2] + np.column_stack([x, x])[3, 1] + np.block([x, x])[5]
    ),
    "reshape": lambda x: np.mean(x.reshape(2, 2) @ MATRIX[:2, :2]) + x.reshape((4, 1)).T[0, 3],
    "transpose": lambda x: (
        np.outer(x, MATRIX[1]).T[2, 1] + np.swapaxes(x.reshape(2, 2), 0, 1)[0, 1]
    ),
    "running": lambda x: np.cumsum(x)[2] * np.cumprod(x)[3] + np.add.accumulate(x)[-1],
    "outer": lambda x: np.add.outer(x, x).sum() + np.multiply.outer(MATRIX[0], x)[1, 2],
    "tensordot": lambda x: (
        np.tensordot(np.outer(x, x), MATRIX, 2) + np.tensordot(TENSOR, x, (1, 0)).sum()
    ),
    "diagonals": lambda x: np.diag(x)[1, 1] + np.trace(np.diag(x)) + np.diag(np.outer(x, x)).sum(),
    "triangles": lambda x: np.tril(np.outer(x, x)).sum() - np.triu(np.outer(x, x), 1)[0, 2],
    "differences": lambda x: (np.roll(x, 1) * np.diff(np.append(x, x[0]))).sum() + np.diff(x, 2)[0],
    "convolve": lambda x: sum(
        np.convolve(x, [1.0, 2.0, 3.0], mode)[1] for mode in ("full", "same", "valid")
    ),
    "cross and kron": lambda x: np.cross(x[:3], x[1:])[1] + np.kron(x, x).reshape(4, 4)[2, 1],
    "polyval": lambda x: np.polyval([1, 2, 3], x[0]) + np.polyval(x, 0.5),
    "averages": lambda x: np.average(x, weights=[1, 2, 3, 4]) + np.average(x) + x.mean() + x.var(),
    "products": lambda x: np.inner(x, x) + np.vdot(x, MATRIX[0]) + np.dot(2, x)[0] + x.dot(x),
    "fancy indexing": lambda x: (x[[0, 2]] * x[np.array([1, 3])]).sum() + x[-1] + x[::-1][0],
    "masks of numbers": lambda x: (
        x[np.array([True, False, True, False])].sum() + x[..., None][2, 0]
    ),
    "sizes": lambda x: (
        x[x.size - 1] * len(x) + x.shape[0] + np.size(x) + np.ndim(x) + np.shape(x)[0]
    ),
    "pad": lambda x: np.pad(x, 1).sum() + np.pad(x, 2, mode="edge")[0] + np.flip(x)[1],
    "repeat": lambda x: np.repeat(x, 2)[3] + np.tile(x, 2)[5] + np.broadcast_to(x, (3, 4))[2, 1],
    "split": lambda x: sum(np.prod(part) for part in np.split(x, 2)) + np.meshgrid(x, x)[0][1, 2],
    "matrix power": lambda x: np.linalg.matrix_power(np.outer(x, MATRIX[0]), 3)[1, 2],
    "multi_dot": lambda x: np.linalg.multi_dot([x, MATRIX, x]),
    "reductions by axis": lambda x: (
        np.outer(x, x).sum(axis=0, keepdims=True)[0, 1]
        + np.outer(x, x).prod(axis=-1)[2]
        + np.sum(np.outer(x, x), axis=(0, 1))
        + np.multiply.reduce(x)
        + np.add.reduce(x, initial=2.0)
    ),
    "long sum": lambda x: np.sum(np.outer(x, np.arange(1.0, 41.0))) + np.tile(x, 25).prod(),
    "empty sum": lambda x: x[:0].sum() + x[:0].prod() * x[0],
    "in place": in_place,
    "talweg.zeros": filled,
    "zeros_like": like,
    "rosen": scipy.optimize.rosen,
    "talweg functions": lambda x: (
        talweg.softplus(x).sum()
        + talweg.sigmoid(x[0])
        + talweg.erf(x[1])
        + talweg.atan2(x[0], x[1])
        + talweg.where(x > 0.5, 1.0, x).sum()
        + talweg.erf(np.array([x[0], x[1]])).sum()
    ),
    "constant of x": lambda x: 3.0,
    "integer result": lambda x: 7,
    "object scalar": lambda x: np.array(x[0] * 2, dtype=object),
    "truth of constants": lambda x: x[0] if talweg.zeros(2)[1] == 0 else x[1],
    "astype": lambda x: x.astype(float)[1] + x.ravel()[0] + x.flatten()[2] + x.squeeze()[3],
    "real parts": lambda x: np.real(x)[0] + np.conjugate(x)[1] + x.real[2] + x.imag[3],
}
if hasattr(np, "trapezoid"):
    IDIOMS["trapezoid"] = lambda x: np.trapezoid(x) + np.trapezoid(x**2, [0.0, 1.0, 3.0, 4.5])


@pytest.mark.parametrize("name", IDIOMS)
def test_recorded_value_is_that_of_numpy(name):
    fun = IDIOMS[name]
    f = talweg.Objective(fun, 4)
    for x in np.random.default_rng(2).uniform(0.1, 0.9, size=(5, 4)):
        plain = float(fun(x.copy()))
        assert abs(f(x) - plain) <= 1e-13 * (abs(plain) + 1.0)


@pytest.mark.parametrize("name", IDIOMS)
def test_gradient_of_every_idiom_is_a_difference_quotient(name):
    fun = IDIOMS[name]
    f = talweg.Objective(fun, 4)
    x, step = np.array([0.31, 0.83, 0.57, 0.22]), 1e-6
    moves = step * np.eye(4)
    quotient = [(float(fun(x + e)) - float(fun(x - e))) / (2 * step) for e in moves]
    np.testing.assert_allclose(f.grad(x), quotient, rtol=1e-6, atol=1e-7 * (1 + abs(f(x))))


def assigned(x):
    out = np.zeros(3)
    out[0] = x[0]
    return out.sum()


def assigned_slice(x):
    out = np.zeros(4)
    out[:] = x
    return out.sum()


def added_in_place(x):
    out = np.zeros(4)
    out += x
    return out.sum()


def changes_argument(x):
    x[0] = 0.0
    return x.sum()


def changes_view(x):
    x.reshape(2, 2)[0] *= 2
    return x.sum()


def loop_until(x):
    y = x[0]
    while y < 1:
        y = 2 * y
    return y


def outside(x):
    kept.append(x[0])
    return x[0] + kept[0]


kept: list = []

ERRORS = {
    "math.exp": (lambda x: math.exp(x[0]), "numpy.exp or talweg.exp"),
    "float": (lambda x: float(x[0]), "leave out float"),
    "int": (lambda x: int(x[0]), r"int\(\)"),
    "asarray of floats": (lambda x: np.asarray(x, dtype=float).sum(), "numpy.asarray"),
    "assignment": (assigned, r"talweg.zeros\(shape\)"),
    "assignment of a slice": (assigned_slice, r"talweg.zeros\(shape\)"),
    "addition in place": (added_in_place, r"talweg.zeros\(shape\)"),
    "assignment into the argument": (changes_argument, r"y = x.copy\(\)"),
    "assignment into a view": (changes_view, r"y = x.copy\(\)"),
    "if": (lambda x: x[0] if x[0] > 0 else x[1], "numpy.where"),
    "while": (loop_until, "numpy.where"),
    "and": (lambda x: x[0] > 0 and x[1], "numpy.where"),
    "max": (lambda x: max(x[0], x[1]), "numpy.maximum"),
    "sorted": (lambda x: sorted(x)[0], "numpy.minimum"),
    "in": (lambda x: 1.0 if 0.5 in x else x[0], "branch"),
    "index": (lambda x: MATRIX[0][x[0]], "index"),
    "range": (lambda x: sum(range(x[0])), "index"),
    "mask": (lambda x: x[x > 0.5].sum(), "mask"),
    "mask of numbers": (lambda x: MATRIX[0][x > 0.5].sum(), "mask|index"),
    "floor": (lambda x: np.floor(x[0]), "numpy.floor cannot be recorded: it is a step"),
    "remainder": (lambda x: x[0] % 2, "numpy.remainder"),
    "floor division": (lambda x: x[0] // 2, "numpy.floor_divide"),
    "round": (lambda x: round(x[0]), "round"),
    "numpy.round": (lambda x: np.round(x)[0], "step function"),
    "isnan": (lambda x: np.isnan(x).sum(), "numpy.isnan"),
    "sort": (lambda x: np.sort(x)[0], "numpy.sort is not available.*order"),
    "argmin": (lambda x: x[x.argmin()], "numpy.argmin"),
    "median": (lambda x: np.median(x), "numpy.median"),
    "solve": (lambda x: np.linalg.solve(MATRIX, x)[0], "numpy.linalg.*solve.*from_callables"),
    "unknown ufunc": (lambda x: np.spacing(x)[0], "numpy.spacing"),
    "special function": (lambda x: scipy.special.gamma(x[0]), "gamma"),
    "erfc": (lambda x: scipy.special.erfc(x[0]), "erfc"),
    "array of mixed objects": (lambda x: np.exp(np.array([x[0], 1.0])).sum(), r"numpy.stack"),
    "sparse matrix": (lambda x: x @ (SPARSE @ x), r"A.toarray\(\) @ x"),
    "maximum of objects": (lambda x: np.maximum.reduce([x[0], x[1]]), r"numpy.stack\(\[...\]\)"),
    "complex": (lambda x: (x[0] * 1j).real, "complex"),
    "string": (lambda x: np.add(x[0], "a"), "str"),
    "object": (lambda x: np.multiply(x[0], object()), "object"),
    "ufunc with where": (lambda x: np.add(x, 1, where=[True] * 4).sum(), "numpy.where"),
    "sum with where": (lambda x: np.sum(x, where=[True] * 4), "numpy.where"),
    "integer dtype": (lambda x: x.astype(int).sum(), "float64"),
    "bitwise": (lambda x: (x & 1).sum(), "comparisons only"),
    "einsum ellipsis": (lambda x: np.einsum("...i->...", x), "ellipsis"),
    "None": (lambda x: None, "returned None"),
    "no return": (lambda x: x.copy().fill(0.0), "returned None"),
    "vector": (lambda x: x * 2, r"shape \(4,\)"),
    "one element": (lambda x: x[:1], r"take element \[0\]"),
    "vector of numbers": (lambda x: np.ones(3), r"shape \(3,\)"),
    "list": (lambda x: [x[0], x[1]], "list of length 2"),
    "tuple": (lambda x: (x[0],), "tuple of length 1"),
    "string result": (lambda x: "abc", "a string, 'abc'"),
    "complex result": (lambda x: 1j, "complex number"),
    "truth value": (lambda x: True, "returned True"),
    "comparison": (lambda x: x[0] > 0, "comparison"),
    "function": (lambda x: np.sin, "ufunc"),
    "constant array": (lambda x: np.array([1.0]), r"shape \(1,\)"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error_says_what_to_write(name):
    fun, message = ERRORS[name]
    with pytest.raises(RecordingError, match=message):
        talweg.Objective(fun, 4)


def test_recorded_values_must_not_outlive_the_recording():
    kept.clear()
    talweg.Objective(outside, 2, verify=False)
    with pytest.raises(RecordingError, match="another recording"):
        talweg.Objective(outside, 2)
    kept.clear()


def test_the_functions_own_exception_comes_out_unchanged():
    def fun(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        talweg.Objective(fun, 2)
    with pytest.raises(ValueError, match=r"mismatch|shapes|broadcast"):
        talweg.Objective(lambda x: (x + np.ones(3)).sum(), 2)
    with pytest.raises(IndexError):
        talweg.Objective(lambda x: x[2], 2)
    with pytest.raises(ValueError, match="unpack"):
        talweg.Objective(lambda x: next(a for a, b, c in [x]), 2)


def test_too_many_operations_name_the_other_kinds():
    def loop(x):
        total = x[0]
        for i in range(MAX_OPERATIONS + 10):
            total = total * 1.5 + np.sin(x[0] + i)
        return total

    def at_once(x):
        return np.sum(np.sin(np.outer(x, np.arange(MAX_OPERATIONS))))

    for fun in (loop, at_once):
        with pytest.raises(RecordingError, match=r"sum_over.*from_callables"):
            talweg.Objective(fun, 2)


def test_unpacking_and_iteration():
    def fun(x):
        a, b, *rest = x
        return a * b + sum(rest) + x.tolist()[0] + x.item(1) + sum(x.flat)

    assert talweg.Objective(fun, 4)([1.0, 2.0, 3.0, 4.0]) == 2 + 7 + 1 + 2 + 10


def test_recorded_values_print():
    shown = []

    def fun(x):
        shown.extend([repr(x), str(x[0]), f"{x[0] > 0}"])
        return x[0]

    talweg.Objective(fun, 2, verify=False)
    assert shown == ["<recorded values, shape (2,)>", "<recorded value>", "<recorded comparison>"]


def test_shapes_that_do_not_fit():
    for fun in (
        lambda x: x @ np.ones(3),
        lambda x: np.tensordot(x, np.ones(3), 1),
        lambda x: x @ 2.0,
        lambda x: np.einsum("ij->i", x).sum(),
        lambda x: x[:0].max(),
    ):
        with pytest.raises(ValueError, match=r"shape|matmul|einsum|no elements"):
            talweg.Objective(fun, 4)


def test_views_share_their_elements_as_in_numpy():
    def fun(x):
        y = x.copy()
        middle = y[1:3]
        middle[0] = 10.0
        row = y.reshape(2, 2)[1]
        row += 1.0
        return y @ np.array([1.0, 10.0, 100.0, 1000.0])

    x = np.array([1.0, 2.0, 3.0, 4.0])
    assert talweg.Objective(fun, 4)(x) == fun(x) == 1 + 100 + 400 + 5000


@pytest.mark.parametrize("x", [1e-300, 1e-9, 1.0, 1e150, 1e160, 1e300])
def test_arcsinh_has_no_wrong_numbers(x):
    f = talweg.Objective(lambda x: np.arcsinh(x[0]), 1, verify=False)
    value = f([x])
    # The square of x overflows from 1.4e154 on.
    assert np.isnan(value) if x > 1e154 else value == pytest.approx(np.arcsinh(x), rel=1e-15)
