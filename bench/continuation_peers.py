"""Other ways to trace a gradient extremal of Müller-Brown: plain NumPy, and jaxcont.

Neither locates events or labels points; both follow one arc between two critical points.
"""

from __future__ import annotations

import numpy as np

DEPTH = np.array([-200.0, -100.0, -170.0, 15.0])
A = np.array([-1.0, -1.0, -6.5, 0.7])
B = np.array([0.0, 0.0, 11.0, 0.6])
C = np.array([-10.0, -10.0, -6.5, 0.7])
X0 = np.array([1.0, 0.0, -0.5, -1.0])
Y0 = np.array([0.0, 0.5, 1.5, 1.0])

# Eigenvalues are some hundreds where coordinates are about 1: this brings both to one size.
EIGENVALUE_SCALE = 1000.0


def derivatives(x):
    """Gradient (2,), Hessian (2, 2) and third derivatives (2, 2, 2) at one point."""
    dx, dy = x[0] - X0, x[1] - Y0
    term = DEPTH * np.exp(A * dx * dx + B * dx * dy + C * dy * dy)
    p = np.array([2 * A * dx + B * dy, B * dx + 2 * C * dy])  # (2, 4): exponent's gradient
    q = np.array([[2 * A, B], [B, 2 * C]])  # (2, 2, 4): its Hessian
    gradient = p @ term
    hessian = np.einsum("ik,jk,k->ij", p, p, term) + q @ term
    mixed = np.einsum("ijk,lk,k->ijl", q, p, term)
    third = (
        np.einsum("ik,jk,lk,k->ijl", p, p, p, term)
        + mixed
        + mixed.transpose(0, 2, 1)
        + mixed.transpose(2, 0, 1)
    )
    return gradient, hessian, third


def trace_numpy(x, eigenvalue, direction, step, count):
    """Pseudo-arclength steps on (H - lambda) g = 0 with Newton's method; points (count, 2)."""
    z = np.array([x[0], x[1], eigenvalue])
    tangent = np.array([direction[0], direction[1], 0.0])
    points = np.empty((count, 2))
    jacobian = np.empty((3, 3))
    unit = np.array([0.0, 0.0, 1.0])

    def linearise(z):
        gradient, hessian, third = derivatives(z[:2])
        residual = hessian @ gradient - z[2] * gradient
        jacobian[:2, :2] = third @ gradient + hessian @ hessian - z[2] * hessian
        jacobian[:2, 2] = -gradient
        return residual, np.linalg.norm(hessian) * np.linalg.norm(gradient)

    for i in range(count):
        predicted = z + step * tangent / np.linalg.norm(tangent[:2])
        jacobian[2, :2] = tangent[:2]
        jacobian[2, 2] = 0.0
        right = np.zeros(3)
        z = predicted
        for _ in range(8):
            residual, scale = linearise(z)
            right[:2] = -residual
            z = z + np.linalg.solve(jacobian, right)
            if np.linalg.norm(residual) <= 1e-9 * scale:
                break
        linearise(z)
        tangent = np.linalg.solve(jacobian, unit)
        tangent /= np.linalg.norm(tangent[:2])
        points[i] = z[:2]
    return points


def jaxcont_tracer(x, eigenvalue, direction, step, count):
    """A function without arguments that runs jaxcont's compiled sweep, and its points.

    The unknowns are y and the scaled eigenvalue, the parameter is x; steps have a fixed length, like
    talweg's where the curve is not sharply bent.
    """
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    from jaxcont.core.scan_continuation import pseudo_arclength_scan

    constants = [jnp.asarray(value) for value in (DEPTH, A, B, C, X0, Y0)]

    def function(x):
        depth, a, b, c, x0, y0 = constants
        dx, dy = x[0] - x0, x[1] - y0
        return jnp.sum(depth * jnp.exp(a * dx * dx + b * dx * dy + c * dy * dy))

    gradient = jax.grad(function)
    hessian = jax.hessian(function)

    def residual(u, p):
        x = jnp.stack([p, u[0]])
        g = gradient(x)
        return (hessian(x) @ g - EIGENVALUE_SCALE * u[1] * g) / EIGENVALUE_SCALE

    start = jnp.array([x[1], eigenvalue / EIGENVALUE_SCALE])
    far = x[0] + 100.0 * np.sign(direction[0])

    @jax.jit
    def sweep(u, p):
        step_length = jnp.asarray(step)
        return pseudo_arclength_scan(
            residual, u, p, jnp.asarray(far), step_length, step_length, step_length,
            jnp.asarray(1e-8), count, jnp.asarray(8), adaptive=jnp.asarray(False),
        )  # fmt: skip

    def run():
        return jax.block_until_ready(sweep(start, jnp.asarray(x[0])))

    result = run()
    points = int(result.n_valid)
    return run, np.column_stack([result.params[:points], result.states[:points, 0]])
