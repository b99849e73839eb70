"""Gradient descent as one compiled loop, its state in registers from one step to the next.

The gradient of a recorded function is written into a loop over steps, for one vector of lanes after
the other: no point is in memory between two steps. Floor: the gradient's own operations (see
bench_machine_code.py: 20 cycles a point for Müller-Brown, under 1 for Rosenbrock) plus one
multiply-add a coordinate, and at least the time from one step's gradient to the next, about 60
cycles for Rosenbrock and 150 for Müller-Brown a vector, as one vector's steps wait for one another.
Beside it the same steps through the compiled gradient's arrays, one call a step.
"""

import ctypes

import numpy as np
import pytest

import talweg
from talweg import _core
from talweg.quantity import GRADIENT

pytest.importorskip("llvmlite")

from talweg.machine_code import engine
from talweg.machine_code.instructions import emit
from talweg.machine_code.writer import Writer

LANES, STEPS = 1024, 100
CASES = {
    "Müller-Brown": (talweg.surfaces.muller_brown, 1e-5),
    "Rosenbrock": (lambda: talweg.surfaces.rosenbrock(2), 1e-4),
}


def descent(f, step, vectors_at_once):
    """The engine, and its function of (rows of points, lanes, number of steps)."""
    program = _core.program(f._core, GRADIENT)
    ((instructions, _),) = program["stages"]
    constants = program["constant_outputs"]
    target = engine.target()
    vector, lanes, table = target.vector, target.vector_lanes, {}
    states = [(i, j) for j in range(vectors_at_once) for i in range(f.n)]

    before = Writer(target, "vectors")
    place, start = {}, {}
    for i, j in states:
        entry = before.value(f"getelementptr ptr, ptr %rows, i64 {i}")
        row = before.value(f"load ptr, ptr {entry}")
        lane = before.value(f"add i64 %lane, {j * lanes}")
        place[i, j] = before.value(f"getelementptr double, ptr {row}, i64 {lane}")
        start[i, j] = before.value(f"load {vector}, ptr {place[i, j]}, align 8")

    body = before.continued("steps")
    body.table = table if target.constants_in_memory else None
    after = {}
    for j in range(vectors_at_once):
        gradient = {i: body.fill(value) for i, value in constants.items()}
        emit(
            body,
            instructions,
            lambda slot, j=j: f"%x{slot - program['first_input']}.{j}",
            lambda slot, value, to=gradient: to.__setitem__(slot - program["first_output"], value),
        )
        for i in range(f.n):
            x = f"%x{i}.{j}"
            after[i, j] = body.negated_multiply_add(body.fill(step), gradient[i], x)
    phis = [
        f"  %x{i}.{j} = phi {vector} [{start[i, j]}, %vectors], [{after[i, j]}, %{body.block}]"
        for i, j in states
    ]
    text = "\n".join(
        [
            "define void @descend(ptr %rows, i64 %end, i64 %count) nounwind {",
            "entry:",
            "  br label %vectors",
            "vectors:",
            "  %lane = phi i64 [0, %entry], [%next, %store]",
            *before.lines,
            "  br label %steps",
            "steps:",
            f"  %k = phi i64 [0, %vectors], [%k.next, %{body.block}]",
            *phis,
            *body.lines,
            "  %k.next = add nuw i64 %k, 1",
            "  %k.more = icmp ult i64 %k.next, %count",
            "  br i1 %k.more, label %steps, label %store",
            "store:",
            *(f"  store {vector} {after[s]}, ptr {place[s]}, align 8" for s in states),
            f"  %next = add nuw i64 %lane, {vectors_at_once * lanes}",
            "  %more = icmp ult i64 %next, %end",
            "  br i1 %more, label %vectors, label %done",
            "done:",
            "  ret void",
            "}",
        ]
    )
    loaded = engine.load(engine.assemble([text], body.called, table))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t)
    return loaded, kind(loaded.get_function_address("descend"))


def starts(f):
    low, high = f.bounds.T[:, :, None]
    return np.random.default_rng(0).uniform(0.4 * low, 0.4 * high, size=(f.n, LANES))


def through_arrays(f, x, step):
    arrays = {"x": x, "gradient": np.empty_like(x)}
    for _ in range(STEPS):
        f._core.evaluate_block(GRADIENT, arrays, LANES)
        x -= step * arrays["gradient"]


@pytest.mark.parametrize("how", ["one loop", "one loop, two vectors", "through arrays"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.benchmark(group=f"{STEPS} descent steps of {LANES} points")
def test_descent(benchmark, name, how):
    surface, step = CASES[name]
    f = surface().compile()
    expected = starts(f)
    through_arrays(f, expected, step)
    x = starts(f)
    if how == "through arrays":
        benchmark.pedantic(through_arrays, setup=lambda: ((f, starts(f), step), {}), rounds=20)
    else:
        loaded, function = descent(f, step, 2 if "two" in how else 1)
        assert loaded is not None  # the code lives as long
        rows = (ctypes.c_void_p * f.n)(*(row.ctypes.data for row in x))
        function(rows, LANES, STEPS)
        np.testing.assert_allclose(x, expected, rtol=1e-9)

        def again():
            x[:] = starts(f)
            return (rows, LANES, STEPS), {}

        benchmark.pedantic(function, setup=again, rounds=200)
    if benchmark.stats is not None:
        each = benchmark.stats.stats.median / (LANES * STEPS)
        benchmark.extra_info["ns_per_point_and_step"] = each * 1e9
