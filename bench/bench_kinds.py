"""One function as every kind of objective: cost of a point by kind, quantity and block.

The function is Rosenbrock's of ten coordinates. Blocks are columns, one a coordinate, as kernels
have them: what is measured is what a kernel pays, with no conversion of arrays.

Floor: the same in C by hand, vectorised over lanes by the compiler (gcc -O3, AVX2 where there is),
called directly: ``by hand``. For blocks of 64 and more its time is that of storing the results,
about 10 bytes a nanosecond: f 1 ns and g 8 ns a point; H and T[v], whose triangles are 440 bytes a
point, 44 ns. For one point it is that of calling a function through ctypes, some 2 us, which all kinds
but the peers have in common. Peers: JAX (`jit` of `vmap`, one thread, on arrays it holds), PyTorch
(`vmap`, one thread), NumPy's function alone.

Goals: a recorded function at most 5 times the floor's gradient, compiled at most 1.3 times; a Python
function at most 25 ns a point beyond itself in blocks of 1024 (`callables` against `NumPy`);
other kinds have none but to be near their peer.

``extra_info`` holds ``ns_per_point`` and, once the floor of the group has run, ``times_floor``.
"""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import talweg
from talweg.quantity import ARRAYS, GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD, VALUE

HERE = Path(__file__).parent
N = 10
BLOCKS = [1, 16, 64, 256, 1024]
QUANTITIES = {"f": VALUE, "g": GRADIENT, "H": HESSIAN, "H v": HESSIAN_PRODUCT, "T[v]": THIRD}
SIGNATURES = {
    "fun": (ctypes.c_double, 1),
    "grad": (None, 2),
    "hess": (None, 2),
    "hessp": (None, 3),
    "third": (None, 3),
}
DOUBLES = ctypes.POINTER(ctypes.c_double)


# In NumPy, for arrays of points.


def fun(x):
    return (100 * (x[:, 1:] - x[:, :-1] ** 2) ** 2 + (1 - x[:, :-1]) ** 2).sum(axis=1)


def grad(x):
    d = x[:, 1:] - x[:, :-1] ** 2
    out = np.zeros_like(x)
    out[:, :-1] = -400 * x[:, :-1] * d - 2 * (1 - x[:, :-1])
    out[:, 1:] += 200 * d
    return out


def matrices(diagonal, beside):
    out = np.zeros((len(diagonal), N, N))
    i = np.arange(N)
    out[:, i, i] = diagonal
    out[:, i[1:], i[:-1]] = out[:, i[:-1], i[1:]] = beside
    return out


def hess(x):
    diagonal = np.zeros_like(x)
    diagonal[:, :-1] = 1200 * x[:, :-1] ** 2 - 400 * x[:, 1:] + 2
    diagonal[:, 1:] += 200
    return matrices(diagonal, -400 * x[:, :-1])


def hessp(x, v):
    out = np.zeros_like(x)
    out[:, :-1] = (1200 * x[:, :-1] ** 2 - 400 * x[:, 1:] + 2) * v[:, :-1]
    out[:, :-1] -= 400 * x[:, :-1] * v[:, 1:]
    out[:, 1:] += 200 * v[:, 1:] - 400 * x[:, :-1] * v[:, :-1]
    return out


def third(x, v):
    diagonal = np.zeros_like(x)
    diagonal[:, :-1] = 2400 * x[:, :-1] * v[:, :-1] - 400 * v[:, 1:]
    return matrices(diagonal, -400 * v[:, :-1])


OF_POINTS = {"f": fun, "g": grad, "H": hess, "H v": hessp, "T[v]": third}


def of_one(x):
    """For the array types of NumPy, JAX, PyTorch and talweg alike."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


# The kinds.


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    include = HERE.parent / "csrc" / "include"
    result = tmp_path_factory.mktemp("rosenbrock") / "rosenbrock.so"
    command = ["gcc", "-O3", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC"]
    isa = talweg._core.vector_functions()["instruction_set"]
    command += {"avx2": ["-mavx2", "-mfma"], "avx512": ["-mavx512f", "-mfma"]}.get(isa, [])
    subprocess.run([*command, f"-I{include}", HERE / "rosenbrock.c", "-o", result], check=True)
    return ctypes.CDLL(str(result))


def pointer(library, name):
    function = library[name]
    function.restype, arrays = SIGNATURES[name]
    function.argtypes = [ctypes.c_int, *[DOUBLES] * arrays]
    return function


def block_pointer(library):
    function = library["block"]
    function.restype = None
    function.argtypes = [ctypes.c_uint, *[ctypes.c_size_t] * 3, *[DOUBLES] * 7, ctypes.c_void_p]
    return function


def cfuncs():
    numba = pytest.importorskip("numba")
    types = numba.types
    doubles = types.CPointer(types.float64)

    @numba.cfunc(types.float64(types.intc, doubles))
    def value(n, x):
        total = 0.0
        for i in range(n - 1):
            total += 100 * (x[i + 1] - x[i] ** 2) ** 2 + (1 - x[i]) ** 2
        return total

    @numba.cfunc(types.void(types.intc, doubles, doubles))
    def gradient(n, x, out):
        for i in range(n):
            out[i] = 0.0
        for i in range(n - 1):
            d = x[i + 1] - x[i] ** 2
            out[i] -= 400 * x[i] * d + 2 * (1 - x[i])
            out[i + 1] += 200 * d

    return talweg.Objective.from_pointers(value, gradient, n=N)


def polynomial():
    sympy = pytest.importorskip("sympy")
    x = sympy.symbols(f"x:{N}")
    formula = sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in zip(x, x[1:]))
    return talweg.models.polynomial(dict(sympy.Poly(formula, *x).terms()))


def in_jax():
    pytest.importorskip("jax").config.update("jax_enable_x64", True)
    return talweg.Objective.from_jax(of_one, N)


def in_torch():
    pytest.importorskip("torch").set_num_threads(1)
    return talweg.Objective.from_torch(of_one, N)


def compiled():
    pytest.importorskip("llvmlite")
    return talweg.Objective(of_one, N).compile()


def callables(**derivatives):
    return talweg.Objective.from_callables(fun, **derivatives, n=N, scale=1.0, verify=False)


KINDS = {
    "recorded": lambda _: talweg.Objective(of_one, N),
    "compiled": lambda _: compiled(),
    "model (polynomial)": lambda _: polynomial(),
    "C, block function": lambda library: talweg.Objective.from_pointers(
        block=block_pointer(library), provides=list(SIGNATURES), n=N
    ),
    "C, functions of a point": lambda library: talweg.Objective.from_pointers(
        **{name: pointer(library, name) for name in SIGNATURES}, n=N
    ),
    "numba, f and g alone": lambda _: cfuncs(),
    "callables": lambda _: callables(grad=grad, hess=hess, hessp=hessp, third=third),
    "callables, f and g alone": lambda _: callables(grad=grad),
    "from_jax": lambda _: in_jax(),
    "from_torch": lambda _: in_torch(),
}


@pytest.fixture(scope="session")
def made():
    return {}


def block_of(quantity, lanes):
    rows = {"f": 1, "g": N, "H v": N}.get(quantity, N * (N + 1) // 2)
    x, v = np.random.default_rng(0).normal(size=(2, N, lanes))
    return {"x": x, "v": v, ARRAYS[QUANTITIES[quantity]]: np.zeros((rows, lanes))}


def check(arrays, quantity, lanes):
    """Against NumPy; the worst kind has third derivatives by differences of gradients."""
    x, v = (np.ascontiguousarray(arrays[name].T) for name in ("x", "v"))
    want = OF_POINTS[quantity](*((x, v) if quantity in ("H v", "T[v]") else (x,)))
    if want.ndim == 3:
        want = want[:, *np.tril_indices(N)]
    got = arrays[ARRAYS[QUANTITIES[quantity]]].T.reshape(want.shape)
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-7 * np.abs(want).max())


FLOORS = {}


def note(benchmark, quantity, lanes, floor=False):
    if benchmark.stats is None:  # when the suite runs as tests
        return
    cost = benchmark.stats.stats.median / lanes * 1e9
    benchmark.extra_info["ns_per_point"] = cost
    if floor:
        FLOORS[quantity, lanes] = cost
    if (quantity, lanes) in FLOORS:
        benchmark.extra_info["times_floor"] = cost / FLOORS[quantity, lanes]


def group(quantity, lanes):
    return f"Rosenbrock, n = {N}: {quantity}, {lanes} point{'s' * (lanes > 1)}"


short = pytest.mark.benchmark(min_rounds=5, max_time=0.05, warmup=True, warmup_iterations=3)


@short
@pytest.mark.parametrize("lanes", BLOCKS)
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_by_hand(benchmark, library, quantity, lanes):
    benchmark.group = group(quantity, lanes)
    arrays = block_of(quantity, lanes)
    addresses = {name: ctypes.c_void_p(array.ctypes.data) for name, array in arrays.items()}
    given = [addresses.get(name) for name in ("x", "v", *list(ARRAYS.values())[:5])]
    function = ctypes.CDLL(library._name)["block"]  # with its own types of arguments
    numbers = ctypes.c_uint(QUANTITIES[quantity]), *map(ctypes.c_size_t, (N, lanes, lanes))
    benchmark(function, *numbers, *given, None)
    check(arrays, quantity, lanes)
    note(benchmark, quantity, lanes, floor=True)


@short
@pytest.mark.parametrize("lanes", BLOCKS)
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_kind(benchmark, library, made, kind, quantity, lanes):
    benchmark.group = group(quantity, lanes)
    if kind not in made:
        made[kind] = KINDS[kind](library)
    arrays = block_of(quantity, lanes)
    benchmark(made[kind]._core.evaluate_block, QUANTITIES[quantity], arrays, lanes)
    check(arrays, quantity, lanes)
    note(benchmark, quantity, lanes)


@short
@pytest.mark.parametrize("lanes", BLOCKS)
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("peer", ["JAX", "PyTorch", "NumPy"])
def test_peer(benchmark, peer, quantity, lanes):
    benchmark.group = group(quantity, lanes)
    arrays = block_of(quantity, lanes)
    x, v = (np.ascontiguousarray(arrays[name].T) for name in ("x", "v"))
    given = (x, v) if quantity in ("H v", "T[v]") else (x,)
    if peer == "NumPy":
        benchmark(OF_POINTS[quantity], *given)
    elif peer == "JAX":
        jax = pytest.importorskip("jax")
        jax.config.update("jax_enable_x64", True)
        function = jax.jit(jax.vmap(derivatives(jax.grad, jax.jacfwd)[quantity]))
        given = [jax.numpy.asarray(array) for array in given]
        benchmark(lambda: function(*given).block_until_ready())
    else:
        torch = pytest.importorskip("torch")
        torch.set_num_threads(1)
        function = torch.func.vmap(derivatives(torch.func.grad, torch.func.jacrev)[quantity])
        given = [torch.from_numpy(array) for array in given]
        benchmark(lambda: function(*given))
    note(benchmark, quantity, lanes)


def derivatives(grad, jacobian):
    """In a framework's own words; the same for both."""
    gradient = grad(of_one)
    return {
        "f": of_one,
        "g": gradient,
        "H": jacobian(gradient),
        "H v": lambda x, v: grad(lambda y: gradient(y) @ v)(x),
        "T[v]": lambda x, v: jacobian(grad(lambda y: gradient(y) @ v))(x),
    }
