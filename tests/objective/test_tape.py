"""Tapes and the objectives made from them, through the compiled module."""

import mpmath
import numpy as np
import pytest
import sympy
from numpy.testing import assert_array_equal

from talweg import _core

VALUE, GRADIENT, HESSIAN, THIRD, HESSIAN_PRODUCT, THIRD_PRODUCT = (1 << i for i in range(6))
EVERYTHING = 63


class Node:
    """A tape's node with operators, so that one function builds tapes and SymPy expressions."""

    def __init__(self, tape, nodes):
        self.tape, self.nodes = tape, nodes

    def apply(self, name, *others):
        operands = [
            other.nodes if isinstance(other, Node) else self.tape.constant([float(other)])
            for other in others
        ]
        return Node(self.tape, self.tape.apply(name, self.nodes, *operands))

    def reversed(self, name, other):
        return Node(self.tape, self.tape.constant([float(other)])).apply(name, self)

    def __add__(self, other):
        return self.apply("add", other)

    def __mul__(self, other):
        return self.apply("multiply", other)

    __radd__, __rmul__ = __add__, __mul__

    def __sub__(self, other):
        return self.apply("subtract", other)

    def __rsub__(self, other):
        return self.reversed("subtract", other)

    def __truediv__(self, other):
        return self.apply("divide", other)

    def __rtruediv__(self, other):
        return self.reversed("divide", other)

    def __pow__(self, other):
        return self.apply("power", other)

    def __neg__(self):
        return self.apply("negate")


class OnTape:
    def __getattr__(self, name):
        return lambda a: a.apply(name)


class InSympy:
    log1p = staticmethod(lambda a: sympy.log(1 + a))
    expm1 = staticmethod(lambda a: sympy.exp(a) - 1)
    sigmoid = staticmethod(lambda a: 1 / (1 + sympy.exp(-a)))

    def __getattr__(self, name):
        return getattr(sympy, name)


def muller_brown(x, f):
    terms = zip(
        (-200, -100, -170, 15),
        (-1, -1, -6.5, 0.7),
        (0, 0, 11, 0.6),
        (-10, -10, -6.5, 0.7),
        (1, 0, -0.5, -1),
        (0, 0.5, 1.5, 1),
        strict=True,
    )
    return sum(
        A * f.exp(a * (x[0] - x0) ** 2 + b * (x[0] - x0) * (x[1] - y0) + c * (x[1] - y0) ** 2)
        for A, a, b, c, x0, y0 in terms
    )


FUNCTIONS = {
    "muller_brown": (2, muller_brown),
    "rational": (2, lambda x, f: x[0] ** 3 / (x[1] ** 2 + 2) - x[1] / (x[0] ** 2 + 1) ** 2),
    "trigonometric": (2, lambda x, f: f.sin(x[0] * x[1]) + f.tan(x[1] / 3) * f.cos(x[0] - x[1])),
    "hyperbolic": (2, lambda x, f: f.cosh(x[0]) * f.tanh(x[1]) + f.sinh(x[0] * x[1])),
    "probability": (2, lambda x, f: f.erf(x[0] - x[1]) * f.sigmoid(x[0] * x[1] - x[1])),
    "logarithms": (2, lambda x, f: f.log1p(x[0] ** 2) + f.expm1(x[0] * x[1]) * f.atan(x[1])),
    "powers": (
        2,
        lambda x, f: (
            (x[0] ** 2 + 1) ** 1.5 * (x[1] ** 2 + 1) ** -2.5
            + (x[0] ** 2 + x[1] ** 2 + 1) ** 0.3
            + (x[0] ** 2 + 1) ** x[1]
        ),
    ),
    "nested": (3, lambda x, f: f.log(f.exp(x[0] * x[1]) + f.sqrt(x[2] ** 2 + 1) + x[0] ** 4)),
}


def build(function, n):
    tape = _core.Tape(n)
    x = [Node(tape, node.reshape(1)) for node in tape.input()]
    return tape, int(function(x, OnTape()).nodes[0])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_agree_with_sympy_in_high_precision(name):
    n, function = FUNCTIONS[name]
    objective = _core.TapeObjective(*build(function, n))
    random = np.random.default_rng(0)
    x, v, w = random.uniform(-1.2, 1.2, (3, 12, n))
    got = objective.evaluate(x, EVERYTHING, v, w)

    symbols = sympy.symbols(f"x:{n} v:{n} w:{n}")
    xs, vs, ws = symbols[:n], symbols[n : 2 * n], symbols[2 * n :]
    value = function(xs, InSympy())
    gradient = [value.diff(x) for x in xs]
    hessian = [[slope.diff(x) for x in xs] for slope in gradient]
    third = [[sum(entry.diff(xs[k]) * vs[k] for k in range(n)) for entry in row] for row in hessian]
    exact = {
        "value": value,
        "gradient": gradient,
        "hessian": hessian,
        "third": third,
        "hessian_product": [sum(hessian[i][j] * vs[j] for j in range(n)) for i in range(n)],
        "third_product": [sum(third[i][j] * ws[j] for j in range(n)) for i in range(n)],
    }
    with mpmath.workdps(40):
        formula = sympy.lambdify(symbols, list(exact.values()), "mpmath")
        for lane in range(len(x)):
            point = (mpmath.mpf(float(entry)) for entry in (*x[lane], *v[lane], *w[lane]))
            for quantity, want in zip(exact, formula(*point), strict=True):
                want = np.array(want, dtype=float)
                error = np.abs(got[quantity][lane] - want).max()
                assert error <= 1e-13 * np.abs(want).max(), quantity


def test_rows_are_summed():
    random = np.random.default_rng(1)
    data = random.normal(size=(23, 3))
    tape = _core.Tape(3)
    products = tape.apply("multiply", tape.data(data), tape.input())
    total = tape.apply("add", products[:1], products[1:2])
    total = tape.apply("add", total, products[2:])
    assert tape.is_row(int(total[0]))
    output = tape.apply("log", tape.sum_rows(tape.apply("exp", total)))
    objective = _core.TapeObjective(tape, int(output[0]))
    x = random.normal(size=(5, 3))
    got = objective.evaluate(x, VALUE | GRADIENT | HESSIAN)
    exponentials = np.exp(x @ data.T)
    weights = exponentials / exponentials.sum(axis=1, keepdims=True)
    mean = weights @ data
    second = np.einsum("mr,ri,rj->mij", weights, data, data) - mean[:, :, None] * mean[:, None]
    np.testing.assert_allclose(got["value"], np.log(exponentials.sum(axis=1)), rtol=1e-13)
    np.testing.assert_allclose(got["gradient"], mean, rtol=1e-12)
    np.testing.assert_allclose(got["hessian"], second, rtol=1e-11, atol=1e-12)


def test_results_are_the_same_for_any_number_of_points_and_workers():
    objective = _core.TapeObjective(*build(muller_brown, 2))
    x = np.random.default_rng(2).uniform(-1.5, 1.5, (5003, 2))
    v = np.ones_like(x)
    wanted = objective.evaluate(x, VALUE | GRADIENT | HESSIAN | THIRD, v, workers=1)
    threaded = objective.evaluate(x, VALUE | GRADIENT | HESSIAN | THIRD, v, workers=4)
    for quantity, want in wanted.items():
        assert_array_equal(threaded[quantity], want)
    for start, stop in ((0, 1), (17, 20), (100, 200)):
        some = objective.evaluate(x[start:stop], VALUE | GRADIENT | HESSIAN | THIRD, v[start:stop])
        for quantity, want in wanted.items():
            assert_array_equal(some[quantity], want[start:stop])


def test_no_points():
    objective = _core.TapeObjective(*build(muller_brown, 2))
    got = objective.evaluate(np.empty((0, 2)), VALUE | HESSIAN)
    assert got["value"].shape == (0,)
    assert got["hessian"].shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((np.zeros(2), 1), "x"),
        ((np.zeros((3, 3)), 1), "x"),
        ((np.zeros((3, 2)), 0), "quantities"),
        ((np.zeros((3, 2)), 64), "quantities"),
        ((np.zeros((3, 2)), THIRD), "v"),
        ((np.zeros((3, 2)), THIRD, np.zeros((2, 2))), "v"),
        ((np.zeros((3, 2)), THIRD_PRODUCT, np.zeros((3, 2))), "w"),
        ((np.zeros((3, 2)), 1, None, None, -1), "workers"),
    ],
)
def test_wrong_arguments_are_named(arguments, named):
    objective = _core.TapeObjective(*build(muller_brown, 2))
    with pytest.raises(ValueError, match=f"^{named}:"):
        objective.evaluate(*arguments)


def test_misuse_of_a_tape_is_refused():
    tape = _core.Tape(2)
    x = tape.input()
    with pytest.raises(ValueError, match="n:"):
        _core.Tape(0)
    with pytest.raises(ValueError, match="no operation"):
        tape.apply("input", x)
    with pytest.raises(ValueError, match="equal shapes"):
        tape.apply("add", x, x[:1])
    with pytest.raises(ValueError, match="takes 2"):
        tape.apply("add", x)
    with pytest.raises(ValueError, match="takes 1"):
        tape.apply("exp", np.array([99], dtype=np.uint32))
    with pytest.raises(ValueError, match="no constant"):
        tape.constant_value(0)
    with pytest.raises(ValueError, match="no node"):
        _core.TapeObjective(tape, 99)
    with pytest.raises(ValueError, match="rows"):
        _core.TapeObjective(tape, int(tape.data(np.ones((2, 1)))[0]))


def test_recordings_end_at_their_limit():
    tape = _core.Tape(1)
    many = tape.constant(np.arange(200000) + 2.5)
    with pytest.raises(_core.RecordingLimit, match="100000"):
        tape.apply("multiply", np.broadcast_to(tape.input(), many.shape), many)


def test_kinks_are_those_that_the_output_depends_on():
    tape = _core.Tape(1)
    x = tape.input()
    smooth = tape.apply("exp", x)
    kinked = tape.apply("absolute", tape.apply("maximum", smooth, x))
    assert tape.kinks(int(smooth[0])) == []
    assert tape.kinks(int(kinked[0])) == ["absolute", "maximum"]
    assert tape.kinks() == ["absolute", "maximum"]


def test_saved_tapes_come_back():
    tape, output = build(muller_brown, 2)
    stored = tape.serialize(output)
    again, output_again = _core.Tape.deserialize(stored)
    for key, array in again.serialize(output_again).items():
        assert_array_equal(array, stored[key])
    x = np.random.default_rng(3).uniform(-1, 1, (7, 2))
    assert_array_equal(
        _core.TapeObjective(again, output_again).evaluate(x, HESSIAN)["hessian"],
        _core.TapeObjective(tape, output).evaluate(x, HESSIAN)["hessian"],
    )


@pytest.mark.parametrize(
    "change",
    [
        {"operations": None},
        {"operations": np.array([0.0, 1.0])},
        {"operations": "no array"},
        {"operands": np.zeros(3, dtype=np.uint32)},
        {"output": np.array([1, 2], dtype=np.uint32)},
        {"output": np.array([10**6], dtype=np.uint32)},
        {"inputs": np.array([0], dtype=np.uint64)},
        {"inputs": np.array([2**62], dtype=np.uint64)},
        {"table_shapes": np.array([2**40, 2**40], dtype=np.uint64)},
    ],
)
def test_damaged_tapes_are_refused(change):
    tape, output = build(muller_brown, 2)
    stored = tape.serialize(output) | change
    stored = {key: value for key, value in stored.items() if value is not None}
    with pytest.raises(ValueError, match="not a saved tape"):
        _core.Tape.deserialize(stored)


def test_program_lengths():
    counts = _core.TapeObjective(*build(muller_brown, 2)).instruction_counts()
    # The best possible is not known; twice a hand-made program's length would be a loss of sharing.
    assert counts["value_to_third"] < 200
    assert counts["value"] <= 32
