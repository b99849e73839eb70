"""What is reported of many descents: which minimum each reached, how, and how volumes shrank."""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.extremals.fields import counted
from talweg.extremals.points import CriticalPoint
from talweg.status import Status
from talweg.theory.volume import volume_rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["DescentReport", "VolumeChange"]


@dataclasses.dataclass(frozen=True)
class VolumeChange:
    """Change of log volume a step, or in a unit of time, of the descents to one minimum.

    Attributes
    ----------
    predicted : float
        From the eigenvalues at the minimum (`talweg.theory.volume_rate`).
    measured : float
        Mean over the descents, each over the second half of its steps.
    spread : float
        Standard deviation over the descents, from what third derivatives do on the way.
    count : int
        Descents that were long enough to be measured.
    """

    predicted: float
    measured: float
    spread: float
    count: int


@dataclasses.dataclass(eq=False, repr=False)
class DescentReport:
    """What `descent_report` found.

    Attributes
    ----------
    f : Objective or None
    bounds : ndarray, shape (n, 2), or None
    minima : list of CriticalPoint
        Nondegenerate minima, lowest first.
    starts : ndarray, shape (m, n)
    x : ndarray, shape (m, n)
        The last points.
    fun : ndarray, shape (m,)
        The function there.
    taken : ndarray, shape (m,)
        Steps of descent, or units of time of the flow, to there.
    status : ndarray of int, shape (m,)
        Codes of `talweg.Status`, as in `talweg.Descent` and `talweg.Flow`.
    minimum : ndarray of int, shape (m,)
        The index into `minima` of the one that the last point is next to: in the ball in which
        gradient flow surely falls towards it. -1 for none.
    log_volume : ndarray, shape (m,), or None
        Logarithm of the factor by which a small volume around the point changed; with momentum
        that of pairs of points. None where there are more than 64 coordinates, or noise.
    path_at : ndarray, shape (records,)
        Steps or times of the records.
    path : ndarray, shape (records, m, n)
        NaN after the end of a descent, as the next two.
    path_fun, path_log_volume : ndarray, shape (records, m), or None
    parameters : dict
        Step length and all the rest, as used.
    message : str
        What went wrong; empty where nothing did.
    interrupted : bool
    """

    f: Any
    bounds: Floats | None
    minima: list[CriticalPoint]
    starts: Floats
    x: Floats
    fun: Floats
    taken: Any
    status: Any
    minimum: Any
    log_volume: Any
    path_at: Any
    path: Floats
    path_fun: Floats
    path_log_volume: Any
    parameters: dict[str, Any]
    message: str = ""
    interrupted: bool = False

    @property
    def n(self) -> int:
        """Number of coordinates."""
        return int(self.starts.shape[1])

    @property
    def success(self) -> bool:
        """Whether nothing went wrong."""
        return not self.message

    @property
    def time(self) -> bool:
        """Whether this is gradient flow, and `taken` is time."""
        return bool(self.parameters["flow"])

    def volume_change(self, minimum: int) -> VolumeChange | None:
        """Change of log volume of the descents to one minimum beside the prediction.

        Parameters
        ----------
        minimum : int
            Index into `minima`.

        Returns
        -------
        VolumeChange or None
            None where volumes were not followed.
        """
        if self.path_log_volume is None:
            return None
        lanes = np.flatnonzero(self.minimum == minimum)
        rates = np.full(lanes.size, np.nan)
        for k, lane in enumerate(lanes):
            known = np.flatnonzero(np.isfinite(self.path_log_volume[:, lane]))
            if known.size < 3:
                continue
            last = known[-1]
            first = known[np.searchsorted(self.path_at[known], self.path_at[last] / 2.0)]
            if first == last:
                continue
            change = self.path_log_volume[last, lane] - self.path_log_volume[first, lane]
            rates[k] = change / (self.path_at[last] - self.path_at[first])
        rates = rates[np.isfinite(rates)]
        predicted = volume_rate(
            self.minima[minimum].eigenvalues,
            None if self.time else self.parameters["step_length"],
            self.parameters["momentum"],
            self.parameters["nesterov"],
        )
        if not rates.size:
            return VolumeChange(predicted, np.nan, np.nan, 0)
        spread = float(rates.std(ddof=1)) if rates.size > 1 else np.nan
        return VolumeChange(predicted, float(rates.mean()), spread, int(rates.size))

    def __str__(self) -> str:
        from talweg.reports.text import descent_tables, plain_table

        head = [self.headline()]
        for title, columns, rows in descent_tables(self):
            head.append(f"{title}\n{plain_table(columns, rows)}")
        if self.message:
            head.append(self.message)
        return "\n\n".join(head)

    def __repr__(self) -> str:
        return f"DescentReport({self.headline()})"

    def headline(self) -> str:
        """One line: how many descents of which kind."""
        given = self.parameters
        many = len(self.starts)
        if self.time:
            return f"{counted(many, 'trajectory').replace('ys', 'ies')} of gradient flow to t = {given['time']:.6g}"
        method = "Nesterov" if given["nesterov"] else "heavy ball" if given["momentum"] else "plain"
        extra = f", momentum {given['momentum']:g}" if given["momentum"] else ""
        noise = f", noise of variance {given['noise']:g}" if given["noise"] else ""
        return (
            f"{counted(many, 'descent')} ({method}{extra}{noise}), step length "
            f"{given['step_length']:.6g}, at most {given['steps']} steps"
        )

    def plot(self, axes: Any = None, *, title: str | None = None) -> Any:
        """Draw the paths over level lines, and the function along them.

        With more than two coordinates paths are projected on the two softest eigenvectors of the
        lowest minimum.

        Parameters
        ----------
        axes : pair of matplotlib Axes, optional
            For the map and for the function. Default: a new figure.
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
        >>> f = talweg.surfaces.himmelblau()
        >>> figure = talweg.reports.descent_report(f, n_starts=20, rng=0).plot()
        """
        from talweg.plot.descents import draw_descents

        return draw_descents(self, axes, title=title)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file for `talweg.load`; see `talweg.io.save`."""
        from talweg.io import save

        save(self, path)

    def to_json(self, path: str | os.PathLike[str]) -> None:
        """Write JSON for other programs; see `talweg.io.to_json`."""
        from talweg.io import to_json

        to_json(self, path)

    def json_document(self) -> tuple[str, dict[str, Any]]:
        """The kind and the fields of the JSON that `to_json` writes."""
        changes = [self.volume_change(i) for i in range(len(self.minima))]
        return "descents", {
            **self.asdict(),
            "n": self.n,
            "minima": [{**p.asdict(), "type": p.type} for p in self.minima],
            "status": [Status(int(code)) for code in self.status],
            "volume_change": [None if c is None else dataclasses.asdict(c) for c in changes],
        }

    def asdict(self) -> dict[str, Any]:
        """The fields by name, without `f`."""
        return {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "f"
        }
