"""Spectral densities against spectra that are known."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from scipy import stats

import talweg
from talweg.spectrum import density
from talweg.status import Status


def goe(n, seed):
    """A matrix whose spectrum tends to the semicircle on [-2, 2]."""
    a = np.random.default_rng(seed).standard_normal((n, n)) / np.sqrt(2 * n)
    return a + a.T


def laplacian(n):
    return scipy.sparse.diags_array(
        [np.full(n, 2.0), np.full(n - 1, -1.0), np.full(n - 1, -1.0)], offsets=[0, 1, -1]
    ).tocsr()


def laplacian_eigenvalues(n):
    return 4 * np.sin(np.arange(1, n + 1) * np.pi / (2 * (n + 1))) ** 2


def within(estimate, truth, errors=5.0):
    """Whether the truth lies within so many standard errors, and the bias."""
    reach = errors * np.asarray(estimate.error) + estimate.bias
    return np.all(np.abs(estimate.value - truth) <= reach + 1e-9 * np.abs(truth))


def test_semicircle():
    found = density(goe(2000, 0), probes=8, steps=80, rng=0)
    at = np.linspace(-1.7, 1.7, 18)
    exact = np.sqrt(4 - at**2) / (2 * np.pi)
    # Smoothing a concave density lowers it by about width^2 / 2 times its second derivative.
    width = 0.08
    assert np.abs(found.density(at, width).value - exact).max() < 0.02
    cumulative = 0.5 + at * np.sqrt(4 - at**2) / (4 * np.pi) + np.arcsin(at / 2) / np.pi
    share = found.cumulative(at)
    assert np.abs(share.value - cumulative).max() < 0.01
    assert np.all(share.bias < 0.02)


def test_marchenko_pastur():
    n, m = 1000, 4000
    x = np.random.default_rng(1).standard_normal((m, n))
    found = density(x.T @ x / m, exact=False, probes=8, steps=60, rng=1)
    ratio = n / m
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2
    at = np.linspace(low + 0.15, high - 0.15, 12)
    exact = np.sqrt((high - at) * (at - low)) / (2 * np.pi * ratio * at)
    assert np.abs(found.density(at, 0.05).value - exact).max() < 0.04
    assert found.fraction_negative.value < 1e-9
    assert found.sign == 1.0


@pytest.mark.parametrize("kind", ["rademacher", "gaussian"])
def test_sums_over_the_spectrum_of_a_laplacian(kind):
    n = 3000
    values = laplacian_eigenvalues(n)
    found = density(laplacian(n), kind=kind, rng=2, steps=50)
    assert not found.exact
    assert found.products == 12 * 50
    assert within(found.trace, values.sum())
    assert within(found.trace_of_square, (values**2).sum())
    assert within(found.trace_of(np.exp), np.exp(values).sum())
    assert within(found.effective_dimension(0.5), (values / (values + 0.5)).sum())
    share = values / values.sum()
    assert within(found.effective_rank, np.exp(-(share * np.log(share)).sum()))
    assert within(found.participation, values.sum() ** 2 / (values**2).sum())
    shifted = density(laplacian(n) - 1.0 * scipy.sparse.eye_array(n), rng=3)
    assert within(shifted.fraction_negative, (values < 1).mean())
    at = np.linspace(0.1, 3.9, 9)
    assert within(found.cumulative(at), (values <= at[:, None]).mean(axis=1))


@pytest.mark.parametrize("shift", [3.0, -3.0, 0.3])
def test_log_determinant(shift):
    matrix = goe(1200, 4) + shift * np.eye(1200)
    sign, exact = np.linalg.slogdet(matrix)
    found = density(matrix, rng=4)
    assert within(found.logabsdet, exact)
    if abs(shift) > 2:
        assert found.sign == sign
        assert found.logabsdet.bias < 1e-6 * abs(exact)
    else:
        assert np.isnan(found.sign)
        assert found.logabsdet.bias > 0.1


def test_error_bars_cover():
    n, seeds = 300, 200
    values = np.linspace(0.1, 2.0, n)
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((n, n)))[0]
    matrix = (turn * values) @ turn.T
    matrix = (matrix + matrix.T) / 2
    covered = dict.fromkeys(("trace", "logabsdet", "effective_rank"), 0)
    share = values / values.sum()
    truth = {
        "trace": values.sum(),
        "logabsdet": np.log(values).sum(),
        "effective_rank": np.exp(-(share * np.log(share)).sum()),
    }
    for seed in range(seeds):
        found = density(matrix, exact=False, probes=6, steps=20, rng=seed)
        for name, exact in truth.items():
            low, high = getattr(found, name).interval(0.9)
            covered[name] += low <= exact <= high
    for count in covered.values():
        # Five standard deviations of a binomial about nine in ten, and a little for skewness.
        assert abs(count / seeds - 0.9) < 5 * np.sqrt(0.09 / seeds)


def test_exact_where_it_is_cheap():
    matrix = goe(200, 6)
    found = density(matrix)
    assert found.exact
    assert found.products == 0
    np.testing.assert_allclose(found.nodes[0], np.linalg.eigvalsh(matrix), atol=1e-12)
    sign, logabsdet = np.linalg.slogdet(matrix)
    assert found.sign == sign
    assert found.logabsdet.value == pytest.approx(logabsdet)
    assert found.logabsdet.error == found.logabsdet.bias == 0
    assert found.fraction_negative.value == (np.linalg.eigvalsh(matrix) < 0).mean()
    assert found.logabsdet.interval() == (found.logabsdet.value, found.logabsdet.value)
    many = density(scipy.sparse.eye_array(500), probes=500)
    assert many.exact
    assert many.products == 500
    assert not density(matrix, exact=False).exact
    assert "all eigenvalues" in repr(found)


def test_hessians_of_functions():
    f = talweg.models.phi4_chain(3000)
    x = np.random.default_rng(7).uniform(-1.5, 1.5, 3000)
    found = density(f, x, rng=7, steps=40)
    eye = scipy.sparse.linalg.LinearOperator(
        (3000, 3000), matvec=lambda v: f.hessp(x, v.ravel()), dtype=float
    )
    again = density(eye, rng=7, steps=40)
    np.testing.assert_allclose(found.nodes, again.nodes, rtol=1e-8)
    small = talweg.surfaces.rosenbrock(5)
    exact = density(small, np.ones(5))
    np.testing.assert_allclose(exact.nodes[0], np.linalg.eigvalsh(small.hess(np.ones(5))))
    assert density(lambda x: (x**4).sum(), [1.0, 2.0]).trace.value == 60.0


def test_same_bits_for_any_number_of_threads_and_probes():
    f = talweg.models.phi4_chain(5000)
    x = np.linspace(-1, 1, 5000)
    runs = [density(f, x, rng=8, steps=15, probes=40, workers=w) for w in (1, 2, None)]
    for run in runs[1:]:
        np.testing.assert_array_equal(runs[0].nodes, run.nodes)
        np.testing.assert_array_equal(runs[0].weights, run.weights)
    fewer = density(f, x, rng=8, steps=15, probes=3, workers=1)
    np.testing.assert_array_equal(runs[0].nodes[:3], fewer.nodes)


def test_reorthogonalised_runs_say_the_same():
    matrix = np.diag(np.concatenate([np.linspace(0, 1, 600), [50.0]]))
    plain, clean = (density(matrix, exact=False, rng=9, reorthogonalise=r) for r in (False, True))
    # The outlier comes again and again without, once with.
    assert (plain.nodes[0] > 40).sum() > (clean.nodes[0] > 40).sum() == 1
    for function in (np.exp, np.square, np.cos):
        np.testing.assert_allclose(
            plain.trace_of(function).value, clean.trace_of(function).value, rtol=1e-10
        )


@pytest.mark.parametrize("exact", [False, True])
def test_special_matrices(exact):
    one = density([[-3.0]], exact=exact)
    assert one.trace.value == -3.0
    assert one.sign == -1.0
    assert one.fraction_negative.value == 1.0
    unit = density(np.eye(50), exact=exact)
    assert unit.logabsdet.value == pytest.approx(0.0, abs=1e-12)
    assert unit.effective_rank.value == pytest.approx(50.0)
    np.testing.assert_allclose(unit.cumulative([0.5, 1.0, 1.5]).value, [0, 1, 1], atol=1e-12)
    zero = density(np.zeros((40, 40)), exact=exact)
    assert zero.trace.value == 0.0
    assert zero.logabsdet.value == -np.inf
    assert zero.sign == 0.0
    assert zero.fraction_negative.value == 0.0
    assert zero.effective_rank.value == 0.0
    assert np.isfinite(zero.density([0.0, 1.0]).value).all()
    singular = density(np.diag([1.0, 2.0, 0.0, 0.0] * 10), exact=exact)
    assert singular.sign == 0.0
    assert singular.logabsdet.value == -np.inf
    assert singular.fraction_negative.value == 0.0
    assert singular.trace.value == pytest.approx(30.0)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_huge_and_tiny_matrices(scale):
    matrix = goe(300, 10)
    plain = density(matrix, exact=False, rng=1, steps=20)
    scaled = density(scale * matrix, exact=False, rng=1, steps=20)
    assert scaled.effective_rank.value == pytest.approx(plain.effective_rank.value)
    assert scaled.logabsdet.value == pytest.approx(plain.logabsdet.value + 300 * np.log(scale))
    assert scaled.trace.error == pytest.approx(plain.trace.error * scale)
    at = np.array([-1.0, 0.3])
    np.testing.assert_allclose(
        scaled.cumulative(at * scale).value, plain.cumulative(at).value, rtol=1e-6
    )


def test_products_that_are_not_finite():
    diagonal = np.ones(300)
    diagonal[3] = np.nan
    for exact in (False, True):
        found = density(lambda v: diagonal * v, n=300, exact=exact)
        assert found.status == Status.NON_FINITE
        assert not found.success
        assert np.isnan(found.trace.value)
        assert np.isnan(found.density([0.0]).value).all()
        assert np.isnan(found.cumulative([0.0]).value).all()
        assert np.isnan(found.sign)
        assert "NON_FINITE" in repr(found)


def test_one_probe_has_no_error_bar():
    found = density(goe(300, 11), exact=False, probes=1)
    assert np.isnan(found.trace.error)
    assert np.isfinite(found.trace.bias)


def test_estimates():
    estimate = density(goe(300, 12), exact=False, probes=5, rng=0).trace
    _, high = estimate.interval(0.8)
    reach = stats.t.ppf(0.9, 4) * estimate.error + estimate.bias
    assert high - estimate.value == pytest.approx(reach)
    assert float(estimate) == estimate.value
    with pytest.raises(ValueError, match="level"):
        estimate.interval(1.0)


def test_interrupt_keeps_finished_probes():
    script = """
import numpy as np, os, signal
from talweg.spectrum import density
import scipy.sparse.linalg as ssl
calls = 0
def product(v):
    global calls
    calls += 1
    if calls == 132:
        os.kill(os.getpid(), signal.SIGINT)
    return np.linspace(0, 1, 500)[:, None] * v.reshape(500, -1)
A = ssl.LinearOperator((500, 500), matvec=product, matmat=product, dtype=float)
try:
    density(A, exact=False, probes=12, steps=60)
except KeyboardInterrupt as interrupt:
    found = interrupt.result
    print(found.probes, found.status.name, np.isfinite(found.trace.value))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.split() == ["8", "INTERRUPTED", "True"]


def test_exceptions_of_an_operator_come_out():
    def product(v):
        raise RuntimeError("broken")

    broken = scipy.sparse.linalg.LinearOperator((500, 500), matvec=product, dtype=float)
    with pytest.raises(RuntimeError, match="broken"):
        density(broken)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([[1.0, 2.0], [0.0, 1.0]],), {}, ValueError, "want a symmetric matrix"),
        (([[1.0, 2.0]],), {}, ValueError, r"f_or_operator: want shape \(n, n\)"),
        ((np.eye(3),), {"probes": 0}, ValueError, "probes: want at least 1"),
        ((np.eye(3),), {"steps": 1.5}, TypeError, "steps: want a whole number"),
        ((np.eye(3),), {"kind": "sobol"}, ValueError, "kind: want one of"),
        ((np.eye(3),), {"exact": "yes"}, TypeError, "exact: want"),
        ((np.eye(3), np.ones(3)), {}, TypeError, "x: goes with"),
        ((np.eye(3) * 1j,), {}, TypeError, "f_or_operator: want real numbers"),
        ((talweg.surfaces.toy(),), {}, TypeError, "x: want the point"),
        ((talweg.surfaces.toy(), [1.0]), {}, ValueError, "x: want shape"),
        (("matrix",), {}, TypeError, "f_or_operator: want a talweg.Objective"),
        ((lambda v: np.cumsum(v),), {"n": 300}, ValueError, "want a symmetric operator"),
        ((lambda v: v,), {}, TypeError, "f_or_operator: a function needs"),
        (
            (scipy.sparse.csr_array(np.triu(np.ones((9, 9)))),),
            {},
            ValueError,
            "f_or_operator: want a symmetric matrix",
        ),
    ],
)
def test_bad_arguments(arguments, options, error, message):
    with pytest.raises(error, match=message):
        density(*arguments, **options)


def test_bad_questions():
    found = density(np.eye(4))
    with pytest.raises(ValueError, match="c: want"):
        found.effective_dimension(0.0)
    with pytest.raises(ValueError, match="at: want finite"):
        found.density([np.nan])
    with pytest.raises(ValueError, match="function: want an array"):
        found.trace_of(lambda t: t.sum())


@pytest.mark.parametrize("n", [40, 400])
def test_functions_that_are_no_symmetric_matrix(n):
    with pytest.raises(ValueError, match="f_or_operator: want a symmetric operator"):
        density(lambda v: np.roll(v, 1), n=n)
    with pytest.raises(TypeError, match="f_or_operator: its product has dtype complex128"):
        density(lambda v: v * 1j, n=n)
    with pytest.raises(TypeError, match="f_or_operator: its product has dtype object"):
        density(lambda v: None, n=n)
    with pytest.raises(ValueError, match="f_or_operator: its product with an array of shape"):
        density(lambda v: v[1:], n=n)


def test_reorthogonalise_is_checked():
    with pytest.raises(TypeError, match="reorthogonalise: want True or False"):
        density(lambda v: v, n=400, reorthogonalise="yes")


@pytest.mark.parametrize("n", [40, 400])
def test_every_interrupt_has_a_result(n):
    def interrupted(v):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        density(interrupted, n=n)
    assert caught.value.result.status is talweg.Status.INTERRUPTED


def test_one_step_claims_nothing():
    values = np.linspace(1.0, 2.0, 400)
    found = density(lambda v: values * v, n=400, steps=1)
    assert found.trace.bias == 0
    assert found.trace.value == pytest.approx(values.sum())
    assert np.isnan(found.logabsdet.bias) and np.isnan(found.trace_of_square.bias)
    same = density(lambda v: 3 * v, n=400, steps=1)
    assert same.logabsdet.bias == 0


def test_the_bias_knows_slow_convergence():
    # The log of an ill-conditioned matrix gains little from one doubling of the steps.
    rng = np.random.default_rng(0)
    values = np.r_[-rng.uniform(0, 1e-2, 5), rng.uniform(0, 1, 495)]
    exact = np.log(np.abs(values)).sum()
    inside = 0
    for seed in range(10):
        found = density(goe_like(values, seed), exact=False, rng=seed)
        low, high = found.logabsdet.interval()
        inside += low <= exact <= high
    assert inside >= 8


def goe_like(values, seed):
    h = np.random.default_rng(seed + 100).standard_normal(len(values))
    q = np.eye(len(values)) - 2 * np.outer(h, h) / (h @ h)
    return q * values @ q.T


def test_picture():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure = density(goe(400, 13), exact=False, rng=0).plot(log=True, title="semicircle")
    assert len(figure.axes) == 1
    pyplot.close(figure)
    with pytest.raises(ValueError, match="nothing to draw"):
        density(lambda v: v * np.nan, n=3).plot()
