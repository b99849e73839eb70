"""The sentences of results: what happened, in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from talweg.extremals.fields import format_vector
from talweg.extremals.points import event_name
from talweg.status import Status

__all__ = [
    "both_ends",
    "difference_note",
    "kink_note",
    "listed",
    "no_critical_point",
    "notes",
    "start_failure",
    "survey_message",
    "talweg_end",
]


def listed(numbers: Iterable[int], most: int = 6) -> str:
    """Numbers as prose: "1", "1 and 2", "1, 2 and 5"."""
    items = [str(number) for number in numbers]
    if len(items) > most:
        return f"{', '.join(items[:most])}, ... ({len(items)} in all)"
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def kink_note(f: Any) -> str:
    """What to know about a function with kinks; empty without any."""
    kinks = getattr(f, "kinks", ())
    if not kinks:
        return ""
    return (
        f"f has kinks ({', '.join(kinks)}): on them derivatives are those of one side, curves may "
        "end or jump, and minima that lie on a kink are not found."
    )


def difference_note(f: Any) -> str:
    """Which derivatives of `f` are differences, and how good; empty where all are exact."""
    approximate: dict[str, float] = getattr(f, "approximate", {})
    if not approximate:
        return ""
    each = ", ".join(f"{name} (relative error about {e:.0e})" for name, e in approximate.items())
    return f"Derivatives of f by differences: {each}."


def notes(f: Any) -> str:
    """What to know about `f` itself, after what happened."""
    return " ".join(filter(None, [kink_note(f), difference_note(f)]))


def start_failure(status: Status, f: Any, x0: np.ndarray, branch: int, at_critical: bool) -> str:
    """Why no curve left `x0`."""
    if at_critical:
        if status == Status.DEGENERATE:
            return (
                f"No single curve leaves the critical point along branch {branch}: another "
                "eigenvalue of its Hessian is zero, or the direction is orthogonal to the branch."
            )
        return status.describe()
    slope = float(np.linalg.norm(f.grad(x0)))
    where = f"The start is no critical point (|grad f| = {slope:.3g} there), and "
    if status == Status.DEGENERATE:
        return (
            f"{where}the equations of the gradient extremal are singular at the point that it was "
            "corrected to: several curves, or a whole region of extremal points, meet there."
        )
    if status == Status.NOT_CONVERGED:
        return f"{where}no gradient extremal of branch {branch} was found near it."
    return status.describe()


def no_critical_point(starts: int, sampled: bool) -> str:
    """A search that came back empty."""
    if sampled:
        return (
            f"No critical point was found in the box, from {starts} starts; where there is one "
            "outside, larger bounds or starts near it find it."
        )
    return (
        "No critical point was found from the given starts; start nearer, for a minimum where "
        "scipy.optimize.minimize ends."
    )


def survey_message(
    status: Status,
    notes: Sequence[str],
    curves: Sequence[Status],
    half_branches: Sequence[tuple[int, int, Status]],
) -> str:
    """What there is to say of a survey, in one paragraph.

    `curves` are the statuses of the curves, `half_branches` (critical point, branch, status) those
    that could not be started.
    """
    sentences = [*notes]
    groups: dict[tuple[int, Status], list[int]] = {}
    for point, branch, trouble in half_branches:
        groups.setdefault((point, trouble), []).append(branch)
    for (point, trouble), branches in groups.items():
        noun = "branch" if len(set(branches)) == 1 else "branches"
        sentences.append(
            f"Critical point {point}, {noun} {listed(sorted(set(branches)))}: {trouble.describe()}"
        )
    for trouble in dict.fromkeys(s for s in curves if not s.succeeded):
        numbers = [j for j, s in enumerate(curves) if s == trouble]
        noun = "Curve" if len(numbers) == 1 else "Curves"
        sentences.append(f"{noun} {listed(numbers)}: {trouble.describe()}")
    if status == Status.INTERRUPTED or status.succeeded or not sentences:
        sentences.insert(0, status.describe())
    return " ".join(sentences)


def both_ends(start: str, end: str) -> str:
    """What happened at the two ends of a curve."""
    return end if start == end else f"At its start: {start} At its end: {end}"


def talweg_end(event: dict[str, Any]) -> str:
    """Why a talweg stops at one of the curve's events."""
    return (
        f"Beyond the {event_name(event['kind'])} at x = {format_vector(event['x'])}, f = {event['fun']:.8g}, the curve "
        "is no talweg."
    )
