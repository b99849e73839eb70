"""Basins of attraction of gradient flow."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.arrays import finite_array
from talweg.bounds import pairs_of
from talweg.extremals.arguments import (
    checked_bounds_of,
    checked_count,
    checked_objective,
    dimension_of,
)
from talweg.extremals.finding import critical_points
from talweg.gradient_flow import _checked_minima, flow
from talweg.objective import Objective
from talweg.status import Status

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = ["Basins", "basins"]


@dataclasses.dataclass(eq=False, repr=False)
class Basins:
    """Which minimum gradient flow leads to, from each of many points.

    Attributes
    ----------
    x : ndarray, shape (..., n)
        The starts: a grid over the box, axis i for coordinate i, or as given.
    label : ndarray of int, shape (...)
        The index into `minima`; -1 where the flow led to none of them.
    time : ndarray, shape (...)
        When the ball around the minimum was entered; NaN for none.
    minima : ndarray, shape (k, n)
        Lowest first, or as given.
    status : ndarray of int, shape (...)
        Codes of `talweg.Status`: ``ENTERED_BALL`` where a minimum was found; ``CRITICAL_POINT``
        where the trajectory ran into a saddle; ``BOUNDARY`` where it left the box and did not come
        back; see `talweg.Flow` for the others.
    f : Objective
    bounds : ndarray, shape (n, 2), or None
        The box of the grid.
    """

    x: Floats
    label: NDArray[np.int64]
    time: Floats
    minima: Floats
    status: NDArray[np.int64]
    f: Objective
    bounds: Floats | None

    @property
    def share(self) -> Floats:
        """The part of the starts that each minimum has, shape (k,)."""
        counts = [(self.label == i).sum() for i in range(len(self.minima))]
        return np.array(counts) / max(self.label.size, 1)

    def __repr__(self) -> str:
        lost = int((self.label < 0).sum())
        return f"Basins({self.label.size} starts, {len(self.minima)} minima, {lost} to none)"

    def plot(self, axes: Any = None, *, times: bool = True, title: str | None = None) -> Any:
        """Draw a map of two coordinates: a colour a basin, darker where the flow takes longer.

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Default: a new figure.
        times : bool, default True
            Show the times.
        title : str, optional

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            When the map is not a grid over two coordinates.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.surfaces.himmelblau()
        >>> figure = talweg.basins(f, resolution=40).plot()
        """
        from talweg.plot.basins import draw_basins

        return draw_basins(self, axes, times=times, title=title)


def basins(
    f: Objective | Callable[[Any], Any],
    bounds: Any = None,
    x0: ArrayLike | None = None,
    minima: Any = None,
    *,
    resolution: int = 200,
    radius: ArrayLike | None = None,
    max_time: float = np.inf,
    rtol: float = 1e-8,
    atol: float = 1e-10,
    workers: int | None = None,
) -> Basins:
    """Find the basin of attraction of gradient flow that each of many points lies in.

    Parameters
    ----------
    f : Objective or callable
        A plain function is recorded first.
    bounds : array_like, shape (n, 2), optional
        The box: minima are looked for in it, and a grid of starts fills it. Default: the
        objective's own.
    x0 : array_like, shape (m, n) or (..., n), optional
        Starts of your own instead of a grid.
    minima : array_like, shape (k, n), or sequence of CriticalPoint, optional
        The minima. Default: those that `talweg.critical_points` finds in the box.
    resolution : int, default 200
        Starts of the grid along each coordinate.
    radius : float or array_like, shape (k,), optional
        A trajectory is taken to be in a basin once it is that close to the minimum. Default: as
        for `talweg.flow`.
    max_time : float, default infinite
        Give a trajectory up then.
    rtol, atol, workers
        As for `talweg.flow`.

    Returns
    -------
    Basins

    Raises
    ------
    ValueError, TypeError
        For unusable arguments, and when there is no minimum.
    KeyboardInterrupt
        When interrupted.

    Notes
    -----
    Points within rounding of a basin's edge flow to the saddle on it, or to either side. A trajectory
    whose gradient falls to 1e-9 of the largest one among the starts ends there: next to a saddle, a
    degenerate minimum or one that is not among `minima`.

    Examples
    --------
    >>> import talweg
    >>> f = talweg.surfaces.himmelblau()
    >>> found = talweg.basins(f, resolution=50)
    >>> found
    Basins(2500 starts, 4 minima, 0 to none)
    >>> found.label.shape
    (50, 50)
    """
    objective = checked_objective(f, dimension_of(bounds, x0))
    n = objective.n
    box = checked_bounds_of(objective, pairs_of(bounds))
    if x0 is None:
        if box is None:
            raise ValueError("bounds: want a box for the grid of starts, or x0")
        count = checked_count(resolution, "resolution", 2)
        if count**n > 10**8:
            raise ValueError(
                f"resolution: {count} along each of {n} coordinates is {count**n} starts; "
                "want at most 10**8, or x0"
            )
        axes = [np.linspace(low, high, count) for low, high in box]
        starts = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    else:
        starts = finite_array(x0, "x0")
        if starts.ndim < 1 or starts.shape[-1] != n:
            raise ValueError(f"x0: want shape (..., {n}), got {starts.shape}")
    if not max_time > 0:
        raise ValueError(f"max_time: want a positive number, got {max_time}")
    if minima is None:
        found = critical_points(objective, bounds=bounds, workers=workers)
        minima = [point for point in found if point.type == "minimum"]
    places = _checked_minima(minima, n)
    if not len(places):
        raise ValueError("minima: want at least one; none was found")
    flat = starts.reshape(-1, n)
    slopes = np.linalg.norm(objective.grad(flat), axis=-1) if flat.size else np.zeros(0)
    steepest = float(np.max(slopes[np.isfinite(slopes)], initial=0.0))
    result = flow(
        objective,
        flat,
        max_time,
        rtol,
        atol,
        minima=places,
        radius=radius,
        stop_at_minima=True,
        gradient_tolerance=1e-9 * steepest if steepest > 0 else 1e-300,
        workers=workers,
    )
    shape = starts.shape[:-1]
    status = result.status.copy()
    if box is not None:
        outside = ((result.end < box[:, 0]) | (result.end > box[:, 1])).any(axis=1)
        status[outside & (result.entered < 0) & (status != Status.INTERRUPTED)] = Status.BOUNDARY
    return Basins(
        x=starts,
        label=result.entered.reshape(shape),
        time=result.entry_time.reshape(shape),
        minima=places,
        status=status.reshape(shape),
        f=objective,
        bounds=box if x0 is None else None,
    )
