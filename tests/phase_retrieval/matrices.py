"""Matrices D of random data, for comparison with the theory."""

import math

import numpy as np
from scipy.linalg import eigh


def on_sphere(rng, n):
    w = rng.standard_normal(n)
    return w * math.sqrt(n) / np.linalg.norm(w)


def projections(n, alpha, rng, overlap=0.0):
    """X (M, n), an iterate with that overlap, the signal, and the projections on both."""
    X = rng.standard_normal((round(alpha * n), n))
    signal, other = on_sphere(rng, n), on_sphere(rng, n)
    if overlap:
        other = other - signal * (other @ signal) / n
        other *= math.sqrt(n) / np.linalg.norm(other)
    w = overlap * signal + math.sqrt(1.0 - overlap**2) * other
    return X, w, signal, X @ w / math.sqrt(n), X @ signal / math.sqrt(n)


def weighted(X, weights):
    return (X.T * weights) @ X / len(X)


def lowest(matrix, signal):
    """The smallest eigenvalue and the squared overlap of its vector with the signal."""
    values, vectors = eigh(matrix, subset_by_index=[0, 0])
    return values[0], (vectors[:, 0] @ signal) ** 2 / len(signal)
