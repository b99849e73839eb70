"""Spectra of Hessians against the Hessians themselves and NumPy."""

import numpy as np
import pytest
import scipy.linalg

import talweg
from talweg import Objective, Status, models, spectrum, surfaces

RNG = np.random.default_rng(0)


def callable_objective():
    return Objective.from_callables(
        lambda x: (x**4).sum() / 12 + x[0] * x[1],
        n=3,
        batched=False,
        grad=lambda x: x**3 / 3 + np.array([x[1], x[0], 0.0]),
        hess=lambda x: np.diag(x**2) + np.array([[0, 1, 0], [1, 0, 0], [0, 0, 0.0]]),
    )


OBJECTIVES = {
    "Müller-Brown": surfaces.muller_brown,
    "Müller-Brown, compiled": lambda: surfaces.muller_brown().compile(),
    "Rosenbrock, n = 5": lambda: surfaces.rosenbrock(5),
    "chain, n = 20": lambda: models.phi4_chain(20),
    "chain, n = 70": lambda: models.phi4_chain(70),
    "quadratic, n = 3": lambda: models.quadratic(np.diag([1.0, -2.0, 0.0])),
    "one coordinate": lambda: Objective(lambda x: np.sin(x[0]), 1),
    "callables": callable_objective,
    "clusters": lambda: models.lennard_jones(4).with_rigid_motions(),
}
every_objective = pytest.mark.parametrize("kind", OBJECTIVES)


def case(kind, count=137):
    if "compiled" in kind:
        pytest.importorskip("llvmlite")
    f = OBJECTIVES[kind]()
    x = RNG.uniform(-1.5, 1.5, size=(count, f.n))
    if "clusters" in kind:
        x = 0.2 * x + [0, 0, 0, 1.1, 0, 0, 0, 1.1, 0, 0, 0, 1.2]
    return f, x


@every_objective
@pytest.mark.parametrize("workers", [1, 2, None])
def test_as_of_the_hessians(kind, workers):
    f, x = case(kind)
    H = f.hess(x)
    size = np.abs(H).max(axis=(-1, -2))[:, None]
    values, vectors = spectrum.hessian_eigh(f, x, workers=workers)
    bound = 1e-13 * f.n
    np.testing.assert_allclose(values / size, np.linalg.eigvalsh(H) / size, rtol=0, atol=bound)
    residual = H @ vectors - vectors * values[:, None, :]
    assert (np.abs(residual) <= bound * size[..., None]).all()
    np.testing.assert_allclose(
        np.swapaxes(vectors, 1, 2) @ vectors, np.broadcast_to(np.eye(f.n), H.shape), atol=bound
    )
    only = spectrum.hessian_eigvalsh(f, x, workers=workers)
    np.testing.assert_allclose(only / size, values / size, rtol=0, atol=bound)
    np.testing.assert_array_equal(
        spectrum.hessian_inertia(f, x, workers=workers), spectrum.inertia(H)
    )
    for offset, factor in ((0.0, 1.0), (1.0, -0.01)):
        scalars = {"offset": offset, "factor": factor}
        fused = spectrum.hessian_slogdet(f, x, workers=workers, **scalars)
        stored = spectrum.slogdet(H, **scalars)
        np.testing.assert_array_equal(fused.sign, stored.sign)
        np.testing.assert_array_equal(fused.logabsdet, stored.logabsdet)


@every_objective
def test_one_point_is_a_row_of_many(kind):
    f, x = case(kind, 30)
    values, vectors = spectrum.hessian_eigh(f, x)
    counts = np.stack(spectrum.hessian_inertia(f, x), axis=-1)
    determinants = spectrum.hessian_slogdet(f, x)
    for k in (0, 7, 29):
        one = spectrum.hessian_eigh(f, x[k])
        np.testing.assert_array_equal(one.eigenvalues, values[k])
        np.testing.assert_array_equal(one.eigenvectors, vectors[k])
        assert spectrum.hessian_eigvalsh(f, x[k]).shape == (f.n,)
        assert spectrum.hessian_inertia(f, x[k]) == tuple(counts[k].tolist())
        single = spectrum.hessian_slogdet(f, x[k])
        assert isinstance(single.sign, float)
        assert single == (determinants.sign[k], determinants.logabsdet[k])


def test_a_plain_function_is_recorded():
    values = spectrum.hessian_eigvalsh(lambda x: x[0] ** 2 + 3 * x[1] ** 2, [[0.0, 1.0]])
    np.testing.assert_allclose(values, [[2.0, 6.0]], rtol=1e-15)


def test_no_points():
    f = surfaces.toy()
    assert spectrum.hessian_eigvalsh(f, np.zeros((0, 2))).shape == (0, 2)
    assert spectrum.hessian_eigh(f, np.zeros((0, 2))).eigenvectors.shape == (0, 2, 2)
    assert spectrum.hessian_inertia(f, np.zeros((0, 2))).zero.shape == (0,)


def test_where_the_hessian_is_not_finite():
    f = Objective(lambda x: np.log(x[0]) + x[1] ** 2 * x[0], 2)
    x = np.array([[1.0, 2.0], [0.0, 1.0], [3.0, -1.0]])
    codes = np.zeros(3, dtype=np.intc)
    values, vectors = spectrum.hessian_eigh(f, x, status_out=codes)
    assert codes.tolist() == [Status.CONVERGED, Status.NON_FINITE, Status.CONVERGED]
    assert np.isnan(values[1]).all()
    assert np.isnan(vectors[1]).all()
    np.testing.assert_allclose(values[[0, 2]], np.linalg.eigvalsh(f.hess(x[[0, 2]])), rtol=1e-13)
    codes[:] = 0
    assert spectrum.hessian_inertia(f, x, status_out=codes).negative.tolist() == [1, -1, 1]
    assert codes.tolist() == [Status.CONVERGED, Status.NON_FINITE, Status.CONVERGED]
    assert np.isnan(spectrum.hessian_slogdet(f, x).logabsdet).tolist() == [False, True, False]


@pytest.mark.parametrize("metric", [[1.0, 9.0], [[2.0, 0.5], [0.5, 1.0]]])
def test_in_a_metric_the_pairs_are_those_of_the_pencil(metric):
    f = surfaces.muller_brown().with_metric(metric)
    x = RNG.uniform(-1, 1, size=(20, 2))
    values, vectors = spectrum.hessian_eigh(f, x)
    P = f.metric
    for k, H in enumerate(f.hess(x)):
        expected = scipy.linalg.eigh(H, P, eigvals_only=True)
        scale = np.abs(expected).max()
        np.testing.assert_allclose(values[k], expected, rtol=0, atol=1e-12 * scale)
        u = vectors[k]
        np.testing.assert_allclose(H @ u, P @ u * values[k], rtol=0, atol=1e-11 * scale)
        np.testing.assert_allclose(u.T @ P @ u, np.eye(2), atol=1e-13)
        assert (u[np.abs(u).argmax(axis=0), [0, 1]] > 0).all()
        _, determinant = spectrum.hessian_slogdet(f, x[k])
        assert determinant == pytest.approx(np.log(np.abs(expected)).sum(), abs=1e-10)
    np.testing.assert_array_equal(spectrum.hessian_inertia(f, x), spectrum.inertia(f.hess(x)))
    minimum = talweg.critical_points(f)[0]
    np.testing.assert_allclose(
        spectrum.hessian_eigvalsh(f, minimum.x), minimum.eigenvalues, rtol=1e-10
    )


def test_results_go_into_the_arrays_given():
    f = surfaces.muller_brown()
    x = RNG.uniform(-1, 1, size=(50, 2))
    values, vectors = np.empty((2, 50)).T, np.empty((50, 2, 3))[:, :, 1:]
    result = spectrum.hessian_eigh(f, x, out=(values, vectors))
    assert result.eigenvalues is values
    assert result.eigenvectors is vectors
    for written, expected in zip(result, spectrum.hessian_eigh(f, x), strict=True):
        np.testing.assert_array_equal(written, expected)
    memory = x.copy()
    assert spectrum.hessian_eigvalsh(f, memory, out=memory) is memory
    np.testing.assert_array_equal(memory, result.eigenvalues)
    counts = np.empty((50, 3), np.intc)
    assert np.shares_memory(spectrum.hessian_inertia(f, x, out=counts).negative, counts)
    pair = np.empty(50), np.empty(50)
    assert spectrum.hessian_slogdet(f, x, out=pair).logabsdet is pair[1]


@pytest.mark.parametrize(
    "function",
    [
        spectrum.hessian_eigh,
        spectrum.hessian_eigvalsh,
        spectrum.hessian_inertia,
        spectrum.hessian_slogdet,
    ],
)
def test_refused(function):
    f = surfaces.toy()
    with pytest.raises(TypeError, match="f: want a talweg.Objective or a function"):
        function(3, [0.0, 0.0])
    with pytest.raises(ValueError, match=r"x: want shape \(2,\) or \(m, 2\), got \(3,\)"):
        function(f, [0.0, 0.0, 0.0])
    with pytest.raises(ValueError, match="x: want numbers, got NaN"):
        function(f, [0.0, np.nan])
    with pytest.raises(ValueError, match="x: want finite numbers, got .*inf"):
        function(f, [0.0, np.inf])
    with pytest.raises(ValueError, match="x: want finite numbers, got .*-inf.* in row 2"):
        function(f, [[0.0, 1.0], [1.0, 1.0], [-np.inf, 0.0]])
    with pytest.raises(TypeError, match="x: want real numbers, got dtype complex128"):
        function(f, [1j, 0.0])
    with pytest.raises(ValueError, match="workers: want at least 1, got -1"):
        function(f, [0.0, 0.0], workers=-1)
    with pytest.raises(ValueError, match=r"status_out: want shape \(\), got \(1,\)"):
        function(f, [0.0, 0.0], status_out=np.zeros(1, dtype=np.intc))
    with pytest.raises((TypeError, ValueError), match=r"out"):
        function(f, [0.0, 0.0], out=np.zeros(7))


def test_an_exception_of_a_callback_comes_out():
    def hess(x):
        if (x > 5).any():
            raise RuntimeError("no Hessian here")
        return np.eye(2)

    f = Objective.from_callables(
        lambda x: x @ x / 2, n=2, grad=lambda x: x, hess=hess, batched=False
    )
    with pytest.raises(RuntimeError, match="no Hessian here"):
        spectrum.hessian_eigvalsh(f, [[0.0, 0.0], [1.0, 9.0]])
