"""The objective of phase retrieval: values, derivatives, what belongs to the sphere, bad input."""

import pickle

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.phase_retrieval import NotEnoughMemory, Problem
from talweg.status import Status


def formula(problem):
    """The loss as a plain function of an array, from the definition."""
    X, y, N, a = problem.X.astype(float), problem.y, problem.N, problem.a

    def loss(w):
        if problem.complex:
            # Rows are (Re x, -Im x).
            re = X @ w / np.sqrt(N)
            im = (X[:, :N] @ w[N:] - X[:, N:] @ w[:N]) / np.sqrt(N)
            square = re**2 + im**2
        else:
            square = (X @ w) ** 2 / N
        scale = 2.0 if np.isinf(a) else 2.0 * (a + y)
        return ((square - y) ** 2 / scale).sum() / len(y)

    return loss


problems = st.builds(
    Problem,
    N=st.integers(2, 9),
    alpha=st.floats(0.5, 6.0),
    a=st.one_of(st.floats(0.05, 20.0), st.just(np.inf)),
    rng=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.float64, np.float32]),
    labels=st.sampled_from(["signal", "random"]),
    complex=st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(problem=problems, seed=st.integers(0, 1000))
def test_derivatives_are_those_of_the_recorded_formula(problem, seed):
    recorded = talweg.Objective(formula(problem), problem.n)
    rng = np.random.default_rng(seed)
    w, v = rng.standard_normal((2, 3, problem.n))
    size = 1 + np.abs(recorded.hess(w)).max()
    close = {"rtol": 1e-10, "atol": 1e-11 * size}
    np.testing.assert_allclose(problem(w), recorded(w), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(problem.grad(w), recorded.grad(w), **close)
    np.testing.assert_allclose(problem.hess(w), recorded.hess(w), **close)
    np.testing.assert_allclose(problem.hessp(w, v), recorded.hessp(w, v), **close)
    np.testing.assert_allclose(problem.third(w, v), recorded.third(w, v), **close)
    np.testing.assert_array_equal(problem.grad(w[1]), problem.grad(w)[1])
    np.testing.assert_array_equal(problem.hessp(w[1], v[1]), problem.hessp(w, v)[1])


@pytest.mark.parametrize("a", [0.5, np.inf])
def test_one_observation_against_sympy(a):
    X = np.array([[0.6, -1.3]])
    problem = Problem.from_data(X, [0.7], a)
    w0, w1 = sympy.symbols("w0 w1")
    projection = (sympy.Rational(3, 5) * w0 - sympy.Rational(13, 10) * w1) / sympy.sqrt(2)
    y = sympy.Rational(7, 10)
    loss = (projection**2 - y) ** 2 / (2 * (sympy.Rational(a) + y) if np.isfinite(a) else 2)
    at = {w0: sympy.Rational(11, 10), w1: sympy.Rational(-2, 5)}
    w = np.array([1.1, -0.4])

    def number(expression):
        return float(expression.subs(at).evalf(30))

    assert problem.loss(w) == pytest.approx(number(loss), rel=1e-14)
    gradient = [number(loss.diff(s)) for s in (w0, w1)]
    np.testing.assert_allclose(problem.gradient(w), gradient, rtol=1e-13)
    hessian = [[number(loss.diff(s, t)) for t in (w0, w1)] for s in (w0, w1)]
    np.testing.assert_allclose(problem.hess(w), hessian, rtol=1e-13)
    third = [[number(loss.diff(s, t, w0)) for t in (w0, w1)] for s in (w0, w1)]
    np.testing.assert_allclose(problem.third(w, [1.0, 0.0]), third, rtol=1e-13)


@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_riemannian_quantities_are_derivatives_along_geodesics(complex, dtype):
    problem = Problem(30, 3.0, 0.8, rng=1, dtype=dtype, complex=complex)
    w, v = problem.random_point(2, size=2)
    v = v - w * (v @ w) / problem.N
    length = np.linalg.norm(v) / np.sqrt(problem.N)

    def along(t):
        return problem.loss(np.cos(length * t) * w + np.sin(length * t) / length * v)

    h = 1e-3
    f = [along(k * h) for k in (-2, -1, 0, 1, 2)]
    first = (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * h)
    second = (-f[0] + 16 * f[1] - 30 * f[2] + 16 * f[3] - f[4]) / (12 * h**2)
    assert problem.riemannian_gradient(w) @ v == pytest.approx(first, rel=1e-8)
    product = problem.riemannian_hessian_product(w, v)
    # The product is N times that of the Hessian.
    assert product @ v / problem.N == pytest.approx(second, rel=1e-6)
    assert abs(product @ w) < 1e-9 * np.linalg.norm(product) * np.linalg.norm(w)
    assert problem.curvature(w) == pytest.approx(w @ problem.gradient(w), rel=1e-12)
    hessian = problem.sphere_hessian(w)
    np.testing.assert_allclose(hessian.matvec(v), product, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(hessian.matvec(w), hessian.shift * w, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("N", [20, 150])
@pytest.mark.parametrize("complex", [False, True])
@pytest.mark.parametrize("which", ["lowest", "highest", "both"])
def test_extreme_pairs_are_those_of_the_matrix_on_the_tangent_space(N, complex, which):
    problem = Problem(N, 2.5, rng=3, complex=complex)
    w = problem.random_point(4)
    D = problem.N * problem.hess(w)
    projector = np.eye(problem.n) - np.outer(w, w) / problem.N
    matrix = projector @ (D - problem.mu(w) * np.eye(problem.n)) @ projector
    # Away from the ends on either side.
    values = np.linalg.eigvalsh(matrix)
    values = np.delete(values, np.abs(values).argmin())
    k = 3
    want = {"lowest": values[:k], "highest": values[-k:], "both": np.r_[values[:k], values[-k:]]}
    pairs = problem.extreme_pairs(w, k, which)
    assert pairs.success
    np.testing.assert_allclose(pairs.eigenvalues, want[which], rtol=1e-7)
    u = pairs.eigenvectors
    residuals = np.linalg.norm(matrix @ u - u * pairs.eigenvalues, axis=0)
    assert (residuals <= 1e-7 * pairs.norm).all()
    assert np.abs(w @ u).max() < 1e-6 * np.linalg.norm(w)
    np.testing.assert_array_equal(pairs.gradient, problem.gradient(w))


@pytest.mark.parametrize("which", ["lowest", "highest", "both"])
@pytest.mark.parametrize("N", [70, 1200])
def test_no_pair_is_the_point_itself(N, which):
    # One large weight lifts the mean of the spectrum above all eigenvalues but its own.
    X = np.random.default_rng(0).standard_normal((N // 3, N))
    y = np.ones(len(X))
    y[0] = 1e-9
    problem = Problem.from_data(X, y, a=1e-9)
    w = problem.random_point(1)
    pairs = problem.extreme_pairs(w, 2, which)
    assert pairs.success
    assert pairs.eigenvectors.shape == (N, 4 if which == "both" else 2)
    assert np.abs(w @ pairs.eigenvectors).max() < 1e-5 * np.linalg.norm(w)
    basis = np.linalg.svd(w[None])[2][1:].T
    matrix = basis.T @ problem.sphere_hessian(w).matmat(basis)
    values = np.linalg.eigvalsh(matrix / 2 + matrix.T / 2)
    want = {"lowest": values[:2], "highest": values[-2:], "both": values[[0, 1, -2, -1]]}
    np.testing.assert_allclose(pairs.eigenvalues, want[which], atol=1e-7 * pairs.norm)


def test_points_of_the_problems_own_number_are_not_its_signal():
    # Independent directions have a standard error of 0.05, the same normal numbers a cosine of 1.
    problem = Problem(400, 2.0, rng=7)
    points = problem.random_point(7, size=3)
    assert np.abs(problem.overlap(points)).max() < 0.25
    cosines = points @ problem.X.T / (20 * np.linalg.norm(problem.X, axis=1))
    assert np.abs(cosines).max() < 0.35
    np.testing.assert_array_equal(points, problem.random_point(np.int64(7), size=3))


def test_a_start_nearby_needs_fewer_products():
    problem = Problem(1300, 1.0, rng=0, dtype=np.float32)
    w = problem.random_point(1)
    cold = problem.extreme_pairs(w, 2, "highest", tol=1e-4)
    near = problem.on_sphere(w - 1e-3 * problem.N * problem.gradient(w))
    warm = problem.extreme_pairs(near, 2, "highest", start=cold.eigenvectors, tol=1e-4)
    again = problem.extreme_pairs(near, 2, "highest", tol=1e-4)
    assert warm.success
    assert warm.method == "block"
    np.testing.assert_allclose(warm.eigenvalues, again.eigenvalues, atol=1e-3)
    assert warm.products < again.products


def test_no_negative_direction_at_the_signal():
    # There l' = 0, so that D is a sum of squares, and the zero along w is not among the pairs.
    problem = Problem(80, 6.0, rng=0)
    assert problem.loss(problem.signal) == 0.0
    assert not problem.gradient(problem.signal).any()
    assert problem.extreme_pairs(problem.signal).eigenvalues[0] > 0.1


def test_labels_without_a_signal():
    problem = Problem(50, 4.0, rng=2, labels="random")
    assert problem.signal is None
    assert problem.labels is problem.y
    lambdas, u = problem.samples(problem.random_point(0))
    assert lambdas.shape == u.shape == (200,)
    np.testing.assert_allclose(u**2, problem.y)
    with pytest.raises(ValueError, match="no signal"):
        problem.overlap(problem.random_point(0))


@pytest.mark.parametrize("complex", [False, True])
def test_data_have_the_law_that_they_should(complex):
    problem = Problem(100, 50.0, rng=5, complex=complex)
    # Squares of 500,000 or a million numbers: standard errors of 0.002 and less.
    squares = (problem.X**2).sum() / (problem.M * problem.N)
    assert squares == pytest.approx(1.0, abs=0.01)
    assert problem.y.mean() == pytest.approx(1.0, abs=0.1)
    assert problem.signal @ problem.signal == pytest.approx(problem.N)
    lambdas, u = problem.samples(problem.random_point(1))
    assert (np.abs(lambdas) ** 2).mean() == pytest.approx(1.0, abs=0.1)
    np.testing.assert_allclose(np.abs(u) ** 2, problem.y, rtol=1e-12)
    assert problem.X.ctypes.data % 64 == 0


def test_a_phase_changes_nothing():
    problem = Problem(12, 4.0, rng=0, complex=True)
    w = problem.random_point(1)
    z = np.exp(0.7j) * (w[:12] + 1j * w[12:])
    turned = np.concatenate([z.real, z.imag])
    assert problem.loss(turned) == pytest.approx(problem.loss(w), rel=1e-12)
    assert problem.overlap(turned) == pytest.approx(problem.overlap(w), rel=1e-12)
    signal = problem.signal[:12] + 1j * problem.signal[12:]
    z = w[:12] + 1j * w[12:]
    assert problem.overlap(w) == pytest.approx(abs(np.vdot(signal, z)) / 12, rel=1e-12)


def test_complex_data_of_the_user():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 6)) + 1j * rng.standard_normal((40, 6))
    z = rng.standard_normal(6) + 1j * rng.standard_normal(6)
    z *= np.sqrt(6) / np.linalg.norm(z)
    y = np.abs(X @ z) ** 2 / 6
    problem = Problem.from_data(X, y, signal=z)
    assert problem.complex
    assert problem.n == 12
    w = np.concatenate([z.real, z.imag])
    assert problem.loss(w) < 1e-28
    lambdas, _ = problem.samples(w)
    np.testing.assert_allclose(lambdas, X @ z / np.sqrt(6), rtol=1e-13)
    np.testing.assert_allclose(Problem.from_data(X, signal=z).y, y, rtol=1e-12)


def test_the_data_are_not_copied_and_threads_change_nothing():
    X = np.random.default_rng(0).standard_normal((3000, 60)).astype(np.float32)
    y = np.random.default_rng(1).random(3000)
    one, several = (Problem.from_data(X, y, workers=k) for k in (1, 3))
    assert one.X is X
    assert one.dtype == np.float32
    W = one.random_point(2, size=40)
    np.testing.assert_array_equal(one.grad(W), several.grad(W))
    np.testing.assert_array_equal(one.loss(W), several.loss(W))
    assert one.memory() < X.nbytes + 3 * y.nbytes


def test_problems_pickle():
    problem = Problem(20, 3.0, 2.0, rng=0, dtype=np.float32, complex=True)
    other = pickle.loads(pickle.dumps(problem))
    w = problem.random_point(0)
    np.testing.assert_array_equal(other.grad(w), problem.grad(w))
    assert (other.a, other.complex, other.dtype) == (2.0, True, np.float32)
    np.testing.assert_array_equal(other.signal, problem.signal)


def test_other_tools_take_it():
    problem = Problem(12, 6.0, rng=0)
    w = problem.random_point(1)
    found = talweg.descend(problem, w, 0.02 * problem.N, 3)
    x = w
    for _ in range(3):
        x = x - 0.02 * problem.N * problem.grad(x)
    np.testing.assert_allclose(found.x, x, rtol=1e-10)
    assert problem.as_objective() is problem
    lowest = talweg.spectrum.lowest(problem, w, k=2, gradient=True)
    np.testing.assert_allclose(lowest.eigenvalues, np.linalg.eigvalsh(problem.hess(w))[:2])
    np.testing.assert_allclose(lowest.gradient, problem.grad(w), rtol=1e-12, atol=1e-14)
    hessian = problem.sphere_hessian(w)
    density = talweg.spectrum.density(hessian)
    values = np.linalg.eigvalsh(hessian.matmat(np.eye(12)))
    assert density.nodes.min() == pytest.approx(values[0], abs=1e-8)


def test_sums_with_other_objectives():
    problem = Problem(8, 4.0, rng=0)
    ridge = talweg.models.quadratic(np.eye(8))
    total = problem + ridge
    w = problem.random_point(0)
    np.testing.assert_allclose(total.grad(w), problem.grad(w) + w, rtol=1e-12)
    del problem
    assert np.isfinite(total(w))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"N": 1}, "N: want at least 2, got 1"),
        ({"alpha": 0.0}, "alpha: want a number above 0"),
        ({"alpha": -1}, "alpha: want a number above 0"),
        ({"alpha": np.nan}, "alpha: want a number above 0"),
        ({"alpha": 0.01}, "alpha: want at least one observation"),
        ({"a": 0.0}, "a: want a number above 0"),
        ({"a": -2.0}, "a: want a number above 0"),
        ({"a": np.nan}, "a: want a number above 0"),
        ({"labels": "signals"}, "labels: want 'signal' or 'random'"),
        ({"workers": 0}, "workers: want at least 1"),
        ({"rng": -1}, "rng: want None, a whole number"),
    ],
)
def test_numbers_that_make_no_sense(arguments, message):
    with pytest.raises(ValueError, match=message):
        Problem(**{"N": 10, "alpha": 2.0} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"N": 10.5}, "N: want a whole number"),
        ({"alpha": "2"}, "alpha: want a number"),
        ({"a": None}, "a: want a number"),
        ({"dtype": np.int64}, "dtype: want float64 or float32"),
        ({"dtype": "nonsense"}, "dtype: want float64 or float32"),
        ({"complex": 1}, "complex: want True or False"),
        ({"rng": "a"}, "rng: want None, a whole number"),
    ],
)
def test_values_of_the_wrong_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        Problem(**{"N": 10, "alpha": 2.0} | arguments)


def test_more_than_the_memory():
    with pytest.raises(NotEnoughMemory, match=r"N: X of 30000000 rows.*needs 2\.4 PB.*available"):
        Problem(10_000_000, 3.0)
    # Either way of catching it.
    for kind in (MemoryError, ValueError):
        with pytest.raises(kind, match="float32 takes half"):
            Problem(10_000_000, 3.0)


def test_the_memory_is_looked_at_before_anything_is_drawn():
    class Untouched(np.random.Generator):
        def standard_normal(self, *arguments, **options):
            raise AssertionError("drawn from")

    with pytest.raises(NotEnoughMemory, match="N: X of"):
        Problem(10_000_000, 3.0, rng=Untouched(np.random.PCG64(0)))
    with pytest.raises(NotEnoughMemory, match="EB of memory"):
        Problem(10**9, 3.0)
    with pytest.raises(NotEnoughMemory, match="N: X of"):
        Problem(10, 1e300)


def test_no_matrix_beyond_the_memory(monkeypatch):
    problem = Problem(50, 2.0, rng=0)
    monkeypatch.setattr("talweg.phase_retrieval.memory.available_memory", lambda: 10_000)
    with pytest.raises(NotEnoughMemory, match="hessp multiplies without forming"):
        problem.hess(problem.signal)
    with pytest.raises(NotEnoughMemory, match="third at 1 point of 50"):
        problem.third(problem.signal, problem.signal)
    assert np.isfinite(problem.hessp(problem.signal, problem.signal)).all()


def test_data_that_make_no_sense():
    X, y = np.ones((5, 3)), np.ones(5)
    for bad, message in (
        (np.ones(5), "X: want shape"),
        (np.ones((5, 1)), "X: want shape"),
        (np.array([[1.0, np.nan]] * 5), "X: want finite numbers, got nan in row 0"),
    ):
        with pytest.raises(ValueError, match=message):
            Problem.from_data(bad, y)
    with pytest.raises(TypeError, match="X: want numbers"):
        Problem.from_data(np.array([["a", "b"]]), y)
    with pytest.raises(ValueError, match="y: want shape"):
        Problem.from_data(X, np.ones(4))
    with pytest.raises(ValueError, match=r"y: want intensities u\^2, none negative, got -1 at 2"):
        Problem.from_data(X, [1, 1, -1, 1, 1])
    with pytest.raises(ValueError, match="y: want finite numbers"):
        Problem.from_data(X, [1, 1, np.inf, 1, 1])
    with pytest.raises(TypeError, match="y: want the observed"):
        Problem.from_data(X)
    with pytest.raises(ValueError, match=r"signal: want \|signal\|\^2 = N"):
        Problem.from_data(X, y, signal=[1, 1, 2])
    with pytest.raises(ValueError, match="signal: want shape"):
        Problem.from_data(X, y, signal=np.ones(4))
    with pytest.raises(ValueError, match="X: want numbers of size one"):
        Problem.from_data(1e200 * X, signal=np.ones(3))


def test_points_that_make_no_sense():
    problem = Problem(10, 2.0, rng=0)
    with pytest.raises(ValueError, match=r"w: want shape \(10,\)"):
        problem.loss(np.ones(9))
    with pytest.raises(ValueError, match="w: want numbers, got NaN"):
        problem.loss(np.full(10, np.nan))
    for method in (problem.riemannian_gradient, problem.sphere_hessian, problem.extreme_pairs):
        with pytest.raises(ValueError, match=r"w: want \|w\|\^2 = N.*on_sphere"):
            method(2 * np.ones(10))
    with pytest.raises(ValueError, match="w: want one point"):
        problem.sphere_hessian(problem.random_point(0, size=2))
    with pytest.raises(ValueError, match="which: want one of"):
        problem.extreme_pairs(np.ones(10), which="smallest")
    with pytest.raises(ValueError, match="k: want at most 9"):
        problem.extreme_pairs(np.ones(10), k=10)
    with pytest.raises(ValueError, match="start: want shape"):
        problem.extreme_pairs(np.ones(10), start=np.ones(9))
    with pytest.raises(ValueError, match="tol: want a positive"):
        problem.extreme_pairs(np.ones(10), tol=-1)
    with pytest.raises(ValueError, match="w: want finite points other than zero"):
        problem.on_sphere(np.zeros(10))
    np.testing.assert_allclose(problem.on_sphere(np.full(10, 1e-200)), np.ones(10), rtol=1e-14)
    # Results beyond the range of numbers stay in their place.
    far = problem.loss(np.array([np.ones(10), np.full(10, 1e200)]))
    assert np.isfinite(far[0])
    assert not np.isfinite(far[1])


def test_all_eigenpairs_of_a_small_problem():
    problem = Problem(6, 3.0, rng=0)
    pairs = problem.extreme_pairs(problem.random_point(0), k=5)
    assert pairs.status is Status.CONVERGED
    np.testing.assert_allclose(pairs.eigenvectors.T @ pairs.eigenvectors, np.eye(5), atol=1e-12)
