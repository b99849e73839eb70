"""Climb the valley of a minimum step by step until the slope stops growing.

python examples/step_a_tracer.py
"""

import talweg

f = talweg.surfaces.muller_brown()
minimum = talweg.critical_points(f)[1]

tracer = talweg.ExtremalTracer(f, minimum, branch=0, direction=-1)
slope = 0.0
for point in tracer:
    if abs(point["sigma"]) < slope:
        break
    slope = abs(point["sigma"])

curve = tracer.extremal()
print(f"{len(curve)} points from f = {curve.fun[0]:.6f} to f = {curve.fun[-1]:.6f}")
print(f"steepest: slope {slope:.4f} after length {curve.length:.4f}")

# The steepest place of a talweg is an inflection: there the eigenvalue along the gradient vanishes.
inflection = next(event for event in curve.events if event.kind == "inflection")
print(f"inflection at ({inflection.x[0]:.9f}, {inflection.x[1]:.9f}), error {inflection.error:.0e}")
