"""The softest valley of a small neural network's loss, through JAX.

    pip install 'talweg[jax]'
    python examples/neural_network.py

A network with three hidden units learns a sine. How far can its weights move along the softest
branch before the loss has risen by ten percent?
"""

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

import talweg

jax.config.update("jax_enable_x64", True)
inputs = np.linspace(-1, 1, 20)[:, None]
targets = np.sin(3 * inputs)


def loss(parameters):
    hidden = jnp.tanh(inputs @ parameters["weights"] + parameters["biases"])
    output = hidden @ parameters["output"]
    penalty = sum((leaf**2).sum() for leaf in jax.tree.leaves(parameters))
    return ((output - targets) ** 2).mean() + 1e-3 * penalty


rng = np.random.default_rng(1)
shapes = {"weights": (1, 3), "biases": (3,), "output": (3, 1)}
start = {name: rng.normal(size=shape) for name, shape in shapes.items()}
f = talweg.Objective.from_jax(loss, start)

found = minimize(f, f.ravel(start), jac=f.grad)
(minimum,) = talweg.critical_points(f, starts=[found.x])
print(f"n = {f.n}, loss {minimum.fun:.5f}, Morse index {minimum.morse_index}")
print("curvatures", np.array2string(minimum.eigenvalues, precision=4))

curve = talweg.trace(f, minimum.x, branch=0, max_length=3.0, max_step=0.1)
allowed = 1.1 * minimum.fun
reach = curve.arclength[curve.fun <= allowed].max()
quadratic = np.sqrt(2 * (allowed - minimum.fun) / minimum.eigenvalues[0])
print(f"loss within ten percent as far as {reach:.3f} along the softest branch")
print(f"quadratic model: {quadratic:.3f}")
for event in curve.events:
    print(f"  {event.kind} at {event.arclength:.3f}, loss {event.fun:.5f}")
