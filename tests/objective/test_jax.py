"""Objectives from JAX functions: derivatives, pytrees, block sizes, precision, errors."""

import pickle

import mpmath
import numpy as np
import pytest
import scipy.optimize
import sympy
from hypothesis import given
from hypothesis import strategies as st

import talweg
from talweg.frameworks.block_sizes import SIZES, pieces

jax = pytest.importorskip("jax")
jnp = jax.numpy


@pytest.fixture(autouse=True)
def double_precision():
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def surface(x):
    return jnp.exp(x[0] * x[1]) + jnp.sin(x[2]) * x[0] ** 2 + jnp.log1p(x[1] ** 2)


SYMBOLS = sympy.symbols("x y z")
DIRECTION = sympy.symbols("u v w")
SYMBOLIC = (
    sympy.exp(SYMBOLS[0] * SYMBOLS[1])
    + sympy.sin(SYMBOLS[2]) * SYMBOLS[0] ** 2
    + sympy.log(1 + SYMBOLS[1] ** 2)
)


def symbolic_derivatives():
    hessian = sympy.hessian(SYMBOLIC, SYMBOLS)
    third = sum((hessian.diff(x) * v for x, v in zip(SYMBOLS, DIRECTION)), sympy.zeros(3))
    flat = [SYMBOLIC, *sympy.Matrix([SYMBOLIC]).jacobian(SYMBOLS), *hessian]
    flat += [*(hessian * sympy.Matrix(DIRECTION)), *third]
    return sympy.lambdify((*SYMBOLS, *DIRECTION), flat, modules="mpmath")


EXACT = symbolic_derivatives()


@pytest.fixture(scope="module")
def f():
    jax.config.update("jax_enable_x64", True)
    return talweg.Objective.from_jax(surface, 3)


numbers = st.floats(-2, 2)


@given(st.tuples(*[numbers] * 6))
def test_all_derivatives_against_mpmath(f, point):
    x, v = np.array(point[:3]), np.array(point[3:])
    with mpmath.workdps(40):
        exact = np.array([float(number) for number in EXACT(*map(mpmath.mpf, point))])
    found = [f(x), f.grad(x), f.hess(x), f.hessp(x, v), f.third(x, v)]
    found = np.concatenate([np.ravel(part) for part in found])
    np.testing.assert_allclose(found, exact, rtol=1e-12, atol=1e-12 * np.abs(exact).max())
    assert f.approximate == {}


@pytest.mark.parametrize("m", [0, 1, 2, 5, 16, 65, 300, 1500])
def test_any_number_of_points(f, m):
    rng = np.random.default_rng(m)
    x, v = rng.normal(size=(2, m, 3))
    some = sorted({*range(min(m, 3)), *range(max(m - 3, 0), m)})
    for method, vectors in ((f, ()), (f.grad, ()), (f.hess, ()), (f.hessp, (v,)), (f.third, (v,))):
        together = method(x, *vectors)
        assert len(together) == m
        for i in some:
            alone = method(x[i], *(v[i] for v in vectors))
            np.testing.assert_allclose(together[i], alone, rtol=1e-12, atol=1e-13)


@given(st.integers(1, 5000), st.sampled_from(SIZES))
def test_pieces_cover_every_point_once(points, largest):
    cut = list(pieces(points, largest))
    assert [first for first, *_ in cut] == list(np.cumsum([0, *(c for _, c, _ in cut)])[:-1])
    assert sum(count for _, count, _ in cut) == points
    assert all(count <= size <= largest and size in SIZES for _, count, size in cut)
    # Neither much filling nor many calls.
    assert sum(size for *_, size in cut) <= 1.25 * points + 16
    assert len(cut) <= points / largest + 12


def test_few_block_sizes_are_compiled():
    traced = []

    def fun(x):
        traced.append(x.shape)
        return x @ x

    f = talweg.Objective.from_jax(fun, 2)
    traced.clear()
    for m in range(1, 200):
        f(np.ones((m, 2)))
    assert 0 < len(traced) <= len(SIZES)


# A small neural network.

INPUTS = np.linspace(-1, 1, 20)[:, None]
TARGETS = np.sin(3 * INPUTS)
RIDGE = 1e-3


def network_loss(parameters):
    (w1, b1), (w2, b2) = parameters["hidden"], parameters["output"]
    output = jnp.tanh(INPUTS @ w1 + b1) @ w2 + b2
    penalty = sum((leaf**2).sum() for leaf in jax.tree.leaves(parameters))
    return ((output - TARGETS) ** 2).mean() + RIDGE * penalty


def example():
    rng = np.random.default_rng(3)
    return {
        "hidden": (rng.normal(size=(1, 2)), rng.normal(size=2)),
        "output": (rng.normal(size=(2, 1)), rng.normal(size=1)),
    }


@pytest.fixture(scope="module")
def network():
    jax.config.update("jax_enable_x64", True)
    return talweg.Objective.from_jax(network_loss, example())


@pytest.fixture(scope="module")
def recorded_network():
    """The same loss as a recording, which is differentiated by talweg."""

    def loss(x):
        # The order of ravel_pytree: keys sorted, b2 after w2.
        output = np.tanh(INPUTS * x[0:2] + x[2:4]) @ x[4:6] + x[6]
        return ((output - TARGETS[:, 0]) ** 2).mean() + RIDGE * (x @ x)

    return talweg.Objective(loss, 7)


def test_pytrees(network, recorded_network):
    assert network.n == 7
    tree = example()
    x = network.ravel(tree)
    back = network.unravel(x)
    assert jax.tree.structure(back) == jax.tree.structure(tree)
    for a, b in zip(jax.tree.leaves(tree), jax.tree.leaves(back)):
        np.testing.assert_array_equal(a, b)
    assert network(x) == pytest.approx(float(network_loss(tree)), rel=1e-14)
    v = np.random.default_rng(0).normal(size=7)
    np.testing.assert_allclose(network.grad(x), recorded_network.grad(x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(network.hess(x), recorded_network.hess(x), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(
        network.third(x, v), recorded_network.third(x, v), rtol=1e-10, atol=1e-12
    )


def test_the_softest_branch_of_a_network(network, recorded_network):
    start = scipy.optimize.minimize(network, network.ravel(example()), jac=network.grad).x
    (minimum,) = talweg.critical_points(network, starts=[start])
    assert minimum.morse_index == 0 and minimum.eigenvalues[0] > 0
    assert np.linalg.norm(recorded_network.grad(minimum.x)) < 1e-10
    curve = talweg.trace(network, minimum.x, branch=0, max_length=0.5, max_step=0.1)
    assert curve.arclength[-1] == pytest.approx(0.5, abs=1e-6)
    # H g = lambda g with the recording's derivatives: the curve is a gradient extremal.
    for x, eigenvalue in zip(curve.x[1:], curve.eigenvalue[1:]):
        g = recorded_network.grad(x)
        residual = recorded_network.hessp(x, g) - eigenvalue * g
        assert np.linalg.norm(residual) <= 1e-8 * np.linalg.norm(g)


def test_pytree_errors(network):
    with pytest.raises(ValueError, match=r"tree: want PyTreeDef.* got \[\(2,\)\]"):
        network.ravel(np.zeros(2))
    with pytest.raises(TypeError, match="n: want a pytree of floating-point arrays, got .* int"):
        talweg.Objective.from_jax(lambda t: 0.0, {"a": np.arange(3)})
    with pytest.raises(ValueError, match="n: want at least 1 coordinate, got a pytree of none"):
        talweg.Objective.from_jax(lambda t: 0.0, {})


# Precision and errors.


def test_single_precision_is_an_error_that_names_the_switch(f):
    jax.config.update("jax_enable_x64", False)
    with pytest.raises(ValueError, match=r'jax\.config\.update\("jax_enable_x64", True\)'):
        talweg.Objective.from_jax(surface, 3)
    with pytest.raises(ValueError, match=r'jax\.config\.update\("jax_enable_x64", True\)'):
        f([1.0, 2.0, 3.0])


def test_a_float32_example_becomes_float64():
    f = talweg.Objective.from_jax(lambda p: (p["a"] ** 2).sum(), {"a": np.ones(2, np.float32)})
    assert f([1e-9, 1.0]) == 1 + 1e-18
    np.testing.assert_array_equal(f.grad([1e-9, 1.0]), [2e-9, 2.0])


@pytest.mark.parametrize(
    ("fun", "n", "error", "message"),
    [
        (lambda x: x, 2, ValueError, r"fun: want one real number, shape \(\), got shape \(2,\)"),
        (lambda x: x.sum().astype("float32"), 2, TypeError, "fun: want a float64, got float32"),
        (lambda x: (x.sum(), x), 2, TypeError, "fun: want one real number, got a tuple"),
        (lambda x: x.sum() + 1j, 2, TypeError, "fun: want a float64, got complex128"),
        (lambda x: jnp.nan * x[0], 2, ValueError, "fun is NaN or infinite at each of the"),
        (3.0, 2, TypeError, "fun: want a function, got float"),
        (surface, 0, ValueError, "n: want at least 1 coordinate"),
        (surface, None, TypeError, "n: want the number of coordinates"),
        (surface, True, TypeError, "n: want the number of coordinates"),
    ],
)
def test_bad_input(fun, n, error, message):
    with pytest.raises(error, match=message):
        talweg.Objective.from_jax(fun, n)


def test_exceptions_come_out_unchanged():
    with pytest.raises(jax.errors.TracerBoolConversionError):
        talweg.Objective.from_jax(lambda x: x[0] if x[0] > 0 else x[1], 2)

    def fun(x):
        raise KeyError("mine")

    with pytest.raises(KeyError) as raised:
        talweg.Objective.from_jax(fun, 2)
    assert raised.value.args == ("mine",)


def test_nan_stays_in_its_lane():
    f = talweg.Objective.from_jax(lambda x: jnp.log(x[0]), 1)
    np.testing.assert_array_equal(f([[1.0], [-1.0], [1.0]]), [0.0, np.nan, 0.0])


def test_pickle(network):
    f = pickle.loads(pickle.dumps(talweg.Objective.from_jax(surface, 3, bounds=[(0, 1)] * 3)))
    assert f([0.0, 0.0, 0.0]) == 1.0 and f.name == "surface"
    np.testing.assert_array_equal(f.bounds, [(0, 1)] * 3)
    x = network.ravel(example())
    assert pickle.loads(pickle.dumps(network))(x) == network(x)
