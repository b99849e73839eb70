"""Objectives from functions that are called, not recorded: constructors of `Objective`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.bounds import checked_bounds, checked_dimension
from talweg.names import name_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from talweg.objective import Objective

    Floats = NDArray[np.float64]


class ForeignFunctions:
    """The constructors of `talweg.Objective` for functions that are not recorded."""

    ravel: Callable[[Any], Floats]  # of objectives from pytrees, tensors and modules alone
    unravel: Callable[[Any], Any]

    @classmethod
    def from_callables(
        cls: Any,
        fun: Callable[..., Any],
        grad: Callable[..., Any] | bool | None = None,
        hess: Callable[..., Any] | None = None,
        hessp: Callable[..., Any] | None = None,
        third: Callable[..., Any] | None = None,
        *,
        n: int,
        batched: bool = True,
        args: tuple[Any, ...] = (),
        bounds: ArrayLike | None = None,
        name: str | None = None,
        scale: ArrayLike | None = None,
        noise: float = 0.0,
        verify: bool = True,
    ) -> Objective:
        """An objective from Python functions that are called, not recorded.

        Derivatives that are not given are made from those that are: the Hessian from products with
        it, products from the Hessian, anything else by central differences of fourth order of the
        highest derivative at hand. `approximate` says which those are, and how good.

        Parameters
        ----------
        fun : callable
            ``fun(x)`` with `x` of shape (m, n), returning shape (m,).
        grad : callable or True, optional
            ``grad(x)``, returning shape (m, n); True when `fun` returns both, (value, gradient).
        hess : callable, optional
            ``hess(x)``, returning shape (m, n, n).
        hessp : callable, optional
            ``hessp(x, v)`` with `v` of shape (m, n), a vector for each point: the Hessian times v,
            shape (m, n).
        third : callable, optional
            ``third(x, v)``: the derivative of the Hessian along v, shape (m, n, n).
        n : int
            Number of coordinates.
        batched : bool, default True
            False for functions of one point, as SciPy's minimisers take them: `x` and `v` of shape
            (n,), results without the leading m. A call for each point costs about a microsecond,
            a call for a block of 1024 some nanoseconds a point.
        args : tuple, optional
            Further arguments, which follow x (and v) in each call.
        bounds, name
            As for `Objective`.
        scale : float or array_like, shape (n,), optional
            For each coordinate a length over which the function changes by about its own size.
            Differences k orders above what is given take steps of ``noise**(1/(k + 4))`` times it.
            By default it is estimated from some 50 calls for each coordinate and point, in blocks.
        noise : float, default 0.0
            Relative error of what the functions return, where it is above rounding (a solver's
            tolerance, single precision).
        verify : bool, default True
            Compare the derivatives given with differences at a few points.

        Returns
        -------
        Objective

        Raises
        ------
        TypeError
            When an argument is no function, or a function returns something else than real
            numbers in double precision (integers will do).
        ValueError
            When a function returns another shape, a derivative is not that of the function, or
            `fun` is finite at none of the points tried. A NaN at some points is no error: it stays
            with those points.

        Notes
        -----
        An exception that a function raises leaves the method or kernel unchanged. The functions
        run on the calling thread alone; each call gets arrays of its own. The objective pickles
        when the functions do.

        Examples
        --------
        >>> import scipy.optimize, talweg
        >>> f = talweg.Objective.from_callables(
        ...     scipy.optimize.rosen, scipy.optimize.rosen_der, scipy.optimize.rosen_hess,
        ...     scipy.optimize.rosen_hess_prod, n=3, batched=False)
        >>> f.grad([1.0, 1.0, 2.0]) + 0.0
        array([   0., -400.,  200.])
        >>> list(f.approximate)
        ['third']
        """
        from talweg.callables import callable_core

        n = checked_dimension(n)
        box = checked_bounds(bounds, n)
        functions = {"fun": fun, "grad": grad, "hess": hess, "hessp": hessp, "third": third}
        made = callable_core(
            functions,
            n,
            batched=batched,
            args=args,
            bounds=box,
            scale=scale,
            noise=noise,
            verify=verify,
        )
        self: Objective = cls.__new__(cls)
        shown = fun.name if isinstance(fun, cls) else name_of(fun)
        self._setup(made.core, n, bounds=box, name=name or shown)
        self._differenced = made
        options = {"n": n, "batched": batched, "args": args, "bounds": box, "name": self.name}
        options |= {"scale": made.scale, "noise": noise, "verify": False}
        self._recipe = (_from_callables, (functions, options))
        return self

    @classmethod
    def from_pointers(
        cls: Any,
        fun: Any = None,
        grad: Any = None,
        hess: Any = None,
        hessp: Any = None,
        third: Any = None,
        *,
        n: int,
        block: Any = None,
        provides: Sequence[str] | None = None,
        user_data: Any = None,
        thread_safe: bool = False,
        bounds: ArrayLike | None = None,
        name: str | None = None,
        scale: ArrayLike | None = None,
        noise: float = 0.0,
        verify: bool = True,
    ) -> Objective:
        """An objective from functions of compiled code, called without Python in between.

        Parameters
        ----------
        fun, grad, hess, hessp, third : function pointers
            Functions of one point, with the signatures ``double fun(int n, double *x, void
            *user_data)``, ``void grad(int n, double *x, double *out, void *user_data)``, ``hess``
            the same with n * n numbers in `out`, ``void hessp(int n, double *x, double *v, double
            *out, void *user_data)`` and ``third`` the same. Each may leave `user_data` out. A
            function pointer is a `numba.cfunc`, a capsule from the ``__pyx_capi__`` of a Cython
            module or ``(module, "name")`` for it, a `scipy.LowLevelCallable`, or a ctypes function
            with its argtypes and restype. Only `fun` is needed; what is missing is made as by
            `from_callables`.
        n : int
            Number of coordinates.
        block : function pointer, optional
            Instead of those, one function that evaluates many points at once: `talweg_block` of
            ``talweg/pointers.h``.
        provides : sequence of str
            What `block` knows: ``"fun"`` and any of ``"grad"``, ``"hess"``, ``"hessp"``,
            ``"third"``.
        user_data : ndarray or ctypes object, optional
            Its address is the functions' last argument. A `scipy.LowLevelCallable` that has data of
            its own keeps that.
        thread_safe : bool, default False
            Whether the functions may be called by several threads at once and without the GIL.
            Then kernels use their thread pool. Cython functions must be ``noexcept nogil`` for it.
        bounds, name
            As for `Objective`.
        scale, noise, verify
            As for `from_callables`.

        Raises
        ------
        TypeError
            When an argument is no function pointer, is a Python function in a C wrapper, or has
            another signature. Signatures are checked wherever the pointer tells them; a capsule
            without a name is taken at its word.
        ValueError
            When the other arguments make no sense, `fun` is finite at none of the points tried, or
            a derivative is not that of the function.

        Notes
        -----
        A NaN that a function writes stays with its point; what it does not write is NaN. The
        functions must not raise: numba prints an exception of a cfunc and goes on, and a Cython
        function's is raised only where it was called by Python's own thread. The objective keeps
        the functions and `user_data` alive. It cannot be pickled, for it holds addresses.

        Examples
        --------
        >>> import numba, talweg
        >>> from numba import types
        >>> doubles = types.CPointer(types.float64)
        >>> @numba.cfunc(types.float64(types.intc, doubles))
        ... def fun(n, x):
        ...     return x[0] ** 2 + x[0] * x[1]
        >>> @numba.cfunc(types.void(types.intc, doubles, doubles))
        ... def grad(n, x, out):
        ...     out[0] = 2 * x[0] + x[1]
        ...     out[1] = x[0]
        >>> f = talweg.Objective.from_pointers(fun, grad, n=2, thread_safe=True)
        >>> f.grad([1.0, 2.0])
        array([4., 1.])
        """
        from talweg.pointers import completed_pointers

        n = checked_dimension(n)
        box = checked_bounds(bounds, n)
        functions = {"fun": fun, "grad": grad, "hess": hess, "hessp": hessp, "third": third}
        made = completed_pointers(
            functions,
            n,
            block=block,
            provides=provides,
            user_data=user_data,
            thread_safe=thread_safe,
            bounds=box,
            scale=scale,
            noise=noise,
            verify=verify,
        )
        self: Objective = cls.__new__(cls)
        self._setup(made.core, n, bounds=box, name=name or "f")
        self._differenced = made
        self._unpicklable = "function pointers are addresses of this process alone"
        return self

    @classmethod
    def from_ase(
        cls: Any,
        atoms: Any,
        *,
        mass_weighted: bool = False,
        noise: float | None = None,
        scale: ArrayLike | None = None,
        rigid_motions: bool | None = None,
        name: str | None = None,
    ) -> Objective:
        """The energy of atoms, from any calculator of ASE, the Atomic Simulation Environment.

        Coordinates are Cartesian, atom by atom, in Angstrom; energies are in eV. The gradient is
        that of the calculator's forces, the Hessian and the third derivatives are differences of
        forces. Critical points and curves are taken orthogonal to rigid motions.

        Parameters
        ----------
        atoms : ase.Atoms
            With a calculator, without constraints. A copy is kept, which shares the calculator.
        mass_weighted : bool, default False
            Take the atoms' masses (in u) as metric (`with_metric`): arclength is in
            Angstrom u^(1/2), eigenvalues are in eV / (Angstrom^2 u), and
            `talweg.molecules.wavenumbers` turns these into 1/cm. Positions stay in Angstrom.
        noise : float, optional
            Relative error of the forces. Default: rounding for those of ASE's calculators that
            evaluate formulas (EMT, LennardJones, MorsePotential, EAM, ...), 1e-6 for all others,
            which fits self-consistent fields as programs converge them by default. Converge more
            tightly where you can, and say so here: results are as good as the differences.
        scale : float or array_like, shape (n,), optional
            Length over which the energy's dependence on a coordinate changes by its own size; steps
            of differences are proportional to it. Default: 0.5 Angstrom.
        rigid_motions : bool, optional
            Whether the energy does not change when all atoms move or turn as one body. Default:
            translations and rotations, translations alone where the cell is periodic. False for
            atoms in an outer field.
        name : str, optional
            By default the chemical formula.

        Returns
        -------
        Objective
            `talweg.molecules.atoms_at` gives the atoms at positions of results. It pickles when the
            calculator does.

        Raises
        ------
        ImportError
            Without ASE (``pip install talweg[ase]``).
        TypeError, ValueError
            When `atoms` are no ase.Atoms, fewer than two, without calculator or with constraints,
            forces are plainly not those of the energy, or the energy changes along the motions.

        Notes
        -----
        Where a calculation fails (`ase.calculators.calculator.CalculationFailed`, of which
        ``SCFError`` is one) the energy is NaN: a curve ends there with the status ``NON_FINITE``
        and keeps what it has. All other exceptions of the calculator pass unchanged; a
        `talweg.ExtremalTracer` still has its points then.

        With n - r directions orthogonal to r rigid motions, a point of a curve takes 8 (n - r) + 5
        calculations of forces: 4 (n - r) for the Hessian, 4 (n - r) + 4 for T[v]. Derivatives along
        the motions follow from the forces without differences.

        Examples
        --------
        >>> import ase, ase.calculators.emt, talweg
        >>> atoms = ase.Atoms("Cu3", [[0, 0, 0], [2.3, 0, 0], [1.1, 2.0, 0]])
        >>> atoms.calc = ase.calculators.emt.EMT()
        >>> f = talweg.Objective.from_ase(atoms, mass_weighted=True)
        >>> (triangle,) = talweg.critical_points(f, starts=atoms.positions.ravel())
        >>> triangle.type, triangle.branches
        ('minimum', 3)
        """
        from talweg.molecules import energy_of_atoms

        return energy_of_atoms(
            cls,
            atoms,
            mass_weighted=mass_weighted,
            noise=noise,
            scale=scale,
            rigid_motions=rigid_motions,
            name=name,
        )

    @classmethod
    def from_jax(
        cls: Any,
        fun: Callable[[Any], Any],
        n: Any,
        *,
        bounds: ArrayLike | None = None,
        name: str | None = None,
    ) -> Objective:
        """An objective from a JAX function, with JAX's own derivatives, compiled by it.

        Parameters
        ----------
        fun : callable
            ``fun(x)`` with `x` an array of shape (n,), or a pytree like `n`, returning one float64.
            It is traced, so that it may do what `jax.jit`, `jax.vmap` and `jax.grad` can take.
        n : int or pytree
            Number of coordinates, or an example of `fun`'s argument: floating-point arrays in a
            pytree, which `jax.flatten_util.ravel_pytree` turns into a vector. `fun` then gets
            pytrees of float64 arrays, and the objective has the functions ``ravel(tree)`` and
            ``unravel(x)`` between the two.
        bounds, name
            As for `Objective`.

        Raises
        ------
        ValueError
            When JAX's float64 is off (``jax.config.update("jax_enable_x64", True)`` turns it on),
            `fun` returns more than one number, or it is finite at none of the points tried.
        TypeError
            When `fun` returns another type than float64, or the pytree holds other numbers.
        ImportError
            Without JAX (``pip install 'talweg[jax]'``).

        Notes
        -----
        Exceptions of JAX and of `fun` come out unchanged. Each derivative is compiled on first use
        for each of the block sizes 1, 4, 16, 64, 256 and 1024 that occurs, to which blocks are
        filled up; results at a point may differ in the last bits between sizes. The objective
        pickles when `fun` does.

        Examples
        --------
        >>> import jax, talweg
        >>> jax.config.update("jax_enable_x64", True)
        >>> def fun(p):
        ...     return (jax.numpy.tanh(p["a"]) ** 2).sum() + p["b"] ** 4
        >>> f = talweg.Objective.from_jax(fun, {"a": jax.numpy.zeros(2), "b": 1.0})
        >>> f.n
        3
        >>> f.hess(f.ravel({"a": jax.numpy.zeros(2), "b": 1.0}))
        array([[ 2.,  0.,  0.],
               [ 0.,  2.,  0.],
               [ 0.,  0., 12.]])
        """
        from talweg.frameworks.jax_functions import JaxFunctions

        return cls._from_framework(JaxFunctions, fun, n, bounds, name, {})

    @classmethod
    def from_torch(
        cls: Any,
        fun: Callable[[Any], Any],
        n: Any,
        *,
        compile: bool = False,
        bounds: ArrayLike | None = None,
        name: str | None = None,
    ) -> Objective:
        """An objective from a PyTorch function, with PyTorch's own derivatives.

        Parameters
        ----------
        fun : callable
            Returns a tensor of one torch.float64. Its argument depends on `n`: a tensor of shape
            (n,), a dict of tensors, or a function ``net(*inputs)`` that runs the module. It may do
            what `torch.func.vmap` and `torch.func.grad` can take.
        n : int, dict of str to Tensor, or torch.nn.Module
            Number of coordinates; or tensors, which are the coordinates; or a module, whose
            parameters are. Tensors and parameters must be torch.float64 (``module.double()``). With
            the latter two the objective has the functions ``ravel(tensors)``, to a vector in the
            order of `torch.nn.utils.parameters_to_vector`, and ``unravel(x)``, to a dict of
            tensors that ``module.load_state_dict(..., strict=False)`` takes.
        compile : bool, default False
            Compile each derivative by `torch.compile` on first use, for each of the block sizes 1,
            4, 16, 64, 256 and 1024 that occurs. It takes a C++ compiler and several seconds each,
            and is several times as fast for small models.
        bounds, name
            As for `Objective`.

        Raises
        ------
        TypeError
            When `fun` returns no torch.float64, or a parameter is of another type.
        ValueError
            When `fun` returns more than one number or is finite at none of the points tried.
        ImportError
            Without PyTorch (``pip install 'talweg[torch]'``).

        Notes
        -----
        Exceptions of PyTorch and of `fun` come out unchanged. A module with dropout or batch
        normalisation must be in evaluation mode (``module.eval()``). The module itself is not
        changed. The objective pickles when `fun` and `n` do.

        Examples
        --------
        .. code-block:: python

            net = torch.nn.Sequential(
                torch.nn.Linear(1, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1)
            ).double()
            f = talweg.Objective.from_torch(lambda net: ((net(inputs) - targets) ** 2).mean(), net)
            f.grad(f.ravel(net))
        """
        from talweg.frameworks.torch_functions import TorchFunctions

        return cls._from_framework(TorchFunctions, fun, n, bounds, name, {"compile": compile})

    @classmethod
    def _from_framework(
        cls: Any,
        kind: Any,
        fun: Any,
        n: Any,
        bounds: Any,
        name: str | None,
        options: dict[str, Any],
    ) -> Objective:
        from talweg.frameworks import framework_core

        functions, made = framework_core(kind, fun, n, bounds, options)
        self: Objective = cls.__new__(cls)
        box = checked_bounds(bounds, functions.n)
        self._setup(made.core, functions.n, bounds=box, name=name or name_of(fun))
        self._differenced = made
        if functions.ravel is not None:
            self.ravel, self.unravel = functions.ravel, functions.unravel
        options = options | {"bounds": box, "name": self.name}
        self._recipe = (_from_framework, (kind.method, fun, n, options))
        return self


def _from_framework(method: str, fun: Any, n: Any, options: dict[str, Any]) -> Objective:
    from talweg.objective import Objective

    made: Objective = getattr(Objective, method)(fun, n, **options)
    return made


def _from_callables(functions: dict[str, Any], options: dict[str, Any]) -> Objective:
    from talweg.objective import Objective

    return Objective.from_callables(**functions, **options)
