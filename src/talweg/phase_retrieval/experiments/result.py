"""What every experiment returns: named arrays with axes, parameters and versions."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any, ClassVar, NamedTuple

import numpy as np

from talweg.status import Status

__all__ = ["ExperimentResult", "Layout", "versions"]


class Layout(NamedTuple):
    """The axes of an array, and what it holds."""

    axes: tuple[str, ...]
    description: str


def versions() -> dict[str, str]:
    """Versions of all that the numbers depend on."""
    import platform

    import scipy

    from talweg.io.versions import talweg_version

    return {
        "talweg": talweg_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


@dataclasses.dataclass(eq=False, repr=False, kw_only=True)
class ExperimentResult:
    """Arrays of an experiment.

    Attributes
    ----------
    parameters : dict
        What was asked for.
    versions : dict
        Of talweg and of the libraries below it.
    tasks, finished : int
        Pieces of work that the experiment has, and those that are done. The arrays are NaN for what
        is not.
    """

    parameters: dict[str, Any]
    versions: dict[str, str] = dataclasses.field(default_factory=versions)
    tasks: int = 0
    finished: int = 0

    #: Axes of the arrays by name; an axis that is itself an array is a coordinate.
    layout: ClassVar[dict[str, Layout]] = {}
    #: The experiment's name in files.
    experiment: ClassVar[str] = ""

    @property
    def status(self) -> Status:
        """`INTERRUPTED` when something is left to do, `NOT_CONVERGED` or `NON_FINITE` when some run
        ended so, else `CONVERGED`."""
        if self.finished < self.tasks:
            return Status.INTERRUPTED
        for trouble in (Status.NON_FINITE, Status.NOT_CONVERGED):
            if self._ended_with(trouble):
                return trouble
        return Status.CONVERGED

    def _ended_with(self, status: Status) -> int:
        """How many runs ended so; experiments without runs have no codes."""
        return int((np.asarray(getattr(self, "code", ())) == status).sum())

    @property
    def success(self) -> bool:
        """Whether everything is done and no run went wrong."""
        return self.status.succeeded

    @property
    def message(self) -> str:
        """What is missing or went wrong; empty when nothing is or did."""
        parts = []
        if self.finished < self.tasks:
            parts.append(
                f"{self.finished} of {self.tasks} tasks are done; the same call does the rest"
            )
        rising, lost = map(self._ended_with, (Status.NOT_CONVERGED, Status.NON_FINITE))
        if rising:
            parts.append(
                f"the loss rises in {rising} of {self.tasks} runs: step_length is too long"
            )
        if lost:
            parts.append(f"{lost} of {self.tasks} runs came to numbers that are not finite")
        return "; ".join(parts)

    def asdict(self) -> dict[str, Any]:
        """The attributes as a dict."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __repr__(self) -> str:
        sizes = {
            axis: np.asarray(getattr(self, name)).shape[i]
            for name, (axes, _) in self.layout.items()
            for i, axis in enumerate(axes)
        }
        inside = ", ".join(f"{size} {axis}" for axis, size in sizes.items())
        note = f"; {self.message}" if self.message else ""
        return f"<{type(self).__name__}: {inside}{note}>"

    def to_dataset(self) -> Any:
        """The arrays as an `xarray.Dataset`, with parameters and versions as attributes.

        Returns
        -------
        xarray.Dataset

        Raises
        ------
        ImportError
            Without xarray.
        """
        xarray = _xarray()
        variables: dict[str, Any] = {}
        coordinates: dict[str, Any] = {}
        for name, (axes, description) in self.layout.items():
            values = np.asarray(getattr(self, name))
            place = coordinates if axes == (name,) else variables
            place[name] = (axes, values, {"description": description})
        attributes = {
            "experiment": self.experiment,
            "parameters": json.dumps(self.parameters),
            "versions": json.dumps(self.versions),
            "tasks": self.tasks,
            "finished": self.finished,
        }
        return xarray.Dataset(variables, coordinates, attributes)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the dataset: netCDF, or zarr where the name ends in ``.zarr``.

        Parameters
        ----------
        path : path-like
            It appears when it is whole; an earlier one is replaced.

        Raises
        ------
        ImportError
            Without xarray, and h5netcdf with h5py or zarr.
        OSError
            If `path` cannot be written.
        """
        import shutil

        dataset = self.to_dataset()
        target = os.fspath(path)
        is_zarr = target.endswith(".zarr")
        # Releases of h5netcdf differ in whether they bring h5py, with which it writes.
        for package in ["zarr"] if is_zarr else ["h5netcdf", "h5py"]:
            _need(package)
        temporary = f"{target}.{os.getpid()}.part"
        try:
            if is_zarr:
                # Version 2 has a standard for texts, version 3 has none yet.
                dataset.to_zarr(temporary, mode="w", consolidated=True, zarr_format=2)
                if os.path.isdir(target):
                    if not {".zgroup", "zarr.json"} & set(os.listdir(target)):
                        raise FileExistsError(f"{target}: a folder that holds no zarr group")
                    shutil.rmtree(target)
            else:
                dataset.to_netcdf(temporary, engine="h5netcdf")
            os.replace(temporary, target)
        finally:
            if os.path.isdir(temporary):
                shutil.rmtree(temporary)
            elif os.path.exists(temporary):
                os.unlink(temporary)

    def to_json(self, path: str | os.PathLike[str] | None = None) -> str:
        """The same as JSON (NaN and infinities become null), written to `path` if there is one."""
        arrays = {
            name: {"axes": axes, "description": text, "values": _plain(getattr(self, name))}
            for name, (axes, text) in self.layout.items()
        }
        document = {
            "format": "talweg-experiment",
            "experiment": self.experiment,
            "parameters": _plain(self.parameters),
            "versions": self.versions,
            "tasks": self.tasks,
            "finished": self.finished,
            "arrays": arrays,
        }
        text = json.dumps(document, indent=1, allow_nan=False)
        if path is not None:
            with open(path, "w", encoding="utf-8", newline="\n") as file:
                file.write(text + "\n")
        return text


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _need(package: str) -> Any:
    import importlib

    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"datasets on disk need {package}: pip install xarray h5netcdf h5py zarr, "
            "or pip install 'talweg[io]'"
        ) from error


def _xarray() -> Any:
    return _need("xarray")
