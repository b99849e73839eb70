"""Descent of many points at once: plain, with momentum, with noise."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.arrays import finite_array
from talweg.extremals.arguments import (
    checked_count,
    checked_generator,
    checked_objective,
    checked_positive,
    checked_workers,
    dimension_of,
)
from talweg.extremals.fields import counted
from talweg.objective import Objective
from talweg.status import Status, in_words, summary
from talweg.theory.arguments import checked_momentum, checked_nesterov

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Descent", "descend"]


@dataclasses.dataclass(eq=False, repr=False)
class Descent:
    """Where descents ended, and what was recorded on the way.

    Of a single start the first axis of m points is left out. Fields that were not asked for are
    None.

    Attributes
    ----------
    x : ndarray, shape (n,) or (m, n)
        The last points; of a descent that ran into values that are not finite, the last finite one;
        where Nesterov's method stopped by `gtol`, the extrapolated point whose gradient it was.
    fun : float or ndarray, shape (m,)
        The function there.
    steps : int or ndarray, shape (m,)
        Steps taken to there.
    status : Status, or ndarray of int, shape (m,)
        Codes of `talweg.Status`: `MAX_STEPS` where all steps were taken, `CONVERGED` where the gradient
        fell to `gtol`, `NON_FINITE` where a point or the gradient at it was not finite, as when the
        step is too long, or where the function is not finite in the end, `INTERRUPTED` where the
        user stopped them.
    path : ndarray, shape (records, n) or (records, m, n)
        Points at the start and after every `record_every` steps; none where that is 0. Rows
        after the last point are NaN, in all records.
    path_fun, path_slope : ndarray, shape (records, m), or None
        The function and the norm of its gradient at the recorded points (with Nesterov's method
        at the extrapolated points, where the gradient is taken).
    log_volume : float or ndarray, shape (m,), or None
        Logarithm of the factor by which the steps changed the volume of a small set around the
        point; -inf where a step's map is singular. With momentum volume is that of pairs (x, x
        before), in 2 n dimensions.
    orientation : float or ndarray, shape (m,), or None
        Product of the signs of the determinants: 1, -1, or 0 where a step's map is singular.
    path_log_volume : ndarray, shape (records, m), or None
    smallest_eigenvalue, largest_eigenvalue : float or ndarray, shape (m,), or None
        Of the Hessians at all points gone through.
    stretch : ndarray, shape (m, n), or None
        Logarithms of the lengths of n orthogonal directions carried along by the tangent map, in
        descending order of growth generically (Benettin's method): divided by the number of steps
        they tend to log |1 - step_length * eigenvalue|.
    frames : ndarray, shape (m, n, n), or None
        Those directions at the last point, in columns.
    f : Objective or None
        The function, for `plot`.
    """

    x: Floats
    fun: Any
    steps: Any
    status: Any
    path: Floats
    path_fun: Any = None
    path_slope: Any = None
    log_volume: Any = None
    orientation: Any = None
    path_log_volume: Any = None
    smallest_eigenvalue: Any = None
    largest_eigenvalue: Any = None
    stretch: Any = None
    frames: Any = None
    f: Any = None

    @property
    def success(self) -> Any:
        """Where a trajectory ended without trouble: bool, of several an array (m,)."""
        fine = np.asarray(self.status) < int(Status.STEP_TOO_SMALL)
        return bool(fine) if fine.ndim == 0 else fine

    @property
    def message(self) -> str:
        """What the statuses mean, and how many trajectories have each."""
        return in_words(self.status)

    def __repr__(self) -> str:
        return (
            f"Descent({counted(np.size(self.status), 'point')}, "
            f"{counted(int(np.max(self.steps, initial=0)), 'step')}, "
            f"{counted(len(self.path), 'record')}: {summary(self.status)})"
        )

    def asdict(self) -> dict[str, Any]:
        """The fields by name, without the function."""
        names = [field.name for field in dataclasses.fields(self) if field.name != "f"]
        return {name: getattr(self, name) for name in names}

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw the recorded paths of two coordinates over level lines.

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Default: a new figure.
        title : str, optional
            Default: the function's name.

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            For other numbers of coordinates, or where nothing was recorded.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.surfaces.himmelblau()
        >>> figure = talweg.descend(f, [[1.0, 1.0], [-1.0, 1.0]], 0.01, 50, record_every=1).plot()
        """
        from talweg.plot.paths import draw_paths

        single = np.ndim(self.x) == 1
        path = self.path[:, None] if single else self.path
        return draw_paths(self.f, path, np.atleast_2d(self.x), axes, title=title)


def descend(
    f: Objective | Callable[[Any], Any],
    x0: ArrayLike,
    step_length: float,
    n_steps: int,
    *,
    momentum: float = 0.0,
    nesterov: bool = False,
    noise: float = 0.0,
    gtol: float = 0.0,
    log_volume: bool = False,
    tangent: bool = False,
    eigenvalues: bool = False,
    record_every: int = 0,
    record_values: bool = False,
    rng: Any = None,
    workers: int | None = None,
) -> Descent:
    """Descent with a constant step: ``x <- x - step_length * grad f(x)``, or with momentum.

    The heavy ball adds ``momentum * (x - x_before)``; Nesterov's method takes the gradient at
    ``y = x + momentum * (x - x_before)`` and steps from there. A recorded function that is compiled
    (`Objective.compile`) descends in one loop of machine code, which keeps points in registers and
    follows log volume up to n = 4 and eigenvalues up to n = 2; everything else evaluates blocks of
    points that stay in the caches. Both give the same points up to rounding. In a metric P
    (`Objective.with_metric`) the step is ``step_length * P^-1 grad f(x)``, and norms, noise, volumes
    and eigenvalues are those of coordinates in which P is the unit matrix.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    x0 : array_like, shape (n,) or (m, n)
        One start or many.
    step_length : float
        In units of x over gradient.
    n_steps : int
        Number of steps, from 0.
    momentum : float, default 0
        From 0 on and below 1.
    nesterov : bool, default False
        Nesterov's method instead of the heavy ball; with momentum only.
    noise : float, default 0
        Variance of independent normal noise in each coordinate of the gradient.
    gtol : float, default 0
        A point stops where the norm of its gradient is at most this. 0: never.
    log_volume : bool, default False
        Follow the volume of a small set around each point.
    tangent : bool, default False
        Follow the tangent map (without momentum only).
    eigenvalues : bool, default False
        Follow the smallest and largest eigenvalue of the Hessian.
    record_every : int, default 0
        Record the points each so many steps; 0 for never.
    record_values : bool, default False
        Record values and slopes with them.
    rng : None, int or numpy.random.Generator, optional
        For the noise. Which numbers a point gets depends on this and its place in `x0` only.
    workers : int, optional
        Threads that share the points; by default one for each processor. Functions that are not
        thread-safe use one. The result does not depend on it.

    Returns
    -------
    Descent

    Raises
    ------
    ValueError, TypeError
        For unusable arguments.
    KeyboardInterrupt
        When interrupted; the exception's attribute ``result`` is the Descent so far.

    References
    ----------
    The theory page of the documentation, section "Gradient descent".

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.himmelblau()
    >>> talweg.descend(f, [[1.0, 1.0], [-1.0, 1.0]], 0.01, 200).x.round(9)
    array([[ 3.        ,  2.        ],
           [-2.80511809,  3.13131252]])
    >>> found = talweg.descend(f, [1.0, 1.0], 0.01, 1000, momentum=0.5, gtol=1e-8)
    >>> found.status, bool(found.steps < 100)
    (<Status.CONVERGED: 0>, True)
    """
    objective = checked_objective(f, dimension_of(None, x0))
    start = finite_array(x0, "x0")
    n = objective.n
    if start.ndim not in (1, 2) or start.shape[-1] != n:
        raise ValueError(f"x0: want shape ({n},) or (m, {n}), got {start.shape}")
    step = checked_positive(step_length, "step_length")
    count = checked_count(n_steps, "n_steps", 0)
    beta = checked_momentum(momentum)
    variance = _not_negative(noise, "noise")
    tolerance = _not_negative(gtol, "gtol")
    every = checked_count(record_every, "record_every", 0)
    threads = checked_workers(workers)
    checked_nesterov(nesterov, beta)
    if rng is not None and not variance:
        raise ValueError("rng: want noise with it; nothing else is drawn")
    if tangent and beta > 0.0:
        raise ValueError(
            "tangent: the tangent map is that of descent without momentum; leave out one of both"
        )
    if record_values and not every:
        raise ValueError("record_values: want record_every with it, the steps between records")
    seed = int(checked_generator(rng).integers(2**64, dtype=np.uint64)) if variance else 0
    points = np.atleast_2d(start)
    single = start.ndim == 1
    core, there, back = _euclidean(objective)
    arguments = (
        step,
        count,
        beta,
        bool(nesterov),
        variance,
        seed,
        tolerance,
        every,
        bool(log_volume),
        bool(tangent),
        bool(eigenvalues),
        bool(record_values),
        threads or 0,
    )
    loop = None
    if objective.compiled and not (variance or tangent or record_values):
        kind = {"momentum": beta > 0.0, "nesterov": bool(nesterov) and beta > 0.0}
        kind |= {"stops": tolerance > 0.0, "volume": log_volume, "eigenvalues": eigenvalues}
        loop = _loop(objective, kind, step, beta)
    try:
        arrays = _core.descend(core, there(points), *arguments, loop)
    except KeyboardInterrupt as interrupt:
        done: Any = getattr(interrupt, "result", None)
        if isinstance(done, dict):
            interrupt.result = _result(  # type: ignore[attr-defined]
                objective, done, points, back, single
            )
        raise
    return _result(objective, arrays, points, back, single)


def _not_negative(value: Any, argument: str) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(f"{argument}: want a number, got {value!r}")
    if not (value >= 0.0 and math.isfinite(value)):
        raise ValueError(f"{argument}: want a finite number from 0 on, got {value}")
    return float(value)


def _loop(objective: Objective, kind: dict[str, bool], step: float, beta: float) -> Any:
    """The compiled loop of a function, as the core takes it, or None."""
    if objective.metric is not None or objective._tape is None:
        return None
    from talweg.machine_code import available

    if not available():
        return None
    from talweg.machine_code.descent_loop import DescentKind, descent_loop

    loop = descent_loop(objective, DescentKind(**kind))
    return None if loop is None else loop.described(step, beta)


def _euclidean(objective: Objective) -> tuple[Any, Callable[[Floats], Floats], Any]:
    """The function in coordinates where its metric is the unit matrix, and the way there and back."""
    if objective.metric is None:
        return objective._core, lambda x: x, None
    # P = L L': descent in y = L' x is descent with P^-1 in x.
    factor = np.linalg.cholesky(objective.metric)
    inverse = np.ascontiguousarray(np.linalg.inv(factor).T)
    core = _core.compose_affine(objective._core, inverse, np.zeros(objective.n))
    return core, lambda x: x @ factor, lambda y: y @ inverse.T


def _result(
    objective: Objective, arrays: dict[str, Any], starts: Floats, back: Any, single: bool
) -> Descent:
    x, path, steps = arrays["x"], arrays["path"], np.asarray(arrays["steps"]).astype(int)
    if back is not None:
        # There and back again is not quite where it began.
        x = np.where((steps == 0)[:, None], starts, back(x))
        path = back(path)
        if len(path):
            path[0] = np.where(np.isnan(path[0]), np.nan, starts)
    with np.errstate(all="ignore"):
        fun = objective(x)
    # Some functions have a gradient where they have no value: the logarithm of a negative number.
    status = np.asarray(arrays["status"]).astype(int)
    status[~np.isfinite(fun) & (status < 100)] = int(Status.NON_FINITE)
    fields = {
        "path_fun": "record_value",
        "path_slope": "record_slope",
        "path_log_volume": "record_volume",
        "log_volume": "log_volume",
        "orientation": "orientation",
        "smallest_eigenvalue": "smallest",
        "largest_eigenvalue": "largest",
        "stretch": "stretch",
        "frames": "frames",
    }
    extra = {name: arrays[key] for name, key in fields.items() if key in arrays}
    if not single:
        return Descent(x, fun, steps, status, path, **extra, f=objective)
    one: dict[str, Any] = {}
    for name, array in extra.items():
        row = array[:, 0] if name.startswith("path") else array[0]
        one[name] = float(row) if np.ndim(row) == 0 else row
    records = path[:, 0] if len(path) else path.reshape(0, objective.n)
    return Descent(
        x[0], float(fun[0]), int(steps[0]), Status(int(status[0])), records, **one, f=objective
    )
