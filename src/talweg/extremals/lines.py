"""Directions in which gradient extremals leave a critical point with a repeated eigenvalue."""

from __future__ import annotations

import itertools

import numpy as np

from talweg.extremals.orbits import has_motions, horizontal_spectrum, rotation_partner
from talweg.objective import Objective

__all__ = ["eigenvalue_accuracy", "extremal_lines"]


def eigenvalue_accuracy(f: Objective) -> float:
    """Difference of two eigenvalues, relative to the largest, that tells them apart for sure."""
    return max(1e-8, 10.0 * f._core.errors["hessian"][2])


def extremal_lines(f: Objective, x: np.ndarray, branch: int, max_step: float) -> list[np.ndarray]:
    """Unit vectors along which gradient extremals leave `x` in a repeated eigenvalue's space.

    Branches leave along the unit u of the eigenspace E with ``P T[u] u`` parallel to u, P the
    projection onto E: one or three lines for a double eigenvalue, generically. Where the third
    derivatives vanish on E, the extremal points of a small sphere around `x` are taken instead: in
    the plane from the sign changes of the defining equation on a circle. Where rigid motions turn
    all directions of E into one another, as those of a linear molecule's bending, one line stands
    for all.

    Returns
    -------
    list of ndarray, shape (n,)
        One vector a line, the component of largest modulus positive, in a fixed order; empty when
        every direction qualifies (to the order that was looked at), or none.
    """
    values, vectors = horizontal_spectrum(f, x)
    # Where the whole Hessian vanishes higher derivatives say what is small.
    bending = max(float(np.abs(f.third(x, v)).max()) for v in vectors.T)
    higher = _beyond_cubic(f, x, 0.1 * max_step)
    size = max(np.abs(values).max(), bending * max_step, higher)
    same = np.abs(values - values[branch]) <= eigenvalue_accuracy(f) * size
    basis = vectors[:, same]
    if basis.shape[1] == 1:
        return [_signed(basis[:, 0])]
    if basis.shape[1] == 2:
        partner = rotation_partner(f, x, basis[:, 0])
        if partner is not None and abs(partner @ basis[:, 1]) > 1 - 1e-6:
            return [_signed(basis[:, 0])]
    cubic = np.stack([basis.T @ f.third(x, column) @ basis for column in basis.T])
    largest = np.abs(values).max(initial=0.0)
    error = f._core.errors["third"][2] * largest
    negligible = max(1e-9 * largest / max_step, 1e-5 * higher / max_step, error)
    if np.abs(cubic).max() <= negligible:
        if error > 0.0 and has_motions(f):
            # Forces of a calculator: solving on spheres would take a million of them.
            return []
        # Curves that pass close by are on a large sphere too, but not where it has shrunk.
        last = None
        for radius in 0.1 * max_step * 0.25 ** np.arange(5):
            if f.n == 2:
                lines = _ordered(_on_circle(f, x, radius))
            else:
                lines = _ordered(_on_sphere(f, x, values[branch], basis, radius))
            if last is not None and len(lines) == len(last):
                return lines
            last = lines
        return []
    found = _of_cubic_in_plane(cubic) if basis.shape[1] == 2 else _of_cubic(cubic)
    return _ordered([basis @ u for u in found])


def _beyond_cubic(f: Objective, x: np.ndarray, radius: float) -> float:
    """What fourth and higher derivatives do to the Hessian at a distance."""
    away = radius * np.modf((1.0 + np.arange(f.n)) * 0.6180339887498949)[0]
    return float(np.abs(0.5 * (f.hess(x + away) + f.hess(x - away)) - f.hess(x)).max())


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
    lines = []
    for u in _directions(k):
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


def _directions(k: int) -> np.ndarray:
    """Unit vectors to start from: symmetric ones, and some spread at random."""
    symmetric = [np.array(d, dtype=float) for d in itertools.product((-1, 0, 1), repeat=min(k, 4))]
    starts = [np.pad(d, (0, k - d.size)) for d in symmetric if d.any()]
    starts += list(np.random.default_rng(0).normal(size=(60 * k, k)))
    return np.array([u / np.linalg.norm(u) for u in starts])


def _on_sphere(
    f: Objective, centre: np.ndarray, value: float, basis: np.ndarray, radius: float
) -> list[np.ndarray]:
    # Newton's method for H g = lambda g and |x - centre| = radius, from points of E.
    n, k = basis.shape
    x = centre + radius * _directions(k) @ basis.T
    eigenvalue = np.full(len(x), value)
    if abs(value) <= _beyond_cubic(f, centre, radius):
        # A flat point: what the Hessian is at that distance takes the place of its own value.
        g, h = f.grad(x), f.hess(x)
        squares = np.einsum("mi,mi->m", g, g)
        if not (squares > 0).all():
            return []
        eigenvalue = np.einsum("mi,mij,mj->m", g, h, g) / squares
        value = float(np.median(np.linalg.norm(h, axis=(1, 2))))
    jacobian = np.zeros((len(x), n + 1, n + 1))
    length = np.full(len(x), np.inf)
    for _ in range(40):
        g, h, third = f.grad(x), f.hess(x), f.third(x, f.grad(x))
        away = x - centre
        product = np.einsum("mij,mj->mi", h, g) - eigenvalue[:, None] * g
        residual = np.column_stack([product / value**2, (away**2).sum(axis=1) - radius**2])
        linear = np.einsum("mij,mjk->mik", h, h) + third - eigenvalue[:, None, None] * h
        jacobian[:, :n, :n] = linear / value**2
        jacobian[:, :n, n] = -g / value**2
        jacobian[:, n, :n] = 2 * away
        # The scale of the last unknown and row is that of the others.
        jacobian[:, :n, n] *= abs(value) / radius
        jacobian[:, n, :] /= radius
        residual[:, n] /= radius
        if not np.isfinite(jacobian).all() or not np.isfinite(residual).all():
            return []
        step = np.einsum("mij,mj->mi", np.linalg.pinv(jacobian, rcond=1e-13), residual)
        length = np.linalg.norm(step[:, :n], axis=1)
        step *= np.minimum(1.0, 0.3 * radius / np.maximum(length, 1e-300))[:, None]
        x = x - step[:, :n]
        eigenvalue = eigenvalue - step[:, n] * abs(value) / radius
    smallest = np.linalg.svd(jacobian, compute_uv=False)[:, -1]
    near = np.linalg.norm((x - centre) @ basis, axis=1) > 0.9 * radius
    solved = near & (length <= 1e-6 * radius)
    # Where every direction qualifies the solutions are not isolated.
    if not solved.any() or smallest[solved].min() <= 1e-12:
        return []
    lines: list[np.ndarray] = []
    for u in (x[solved] - centre) / radius:
        u = basis @ (basis.T @ u)
        u /= np.linalg.norm(u)
        for other in lines:
            cosine = float(u @ other) / np.linalg.norm(other)
            if abs(cosine) > 1 - 1e-4:
                # The mean over both senses is free of the curve's own bending.
                other += np.copysign(1.0, cosine) * u
                break
        else:
            lines.append(u)
    return lines if len(lines) <= (3**k - 1) // 2 else []


def _distinct(lines: list[np.ndarray]) -> list[np.ndarray]:
    result: list[np.ndarray] = []
    for u in lines:
        if all(abs(abs(float(u @ other)) - 1) > 1e-6 for other in result):
            result.append(u)
    return result
