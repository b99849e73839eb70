"""Step lengths at which descent changes its behaviour."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.arguments import checked_count
from talweg.theory.arguments import checked_momentum, checked_spectrum, distinct
from talweg.theory.multipliers import moduli
from talweg.theory.noise import variances

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["BestMomentum", "ResonantStep", "StepBounds", "step_bounds"]

#: Relations that are solved for a step length at most; the order is lowered to keep to it.
_MOST_RELATIONS = 20_000


@dataclasses.dataclass(frozen=True)
class BestMomentum:
    """The heavy ball that aligns fastest.

    Attributes
    ----------
    momentum, step_length : float
    factor : float
        By which the sine of the angle with the talweg shrinks at each step.
    """

    momentum: float
    step_length: float
    factor: float


@dataclasses.dataclass(frozen=True)
class ResonantStep:
    """A step length at which ``mu_i = prod_j mu_j^m_j``.

    Attributes
    ----------
    step_length : float
    index : int
        i, in ascending order of the eigenvalues.
    powers : tuple of int
        The indices j, each m_j times.
    """

    step_length: float
    index: int
    powers: tuple[int, ...]


@dataclasses.dataclass(frozen=True)
class StepBounds:
    """What `step_bounds` found, for steps from 0 on.

    Attributes
    ----------
    stability : float
        Shorter steps contract next to the minimum.
    alignment : float
        Shorter steps align with the softest direction, the tangent of the talweg; at gradient
        descent longer stable ones with the stiffest. NaN where all eigenvalues are equal.
    best_alignment : float
        The step that aligns fastest at this momentum.
    best_factor : float
        By which the sine of the angle with the talweg shrinks at each step of that length.
    best_momentum : BestMomentum or None
        The heavy ball that aligns fastest, over all momenta and steps.
    noise : float
        Shorter steps keep the largest stationary variance along the softest direction, when the
        gradient carries isotropic noise.
    singular : ndarray
        Steps at which the map is not invertible at the minimum, ascending: 1 / lambda_i. Empty
        for the heavy ball, which always is.
    resonant : list of ResonantStep
        Stable steps of gradient descent that are resonant, ascending. With momentum none are looked
        for.
    resonant_order : int
        The order up to which they were looked for. Those of higher orders can accumulate.
    """

    stability: float
    alignment: float
    best_alignment: float
    best_factor: float
    best_momentum: BestMomentum | None
    noise: float
    singular: Floats
    resonant: list[ResonantStep]
    resonant_order: int


def step_bounds(
    eigenvalues: ArrayLike,
    momentum: float = 0.0,
    nesterov: bool = False,
    *,
    forcing: int | None = None,
    resonant_order: int = 3,
) -> StepBounds:
    """Bounds on the step length of descent next to a nondegenerate minimum.

    Parameters
    ----------
    eigenvalues : array_like, shape (n,)
        Of the Hessian at the minimum, all positive, in any order.
    momentum : float, default 0
        Of the heavy ball, or of Nesterov's method.
    nesterov : bool, default False
        Nesterov's method instead of the heavy ball; without momentum both are plain descent.
    forcing : int, optional
        The order p at which the softest direction e forces the others: p = 1 when some third
        derivative T[e, e, e_j] is not zero. Alignment is then no faster than the p-th power of the
        contraction along e, which the best step and momentum take into account. None for a
        quadratic function.
    resonant_order : int, default 3
        The order up to which resonant steps are looked for, lowered when there are many eigenvalues.
        Below 2: none.

    Returns
    -------
    StepBounds

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, eigenvalues that are not positive among them.

    References
    ----------
    arXiv 2604.11213 (the bound of alignment for gradient descent); the theory page of the
    documentation, sections "Directional alignment" and "Momentum".

    Examples
    --------
    >>> import talweg
    >>> bounds = talweg.theory.step_bounds([1.0, 2.0, 4.0])
    >>> bounds.stability, bounds.alignment, round(bounds.best_alignment, 6)
    (0.5, 0.4, 0.333333)
    >>> round(talweg.theory.step_bounds([1.0, 4.0], 0.5, nesterov=True).alignment, 5)
    0.31231
    """
    values = checked_spectrum(eigenvalues)
    beta = checked_momentum(momentum)
    order = None if forcing is None else checked_count(forcing, "forcing", 1)
    relations = checked_count(resonant_order, "resonant_order", 0)
    dynamics = _Dynamics(values, beta, bool(nesterov) and beta > 0.0)
    best, factor = dynamics.best(order)
    resonant, found_order = (
        _resonant_steps(values, relations) if beta == 0.0 and relations > 1 else ([], 0)
    )
    return StepBounds(
        stability=dynamics.stability,
        alignment=dynamics.alignment,
        best_alignment=best,
        best_factor=factor,
        best_momentum=_best_momentum(values, order),
        noise=dynamics.noise_bound(),
        singular=np.array([]) if beta > 0.0 and not nesterov else np.unique(1.0 / values),
        resonant=resonant,
        resonant_order=found_order,
    )


class _Dynamics:
    """One method of descent, at any step length."""

    def __init__(self, values: Floats, beta: float, nesterov: bool) -> None:
        self.values, self.beta, self.nesterov = values, beta, nesterov
        self.first, self.second, self.last = distinct(values)
        if nesterov:
            self.stability = 2.0 * (1.0 + beta) / ((1.0 + 2.0 * beta) * self.last)
        else:
            self.stability = 2.0 * (1.0 + beta) / self.last
        self.alignment = self._alignment()

    def _alignment(self) -> float:
        if self.second is None:
            return math.nan
        if not self.nesterov:
            heavy = 2.0 * (1.0 + self.beta) / (self.first + self.last)
            # Beyond this the softest direction oscillates like all the others.
            root = (1.0 - math.sqrt(self.beta)) ** 2 / self.first
            return min(heavy, root) if self.beta else heavy
        from scipy.optimize import brentq

        def excess(s: float) -> float:
            # Of the stiffest direction's root over the softest's: both real or on sqrt(beta mu).
            return float(self.modulus(self.last, s) - self.modulus(self.first, s))

        end = min(self.stability, 1.0 / self.first)
        if excess(end) <= 0.0:
            return end
        return float(brentq(excess, 1.0 / self.last, end, xtol=1e-15 * end, rtol=1e-15))

    def modulus(self, eigenvalue: Any, s: Any) -> Any:
        return moduli(eigenvalue, s, self.beta, self.nesterov)

    def factor(self, s: Any, forcing: int | None) -> Any:
        """By which the sine of the angle shrinks at each step, for aligning step lengths."""
        soft = self.modulus(self.first, s)
        others = np.maximum(self.modulus(self.second, s), self.modulus(self.last, s))
        linear = others / soft
        return linear if forcing is None else np.maximum(linear, soft**forcing)

    def best(self, forcing: int | None) -> tuple[float, float]:
        if self.second is None:
            return math.nan, math.nan
        from scipy.optimize import brentq, minimize_scalar

        if self.nesterov:
            # The moduli have kinks: a bracket from a grid, then a search within it.
            grid = np.linspace(0.0, self.alignment, 4002)[1:-1]
            place = int(np.argmin(self.factor(grid, forcing)))
            low, high = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
            found = minimize_scalar(
                lambda s: float(self.factor(s, forcing)),
                bounds=(low, high),
                method="bounded",
                options={"xatol": 1e-13 * high},
            )
            s = float(found.x)
            return s, float(self.factor(s, forcing))
        beta = self.beta
        s = min(
            (1.0 - math.sqrt(beta)) ** 2 / self.second,
            2.0 * (1.0 + beta) / (self.second + self.last),
        )
        if forcing is not None:

            def excess(step: float) -> float:
                return float(self.factor(step, None) - self.modulus(self.first, step) ** forcing)

            if excess(s) < 0.0:
                s = float(
                    brentq(excess, s, self.alignment, xtol=1e-16 * self.stability, rtol=1e-14)
                )
        return s, float(self.factor(s, forcing))

    def noise_bound(self) -> float:
        if self.second is None:
            return math.nan
        if not self.nesterov:
            return 2.0 * (1.0 + self.beta) / (self.first + self.last)
        from scipy.optimize import brentq

        def excess(s: float) -> float:
            stiff, soft = (
                variances(np.float64(value), s, self.beta, True)
                for value in (self.last, self.first)
            )
            return float(np.log(stiff / soft))

        grid = np.linspace(0.0, self.stability, 1002)[1:-1]
        above = np.array([excess(s) for s in grid]) > 0.0
        if not above.any():
            return self.stability
        place = int(np.argmax(above))
        low = grid[place - 1] if place else 1e-3 * grid[0]
        return float(brentq(excess, low, grid[place], xtol=1e-16 * self.stability, rtol=1e-14))


def _best_momentum(values: Floats, forcing: int | None) -> BestMomentum | None:
    second, last = distinct(values)[1:]
    if second is None:
        return None

    def tuned(beta: float) -> tuple[float, float]:
        return _Dynamics(values, beta, False).best(forcing)

    # Polyak's parameters on the eigenvalues from the second on: the Chebyshev rate.
    condition = math.sqrt(last / second)
    beta = ((condition - 1.0) / (condition + 1.0)) ** 2
    if forcing is not None:
        # The power of the softest contraction may bind: then a compromise, found numerically.
        from scipy.optimize import minimize_scalar

        grid = np.linspace(0.0, 1.0, 402)[:-1]
        place = int(np.argmin([tuned(b)[1] for b in grid]))
        found = minimize_scalar(
            lambda b: tuned(b)[1],
            bounds=(grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]),
            method="bounded",
            options={"xatol": 1e-12},
        )
        beta = min((beta, float(found.x)), key=lambda b: tuned(b)[1])
    step, factor = tuned(beta)
    return BestMomentum(beta, step, factor)


def _resonant_steps(values: Floats, max_order: int) -> tuple[list[ResonantStep], int]:
    n = len(values)
    found: list[ResonantStep] = []
    reached = 1
    relations = 0
    for order in range(2, max_order + 1):
        relations += n * math.comb(n + order - 1, order)
        if relations > _MOST_RELATIONS:
            break
        for powers in itertools.combinations_with_replacement(range(n), order):
            # prod (1 - s lambda_j), lowest power of s first; its constant term 1 cancels.
            product = np.ones(1)
            for j in powers:
                product = np.convolve(product, [1.0, -values[j]])
            for i in range(n):
                polynomial = product[1:].copy()
                polynomial[0] += values[i]
                found += [
                    ResonantStep(s, i, powers)
                    for s in _roots(polynomial, 2.0 / values[-1])
                    # 0 = 0 is a singular step, no resonance.
                    if abs(1.0 - s * values[i]) > 1e-9
                ]
        reached = order
    return sorted(found, key=lambda one: (one.step_length, len(one.powers), one.index)), reached


def _roots(polynomial: Floats, end: float) -> list[float]:
    """Real roots in (0, end)."""
    scaled = polynomial * end ** np.arange(len(polynomial))
    roots = np.roots(scaled[::-1])
    near = roots[np.abs(roots.imag) < 1e-7].real
    inside = np.unique(near[(near > 1e-12) & (near < 1.0 - 1e-12)].round(12))
    return [float(root) * end for root in inside]
