"""Functions seen from one point: Taylor polynomials, and offsets that keep their precision.

`jet` collects the derivatives at a point and says how far the polynomial is from the function;
`relative` takes a function in the offset from its minimum, so that descents can be followed down to
any distance.
"""

from __future__ import annotations

from talweg.jets.jet import Jet, jet
from talweg.jets.relative import RelativeObjective, relative

__all__ = ["Jet", "RelativeObjective", "jet", "relative"]
