"""Minima that Newton's method on the gradient seldom leads to, where coordinates are many."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import minimize

import talweg
from talweg import surfaces


# Least energies: Wales and Doye, J. Phys. Chem. A 101, 5111 (1997). Up to four atoms every pair is
# at its best distance.
@pytest.mark.parametrize(
    ("atoms", "energy"), [(2, -1), (3, -3), (4, -6), (5, -9.103852), (6, -12.712062)]
)
@pytest.mark.parametrize("seed", [None, 1])
def test_lowest_energies_of_lennard_jones_clusters(atoms, energy, seed):
    f = surfaces.lj(atoms)
    points = talweg.critical_points(f, [(-1.5, 1.5)] * f.n, rng=seed, max_starts=1024)
    assert points[0].type == "minimum"
    assert points[0].fun == pytest.approx(energy, abs=1e-12 if atoms < 5 else 1e-6)
    for point in points:
        # Forces are differences of much larger ones where atoms are near one another.
        assert np.linalg.norm(f.grad(point.x)) <= 1e-11 * np.linalg.norm(f.hess(point.x))


# Atoms that change places make other points: 2 N! over the order of the point group, which is 24
# for the tetrahedron, 12 for triangle and bipyramid.
@pytest.mark.parametrize(("atoms", "copies"), [(3, 1), (4, 2), (5, 20)])
def test_all_copies_of_a_cluster(atoms, copies):
    f = surfaces.lj(atoms)
    points = talweg.critical_points(f, [(-1.5, 1.5)] * f.n, max_starts=2048)
    assert sum(p.type == "minimum" for p in points) == copies


def test_any_number_of_workers_finds_the_same():
    f = surfaces.lj(4)
    box = [(-1.0, 1.0)] * 12
    one, three = (
        talweg.critical_points(f, box, workers=workers, max_starts=256) for workers in (1, 3)
    )
    assert len(one) == len(three)
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a.x, b.x)
        assert a.fun == b.fun


def test_overlapping_atoms_are_a_start_like_any_other():
    # The box is so small that at the starts the pairs' energies are 1e5 to 1e20.
    f = surfaces.lj(3)
    starts = np.random.default_rng(3).uniform(-0.2, 0.2, (100, 9))
    assert np.median([f(x) for x in starts]) > 1e5
    points = talweg.critical_points(f, [(-0.7, 0.7)] * 9, max_starts=512)
    assert points[0].fun == pytest.approx(-3, abs=1e-12)


def separable(n, rng):
    """A sum of quartics of one coordinate, and the critical points of each."""
    a, b, c = rng.uniform(-0.4, 0.4, (3, n))
    parts = [np.polynomial.Polynomial([a[i], b[i], -1, c[i] / 4, 0.5]) for i in range(n)]
    roots = [part.deriv().roots() for part in parts]
    assert np.isreal(roots).all()

    def fun(x):
        return sum(sum(c * x[i] ** k for k, c in enumerate(p.coef)) for i, p in enumerate(parts))

    return fun, roots, parts


@pytest.mark.parametrize("seed", range(3))
def test_all_points_of_a_sum_of_quartics(seed):
    n = 4
    fun, roots, parts = separable(n, np.random.default_rng(seed))
    points = talweg.critical_points(fun, [(-2.5, 2.5)] * n)
    wanted = np.array(list(itertools.product(*np.real(roots))))
    assert len(points) == len(wanted) == 81
    indices = [sum(part.deriv(2)(c) < 0 for part, c in zip(parts, x, strict=True)) for x in wanted]
    for x, index in zip(wanted, indices, strict=True):
        (point,) = (p for p in points if np.linalg.norm(p.x - x) < 1e-9)
        assert point.morse_index == index


@pytest.mark.parametrize(("n", "minima"), [(2, 4), (3, 8), (4, 16), (6, 64)])
def test_all_minima_of_styblinski_and_tang(n, minima):
    f = surfaces.styblinski_tang(n)
    points = talweg.critical_points(f, max_starts=2048)
    x = np.roots([2, 0, -16, 2.5])
    assert sum(p.type == "minimum" for p in points) == minima
    assert len(points) == 3**n or n > 4
    for point in points:
        assert np.abs(point.x[:, None] - x).min(axis=1).max() < 1e-12


def test_himmelblau():
    points = talweg.critical_points(surfaces.himmelblau())
    assert sorted(p.morse_index for p in points) == [0] * 4 + [1] * 4 + [2]
    assert max(p.fun for p in points if p.type == "minimum") < 1e-20


def wavy(n, rng):
    """A polynomial of degree four that grows in all directions, and its derivatives."""
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0]
    tilt = 0.4 * rng.normal(size=n)
    cubic = 0.15 * rng.normal(size=(n, n, n))
    cubic = sum(np.transpose(cubic, p) for p in itertools.permutations(range(3))) / 6

    def fun(x):
        y = turn @ x
        return ((y**2 - 1) ** 2).sum() + tilt @ x + ((cubic @ x) @ x) @ x

    def gradient(x):
        y = turn @ x
        return turn.T @ (4 * y * (y**2 - 1)) + tilt + 3 * (cubic @ x) @ x

    return fun, gradient


@pytest.mark.parametrize("seed", range(3))
def test_minima_of_random_polynomials_are_those_of_scipy(seed):
    n = 5
    rng = np.random.default_rng(seed)
    fun, gradient = wavy(n, rng)
    points = talweg.critical_points(fun, [(-3.0, 3.0)] * n)
    minima = np.array([p.x for p in points if p.type == "minimum"])
    for start in rng.uniform(-2, 2, (150, n)):
        x = minimize(fun, start, jac=gradient, method="BFGS", options={"gtol": 1e-8}).x
        assert np.linalg.norm(minima - x, axis=1).min() < 1e-6
    for point in points:
        assert np.linalg.norm(gradient(point.x)) < 1e-11


@pytest.mark.parametrize("seed", range(3))
def test_both_sides_of_every_saddle_lead_to_listed_minima(seed):
    n = 4
    rng = np.random.default_rng(10 + seed)
    fun, gradient = wavy(n, rng)
    points = talweg.critical_points(fun, [(-3.0, 3.0)] * n)
    minima = np.array([p.x for p in points if p.type == "minimum"])
    saddles = [p for p in points if p.morse_index == 1]
    assert len(saddles) >= 5
    for saddle in saddles[:8]:
        for side in (1e-3, -1e-3):
            start = saddle.x + side * saddle.eigenvectors[:, 0]
            flow = solve_ivp(lambda t, x: -gradient(x), (0, 300), start, method="LSODA")
            assert np.linalg.norm(minima - flow.y[:, -1], axis=1).min() < 1e-2


def test_flat_minima_are_found_and_marked():
    # Minimisations come near where f has lost all its digits; Newton's method goes on.
    points = talweg.critical_points(
        lambda x: (x[0] ** 2 - 1) ** 2 + (x[1] - x[0]) ** 4 + x[2] ** 2, [(-2, 2)] * 3
    )
    minima = [p for p in points if p.morse_index == 0]
    assert len(minima) == 2
    for point in minima:
        assert point.degenerate
        assert np.abs(np.abs(point.x) - [1, 1, 0]).max() <= 1e-8


def test_functions_that_fall_for_ever_have_no_minimum():
    assert talweg.critical_points(lambda x: x[0] ** 3 + x[0] + x[1] ** 2, [(-2, 2)] * 2) == []
    (saddle,) = talweg.critical_points(lambda x: x[0] * x[1] + x[2] ** 2, [(-1, 1)] * 3)
    assert saddle.morse_index == 1
