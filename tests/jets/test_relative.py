"""Offsets of any length: gradients and descents against mpmath, both sides of the switch."""

import math
import pickle
import sys

import mpmath
import numpy as np
import pytest

import talweg
from talweg.jets import relative
from talweg.jets.compositions import by_differences
from talweg.quantity import GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD, THIRD_PRODUCT, VALUE

from . import high_precision

TERMS = [
    (-200.0, -1.0, 0.0, -10.0, 1.0, 0.0),
    (-100.0, -1.0, 0.0, -10.0, 0.0, 0.5),
    (-170.0, -6.5, 11.0, -6.5, -0.5, 1.5),
    (15.0, 0.7, 0.6, 0.7, -1.0, 1.0),
]


def muller_brown_gradient(x, y):
    """In mpmath, from the published parameters."""
    total = [mpmath.mpf(0), mpmath.mpf(0)]
    for amplitude, a, b, c, x0, y0 in TERMS:
        a, b, c = (mpmath.mpf(str(v)) for v in (a, b, c))
        u, v = x - mpmath.mpf(str(x0)), y - mpmath.mpf(str(y0))
        value = amplitude * mpmath.exp(a * u * u + b * u * v + c * v * v)
        total[0] += value * (2 * a * u + b * v)
        total[1] += value * (b * u + 2 * c * v)
    return total


def coupled(x, exp=np.exp, cosh=np.cosh):
    """A function that is no polynomial, of three coordinates, with a minimum away from 0."""
    a, b, c = x[0] - 0.7, x[1] + 1.3, x[2] - 2.1
    return exp(a * b) * (a**2 + 2 * b**2) + cosh(c) + 0.3 * a * b + a * c**2 / 5 + exp(-b) + b


def coupled_gradient(x):
    def value(*y):
        return coupled(y, mpmath.exp, mpmath.cosh)

    return [mpmath.diff(value, x, tuple(int(i == j) for j in range(3))) for i in range(3)]


def exact_gradient(gradient, x_min, d):
    """Of f(x_min + d) - g(x_min) . d, x_min the double numbers themselves."""
    origin = [mpmath.mpf(float(v)) for v in x_min]
    there = gradient([o + v for o, v in zip(origin, d)])
    return [a - b for a, b in zip(there, gradient(origin))]


CASES = {
    "Müller-Brown": (
        talweg.surfaces.muller_brown,
        lambda x: muller_brown_gradient(*x),
        [-0.558, 1.442],
    ),
    "coupled": (lambda: talweg.Objective(coupled, 3), coupled_gradient, [0.7, -1.3, 2.1]),
}


@pytest.fixture(scope="module", params=CASES)
def case(request):
    make, gradient, near = CASES[request.param]
    f = make()
    # Of the coupled function only a first guess is known.
    if f.n == 3:
        near = talweg.descend(f, near, 0.05, 2000).x
    return f, gradient, near


@pytest.mark.parametrize("length", [1.0, 1e-2, 1e-4, 1e-6, 1e-12, 1e-100, 1e-200, 1e-300])
@pytest.mark.parametrize("order", [None, 2, 3, 4])
def test_gradients_are_those_of_high_precision(case, length, order):
    f, gradient, near = case
    r = relative(f, near, order=order)
    rng = np.random.default_rng(0)
    softest = np.linalg.eigvalsh(f.hess(r.x_min))[0]
    with mpmath.workdps(340):
        for _ in range(3):
            d = 0.1 * length * rng.normal(size=f.n)
            want = exact_gradient(gradient, r.x_min, [mpmath.mpf(float(v)) for v in d])
            error = mpmath.sqrt(sum((float(a) - b) ** 2 for a, b in zip(r.grad(d), want)))
            assert error <= r.relative_error * softest * math.hypot(*d)


# Without those that have zero eigenvalues.
SURFACES = {entry.name for entry in talweg.surfaces.catalogue()} - {
    "monkey-saddle",
    "lennard-jones",
}


@pytest.mark.parametrize("name", sorted(SURFACES))
def test_every_minimum_of_the_catalogue(name):
    f = talweg.surfaces.by_name(name)
    points = talweg.critical_points(f)
    assert points
    for point in points[:4]:
        for order in (None, 4):
            r = relative(f, point.x, order=order)
            softest = np.abs(np.linalg.eigvalsh(f.hess(r.x_min))).min()
            with mpmath.workdps(500):
                for length in (1e-1, 1e-3, 1e-5, 1e-8, 1e-100):
                    d = length * np.array([0.6, -0.3, 0.4][: f.n])
                    exact = exact_gradient(
                        lambda x: high_precision.gradient(f, x), r.x_min, [mpmath.mpf(v) for v in d]
                    )
                    error = mpmath.sqrt(sum((float(a) - b) ** 2 for a, b in zip(r.grad(d), exact)))
                    assert error <= r.relative_error * softest * np.linalg.norm(d)


def test_the_error_is_worth_the_switch(case):
    f, _, near = case
    exact = relative(f, near)
    assert exact.order is None
    assert exact.relative_error < 1e-13
    errors = [relative(f, near, order=k).relative_error for k in (4, 3, 2)]
    assert exact.relative_error < errors[0] < errors[1] < errors[2]
    assert errors[0] < 1e-10
    assert relative(f, near, order=4).switch_radius < exact.switch_radius
    assert np.linalg.norm(exact.x_min - near) < 1e-2


@pytest.mark.parametrize("length", [1e-2, 1e-12, 1e-100])
def test_descents_are_those_of_high_precision(case, length):
    f, gradient, near = case
    r = relative(f, near)
    stiff = np.linalg.eigvalsh(f.hess(r.x_min))[-1]
    s = float(0.9 / stiff)
    start = length * np.array([0.6, -0.8, 0.1][: f.n])
    got = talweg.descend(r, start, s, 12, record_every=4)
    with mpmath.workdps(340):
        d = [mpmath.mpf(float(v)) for v in start]
        for step in range(1, 13):
            g = exact_gradient(gradient, r.x_min, d)
            d = [a - mpmath.mpf(s) * b for a, b in zip(d, g)]
            if step % 4 == 0:
                norm = mpmath.sqrt(sum(v * v for v in d))
                point = got.path[step // 4]
                error = mpmath.sqrt(sum((float(a) - b) ** 2 for a, b in zip(point, d)))
                assert error < 1e-11 * norm
    assert np.array_equal(got.path[-1], got.x)


def shifted(eigenvalues, forced, centre):
    """The normal form in rotated axes about a centre, with terms of all higher orders on top."""
    n = len(eigenvalues)
    q = np.linalg.qr(np.random.default_rng(3).normal(size=(n, n)))[0]
    lam = np.array(eigenvalues, dtype=float)

    def function(x):
        y = q.T @ (x - centre)
        total = (lam * y**2).sum() / 2
        for j in range(n):
            if j != forced:
                total = total + 0.25 * y[forced] ** 2 * y[j]
        return total + (np.cosh(y) - 1 - y**2 / 2).sum()

    return talweg.Objective(function, n), q


@pytest.mark.parametrize(
    "eigenvalues, s, forced, dominant, expected",
    [
        ((1, 2, 4), 0.39, 0, 0, 0.91803),
        ((1, 2, 4), 0.41, 0, 2, 0.92188),
        ((1, 2, 4), 0.45, 0, 2, 0.6875),
        ((1, 2, 4), 0.45, 2, 2, 0.8),
        ((1, 4, 5), 0.3, 0, 0, 0.71429),
    ],
)
def test_published_rates_of_alignment(eigenvalues, s, forced, dominant, expected):
    centre = np.array([1.7, -0.4, 3.3])
    f, q = shifted(eigenvalues, forced, centre)
    r = relative(f, centre)
    steps = 700
    found = talweg.descend(r, 1e-2 * (q @ [1.0, 1.0, 1.0]), s, steps, record_every=1)
    d = found.path
    units = d / np.linalg.norm(d, axis=1)[:, None]
    direction = np.linalg.eigh(r.hess(np.zeros(3)))[1][:, dominant]
    sine = np.linalg.norm(units - (units @ direction)[:, None] * direction, axis=1)
    window = np.flatnonzero((sine < 1e-5) & (sine > 1e-12))
    assert len(window) > 20
    # There x has no digit left of what is across.
    assert np.linalg.norm(d[window[-1]]) * sine[window[-1]] < 1e-17
    first, last = window[len(window) // 2], window[-1]
    rate = (sine[last] / sine[first]) ** (1 / (last - first))
    assert np.isclose(rate, expected, rtol=2e-3)


@pytest.fixture(scope="module", params=[None, 4], ids=["differences", "polynomial"])
def plain(request):
    return relative(talweg.surfaces.muller_brown(), [-0.558, 1.442], order=request.param)


def test_values(plain):
    f = talweg.surfaces.muller_brown()
    d = np.array([[0.1, 0.2], [1e-3, 2e-3], [1e-9, 1e-9], [3e-100, 4e-100], [0.0, 0.0]])
    assert np.allclose(plain(d[:2]), f(plain.x_min + d[:2]) - f(plain.x_min), rtol=1e-7)
    short = d[1] * [[1e-2], [1e-4], [1e-6]]
    parts = np.einsum("mi,ij,mj->m", short, f.hess(plain.x_min), short) / 2
    parts += [v @ f.third(plain.x_min, v) @ v / 6 for v in short]
    assert np.allclose(plain(short), parts, rtol=1e-7)
    hessian = f.hess(plain.x_min)
    assert np.allclose(
        plain(d[2:4]), np.einsum("mi,ij,mj->m", d[2:4], hessian, d[2:4]) / 2, rtol=1e-8
    )
    assert plain(d[4]) == 0.0 and not plain.grad(d[4]).any()


@pytest.mark.parametrize("order", [None, 4])
def test_both_sides_agree_at_the_switch(order):
    f = talweg.surfaces.muller_brown()
    plain = relative(f, [-0.558, 1.442], order=order)
    radius = plain.switch_radius
    inner = relative(f, plain.x_min, order=order, switch_radius=1.1 * radius)
    outer = relative(f, plain.x_min, order=order, switch_radius=0.9 * radius)
    angles = np.linspace(0, 2 * np.pi, 40)
    circle = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    soft = np.linalg.eigvalsh(plain.hess([0.0, 0.0]))[0]
    change = np.linalg.norm(outer.grad(circle) - inner.grad(circle), axis=1)
    assert change.any()
    assert change.max() <= plain.relative_error * soft * radius
    assert np.allclose(outer.hess(circle), inner.hess(circle), rtol=1e-8)
    v = np.array([0.3, -1.1])
    assert np.allclose(outer.third(circle, v), inner.third(circle, v), rtol=1e-4)
    assert np.allclose(outer.hessp(circle, v), inner.hess(circle) @ v, rtol=1e-8)


def mixed(n, radius, count, seed=0):
    rng = np.random.default_rng(seed)
    d = rng.normal(size=(count, n))
    d /= np.linalg.norm(d, axis=1)[:, None]
    return d * (radius * 10.0 ** rng.uniform(-3, 3, size=count))[:, None], *rng.normal(
        size=(2, count, n)
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: (talweg.surfaces.muller_brown(), [-0.558, 1.442], None),
        lambda: (talweg.surfaces.muller_brown(), [-0.558, 1.442], 4),
        lambda: (talweg.models.phi4_chain(12), np.ones(12), None),
        lambda: (
            talweg.Objective.from_callables(
                talweg.surfaces.himmelblau(),
                talweg.surfaces.himmelblau().grad,
                n=2,
                bounds=[(-5, 5)] * 2,
            ),
            [3.0, 2.0],
            None,
        ),
    ],
    ids=["differences", "polynomial", "by products", "callables"],
)
def test_lanes_do_not_know_their_neighbours(make):
    f, near, order = make()
    r = relative(f, near, order=order, switch_radius=1e-3)
    quantities = VALUE | GRADIENT | HESSIAN | THIRD | HESSIAN_PRODUCT | THIRD_PRODUCT
    d, v, w = mixed(f.n, r.switch_radius, 61)
    inside = np.linalg.norm(d, axis=1) < r.switch_radius
    assert 10 < inside.sum() < 50
    together = r._core.evaluate(d, quantities, v, w)
    for name, array in together.items():
        for k in range(len(d)):
            alone = r._core.evaluate(d[k : k + 1], quantities, v[k : k + 1], w[k : k + 1])[name]
            assert np.array_equal(alone[0], array[k]), name
        for side in (inside, ~inside):
            part = r._core.evaluate(d[side], quantities, v[side], w[side])[name]
            assert np.array_equal(part, array[side]), name
        for workers in (1, 3):
            again = r._core.evaluate(d, quantities, v, w, workers=workers)[name]
            assert np.array_equal(again, array), name


def test_nan_stays_in_its_lane(plain):
    arrays = {
        "x": np.array([[1e-9, np.nan, 0.1, np.inf], [1e-9, 0.0, 0.1, 0.0]]),
        "gradient": np.empty((2, 4)),
    }
    plain._core.evaluate_block(GRADIENT, arrays, 4)
    assert np.isnan(arrays["gradient"][:, 1]).all()
    want = plain.grad([[1e-9, 1e-9], [0.1, 0.1]])
    assert np.array_equal(arrays["gradient"][:, [0, 2]].T, want)


def test_pickles_compiles_and_keeps_its_attributes(plain):
    d, _, _ = mixed(2, plain.switch_radius, 30)
    again = pickle.loads(pickle.dumps(plain))
    assert type(again) is talweg.jets.RelativeObjective
    assert np.array_equal(again.grad(d), plain.grad(d))
    assert (again.switch_radius, again.relative_error, again.order) == (
        plain.switch_radius,
        plain.relative_error,
        plain.order,
    )
    assert np.array_equal(again.x_min, plain.x_min)
    assert np.array_equal(
        plain.bounds, talweg.surfaces.muller_brown().bounds - plain.x_min[:, None]
    )
    weighted = plain.with_metric([1.0, 4.0])
    assert weighted.relative_error == plain.relative_error
    with pytest.raises(TypeError, match="relative"):
        plain.with_parameters(a=1.0)
    pytest.importorskip("llvmlite")
    fast = plain.compile()
    assert fast.compiled
    assert np.allclose(fast.grad(d), plain.grad(d), rtol=1e-12)
    assert fast.relative_error == plain.relative_error


def test_flow_and_spectra_take_them(plain):
    values, vectors = np.linalg.eigh(plain.hess([0.0, 0.0]))
    start = 1e-60 * (vectors @ [1.0, 1.0])
    t = 3.0 / values[1]
    end = talweg.flow(plain, start, t, rtol=1e-10, atol=1e-80).x
    assert np.allclose(vectors.T @ end, 1e-60 * np.exp(-values * t), rtol=1e-8)
    found = talweg.spectrum.lowest(plain, start, k=1)
    assert np.isclose(found.eigenvalues[0], values[0], rtol=1e-12)


def test_large_ones():
    f = talweg.models.phi4_chain(600)
    r = relative(f, np.ones(600))
    assert r.relative_error < 1e-11
    d = 1e-150 * np.random.default_rng(0).normal(size=600)
    assert np.allclose(r.grad(d), f.hessp(r.x_min, d), rtol=1e-12, atol=1e-163)


OPERATIONS = {
    "exp": (np.exp, mpmath.exp),
    "log": (np.log, mpmath.log),
    "sqrt": (np.sqrt, mpmath.sqrt),
    "sin": (np.sin, mpmath.sin),
    "cos": (np.cos, mpmath.cos),
    "tan": (np.tan, mpmath.tan),
    "tanh": (np.tanh, mpmath.tanh),
    "sinh": (np.sinh, mpmath.sinh),
    "cosh": (np.cosh, mpmath.cosh),
    "arctan": (np.arctan, mpmath.atan),
    "erf": (talweg.erf, mpmath.erf),
    "log1p": (np.log1p, mpmath.log1p),
    "expm1": (np.expm1, mpmath.expm1),
    "sigmoid": (lambda u: 1 / (1 + np.exp(-u)), lambda u: 1 / (1 + mpmath.exp(-u))),
    "square": (lambda u: u**2,) * 2,
    "seventh power": (lambda u: u**7,) * 2,
    "inverse cube": (lambda u: u**-3,) * 2,
    "root of an odd power": (lambda u: u**2.5, lambda u: u ** mpmath.mpf(2.5)),
    "power of itself": (lambda u: u**u,) * 2,
    "quotient": (lambda u: u / (1 + u * u),) * 2,
    "absolute value": (lambda u: abs(u) * u * u,) * 2,
    "minimum": (lambda u: np.minimum(u**3, u**4), lambda u: min(u**3, u**4)),
    "maximum": (lambda u: np.maximum(u**3, u**4), lambda u: max(u**3, u**4)),
    "where": (lambda u: np.where(u < 0.65, u**3, u**4), lambda u: u**3 if u < 0.65 else u**4),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_differences_of_every_operation(name):
    double, exact = OPERATIONS[name]
    f = talweg.Objective(lambda x: double(x[0] * x[1]) * x[0] + double(x[1]) ** 2, 2, verify=False)

    def value(x, y):
        return exact(x * y) * x + exact(y) ** 2

    def slopes(point):
        return [mpmath.diff(value, tuple(point), order) for order in ((1, 0), (0, 1))]

    x = np.array([0.7, 0.9])
    changes = by_differences(f, x)
    with mpmath.workdps(430):
        for length in (1e-2, 1e-8, 1e-100, 1e-200):
            d = length * np.array([0.3, -0.8])
            want = exact_gradient(slopes, x, [mpmath.mpf(float(v)) for v in d])
            norm = mpmath.sqrt(sum(v * v for v in want))
            error = mpmath.sqrt(sum((float(a) - b) ** 2 for a, b in zip(changes.grad(d), want)))
            assert error < 4e-15 * norm
        origin = [mpmath.mpf(float(v)) for v in x]
        d = np.array([0.003, -0.008])
        there = value(*[o + mpmath.mpf(float(v)) for o, v in zip(origin, d)]) - value(*origin)
        there -= sum(g * mpmath.mpf(float(v)) for g, v in zip(slopes(origin), d))
        assert abs(float(changes(d)) - there) < 1e-14 * abs(there)
    assert np.array_equal(changes.hess(d), f.hess(x + d))


def test_differences_across_kinks():
    """Where a branch changes between the point and the offset, the change is the plain one."""

    def fun(x):
        return (
            np.where(x[0] < 1.0, x[0] ** 2, 2 * x[0] - 1) + np.maximum(x[1], 0.5) ** 2
            + abs(x[1] - 0.25) ** 3 + np.minimum(x[0], x[1]) ** 2
        )  # fmt: skip

    f = talweg.Objective(fun, 2)
    rng = np.random.default_rng(4)
    for x in rng.uniform(0.0, 1.5, size=(40, 2)):
        changes = by_differences(f, x)
        d = rng.uniform(-1.0, 1.0, size=(40, 2))
        assert np.allclose(changes.grad(d), f.grad(x + d) - f.grad(x), rtol=1e-12, atol=1e-12)


def test_differences_of_sums_over_data():
    rng = np.random.default_rng(6)
    data = rng.normal(size=(50, 4))
    loss = talweg.sum_over(lambda x, row: np.log1p(np.exp(-(row[:3] @ x) * row[3])), data)
    f = talweg.Objective(lambda x: loss(x) + x @ x, 3)
    r = relative(f, talweg.descend(f, np.zeros(3), 0.05, 500).x)
    assert r.order is None and r.relative_error < 1e-13

    def gradient(x):
        total = [2 * v for v in x]
        for row in data:
            row = [mpmath.mpf(float(v)) for v in row]
            margin = sum(a * b for a, b in zip(row[:3], x)) * row[3]
            for i in range(3):
                total[i] -= row[i] * row[3] / (1 + mpmath.exp(margin))
        return total

    soft = np.linalg.eigvalsh(f.hess(r.x_min))[0]
    with mpmath.workdps(340):
        for length in (1.0, 1e-3, 1e-12, 1e-150):
            d = length * np.array([0.2, -0.1, 0.4])
            want = exact_gradient(gradient, r.x_min, [mpmath.mpf(float(v)) for v in d])
            error = mpmath.sqrt(sum((float(a) - b) ** 2 for a, b in zip(r.grad(d), want)))
            assert error <= r.relative_error * soft * math.hypot(*d)


def test_what_a_branch_not_taken_does_never_enters():
    f = talweg.Objective(
        lambda x: np.where(x[0] < 1.0, 2 * x[0] ** 2, 1 / x[0]) + np.exp(x[1]) - x[1],
        2,
        verify=False,
    )
    r = relative(f, [0.0, 0.0])
    assert r.order is None
    assert np.allclose(r.grad([1e-90, 1e-90]), [4e-90, 1e-90], rtol=1e-15, atol=0.0)


def test_without_differences_that_are_finite_the_polynomial_is_taken(monkeypatch):
    f = talweg.surfaces.himmelblau()
    nowhere = talweg.Objective(lambda x: np.log(-1 - x[0] ** 2) + x[1], 2, verify=False)
    monkeypatch.setattr(sys.modules["talweg.jets.relative"], "by_differences", lambda *_: nowhere)
    r = relative(f, [3.0, 2.0])
    assert r.order == 4 and r.relative_error < 1e-12


def test_what_is_no_nondegenerate_critical_point():
    f = talweg.surfaces.himmelblau()
    with pytest.raises(ValueError, match="x_min: want a critical point"):
        relative(f, [2.0, 1.0])
    with pytest.raises(ValueError, match="nondegenerate"):
        relative(talweg.Objective(lambda x: x[0] ** 4 + x[1] ** 2, 2), [0.0, 0.0])
    triangle = np.array([0, 0, 0, 1, 0, 0, 0.5, np.sqrt(0.75), 0]) * 2 ** (1 / 6)
    with pytest.raises(ValueError, match="rigid motions"):
        relative(talweg.models.lennard_jones(3), triangle)
    with pytest.raises(ValueError, match="x_min: want shape"):
        relative(f, [3.0, 2.0, 1.0])
    with pytest.raises(ValueError, match="order"):
        relative(f, [3.0, 2.0], order=5)
    with pytest.raises(ValueError, match="switch_radius"):
        relative(f, [3.0, 2.0], switch_radius=0.0)
    with pytest.raises(ValueError, match="not finite"):
        relative(talweg.Objective(lambda x: np.log(x[0]), 1, verify=False), [0.0])


def test_a_guess_is_polished():
    r = relative(talweg.surfaces.himmelblau(), [-2.8051, 3.1313])
    assert np.linalg.norm(talweg.surfaces.himmelblau().grad(r.x_min)) < 1e-13
    saddle = relative(talweg.surfaces.himmelblau(), [0.0867, 2.8843])
    assert np.linalg.eigvalsh(saddle.hess([0.0, 0.0]))[0] < 0.0
