"""Derivatives at a point against SymPy, polynomials against functions, remainders against samples."""

import itertools

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.jets import jet
from talweg.jets.compositions import by_products

SYMBOLS = sympy.symbols("x y z")
X, Y, Z = SYMBOLS
FORMULA = sympy.exp(X * Y) + sympy.sin(Y + Z**2) / (1 + X**2) + sympy.log(2 + Z * X) * Y**3
POINT = np.array([0.3, -0.7, 0.4])

SURFACES = [
    (talweg.surfaces.himmelblau(), [3.0, 2.0]),
    (talweg.surfaces.muller_brown(), [-0.558, 1.442]),
    (talweg.surfaces.muller_brown(), [0.1, 0.4]),
    (talweg.surfaces.beale(), [3.0, 0.5]),
    (talweg.surfaces.goldstein_price(), [0.0, -1.0]),
    (talweg.surfaces.rosenbrock(5), np.ones(5)),
    (talweg.surfaces.styblinski_tang(3), [-2.9, -2.9, 2.7]),
    (talweg.surfaces.mccormick(), [-0.547, -1.547]),
    (talweg.surfaces.leps(), [1.0, 0.9]),
    (talweg.models.phi4_chain(6), np.full(6, 0.7)),
    (talweg.models.gaussian_sum([-1.0, -0.5], [[0.0, 0.0], [1.0, 0.5]], [1.0, 0.5]), [0.2, 0.1]),
]


def derivatives(formula, order):
    n = len(SYMBOLS)
    tensor = np.empty((n,) * order)
    for indices in itertools.combinations_with_replacement(range(n), order):
        partial = formula.diff(*(SYMBOLS[i] for i in indices)) if order else formula
        number = float(partial.subs(dict(zip(SYMBOLS, map(sympy.Rational, POINT)))).evalf(25))
        for places in itertools.permutations(indices):
            tensor[places] = number
    return tensor


@pytest.fixture(scope="module")
def exact():
    return [derivatives(FORMULA, order) for order in range(5)]


@pytest.mark.parametrize("recorded", [True, False])
def test_derivatives_are_those_of_sympy(exact, recorded):
    f = talweg.Objective.from_expression(FORMULA, SYMBOLS)
    if not recorded:
        f = talweg.Objective.from_callables(
            fun=f, grad=f.grad, hess=f.hess, third=f.third, n=3, bounds=[(-1, 1)] * 3
        )
    found = jet(f, POINT)
    assert np.isclose(found.value, float(exact[0]), rtol=1e-14)
    for array, want in zip((found.gradient, found.hessian, found.third), exact[1:4], strict=True):
        assert np.allclose(array, want, rtol=1e-13, atol=1e-13)
    error = np.linalg.norm(found.fourth - exact[4])
    if recorded:
        assert found.fourth_error == 0.0
        assert error < 1e-13 * np.linalg.norm(exact[4])
    else:
        assert error <= 3.0 * found.fourth_error < 1e-5 * np.linalg.norm(exact[4])


@pytest.mark.parametrize("order", [2, 3, 4])
def test_the_polynomial_has_these_derivatives(exact, order):
    f = talweg.Objective.from_expression(FORMULA, SYMBOLS)
    found = jet(f, POINT, order)
    assert (found.fourth is None, found.third is None) == (order < 4, order < 3)
    d = np.random.default_rng(0).normal(size=(20, 3))
    value = exact[0] + np.einsum("i,mi", exact[1], d) + np.einsum("ij,mi,mj->m", exact[2], d, d) / 2
    slope = exact[1] + np.einsum("ij,mj->mi", exact[2], d)
    if order > 2:
        value += np.einsum("ijk,mi,mj,mk->m", exact[3], d, d, d) / 6
        slope += np.einsum("ijk,mj,mk->mi", exact[3], d, d) / 2
    if order > 3:
        value += np.einsum("ijkl,mi,mj,mk,ml->m", exact[4], d, d, d, d) / 24
        slope += np.einsum("ijkl,mj,mk,ml->mi", exact[4], d, d, d) / 6
    p = found.objective()
    assert np.allclose(p(d), value, rtol=1e-12, atol=1e-12)
    assert np.allclose(p.grad(d), slope, rtol=1e-12, atol=1e-12)
    bare = found.objective(constant=False, gradient=False)
    assert bare([0.0, 0.0, 0.0]) == 0.0 and not bare.grad([0.0, 0.0, 0.0]).any()
    assert np.allclose(bare(d), value - exact[0] - d @ exact[1], rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("order", [2, 3, 4])
def test_products_at_the_point_give_the_same_polynomial(order):
    f = talweg.Objective.from_expression(FORMULA, SYMBOLS)
    stored = jet(f, POINT, order).objective(constant=False, gradient=False)
    products = by_products(f, POINT, order)
    rng = np.random.default_rng(1)
    v = rng.normal(size=3)
    for length in (1.0, 1e-3, 1e-30):
        d = length * rng.normal(size=(9, 3))
        for quantity in (stored, products):
            assert np.isfinite(quantity.grad(d)).all()
        assert np.allclose(products.grad(d), stored.grad(d), rtol=1e-7, atol=1e-9 * length)
        assert np.allclose(products(d), stored(d), rtol=1e-6, atol=1e-9 * length**2)
        assert np.allclose(products.hess(d), stored.hess(d), rtol=1e-7, atol=1e-7)
        assert np.allclose(products.hessp(d, v), stored.hessp(d, v), rtol=1e-7, atol=1e-7)
        assert np.allclose(products.third(d, v), stored.third(d, v), rtol=1e-6, atol=1e-6)


def test_products_at_the_point_are_derivatives_of_each_other():
    f = talweg.models.phi4_chain(30)
    p = by_products(f, np.full(30, 0.3), 4)
    rng = np.random.default_rng(2)
    d, v = rng.normal(size=(2, 30))
    h = 1e-5
    assert np.isclose((p(d + h * v) - p(d - h * v)) / (2 * h), p.grad(d) @ v, rtol=1e-8)
    slope = (p.grad(d + h * v) - p.grad(d - h * v)) / (2 * h)
    assert np.allclose(slope, p.hessp(d, v), rtol=1e-7, atol=1e-7)
    assert np.allclose(p.hess(d) @ v, p.hessp(d, v), rtol=1e-9, atol=1e-9)
    turned = (p.hess(d + h * v) - p.hess(d - h * v)) / (2 * h)
    assert np.allclose(turned, p.third(d, v), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("f, x", SURFACES, ids=lambda value: getattr(value, "name", ""))
@pytest.mark.parametrize("order", [2, 3, 4])
def test_remainders_hold(f, x, order):
    x = np.asarray(x, dtype=float)
    found = jet(f, x, order)
    p = found.objective(constant=False)
    u = np.random.default_rng(5).normal(size=(3000, f.n))
    u /= np.linalg.norm(u, axis=1)[:, None]
    for radius in (0.3, 0.03, 1e-3, 1e-6):
        points = x + radius * np.linspace(0.1, 1.0, 3000)[:, None] * u
        error = np.linalg.norm(f.grad(points) - p.grad(points - x), axis=1).max()
        stated = found.remainder(radius)
        rounding = 1e-14 * (
            np.linalg.norm(f.grad(points), axis=1).max() + np.linalg.norm(found.hessian)
        )
        assert error <= stated + rounding
        if error > 1e3 * rounding:
            assert stated < 5.0 * error


def test_a_remainder_below_rounding_is_that_of_the_next_order():
    f = talweg.Objective(lambda x: np.exp(x[0]) + x[1] ** 2, 2)
    for order in (2, 3, 4):
        exact = 1e-7**order / [2, 6, 24][order - 2]
        assert exact <= jet(f, [0.0, 0.0], order).remainder(1e-7) < 10.0 * exact


def test_a_function_that_ends_within_the_ball_has_no_remainder():
    f = talweg.Objective(lambda x: np.log(x[0]) + x[1] ** 2, 2, bounds=[(0.5, 2), (-1, 1)])
    found = jet(f, [1.0, 0.0])
    assert np.isfinite(found.remainder(0.5))
    assert found.remainder(1.5) == np.inf


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1), st.integers(2, 4))
def test_eigenvectors_turn_the_polynomial(seed, order):
    rng = np.random.default_rng(seed)
    f = talweg.Objective.from_expression(FORMULA, SYMBOLS)
    straight = jet(f, rng.uniform(-0.5, 0.5, size=3), order)
    turned = straight.in_eigenvectors()
    assert np.allclose(turned.axes @ turned.hessian @ turned.axes.T, straight.hessian, atol=1e-12)
    assert np.array_equal(turned.hessian, np.diag(np.sort(turned.hessian.diagonal())))
    y = rng.normal(size=(5, 3))
    assert np.allclose(turned.objective()(y), straight.objective()(y @ turned.axes.T), rtol=1e-10)
    assert np.isclose(turned.remainder(0.1), straight.remainder(0.1), rtol=1e-6)
    assert turned.in_eigenvectors() is turned


def test_polynomials_descend_and_compile():
    p = jet(talweg.surfaces.himmelblau(), [3.0, 2.0]).objective(constant=False, gradient=False)
    assert p.compile() is p
    end = talweg.descend(p, [1e-3, 1e-3], 0.01, 200).x
    assert np.linalg.norm(end) < 1e-4
    assert np.linalg.norm(talweg.flow(p, [1e-3, 1e-3], 1.0).x) < 1e-4


def test_large_ones_say_what_they_need():
    f = talweg.models.phi4_chain(300)
    with pytest.raises(ValueError, match=r"order: derivatives of order 4 in 300 .* 60.3 GiB"):
        jet(f, np.zeros(300))
    with pytest.raises(ValueError, match="memory"):
        jet(f, np.zeros(300), 3, memory=1000)
    assert jet(f, np.zeros(300), 2).hessian.shape == (300, 300)
    many = jet(talweg.models.phi4_chain(30), np.zeros(30))
    with pytest.raises(ValueError, match="terms"):
        many.objective()
    bare = many.objective(constant=False, gradient=False)
    d = np.random.default_rng(0).normal(size=30)
    fourth = np.einsum("ijkl,j,k,l", many.fourth, d, d, d, optimize=True) / 6
    third = np.einsum("ijk,j,k", many.third, d, d) / 2
    assert np.allclose(bare.grad(d), many.hessian @ d + third + fourth, rtol=1e-7, atol=1e-7)
    assert many.remainder(0.1) < 1e-6  # the chain is a polynomial of fourth order


@pytest.mark.parametrize(
    "order, error, match",
    [(1, ValueError, "order"), (5, ValueError, "order"), (2.5, TypeError, "order")],
)
def test_bad_orders(order, error, match):
    with pytest.raises(error, match=match):
        jet(talweg.surfaces.himmelblau(), [3.0, 2.0], order)


def test_bad_points():
    f = talweg.surfaces.himmelblau()
    with pytest.raises(ValueError, match="x: want shape"):
        jet(f, [3.0])
    with pytest.raises(ValueError, match="not finite"):
        jet(talweg.Objective(lambda x: np.log(x[0]), 1, verify=False), [0.0])
    with pytest.raises(ValueError, match="radius"):
        jet(f, [3.0, 2.0]).remainder(-1.0)
