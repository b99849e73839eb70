"""Logistic regression on the breast-cancer data against plain NumPy and scikit-learn."""

import sys

import numpy as np
import pytest

import talweg

sklearn_datasets = pytest.importorskip("sklearn.datasets")


@pytest.fixture(scope="module")
def f():
    return talweg.datasets.logistic("breast-cancer")


@pytest.fixture(scope="module")
def design():
    features, classes = sklearn_datasets.load_breast_cancer(return_X_y=True)
    z = (features - features.mean(axis=0)) / features.std(axis=0)
    return np.column_stack([z, np.ones(len(z))]), 2.0 * classes - 1.0


def newton(f):
    w = np.zeros(f.n)
    for _ in range(30):
        w -= np.linalg.solve(f.hess(w), f.grad(w))
    return w


def test_derivatives_are_those_of_the_formula(f, design):
    z, y = design
    assert (f.n, f.name, f.bounds, f.kinks) == (31, "logistic:breast-cancer", None, ())
    for w in np.random.default_rng(0).normal(scale=0.3, size=(3, 31)):
        margins = y * (z @ w)
        p = 1 / (1 + np.exp(margins))
        value = np.mean(np.logaddexp(0, -margins)) + 0.005 * w @ w
        gradient = -(z.T @ (y * p)) / 569 + 0.01 * w
        hessian = (z.T * (p * (1 - p))) @ z / 569 + 0.01 * np.eye(31)
        v = np.random.default_rng(1).normal(size=31)
        weights = -p * (1 - p) * (1 - 2 * p) * (y * (z @ v))
        third = (z.T * weights) @ z / 569
        for computed, exact in [
            (f(w), value),
            (f.grad(w), gradient),
            (f.hess(w), hessian),
            (f.hessp(w, v), hessian @ v),
            (f.third(w, v), third),
        ]:
            assert np.linalg.norm(computed - exact) <= 1e-13 * np.linalg.norm(exact)


def test_the_minimum_is_well_conditioned(f):
    w = newton(f)
    assert np.linalg.norm(f.grad(w)) <= 1e-15
    eigenvalues = np.linalg.eigvalsh(f.hess(w))
    assert eigenvalues[0] == pytest.approx(0.010002, abs=5e-7)
    assert eigenvalues[-1] / eigenvalues[0] == pytest.approx(22, rel=0.02)


def test_scikit_learn_finds_the_same_minimum(f, design):
    from sklearn.linear_model import LogisticRegression

    z, y = design
    model = LogisticRegression(C=1 / (569 * 0.01), fit_intercept=False, tol=1e-12, max_iter=10_000)
    model.fit(z, y)
    np.testing.assert_allclose(newton(f), model.coef_[0], atol=1e-6)


def test_the_ridge(f):
    w = np.linspace(-1, 1, 31)
    stiffer = talweg.datasets.logistic(ridge=0.5)
    assert stiffer(w) - f(w) == pytest.approx(0.245 * w @ w, rel=1e-13)


def test_misuse(monkeypatch):
    with pytest.raises(ValueError, match="did you mean breast-cancer"):
        talweg.datasets.logistic("breast_cancer")
    with pytest.raises(ValueError, match="there is breast-cancer"):
        talweg.datasets.logistic("zzz")
    for ridge in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(ValueError, match="ridge"):
            talweg.datasets.logistic(ridge=ridge)
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="pip install scikit-learn"):
        talweg.datasets.logistic()
