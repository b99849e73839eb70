"""Functions of JAX and PyTorch, with the derivatives of those frameworks, on blocks of points.

Nothing here is imported before `Objective.from_jax` or `Objective.from_torch` is called.
"""
