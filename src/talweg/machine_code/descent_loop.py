"""Descent as one compiled loop, its state in registers from one step to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from talweg.machine_code import engine
from talweg.machine_code.descent_measures import Product, renewed
from talweg.machine_code.descent_step import DescentKind, DescentStep
from talweg.machine_code.writer import Writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from talweg.objective import Objective

__all__ = ["DescentKind", "DescentLoop", "descent_loop"]

# Vectors of one group: as many as have this many instructions in all, so that the processor's window
# holds steps of several vectors, which do not wait for one another; and this many of state.
_INSTRUCTIONS_AT_ONCE = 45
_STATE_AT_ONCE = 16
_MOST_VECTORS = 5

# Steps between two renewals of the product of determinants, which may then be 2^127 each.
_STEPS_A_PRODUCT = 8


class DescentLoop:
    """Steps of descent, many times, for a group of lanes.

    The instructions of the gradient, and of the Hessian, are written into a loop over steps: no
    point is in memory between two steps.

    Parameters
    ----------
    f : Objective
        See `DescentStep.fits`.
    kind : DescentKind
    vectors : int, optional
        Vectors of lanes of a group, whose steps are interleaved.
    """

    def __init__(
        self, f: Objective, kind: DescentKind | None = None, vectors: int | None = None
    ) -> None:
        self.n = f.n
        self.kind = kind or DescentKind()
        self.rows = self.kind.rows(f.n)
        step = DescentStep(f, self.kind)
        vectors = vectors or _vectors(step, len(self.rows))
        self.lanes = engine.target().vector_lanes * vectors
        self._code = engine.load(_Text(step, self.rows, vectors).module())
        self._numbers = step.numbers
        self._cautious = step.calls_functions
        self.address: int = self._code.get_function_address("descend")

    def described(self, step_length: float, momentum: float) -> dict[str, Any]:
        """What `talweg._core.descend` takes as its `loop`."""
        return {
            "address": self.address,
            "lanes": self.lanes,
            "cautious": self._cautious,
            "rows": self.rows,
            "parameters": self.parameters(step_length, momentum),
        }

    def parameters(self, step_length: float, momentum: float = 0.0) -> NDArray[np.float64]:
        """What the loop takes as parameters: vectors of the numbers that depend on the step."""
        table = np.array([step_length, momentum, *(a + b * step_length for a, b in self._numbers)])
        return np.repeat(table, engine.target().vector_lanes)


def descent_loop(f: Objective, kind: DescentKind) -> DescentLoop | None:
    """The loop of a compiled function, made once, or None where it has none."""
    if f._descent_loops is None or f._descent_loops[0] is not f._core:
        f._descent_loops = (f._core, {})
    known: dict[DescentKind, DescentLoop | None] = f._descent_loops[1]
    if kind not in known:
        known[kind] = DescentLoop(f, kind) if DescentStep.fits(f, kind) else None
    return known[kind]


def _vectors(step: DescentStep, rows: int) -> int:
    if 2 * rows > _STATE_AT_ONCE:
        return 1
    # What a Hessian adds leaves no room for more than two, which long programs profit from, too.
    fitting = 2 if step.kind.hessian else _INSTRUCTIONS_AT_ONCE // max(step.length, 1)
    return min(max(2, fitting), _STATE_AT_ONCE // rows, _MOST_VECTORS)


_State = dict[tuple[str, int], str]  # values by the names of rows and the numbers of vectors


class _Text:
    """The text of one loop.

        i64 descend(double* state, i64 count, double* parameters)

    takes `count` steps, at least 1, or less: where a lane's gradient has fallen to its bound, no lane
    takes that step. It returns the number of steps taken. Row r of the state is at state + r * lanes.

    Blocks: `outer` holds the state at the begin of a few steps, `steps` within them, and `fold` after
    them, where the products of determinants are renewed.
    """

    def __init__(self, step: DescentStep, rows: list[str], vectors: int) -> None:
        self.step, self.rows = step, rows
        self.target = engine.target()
        self.numbers = range(vectors)
        self.width = vectors * self.target.vector_lanes
        # Rows that change; "square" is written only, "bound" read only.
        self.names = [name for name in rows if name not in ("bound", "square")]
        self.states = [(name, j) for j in self.numbers for name in self.names]

    def module(self) -> str:
        """The module with everything the function needs."""
        before = Writer(self.target)
        start = {s: self._load(before, s) for s in self.states}
        body = before.continued("steps")
        table: dict[int, int] = {}
        body.table = table if self.target.constants_in_memory else None
        after, stop = self._body(body)
        fold = body.continued("fold")
        folded = self._fold(fold)
        lines = [
            "define i64 @descend(ptr %state, i64 %count, ptr %parameters) nounwind {",
            "entry:",
            *before.lines,
            *self._outer(start, folded),
            *self._steps(body, after, stop),
            *self._end(body, after, stop),
            *fold.lines,
            "  %more = icmp ult i64 %k.end, %count",
            f"  %go = and i1 %more, {'%go.on' if stop else 'true'}",
            "  br i1 %go, label %again, label %store",
            "again:",
            "  br label %outer",
            "store:",
            *self._store(fold, folded),
            "  ret i64 %k.end",
            "}",
        ]
        return engine.assemble(["\n".join(lines)], body.called, table)

    # Memory.

    def _place(self, w: Writer, s: tuple[str, int]) -> str:
        name, j = s
        at = self.rows.index(name) * self.width + j * self.target.vector_lanes
        return w.value(f"getelementptr double, ptr %state, i64 {at}")

    def _load(self, w: Writer, s: tuple[str, int]) -> str:
        return w.value(f"load {self.target.vector}, ptr {self._place(w, s)}, align 8")

    def _store(self, fold: Writer, folded: _State) -> list[str]:
        w = fold.continued("store")
        values = dict(folded)
        if self.step.kind.stops:
            values |= {("square", j): f"%square.{j}.end" for j in self.numbers}
        for s, value in values.items():
            w.line(f"store {self.target.vector} {value}, ptr {self._place(w, s)}, align 8")
        return w.lines

    # Instructions.

    def _body(self, w: Writer) -> tuple[_State, str]:
        """The state after a step, and whether some lane is not to take it."""
        after: _State = {}
        flat: list[str] = []
        for j in self.numbers:
            state = {name: f"%{name}.{j}" for name in self.names}
            if self.step.kind.stops:
                state["bound"] = self._load(w, ("bound", j))
            for name, value in self.step.write(w, state, flat).items():
                after[name, j] = value
        if not flat:
            return after, ""
        some = flat[0]
        for mask in flat[1:]:
            some = w.masks("or", some, mask)
        lanes = self.target.vector_lanes
        together = w.value(f"bitcast {self.target.mask} {some} to i{lanes}")
        return after, w.value(f"icmp ne i{lanes} {together}, 0")

    def _fold(self, w: Writer) -> _State:
        folded = {(name, j): f"%{name}.{j}.end" for name, j in self.states}
        if self.step.kind.determinants:
            for j in self.numbers:
                old = Product(*(folded[name, j] for name in Product._fields))
                for name, value in zip(Product._fields, renewed(w, old)):
                    folded[name, j] = value
        return folded

    # Blocks. A value of the state has the name of its row, the number of its vector, and at the begin
    # and the end of a few steps ".start" and ".end".

    def _phi(self, name: str, sources: list[tuple[str, str]], kind: str = "") -> str:
        given = ", ".join(f"[{value}, {block}]" for value, block in sources)
        return f"  {name} = phi {kind or self.target.vector} {given}"

    def _outer(self, start: _State, folded: _State) -> list[str]:
        lines = ["  br label %outer", "outer:"]
        lines.append(self._phi("%done", [("0", "%entry"), ("%k.end", "%again")], "i64"))
        for s in self.states:
            sources = [(start[s], "%entry"), (folded[s], "%again")]
            lines.append(self._phi(f"%{s[0]}.{s[1]}.start", sources))
        few = _STEPS_A_PRODUCT if self.step.kind.determinants else 0
        lines += [
            f"  %far = add i64 %done, {few}",
            "  %less = icmp ult i64 %far, %count",
            f"  %limit = select i1 %less, i64 {'%far' if few else '%count'}, i64 %count",
            "  br label %steps",
        ]
        return lines

    def _steps(self, body: Writer, after: _State, stop: str) -> list[str]:
        last = "%on" if stop else f"%{body.block}"
        lines = ["steps:", self._phi("%k", [("%done", "%outer"), ("%k.next", last)], "i64")]
        for s in self.states:
            name = f"%{s[0]}.{s[1]}"
            lines.append(self._phi(name, [(f"{name}.start", "%outer"), (after[s], last)]))
        lines += [*body.lines, "  %k.next = add nuw i64 %k, 1"]
        if stop:
            lines += [f"  br i1 {stop}, label %fold, label %on, !prof !0", "on:"]
        return [
            *lines,
            "  %k.more = icmp ult i64 %k.next, %limit",
            "  br i1 %k.more, label %steps, label %fold",
        ]

    def _end(self, body: Writer, after: _State, stop: str) -> list[str]:
        """The state at the end of a few steps: that before a step which some lane does not take."""
        here = f"%{body.block}"
        last = "%on" if stop else here

        def end(name: str, following: str, value: str, kind: str = "") -> str:
            sources = [(following, last)] + ([(value, here)] if stop else [])
            return self._phi(f"{name}.end", sources, kind)

        lines = ["fold:", end("%k", "%k.next", "%k", "i64")]
        for s in self.states:
            name = f"%{s[0]}.{s[1]}"
            lines.append(end(name, after[s], name))
        if stop:
            lines.append(self._phi("%go.on", [("true", last), ("false", here)], "i1"))
            for j in self.numbers:
                lines.append(end(f"%square.{j}", after["square", j], after["square", j]))
        return lines
