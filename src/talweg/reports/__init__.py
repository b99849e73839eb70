"""Reports: what many descents did, and what theory says of minima, beside what was measured.

A report is a result with a text, tables, a picture and files. ``talweg descend`` and ``talweg theory``
print them.
"""

from __future__ import annotations

from talweg.reports.descents import DescentReport, descent_report
from talweg.reports.measurement import Measurement
from talweg.reports.minimum import Prediction, ResonantTerm, TheoryOfMinimum
from talweg.reports.runs import measured_alignment
from talweg.reports.theory import TheoryReport, theory_report

__all__ = [
    "DescentReport",
    "Measurement",
    "Prediction",
    "ResonantTerm",
    "TheoryOfMinimum",
    "TheoryReport",
    "descent_report",
    "measured_alignment",
    "theory_report",
]
