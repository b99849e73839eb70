"""Named parameters of recorded functions: inputs of the tape that become constants."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from talweg import _core
from talweg.arrays import finite_array
from talweg.recording.record import record

__all__ = ["Parametric"]


@dataclasses.dataclass(frozen=True)
class Parametric:
    """A tape whose last inputs are parameters, and their values."""

    tape: tuple[Any, int]
    values: dict[str, np.ndarray]
    recording: Any = None

    #: Keys of `to_arrays`.
    ARRAYS: ClassVar[tuple[str, ...]] = ("parameter_names", "parameter_shapes", "parameter_values")

    @classmethod
    def recorded(cls, fun: Callable[..., Any], n: int, parameters: Mapping[str, Any]) -> Parametric:
        """Records ``fun(x, **parameters)``."""
        if not isinstance(parameters, Mapping):
            raise TypeError(f"parameters: want a dict of name to value, got {parameters!r}")
        values = {}
        for name, value in parameters.items():
            if not isinstance(name, str) or not name.isidentifier():
                raise ValueError(f"parameters: want names of arguments, got {name!r}")
            values[name] = _checked(name, value)
        slices = _slices(n, values)

        def function(z: Any) -> Any:
            return fun(z[:n], **{k: z[s].reshape(values[k].shape) for k, s in slices.items()})

        recording, output = record(function, n + sum(v.size for v in values.values()))
        return cls((recording.tape, output), values, recording)

    def plain(self, fun: Callable[..., Any]) -> Callable[[Any], Any]:
        """The function of numbers at these values."""
        return lambda x: fun(x, **self.shown())

    def bound(self) -> tuple[Any, int]:
        """The tape with the parameters as constants, and its output."""
        flat = [value.ravel() for value in self.values.values()]
        tape, output = self.tape
        bound: tuple[Any, int] = _core.bind_inputs(tape, output, np.concatenate(flat))
        return bound

    def changed(self, given: Mapping[str, Any], name: str) -> Parametric:
        """With some values replaced."""
        values = dict(self.values)
        for key, value in given.items():
            if key not in values:
                known = ", ".join(values)
                raise TypeError(f"no parameter is called {key!r}; {name} has: {known}")
            values[key] = _checked(key, value)
            if values[key].shape != self.values[key].shape:
                raise ValueError(
                    f"{key}: want shape {self.values[key].shape}, got {values[key].shape}"
                )
        return Parametric(self.tape, values)

    def shown(self) -> dict[str, Any]:
        """Values as users gave them: floats, and arrays."""
        return {k: v.copy() if v.ndim else float(v) for k, v in self.values.items()}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Names, shapes and values, for files."""
        shapes = [",".join(map(str, value.shape)) for value in self.values.values()]
        return {
            "parameter_names": np.array(list(self.values)),
            "parameter_shapes": np.array(shapes),
            "parameter_values": np.concatenate([v.ravel() for v in self.values.values()]),
        }

    @classmethod
    def from_arrays(
        cls, tape: Any, output: int, arrays: Mapping[str, np.ndarray]
    ) -> Parametric | None:
        """What `to_arrays` stored; None where nothing was."""
        if not any(key in arrays for key in cls.ARRAYS):
            return None
        try:
            names, shapes, flat = (arrays[key] for key in cls.ARRAYS)
            values, start = {}, 0
            for name, text in zip(names.tolist(), shapes.tolist(), strict=True):
                shape = tuple(int(part) for part in text.split(",") if part)
                size = math.prod(shape)
                values[str(name)] = _checked(str(name), flat[start : start + size].reshape(shape))
                start += size
            if start != flat.size or not 0 < start < tape.n:
                raise ValueError("values of another number")
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f"not a saved objective: its parameters are damaged ({error})"
            ) from error
        return cls((tape, output), values)


def _slices(n: int, values: Mapping[str, np.ndarray]) -> dict[str, slice]:
    slices, start = {}, n
    for name, value in values.items():
        slices[name] = slice(start, start + value.size)
        start += value.size
    return slices


def _checked(name: str, value: Any) -> np.ndarray:
    array = finite_array(value, name)
    if array.size == 0:
        raise ValueError(f"{name}: want at least one number, got shape {array.shape}")
    return array
