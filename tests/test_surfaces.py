"""Every catalogue surface against its formula written anew, differentiated by mpmath."""

import itertools
import pickle

import mpmath
import numpy as np
import pytest

import talweg
from talweg import surfaces

exp = mpmath.exp


def muller_brown(p):
    rows = [
        (-200, -1, 0, -10, 1, 0),
        (-100, -1, 0, -10, 0, 0.5),
        (-170, -6.5, 11, -6.5, -0.5, 1.5),
        (15, mpmath.mpf("0.7"), mpmath.mpf("0.6"), mpmath.mpf("0.7"), -1, 1),
    ]
    return sum(
        a * exp(b * (p[0] - x) ** 2 + c * (p[0] - x) * (p[1] - y) + d * (p[1] - y) ** 2)
        for a, b, c, d, x, y in rows
    )


def leps(p):
    number = mpmath.mpf
    distances = (p[0], p[1], p[0] + p[1])
    depths = (number("4.746"), number("4.746"), number("3.445"))
    factors = (number("1.05"), number("1.3"), number("1.05"))
    coulomb, exchange = 0, []
    for r, d, s in zip(distances, depths, factors, strict=True):
        e = exp(-number("1.942") * (r - number("0.742")))
        coulomb += d / 2 * (mpmath.mpf(3) / 2 * e**2 - e) / s
        exchange.append(d / 4 * (e**2 - 6 * e) / s)
    a, b, c = exchange
    return coulomb - mpmath.sqrt(a**2 + b**2 + c**2 - a * b - b * c - a * c)


def lennard_jones(p):
    atoms = [p[i : i + 3] for i in range(0, len(p), 3)]
    total = 0
    for a, b in itertools.combinations(atoms, 2):
        r = mpmath.sqrt(sum((s - t) ** 2 for s, t in zip(a, b, strict=True)))
        total += 4 * (r**-12 - r**-6)
    return total


def goldstein_price(p):
    x, y = p
    return (1 + (x + y + 1) ** 2 * (19 - 14 * x + 3 * x**2 - 14 * y + 6 * x * y + 3 * y**2)) * (
        30 + (2 * x - 3 * y) ** 2 * (18 - 32 * x + 12 * x**2 + 48 * y - 36 * x * y + 27 * y**2)
    )


def phi4_chain(p):
    wells = sum((x**2 - 1) ** 2 for x in p) / 4
    return wells + mpmath.mpf("0.1") / 2 * sum((b - a) ** 2 for a, b in itertools.pairwise(p))


def rosenbrock(p):
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(p))


number = mpmath.mpf
FORMULAS = {
    "beale": lambda p: (
        (number(3) / 2 - p[0] + p[0] * p[1]) ** 2
        + (number(9) / 4 - p[0] + p[0] * p[1] ** 2) ** 2
        + (number(21) / 8 - p[0] + p[0] * p[1] ** 3) ** 2
    ),
    "camel": lambda p: (
        4 * p[0] ** 2
        - number("2.1") * p[0] ** 4
        + p[0] ** 6 / 3
        + p[0] * p[1]
        - 4 * p[1] ** 2
        + 4 * p[1] ** 4
    ),
    "goldstein-price": goldstein_price,
    "henon-heiles": lambda p: (p[0] ** 2 + p[1] ** 2) / 2 + p[0] ** 2 * p[1] - p[1] ** 3 / 3,
    "himmelblau": lambda p: (p[0] ** 2 + p[1] - 11) ** 2 + (p[0] + p[1] ** 2 - 7) ** 2,
    "lennard-jones": lennard_jones,
    "lennard-jones-4": lennard_jones,
    "leps": leps,
    "mccormick": lambda p: (
        mpmath.sin(p[0] + p[1])
        + (p[0] - p[1]) ** 2
        - number(3) / 2 * p[0]
        + number(5) / 2 * p[1]
        + 1
    ),
    "monkey-saddle": lambda p: p[0] ** 3 - 3 * p[0] * p[1] ** 2,
    "muller-brown": muller_brown,
    "neria-fischer-karplus": lambda p: (
        number("0.06") * (p[0] ** 2 + p[1] ** 2) ** 2
        + p[0] * p[1]
        - 9 * exp(-((p[0] - 3) ** 2) - p[1] ** 2)
        - 9 * exp(-((p[0] + 3) ** 2) - p[1] ** 2)
    ),
    "phi4-chain": phi4_chain,
    "phi4-chain-6": phi4_chain,
    "quapp-3": lambda p: (p[0] * p[1] - 2) * (p[1] - p[0]) / 2,
    "rosenbrock": rosenbrock,
    "rosenbrock-5": rosenbrock,
    "styblinski-tang": lambda p: sum(x**4 - 16 * x**2 + 5 * x for x in p) / 2,
    "toy": lambda p: (p[0] ** 2 + 2 * p[1] ** 2) / 2 + p[0] ** 2 * p[1] / 2,
    "valley-ridge": lambda p: (
        p[0] ** 4 / 2 - p[0] ** 2 + p[1] ** 2 * (number("0.3265") - p[0]) + p[1] ** 4 * (1 + p[0])
    ),
    "wolfe-quapp": lambda p: (
        p[0] ** 4
        + p[1] ** 4
        - 2 * p[0] ** 2
        - 4 * p[1] ** 2
        + p[0] * p[1]
        + number("0.3") * p[0]
        + number("0.1") * p[1]
    ),
}
STEP = mpmath.mpf(10) ** -20


def shifted(p, *moves):
    p = list(p)
    for i, amount in moves:
        p[i] += amount
    return p


def gradient(f, p):
    return [
        (f(shifted(p, (i, STEP))) - f(shifted(p, (i, -STEP)))) / (2 * STEP) for i in range(len(p))
    ]


def hessian(f, p):
    n = len(p)
    result = [[mpmath.mpf(0)] * n for _ in range(n)]
    for i, j in itertools.combinations_with_replacement(range(n), 2):
        corners = [
            s * t * f(shifted(p, (i, s * STEP), (j, t * STEP))) for s in (1, -1) for t in (1, -1)
        ]
        result[i][j] = result[j][i] = sum(corners) / (4 * STEP**2)
    return result


def third(f, p, v):
    ahead = hessian(f, [a + STEP * b for a, b in zip(p, v, strict=True)])
    behind = hessian(f, [a - STEP * b for a, b in zip(p, v, strict=True)])
    n = len(p)
    return [[(ahead[i][j] - behind[i][j]) / (2 * STEP) for j in range(n)] for i in range(n)]


def points_of(f, rng, count):
    if f.bounds is not None:
        return rng.uniform(f.bounds[:, 0], f.bounds[:, 1], size=(count, f.n))
    # A loose cluster: atoms at the corners of a lattice, displaced.
    corners = np.array(list(itertools.product((0.0, 1.2), repeat=3)))[: f.n // 3]
    return (corners + rng.uniform(-0.05, 0.05, size=(count, *corners.shape))).reshape(count, f.n)


def assert_close(computed, reference, name):
    reference = np.array(reference, dtype=object)
    error = np.array(computed, dtype=object).astype(object) * mpmath.mpf(1) - reference
    size = mpmath.norm([abs(x) for x in reference.ravel()])
    assert mpmath.norm([abs(x) for x in error.ravel()]) <= 1e-13 * size, name


def test_every_surface_has_a_formula_here():
    assert {entry.name for entry in surfaces.catalogue()} <= set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_are_those_of_the_formula(name):
    f, formula = surfaces.by_name(name), FORMULAS[name]
    rng = np.random.default_rng(5)
    points = points_of(f, rng, 3)
    vectors = rng.normal(size=points.shape)
    values, gradients, hessians = f(points), f.grad(points), f.hess(points)
    thirds, products = f.third(points, vectors), f.hessp(points, vectors)
    with mpmath.workdps(90):
        for i in range(len(points)):
            p, v = [[mpmath.mpf(float(x)) for x in row[i]] for row in (points, vectors)]
            exact = hessian(formula, p)
            assert_close([values[i]], [formula(p)], "value")
            assert_close(gradients[i], gradient(formula, p), "gradient")
            assert_close(hessians[i], exact, "Hessian")
            assert_close(thirds[i], third(formula, p, v), "T[v]")
            applied = [sum(a * b for a, b in zip(row, v, strict=True)) for row in exact]
            assert_close(products[i], applied, "H v")


@pytest.mark.parametrize("name", FORMULAS)
def test_name_bounds_and_pickle(name):
    f = surfaces.by_name(name)
    assert f.name == name
    assert f.kinks == ()
    point = points_of(f, np.random.default_rng(6), 1)[0]
    copy = pickle.loads(pickle.dumps(f))
    assert copy(point) == f(point)
    assert copy.name == name
    if f.bounds is None:
        assert copy.bounds is None
    else:
        assert f.bounds.shape == (f.n, 2)
        np.testing.assert_array_equal(copy.bounds, f.bounds)


@pytest.mark.parametrize("entry", surfaces.catalogue(), ids=lambda entry: entry.name)
def test_entries_describe_themselves(entry):
    assert entry.summary
    assert not entry.summary.endswith(".")
    f = entry.build()
    if entry.sizes is not None:
        smallest = entry.sizes.start
        named = surfaces.by_name(f"{entry.name}-{smallest}")
        assert named.n == entry.build(smallest).n
        assert entry.build(entry.default).n == f.n
    else:
        with pytest.raises(ValueError, match=r"no size to choose|no surface"):
            surfaces.by_name(f"{entry.name}-7")


def test_published_stationary_points_of_muller_brown():
    f = surfaces.muller_brown()
    points = {
        (-0.5582236346330243, 1.441725841804669): -146.699517209954,
        (0.6234994049308765, 0.02803775852868567): -108.1667241168524,
        (-0.05001082299820606, 0.4666941048719721): -80.76781812965903,
        (-0.8220015587327321, 0.6243128028148714): -40.6648435086574,
        (0.212486582000662, 0.2929883251073678): -72.24894011232521,
    }
    for point, value in points.items():
        assert abs(f(point) - value) <= 1e-12 * abs(value)
        assert np.linalg.norm(f.grad(point)) <= 1e-11 * np.linalg.norm(f.hess(point))


def test_stationary_points_known_in_closed_form():
    for f, points in [
        (surfaces.toy(), [(0, 0), (2, -1), (-2, -1)]),
        (surfaces.quapp(3), [(2**0.5, 2**0.5), (-(2**0.5), -(2**0.5))]),
        (surfaces.himmelblau(), [(3, 2)]),
        (surfaces.beale(), [(3, 0.5)]),
        (surfaces.goldstein_price(), [(0, -1)]),
        (surfaces.henon_heiles(), [(0, 0), (0, 1), (0.75**0.5, -0.5)]),
        (surfaces.valley_ridge(), [(0, 0), (1, 0)]),
        (surfaces.rosenbrock(4), [(1, 1, 1, 1)]),
        (surfaces.phi4_chain(5), [(1,) * 5, (0,) * 5, (-1,) * 5]),
    ]:
        for point in points:
            assert np.linalg.norm(f.grad(np.array(point, float))) <= 1e-13, (f, point)


def test_coupling_of_the_chain():
    point = np.array([0.5, -0.25, 1.0])
    weak, strong = surfaces.phi4_chain(3, 0.0), surfaces.phi4_chain(3, coupling=2.0)
    assert strong(point) - weak(point) == pytest.approx(0.75**2 + 1.25**2, rel=1e-14)
    with pytest.raises(ValueError, match="coupling"):
        surfaces.phi4_chain(3, -1.0)


@pytest.mark.parametrize("spelling", ["Müller-Brown", "muller_brown", " MULLER BROWN "])
def test_spellings_of_a_name(spelling):
    assert surfaces.by_name(spelling).name == "muller-brown"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("muler-brown", "did you mean muller-brown"),
        ("rosenbrok", "did you mean rosenbrock"),
        ("rosenbrok-5", "did you mean rosenbrock"),
        ("zzz", "there are beale"),
        ("", "there are beale"),
        ("rosenbrock-1", "takes 2 to 1000 coordinates"),
        ("lennard-jones-1000000", "takes 2 to 38 atoms"),
        ("rosenbrock-99999999999999", "no surface"),
        ("quapp-4", "did you mean quapp-3"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(ValueError, match=message):
        surfaces.by_name(name)


def test_sizes_that_make_no_sense():
    with pytest.raises(TypeError, match="name: want a string"):
        surfaces.by_name(3)
    with pytest.raises(ValueError, match="n: want 2 to 1000, got 1"):
        surfaces.rosenbrock(1)
    with pytest.raises(TypeError, match=r"n: want an int, got 2\.5"):
        surfaces.rosenbrock(2.5)
    with pytest.raises(ValueError, match="only example 3"):
        surfaces.quapp(1)
    assert talweg.surfaces.lj is talweg.surfaces.lennard_jones
