"""Compiled loops against the blocks of the interpreter, exact formulas and mpmath."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg import surfaces
from talweg.status import Status

pytest.importorskip("llvmlite")

from talweg.machine_code import linear_forms
from talweg.machine_code.descent_loop import DescentKind, descent_loop
from talweg.machine_code.descent_measures import determinant
from talweg.machine_code.descent_step import DescentStep
from talweg.quantity import GRADIENT, HESSIAN

RNG = np.random.default_rng(3)
PLANE = [entry.name for entry in surfaces.catalogue() if surfaces.by_name(entry.name).n == 2]


def starts(f, count):
    low, high = f.bounds.T if f.bounds is not None else (-np.ones(f.n), np.ones(f.n))
    return RNG.uniform(low, high, size=(count, f.n))


def step_of(f, x0):
    """A step for which no map at a start is singular."""
    return 0.7 / np.abs(np.linalg.eigvalsh(f.hess(x0))).max()


def followed(descent):
    return {name: value for name, value in descent.asdict().items() if value is not None}


def assert_same(found, want):
    np.testing.assert_array_equal(found.status, want.status)
    np.testing.assert_array_equal(found.steps, want.steps)
    np.testing.assert_allclose(found.x, want.x, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("momentum", [{}, {"momentum": 0.4}, {"momentum": 0.4, "nesterov": True}])
@pytest.mark.parametrize("name", PLANE)
def test_loops_follow_what_blocks_follow(name, momentum):
    f = surfaces.by_name(name)
    fast = f.compile()
    x0 = starts(f, 57)
    h = step_of(f, x0)
    options = {"log_volume": True, "eigenvalues": True, "record_every": 7, **momentum}
    kind = DescentKind(bool(momentum), "nesterov" in momentum, False, True, True)
    assert descent_loop(fast, kind) is not None
    want = talweg.descend(f, x0, h, 30, **options)
    found = talweg.descend(fast, x0, h, 30, **options)
    assert_same(found, want)
    np.testing.assert_allclose(found.path, want.path, rtol=1e-7, atol=1e-9)
    np.testing.assert_array_equal(found.orientation, want.orientation)
    np.testing.assert_allclose(found.log_volume, want.log_volume, rtol=1e-7, atol=1e-7)
    np.testing.assert_allclose(found.path_log_volume, want.path_log_volume, rtol=1e-7, atol=1e-7)
    size = np.maximum(np.abs(want.smallest_eigenvalue), np.abs(want.largest_eigenvalue))
    for value in ("smallest_eigenvalue", "largest_eigenvalue"):
        assert (np.abs(getattr(found, value) - getattr(want, value)) <= 1e-7 * size).all()
    one = talweg.descend(fast, x0[5], h, 30, **options)
    assert one.log_volume == found.log_volume[5]
    assert one.largest_eigenvalue == found.largest_eigenvalue[5]
    np.testing.assert_array_equal(one.path, found.path[:, 5])


@pytest.mark.parametrize("name", PLANE)
def test_loops_stop_where_blocks_stop(name):
    f = surfaces.by_name(name)
    x0 = starts(f, 301)
    h = step_of(f, x0)
    want = talweg.descend(f, x0, h, 2000, gtol=1e-3)
    found = talweg.descend(f.compile(), x0, h, 2000, gtol=1e-3)
    # A slope next to the tolerance may fall to it one step earlier or later.
    agree = (found.status == want.status) & (np.abs(found.steps - want.steps) <= 1)
    stays = found.status != Status.NON_FINITE
    assert agree.mean() > 0.98
    slopes = np.full(len(x0), np.nan)
    slopes[stays] = np.linalg.norm(f.grad(found.x[stays]), axis=1)
    stopped = found.status == Status.CONVERGED
    assert (slopes[stopped] <= 1e-3 * (1.0 + 1e-9)).all()
    assert (slopes[found.status == Status.MAX_STEPS] > 1e-3 * (1.0 - 1e-9)).all()


def test_a_flat_start_and_a_flat_end_are_seen():
    f = talweg.Objective(lambda x: x[0] ** 2 / 2.0 + x[1] ** 2 / 2.0, 2).compile()
    x0 = [[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [4.0, 0.0]]
    found = talweg.descend(f, x0, 0.5, 2, gtol=0.5)
    assert found.steps.tolist() == [0, 1, 2, 2]
    assert found.status.tolist() == [Status.CONVERGED] * 3 + [Status.MAX_STEPS]
    extrapolated = talweg.descend(f, [1.0, 0.0], 0.5, 5, gtol=0.2, momentum=0.25, nesterov=True)
    # x1 = 0.5, y1 = 0.375, x2 = 0.1875, y2 = 0.109375
    assert extrapolated.x.tolist() == [0.109375, 0.0] and extrapolated.steps == 2


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_volume_of_a_quadratic_is_exact(n):
    matrix = RNG.normal(size=(n, n))
    matrix = matrix @ matrix.T + np.eye(n)
    f = talweg.Objective(lambda x: 0.5 * x @ (matrix @ x), n).compile()
    assert DescentStep.fits(f, DescentKind(volume=True))
    count = 3001
    found = talweg.descend(f, RNG.normal(size=(9, n)), 0.03, count, log_volume=True)
    with mpmath.workdps(40):
        exact = mpmath.matrix(np.eye(n)) - mpmath.mpf(0.03) * mpmath.matrix(matrix)
        det = mpmath.det(exact)
        volume, sign = float(count * mpmath.log(abs(det))), float(mpmath.sign(det) ** count)
    np.testing.assert_allclose(found.log_volume, volume, rtol=1e-12)
    np.testing.assert_array_equal(found.orientation, sign)


def test_followed_in_high_precision():
    f = surfaces.rosenbrock(2).compile()
    x0, h, count = [0.3, -0.2], 1e-3, 200
    found = talweg.descend(f, x0, h, count, log_volume=True, eigenvalues=True)
    with mpmath.workdps(60):
        x, y, s = mpmath.mpf(x0[0]), mpmath.mpf(x0[1]), mpmath.mpf(h)
        product, low, high = mpmath.mpf(1), mpmath.inf, -mpmath.inf
        for _ in range(count):
            a, b, d = 1200 * x**2 - 400 * y + 2, -400 * x, mpmath.mpf(200)
            product *= (1 - s * a) * (1 - s * d) - (s * b) ** 2
            root = mpmath.sqrt((a - d) ** 2 + 4 * b**2)
            low, high = min(low, (a + d - root) / 2), max(high, (a + d + root) / 2)
            t = y - x * x
            x, y = x - s * (-400 * x * t - 2 * (1 - x)), y - s * 200 * t
        expected = [float(v) for v in (x, y, mpmath.log(abs(product)), low, high)]
    got = [*found.x, found.log_volume, found.smallest_eigenvalue, found.largest_eigenvalue]
    np.testing.assert_allclose(got, expected, rtol=1e-11)
    assert found.orientation == float(mpmath.sign(product))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-300.0, 300.0),
    st.tuples(*[st.floats(-1.0, 1.0, allow_subnormal=False)] * 3).filter(any),
)
def test_eigenvalues_of_all_sizes(power, numbers):
    size = 10.0**power
    a, b, c = (float(size * number) for number in numbers)
    f = talweg.Objective(lambda x: a * x[0] * x[0] / 2 + b * x[0] * x[1] + c * x[1] * x[1] / 2, 2)
    largest = max(abs(a), abs(b), abs(c))
    found = talweg.descend(f.compile(), [[1.0, 2.0], [0.5, 0.0]], 1e-3, 3, eigenvalues=True)
    with mpmath.workdps(400):
        root = mpmath.sqrt((mpmath.mpf(a) - c) ** 2 + 4 * mpmath.mpf(b) ** 2)
        low, high = (float((mpmath.mpf(a) + c + sign * root) / 2) for sign in (-1, 1))
    room = {"rtol": 1e-13, "atol": 1e-15 * largest + 1e-322}
    fine = found.status == Status.MAX_STEPS
    np.testing.assert_allclose(found.smallest_eigenvalue[fine], low, **room)
    np.testing.assert_allclose(found.largest_eigenvalue[fine], high, **room)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e-80, 1.0, 1e80, 1e160, 1e300])
def test_eigenvalues_whose_squares_leave_the_range_of_numbers(size):
    a, b, c = 1.0 * size, 1.0 * size, -2.0 * size
    f = talweg.Objective(lambda x: a * x[0] * x[0] / 2 + b * x[0] * x[1] + c * x[1] * x[1] / 2, 2)
    for volume in (False, True):
        options = {"eigenvalues": True, "log_volume": volume}
        found = talweg.descend(f.compile(), [1.0, 2.0], 0.01 / size, 3, **options)
        assert found.status == Status.MAX_STEPS
        ratios = [found.smallest_eigenvalue / size, found.largest_eigenvalue / size]
        np.testing.assert_allclose(ratios, [-0.5 - 3.25**0.5, -0.5 + 3.25**0.5], rtol=1e-14)


def test_singular_maps_blow_ups_and_what_is_not_finite():
    f = talweg.Objective(lambda x: (x[0] ** 2 + 3.0 * x[1] ** 2) / 2.0 + x[0] ** 4, 2)
    x0 = [[0.0, 1.0], [0.5, 0.5], [40.0, 1.0], [1e200, 0.0], [0.1, 0.1]]
    options = {"log_volume": True, "eigenvalues": True, "record_every": 2}
    for h in (1.0, 0.25):
        want = talweg.descend(f, x0, h, 40, **options)
        found = talweg.descend(f.compile(), x0, h, 40, **options)
        assert {Status.NON_FINITE, Status.MAX_STEPS} == set(want.status)
        for name, value in followed(want).items():
            np.testing.assert_allclose(getattr(found, name), value, rtol=1e-9, err_msg=name)
    singular = talweg.descend(f.compile(), x0[0], 1.0, 3, log_volume=True)
    assert singular.log_volume == -np.inf and singular.orientation == 0.0
    assert not np.isnan(found.log_volume[[0, 1, 4]]).any()


def test_a_hessian_that_is_not_finite_is_not_lost():
    # At 0 the slope of |x|^(3/2) is 0 and its curvature infinite.
    f = talweg.Objective(lambda x: np.sqrt(x[0] ** 2) ** 1.5 + x[1] ** 2, 2)
    options = {"log_volume": True, "eigenvalues": True}
    found = talweg.descend(f.compile(), [[0.0, 1.0], [1.0, 1.0]], 0.01, 3, **options)
    want = talweg.descend(f, [[0.0, 1.0], [1.0, 1.0]], 0.01, 3, **options)
    for name, value in followed(want).items():
        np.testing.assert_allclose(getattr(found, name), value, rtol=1e-12, err_msg=name)
    assert not np.isfinite(found.largest_eigenvalue[0]) and np.isfinite(found.largest_eigenvalue[1])


def test_volumes_beyond_the_range_of_doubles():
    f = talweg.Objective(lambda x: 1e30 * (x[0] * x[1]) + 0.0 * x[0] ** 2, 2).compile()
    found = talweg.descend(f, [0.0, 0.0], 1e100, 50, log_volume=True)
    assert found.log_volume == pytest.approx(50 * 260 * np.log(10.0), rel=1e-13)
    small = talweg.Objective(lambda x: x[0] ** 2 / 2 + x[1] ** 2 / 2, 2).compile()
    found = talweg.descend(small, [0.0, 0.0], 1.0 - 2.0**-40, 400, log_volume=True)
    assert found.log_volume == pytest.approx(-400 * 80 * np.log(2.0), rel=1e-13)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 1500), st.integers(1, 3), st.floats(0.0, 0.9), st.booleans(), st.booleans())
def test_lanes_are_refilled_without_a_trace(points, workers, beta, nesterov, eigenvalues):
    f = surfaces.himmelblau().compile()
    x0 = np.random.default_rng(points).uniform(-5, 5, size=(points, 2))
    x0[:: max(points // 3, 1)] *= 100.0  # some blow up
    options = {"momentum": beta, "nesterov": nesterov, "gtol": 1e-3, "record_every": 100}
    options |= {"log_volume": True, "eigenvalues": eigenvalues}
    found = talweg.descend(f, x0, 0.005, 400, workers=workers, **options)
    for k in {0, points // 2, points - 1}:
        alone = talweg.descend(f, x0[k], 0.005, 400, **options)
        assert alone.status == found.status[k] and alone.steps == found.steps[k]
        np.testing.assert_array_equal(alone.x, found.x[k])
        np.testing.assert_array_equal(alone.path, found.path[:, k])
        np.testing.assert_array_equal(alone.log_volume, found.log_volume[k])
        np.testing.assert_array_equal(alone.orientation, found.orientation[k])
        if eigenvalues:
            assert alone.smallest_eigenvalue == found.smallest_eigenvalue[k]


def test_what_has_no_loop():
    plane, space = surfaces.himmelblau(), surfaces.rosenbrock(5)
    assert not DescentStep.fits(space.compile(), DescentKind(volume=True))
    assert not DescentStep.fits(space.compile(), DescentKind(eigenvalues=True))
    # The heavy ball's volume needs no Hessian.
    assert DescentStep.fits(space.compile(), DescentKind(momentum=True, volume=True))
    for options in ({"noise": 0.1, "rng": 1}, {"tangent": True}):
        want = talweg.descend(plane, [1.0, 2.0], 0.01, 20, **options)
        found = talweg.descend(plane.compile(), [1.0, 2.0], 0.01, 20, **options)
        np.testing.assert_array_equal(found.x, want.x)


# What the loops are made of.


def forms_of(fun, n, quantities=GRADIENT):
    f = talweg.Objective(fun, n)
    return linear_forms.LinearForms(talweg._core.program(f._core, quantities), n)


def test_products_with_a_matrix_and_its_transpose_are_one():
    matrix = RNG.normal(size=(6, 6))
    forms = forms_of(lambda x: x @ (matrix @ x), 6)
    for i, form in enumerate(forms.outputs):
        numbers = [form.terms[j] for j in range(6)]
        np.testing.assert_allclose(numbers, (matrix + matrix.T)[i], rtol=1e-14)
        assert len(form.terms) == 6 and form.constant == 0.0


def test_constants_leave_products():
    forms = forms_of(lambda x: 7.0 * (3.0 * x[0]) * (5.0 * x[1]) * x[1], 2, GRADIENT | HESSIAN)
    numbers = sorted(c for form in forms.outputs for c in form.terms.values())
    np.testing.assert_allclose(numbers, [105.0, 210.0, 210.0, 210.0], rtol=1e-15)
    # Numbers that overflow, or vanish, together stay apart.
    f = talweg.Objective(
        lambda x: (1e200 * x[0]) * (1e200 * x[1]), 2, bounds=[(1e-200, 2e-200)] * 2
    )
    expected = talweg.descend(f, [1e-200, 2e-200], 1e-300, 1).x
    np.testing.assert_allclose(talweg.descend(f.compile(), [1e-200, 2e-200], 1e-300, 1).x, expected)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_determinants_are_expansions(n):
    class Numbers:
        """A writer whose values are numbers."""

        def multiply(self, a, b):
            return a * b

        def multiply_add(self, a, b, c):
            return a * b + c

        def negated_multiply_add(self, a, b, c):
            return c - a * b

    matrix = RNG.normal(size=(n, n))
    matrix += matrix.T
    entries = {(i, j): matrix[i, j] for i in range(n) for j in range(i + 1)}
    assert determinant(Numbers(), entries, n) == pytest.approx(np.linalg.det(matrix), rel=1e-12)
