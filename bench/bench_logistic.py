"""Logistic regression on 569 rows, n = 31: cost of derivatives and of curves, against BLAS.

Floors. With Z the 569 x 31 data: f and g take 4 x 569 x 31 = 71,000 flops and 569 exponentials, about
6 us at 16 flops a cycle; H = Z' D Z takes 569 x 31 x 32 = 560,000 flops as a symmetric product, 12 us;
H v another 71,000, T[v] another 560,000. Z is 141 kB and stays in the second-level cache.
"""

import numpy as np
import pytest

import talweg


@pytest.fixture(scope="module")
def f():
    pytest.importorskip("sklearn")
    return talweg.datasets.logistic("breast-cancer")


class Formula:
    """The same function with NumPy's products."""

    def __init__(self, f, ridge=0.01):
        data, labels = f.parameters["data"], f.parameters["targets"]
        self.rows = data * labels[:, None]
        self.ridge = ridge
        w = np.linspace(-0.3, 0.3, f.n)
        np.testing.assert_allclose(self.value(w), f(w), rtol=1e-12)
        np.testing.assert_allclose(self.grad(w), f.grad(w), rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(self.hess(w), f.hess(w), rtol=1e-9, atol=1e-14)
        np.testing.assert_allclose(self.third(w, w), f.third(w, w), rtol=1e-9, atol=1e-14)

    def margin(self, w):
        z = self.rows @ w
        return z, 1.0 / (1.0 + np.exp(z))

    def value(self, w):
        z = self.rows @ w
        return np.logaddexp(0.0, -z).mean() + self.ridge / 2 * (w @ w)

    def grad(self, w):
        _, s = self.margin(w)
        return -(s @ self.rows) / len(self.rows) + self.ridge * w

    def hess(self, w):
        _, s = self.margin(w)
        weights = s * (1.0 - s) / len(self.rows)
        return (self.rows.T * weights) @ self.rows + self.ridge * np.eye(len(w))

    def hessp(self, w, v):
        _, s = self.margin(w)
        weights = s * (1.0 - s) / len(self.rows)
        return (weights * (self.rows @ v)) @ self.rows + self.ridge * v

    def third(self, w, v):
        _, s = self.margin(w)
        weights = s * (1.0 - s) * (2.0 * s - 1.0) / len(self.rows) * (self.rows @ v)
        return (self.rows.T * weights) @ self.rows


QUANTITIES = ["value", "grad", "hess", "hessp", "third"]


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_talweg(benchmark, f, quantity):
    benchmark.group = f"logistic regression, one point: {quantity}"
    w = np.linspace(-0.3, 0.3, f.n)
    method = f if quantity == "value" else getattr(f, quantity)
    benchmark(method, w, *((w,) if quantity in ("hessp", "third") else ()))


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_numpy(benchmark, f, quantity):
    benchmark.group = f"logistic regression, one point: {quantity}"
    w = np.linspace(-0.3, 0.3, f.n)
    method = getattr(Formula(f), quantity)
    benchmark(method, w, *((w,) if quantity in ("hessp", "third") else ()))


@pytest.mark.benchmark(group="logistic regression: a branch")
@pytest.mark.parametrize("branch", [0, -1], ids=["softest", "stiffest"])
def test_branch(benchmark, f, branch):
    (minimum,) = talweg.critical_points(f, starts=np.zeros(f.n))
    options = {"bounds": (), "max_length": 1.0, "max_step": 0.05}
    curve = benchmark.pedantic(
        talweg.trace, (f, minimum, branch), options, rounds=3, iterations=1, warmup_rounds=1
    )
    benchmark.extra_info["points"] = len(curve.x)
    if benchmark.stats is not None:
        benchmark.extra_info["ms_per_point"] = (
            1e3 * benchmark.stats.stats.median / max(1, len(curve.x))
        )
