"""The theory of complex data against closed forms and random matrices."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talweg.phase_retrieval import (
    Problem,
    alpha_bbp,
    bbp_ratio,
    bulk_density,
    curvature_weights,
    empirical_law,
    gaussian_law,
    left_edge,
    outlier,
    preprocessing_law,
    smallest_alpha_bbp,
)

from .complex_data import (
    complex_normal,
    curvature_matrix,
    in_coordinates,
    lowest,
    projections,
    resolvent_means,
)

# The law.


@pytest.mark.parametrize("a", [1e-3, 0.3, 1.0, 40.0])
@pytest.mark.parametrize("q", [0.05, 0.37, 0.4999])
def test_means_of_the_resolvent(a, q):
    law = gaussian_law(a, complex=True)
    ratio, square = law.d / (1.0 + q * law.d), law.direction_squared
    found = [ratio, ratio**2, ratio * (1.0 - square), ratio**2 * square]
    for values, exact in zip(found, resolvent_means(a, q)):
        assert law.mean(values) == pytest.approx(float(exact), rel=1e-9, abs=1e-9)


@given(st.floats(-0.95, 0.95), st.floats(0.01, 100.0))
@settings(max_examples=10)
def test_moments_of_correlated_gaussians(m, a):
    value, error = gaussian_law(a, m, complex=True).expect(
        lambda lam, u: np.stack(
            [
                lam,
                lam.conj() * u,
                abs(lam) ** 2,
                abs(lam * u) ** 2,
                (lam.conj() * u) ** 2,
                u.real**2,
            ]
        )
    )
    exact = [0.0, m, 1.0, 1.0 + m * m, 2.0 * m * m, 0.5]
    assert value == pytest.approx(exact, abs=1e-7)
    assert (np.abs(value - exact) <= np.maximum(error, 1e-12)).all()


@pytest.mark.parametrize("m", [0.0, 0.6, -0.8])
def test_a_correlated_mean_by_products_of_one_dimensional_rules(m):
    # lambda > 0 by its phase, u = m lambda + sqrt(1 - m^2) (p + i s) with independent p and s.
    a, q = 1.0, 0.3
    x, wx = np.polynomial.laguerre.laggauss(60)
    t, wt = np.polynomial.hermite.hermgauss(60)
    x, p, s = np.meshgrid(x, t, t, indexing="ij")
    weights = np.einsum("i,j,k->ijk", wx, wt, wt) / math.pi
    narrow = math.sqrt(1.0 - m * m)
    along, across = curvature_weights(np.sqrt(x), m * np.sqrt(x) + narrow * (p + 1j * s), a)
    ratio = along / (1.0 + q * along), across / (1.0 + q * across)
    exact = [
        (weights * (ratio[0] + ratio[1])).sum() / 2.0,
        (weights * (ratio[0] * p**2 + ratio[1] * s**2)).sum(),
        (weights * (ratio[0] ** 2 * p**2 + ratio[1] ** 2 * s**2)).sum(),
    ]
    law = gaussian_law(a, m, complex=True)
    ratio = law.d / (1.0 + q * law.d)
    square = law.direction_squared
    found = [law.mean(ratio), law.mean(ratio * square), law.mean(ratio**2 * square)]
    assert found == pytest.approx(exact, rel=2e-5)


def test_weights_are_eigenvalues_of_the_second_derivative():
    lam, u, a, h = 0.7 - 0.4j, -1.3 + 0.2j, 0.4, 1e-3

    def loss(x, y, constant):
        scale = 1.0 if math.isinf(constant) else 1.0 / (constant + abs(u) ** 2)
        return scale * (abs(lam + x + 1j * y) ** 2 - abs(u) ** 2) ** 2 / 2.0

    for constant in (a, math.inf):

        def second(f):
            return (f(h) - 2.0 * f(0.0) + f(-h)) / h**2

        xx = second(lambda t, c=constant: loss(t, 0.0, c))
        yy = second(lambda t, c=constant: loss(0.0, t, c))
        both = second(lambda t, c=constant: loss(t, t, c))
        between = (both - xx - yy) / 2.0
        exact, vectors = np.linalg.eigh([[xx, between], [between, yy]])
        along, across = curvature_weights(lam, u, constant)
        assert [across, along] == pytest.approx(exact, rel=1e-5)
        assert abs(vectors[:, 1] @ [lam.real, lam.imag]) == pytest.approx(abs(lam), rel=1e-5)


def test_averaged_weights_are_means_over_lambda():
    u, a = np.array([0.2, 1.0, 3.0j]), 0.7
    x, weights = np.polynomial.laguerre.laggauss(4)
    # Over the phase of lambda the matrix is its mean eigenvalue times the identity.
    full = curvature_weights(np.sqrt(x)[:, None], u, a).mean(axis=0)
    averaged = curvature_weights(0.0, u, a, "averaged")
    assert averaged == pytest.approx(np.tile(weights @ full, (2, 1)))
    # The Gauss-Newton term is 4 lambda lambda' / (a + |u|^2).
    rest = full - 2.0 * x[:, None] / (a + np.abs(u) ** 2)
    without = curvature_weights(0.0, u, a, "without-gauss-newton")
    assert without == pytest.approx(np.tile(weights @ rest, (2, 1)))


def test_the_matrix_of_these_weights_is_the_hessian():
    problem = Problem(12, 3.0, 0.7, rng=0, complex=True)
    w = problem.random_point(rng=1)
    lam, u = problem.samples(w)
    X = problem.X[:, :12] - 1j * problem.X[:, 12:]
    matrix = curvature_matrix(X, lam, *curvature_weights(lam, u, 0.7))
    assert matrix / 12 == pytest.approx(problem.hess(w), abs=1e-12)


# The bulk and the outliers.


@pytest.mark.parametrize(("a", "alpha"), [(1.0, 3.0), (0.1, 4.0)])
def test_eigenvalues_of_random_matrices(a, alpha):
    n = 400
    X, _, _, lam, u = projections(n, alpha, np.random.default_rng(11))
    eigenvalues = np.linalg.eigvalsh(curvature_matrix(X, lam, *curvature_weights(lam, u, a)))
    law = empirical_law(lam, u, a)
    edge = left_edge(law, alpha).eigenvalue
    bulk = bulk_density(
        law, alpha, edge + (1.2 * eigenvalues[-1] - edge) * np.linspace(0, 1, 500) ** 3
    )
    steps = 0.5 * (bulk.density[1:] + bulk.density[:-1]) * np.diff(bulk.z)
    theory = np.interp(eigenvalues, bulk.z, np.concatenate([[0.0], np.cumsum(steps)]))
    assert np.abs(theory - (np.arange(2 * n) + 0.5) / (2 * n)).max() < 5.0 / (2 * n)


def test_mass_and_mean_of_the_density():
    for a, alpha in ((0.3, 5.0), (2.0, 1.5)):
        law = gaussian_law(a, complex=True)
        bulk = bulk_density(law, alpha)
        ends = np.concatenate([bulk.z[::4], bulk.z[-1] + np.ptp(bulk.z) * np.array([0.3, 1.0])])
        t, dt = np.polynomial.legendre.leggauss(6)
        half = 0.5 * np.diff(ends)[:, None]
        z, weights = (ends[:-1, None] + half * (1.0 + t)).ravel(), (half * dt).ravel()
        density = bulk_density(law, alpha, z).density
        assert weights @ density == pytest.approx(1.0, abs=1e-4)
        assert weights @ (density * z) == pytest.approx(float(law.mean(law.d)), rel=3e-3)


@pytest.mark.parametrize(("a", "alpha"), [(1.0, 6.0), (0.3, 8.0)])
def test_two_outliers_share_the_plane_of_the_signal(a, alpha):
    n, runs = 300, 5
    eigenvalues, shares, own = [], [], []
    limit = outlier(gaussian_law(a, complex=True), alpha)
    for seed in range(runs):
        X, _, signal, lam, u = projections(n, alpha, np.random.default_rng(seed))
        matrix = curvature_matrix(X, lam, *curvature_weights(lam, u, a))
        values, share = lowest(matrix, signal)
        sample = outlier(empirical_law(lam, u, a), alpha)
        eigenvalues.append(values.mean())
        shares.append(share.sum(axis=0).mean())
        own.append(sample)
        # The first two eigenvalues are one in the limit: the third belongs to the bulk.
        assert abs(values.mean() - sample.eigenvalue) < 1.5 * sample.eigenvalue_error
    root = math.sqrt(runs)
    error = np.mean([one.eigenvalue_error for one in own]) / root
    assert abs(np.mean(eigenvalues) - limit.eigenvalue) < 3.0 * error
    error = np.mean([one.overlap_squared_error for one in own]) / root
    assert abs(np.mean(shares) - limit.overlap_squared) < 3.0 * error + 4.0 / n


def measured_with_overlap(n, a, alpha, m, seed):
    """Lowest eigenvalues orthogonal to w and i w, the shares in w* and i w*, and the samples."""
    X, w, signal, lam, u = projections(n, alpha, np.random.default_rng(seed), m * np.exp(0.7j))
    matrix = curvature_matrix(X, lam, *curvature_weights(lam, u, a))
    plane = in_coordinates(w)
    for direction in plane.T:
        matrix -= np.outer(direction, direction @ matrix)
        matrix -= np.outer(matrix @ direction, direction)
    values, share = lowest(matrix + 50.0 * plane @ plane.T, signal * np.exp(-0.7j))
    return values, share, empirical_law(lam, u, a, overlap=m * np.exp(0.7j))


@pytest.mark.parametrize(
    ("a", "alpha", "m", "groups"),
    [(1.0, 16.0, 0.5, [[0, 1]]), (0.03, 30.0, 0.4, [[0], [1]])],
    ids=["nearly one", "apart"],
)
def test_an_iterate_with_an_overlap(a, alpha, m, groups):
    # Two outliers: the lower one here is that along i (w* - m w), the other along w* - m w.
    n, runs = 120, 24
    law = gaussian_law(a, m, complex=True)
    limits = [outlier(law.across(), alpha), outlier(law, alpha)]
    values, shares, own = [], [], []
    for seed in range(runs):
        value, share, sample = measured_with_overlap(n, a, alpha, m, seed)
        values.append(value)
        shares.append(share)
        own.append([outlier(one, alpha).eigenvalue for one in (sample.across(), sample)])
    for group in groups:
        for measured, name, bias in (
            (values, "eigenvalue", 1.0 / n),
            (np.sum(shares, axis=1), "overlap_squared", 4.0 / n),
        ):
            means = np.array(measured)[:, group].mean(axis=1)
            limit = np.mean([getattr(limits[i], name) for i in group])
            error = means.std(ddof=1) / math.sqrt(runs)
            assert abs(means.mean() - limit) < 3.0 * error + bias
        # Against the law of the same samples most of the scatter is gone.
        pairs = np.array(values)[:, group].mean(axis=1), np.array(own)[:, group].mean(axis=1)
        assert (pairs[0] - pairs[1]).std() < 0.8 * pairs[0].std()
    if len(groups) == 2:
        # By direction: rows are w* and i w*.
        mean = np.mean(shares, axis=0)
        assert mean[1, 0] > 10.0 * mean[0, 0]
        assert mean[0, 1] > 10.0 * mean[1, 1]


def test_both_directions_are_one_without_an_overlap():
    law = gaussian_law(1.0, complex=True)
    assert outlier(law.across(), 6.0) == outlier(law, 6.0)
    with pytest.raises(ValueError, match="complex data"):
        gaussian_law(1.0).across()


def test_the_phase_of_the_iterate_is_no_way_down():
    # z(q) - E[|lambda|^2 d_across / (1 + q d_across)] stays negative: no outlier along i w.
    for a in (0.05, 1.0, 5.0):
        law = gaussian_law(a, complex=True)
        half = len(law.d) // 2
        for alpha in (1.0, 4.0, 30.0):
            q = left_edge(law, alpha).q
            ratio = law.d / (1.0 + q * law.d)
            across = 2.0 * (ratio * law.probability)[half:] @ law.lam[half:] ** 2
            assert law.mean(ratio) - 1.0 / (alpha * q) < across


def test_no_outlier_below_the_transition():
    X, _, signal, lam, u = projections(500, 1.5, np.random.default_rng(3))
    values, share = lowest(curvature_matrix(X, lam, *curvature_weights(lam, u, 1.0)), signal)
    law = empirical_law(lam, u, 1.0)
    assert not outlier(law, 1.5).exists
    edge = left_edge(law, 1.5)
    assert abs(values[0] - edge.eigenvalue) < 0.06 * abs(edge.eigenvalue)
    assert share.sum(axis=0).max() < 0.1


@pytest.mark.parametrize("overlap", [0.0, 0.5 * np.exp(1j)])
def test_phases_of_the_samples_do_not_count(overlap):
    rng = np.random.default_rng(4)
    lam, z = complex_normal(rng, 2, 3000)
    u = overlap * lam + math.sqrt(1.0 - abs(overlap) ** 2) * z
    one = outlier(empirical_law(lam, u, overlap=overlap), 8.0)
    phases = np.exp(1j * rng.uniform(0, 6, 3000))
    turned = empirical_law(lam * phases, u * phases * 1j, overlap=1j * overlap)
    other = outlier(turned, 8.0)
    for name in ("eigenvalue", "overlap_squared", "ratio", "edge", "eigenvalue_error"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9)


def test_standard_errors_are_those_of_repeated_samples():
    rng = np.random.default_rng(5)
    m, found = 0.4, []
    for _ in range(100):
        lam, z = complex_normal(rng, 2, 3000)
        law = empirical_law(lam, m * lam + math.sqrt(1 - m * m) * z, overlap=m)
        found.append(outlier(law, 8.0))
    for name in ("eigenvalue", "overlap_squared", "ratio", "edge"):
        values = np.array([getattr(one, name) for one in found])
        errors = np.array([getattr(one, f"{name}_error") for one in found])
        assert values.std(ddof=1) == pytest.approx(np.median(errors), rel=0.25), name


def test_weights_count_like_repetitions():
    rng = np.random.default_rng(2)
    lam, u = complex_normal(rng, 2, 500)
    times = rng.integers(0, 4, 500)
    weighted = outlier(empirical_law(lam, u, weights=times), 6.0)
    repeated = outlier(empirical_law(np.repeat(lam, times), np.repeat(u, times)), 6.0)
    for name in ("eigenvalue", "overlap_squared", "ratio", "edge"):
        assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-12)


def test_weights_of_labels_alone():
    # The matrix is Hermitian; its law is that of the labels.
    rng = np.random.default_rng(9)
    lam, u = complex_normal(rng, 2, 40_000)
    weights = (1.0 - np.abs(u) ** 2) / (0.5 + np.abs(u) ** 2)
    sample = outlier(empirical_law(lam, u, curvature=weights), 4.0)
    exact = preprocessing_law(lambda y: (y - 1.0) / (0.5 + y), supremum=1.0, complex=True)
    limit = outlier(exact, 4.0)
    for name in ("eigenvalue", "overlap_squared"):
        error = getattr(sample, f"{name}_error")
        assert abs(getattr(sample, name) - getattr(limit, name)) < 3.5 * error


# The transition.


@given(st.floats(1.24, 60.0))
@settings(max_examples=15)
def test_the_closed_form_is_the_quadrature(a):
    law = gaussian_law(a, complex=True)
    ratio = 0.5 * law.d / (1.0 + 0.5 * law.d)
    exact = 1.0 / law.mean(ratio * (1.0 - law.direction_squared))
    found = alpha_bbp(a, complex=True)
    assert found.kind == "discontinuous"
    assert found.alpha == pytest.approx(exact, rel=1e-8)
    with mpmath.workdps(30):
        b = mpmath.mpf(a)
        formula = mpmath.exp(b) * mpmath.e1(b) + mpmath.exp(b / 3) * mpmath.e1(b / 3) / 3
    assert found.alpha == pytest.approx(float(2 / formula), rel=1e-13)


@given(st.floats(0.001, 30.0), st.sampled_from([0.0, 0.4, -0.8, 0.95]))
@settings(max_examples=16)
def test_the_ratio_is_1_at_the_transition_and_below_1_before(a, overlap):
    found = alpha_bbp(a, overlap=overlap, complex=True)
    along = gaussian_law(a, overlap, complex=True)
    laws = [along.across(), along] if found.across else [along, along.across()]
    if found.kind == "none" or found.last < math.inf:
        assert overlap != 0.0
        return
    assert not (found.across and overlap == 0.0)
    assert bbp_ratio(laws[0], found.alpha).value == pytest.approx(1.0, abs=1e-7)
    assert bbp_ratio(laws[0], 1.01 * found.alpha).value > 1.0
    for law in laws:
        assert bbp_ratio(law, 0.99 * found.alpha).value < 1.0


def test_the_outlier_across_may_be_the_only_one():
    # A plain simulation at twice the transition: the signal along w* - m w does not split off.
    a, m, N = 0.1, 0.8, 100
    found = alpha_bbp(a, overlap=m, complex=True)
    assert found.across and found.alpha == pytest.approx(44.326, abs=0.01)
    alpha = 2.5 * found.alpha
    along = gaussian_law(a, m, complex=True)
    assert not outlier(along, alpha).exists
    limit = outlier(along.across(), alpha)
    rng = np.random.default_rng(3)
    shares = []
    for _ in range(3):
        x = complex_normal(rng, round(alpha * N), N)
        signal, other = complex_normal(rng, 2, N)
        signal *= math.sqrt(N) / np.linalg.norm(signal)
        other -= signal * (np.vdot(signal, other) / N)
        w = m * signal + math.sqrt(1 - m * m) * other * math.sqrt(N) / np.linalg.norm(other)
        lam, y = x @ w / math.sqrt(N), np.abs(x @ signal) ** 2 / N
        parts = np.stack([np.hstack([x.real, -x.imag]), np.hstack([x.imag, x.real])])
        second = 4.0 * np.stack([lam.real, lam.imag])[:, None] * np.stack([lam.real, lam.imag])
        second += 2.0 * (np.abs(lam) ** 2 - y) * np.eye(2)[:, :, None]
        second /= a + y
        D = sum(parts[i].T * second[i, j] @ parts[j] for i in (0, 1) for j in (0, 1)) / len(x)
        normals = np.stack([np.r_[w.real, w.imag], np.r_[-w.imag, w.real]], axis=1)
        basis = np.linalg.qr(normals, mode="complete")[0][:, 2:]
        vector = basis @ np.linalg.eigh(basis.T @ D @ basis)[1][:, 0]
        inner = np.vdot(vector[:N] + 1j * vector[N:], signal) / math.sqrt(N)
        shares.append([inner.real**2, inner.imag**2])
    along_share, across_share = np.mean(shares, axis=0)
    assert along_share < 0.02
    assert across_share == pytest.approx(limit.overlap_squared, abs=0.08)


@pytest.mark.parametrize("m", [0.3, -0.9, 0.97, -0.995])
def test_means_that_depend_on_phases(m):
    law = gaussian_law(1.0, m, complex=True)
    value, error = law.expect(lambda lam, u: np.stack([(lam * u.conj()).real, (lam * u).real]))
    assert value == pytest.approx([m, 0.0], abs=1e-11)
    assert error.max() < 1e-8


@pytest.mark.parametrize("a", [0.01, 1.0, 7.0])
@pytest.mark.parametrize(("hessian", "shift"), [("without-gauss-newton", 1.0), ("averaged", 2.0)])
def test_other_hessians(a, hessian, shift):
    found = alpha_bbp(a, hessian=hessian, complex=True)
    assert (found.alpha, found.kind) == (a + shift, "discontinuous")
    law = gaussian_law(a, hessian=hessian, complex=True)
    assert bbp_ratio(law, found.alpha).value == pytest.approx(1.0, abs=1e-8)
    assert left_edge(law, found.alpha).kind == "exponential"


def test_the_smallest():
    found = smallest_alpha_bbp(complex=True)

    def excess(a):
        _, square, signal, _ = resolvent_means(a, 0.5, 20)
        return square / 2 - signal

    assert excess(found.a - 1e-9) * excess(found.a + 1e-9) < 0
    near = [alpha_bbp(found.a + step, complex=True) for step in (-1e-3, 1e-3)]
    assert min(one.alpha for one in near) > found.alpha
    assert [one.kind for one in near] == ["continuous", "discontinuous"]


def test_the_plain_loss_has_no_edge():
    assert alpha_bbp(math.inf, complex=True).alpha == math.inf
    assert left_edge(gaussian_law(math.inf, complex=True), 3.0).kind == "unbounded"
    # The limit of large a: 1/(a + x) and 1/(a + 3x) become 1/a.
    assert alpha_bbp(1e6, complex=True).alpha == pytest.approx(1e6, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: gaussian_law(1.0, complex=1), TypeError, "complex: want True or False"),
        (lambda: alpha_bbp(1.0, complex="yes"), TypeError, "complex: want True or False"),
        (lambda: empirical_law([1j, 2.0], [1.0]), ValueError, "u: want the shape of lam"),
        (lambda: empirical_law([1j, math.nan], [1.0, 2.0]), ValueError, "lam: want finite"),
        (lambda: empirical_law([1j, 2], [1, 2], overlap=1j), ValueError, "overlap: want a number"),
        (lambda: empirical_law([1j, 2], [1, 2], overlap="1"), TypeError, "overlap: want a number"),
        (lambda: empirical_law([1.0, 2], [1, 2], overlap=0.1j), TypeError, "overlap: want a"),
    ],
)
def test_bad_arguments_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
