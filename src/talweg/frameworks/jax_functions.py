"""A JAX function and its derivatives, compiled for blocks of points."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.frameworks.block_sizes import SIZES, in_pieces, largest_for_matrices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SWITCH = 'jax.config.update("jax_enable_x64", True)'


class JaxFunctions:
    """Value and derivatives of a JAX function of an array of shape (n,) or of a pytree.

    Attributes
    ----------
    n : int
    fun, grad, hess, hessp, third : callable
        Functions of points (m, n), and of vectors (m, n) for the last two, that return NumPy
        arrays; those of `Objective.from_callables` with ``batched=True``.
    example : ndarray, shape (n,), or None
        The example pytree as a vector.
    ravel, unravel : callable or None
        From pytrees of that structure to vectors, and back.
    """

    method = "from_jax"

    def __init__(self, fun: Callable[[Any], Any], n: Any) -> None:
        import jax

        check_double_precision(jax)
        self.example: Floats | None = None
        self.ravel: Callable[[Any], Floats] | None = None
        self.unravel: Callable[[Any], Any] | None = None
        function = fun
        if isinstance(n, int):
            self.n = n
        else:
            from jax.flatten_util import ravel_pytree

            tree = jax.tree.map(_as_double, n)
            flat, unravel = ravel_pytree(tree)
            structure = jax.tree.structure(tree)
            self.n, self.example, self.unravel = flat.size, np.array(flat), unravel
            shapes = [leaf.shape for leaf in jax.tree.leaves(tree)]

            def function(x: Any) -> Any:
                return fun(unravel(x))

            def ravel(given: Any) -> Floats:
                given = jax.tree.map(_as_double, given)
                found = [leaf.shape for leaf in jax.tree.leaves(given)]
                if jax.tree.structure(given) != structure or found != shapes:
                    raise ValueError(f"tree: want {structure} of shapes {shapes}, got {found}")
                return np.array(ravel_pytree(given)[0])

            self.ravel = ravel
        if self.n < 1:
            raise ValueError("n: want at least 1 coordinate, got a pytree of none")
        _check_result(jax, function, self.n)
        gradient = jax.grad(function)

        def product(x: Any, v: Any) -> Any:
            return jax.jvp(gradient, (x,), (v,))[1]

        def third(x: Any, v: Any) -> Any:
            return jax.jacfwd(lambda y: product(y, v))(x)

        largest, small = SIZES[-1], largest_for_matrices(self.n)
        self.fun = in_pieces(_compiled(jax, function), largest)
        self.grad = in_pieces(_compiled(jax, gradient), largest)
        self.hess = in_pieces(_compiled(jax, jax.jacfwd(gradient)), small)
        self.hessp = in_pieces(_compiled(jax, product), largest)
        self.third = in_pieces(_compiled(jax, third), small)


def check_double_precision(jax: Any) -> None:
    """Raise unless JAX computes with 64 bits."""
    if not jax.config.jax_enable_x64:
        raise ValueError(
            "JAX computes in float32, which is too coarse for curves and third derivatives; switch "
            f"to float64 with {_SWITCH} before any array is made"
        )


def _as_double(leaf: Any) -> Any:
    import jax.numpy as jnp

    leaf = jnp.asarray(leaf)
    if not jnp.issubdtype(leaf.dtype, jnp.floating):
        raise TypeError(f"n: want a pytree of floating-point arrays, got a leaf of {leaf.dtype}")
    return leaf.astype(jnp.float64)


def _check_result(jax: Any, function: Callable[[Any], Any], n: int) -> None:
    """Raise unless the function returns one float64; it is traced, not run."""
    result = jax.eval_shape(function, jax.ShapeDtypeStruct((n,), np.float64))
    if not hasattr(result, "shape") or not hasattr(result, "dtype"):
        raise TypeError(f"fun: want one real number, got a {type(result).__name__}")
    if result.shape != ():
        raise ValueError(f"fun: want one real number, shape (), got shape {result.shape}")
    if result.dtype != np.float64:
        raise TypeError(
            f"fun: want a float64, got {result.dtype}: the function converts its argument, or "
            f"returns a number that does not depend on it; see also {_SWITCH}"
        )


def _compiled(jax: Any, function: Callable[..., Any]) -> Callable[..., Floats]:
    compiled = jax.jit(jax.vmap(function))

    def evaluate(*arrays: Floats) -> Floats:
        result = np.asarray(compiled(*arrays))
        if result.dtype != np.float64:
            check_double_precision(jax)
        return result

    return evaluate
