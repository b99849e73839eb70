"""What a check of volume returns."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.checks.comparison import Comparison
from talweg.checks.shares import Concentration
from talweg.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["VolumeCheck"]


@dataclasses.dataclass(eq=False, repr=False)
class VolumeCheck:
    """How descent or flow changes the volume of a region, and where the volume goes.

    All that is said of the image of the region is said of the image of that part of it that goes to
    `x_min`; `basin_share` tells how large the part is.

    Attributes
    ----------
    times : ndarray, shape (times,)
        Numbers of steps, or times of the flow.
    step_length : float or None
        None for the flow.
    predicted : float
        Change of log volume in a step or a unit of time next to the minimum: `talweg.theory.volume_rate`.
    measured, error : float
        The same of the points late in the run; NaN where that was not possible.
    agrees : bool or None
        Whether they are within three errors; None where nothing can be said.
    message : str
        Everything that is to be said, the reasons for None among it.
    volume_rate : Comparison
        The last five as one, with the window of times.
    directions : Comparison
        The same for the n single directions (singular values of the tangent map), slowest first:
        ``-eigenvalue`` for the flow, ``log|1 - step_length * eigenvalue|`` for descent.
    decay : Comparison
        The rate at which the logarithm of `cone.outside` falls: the largest of the other directions'
        rates less that of the talweg's.
    cone : Concentration or None
        The share of the image's volume within ``distance(x, talweg) <= cone |x - x_min|``; None where there is
        no talweg to measure from, or with momentum.
    valley : Concentration or None
        The share within V_R, R = `ratio`.
    covered : ndarray, shape (times,), or None
        The share of the points at whose height the valley has a talweg; others count as outside V_R.
    log_mean_volume, log_mean_volume_error : ndarray, shape (times,)
        Logarithm of vol(image) / vol(region), from the mean of the factors of volume.
    mean_log_volume, mean_log_volume_error : ndarray, shape (times,)
        Mean over the points of the logarithms of the factors, the integral of ``-trace H`` or the sum of
        ``log|det(I - s H)|`` along each trajectory; points whose map is singular are left out.
    predicted_log_volume : ndarray, shape (times,)
        `predicted` times `times`: as if the region were next to the minimum.
    effective_size : ndarray, shape (times,)
        How many equally weighted points would tell as much of the image.
    x_min, eigenvalues, eigenvectors : ndarray
        The minimum and its Hessian.
    minima : ndarray, shape (k, n)
        The minima that points went to, `x_min` first.
    basin_share : ndarray, shape (k,)
        The share of the region that goes to each.
    unsettled, diverged : float
        The shares that came to none of them in twice the time that trial points needed, and that ran into
        values that are not finite.
    unresolved : ndarray, shape (times,)
        The share of the points that are at the minimum, or closer to it than numbers tell directions.
    singular, flipped : int
        How many points of those that go to `x_min` met a singular map, and how many have a negative
        determinant at the last time.
    injective : bool or None
        True where every step met was shorter than the inverse of the largest eigenvalue (always for the
        flow); False where maps are singular or determinants have both signs, so that the image may
        cover parts of itself more than once and shares count those as often; None where neither is so.
    region : Any
        As given.
    region_volume : float
        NaN for points given without weights.
    n_points : int
        Points carried.
    cloud : ndarray, shape (times, c, n)
        Some of the points that go to `x_min`, as offsets from it, for pictures, and
    cloud_log_volume : ndarray, shape (times, c)
        the logarithms of their factors of volume, base weights included.
    talweg : Extremal or None
        The talweg through `x_min`.
    valley_of : Survey, Extremal, list of Extremal or None
        What holds the least slopes.
    membership : ValleyMembership or None
        Tells whether offsets from `x_min` lie in V_R.
    ratio : float
    f, g : Objective
        The function, and the same of the offset from `x_min` (`talweg.jets.relative`).
    status : Status
        CONVERGED, or INTERRUPTED where a user stopped it: the points done by then count.
    """

    f: Any
    g: Any
    region: Any
    region_volume: float
    n_points: int
    times: Any
    step_length: float | None
    x_min: Floats
    eigenvalues: Floats
    eigenvectors: Floats
    volume_rate: Comparison
    directions: Comparison
    decay: Comparison
    cone: Concentration | None
    valley: Concentration | None
    covered: Floats | None
    log_mean_volume: Floats
    log_mean_volume_error: Floats
    mean_log_volume: Floats
    mean_log_volume_error: Floats
    predicted_log_volume: Floats
    effective_size: Floats
    minima: Floats
    basin_share: Floats
    unsettled: float
    diverged: float
    unresolved: Floats
    singular: int
    flipped: int
    injective: bool | None
    cloud: Floats
    cloud_log_volume: Floats
    talweg: Any
    valley_of: Any
    membership: Any
    ratio: float
    message: str
    status: Status = Status.CONVERGED

    @property
    def predicted(self) -> float:
        """Predicted change of log volume in a step or unit of time."""
        return float(self.volume_rate.predicted)

    @property
    def measured(self) -> float:
        """The measured one."""
        return float(self.volume_rate.measured)

    @property
    def error(self) -> float:
        """Its standard error."""
        return float(self.volume_rate.error)

    @property
    def agrees(self) -> bool | None:
        """Whether prediction and measurement are within three errors."""
        return self.volume_rate.agrees

    @property
    def verdict(self) -> str:
        """The same as ``"agrees"``, ``"disagrees"`` or ``"undecided"``."""
        return self.volume_rate.verdict

    @property
    def success(self) -> bool:
        """True where the run came to its end."""
        return self.status.succeeded

    def __repr__(self) -> str:
        kind = "flow" if self.step_length is None else f"steps of {self.step_length:g}"
        lines = [
            f"VolumeCheck({self.n_points} points, {kind}, {len(self.times)} times to "
            f"{self.times[-1]:g})",
            f"  log volume: predicted {self.predicted:.6g}, measured {self.measured:.6g} +- "
            f"{self.error:.1g}: {self.verdict}",
            f"  decay outside the cone: predicted {self.decay.predicted:.6g}, measured "
            f"{self.decay.measured:.6g} +- {self.decay.error:.1g}: {self.decay.verdict}",
        ]
        lines += [f"  {name}: {one!r}" for name, one in self._sets()]
        return "\n".join(lines + ([f"  {self.message}"] if self.message else []))

    def _sets(self) -> Sequence[tuple[str, Concentration]]:
        both = (("cone", self.cone), ("valley", self.valley))
        return [(name, one) for name, one in both if one is not None]

    def asdict(self) -> dict[str, Any]:
        """The fields by name but for `membership`, those of the comparisons and concentrations by name too."""
        result = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "membership":
                continue
            nested = isinstance(value, (Comparison, Concentration))
            result[field.name] = dataclasses.asdict(value) if nested else value
        return result

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw shares and volumes against time.

        Parameters
        ----------
        axes : sequence of three matplotlib Axes, optional
            For the shares, for what is outside (on a logarithmic scale), and for volume. Default: a
            new figure.
        title : str, optional

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.Objective(lambda x: (x[0]**2 + 3 * x[1]**2) / 2, 2)
        >>> check = talweg.checks.volume(f, (-1, 1), step_length=0.1, n_points=2000)
        >>> figure = check.plot()
        """
        from talweg.plot.concentration import draw_concentration

        return draw_concentration(self, axes, title=title)

    def film_strip(
        self, frames: Any = None, *, points: int = 2000, title: str | None = None
    ) -> Any:
        """Draw the points at some times: on their way into the valley.

        With two coordinates over the level lines, V_R and the talweg; with more, projected on two
        eigenvectors of the minimum, the softest and the next. Colours are weights: what volume
        each point stands for, against the mean.

        Parameters
        ----------
        frames : sequence of numbers, optional
            Times, of which the nearest recorded ones are taken. Default: six.
        points : int, default 2000
            Most points that are drawn.
        title : str, optional

        Returns
        -------
        matplotlib.figure.Figure

        Raises
        ------
        ImportError
            Without matplotlib.
        ValueError
            For unusable frames.

        Examples
        --------
        >>> import talweg
        >>> f = talweg.Objective(lambda x: (x[0]**2 + 3 * x[1]**2) / 2, 2)
        >>> check = talweg.checks.volume(f, (-1, 1), step_length=0.1, steps=30, n_points=2000)
        >>> figure = check.film_strip([0, 10, 30])
        """
        from talweg.plot.film_strip import draw_film_strip

        return draw_film_strip(self, frames, points=points, title=title)
