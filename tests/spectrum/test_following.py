"""Eigenpairs along paths where the true ones are known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.spectrum import follow
from talweg.status import Status


def line(start, stop, m, n):
    """Points along the first axis."""
    return np.column_stack([np.linspace(start, stop, m), np.zeros((m, n - 1))])


def coupled(gap):
    """Its Hessian on the first axis is diag(10) and [[x, gap / 2], [gap / 2, -x]]."""
    return talweg.Objective(
        lambda x: gap * x[1] * x[2] / 2 + x[0] * (x[1] ** 2 - x[2] ** 2) / 2 + 5 * x[0] ** 2, 3
    )


def orthogonal(n, seed):
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))[0]


def check_pairs(found, hessians, tolerance=1e-9):
    """Eigenpairs of unit length, each a continuation of itself."""
    values, vectors = found.eigenvalues, found.eigenvectors
    residual = hessians @ vectors - vectors * values[:, None, :]
    assert np.abs(residual).max() <= tolerance * max(1.0, np.abs(hessians).max())
    gram = np.swapaxes(vectors, 1, 2) @ vectors
    assert np.abs(gram - np.eye(values.shape[1])).max() <= tolerance
    steps = (vectors[1:] * vectors[:-1]).sum(axis=1)
    assert (steps > 0).all()


def test_exact_crossings_of_a_separable_function():
    # Eigenvalues x0^2, 1 and 2.
    f = talweg.Objective(lambda x: x[0] ** 4 / 12 + x[1] ** 2 / 2 + x[2] ** 2, 3)
    path = line(0.2, 1.9, 9, 3)
    found = follow(f, path)
    assert found.success
    np.testing.assert_allclose(found.eigenvalues[:, 0], path[:, 0] ** 2, rtol=1e-12)
    np.testing.assert_allclose(found.eigenvalues[:, 1:], [[1, 2]] * 9, rtol=1e-12)
    np.testing.assert_allclose(np.abs(found.eigenvectors), [np.eye(3)] * 9, atol=1e-14)
    first, second = found.crossings
    assert (first.kind, first.pair, first.swapped) == ("crossing", (0, 1), True)
    assert (second.kind, second.pair, second.swapped) == ("crossing", (0, 2), True)
    np.testing.assert_allclose(first.x, [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(second.x, [np.sqrt(2), 0, 0], atol=1e-9)
    assert first.gap < 1e-9
    assert first.eigenvalue == pytest.approx(1.0)
    np.testing.assert_array_equal(found.places[0], [0, 1, 2])
    np.testing.assert_array_equal(found.places[-1], [2, 0, 1])
    assert found.arclength[-1] == pytest.approx(1.7)
    check_pairs(found, f.hess(path))


def test_a_crossing_on_a_point_of_the_path_and_one_of_three():
    f = talweg.Objective(lambda x: x[0] ** 4 / 12 + x[1] ** 2 / 2 + x[2] ** 2 / 2, 3)
    path = line(0.0, 2.0, 5, 3)
    found = follow(f, path)
    assert found.success
    np.testing.assert_allclose(found.eigenvalues[:, 0], path[:, 0] ** 2, atol=1e-12)
    assert {c.pair for c in found.crossings if c.kind == "crossing"} == {(0, 1), (0, 2)}
    for crossing in found.crossings:
        np.testing.assert_allclose(crossing.x, [1, 0, 0], atol=1e-9)


def test_eigenvalues_that_touch():
    # 1 + (x0 - 1)^2 and 1.
    f = talweg.Objective(lambda x: x[0] ** 2 / 2 + (x[0] - 1) ** 4 / 12 + x[1] ** 2 / 2, 2)
    found = follow(f, line(0.0, 2.0, 5, 2))
    (meeting,) = found.crossings
    assert (meeting.kind, meeting.swapped, meeting.position) == ("touching", False, 2.0)
    np.testing.assert_array_equal(found.eigenvalues[:, 0], np.ones(5))


@pytest.mark.parametrize("gap", [0.5, 0.02, 1e-4, 1e-7])
@pytest.mark.parametrize("m", [9, 41])
def test_avoided_crossing(gap, m):
    f = coupled(gap)
    path = line(-1.0, 1.03, m, 3)
    found = follow(f, path)
    assert found.success
    (met,) = found.crossings
    assert met.kind == "avoided"
    assert met.pair == (0, 1)
    assert met.gap == pytest.approx(gap, rel=1e-6)
    assert abs(met.x[0]) < 1e-6
    assert met.eigenvalue == pytest.approx(0.0, abs=1e-9)
    curve = np.sqrt(path[:, 0] ** 2 + gap**2 / 4)
    if met.swapped:
        np.testing.assert_allclose(found.eigenvalues[:, 0], np.sign(path[:, 0]) * curve, rtol=1e-9)
        assert 2 / m > gap
    else:
        np.testing.assert_allclose(found.eigenvalues[:, 0], -curve, rtol=1e-9)
        assert gap > 1e-3
    check_pairs(found, f.hess(path))


def test_a_gap_that_closes_is_no_avoided_crossing():
    (met,) = follow(coupled(0.0), line(-1.0, 1.03, 8, 3)).crossings
    assert met.kind == "crossing"
    assert met.gap < 1e-12


def test_a_gap_without_exchange_is_no_crossing():
    # 1 + x0^2 and 0.9 keep their vectors.
    hessians = [np.diag([1 + t * t, 0.9, 5.0]) for t in np.linspace(-1, 1, 11)]
    assert follow(np.array(hessians)).crossings == []


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 6),
    st.integers(0, 2**32 - 1),
    st.lists(st.floats(-1, 1, allow_subnormal=False), min_size=12, max_size=12),
)
def test_rotating_frames_with_crossings(n, seed, numbers):
    """H(t) = U(t) diag(a + b t) U(t)': each line is followed, its vector is a column of U."""
    m = 61
    t = np.linspace(0, 1, m)
    a, b = np.arange(n) + np.array(numbers[:n]), 4 * np.array(numbers[6 : 6 + n])
    generator = np.triu(np.random.default_rng(seed).standard_normal((n, n)), 1)
    generator -= generator.T
    angles, basis = np.linalg.eigh(1j * generator / np.linalg.norm(generator))
    turns = ((basis * np.exp(-1j * t[:, None, None] * angles)) @ basis.conj().T).real
    lines = a + t[:, None] * b
    hessians = (turns * lines[:, None, :]) @ np.swapaxes(turns, 1, 2)
    found = follow((hessians + np.swapaxes(hessians, 1, 2)) / 2)
    order = np.argsort(lines[0], kind="stable")
    gaps = np.abs(lines[:, :, None] - lines[:, None, :]) + 10 * np.eye(n)
    if gaps.min() < 1e-6:  # a point so near a crossing that rounding turns its vectors
        return
    assert found.success
    np.testing.assert_allclose(found.eigenvalues, lines[:, order], atol=1e-9)
    products = (found.eigenvectors * turns[:, :, order]).sum(axis=1)
    np.testing.assert_allclose(np.abs(products), 1.0, atol=1e-6)
    # No sign changes.
    assert (np.sign(products) == np.sign(products[0])).all()
    swaps = sum(
        1
        for p in range(n)
        for q in range(p)
        if (lines[0, p] < lines[0, q]) != (lines[-1, p] < lines[-1, q])
    )
    assert sum(c.kind == "crossing" for c in found.crossings) == swaps


def test_equal_throughout_is_parallel_transport():
    # Zero curvature around the circle, and along the third axis.
    f = talweg.Objective(lambda x: (x @ x - 1) ** 2 / 4, 3)
    angle = np.linspace(0, 2 * np.pi, 25)
    path = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle])
    found = follow(f, path)
    assert found.success
    assert found.crossings == []
    check_pairs(found, f.hess(path))
    np.testing.assert_allclose(found.eigenvalues, [[0, 0, 2]] * 25, atol=1e-12)
    # The axis of the path stays where it is: its vector turns with nothing.
    inside = np.einsum("ij,mjk->mik", np.eye(3)[2:], found.eigenvectors[:, :, :2])
    np.testing.assert_allclose(inside, np.repeat(inside[:1], 25, axis=0), atol=1e-9)
    sphere = follow(talweg.Objective(lambda x: x @ x / 2, 3), path)
    assert np.ptp(sphere.eigenvectors, axis=0).max() < 1e-14


def test_a_degenerate_start_is_resolved_by_what_follows():
    # At 0 both curvatures are 1; further on 1 - z and 1 + z along the diagonals.
    f = talweg.Objective(lambda x: (x[0] ** 2 + x[1] ** 2) / 2 + x[2] * x[0] * x[1], 3)
    path = np.column_stack([np.zeros((5, 2)), np.linspace(0, 0.8, 5)])
    found = follow(f, path)
    assert found.success
    assert found.refinements == 0
    z = path[:, 2]
    np.testing.assert_allclose(found.eigenvalues[:, 1:], np.column_stack([1 - z, 1 + z]))
    np.testing.assert_allclose(np.abs(found.eigenvectors[0, :2, 1:]), np.sqrt(0.5))
    check_pairs(found, f.hess(path))


def test_steps_are_halved_where_vectors_turn_fast():
    f = coupled(0.2)
    path = line(-1.0, 0.03, 4, 3)
    found = follow(f, path)
    assert found.refinements > 0
    assert found.success
    assert found.overlap.min() >= 0.85
    coarse = follow(f, path, refinements=0)
    assert not coarse.success
    assert coarse.status[-1] == Status.DEGENERATE
    assert (coarse.status[:-1] == Status.CONVERGED).all()


def test_hessians_alone():
    t = np.linspace(-1, 1.03, 40)
    hessians = np.array([[[s, 0.05], [0.05, -s]] for s in t])
    found = follow(hessians)
    (met,) = found.crossings
    assert met.kind == "avoided"
    assert np.isnan(met.gap)
    assert met.x is None
    assert found.x is None
    named = follow(hessians, np.column_stack([t, t]))
    assert named.crossings[0].x is not None
    crossing = np.array([np.diag([s, -s, 3.0]) for s in t])
    (met,) = follow(crossing, k=1).crossings
    assert met.kind == "crossing"
    assert met.pair == (0, 1)
    exact = np.interp(0.0, t, np.arange(40))
    assert met.position == pytest.approx(exact)
    turned = orthogonal(3, 1) @ crossing @ orthogonal(3, 1).T
    again = follow((turned + np.swapaxes(turned, 1, 2)) / 2, k=2)
    assert again.eigenvectors.shape == (40, 3, 2)
    np.testing.assert_allclose(again.eigenvalues[:, 0], t, atol=1e-12)


def test_points_without_a_finite_hessian():
    hessians = np.array([np.diag([t, 1.0, 2.0]) for t in np.linspace(0, 3, 7)])
    hessians[3] = np.nan
    found = follow(hessians)
    assert found.status[3] == Status.NON_FINITE
    assert np.isnan(found.eigenvalues[3]).all()
    assert not found.success
    np.testing.assert_allclose(found.eigenvalues[[0, 6], 0], [0, 3])
    assert "not finite at 1 points" in found.message
    nothing = follow(np.full((3, 2, 2), np.nan))
    assert (nothing.status == Status.NON_FINITE).all()


def test_curves_of_talweg():
    f = talweg.surfaces.muller_brown()
    curve = talweg.trace(f, [0.6234994049308765, 0.02803775852868567])
    found = follow(curve)
    assert found.success
    check_pairs(found, f.hess(curve.x))
    again = follow(f, curve)
    np.testing.assert_array_equal(found.eigenvalues, again.eigenvalues)
    inside = curve.eigenvector
    overlaps = np.abs((inside[:, :, None] * found.eigenvectors).sum(axis=1)).max(axis=1)
    assert np.median(overlaps) > 1 - 1e-6


def test_few_of_many_coordinates():
    n = 400
    # Curvatures 1, 2, ... and one that rises with the first coordinate through the lowest ones.
    stiffness = np.arange(1.0, n)

    def function(x):
        return x[0] ** 4 / 12 + (stiffness * x[1:] ** 2).sum() / 2

    f = talweg.Objective(function, n)
    path = line(0.3, 1.6, 7, n)
    found = follow(f, path, k=2)
    assert found.success
    np.testing.assert_allclose(found.eigenvalues[:, 0], path[:, 0] ** 2, rtol=1e-6)
    np.testing.assert_allclose(found.eigenvalues[:, 1], 1.0, rtol=1e-6)
    (met,) = [c for c in found.crossings if c.pair == (0, 1)]
    assert met.kind == "crossing"
    assert met.x[0] == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((talweg.surfaces.toy(),), {}, TypeError, "path: want points"),
        ((talweg.surfaces.toy(), np.zeros((1, 2))), {}, ValueError, "path: want shape"),
        ((talweg.surfaces.toy(), np.zeros((4, 3))), {}, ValueError, "path: want shape"),
        ((talweg.surfaces.toy(), np.full((4, 2), np.inf)), {}, ValueError, "path: want finite"),
        ((np.zeros((4, 2)),), {}, ValueError, "f: want a function"),
        ((np.zeros((4, 2, 2)), np.zeros((3, 2))), {}, ValueError, "path: want shape"),
        ((np.zeros((4, 2, 2)),), {"k": 3}, ValueError, "k: want at most"),
        ((np.zeros((4, 2, 2)),), {"k": 0}, ValueError, "k: want at least"),
        ((np.zeros((4, 2, 2)),), {"overlap": 0.5}, ValueError, "overlap: want"),
        ((np.zeros((4, 2, 2)),), {"refinements": -1}, ValueError, "refinements: want"),
        ((np.zeros((4, 2, 2)),), {"rtol": 0}, ValueError, "rtol: want"),
    ],
)
def test_bad_arguments(arguments, options, error, message):
    with pytest.raises(error, match=message):
        follow(*arguments, **options)


def test_a_curve_is_its_own_path():
    curve = talweg.trace(talweg.surfaces.toy(), [0.0, 0.0], max_length=1.0)
    with pytest.raises(TypeError, match="path: the curve"):
        follow(curve, curve.x)


def test_pictures():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    found = follow(coupled(0.1), line(-1.0, 1.03, 12, 3))
    figure = found.plot(title="avoided")
    assert len(figure.axes[0].lines) == 4
    pyplot.close(figure)
    assert "1 avoided" in repr(found)
    assert found.asdict()["x"].shape == (12, 3)


@pytest.mark.parametrize("ends", [(0.2, 1.4), (0.0, 2**0.5), (0.5, 1.75**0.5)])
def test_a_crossing_between_points_of_equal_gaps(ends):
    f = talweg.Objective(lambda x: (x[0] ** 4 + 6 * x[1] ** 2) / 12, 2)
    found = follow(f, [[ends[0], 0.0], [ends[1], 0.0]])
    (crossing,) = found.crossings
    assert (crossing.kind, crossing.swapped) == ("crossing", True)
    np.testing.assert_allclose(crossing.x, [1.0, 0.0], atol=1e-9)
