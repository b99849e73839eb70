"""Symmetric matrices of the kinds that decompositions find hard."""

import numpy as np


def symmetric(a):
    return a + a.swapaxes(-1, -2)


def of_spectrum(rng, values):
    """Random matrices with these eigenvalues (..., n)."""
    n = values.shape[-1]
    q = np.linalg.qr(rng.normal(size=(*values.shape, n)))[0]
    return symmetric(q * values[..., None, :] @ q.swapaxes(-1, -2)) / 2


def goe(rng, count, n):
    return symmetric(rng.normal(size=(count, n, n)))


def graded(rng, count, n):
    return of_spectrum(rng, np.broadcast_to(np.geomspace(1.0, 1e-12, n), (count, n)))


def clustered(rng, count, n):
    values = np.where(np.arange(n) < n // 2, 1.0, -2.0) + 1e-9 * rng.normal(size=(count, n))
    return of_spectrum(rng, values)


def rank_one(rng, count, n):
    u = rng.normal(size=(count, n, 1))
    return symmetric(u @ u.swapaxes(-1, -2))


def zero(rng, count, n):
    return np.zeros((count, n, n))


def huge(rng, count, n):
    return 1e300 * goe(rng, count, n) / n


def tiny(rng, count, n):
    return 1e-300 * goe(rng, count, n)


def integers(rng, count, n):
    return symmetric(rng.integers(-3, 4, size=(count, n, n)).astype(float))


def definite(rng, count, n):
    a = rng.normal(size=(count, n, n))
    return symmetric(a @ a.swapaxes(-1, -2))


KINDS = {
    kind.__name__: kind
    for kind in (goe, graded, clustered, rank_one, zero, huge, tiny, integers, definite)
}


def norms(H):
    """Frobenius norms, without overflow."""
    largest = np.abs(H).max(axis=(-1, -2), initial=0.0, keepdims=True)
    scale = np.where(largest == 0.0, 1.0, largest)
    return (scale * np.sqrt(((H / scale) ** 2).sum(axis=(-1, -2), keepdims=True)))[..., 0, 0]
