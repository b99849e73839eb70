"""Valley geometry of functions: gradient extremals, talwegs, valleys and descent through them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from talweg import datasets, extremals, jets, models, molecules, spectrum, surfaces, theory, valleys
from talweg._core import __version__
from talweg._locations import get_cmake_dir, get_include
from talweg.basin_map import Basins, basins
from talweg.descent import Descent, descend
from talweg.extremals import (
    ExtremalTracer,
    critical_points,
    survey,
    trace,
    trace_talweg,
)
from talweg.functions import *  # noqa: F403
from talweg.functions import __all__ as _functions
from talweg.gradient_flow import Flow, flow
from talweg.io import load
from talweg.objective import Objective
from talweg.recording import RecordingError
from talweg.status import Status
from talweg.sums import sum_over
from talweg.valleys import in_valley, slope_ratio

if TYPE_CHECKING:
    from talweg import checks, phase_retrieval, reports

# Only what NumPy alone can serve is imported above; the rest of the package imports SciPy, SymPy
# or matplotlib where it uses them (tests/test_import.py).
__all__ = [
    "Basins",
    "Descent",
    "ExtremalTracer",
    "Flow",
    "Objective",
    "RecordingError",
    "Status",
    "__version__",
    "basins",
    "checks",
    "critical_points",
    "datasets",
    "descend",
    "extremals",
    "flow",
    "get_cmake_dir",
    "get_include",
    "in_valley",
    "jets",
    "load",
    "models",
    "molecules",
    "phase_retrieval",
    "reports",
    "slope_ratio",
    "spectrum",
    "sum_over",
    "surfaces",
    "survey",
    "theory",
    "trace",
    "trace_talweg",
    "valleys",
]
__all__ += _functions

#: Packages whose many modules wait for their first use.
_LATER = ("checks", "phase_retrieval", "reports")

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _LATER:
            return importlib.import_module(f"talweg.{name}")
        raise AttributeError(f"module 'talweg' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *_LATER})
