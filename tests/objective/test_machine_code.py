"""Machine code against the interpreter, bit for bit, and against SymPy."""

import gc
import os
import pickle
import subprocess
import sys
import threading
import weakref

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import talweg
from talweg.quantity import GRADIENT, HESSIAN, HESSIAN_PRODUCT, THIRD, THIRD_PRODUCT, VALUE

pytest.importorskip("llvmlite")

from talweg.machine_code import engine

ALL = {
    VALUE: "value",
    GRADIENT: "gradient",
    HESSIAN: "hessian",
    THIRD: "third",
    HESSIAN_PRODUCT: "hessian_product",
    THIRD_PRODUCT: "third_product",
}


def points_of(f, count, seed=0):
    rng = np.random.default_rng(seed)
    low, high = f.bounds.T if f.bounds is not None else (-np.ones(f.n), np.ones(f.n))
    return rng.uniform(low, high, size=(count, f.n)), *rng.normal(size=(2, count, f.n))


def bits(array):
    """Equal for equal bits, but for the bits of a NaN."""
    return np.where(np.isnan(array), np.nan, array).view(np.uint64)


def assert_same(f, fast, x, v, w, quantities=tuple(ALL)):
    for quantity in quantities:
        expected = f._core.evaluate(x, quantity, v, w)
        found = fast._core.evaluate(x, quantity, v, w)
        for name, array in expected.items():
            np.testing.assert_array_equal(bits(found[name]), bits(array), err_msg=name)


@pytest.fixture
def compilations(monkeypatch):
    """The programs compiled by objectives that are made during the test."""
    asked = []
    compile_stages = engine.compile_stages

    def counted(stages):
        result = compile_stages(stages)
        asked.append((stages, result))
        return result

    monkeypatch.setattr(engine, "compile_stages", counted)
    return asked


@pytest.mark.parametrize("name", [entry.name for entry in talweg.surfaces.catalogue()])
def test_every_quantity_of_every_surface(name, compilations):
    f = talweg.surfaces.by_name(name)
    fast = f.compile()
    combinations = (VALUE | GRADIENT, GRADIENT | HESSIAN | THIRD, VALUE | HESSIAN_PRODUCT)
    assert_same(f, fast, *points_of(f, 131), quantities=(*ALL, *combinations))
    # Once each, and each one has code: nothing above was interpreted.
    assert len(compilations) == len(ALL) + len(combinations)
    assert all(result is not None for _, result in compilations)


X, Y = sympy.symbols("x y")
FORMULAS = {
    "himmelblau": (X**2 + Y - 11) ** 2 + (X + Y**2 - 7) ** 2,
    "mccormick": sympy.sin(X + Y) + (X - Y) ** 2 - 1.5 * X + 2.5 * Y + 1,
    "muller-brown": sum(
        depth * sympy.exp(a * (X - x0) ** 2 + b * (X - x0) * (Y - y0) + c * (Y - y0) ** 2)
        for depth, a, b, c, x0, y0 in [
            (-200, -1, 0, -10, 1, 0),
            (-100, -1, 0, -10, 0, sympy.Rational(1, 2)),
            (-170, -6.5, 11, -6.5, sympy.Rational(-1, 2), sympy.Rational(3, 2)),
            (15, 0.7, 0.6, 0.7, -1, 1),
        ]
    ),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_against_sympy(name):
    formula, symbols = FORMULAS[name], (X, Y)
    fast = talweg.surfaces.by_name(name).compile()
    points, vectors, _ = points_of(fast, 9)
    a, b = sympy.symbols("a b")
    gradient = [formula.diff(s) for s in symbols]
    hessian = [[g.diff(s) for s in symbols] for g in gradient]
    third = [[a * h.diff(X) + b * h.diff(Y) for h in row] for row in hessian]
    product = [row[0] * a + row[1] * b for row in hessian]
    exact = sympy.lambdify((X, Y, a, b), [[formula], gradient, hessian, product, third], "mpmath")
    for x, v in zip(points, vectors):
        found = [fast(x), fast.grad(x), fast.hess(x), fast.hessp(x, v), fast.third(x, v)]
        for computed, reference in zip(found, exact(*map(sympy.Float, (*x, *v)))):
            reference = np.array(reference, dtype=float).reshape(np.shape(computed))
            scale = np.abs(reference).max()
            np.testing.assert_allclose(computed, reference, rtol=0, atol=2e-13 * max(scale, 1))


# Expressions that use every operation; outside its domain each gives NaN or infinity.

NUMBERS = st.sampled_from([1.0, 2.0, -0.5, 3.0, 0.0, -0.0, 1e-300, 1e300])
ONE = [
    np.exp, np.log, np.sqrt, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arctan,
    np.log1p, np.expm1, np.abs, np.sign, np.negative, np.square, talweg.erf, talweg.sigmoid,
    talweg.softplus, lambda a: a**3, lambda a: a**-2, lambda a: a**1.5, lambda a: a**-0.3,
    lambda a: 2.0 - a, lambda a: 1.5 / a, lambda a: 3.0 * a, lambda a: a - 0.25,
]  # fmt: skip
TWO = [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b,
    lambda a, b: a**b, np.minimum, np.maximum, lambda a, b: np.where(a < b, a, 2 * b),
    lambda a, b: np.where(a <= b, b, a * a), lambda a, b: np.where(a == b, 1.0, b),
    lambda a, b: a * b + b, lambda a, b: a * b - a * a, lambda a, b: 2.5 * a + b,
    lambda a, b: b - a * b, lambda a, b: a * b + 0.75,
]  # fmt: skip


def expressions():
    leaves = st.one_of(
        st.integers(0, 2).map(lambda i: lambda x: x[i]),
        NUMBERS.map(lambda k: lambda x: k + 0 * x[0]),
    )

    def compound(parts):
        one = st.builds(lambda f, a: lambda x: f(a(x)), st.sampled_from(ONE), parts)
        two = st.builds(lambda f, a, b: lambda x: f(a(x), b(x)), st.sampled_from(TWO), parts, parts)
        return st.one_of(one, two)

    return st.recursive(leaves, compound, max_leaves=12)


@settings(max_examples=60)
@given(expressions(), st.integers(0, 2**32), st.sampled_from([1.0, 30.0, 1e4]))
def test_drawn_expressions(expression, seed, scale):
    try:
        f = talweg.Objective(expression, 3, verify=False)
    except ValueError:
        return  # constant NaN
    x, v, w = scale * np.random.default_rng(seed).normal(size=(3, 37, 3))
    x[::5] = np.round(x[::5])
    assert_same(f, f.compile(), x, v, w)


SPECIAL = np.concatenate(
    [
        [0.0, -0.0, np.inf, -np.inf, 1.0, -1.0, 0.5, 20.0, 708.0, -708.0, 708.5, -708.5, 710.0],
        [-745.5, 746.0, 1e300, -1e300, 5e-324, -5e-324, 2.3e-308, 2.0**20, 2.0**20 + 1, 2.0**60],
        np.random.default_rng(0).normal(size=200) * 10.0 ** np.linspace(-300, 300, 200),
        np.random.default_rng(1).uniform(-800, 800, size=300),
        np.random.default_rng(2).uniform(-4, 4, size=300),
    ]
)


@pytest.mark.parametrize("which", range(len(ONE)))
def test_functions_of_extreme_arguments(which):
    f = talweg.Objective(lambda x: ONE[which](x[0]), 1, verify=False)
    x = SPECIAL[:, None]
    # Vectors that mix ordinary and extreme lanes, and vectors of either kind only.
    for order in (np.arange(len(x)), np.random.default_rng(3).permutation(len(x))):
        assert_same(f, f.compile(), x[order], np.ones_like(x), np.ones_like(x), (VALUE, GRADIENT))


@pytest.mark.parametrize("in_line", [0, 1000])
def test_many_functions_share_code(monkeypatch, compilations, in_line):
    def waves(x):
        angles = np.arange(1.0, 61.0) * x[0]
        return sum(np.sin(a) + ONE[i % len(ONE)](a) for i, a in enumerate(angles))

    f = talweg.Objective(waves, 1, verify=False)
    x = SPECIAL[:, None]
    assert_same(f, f.compile(), x, np.ones_like(x), np.ones_like(x), (VALUE, GRADIENT))
    # LLVM's time is proportional to the lines.
    ((stages, _), *_) = compilations
    lines = engine.module_text(stages).count("\n")
    assert lines < 10 * sum(len(instructions) for instructions, _ in stages) + 2000
    monkeypatch.setattr("talweg.machine_code.instructions.MOST_IN_LINE", in_line)
    assert_same(f, f.compile(), x, np.ones_like(x), np.ones_like(x), (VALUE, GRADIENT))


@pytest.mark.parametrize("lanes", [1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 127, 128, 129, 300])
@pytest.mark.parametrize("name", ["muller-brown", "sum over rows"])
def test_block_sizes(lanes, name):
    f = sum_over_rows() if name == "sum over rows" else talweg.surfaces.muller_brown()
    fast, stride = f.compile(), lanes + 3
    x, v, w = (array.T.copy() for array in points_of(f, stride))
    x[0, lanes // 2] = np.nan  # stays in its lane
    results = []
    for objective in (f, fast):
        arrays = {"x": x, "v": v, "w": w}
        for quantity, key in ALL.items():
            rows = {VALUE: 1, HESSIAN: f.n * (f.n + 1) // 2, THIRD: f.n * (f.n + 1) // 2}
            arrays[key] = np.full((rows.get(quantity, f.n), stride), 7.0)
            objective._core.evaluate_block(quantity, arrays, lanes)
        results.append(arrays)
    for key in ALL.values():
        interpreted, compiled = results[0][key], results[1][key]
        np.testing.assert_array_equal(bits(compiled), bits(interpreted))
        assert (compiled[:, lanes:] == 7.0).all()
        good = np.delete(compiled[:, :lanes], lanes // 2, axis=1)
        assert np.isfinite(good).all()
    assert np.isnan(results[1]["value"][0, lanes // 2])


def sum_over_rows(rows=100):
    data = np.random.default_rng(5).normal(size=(rows, 3))
    total = talweg.sum_over(
        lambda x, row: talweg.softplus(-row[2] * (row[:2] @ x)) + np.exp(x[0] * row[1]), data
    )
    return talweg.Objective(lambda x: total(x) ** 2 / rows + x[0] * x[1] + np.sin(x[1]), 2)


@pytest.mark.parametrize("rows", [1, 2, 3, 63, 64, 65, 130])
def test_sums_over_rows(rows, compilations):
    f = sum_over_rows(rows)
    assert_same(f, f.compile(), *points_of(f, 11))
    assert any(len(stages) > 1 for stages, _ in compilations)


def test_a_sum_that_depends_on_another_sum():
    data = np.random.default_rng(6).normal(size=(70, 2))
    mean = talweg.sum_over(lambda x, row: row[0] * x[0] + row[1] * x[1], data)

    def spread(x):
        centre = mean(x) / len(data)
        return talweg.sum_over(lambda y, row: (row @ y[:2] - y[2]) ** 2, data)(
            np.stack([x[0], x[1], centre])
        )

    f = talweg.Objective(lambda x: spread(x) * np.exp(-(x[0] ** 2)), 2)
    assert_same(f, f.compile(), *points_of(f, 150))


def test_many_rows_and_constant_rows():
    f = talweg.surfaces.phi4_chain(40)
    assert_same(f, f.compile(), *points_of(f, 21))


def test_outputs_that_are_inputs_or_constants():
    f = talweg.Objective(lambda x: x[0] ** 2 / 2 + 3.0 * x[1] - 0.0 * x[2], 3)
    assert_same(f, f.compile(), *points_of(f, 9))


def test_products_with_unit_vectors():
    """Hessians too large for one program come from the program of H v."""
    n = 250
    f = talweg.Objective(lambda x: np.exp(np.sum(x**2 - x**3 / 4) / n), n)
    assert f._core.instruction_counts()["hessian"] is None
    x, v, _ = points_of(f, 2)
    assert_same(f, f.compile(), x, v, v, quantities=(HESSIAN, THIRD))


def test_threads():
    f = talweg.surfaces.muller_brown()
    x, v, _ = points_of(f, 50_000)
    expected = f._core.evaluate(x, THIRD, v)["third"]
    for workers in (1, 2, 5):
        fast = f.compile()
        np.testing.assert_array_equal(
            fast._core.evaluate(x, THIRD, v, workers=workers)["third"], expected
        )


def test_first_use_by_many_threads_at_once(compilations):
    f = talweg.surfaces.muller_brown()
    x, _, _ = points_of(f, 500)
    expected = f.hess(x)
    fast, found, ready = f.compile(), [], threading.Barrier(8)

    def use():
        ready.wait()
        found.append(fast.hess(x))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for hessian in found:
        np.testing.assert_array_equal(hessian, expected)
    assert len(compilations) == 1


def test_kernels_take_it(compilations):
    f = talweg.surfaces.muller_brown()
    fast = f.compile()
    slow_survey, fast_survey = talweg.survey(f), talweg.survey(fast)
    assert compilations
    assert len(slow_survey.extremals) == len(fast_survey.extremals)
    for a, b in zip(slow_survey.critical_points, fast_survey.critical_points):
        np.testing.assert_array_equal(a.x, b.x)
    for a, b in zip(slow_survey.extremals, fast_survey.extremals):
        np.testing.assert_array_equal(a.x, b.x)
        assert [event.kind for event in a.events] == [event.kind for event in b.events]
    start = slow_survey.critical_points[0].x
    np.testing.assert_array_equal(talweg.trace(f, start).x, talweg.trace(fast, start).x)


def test_the_objective_itself_stays_interpreted(compilations):
    f = talweg.surfaces.toy()
    fast = f.compile()
    assert (f.compiled, fast.compiled) == (False, True)
    assert "compiled" in repr(fast) and "compiled" not in repr(f)
    f([0.1, 0.2])
    assert not compilations
    fast([0.1, 0.2])
    assert len(compilations) == 1
    assert (fast.n, fast.name, fast.kinks) == (f.n, f.name, f.kinks)
    np.testing.assert_array_equal(fast.bounds, f.bounds)


def test_within_another_recording():
    f = talweg.surfaces.toy().compile()
    g = talweg.Objective(lambda x: 2 * f(x), 2)
    assert not g.compiled
    assert g([0.3, 0.4]) == 2 * f([0.3, 0.4])


def test_pickle():
    f = talweg.surfaces.muller_brown().compile()
    again = pickle.loads(pickle.dumps(f))
    assert again.compiled
    x, _, _ = points_of(f, 33)
    np.testing.assert_array_equal(again.grad(x), f.grad(x))


def test_what_is_known_of_a_function_stays():
    f = talweg.surfaces.by_name("lennard-jones")
    assert f._core.gauge_directions(np.arange(float(f.n)) ** 2 % 7).shape == (6, f.n)
    fast = f.compile()
    assert fast.compiled
    assert fast._core.gauge_directions(np.arange(float(f.n)) ** 2 % 7).shape == (6, f.n)

    def fun(x, a):
        return a * x[0] ** 2 + x[1] ** 2

    g = talweg.Objective(fun, 2, parameters={"a": 3.0})
    for made in (2 * g, g.with_metric([1.0, 4.0]), g.fixed({1: 0.5})):
        changed = made.compile().with_parameters(a=5.0)
        assert changed.compiled and changed.parameters == {"a": 5.0}
        again = pickle.loads(pickle.dumps(changed))
        assert again.compiled and again.parameters == {"a": 5.0}
        x = np.ones(made.n)
        assert again(x) == made.with_parameters(a=5.0)(x)


def test_only_recordings_can_be_compiled():
    other = talweg.Objective.__new__(talweg.Objective)
    other._setup(talweg.surfaces.toy()._core, 2, name="other")
    with pytest.raises(TypeError, match="other, n=2> is no recorded function"):
        other.compile()


def test_without_llvmlite(monkeypatch):
    f = talweg.surfaces.toy()
    stored = pickle.dumps(f.compile())
    engine.llvm.cache_clear()
    monkeypatch.setitem(sys.modules, "llvmlite", None)
    try:
        with pytest.raises(ImportError, match=r"pip install talweg\[jit\]"):
            f.compile()
        again = pickle.loads(stored)
        assert not again.compiled
        assert again([1.0, 2.0]) == f([1.0, 2.0])
    finally:
        engine.llvm.cache_clear()


def test_an_old_llvmlite(monkeypatch):
    import llvmlite

    engine.llvm.cache_clear()
    monkeypatch.setattr(llvmlite, "__version__", "0.43.0")
    try:
        with pytest.raises(ImportError, match=r"talweg\[jit\].*0\.43\.0 is too old"):
            talweg.surfaces.toy().compile()
    finally:
        engine.llvm.cache_clear()


@pytest.mark.parametrize("failure", [None, RuntimeError("no")])
def test_results_do_not_depend_on_the_compiler(monkeypatch, failure):
    reported, asked = [], []
    monkeypatch.setattr(sys, "unraisablehook", reported.append)

    def fail(stages):
        asked.append(stages)
        if failure is not None:
            raise failure

    monkeypatch.setattr(engine, "compile_stages", fail)
    f = talweg.surfaces.muller_brown()
    fast = f.compile()
    x, _, _ = points_of(f, 10)
    for _ in range(3):
        np.testing.assert_array_equal(fast.grad(x), f.grad(x))
    assert len(asked) == 1
    assert [report.exc_value for report in reported] == ([failure] if failure else [])


def test_ctrl_c_while_compiling(monkeypatch):
    def interrupt(stages):
        raise KeyboardInterrupt

    monkeypatch.setattr(engine, "compile_stages", interrupt)
    fast = talweg.surfaces.muller_brown().compile()
    x, _, _ = points_of(fast, 100_000)
    with pytest.raises(KeyboardInterrupt):
        fast.grad(x)


def test_long_programs_stay_interpreted(monkeypatch, compilations):
    monkeypatch.setattr(engine, "MAX_INSTRUCTIONS", 20)
    f = talweg.surfaces.muller_brown()
    x, v, w = points_of(f, 10)
    assert_same(f, f.compile(), x, v, w, (GRADIENT,))
    assert [result for _, result in compilations] == [None]


def test_code_lives_as_long_as_the_objective(compilations):
    fast = talweg.surfaces.toy().compile()
    fast([0.1, 0.2])
    owner = weakref.ref(compilations[0][1][2])
    compilations.clear()
    gc.collect()
    assert owner() is not None
    fast([0.1, 0.2])
    del fast
    gc.collect()
    assert owner() is None


SCRIPT = """
import numpy as np, talweg
from talweg import _core
assert _core.vector_functions()["instruction_set"] == "{isa}"
x = np.random.default_rng(0).uniform(-1, 1, size=(77, 2))
for f in (talweg.surfaces.muller_brown(), talweg.surfaces.mccormick(), talweg.surfaces.leps()):
    fast = f.compile()
    for method in ("__call__", "grad", "hess"):
        a, b = getattr(f, method)(x), getattr(fast, method)(x)
        assert np.array_equal(a, b), (f, method)
"""


@pytest.mark.parametrize("isa", ["baseline", "avx2", "avx512"])
def test_instruction_sets(isa):
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(isa=isa)],
        env=os.environ | {"TALWEG_ISA": isa},
        capture_output=True,
        text=True,
    )
    if "is not available here" in run.stderr:
        pytest.skip(f"no {isa} on this machine")
    assert run.returncode == 0, run.stderr
    assert not run.stderr


@pytest.mark.parametrize("lanes", [2, 4, 8])
def test_code_for_every_width_can_be_written(monkeypatch, lanes):
    """Also for vectors that this machine does not have."""
    vectors = engine.Target(
        lanes, lanes > 2, engine.target().functions, engine.target().coefficients
    )
    monkeypatch.setattr(engine, "target", lambda: vectors)
    instructions = [
        (name, 4, 0, 1, 2, 1.5) for name in (*vectors.functions, "multiply_subtract", "select")
    ]
    module = engine.llvm().parse_assembly(engine.module_text([(instructions, [1] * 5)]))
    module.verify()
