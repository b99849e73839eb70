"""Gradient extremals, talwegs and critical points.

A gradient extremal is a curve on which the gradient is an eigenvector of the Hessian; a talweg is
one where the slope is minimal on its level set.
"""

from __future__ import annotations

from talweg.extremals.finding import critical_points
from talweg.extremals.points import CriticalPoint, Event
from talweg.extremals.results import Extremal, Segment, Survey
from talweg.extremals.surveying import survey
from talweg.extremals.tracing import ExtremalTracer, trace, trace_talweg

__all__ = [
    "CriticalPoint",
    "Event",
    "Extremal",
    "ExtremalTracer",
    "Segment",
    "Survey",
    "critical_points",
    "survey",
    "trace",
    "trace_talweg",
]
