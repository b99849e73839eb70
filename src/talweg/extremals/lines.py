"""Directions in which gradient extremals leave a critical point with a repeated eigenvalue."""

from __future__ import annotations

import itertools

import numpy as np

from talweg.objective import Objective

__all__ = ["extremal_lines"]


def extremal_lines(f: Objective, x: np.ndarray, branch: int, max_step: float) -> list[np.ndarray]:
    """Unit vectors along which gradient extremals leave `x` in a repeated eigenvalue's space.

    Branches leave along the unit u of the eigenspace E with ``P T[u] u`` parallel to u, P the
    projection onto E: one or three lines for a double eigenvalue, generically. In the plane,
    where the third derivatives vanish on E, the sign changes of the defining equation on a small
    circle are taken instead.

    Returns
    -------
    list of ndarray, shape (n,)
        One vector a line, the component of largest modulus positive, in a fixed order; empty when
        every direction qualifies (to the order that was looked at), or none.
    """
    values, vectors = np.linalg.eigh(f.hess(x))
    # Where the whole Hessian vanishes the third derivatives say what is small.
    bending = max(float(np.abs(f.third(x, v)).max()) for v in vectors.T)
    same = np.abs(values - values[branch]) <= 1e-8 * max(np.abs(values).max(), bending * max_step)
    basis = vectors[:, same]
    if basis.shape[1] == 1:
        return [_signed(basis[:, 0])]
    cubic = np.stack([basis.T @ f.third(x, column) @ basis for column in basis.T])
    if np.abs(cubic).max() <= 1e-9 * np.abs(values).max(initial=0.0) / max_step:
        if f.n != 2:
            return []
        return _ordered(_on_circle(f, x, 0.1 * max_step))
    found = _of_cubic_in_plane(cubic) if basis.shape[1] == 2 else _of_cubic(cubic)
    return _ordered([basis @ u for u in found])


def _ordered(lines: list[np.ndarray]) -> list[np.ndarray]:
    return sorted((_signed(u) for u in lines), key=lambda u: tuple(np.round(-u, 9)))


def _signed(u: np.ndarray) -> np.ndarray:
    u = u / np.linalg.norm(u)
    return u if u[np.argmax(np.abs(u) > np.abs(u).max() * (1 - 1e-9))] > 0 else -u


def _of_cubic_in_plane(cubic: np.ndarray) -> list[np.ndarray]:
    # T[u, u, u_perp] with u = (c, s) is a cubic form in c and s; its real roots are the lines.
    a, b, c, d = cubic[0, 0, 0], cubic[0, 0, 1], cubic[0, 1, 1], cubic[1, 1, 1]
    form = np.array([b, 2 * c - a, d - 2 * b, -c])
    scale = np.abs(form).max()
    if scale <= 1e-9 * np.abs(cubic).max():
        return []
    lines = []
    if abs(form[3]) <= 1e-12 * scale:
        lines.append(np.array([0.0, 1.0]))
    for root in np.roots(form[::-1] if abs(form[3]) > 1e-12 * scale else form[2::-1]):
        if abs(root.imag) <= 1e-7 * (1 + abs(root)):
            u = np.array([1.0, root.real])
            lines.append(u / np.linalg.norm(u))
    return _distinct(lines)


def _of_cubic(cubic: np.ndarray) -> list[np.ndarray]:
    # Solutions of P T[u] u = mu u on the unit sphere by Newton from a fixed set of directions.
    k = cubic.shape[0]
    directions = [np.array(d, dtype=float) for d in itertools.product((-1, 0, 1), repeat=min(k, 4))]
    generator = np.random.default_rng(0)
    starts = [np.pad(d, (0, k - d.size)) for d in directions if d.any()]
    starts += list(generator.normal(size=(60 * k, k)))
    lines = []
    for u in starts:
        u = u / np.linalg.norm(u)
        for _ in range(60):
            force = np.einsum("ijk,j,k->i", cubic, u, u)
            mu = float(force @ u)
            residual = np.append(force - mu * u, 0.0)
            jacobian = np.zeros((k + 1, k + 1))
            jacobian[:k, :k] = 2 * np.einsum("ijk,k->ij", cubic, u) - mu * np.eye(k)
            jacobian[:k, k] = -u
            jacobian[k, :k] = u
            step = np.linalg.lstsq(jacobian, -residual, rcond=None)[0][:k]
            u = u + step
            u /= np.linalg.norm(u)
            if np.linalg.norm(step) < 1e-14:
                break
        force = np.einsum("ijk,j,k->i", cubic, u, u)
        if np.linalg.norm(force - (force @ u) * u) <= 1e-10 * np.abs(cubic).max():
            lines.append(u)
    return _distinct(lines)


def _on_circle(f: Objective, x: np.ndarray, radius: float) -> list[np.ndarray]:
    def equation(angle: np.ndarray) -> np.ndarray:
        points = x + radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        g = f.grad(points)
        product = np.einsum("mij,mj->mi", f.hess(points), g)
        norms = np.linalg.norm(f.hess(points), axis=(1, 2)) * np.einsum("mi,mi->m", g, g)
        cross = product[:, 0] * g[:, 1] - product[:, 1] * g[:, 0]
        # On flat ground every direction qualifies.
        return np.divide(cross, norms, out=np.zeros_like(cross), where=norms > 0)

    # The offset keeps symmetric directions off the grid.
    angle = 0.1234567 + np.linspace(0, np.pi, 721)
    values = equation(angle)
    if np.abs(values).max() <= 1e-11:
        return []
    lines = []
    for a, b, fa, fb in zip(angle[:-1], angle[1:], values[:-1], values[1:]):
        if (fa < 0) == (fb < 0):
            continue
        for _ in range(50):
            middle = 0.5 * (a + b)
            value = equation(np.array([middle]))[0]
            if (value < 0) == (fa < 0):
                a = middle
            else:
                b = middle
        lines.append(np.array([np.cos(0.5 * (a + b)), np.sin(0.5 * (a + b))]))
    return _distinct(lines)


def _distinct(lines: list[np.ndarray]) -> list[np.ndarray]:
    result: list[np.ndarray] = []
    for u in lines:
        if all(abs(abs(float(u @ other)) - 1) > 1e-6 for other in result):
            result.append(u)
    return result
