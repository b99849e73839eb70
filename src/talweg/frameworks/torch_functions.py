"""A PyTorch function and its derivatives on blocks of points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.frameworks.block_sizes import SIZES, in_pieces, largest_for_matrices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class TorchFunctions:
    """Value and derivatives of a PyTorch function of a vector, of tensors by name or of a module.

    Attributes
    ----------
    n : int
    fun, grad, hess, hessp, third : callable
        Functions of points (m, n), and of vectors (m, n) for the last two, that return NumPy
        arrays; those of `Objective.from_callables` with ``batched=True``.
    example : ndarray, shape (n,), or None
        The module's parameters, or the tensors, as a vector.
    ravel, unravel : callable or None
        From tensors by name to vectors, and back.
    """

    method = "from_torch"

    def __init__(self, fun: Callable[[Any], Any], n: Any, compile: bool = False) -> None:
        import torch
        from torch.func import grad, jacrev

        self._torch = torch
        self._device = torch.device("cpu")
        self.example: Floats | None = None
        self.ravel: Callable[[Any], Floats] | None = None
        self.unravel: Callable[[Any], Any] | None = None
        function = fun
        if isinstance(n, int):
            self.n = n
        else:
            function = self._of_tensors(fun, n)
        if self.n < 1:
            raise ValueError("n: want at least 1 coordinate, got no parameters")
        self._check_result(function)
        gradient = grad(function)

        # Reverse mode throughout: more of PyTorch's functions have it than forward mode, and for
        # small blocks it is faster.
        def product(x: Any, v: Any) -> Any:
            return grad(lambda y: gradient(y) @ v)(x)

        def third(x: Any, v: Any) -> Any:
            return jacrev(grad(lambda y: gradient(y) @ v))(x)

        def batched(one: Callable[..., Any], largest: int) -> Callable[..., Floats]:
            block = torch.func.vmap(one)
            if not compile:
                return self._in_numpy(block)
            compiled = torch.compile(block, dynamic=False)
            return in_pieces(self._in_numpy(compiled), largest)

        largest, small = SIZES[-1], largest_for_matrices(self.n)
        self.fun = batched(function, largest)
        self.grad = batched(gradient, largest)
        self.hess = batched(jacrev(gradient), small)
        self.hessp = batched(product, largest)
        self.third = batched(third, small)

    def _of_tensors(self, fun: Callable[[Any], Any], given: Any) -> Callable[[Any], Any]:
        """The function of a vector, and what goes between vectors and tensors."""
        torch = self._torch
        module = given if isinstance(given, torch.nn.Module) else None
        tensors = dict(module.named_parameters()) if module is not None else given
        if not isinstance(tensors, Mapping):
            raise TypeError(
                "n: want the number of coordinates, a torch.nn.Module or a dict of tensors, got "
                + type(given).__name__
            )
        for name, tensor in tensors.items():
            if not isinstance(tensor, torch.Tensor):
                raise TypeError(f"n: want tensors, got a {type(tensor).__name__} named {name!r}")
            if tensor.dtype != torch.float64:
                raise TypeError(
                    f"n: want float64, got {tensor.dtype} in {name!r}; convert it with "
                    + ("module.double()" if module is not None else "tensor.to(torch.float64)")
                )
        flatten = torch.nn.utils.parameters_to_vector
        shapes = {name: tensor.shape for name, tensor in tensors.items()}
        sizes = [shape.numel() for shape in shapes.values()]
        self.n = sum(sizes)
        if self.n > 0:
            vector = flatten(tensors.values()).detach()
            self.example, self._device = vector.cpu().numpy().copy(), vector.device

        def unflattened(x: Any) -> dict[str, Any]:
            parts = x.split(sizes)
            return {name: part.view(shapes[name]) for name, part in zip(shapes, parts)}

        def ravel(given: Any) -> Floats:
            if isinstance(given, torch.nn.Module):
                given = dict(given.named_parameters())
            found = {name: tensor.shape for name, tensor in given.items()}
            if found != shapes:
                raise ValueError(f"tensors: want {shapes}, got {found}")
            vector = flatten([given[name].to(torch.float64) for name in shapes])
            return vector.detach().cpu().numpy().copy()

        self.ravel = ravel
        self.unravel = lambda x: unflattened(self._tensor(np.array(x, dtype=np.float64)))
        if module is None:
            return lambda x: fun(unflattened(x))

        def function(x: Any) -> Any:
            parameters = unflattened(x)

            def network(*arguments: Any, **keywords: Any) -> Any:
                return torch.func.functional_call(module, parameters, arguments, keywords)

            return fun(network)

        return function

    def _tensor(self, array: Floats) -> Any:
        return self._torch.from_numpy(array).to(self._device)

    def _check_result(self, function: Callable[[Any], Any]) -> None:
        """Raise unless the function returns one float64; it is run at one point."""
        torch = self._torch
        point = np.zeros(self.n) if self.example is None else self.example
        result = function(self._tensor(point.copy()))
        if not isinstance(result, torch.Tensor):
            raise TypeError(f"fun: want a tensor of one number, got a {type(result).__name__}")
        if result.dim() != 0:
            raise ValueError(f"fun: want one number, shape (), got shape {tuple(result.shape)}")
        if result.dtype != torch.float64:
            raise TypeError(
                f"fun: want torch.float64, got {result.dtype}: the function converts its argument; "
                "make its data torch.float64 too"
            )

    def _in_numpy(self, block: Callable[..., Any]) -> Callable[..., Floats]:
        def evaluate(*arrays: Floats) -> Floats:
            tensors = (self._tensor(np.ascontiguousarray(array)) for array in arrays)
            return block(*tensors).detach().cpu().numpy()

        return evaluate
