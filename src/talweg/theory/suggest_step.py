"""A step length for descent from the ends of the Hessian's spectrum at a point."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.arguments import (
    checked_count,
    checked_objective,
    checked_point,
    checked_positive,
    dimension_of,
)
from talweg.extremals.orbits import has_motions, horizontal_spectrum
from talweg.objective import Objective
from talweg.status import Status
from talweg.theory.step_bounds import BestMomentum, step_bounds

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["StepSuggestion", "suggest_step"]

#: Coordinates up to which the Hessian is decomposed.
_DENSE = 200

#: An eigenvalue of this size, relative to the stiffest, is flat to double precision.
_FLAT = 1e-12


@dataclasses.dataclass(frozen=True)
class StepSuggestion:
    """What `suggest_step` found. Numbers that could not be found are NaN.

    Attributes
    ----------
    step_length : float
        The suggestion; `message` says why.
    smallest, second, largest : float
        Eigenvalues of the Hessian at the point: the smallest, the next one that differs from it by more
        than their errors, the largest.
    smallest_error, second_error, largest_error : float
        Bounds on their errors.
    stability : float
        2 / largest: longer steps diverge next to a minimum.
    alignment : float
        2 / (smallest + largest), the sharp bound: shorter steps align with the softest direction. NaN
        where there is negative curvature.
    momentum : BestMomentum or None
        The heavy ball that aligns fastest, where `second` is known; otherwise the one that contracts
        fastest (Polyak), with its `factor` of contraction. None where there is negative or no
        curvature.
    aligning : bool
        Whether `momentum` is the one that aligns.
    condition_number : float
        largest / smallest; infinite in flat directions, NaN with negative curvature.
    slope : float
        Length of the gradient at the point.
    kind : str
        ``"minimum"``, ``"saddle"`` or ``"maximum"`` for a critical point; ``"convex"``,
        ``"indefinite"`` or ``"concave"`` for a point that is none, by its curvature; ``"flat"`` where
        the smallest eigenvalue is 0 to within its error; ``"unknown"``.
    products : int
        Hessian-vector products; 0 where the Hessian was decomposed.
    status : Status
        `CONVERGED`; `DEGENERATE` where a direction is flat; `NOT_CONVERGED` where an eigenvalue is not
        as accurate as was asked for; `NON_FINITE` where the gradient or a product is not finite, and
        there is no suggestion.
    message : str
        What the suggestion rests on, in a sentence or two.
    """

    step_length: float
    smallest: float
    second: float
    largest: float
    smallest_error: float
    second_error: float
    largest_error: float
    stability: float
    alignment: float
    momentum: BestMomentum | None
    aligning: bool
    condition_number: float
    slope: float
    kind: str
    products: int
    status: Status
    message: str


def suggest_step(
    f: Objective | Callable[[Any], Any],
    x: ArrayLike,
    *,
    tol: float = 1e-6,
    maxiter: int | None = None,
    rng: Any = None,
) -> StepSuggestion:
    """Suggest a step length for gradient descent near a point.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first. In a metric (`Objective.with_metric`) the suggestion is
        for descent in it.
    x : array_like, shape (n,)
        A minimum, or a point whose curvature is like that on the way down.
    tol : float, default 1e-6
        Accuracy of the eigenvalues relative to the largest, where they are found by products with
        vectors: above 200 coordinates.
    maxiter : int, optional
        Most steps of that iteration; as for `talweg.spectrum.lowest`.
    rng : int or numpy.random.Generator, optional
        For its first vector. Default: the same one at each call.

    Returns
    -------
    StepSuggestion

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.

    Notes
    -----
    At a minimum the suggestion is the step that aligns fastest with the talweg, ``2 / (second +
    largest)``, which is below the sharp bound and thereby stable; where the softest two eigenvalues
    are too close to be told apart it is ``1 / largest``, with which no direction overshoots. With negative
    curvature, where no step is stable, it is ``1 / max |eigenvalue|``. Errors of eigenvalues are counted
    so that the step comes out shorter. It holds next to the point only: where the
    curvature grows on the way the step must be shorter.

    References
    ----------
    arXiv 2604.11213; Polyak, USSR Comput. Math. Math. Phys. 4, 1 (1964).

    Examples
    --------
    >>> import talweg
    >>> found = talweg.theory.suggest_step(lambda x: (x[0]**2 + 2 * x[1]**2 + 4 * x[2]**2) / 2, [0, 0, 0])
    >>> found.kind, round(found.step_length, 6), round(found.alignment, 6)
    ('minimum', 0.333333, 0.4)
    >>> talweg.theory.suggest_step(talweg.surfaces.monkey_saddle(), [0.0, 0.0]).kind
    'flat'
    """
    objective = checked_objective(f, dimension_of(None, x))
    point = checked_point(x, objective.n, "x")
    tolerance = checked_positive(tol, "tol")
    if tolerance >= 1.0:
        raise ValueError(f"tol: want a number below 1, got {tol}")
    if maxiter is not None:
        checked_count(maxiter, "maxiter", 1)
    slope = float(np.linalg.norm(objective.grad(point)))
    if not math.isfinite(slope):
        return _nothing(slope, 0, "the gradient at the point is not finite")
    ends = _ends(objective, point, tolerance, maxiter, rng)
    if not np.isfinite([ends.smallest, ends.largest]).all():
        return _nothing(
            slope, ends.products, "the Hessian, or a product with it, is not finite at the point"
        )
    return _suggestion(ends, slope, 1.0 + float(np.linalg.norm(point)))


@dataclasses.dataclass(frozen=True)
class _Ends:
    """Both ends of a spectrum, and the next one from below."""

    smallest: float
    second: float
    largest: float
    smallest_error: float
    second_error: float
    largest_error: float
    products: int
    converged: bool


def _ends(f: Objective, x: Floats, tol: float, maxiter: int | None, rng: Any) -> _Ends:
    from talweg import spectrum

    n = f.n
    if has_motions(f) or n <= _DENSE:
        values = _all_eigenvalues(f, x)
        if values is None:
            nan = math.nan
            return _Ends(nan, nan, nan, nan, nan, nan, 0, False)
        error = 10.0 * len(values) * float(np.finfo(float).eps) * float(np.abs(values).max())
        return _told_apart(values, np.full(len(values), error), 0, True, len(values))
    options: dict[str, Any] = {"which": "both", "tol": tol, "maxiter": maxiter, "rng": rng}
    if f.metric is None:
        found = spectrum.lowest(f, x, k=2, **options)
    else:
        inverse = np.linalg.inv(np.linalg.cholesky(f.metric))

        def product(v: Floats) -> Floats:
            image: Floats = inverse @ f.hessp(x, v @ inverse)
            return image

        found = spectrum.lowest(product, n=n, k=2, **options)
    return _told_apart(found.eigenvalues, found.errors, found.products, found.success, 2)


def _all_eigenvalues(f: Objective, x: Floats) -> Floats | None:
    hessian = f.hess(x)
    if not np.isfinite(hessian).all():
        return None
    if has_motions(f) and f.metric is None:
        return horizontal_spectrum(f, x)[0]
    if f.metric is not None:
        inverse = np.linalg.inv(np.linalg.cholesky(f.metric))
        hessian = inverse @ hessian @ inverse.T
        hessian = (hessian + hessian.T) / 2
    return np.asarray(np.linalg.eigvalsh(hessian), dtype=np.float64)


def _told_apart(
    values: Floats, errors: Floats, products: int, converged: bool, candidates: int
) -> _Ends:
    """`candidates`: how many of the values from below are known to be the lowest ones."""
    above = values[:candidates] - values[0] > 2.0 * (errors[:candidates] + errors[0])
    second = int(np.argmax(above)) if above.any() else None
    return _Ends(
        float(values[0]),
        math.nan if second is None else float(values[second]),
        float(values[-1]),
        float(errors[0]),
        math.nan if second is None else float(errors[second]),
        float(errors[-1]),
        products,
        converged,
    )


def _suggestion(ends: _Ends, slope: float, reach: float) -> StepSuggestion:
    low, high = ends.smallest - ends.smallest_error, ends.largest + ends.largest_error
    size = max(abs(low), abs(high))
    status = Status.CONVERGED if ends.converged else Status.NOT_CONVERGED
    said: list[str] = []
    if not ends.converged:
        said.append("the eigenvalues are not as accurate as was asked for")
    # A Newton step is at least this long; rounding leaves some slope at a critical point.
    critical = slope <= 1e-8 * size * reach
    flat = abs(ends.smallest) <= max(ends.smallest_error, _FLAT * size)
    negative = ends.smallest < 0.0 and not flat
    momentum, aligning = None, False
    condition = math.nan if negative else math.inf
    alignment = math.nan
    if size == 0.0:
        return dataclasses.replace(
            _nothing(slope, ends.products, "the Hessian at the point is 0: no step is too long"),
            smallest=0.0, largest=0.0, smallest_error=0.0, largest_error=0.0, stability=math.inf,
            condition_number=math.nan, kind="flat", status=Status.DEGENERATE,
        )  # fmt: skip
    if negative:
        step = 1.0 / size
        concave = ends.largest < -ends.largest_error
        if critical:
            kind = "maximum" if concave else "saddle"
            said.append(f"the point is a {kind}, not a minimum: descent leaves it with any step")
        else:
            kind = "concave" if concave else "indefinite"
            said.append("there is negative curvature at the point, so that no step is stable")
        said.append("the step is 1 / max |eigenvalue|, with which no direction overshoots")
    elif flat:
        kind, status = "flat", Status.DEGENERATE
        step = 1.0 / high
        alignment = 2.0 / high
        said.append(
            "a direction is flat to within the error of its eigenvalue, so that alignment takes "
            "for ever"
        )
        said.append("the step is 1 / largest, with which no direction overshoots")
    else:
        kind = "minimum" if critical else "convex"
        condition = ends.largest / ends.smallest
        alignment = 2.0 / (ends.smallest + ends.largest)
        known = math.isfinite(ends.second)
        if known:
            bounds = step_bounds([ends.smallest, ends.second, ends.largest], resonant_order=0)
            momentum, aligning = bounds.best_momentum, True
            step = 2.0 / (ends.second + ends.second_error + high)
            said.append("the step aligns fastest with the softest direction")
        else:
            momentum = _polyak(max(low, _FLAT * size), high)
            step = 1.0 / high
            apart = ends.largest - ends.smallest > 2.0 * (ends.largest_error + ends.smallest_error)
            said.append(
                "the two softest directions are too close to be told apart; the step is 1 / "
                "largest, with which no direction overshoots"
                if apart
                else "all directions are equally stiff; the step is 1 / largest"
            )
    if not critical:
        said.append(
            f"the point is no critical point (slope {slope:.3g}), so the curvature holds here only"
        )
    return StepSuggestion(
        step,
        ends.smallest,
        ends.second,
        ends.largest,
        ends.smallest_error,
        ends.second_error,
        ends.largest_error,
        2.0 / ends.largest if ends.largest > 0.0 else math.inf,
        alignment,
        momentum,
        aligning,
        condition,
        slope,
        kind,
        ends.products,
        status,
        "; ".join(said),
    )


def _polyak(smallest: float, largest: float) -> BestMomentum:
    soft, stiff = math.sqrt(smallest), math.sqrt(largest)
    factor = (stiff - soft) / (stiff + soft)
    return BestMomentum(factor**2, 4.0 / (soft + stiff) ** 2, factor)


def _nothing(slope: float, products: int, message: str) -> StepSuggestion:
    nan = math.nan
    return StepSuggestion(
        nan, nan, nan, nan, nan, nan, nan, nan, nan, None, False, nan, slope, "unknown", products,
        Status.NON_FINITE, message,
    )  # fmt: skip
