"""Gradient descent as one compiled loop, its state in registers from one step to the next."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from talweg import _core
from talweg.machine_code import engine
from talweg.machine_code.instructions import emit
from talweg.machine_code.writer import Writer
from talweg.quantity import GRADIENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from talweg.objective import Objective

__all__ = ["DescentLoop"]

# Longer gradients have no registers to spare for what a loop over steps would save.
_MAX_INSTRUCTIONS = 2000


class DescentLoop:
    """x <- x - step_length * gradient(x), many times, for one vector of lanes after the other.

    The gradient's instructions are written into a loop over steps: no point is in memory between
    two steps.

    Parameters
    ----------
    f : Objective
        A recorded function whose gradient is one stage; see `fits`.
    vectors_at_once : int
        Vectors of lanes whose steps are interleaved, as those of one wait for one another.
    """

    def __init__(self, f: Objective, vectors_at_once: int = 1) -> None:
        self.n = f.n
        self.lanes = engine.target().vector_lanes * vectors_at_once
        self._code = engine.load(_module(f, vectors_at_once))
        kind = ctypes.CFUNCTYPE(
            None, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_double
        )
        self._descend = kind(self._code.get_function_address("descend"))

    @staticmethod
    def fits(f: Objective) -> bool:
        """Whether the loop can be made for `f`."""
        if f._tape is None:
            return False
        program = _core.program(f._core, GRADIENT)
        if program is None:
            return False
        stages = program["stages"]
        return len(stages) == 1 and len(stages[0][0]) <= _MAX_INSTRUCTIONS

    def advance(self, x: NDArray[np.float64], count: int, step_length: float) -> None:
        """Takes `count` steps in place; x has n rows of a multiple of `lanes` points."""
        first, apart = x.ctypes.data, x.strides[0]
        rows = (ctypes.c_void_p * self.n)(*(first + i * apart for i in range(self.n)))
        self._descend(rows, x.shape[1], count, step_length)


def _module(f: Objective, vectors_at_once: int) -> str:
    program = _core.program(f._core, GRADIENT)
    assert program is not None
    ((instructions, _),) = program["stages"]
    first_input, first_output = program["first_input"], program["first_output"]
    constants = program["constant_outputs"]
    target = engine.target()
    vector, lanes = target.vector, target.vector_lanes
    table: dict[int, int] = {}
    states = [(i, j) for j in range(vectors_at_once) for i in range(f.n)]

    before = Writer(target, "vectors")
    place: dict[tuple[int, int], str] = {}
    start: dict[tuple[int, int], str] = {}
    for i, j in states:
        entry = before.value(f"getelementptr ptr, ptr %rows, i64 {i}")
        row = before.value(f"load ptr, ptr {entry}")
        lane = before.value(f"add i64 %lane, {j * lanes}")
        place[i, j] = before.value(f"getelementptr double, ptr {row}, i64 {lane}")
        start[i, j] = before.value(f"load {vector}, ptr {place[i, j]}, align 8")

    body = before.continued("steps")
    body.table = table if target.constants_in_memory else None
    after: dict[tuple[int, int], str] = {}
    for j in range(vectors_at_once):
        gradient = {i: body.fill(value) for i, value in constants.items()}

        def keep(slot: int, value: str, to: dict[int, str] = gradient) -> None:
            to[slot - first_output] = value

        def state(slot: int, j: int = j) -> str:
            return f"%x{slot - first_input}.{j}"

        emit(body, instructions, state, keep)
        for i in range(f.n):
            after[i, j] = body.negated_multiply_add("%step", gradient[i], f"%x{i}.{j}")
    phis = [
        f"  %x{i}.{j} = phi {vector} [{start[i, j]}, %vectors], [{after[i, j]}, %{body.block}]"
        for i, j in states
    ]
    text = "\n".join(
        [
            "define void @descend(ptr %rows, i64 %end, i64 %count, double %length) nounwind {",
            "entry:",
            f"  %one = insertelement {vector} poison, double %length, i64 0",
            f"  %step = shufflevector {vector} %one, {vector} poison, "
            f"<{lanes} x i32> zeroinitializer",
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
    return engine.assemble([text], body.called, table)
