"""Gradient extremals in a metric: the same curves as in coordinates where it is Euclidean."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg

MATRIX = np.array([[1.0, 0.3], [-0.2, 0.8]])


@pytest.fixture(scope="module")
def surface():
    return talweg.surfaces.muller_brown()


@pytest.fixture(scope="module")
def transported(surface):
    """u -> f(B u) with the metric B'B, in which u is what B u is in the Euclidean one."""
    return surface.restricted([0.0, 0.0], MATRIX).with_metric(MATRIX.T @ MATRIX)


@pytest.fixture(scope="module")
def starts(surface):
    return talweg.critical_points(surface)


def test_critical_points(surface, transported, starts):
    inverse = np.linalg.inv(MATRIX)
    got = talweg.critical_points(transported, starts=[inverse @ p.x for p in starts])
    for p, q in zip(starts, got, strict=True):
        assert np.linalg.norm(MATRIX @ q.x - p.x) <= 10 * p.error
        np.testing.assert_allclose(q.eigenvalues, p.eigenvalues, rtol=1e-12)
        assert q.morse_index == p.morse_index
        cosines = np.abs(np.sum(MATRIX @ q.eigenvectors * p.eigenvectors, axis=0))
        np.testing.assert_allclose(cosines, 1.0, rtol=1e-12)
        product = q.eigenvectors.T @ transported.metric @ q.eigenvectors
        np.testing.assert_allclose(product, np.eye(2), atol=1e-13)


@pytest.mark.parametrize("branch", [0, 1])
@pytest.mark.parametrize("which", [1, 3])
def test_curves(surface, transported, starts, which, branch):
    inverse = np.linalg.inv(MATRIX)
    options = {"bounds": (), "max_length": 1.2, "max_step": 0.01}
    vector = starts[which].eigenvectors[:, branch]
    want = talweg.trace(surface, starts[which], branch, vector, **options)
    got = talweg.trace(transported, inverse @ starts[which].x, branch, inverse @ vector, **options)
    assert [e.kind for e in got.events] == [e.kind for e in want.events]
    for d, e in zip(got.events, want.events):
        assert np.linalg.norm(MATRIX @ d.x - e.x) <= 20 * (d.error + e.error)
        assert abs(d.arclength - e.arclength) < 1e-5
        assert d.morse_index == e.morse_index
    np.testing.assert_allclose(MATRIX @ got.x[-1], want.x[-1], atol=1e-5)
    np.testing.assert_allclose(np.abs(got.slope[-1]), np.abs(want.slope[-1]), rtol=1e-3)


def residual(f, curve):
    g, h = f.grad(curve.x), f.hess(curve.x)
    product = np.einsum("mij,mj->mi", h, np.linalg.solve(f.metric, g.T).T)
    error = np.linalg.norm(product - curve.eigenvalue[:, None] * g, axis=1)
    size = np.linalg.norm(h, axis=(1, 2)) * np.linalg.norm(g, axis=1)
    return error, size


@settings(max_examples=12)
@given(
    st.tuples(st.floats(0.3, 3), st.floats(0.3, 3), st.floats(-0.8, 0.8)),
)
def test_the_defining_equation_holds(entries):
    a, c, skew = entries
    b = skew * np.sqrt(a * c)
    f = talweg.Objective(
        lambda x: x[0] ** 2 / 2 + 2 * x[1] ** 2 + x[0] ** 2 * x[1] / 4 + x[0] * x[1] / 3,
        2,
        bounds=[(-1, 1), (-0.8, 0.9)],
    ).with_metric([[a, b], [b, c]])
    result = talweg.survey(f)
    assert result.success
    for curve in result.extremals:
        error, size = residual(f, curve)
        assert (error <= 1e-10 * size + 1e-11).all()
        assert (curve.x >= f.bounds[:, 0] - 1e-12).all()
        assert (curve.x <= f.bounds[:, 1] + 1e-12).all()
        lengths = np.einsum("mi,ij,mj->m", curve.tangent, f.metric, curve.tangent)
        np.testing.assert_allclose(lengths, 1.0, rtol=1e-9)
        steps = np.diff(curve.x, axis=0)
        chords = np.sqrt(np.einsum("mi,ij,mj->m", steps, f.metric, steps))
        assert chords.sum() <= curve.arclength[-1] * (1 + 1e-9)
        assert chords.sum() >= curve.arclength[-1] * (1 - 1e-3)
        slopes = np.einsum(
            "mi,mi->m", f.grad(curve.x), np.linalg.solve(f.metric, f.grad(curve.x).T).T
        )
        np.testing.assert_allclose(curve.slope**2, slopes, rtol=1e-8, atol=1e-20)


def test_events_at_the_box_lie_on_it(surface):
    f = surface.with_metric([[2.0, 0.7], [0.7, 1.0]])
    result = talweg.survey(f)
    on_faces = [e for curve in result.extremals for e in curve.events if e.kind == "boundary"]
    assert on_faces
    for event in on_faces:
        gap = np.abs(event.x[:, None] - f.bounds).min()
        assert gap <= 10 * event.error + 1e-12


def test_the_identity_changes_nothing(surface):
    want, got = talweg.survey(surface), talweg.survey(surface.with_metric(np.eye(2)))
    assert got.half_branches == want.half_branches
    for p, q in zip(got.critical_points, want.critical_points, strict=True):
        assert np.linalg.norm(p.x - q.x) <= p.error + q.error


def test_every_way_of_tracing(surface):
    f = surface.with_metric([4.0, 1.0])
    minimum = talweg.critical_points(f)[1]
    np.testing.assert_allclose(
        minimum.eigenvalues,
        np.sort(np.linalg.eigvals(np.linalg.solve(f.metric, f.hess(minimum.x))).real),
        rtol=1e-12,
    )
    curve = talweg.trace(f, minimum)
    talweg_ = talweg.trace_talweg(f, minimum.x)
    stepped = talweg.ExtremalTracer(f, minimum.x)
    points = [point["x"] for point in stepped]
    np.testing.assert_allclose(stepped.extremal().x, curve.x, atol=1e-9)
    np.testing.assert_allclose(points[-1], curve.x[-1], atol=1e-9)
    for traced in (curve, talweg_):
        error, size = residual(f, traced)
        assert (error <= 1e-10 * size + 1e-9).all()
    start = np.array([0.4, 0.1])
    onto = talweg.trace(f, start, max_points=2)
    error, size = residual(f, onto)
    assert (error <= 1e-9 * size).all()


def test_the_objective_keeps_its_derivatives(surface):
    f = surface.with_metric([4.0, 1.0])
    x = np.array([0.3, 0.4])
    np.testing.assert_array_equal(f.grad(x), surface.grad(x))
    np.testing.assert_array_equal(f.hess(x), surface.hess(x))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(f)).metric, np.diag([4.0, 1.0]))
    arrays = f.to_arrays()
    np.testing.assert_array_equal(talweg.Objective.from_arrays(arrays).metric, f.metric)
    np.testing.assert_array_equal((2 * f + 1).metric, f.metric)
    np.testing.assert_array_equal(f.fixed({1: 0.0}).metric, [[4.0]])
    with pytest.raises(ValueError, match="different metrics"):
        f + surface


@pytest.mark.parametrize(
    ("metric", "kind", "message"),
    [
        ([1.0, 2.0, 3.0], ValueError, r"metric: want shape \(2, 2\) or \(2,\), got \(3,\)"),
        ([1.0, -2.0], ValueError, "positive definite matrix, got one with the eigenvalue -2"),
        ([[1.0, 0.5], [0.0, 1.0]], ValueError, "metric: want a symmetric matrix"),
        ([[1.0, 2.0], [2.0, 1.0]], ValueError, "eigenvalue -1"),
        ([1.0, np.nan], ValueError, "metric: want finite numbers"),
        (["a", "b"], TypeError, "metric: want real numbers"),
    ],
)
def test_metrics_that_make_no_sense(surface, metric, kind, message):
    with pytest.raises(kind, match=message):
        surface.with_metric(metric)
