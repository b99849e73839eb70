"""JAX and PyTorch functions: cost of a point in blocks of 1, 64 and 1024, against themselves.

The function is the loss of a network with eight hidden units, n = 25. Floor: the framework's own
compiled (JAX) or eager (PyTorch) function on arrays that it holds. Goal: at most 25 ns a point above
it in blocks of 1024. ``extra_info["ns_per_point"]`` is the cost of a point.
"""

import numpy as np
import pytest

import talweg

INPUTS = np.linspace(-1, 1, 20)[:, None]
TARGETS = np.sin(3 * INPUTS)
N = 25
SIZES = [1, 64, 1024]


def loss(tanh, inputs, targets):
    """The loss in a framework's own words."""

    def function(x):
        hidden = tanh(inputs @ x[:8].reshape(1, 8) + x[8:16])
        output = hidden @ x[16:24].reshape(8, 1) + x[24:]
        return ((output - targets) ** 2).mean() + 1e-3 * (x * x).sum()

    return function


def in_jax():
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    function = loss(jax.numpy.tanh, INPUTS, TARGETS)
    bare = jax.jit(jax.vmap(jax.grad(function)))
    return talweg.Objective.from_jax(function, N), lambda x: bare(x).block_until_ready()


def in_torch():
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    function = loss(torch.tanh, torch.from_numpy(INPUTS), torch.from_numpy(TARGETS))
    bare = torch.func.vmap(torch.func.grad(function))
    return talweg.Objective.from_torch(function, N), lambda x: bare(torch.from_numpy(x))


@pytest.fixture(scope="module", params=[in_jax, in_torch], ids=["jax", "torch"])
def framework(request):
    return request.param()


def per_point(benchmark, count):
    if benchmark.stats is not None:
        benchmark.extra_info["ns_per_point"] = benchmark.stats.stats.min / count * 1e9


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("quantity", ["value", "grad", "hess", "third"])
def test_framework(benchmark, framework, quantity, size):
    benchmark.group = f"frameworks, {quantity}, {size} points"
    f, _ = framework
    x, v = np.random.default_rng(0).normal(size=(2, size, N))
    method = f if quantity == "value" else getattr(f, quantity)
    benchmark(method, x, *((v,) if quantity == "third" else ()))
    per_point(benchmark, size)


@pytest.mark.parametrize("size", SIZES)
def test_floor(benchmark, framework, size):
    benchmark.group = f"frameworks, grad, {size} points"
    benchmark(framework[1], np.random.default_rng(0).normal(size=(size, N)))
    per_point(benchmark, size)
