"""Whether a measured rate of alignment is the predicted one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from talweg.checks.measurement import Measurement

if TYPE_CHECKING:
    from talweg.theory import AlignmentRate

__all__ = ["judge"]

#: Standard errors that a difference may have.
_DEVIATION = 4.0
#: Errors above this part of a rate say too little.
_TELLING = 0.002


def judge(
    predicted: AlignmentRate, measured: Measurement, expected: float | None = None
) -> tuple[str, str]:
    """The verdict, "agrees", "disagrees" or "undecided", and a sentence that explains it.

    Parameters
    ----------
    predicted : talweg.theory.AlignmentRate
        With a mechanism, not "none".
    measured : Measurement
    expected : float, optional
        The tangent that a predicted forcing alone would give at the end of the window.
    """
    said = f"predicted {predicted.rate:.6g}"
    if measured.component is None:
        return "undecided", f"No asymptotic window: {measured.reason}."
    seen = f"measured {measured.rate:.8g} +- {measured.error:.1e}, {said}"
    difference = abs(measured.rate - predicted.rate)
    same = difference <= _DEVIATION * measured.error
    forced = predicted.mechanism in ("lambda_1", "higher order")
    if (
        forced
        and expected is not None
        and expected < 0.1 * measured.tangent
        and (not same or measured.reason)
    ):
        return "undecided", (
            "No asymptotic window: the term that the theory calls the slowest is about "
            f"{expected:.1e} at the end of the window, where the tangent of the angle is "
            f"{measured.tangent:.1e}; rounding is met before it governs ({seen})."
        )
    if measured.reason:
        return "undecided", f"No asymptotic window: {measured.reason} ({seen})."
    if measured.error > _TELLING * max(abs(predicted.rate), abs(measured.rate)):
        return "undecided", f"The error is too large for a verdict ({seen})."
    if not same:
        return "disagrees", f"The rates differ ({seen})."
    if predicted.logarithmic and measured.multiplicity == 1:
        return "disagrees", (
            f"The rates agree, but the factor t of a resonance is not there ({seen})."
        )
    close = [
        float(rate)
        for rate, share in zip(measured.rates, measured.shares)
        if share > 0.01 and 4.0 * measured.error < rate - measured.rate < 0.1 * abs(measured.rate)
    ]
    if measured.multiplicity > 1:
        terms, power = {2: ("Two", "t"), 3: ("Three", "t^2")}[measured.multiplicity]
        return (
            "agrees",
            f"{terms} terms are equally slow: the tangent falls like {power} exp(-rate t) ({seen}).",
        )
    if close:
        return "agrees", f"With a second exponent close by, {close[0]:.6g} ({seen})."
    return "agrees", f"One exponential governs ({seen})."
