"""Extreme eigenpairs against full decompositions, formulas, and residuals computed here."""

import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.spectrum import lowest

ENDS = ("smallest", "largest", "both", "nearest-zero")


def wanted(values, k, which):
    """Those of all eigenvalues that are asked for."""
    if which == "smallest":
        return values[:k]
    if which == "largest":
        return values[-k:]
    if which == "both":
        return np.r_[values[:k], values[-k:]]
    return np.sort(values[np.argsort(np.abs(values), kind="stable")[:k]])


def true_residuals(a, found):
    v = found.eigenvectors
    return np.linalg.norm(a @ v - v * found.eigenvalues, axis=0)


def with_spectrum(values, seed=0):
    q = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values),) * 2))[0]
    a = q * values @ q.T
    return (a + a.T) / 2


def check(a, found, k, which, tol=1e-8, factor=2):
    assert found.success, found
    size = np.linalg.norm(a, 2)
    values = np.linalg.eigvalsh(a)
    residuals = true_residuals(a, found)
    assert residuals.max() <= 1.001 * tol * size + 1e-13 * size
    np.testing.assert_allclose(found.residuals, residuals, atol=1e-13 * size)
    np.testing.assert_allclose(
        found.eigenvalues, wanted(values, k, which), rtol=0, atol=factor * tol * size
    )
    v = found.eigenvectors
    np.testing.assert_allclose(v.T @ v, np.eye(v.shape[1]), atol=1e-12)
    assert (v.max(axis=0) >= -(1 - 1e-6) * v.min(axis=0)).all()
    nearest = np.abs(values[:, None] - found.eigenvalues).min(axis=0)
    assert (nearest <= found.errors + 1e-13 * size).all()
    assert found.norm <= size * (1 + 1e-12)


RANDOM = np.random.default_rng(7)
SPECTRA = {
    "spread": RANDOM.standard_normal(150),
    "repeated": np.r_[[-3.0] * 5, RANDOM.uniform(0, 1, 140), [4.0] * 5],
    "clustered": np.r_[-1 + 1e-7 * np.arange(6), RANDOM.uniform(0, 1, 144)],
    "two values": np.repeat([-1.0, 2.0], 75),
    "one value": np.full(150, -2.5),
    "rank one": np.r_[np.zeros(149), 3.0],
    "positive": RANDOM.uniform(1, 2, 150),
    "negative": -RANDOM.uniform(1, 2, 150),
}


@pytest.mark.parametrize("method", ["dense", "three-term", "block"])
@pytest.mark.parametrize("which", ENDS)
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_against_full_decomposition(spectrum, k, which, method):
    if method == "block" and which == "nearest-zero":
        pytest.skip("the ends only")
    a = with_spectrum(SPECTRA[spectrum])
    found = lowest(lambda v: a @ v, n=150, k=k, which=which, method=method)
    assert found.method == method
    check(a, found, k, which)


@pytest.mark.parametrize("method", ["three-term", "block"])
@pytest.mark.parametrize("k", [1, 4])
def test_eigenvalues_over_many_orders_of_magnitude(k, method):
    a = with_spectrum(np.logspace(-12, 0, 150))
    found = lowest(lambda v: a @ v, n=150, k=k, method=method)
    if found.success:
        # Hundreds of eigenvalues lie nearer to each other than a residual can tell.
        check(a, found, k, "smallest", factor=10)
    else:
        assert found.residuals.max() > 1e-8 * found.norm
    check(a, lowest(lambda v: a @ v, n=150, k=k, which="largest", method=method), k, "largest")


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
@pytest.mark.parametrize("method", ["dense", "three-term", "block"])
def test_any_scale(scale, method):
    a = with_spectrum(RANDOM.uniform(-1, 1, 120))
    found = lowest(lambda v: (a * scale) @ v, n=120, k=2, method=method)
    assert found.success, found
    np.testing.assert_allclose(found.eigenvalues / scale, np.linalg.eigvalsh(a)[:2], atol=1e-8)
    assert (found.residuals / scale).max() <= 1e-8


@pytest.mark.parametrize("method", ["auto", "three-term", "block"])
def test_the_chain_of_springs(method):
    # Eigenvalues 2 - 2 cos(pi j / (n + 1)).
    n = 500
    a = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(n, n))
    j = np.arange(1, n + 1)
    exact = 2 - 2 * np.cos(np.pi * j / (n + 1))
    found = lowest(a, k=3, which="both", method=method, tol=1e-10)
    np.testing.assert_allclose(found.eigenvalues, np.r_[exact[:3], exact[-3:]], atol=1e-10)
    assert true_residuals(a, found).max() <= 1e-10 * 4


@pytest.mark.parametrize("method", ["three-term", "block"])
def test_the_square_lattice_has_pairs(method):
    # Eigenvalues (i, j) and (j, i) agree exactly.
    m = 20
    line = scipy.sparse.diags_array([-1.0, 2.0, -1.0], offsets=[-1, 0, 1], shape=(m, m))
    one = scipy.sparse.eye_array(m)
    a = scipy.sparse.kron(line, one) + scipy.sparse.kron(one, line)
    mode = 2 - 2 * np.cos(np.pi * np.arange(1, m + 1) / (m + 1))
    exact = np.sort((mode[:, None] + mode).ravel())
    for k in (2, 3, 6):
        found = lowest(a, k=k, method=method)
        assert found.success
        np.testing.assert_allclose(found.eigenvalues, exact[:k], atol=1e-8)


@settings(max_examples=40)
@given(
    st.integers(1, 60),
    st.sampled_from(["three-term", "block", "dense", "auto"]),
    st.sampled_from(ENDS),
    st.integers(0, 2**32 - 1),
    st.sampled_from([1e-3, 1e-8, 1e-11]),
    st.data(),
)
def test_residuals_are_told_truly(n, method, which, seed, tol, data):
    if method == "block" and which == "nearest-zero":
        method = "three-term"
    rng = np.random.default_rng(seed)
    values = rng.choice([-2.0, 0.0, 1.0, *rng.standard_normal(n)], size=n)
    a = with_spectrum(values, seed)
    most = n // 2 if which == "both" else n
    if most == 0:
        return
    k = data.draw(st.integers(1, most))
    maxiter = data.draw(st.sampled_from([None, 1, 3, 10]))
    found = lowest(
        lambda v: a @ v, n=n, k=k, which=which, method=method, tol=tol, maxiter=maxiter, rng=seed
    )
    size = max(np.linalg.norm(a, 2), 1e-300)
    have = np.isfinite(found.eigenvalues)
    residuals = true_residuals(a, found)
    np.testing.assert_allclose(found.residuals[have], residuals[have], atol=1e-12 * size)
    nearest = np.abs(np.linalg.eigvalsh(a)[:, None] - found.eigenvalues[have]).min(axis=0)
    assert (nearest <= found.residuals[have] + 1e-12 * size).all()
    if found.success:
        assert have.all()
        assert residuals.max() <= tol * size * 1.001 + 1e-12 * size
    else:
        assert found.status is talweg.Status.NOT_CONVERGED


def test_kinds_of_operators_agree():
    a = with_spectrum(RANDOM.standard_normal(120))
    linear = scipy.sparse.linalg.aslinearoperator(a)

    class Matvec:
        shape = (120, 120)

        def matvec(self, v):
            assert v.shape == (120,)
            return a @ v

    class Matmat:
        shape = (120, 120)

        def matmat(self, v):
            assert v.ndim == 2
            return a @ v

    kinds = [a, a.tolist(), scipy.sparse.csr_array(a), scipy.sparse.csr_matrix(a), linear]
    kinds += [Matvec(), Matmat(), np.asfortranarray(a)]
    for kind in kinds:
        for method in ("auto", "three-term", "block"):
            check(a, lowest(kind, k=2, method=method), 2, "smallest")


def objectives():
    rng = np.random.default_rng(0)
    data, targets = rng.standard_normal((400, 130)), np.sign(rng.standard_normal(400))
    sites = 150
    matrix = with_spectrum(rng.uniform(-1, 2, 110))
    return {
        "recorded": talweg.surfaces.rosenbrock(120),
        "chain": talweg.models.phi4_chain(sites),
        "regression": talweg.models.logistic_regression(data, targets, ridge=0.01),
        "callables": talweg.Objective.from_callables(
            lambda x: (x * (x @ matrix)).sum(axis=1) / 2,
            lambda x: x @ matrix,
            n=110,
            hess=lambda x: np.broadcast_to(matrix, (len(x), 110, 110)),
            hessp=lambda x, v: v @ matrix,
        ),
    }


@pytest.mark.parametrize("kind", ["recorded", "chain", "regression", "callables"])
def test_hessians(kind):
    f = objectives()[kind]
    x = np.random.default_rng(5).uniform(-1, 1, f.n)
    a = f.hess(x)
    for method in ("auto", "three-term", "block", "dense"):
        for which in ("smallest", "both"):
            found = lowest(f, x, k=2, which=which, method=method, gradient=True)
            check(a, found, 2, which)
            np.testing.assert_allclose(found.gradient, f.grad(x), rtol=1e-12, atol=1e-14)
    check(a, lowest(f, x, k=3, which="nearest-zero"), 3, "nearest-zero")
    assert lowest(f, x).gradient is None


def test_a_plain_function_is_recorded():
    def f(x):
        return (x**4).sum() + (x[:-1] * x[1:]).sum()

    x = np.linspace(-1, 1, 40)
    check(talweg.Objective(f, 40).hess(x), lowest(f, x, k=3), 3, "smallest")


def test_gradient_comes_with_the_first_product():
    calls = []

    def recorded(name, function):
        def call(*arguments):
            calls.append(name)
            return function(*arguments)

        return call

    d = np.linspace(1, 5, 130)
    f = talweg.Objective.from_callables(
        recorded("fun", lambda x: (d * x * x).sum(axis=1) / 2),
        recorded("grad", lambda x: d * x),
        n=130,
        hessp=recorded("hessp", lambda x, v: d * v),
    )
    calls.clear()
    found = lowest(f, np.ones(130), gradient=True, method="three-term")
    assert calls.count("grad") == 1
    assert calls.count("hessp") == found.products
    np.testing.assert_array_equal(found.gradient, d)


def test_rigid_motions_are_left_out():
    f = talweg.models.lennard_jones(7)
    x = np.random.default_rng(3).normal(size=21)
    from talweg.extremals.orbits import horizontal_spectrum

    values, _ = horizontal_spectrum(f, x)
    for which in ENDS:
        found = lowest(f, x, k=2, which=which)
        np.testing.assert_allclose(found.eigenvalues, wanted(values, 2, which), rtol=1e-10)
        assert found.residuals.max() <= 1e-12 * found.norm
    with pytest.raises(ValueError, match="k: the motions leave 15 pairs"):
        lowest(f, x, k=16)


def test_a_metric_is_refused():
    f = talweg.surfaces.himmelblau().with_metric([1.0, 2.0])
    with pytest.raises(ValueError, match="f_or_operator: has a metric"):
        lowest(f, [0.0, 0.0])


@pytest.mark.parametrize("n", [1, 2, 3])
def test_tiny(n):
    a = with_spectrum(np.arange(1.0, n + 1))
    for method in ("auto", "dense", "three-term", "block"):
        for k in range(1, n + 1):
            check(a, lowest(a, k=k, method=method), k, "smallest")


@pytest.mark.parametrize("method", ["dense", "three-term", "block"])
def test_the_zero_operator(method):
    found = lowest(lambda v: 0 * v, n=110, k=3, method=method)
    assert found.success
    assert (found.eigenvalues == 0).all() and (found.residuals == 0).all()
    np.testing.assert_allclose(found.eigenvectors.T @ found.eigenvectors, np.eye(3), atol=1e-12)


def test_all_pairs():
    a = with_spectrum(RANDOM.standard_normal(130))
    for method in ("auto", "block"):
        check(a, lowest(a, k=130, method=method), 130, "smallest")


@pytest.mark.parametrize("method", ["dense", "three-term", "block"])
@pytest.mark.parametrize("at", [0, 20])
def test_products_that_are_not_finite(method, at):
    a = with_spectrum(RANDOM.standard_normal(120))
    count = 0

    def product(v):
        nonlocal count
        count += 1
        return a @ v if count <= at else np.full_like(v, np.nan)

    found = lowest(product, n=120, k=2, method=method)
    assert found.status is talweg.Status.NON_FINITE and not found.success
    assert found.eigenvalues.shape == (2,) and found.eigenvectors.shape == (120, 2)
    assert "not finite" in found.message


@pytest.mark.parametrize("method", ["dense", "three-term", "block"])
def test_operators_that_are_not_symmetric(method):
    a = np.random.default_rng(0).standard_normal((120, 120))
    with pytest.raises(ValueError, match="f_or_operator: is not symmetric"):
        lowest(lambda v: a @ v, n=120, method=method)
    slightly = with_spectrum(RANDOM.standard_normal(120)) + 1e-2 * np.triu(a)
    with pytest.raises(ValueError, match="f_or_operator: is not symmetric"):
        lowest(lambda v: slightly @ v, n=120, method=method)
    for matrix in (a, scipy.sparse.csr_array(a)):
        with pytest.raises(ValueError, match="f_or_operator: want a symmetric matrix"):
            lowest(matrix, method=method)


def test_single_precision_is_symmetric_enough():
    a = with_spectrum(RANDOM.standard_normal(300))
    single = a.astype(np.float32)
    found = lowest(lambda v: single @ v.astype(np.float32), n=300, k=2, tol=1e-5)
    assert found.success
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(a)[:2], atol=1e-5)


class Failure(Exception):
    pass


@pytest.mark.parametrize("method", ["dense", "three-term", "block"])
def test_exceptions_come_out(method):
    def product(v):
        raise Failure("as it is")

    with pytest.raises(Failure, match="as it is"):
        lowest(product, n=120, method=method)
    a = with_spectrum(RANDOM.standard_normal(120))

    def complain(*_):
        raise Failure("callback")

    if method != "dense":
        with pytest.raises(Failure, match="callback"):
            lowest(a, method=method, callback=complain)


@pytest.mark.parametrize("method", ["three-term", "block"])
def test_interrupts_keep_what_is_there(method):
    a = with_spectrum(RANDOM.standard_normal(400))
    count = 0

    def product(v):
        nonlocal count
        count += 1
        if count == 30:
            raise KeyboardInterrupt
        return a @ v

    with pytest.raises(KeyboardInterrupt) as caught:
        lowest(product, n=400, k=2, method=method)
    found = caught.value.result
    assert found.status is talweg.Status.INTERRUPTED and not found.success
    assert found.eigenvectors.shape == (400, 2)
    assert found.eigenvalues[0] < -0.5 * np.linalg.norm(a, 2)
    residuals = true_residuals(a, found)
    assert residuals[0] <= 2 * found.residuals.max() + 1e-10


@pytest.mark.parametrize("method", ["three-term", "block"])
def test_callback(method):
    a = with_spectrum(RANDOM.standard_normal(400))
    seen = []
    lowest(a, k=2, method=method, callback=lambda *at: seen.append(at))
    steps, products, residuals = map(np.array, zip(*seen, strict=True))
    assert (np.diff(products) > 0).all() and (steps > 0).all()
    assert residuals[0] > 1e-8
    found = lowest(a, k=2, method=method, callback=lambda nit, *_: nit >= 10)
    assert found.status is talweg.Status.INTERRUPTED
    assert found.nit < steps[-1]


def test_too_few_steps_are_told():
    a = with_spectrum(RANDOM.standard_normal(400))
    for method in ("three-term", "block"):
        found = lowest(a, k=2, method=method, maxiter=6)
        assert found.status is talweg.Status.NOT_CONVERGED
        assert true_residuals(a, found).max() > 1e-8 * found.norm
        assert "of 2 pairs" in found.message


def test_warm_starts_need_fewer_products():
    f = talweg.models.phi4_chain(2000)
    x = np.random.default_rng(2).normal(size=2000)
    first = lowest(f, x, k=4)
    y = x - 0.01 * f.grad(x)
    cold = lowest(f, y, k=4)
    warm = lowest(f, y, k=4, start=first.eigenvectors)
    assert warm.success and cold.success
    np.testing.assert_allclose(warm.eigenvalues, cold.eigenvalues, atol=1e-7)
    assert warm.products < cold.products / 3
    one = lowest(f, y, start=first.eigenvectors[:, 0])
    assert one.products < lowest(f, y).products


def test_check_finds_what_a_start_hides():
    # The start spans an invariant subspace without the lowest eigenvector.
    d = np.linspace(0, 1, 300)
    start = np.zeros((300, 2))
    start[100, 0] = start[200, 1] = 1
    found = lowest(scipy.sparse.diags_array(d), k=2, start=start, check=True)
    np.testing.assert_allclose(found.eigenvalues, d[:2], atol=1e-8)


@pytest.mark.parametrize("k", [1, 3])
def test_a_start_of_other_eigenvectors_is_found_out(k):
    # The Krylov space ends at once, and no wanted eigenvector is in it.
    d = np.linspace(0, 1, 200)
    found = lowest(lambda v: d * v, n=200, k=k, start=np.eye(200)[:, -k:], method="three-term")
    np.testing.assert_allclose(found.eigenvalues, d[:k], atol=1e-8)


def test_what_lanczos_cannot_separate_is_decomposed():
    # Beside the largest eigenvalue the others are nearly equal.
    rng = np.random.default_rng(0)
    q = np.linalg.qr(rng.standard_normal((97, 97)))[0]
    a = q * np.r_[1e6, rng.uniform(size=96)] @ q.T
    a = (a + a.T) / 2
    for seed in range(3):
        found = lowest(lambda v: a @ v, n=97, k=8, which="both", tol=1e-10, rng=seed)
        check(a, found, 8, "both", tol=1e-10)
        assert found.success


def test_blocks_of_many_vectors_and_hard_spectra():
    d = np.arange(1.0, 201.0)
    found = lowest(lambda v: d * v, n=200, method="block", block=500)
    assert found.success and found.products < 2000
    a = with_spectrum(np.logspace(-12, 0, 300))
    found = lowest(lambda v: a @ v, n=300, k=8, tol=1e-10, method="block")
    check(a, found, 8, "smallest", tol=1e-10, factor=10)
    assert found.products < 5000


def test_messages_speak_of_the_argument():
    for length in (199, 1):
        with pytest.raises(
            ValueError, match=r"product with an array of shape \(200, 1\) has shape"
        ):
            lowest(lambda v, m=length: np.ones(m), n=200)
    for x in (1.0, [[1.0, 2.0]], []):
        with pytest.raises(ValueError, match="x: want the point of the Hessian"):
            lowest(lambda v: (v**4).sum(), x)
    with pytest.raises(ValueError, match="f_or_operator: want finite numbers"):
        lowest(scipy.sparse.diags_array([1.0, np.nan, 2.0]))


def test_missed_probability_is_small_where_the_gap_is_wide():
    d = np.r_[-5.0, -5.0, -4.0, np.linspace(0, 1, 997)]
    found = lowest(scipy.sparse.diags_array(d), k=3, method="three-term")
    np.testing.assert_allclose(found.eigenvalues, d[:3], atol=1e-7)
    assert found.missed_probability <= 1e-6


def test_the_result_does_not_depend_on_threads():
    n = 150_000
    d = np.random.default_rng(0).uniform(size=n)
    d[:3] = -1, -0.9, -0.8
    for method in ("three-term", "block"):
        for tol in (1e-6, 1e-9):
            options = {"n": n, "k": 2, "method": method, "tol": tol, "check": False}
            one, two = (lowest(lambda v: d * v, workers=w, **options) for w in (1, 2))
            np.testing.assert_array_equal(one.eigenvectors, two.eigenvectors)
            np.testing.assert_array_equal(one.eigenvalues, two.eigenvalues)
            np.testing.assert_allclose(one.eigenvalues, d[:2], atol=1e-6)


def test_little_memory_gives_the_same():
    n = 120_000
    d = np.linspace(0, 1, n) ** 0.5
    d[0] = -0.05
    for tol in (1e-6, 1e-9):
        ample = lowest(lambda v: d * v, n=n, tol=tol)
        scarce = lowest(lambda v: d * v, n=n, tol=tol, memory=1)
        assert ample.success and scarce.success
        assert scarce.products > ample.products + ample.nit / 2
        np.testing.assert_allclose(ample.eigenvectors, scarce.eigenvectors, atol=3e-6)


PROGRAM = """
import numpy, talweg
from talweg.spectrum import lowest
f = talweg.models.phi4_chain(3000)
x = numpy.random.default_rng(1).normal(size=3000)
for method in ("three-term", "block"):
    found = lowest(f, x, k=2, method=method)
    print(*[value.hex() for value in found.eigenvalues.tolist()])
"""


def test_instruction_sets_agree():
    answers = []
    for isa in ("", "baseline"):
        environment = dict(os.environ, TALWEG_ISA=isa)
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True
        )
        assert run.returncode == 0, run.stderr
        answers.append([float.fromhex(word) for word in run.stdout.split()])
    np.testing.assert_allclose(answers[0], answers[1], rtol=0, atol=1e-12)


def test_random_vectors_are_the_callers():
    a = with_spectrum(RANDOM.standard_normal(300))
    first, again = (lowest(a, method="three-term", rng=3) for _ in range(2))
    other = lowest(a, method="three-term", rng=np.random.default_rng(4))
    np.testing.assert_array_equal(first.eigenvectors, again.eigenvectors)
    assert (first.eigenvectors != other.eigenvectors).any()


def test_asdict_and_repr():
    found = lowest(np.diag([1.0, 2.0, 3.0]), k=2)
    fields = found.asdict()
    assert fields["status"] is talweg.Status.CONVERGED
    np.testing.assert_allclose(fields["eigenvalues"], [1, 2], atol=1e-14)
    assert "CONVERGED" in repr(found)


a3 = np.diag([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        ((a3,), {"k": 0}, ValueError, "k: want at least 1, got 0"),
        ((a3,), {"k": 4}, ValueError, "k: want at most 3"),
        ((a3,), {"k": 2, "which": "both"}, ValueError, "k: want at most 1"),
        ((a3,), {"k": 1.5}, TypeError, "k: want a whole number"),
        ((a3,), {"which": "lowest"}, ValueError, "which: want one of"),
        ((a3,), {"method": "arnoldi"}, ValueError, "method: want one of"),
        ((a3,), {"method": "block", "which": "nearest-zero"}, ValueError, "method: 'block'"),
        ((a3,), {"tol": 0}, ValueError, "tol: want a positive"),
        ((a3,), {"tol": 2.0}, ValueError, "tol: want a number below 1"),
        ((a3,), {"maxiter": 0}, ValueError, "maxiter: want at least 1"),
        ((a3,), {"start": np.ones(2)}, ValueError, "start: want shape"),
        ((a3,), {"start": np.zeros(3)}, ValueError, "start: want vectors other than zero"),
        ((a3,), {"start": [1, np.nan, 0]}, ValueError, "start: want finite numbers"),
        ((a3,), {"n": 4}, ValueError, "n: f_or_operator has 3 rows"),
        ((a3,), {"gradient": True}, ValueError, "gradient: goes with an objective"),
        ((a3,), {"callback": 3}, TypeError, "callback: want a function"),
        ((a3,), {"workers": 0}, ValueError, "workers: want at least 1"),
        ((a3, np.ones(3)), {}, TypeError, "x: goes with an objective"),
        ((a3[:2],), {}, ValueError, "f_or_operator: want shape"),
        ((a3 * 1j,), {}, TypeError, "f_or_operator: want real numbers"),
        ((a3 * np.nan,), {}, ValueError, "f_or_operator: want finite numbers"),
        (("rosenbrock",), {}, TypeError, "f_or_operator: want a talweg.Objective"),
        ((None,), {}, TypeError, "f_or_operator: want a talweg.Objective"),
        ((lambda v: v,), {}, TypeError, "f_or_operator: a function needs the point x"),
        ((talweg.surfaces.himmelblau(),), {}, TypeError, "x: want the point"),
        ((talweg.surfaces.himmelblau(), np.ones(3)), {}, ValueError, "x: want shape"),
        ((talweg.surfaces.himmelblau(), [np.nan, 1]), {}, ValueError, "x: want finite"),
        ((lambda v: v[:2],), {"n": 3}, ValueError, "its product with an array of shape"),
        ((lambda v: "no",), {"n": 3}, TypeError, "f_or_operator: its product has dtype"),
        ((lambda v: v * 1j,), {"n": 3}, TypeError, "f_or_operator: its product has dtype"),
    ],
)
def test_unusable_arguments(arguments, options, error, words):
    with pytest.raises(error, match=words):
        lowest(*arguments, **options)


def test_a_tolerance_below_rounding_is_not_reached():
    a = np.random.default_rng(0).normal(size=(40, 40))
    found = lowest(a + a.T, k=2, tol=1e-300)
    assert not found.success and found.status == talweg.Status.NOT_CONVERGED
    assert (found.residuals < 1e-11).all()
