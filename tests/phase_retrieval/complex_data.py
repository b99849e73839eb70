"""Exact means over complex normal (lambda, u), and matrices D of complex data."""

import math

import mpmath
import numpy as np
from scipy.linalg import eigh


def resolvent_means(a, q, dps=20):
    """`exact.resolvent_means` of complex data: both weights of a sample count one half.

    With x = |lambda|^2 and y = |u|^2 of density exp(-x - y), and weights 2 (g x - y)/(a + y), g = 3 or
    1, the mean over x follows from the exponential integral.
    """
    with mpmath.workdps(dps):
        a, q = mpmath.mpf(a), mpmath.mpf(q)

        def powers(y, g):
            # 1/(1 + q d) = (a + y) / (2 g q (x + c)), and the mean of its powers over x.
            c = (a + (1 - 2 * q) * y) / (2 * g * q)
            first = mpmath.exp(c) * mpmath.e1(c)
            front = (a + y) / (2 * g * q)
            return front * first, front**2 * (1 / c - first)

        def mean(function):
            points = sorted({p for p in (0, a / 4, a, 4 * a, 1, 5, 12, 30, 60) if p <= 60})
            both = lambda y: (function(y, 3) + function(y, 1)) / 2  # noqa: E731
            return mpmath.quad(lambda y: both(y) * mpmath.exp(-y), points)

        def ratio(y, g):
            return (1 - powers(y, g)[0]) / q

        def square(y, g):
            first, second = powers(y, g)
            return (1 - 2 * first + second) / q**2

        return (
            mean(ratio),
            mean(square),
            mean(lambda y, g: ratio(y, g) * (1 - y)),
            mean(lambda y, g: square(y, g) * y),
        )


def complex_normal(rng, *shape):
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) * math.sqrt(0.5)


def on_sphere(rng, n):
    w = complex_normal(rng, n)
    return w * math.sqrt(n) / np.linalg.norm(w)


def projections(n, alpha, rng, overlap=0.0):
    """X (M, n), an iterate w, the signal with vdot(w, signal) = n overlap, and the projections."""
    X = complex_normal(rng, round(alpha * n), n)
    w, other = on_sphere(rng, n), on_sphere(rng, n)
    other -= w * np.vdot(w, other) / n
    other *= math.sqrt(n) / np.linalg.norm(other)
    signal = overlap * w + math.sqrt(1.0 - abs(overlap) ** 2) * other
    return X, w, signal, X @ w / math.sqrt(n), X @ signal / math.sqrt(n)


def in_coordinates(w):
    """(Re w, Im w) and the same of i w, scaled to length 1."""
    turned = 1j * w
    plane = np.stack([np.r_[w.real, w.imag], np.r_[turned.real, turned.imag]], axis=1)
    return plane / np.linalg.norm(w)


def curvature_matrix(X, lam, along, across):
    """D of 2n rows: weights for the projections in the direction of lambda and across it."""
    turned = X * (lam.conj() / np.abs(lam))[:, None]
    real = np.hstack([turned.real, -turned.imag])
    imaginary = np.hstack([turned.imag, turned.real])
    return ((real.T * along) @ real + (imaginary.T * across) @ imaginary) / len(X)


def lowest(matrix, signal, count=2):
    """The smallest eigenvalues, and the shares of their vectors in the plane of the signal."""
    values, vectors = eigh(matrix, subset_by_index=[0, count - 1])
    return values, (in_coordinates(signal).T @ vectors) ** 2
