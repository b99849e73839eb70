"""Properties that hold for any function, on random cubics and quartics."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg


class Polynomial:
    """A quadratic minimum at 0 plus random cubic and quartic terms, bounded below."""

    def __init__(self, n, seed, scale=1.0, rotation=None):
        rng = np.random.default_rng(seed)
        self.n, self.scale = n, scale
        self.rotation = np.eye(n) if rotation is None else rotation
        self.stiffness = np.sort(rng.uniform(0.5, 4, n)) + 0.3 * np.arange(n)
        self.cubic = [
            (c, rng.normal() / 2) for c in itertools.combinations_with_replacement(range(n), 3)
        ]
        self.quartic = [
            (c, rng.normal() / 8) for c in itertools.combinations_with_replacement(range(n), 4)
        ]

    def __call__(self, x):
        y = [sum(self.rotation[i, j] * x[j] for j in range(self.n)) for i in range(self.n)]
        total = 0.0
        for i in range(self.n):
            total = total + self.stiffness[i] * y[i] ** 2 / 2 + y[i] ** 4 / 4
        for (i, j, k), a in self.cubic:
            total = total + a * y[i] * y[j] * y[k]
        for (i, j, k, l), a in self.quartic:
            total = total + a * y[i] * y[j] * y[k] * y[l]
        return self.scale * total

    def objective(self):
        return talweg.Objective(self, self.n)


def box(n, size=1.5):
    return np.array([[-size, size]] * n)


@settings(max_examples=12)
@given(n=st.integers(2, 3), seed=st.integers(0, 10**6))
def test_surveys_of_random_polynomials(n, seed, check_curve):
    f = Polynomial(n, seed).objective()
    survey = talweg.survey(f, bounds=box(n))
    for point in survey.critical_points:
        assert np.linalg.norm(f.grad(point.x)) <= 1e-12 * np.linalg.norm(f.hess(point.x))
    for i, point in enumerate(survey.critical_points):
        for branch, direction in itertools.product(range(n), (1, -1)):
            assert (i, branch, direction) in survey.half_branches
    # Both ends of every arc agree.
    assert survey.success, survey.message
    for curve in survey.extremals:
        check_curve(f, curve, box(n))


@settings(max_examples=10)
@given(n=st.integers(2, 4), seed=st.integers(0, 10**6))
def test_curves_do_not_depend_on_the_step(n, seed):
    f = Polynomial(n, seed).objective()
    for branch in range(n):
        ends = [
            talweg.trace(
                f, np.zeros(n), branch=branch, bounds=box(n), max_step=step, max_points=20_000
            )
            for step in (0.004, 0.02, 0.1)
        ]
        for curve in ends[1:]:
            assert curve.status == ends[0].status
            np.testing.assert_allclose(curve.x[-1], ends[0].x[-1], atol=1e-9)
            kinds = [
                [e.kind for e in c.events if e.kind != "near_branch"] for c in (ends[0], curve)
            ]
            assert kinds[0] == kinds[1]


@settings(max_examples=10)
@given(n=st.integers(2, 4), seed=st.integers(0, 10**6), power=st.integers(-30, 30))
def test_curves_do_not_depend_on_the_scale_of_f(n, seed, power):
    plain = Polynomial(n, seed).objective()
    scaled = Polynomial(n, seed, scale=2.0**power).objective()
    for branch in (0, n - 1):
        a, b = (talweg.trace(f, np.zeros(n), branch=branch, bounds=box(n)) for f in (plain, scaled))
        assert a.status == b.status
        np.testing.assert_allclose(b.x[-1], a.x[-1], atol=1e-9)
        np.testing.assert_array_equal(b.slope_index[[0, -1]], a.slope_index[[0, -1]])


@settings(max_examples=10)
@given(n=st.integers(2, 4), seed=st.integers(0, 10**6))
def test_curves_turn_with_the_function(n, seed):
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(n, n)))[0]
    plain = Polynomial(n, seed).objective()
    turned = Polynomial(n, seed, rotation=turn).objective()
    for branch in range(n):
        a = talweg.trace(
            plain, np.zeros(n), branch=branch, bounds=(), max_step=0.05, max_length=2.0
        )
        out = turn.T @ a.tangent[0]
        b = talweg.trace(
            turned, np.zeros(n), branch=branch, direction=out, bounds=(), max_step=0.05,
            max_length=2.0,
        )  # fmt: skip
        assert a.status == b.status
        # Each located event of one is an event of the other, turned.
        for kind in ("critical_point", "level_fold", "inflection", "valley_ridge_inflection"):
            places = [[e.x for e in c.events if e.kind == kind] for c in (a, b)]
            assert len(places[0]) == len(places[1])
            for x, y in zip(*places, strict=True):
                np.testing.assert_allclose(turn @ y, x, atol=1e-8)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_critical_points_on_the_way_are_those_of_newton(seed):
    f = Polynomial(2, seed).objective()
    points = talweg.critical_points(f, bounds=box(2))
    for branch, direction in itertools.product((0, 1), (1, -1)):
        curve = talweg.trace(f, np.zeros(2), branch=branch, direction=direction, bounds=box(2))
        for event in curve.events:
            if event.kind == "critical_point":
                assert min(np.linalg.norm(p.x - event.x) for p in points) < 1e-10
