"""The inversion of ammonia by GFN2-xTB: the gradient extremal from the planar saddle to a pyramid.

OMP_NUM_THREADS=1 python examples/invert_ammonia.py      (needs talweg[ase] and tblite)
"""

import ase
import numpy as np
from tblite.ase import TBLite

import talweg
from talweg.molecules import wavenumbers

angles = 2 * np.pi * np.arange(3) / 3
hydrogens = np.stack([np.cos(angles), np.sin(angles), np.zeros(3)], axis=1)
planar = ase.Atoms("NH3", np.vstack([np.zeros(3), hydrogens]))
planar.calc = TBLite(method="GFN2-xTB", verbosity=0, accuracy=1e-6)

f = talweg.Objective.from_ase(planar, mass_weighted=True, noise=1e-10)
(saddle,) = talweg.critical_points(f, starts=planar.positions.ravel())
print(f"{saddle.type}, wavenumbers {wavenumbers(saddle.eigenvalues).round(1)}")

curve = talweg.trace(f, saddle, max_length=0.7, max_step=0.1, initial_step=0.05)
print("length   height of N   f - f(saddle)   talweg")
for arclength, x, fun, is_talweg in zip(curve.arclength, curve.x, curve.fun, curve.is_talweg):
    positions = x.reshape(4, 3)
    height = positions[0, 2] - positions[1:, 2].mean()
    print(f"{arclength:6.3f} {height:13.4f} {fun - saddle.fun:15.5f}   {is_talweg}")

for event in curve.events:
    if event.kind == "critical_point":
        barrier = saddle.fun - event.fun
        print(f"minimum at {event.arclength:.4f} Å u^(1/2), {barrier:.5f} eV below the saddle")
