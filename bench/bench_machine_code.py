"""Recorded functions as machine code, against the interpreter, hand-written loops and CasADi.

Floor of the gradients, AVX2 with two FMA pipes: Müller-Brown 160 vector operations for 4 points, 20
cycles a point at two a cycle; Rosenbrock 7 operations and 32 bytes a point, 1 cycle, in memory
that is in the second-level cache. Goals: at most 1.3 times the time of a hand-written SIMD loop on
both, for 1e5 points; the interpreter at most 2.5 and 5 times. Both read and write columns, as
talweg's kernels do.

Hessian of n = 50: CasADi's generated C, gcc -O3 -march=native, evaluates one point after the other
and writes the nonzeros of a triangle (or all entries: "dense"), talweg writes all rows of a
triangle, 1275 a point: its floor is 10 kB a point at the bandwidth of the cache the block is in.
Goal: at most 2 times CasADi's time, per point in blocks of 64 and more.

Compilation: at most 100 ms for each quantity of a surface of the catalogue. Differentiation: at
most 50 ms for n = 100.
"""

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import talweg
from talweg import _core
from talweg.quantity import GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD, VALUE

pytest.importorskip("llvmlite")
from talweg.machine_code import compile_core

HERE = Path(__file__).parent
POINTS = 100_000
NAMES = {VALUE: "value", GRADIENT: "gradient", HESSIAN: "hessian", THIRD: "third",
         HESSIAN_PRODUCT: "hessian_product"}  # fmt: skip


def block(f, quantity, lanes):
    """Columns of points in the box, and room for the results."""
    rng = np.random.default_rng(0)
    low, high = f.bounds.T[:, :, None]
    rows = {VALUE: 1, GRADIENT: f.n, HESSIAN_PRODUCT: f.n}.get(quantity, f.n * (f.n + 1) // 2)
    return {
        "x": rng.uniform(low, high, size=(f.n, lanes)),
        "v": rng.normal(size=(f.n, lanes)),
        NAMES[quantity]: np.zeros((rows, lanes)),
    }


def evaluation(f, how):
    """What evaluates blocks; compiled already."""
    if how == "interpreted":
        return f._core.evaluate_block
    f = f.compile()
    x = np.full((1, f.n), 0.5)
    for quantity in NAMES:
        f._core.evaluate(x, quantity, x)
    return f._core.evaluate_block


def note(benchmark, **figures):
    if benchmark.stats is not None:  # None when the suite runs as tests
        benchmark.extra_info.update(figures)


def per_point(benchmark, count):
    if benchmark.stats is not None:
        note(benchmark, ns_per_point=benchmark.stats.stats.median / count * 1e9)


def pointers(rows):
    return (ctypes.c_void_p * len(rows))(*(row.ctypes.data for row in rows))


@pytest.fixture(scope="module")
def loops(tmp_path_factory):
    """The hand-written loops, for the instruction set in use."""
    if shutil.which("g++") is None:
        pytest.skip("needs g++")
    isa = _core.vector_functions()["instruction_set"]
    options = {"baseline": [], "avx2": ["-mavx2", "-mfma"], "avx512": ["-mavx512f", "-mfma"]}[isa]
    library = tmp_path_factory.mktemp("loops") / "loops.so"
    subprocess.run(
        ["g++", "-std=c++20", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off",
         "-fwrapv", "-shared", "-fPIC", *options, f"-DTALWEG_ISA={isa}",
         f"-I{HERE.parent / 'csrc'}", str(HERE / "hand_written.cpp"), "-o", str(library)],
        check=True,
    )  # fmt: skip
    return ctypes.CDLL(str(library))


SURFACES = {
    "muller_brown": talweg.surfaces.muller_brown,
    "rosenbrock": lambda: talweg.surfaces.rosenbrock(2),
}


@pytest.mark.parametrize("how", ["compiled", "interpreted", "by hand"])
@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.benchmark(group="gradient, 1e5 points in columns")
def test_gradient(benchmark, loops, surface, how):
    f = SURFACES[surface]()
    arrays = block(f, GRADIENT, POINTS)
    if how == "by hand":
        loop = getattr(loops, f"{surface}_gradient")
        benchmark(
            loop, ctypes.c_size_t(POINTS), pointers(arrays["x"]), pointers(arrays["gradient"])
        )
        np.testing.assert_allclose(arrays["gradient"].T, f.grad(arrays["x"].T.copy()), rtol=1e-9)
    else:
        benchmark(evaluation(f, how), GRADIENT, arrays, POINTS)
    per_point(benchmark, POINTS)


def chain(x):
    """phi-4 chain, tridiagonal Hessian; the same code for NumPy arrays and CasADi's symbols."""
    n = x.shape[0]
    value = 0
    for i in range(n):
        value += (x[i] ** 2 - 1) ** 2 / 4
    for i in range(n - 1):
        value += 0.05 * (x[i + 1] - x[i]) ** 2
    return value


def pairs(x):
    """A Rosenbrock-like term for each pair of coordinates, so that the Hessian is full."""
    n = x.shape[0]
    value = 0
    for i in range(n):
        value += (1 - x[i]) ** 2
        for j in range(i):
            value += (x[j] - x[i] ** 2) ** 2 / n
    return value


FIFTY = {"chain": chain, "pairs": pairs}


@pytest.fixture(scope="module")
def casadi_hessians(tmp_path_factory):
    """CasADi's Hessians of n = 50, {(function, dense): (C function over points, entries)}."""
    casadi = pytest.importorskip("casadi")
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    folder = tmp_path_factory.mktemp("casadi")
    x = casadi.SX.sym("x", 50)
    found = {}
    for name, function in FIFTY.items():
        hessian = casadi.tril(casadi.hessian(function(x), x)[0])
        for dense in (False, True):
            stem = f"{name}_{'dense' if dense else 'triangle'}"
            result = casadi.densify(casadi.triu2symm(hessian.T)) if dense else hessian
            compiled = casadi.Function(stem, [x], [result])
            code = casadi.CodeGenerator(f"{stem}.c")
            code.add(compiled)
            code.generate(f"{folder}/")
            work, entries = compiled.sz_w(), result.nnz()
            with open(folder / f"{stem}.c", "a") as file:
                file.write(
                    f"""
void over_points(casadi_int count, const double* x, double* to) {{
  double w[{work + 1}];
  casadi_int iw[{compiled.sz_iw() + 1}];
  const double* arg[{compiled.sz_arg() + 1}];
  double* res[{compiled.sz_res() + 1}];
  for (casadi_int i = 0; i < count; ++i) {{
    arg[0] = x + 50 * i;
    res[0] = to + {entries} * i;
    {stem}(arg, res, iw, w, 0);
  }}
}}
"""
                )
            library = folder / f"{stem}.so"
            subprocess.run(
                ["gcc", "-O3", "-march=native", "-shared", "-fPIC", f"{folder}/{stem}.c", "-o",
                 str(library)],
                check=True,
            )  # fmt: skip
            found[name, dense] = ctypes.CDLL(str(library)).over_points, entries
    return found


LANES = [64, 256]


@pytest.mark.parametrize("lanes", LANES)
@pytest.mark.parametrize("how", ["compiled", "interpreted", "CasADi", "CasADi dense"])
@pytest.mark.parametrize("name", FIFTY)
@pytest.mark.benchmark(group="Hessian, n = 50")
def test_hessian(benchmark, casadi_hessians, name, how, lanes):
    f = talweg.Objective(FIFTY[name], 50, bounds=(-1.5, 1.5))
    arrays = block(f, HESSIAN, lanes)
    if how.startswith("CasADi"):
        over_points, entries = casadi_hessians[name, how.endswith("dense")]
        x = arrays["x"].T.copy()
        found = np.zeros((lanes, entries))
        given = [ctypes.c_void_p(array.ctypes.data) for array in (x, found)]
        benchmark(over_points, ctypes.c_longlong(lanes), *given)
        exact = f.hess(x[:1])[0]
        np.testing.assert_allclose(found[0].sum(), exact.sum() if how.endswith("dense") else
                                   np.tril(exact).sum(), rtol=1e-9)  # fmt: skip
    else:
        benchmark(evaluation(f, how), HESSIAN, arrays, lanes)
    per_point(benchmark, lanes)


@pytest.mark.parametrize("lanes", [1, 4, 16, 64, 1024])
@pytest.mark.parametrize("quantity", [VALUE, GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD])
@pytest.mark.parametrize("how", ["compiled", "interpreted"])
@pytest.mark.benchmark(group="Müller-Brown, one block")
def test_block_sizes(benchmark, quantity, lanes, how):
    f = talweg.surfaces.muller_brown()
    benchmark(evaluation(f, how), quantity, block(f, quantity, lanes), lanes)
    per_point(benchmark, lanes)


@pytest.mark.parametrize("quantity", [VALUE, GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD])
@pytest.mark.parametrize("name", [entry.name for entry in talweg.surfaces.catalogue()])
@pytest.mark.benchmark(group="compilation of one quantity")
def test_compilation(benchmark, name, quantity):
    f = talweg.surfaces.by_name(name)
    x = np.full((1, f.n), 0.3) + 0.7 * np.arange(f.n)

    def fresh():
        core = _core.TapeObjective(*f._tape)
        compile_core(core)
        core.instruction_counts()  # differentiated and lowered
        return (core, x, quantity, x), {}

    benchmark.pedantic(_core.TapeObjective.evaluate, setup=fresh, rounds=5)


@pytest.mark.parametrize("quantity", [GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD])
@pytest.mark.benchmark(group="differentiation and one evaluation, phi-4 chain, n = 100")
def test_differentiation(benchmark, quantity):
    f = talweg.surfaces.phi4_chain(100)
    x = np.full((1, 100), 0.3)

    def fresh():
        return (_core.TapeObjective(*f._tape), x, quantity, x), {}

    benchmark.pedantic(type(f._core).evaluate, setup=fresh, rounds=5)
