"""The valley of a model fit: logistic regression on the breast cancer data, n = 31.

    pip install 'talweg[data]'
    python examples/logistic_regression.py

How far can the weights move along the softest direction before the loss has risen by one percent?
The talweg answers for the loss itself, the eigenvector for its quadratic model.
"""

import numpy as np

import talweg

f = talweg.datasets.logistic("breast-cancer")
(minimum,) = talweg.critical_points(f, starts=[np.zeros(f.n)])
softest, stiffest = minimum.eigenvalues[[0, -1]]
print(f"minimum {minimum.fun:.8f}, curvatures {softest:.6f} to {stiffest:.6f}")

valley = talweg.trace_talweg(f, minimum, max_length=1.0)
print(f"{len(valley)} points, talweg throughout: {bool(valley.is_talweg.all())}")

allowed = 1.01 * minimum.fun
inside = valley.fun <= allowed
reach = np.linalg.norm(valley.x[inside] - minimum.x, axis=1).max()
print(f"loss within one percent up to a distance of {reach:.4f} along the talweg")
print(f"quadratic model: {np.sqrt(2 * (allowed - minimum.fun) / softest):.4f}")
