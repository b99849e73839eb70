"""One prediction beside one measurement."""

from __future__ import annotations

import dataclasses

__all__ = ["VERDICTS", "Measurement"]

VERDICTS = ("agrees", "disagrees", "undecided")


@dataclasses.dataclass(frozen=True)
class Measurement:
    """A predicted number, the measured one with its error and window, and the verdict.

    Attributes
    ----------
    method : str
        What was run: "gradient flow", "descent below the bound", ...
    quantity : str
        What was measured.
    predicted, measured, error : float
        `error` is the measurement's standard error; NaN where there is no measurement.
    window : tuple of two floats, or None
        Between which times or steps.
    verdict : str
        "agrees", "disagrees" or "undecided".
    reason : str
        Why; what else there is to say.
    step_length, momentum : float or None
    """

    method: str
    quantity: str
    predicted: float
    measured: float
    error: float
    window: tuple[float, float] | None
    verdict: str
    reason: str = ""
    step_length: float | None = None
    momentum: float | None = None

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise ValueError(f"verdict: want one of {', '.join(VERDICTS)}, got {self.verdict!r}")


def verdict_of(agrees: bool | None) -> str:
    """The verdict for what checks call `agrees`."""
    return "undecided" if agrees is None else "agrees" if agrees else "disagrees"
