"""Objectives of known structure: cost of a point by kind, quantity and block, against JAX and BLAS.

Goal: the gradient of logistic regression at 64 points at once at 70 % or more of the rate of dgemm
(OpenBLAS as SciPy has it, one thread) on the same two products. No other goals but the floors:
``extra_info["floor_ns"]`` is the time of the arithmetic a point cannot do without, at 48 flops a
nanosecond (one AVX2 core at 3 GHz with two fused multiply-adds a cycle), or of storing its results
at 10 bytes a nanosecond, whichever is longer. One thread everywhere (OPENBLAS_NUM_THREADS=1 and
XLA_FLAGS=--xla_cpu_multi_thread_eigen=false for the peers); JAX is given compiled, vectorised
functions in double precision and its results are not copied to NumPy.
"""

import itertools

import numpy as np
import pytest

from talweg import models
from talweg.quantity import GRADIENT, HESSIAN, THIRD, VALUE

QUANTITIES = {"f": VALUE, "g": GRADIENT, "H": HESSIAN, "T[v]": THIRD}
BLOCKS = [1, 8, 64, 1024]
RNG = np.random.default_rng(0)


def triangle(n):
    return n * (n + 1) // 2


def polynomial():
    n, terms = 6, 40
    exponents = np.unique(RNG.integers(0, 3, size=(2 * terms, n)), axis=0)[:terms]
    coefficients = RNG.normal(size=len(exponents))

    def formula(jnp, x):
        powers = jnp.stack([jnp.ones_like(x), x, x * x])
        chosen = [powers[exponents[:, i], i] for i in range(n)]
        product = coefficients
        for factor in chosen:
            product = product * factor
        return product.sum()

    # Terms of the function and its derivatives, a multiply-add each.
    present = exponents > 0
    slopes = present.sum()
    bends = sum(triangle(int(k)) for k in present.sum(axis=1)) - (exponents == 1).sum()
    flops = {"f": 2 * len(exponents), "g": 2 * slopes, "H": 2 * bends, "T[v]": 4 * bends}
    return models.polynomial(exponents, coefficients), formula, flops


def quadratic():
    n = 20
    a = RNG.normal(size=(n, n))
    a = a + a.T
    flops = {"f": 2 * n * n, "g": 2 * n * n, "H": 0, "T[v]": 0}
    return models.quadratic(a), lambda jnp, x: x @ a @ x / 2, flops


def normal_form():
    n = 6
    values, cubic = RNG.normal(size=n), RNG.normal(size=(n, n, n))
    cubic = sum(cubic.transpose(order) for order in itertools.permutations(range(3)))

    def formula(jnp, x):
        return values @ (x * x) / 2 + jnp.einsum("ijk,i,j,k", cubic, x, x, x) / 6

    matrix = 2 * triangle(n) * n
    flops = {"f": 2 * n**3 // 6, "g": matrix, "H": matrix, "T[v]": matrix}
    return models.normal_form(values, cubic), formula, flops


def regression(build, loss):
    rows, n = 569, 31
    data, labels = RNG.normal(size=(rows, n)), RNG.integers(0, 2, size=rows)

    def formula(jnp, w):
        return loss(jnp, data @ w, 2.0 * labels - 1.0).mean() + 0.005 * w @ w

    products = 2 * rows * n
    outer = 2 * rows * triangle(n)
    logistic = build is models.logistic_regression
    flops = {
        "f": products,
        "g": 2 * products,
        "H": products + outer if logistic else 0,
        "T[v]": 2 * products + outer if logistic else 0,
    }
    targets = labels if logistic else 2.0 * labels - 1.0
    return build(data, targets, 0.01), formula, flops


def cluster(build, pair):
    atoms = 13
    i, j = np.triu_indices(atoms, 1)

    def formula(jnp, x):
        positions = x.reshape(atoms, 3)
        return pair(jnp, jnp.sum((positions[i] - positions[j]) ** 2, axis=1)).sum()

    # Per pair: distance 8, potential 12 or so, force 9; a 3 x 3 block and its additions 30 and more.
    pairs = len(i)
    flops = {"f": 16 * pairs, "g": 29 * pairs, "H": 55 * pairs, "T[v]": 80 * pairs}
    return build(atoms), formula, flops


def gaussian_mixture():
    components, n = 8, 4
    means = RNG.normal(size=(components, n))
    roots = RNG.normal(size=(components, n, n))
    covariances = roots @ roots.transpose(0, 2, 1) + np.eye(n)
    precisions = np.linalg.inv(covariances)
    f = models.gaussian_mixture(means, covariances)

    def formula(jnp, x):
        d = x - means
        exponents = f.parameters["amplitudes"] - jnp.einsum("ki,kij,kj->k", d, precisions, d) / 2
        peak = exponents.max()
        return -(peak + jnp.log(jnp.exp(exponents - peak).sum()))

    first = components * (2 * n * n + 2 * n + 20)
    matrix = components * triangle(n)
    flops = {"f": first, "g": first + 2 * components * n}
    flops |= {"H": first + 4 * matrix, "T[v]": first + 2 * components * n * n + 6 * matrix}
    return f, formula, flops


def phi4_chain():
    n = 100

    def formula(jnp, x):
        return jnp.sum((x**2 - 1) ** 2) / 4 + 0.05 * jnp.sum(jnp.diff(x) ** 2)

    return models.phi4_chain(n), formula, {"f": 7 * n, "g": 8 * n, "H": 4 * n, "T[v]": 2 * n}


def lennard_jones_pair(jnp, square):
    inverse = 1 / square**3
    return 4 * (inverse * inverse - inverse)


def morse_pair(jnp, square):
    e = jnp.exp(-6 * (jnp.sqrt(square) - 1))
    return e * e - 2 * e


KINDS = {
    "polynomial, n = 6, 40 terms": polynomial,
    "quadratic, n = 20": quadratic,
    "normal form, n = 6": normal_form,
    "logistic regression, 569 x 31": lambda: regression(
        models.logistic_regression, lambda jnp, z, y: jnp.logaddexp(0.0, -y * z)
    ),
    "linear regression, 569 x 31": lambda: regression(
        models.linear_regression, lambda jnp, z, y: (z - y) ** 2 / 2
    ),
    "Lennard-Jones, 13 atoms": lambda: cluster(models.lennard_jones, lennard_jones_pair),
    "Morse, 13 atoms": lambda: cluster(models.morse, morse_pair),
    "Gaussian mixture, 8 components, n = 4": gaussian_mixture,
    "phi-4 chain, n = 100": phi4_chain,
}


def points_for(f, count):
    x, v = RNG.uniform(-0.3, 0.3, size=(2, count, f.n))
    if f.kind == "cluster":
        x += np.array(list(itertools.product((0.0, 1.1, 2.2), repeat=3)))[: f.n // 3].ravel()
    return x, v


def per_point(benchmark, f, quantity, flops, count):
    # Without statistics when the suite runs as tests (--benchmark-disable).
    if benchmark.stats is None:
        return
    stored = 8 * {"f": 1, "g": f.n, "H": f.n**2, "T[v]": f.n**2}[quantity]
    benchmark.extra_info["floor_ns"] = max(flops[quantity] / 48, stored / 10)
    benchmark.extra_info["ns_per_point"] = benchmark.stats.stats.min / count * 1e9


@pytest.mark.benchmark(min_rounds=3, max_time=0.05)
@pytest.mark.parametrize("count", BLOCKS)
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_talweg(benchmark, kind, quantity, count):
    benchmark.group = f"{kind}: {quantity}"
    f, _, flops = KINDS[kind]()
    x, v = points_for(f, count)
    benchmark(f._core.evaluate, x, QUANTITIES[quantity], v, None, 1)
    per_point(benchmark, f, quantity, flops, count)


@pytest.mark.benchmark(min_rounds=3, max_time=0.05)
@pytest.mark.parametrize("count", [1, 1024])
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_jax(benchmark, kind, quantity, count):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    benchmark.group = f"{kind}: {quantity}"
    f, formula, flops = KINDS[kind]()

    def fun(x):
        return formula(jax.numpy, x)

    functions = {
        "f": lambda x, v: fun(x),
        "g": lambda x, v: jax.grad(fun)(x),
        "H": lambda x, v: jax.hessian(fun)(x),
        "T[v]": lambda x, v: jax.jvp(jax.hessian(fun), (x,), (v,))[1],
    }
    x, v = points_for(f, count)
    compiled = jax.jit(jax.vmap(functions[quantity]))
    x, v = jax.numpy.asarray(x), jax.numpy.asarray(v)
    result = np.asarray(compiled(x, v))
    names = {"f": "value", "g": "gradient", "H": "hessian", "T[v]": "third"}
    (own,) = (
        f._core.evaluate(np.asarray(x), QUANTITIES[quantity], np.asarray(v))[name]
        for name in [names[quantity]]
    )
    np.testing.assert_allclose(own, result, rtol=0, atol=1e-10 * (1 + np.abs(result).max()))
    benchmark(lambda: compiled(x, v).block_until_ready())
    per_point(benchmark, f, quantity, flops, count)


SHAPES = [(569, 31), (1000, 100), (2000, 200), (5000, 500)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
class TestLogisticGradientAt64Points:
    """``gflops`` counts the two products only; the floor is dgemm's time for them."""

    @pytest.fixture
    def case(self, benchmark, shape):
        benchmark.group = f"logistic regression, gradient at 64 points: {shape[0]} x {shape[1]}"
        rows, n = shape
        data, labels = RNG.normal(size=shape), RNG.integers(0, 2, size=rows)
        return data, labels, RNG.normal(size=(64, n)) / np.sqrt(n)

    def report(self, benchmark, shape):
        if benchmark.stats is not None:
            flops = 4 * shape[0] * shape[1] * 64
            benchmark.extra_info["gflops"] = flops / benchmark.stats.stats.min / 1e9

    def test_talweg(self, benchmark, shape, case):
        data, labels, w = case
        f = models.logistic_regression(data, labels, 0.01)
        benchmark(f._core.evaluate, w, GRADIENT, None, None, 1)
        self.report(benchmark, shape)

    def test_dgemm(self, benchmark, shape, case):
        from scipy.linalg.blas import dgemm

        data, _, w = case
        columns = np.asfortranarray(data.T)
        points, weights = (
            np.asfortranarray(w.T),
            np.asfortranarray(RNG.normal(size=(len(data), 64))),
        )

        def both_products():
            dgemm(1.0, columns, points, trans_a=1)
            dgemm(1.0, columns, weights)

        benchmark(both_products)
        self.report(benchmark, shape)

    def test_numpy(self, benchmark, shape, case):
        from scipy.special import expit

        data, labels, w = case
        signed = data * (2 * labels - 1)[:, None]

        def gradient():
            return -(expit(-(w @ signed.T)) @ signed) / len(data) + 0.01 * w

        f = models.logistic_regression(data, labels, 0.01)
        np.testing.assert_allclose(f.grad(w), gradient(), rtol=1e-9, atol=1e-12)
        benchmark(gradient)
        self.report(benchmark, shape)
