"""A minimum in the coordinates that checks measure in: offsets from it along its eigenvectors."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.composition import compose_affine
from talweg.extremals.arguments import checked_point
from talweg.jets.polishing import polished
from talweg.objective import Objective

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Minimum", "found_minimum", "lengths"]

_EPS = float(np.finfo(float).eps)


@dataclasses.dataclass(frozen=True, eq=False)
class Minimum:
    """A nondegenerate minimum of f.

    Attributes
    ----------
    x : ndarray, shape (n,)
    eigenvalues : ndarray, shape (n,)
        Ascending; of the Hessian, or of the pencil (H, P) in a metric P.
    axes : ndarray, shape (n, n)
        Eigenvectors in columns; orthonormal in the metric.
    offset : Objective
        ``y -> f(x + axes @ y)``.
    noise : float
        Error of its gradient that does not shrink with y; 0 where errors are relative to \\|y\\|.
    floor : ndarray, shape (n, n)
        Tangents of angles with direction d (row) of trajectories that should have none, component
        by component: what rounding keeps up.
    radius : float
        Within it third derivatives change the Hessian by no more than its smallest eigenvalue.
    """

    x: Floats
    eigenvalues: Floats
    axes: Floats
    offset: Objective
    noise: float
    floor: Floats
    radius: float

    @property
    def n(self) -> int:
        return len(self.x)

    @property
    def resolution(self) -> float:
        """The size of offsets that the gradient does not tell from 0."""
        return self.noise / float(self.eigenvalues[0])


def lengths(y: Floats) -> Floats:
    """Norms over the last axis; squares of offsets may underflow."""
    with np.errstate(all="ignore"):
        size = np.abs(y).max(axis=-1, initial=0.0)
        unit = np.where(size > 0.0, size, 1.0)
        result: Floats = size * np.linalg.norm(y / unit[..., None], axis=-1)
    return result


def found_minimum(f: Objective, x_min: Any) -> Minimum:
    """The minimum at `x_min`, after Newton steps from there.

    Raises
    ------
    ValueError
        Where there is none: no critical point near, a saddle, a degenerate Hessian.
    """
    given = checked_point(x_min, f.n, "x_min")
    factor = np.eye(f.n) if f.metric is None else np.linalg.inv(np.linalg.cholesky(f.metric)).T
    x = polished(f, given)
    hessian = factor.T @ f.hess(x) @ factor
    if not np.isfinite(hessian).all():
        raise ValueError("x_min: the Hessian there is not finite")
    eigenvalues, vectors = np.linalg.eigh((hessian + hessian.T) / 2.0)
    size = float(np.abs(eigenvalues).max())
    if eigenvalues[0] < -1e-9 * size:
        raise ValueError(
            f"x_min: want a minimum, got a critical point with {int((eigenvalues < 0).sum())} negative "
            f"eigenvalues, the least {eigenvalues[0]:.6g}"
        )
    if eigenvalues[0] <= 1e-9 * size:
        raise ValueError(
            "x_min: want a nondegenerate minimum, got a smallest eigenvalue of "
            f"{eigenvalues[0]:.3g} beside a largest of {size:.3g}"
        )
    # The sign of an eigenvector is free; this one does not change with the machine.
    largest = np.abs(vectors).argmax(axis=0)
    vectors *= np.where(vectors[largest, np.arange(f.n)] < 0.0, -1.0, 1.0)
    axes = factor @ vectors
    offset, noise = _offset(f, x, axes, eigenvalues)
    origin = np.zeros(f.n)
    reach = max(1.0, float(np.abs(x).max()))
    if f.bounds is not None:
        reach = min(reach, 0.25 * float(np.min(f.bounds[:, 1] - f.bounds[:, 0])))
    ball = _core.flow_minimum(offset._core, origin, reach)
    radius = float(ball["radius"])
    if not radius > 0.0:
        raise ValueError(
            "x_min: third derivatives are not finite next to it, or too large for a ball around it"
        )
    return Minimum(x, eigenvalues, axes, offset, noise, _floor(offset, eigenvalues, noise), radius)


def _offset(f: Objective, x: Floats, axes: Floats, eigenvalues: Floats) -> tuple[Objective, float]:
    """The function of offsets and its noise: f itself where it is as good as its jet."""
    plain = _composed(f, x, axes)
    noise = _noise(plain, eigenvalues)
    if noise == 0.0:
        return plain, noise
    from talweg.jets import relative

    near = _composed(relative(f, x), np.zeros(f.n), axes)
    left = _noise(near, eigenvalues)
    return (near, left) if left < noise else (plain, noise)


def _composed(f: Objective, x: Floats, axes: Floats) -> Objective:
    if not x.any() and f.metric is None and (axes == np.eye(f.n)).all():
        return f
    result: Objective = compose_affine((f,), x, axes, "at its minimum")
    result.metric = None
    return result


def _noise(offset: Objective, eigenvalues: Floats) -> float:
    """By offsets so small that the gradient is H y but for rounding."""
    n = offset.n
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(8, n))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    hessian = offset.hess(np.zeros(n))
    worst = 0.0
    for scale in (1e-20, 1e-100):
        errors = offset.grad(scale * directions) - scale * directions @ hessian
        largest = float(np.abs(errors).max())
        if largest > 100.0 * n * _EPS * scale * float(eigenvalues[-1]):
            worst = max(worst, largest)
    return worst


def _floor(offset: Objective, eigenvalues: Floats, noise: float) -> Floats:
    """By the gradient next to each axis, which should be H y component by component."""
    n = offset.n
    gaps = np.abs(eigenvalues[:, None] - eigenvalues[None, :])
    gaps[gaps <= 1e-10 * eigenvalues[-1]] = np.inf
    hessian = offset.hess(np.zeros(n))
    errors = np.abs(hessian - np.diag(np.diag(hessian)))
    scale, part = 1e-100, 1e-12
    rng = np.random.default_rng(1)
    for _ in range(4 if noise == 0.0 else 0):
        sides = rng.normal(size=(n, n))
        y = scale * (np.eye(n) + part * (sides - np.diag(np.diag(sides))))
        np.maximum(errors, np.abs(offset.grad(y) - y * eigenvalues) / scale, out=errors)
    # Of exact coordinates only the rounding of the small component is left.
    if noise == 0.0 and (errors[np.isfinite(gaps)] < 1e-14 * part * eigenvalues[-1]).all():
        return np.zeros((n, n))
    floor: Floats = (errors + n * _EPS * eigenvalues[-1]) / gaps
    return floor
