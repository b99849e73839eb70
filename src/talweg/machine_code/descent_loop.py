"""Descent as one compiled loop, its state in registers from one step to the next."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from talweg import _core
from talweg.machine_code import engine
from talweg.machine_code.descent_measures import (
    Product,
    determinant,
    extremes,
    not_finite,
    renewed,
)
from talweg.machine_code.linear_forms import Emitter, Form, LinearForms
from talweg.machine_code.writer import Writer
from talweg.quantity import GRADIENT, HESSIAN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from talweg.objective import Objective

__all__ = ["DescentKind", "DescentLoop", "descent_loop"]

# Longer programs have no registers to spare for what a loop over steps would save.
_MAX_INSTRUCTIONS = 2000

# Vectors of one group: as many as have this many instructions in all. The processor's window then
# holds steps of several vectors, which do not wait for one another.
_INSTRUCTIONS_AT_ONCE = 36
_LEAST_VECTORS, _MOST_VECTORS = 2, 5

# Steps between two renewals of the product of determinants, which may then be 2^127 each.
_STEPS_A_PRODUCT = 8

# Up to here determinants, and eigenvalues, are formulas.
_MOST_ROWS_OF_A_DETERMINANT = 4
_MOST_ROWS_OF_EIGENVALUES = 2


@dataclasses.dataclass(frozen=True)
class DescentKind:
    """What a loop does besides descending."""

    momentum: bool = False
    nesterov: bool = False
    stops: bool = False
    volume: bool = False
    eigenvalues: bool = False

    @property
    def determinants(self) -> bool:
        """Whether volume needs them: with the heavy ball its rate is constant."""
        return self.volume and (self.nesterov or not self.momentum)

    @property
    def hessian(self) -> bool:
        """Whether it is needed."""
        return self.eigenvalues or self.determinants

    def rows(self, n: int) -> list[str]:
        """The rows of a group's state, as talweg::CompiledDescent knows them."""
        names = [f"x{i}" for i in range(n)]
        if self.momentum:
            names += [f"before{i}" for i in range(n)]
        if self.stops:
            names += ["bound", "square"]
        if self.determinants:
            names += ["product", "exponent"]
        if self.eigenvalues:
            names += ["smallest", "largest"]
        if self.hessian:
            names += ["odd"]
        return names


class DescentLoop:
    """Steps of descent, many times, for a group of lanes.

    The instructions of the gradient, and of the Hessian, are written into a loop over steps: no
    point is in memory between two steps.

    Parameters
    ----------
    f : Objective
        A recorded function whose derivatives are one stage; see `fits`.
    kind : DescentKind
    vectors : int, optional
        Vectors of lanes of a group, whose steps are interleaved.
    """

    def __init__(
        self, f: Objective, kind: DescentKind | None = None, vectors: int | None = None
    ) -> None:
        self.n = f.n
        self.kind = kind or DescentKind()
        module = _Module(f, self.kind, vectors)
        self.lanes = engine.target().vector_lanes * module.vectors
        self.rows = self.kind.rows(f.n)
        self._numbers = module.numbers
        self._code = engine.load(module.text())
        self.address: int = self._code.get_function_address("descend")

    @staticmethod
    def fits(f: Objective, kind: DescentKind) -> bool:
        """Whether the loop can be made for `f`."""
        if f._tape is None:
            return False
        if kind.determinants and f.n > _MOST_ROWS_OF_A_DETERMINANT:
            return False
        if kind.eigenvalues and f.n > _MOST_ROWS_OF_EIGENVALUES:
            return False
        program = _core.program(f._core, GRADIENT | (HESSIAN if kind.hessian else 0))
        if program is None:
            return False
        stages = program["stages"]
        return len(stages) == 1 and len(stages[0][0]) <= _MAX_INSTRUCTIONS

    def described(self, step_length: float, momentum: float) -> dict[str, Any]:
        """What `talweg._core.descend` takes as its `loop`."""
        return {
            "address": self.address,
            "lanes": self.lanes,
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
        known[kind] = DescentLoop(f, kind) if DescentLoop.fits(f, kind) else None
    return known[kind]


class _Module:
    """The text of one loop.

        i64 descend(double* state, i64 count, double* parameters)

    takes `count` steps, or less: where a lane's gradient has fallen to its bound, no lane takes that
    step. It returns the number of steps taken. Row r of the state is at state + r * lanes.
    """

    def __init__(self, f: Objective, kind: DescentKind, vectors: int | None) -> None:
        self.n, self.kind = f.n, kind
        program = _core.program(f._core, GRADIENT | (HESSIAN if kind.hessian else 0))
        assert program is not None
        self.forms = LinearForms(program, f.n)
        self.gradient = self.forms.outputs[: f.n]
        packed = iter(self.forms.outputs[f.n :])
        self.hessian = (
            {(i, j): next(packed) for i in range(f.n) for j in range(i + 1)}
            if kind.hessian
            else {}
        )
        self.used = [*self.gradient, *self.hessian.values()]
        # What a Hessian adds leaves no room for more vectors.
        length = len(self.forms.needed(self.used)) + sum(len(form.terms) for form in self.used)
        most = _LEAST_VECTORS if kind.hessian else max(_LEAST_VECTORS, min(_MOST_VECTORS, _INSTRUCTIONS_AT_ONCE // max(length, 1)))
        self.vectors = vectors or most
        self.target = engine.target()
        self.lanes = self.target.vector_lanes * self.vectors
        # Numbers (a, b) for a + b * step_length, after the step length and the momentum themselves.
        self.numbers: list[tuple[float, float]] = []
        self._places: dict[tuple[float, float], int] = {}

    # Values that depend on the step length.

    def _parameter(self, w: Writer, a: float, b: float) -> str:
        if (a, b) not in self._places:
            self._places[a, b] = len(self.numbers)
            self.numbers.append((a, b))
        return self._vector(w, self._places[a, b] + 2)

    def _vector(self, w: Writer, place: int) -> str:
        vector = self.target.vector
        entry = w.value(f"getelementptr {vector}, ptr %parameters, i64 {place}")
        return w.value(f"load {vector}, ptr {entry}, align 8")

    def _moved(self, w: Writer, e: Emitter, form: Form, start: str) -> str:
        """start - step_length * form"""
        if not form.terms:
            return w.add(start, self._parameter(w, 0.0, -form.constant))

        def fill(number: float) -> str:
            return self._parameter(w, 0.0, -number)

        # Few roundings at the size of the point, as for the product of the step length and a sum.
        return e.sum(form, fill, late=start)

    def _jacobian(
        self, w: Writer, e: Emitter, entry: tuple[int, int], h: dict[tuple[int, int], str]
    ) -> str:
        """An entry of I - step_length * H, of those entries of H that are there already."""
        form, one = self.hessian[entry], float(entry[0] == entry[1])
        if entry in h and len(form.terms) > 1 and one:
            return w.negated_multiply_add(self._vector(w, 0), h[entry], w.fill(1.0))
        return e.sum(
            form,
            lambda number: self._parameter(w, 0.0, -number),
            self._parameter(w, one, -form.constant) if one or form.constant else "",
        )

    # One step of one vector.

    def _step(self, w: Writer, state: dict[str, str], flat: list[str]) -> dict[str, str]:
        kind, n = self.kind, self.n
        after = dict(state)
        x = [state[f"x{i}"] for i in range(n)]
        change: list[str] = []
        if kind.momentum:
            momentum = self._vector(w, 1)
            change = [w.subtract(x[i], state[f"before{i}"]) for i in range(n)]
            if kind.nesterov:
                x = [w.multiply_add(momentum, change[i], x[i]) for i in range(n)]
        e = self.forms.emitter(w, lambda i: x[i], self.used)
        if kind.stops:
            square = ""
            for form in self.gradient:
                g = e.sum(form)
                square = w.multiply_add(g, g, square) if square else w.multiply(g, g)
            flat.append(w.compare("ole", square, state["bound"]))
            after["square"] = square
        if kind.hessian:
            self._measure(w, e, state, after)
        for i in range(n):
            following = self._moved(w, e, self.gradient[i], x[i])
            if kind.momentum:
                after[f"before{i}"] = state[f"x{i}"]
                if not kind.nesterov:
                    following = w.multiply_add(momentum, change[i], following)
            after[f"x{i}"] = following
        return after

    def _measure(
        self, w: Writer, e: Emitter, state: dict[str, str], after: dict[str, str]
    ) -> None:
        kind, n = self.kind, self.n
        entries = list(self.hessian)
        h: dict[tuple[int, int], str] = {}
        if kind.eigenvalues:
            h = {entry: e.sum(self.hessian[entry]) for entry in entries}
            low, high = extremes(w, h, n)
            for name, value, predicate in (("smallest", low, "olt"), ("largest", high, "ogt")):
                best = state[name]
                after[name] = w.select(w.compare(predicate, value, best), value, best)
            if not kind.determinants:
                # Comparisons pass over NaN, of which a product tells.
                after["odd"] = not_finite(w, high, state["odd"])
        if kind.determinants:
            m = {entry: self._jacobian(w, e, entry, h) for entry in entries}
            after["product"] = w.multiply(state["product"], determinant(w, m, n))

    # The loop.

    def text(self) -> str:
        kind, vector, lanes = self.kind, self.target.vector, self.target.vector_lanes
        names = [name for name in kind.rows(self.n) if name != "square"]
        rows = {name: r for r, name in enumerate(kind.rows(self.n))}
        constant = {"bound"}
        states = [(name, j) for j in range(self.vectors) for name in names]
        loops = [(name, j) for name, j in states if name not in constant]

        before = Writer(self.target)

        def place(w: Writer, name: str, j: int) -> str:
            return w.value(
                f"getelementptr double, ptr %state, i64 {rows[name] * self.lanes + j * lanes}"
            )

        start = {
            (name, j): before.value(f"load {vector}, ptr {place(before, name, j)}, align 8")
            for name, j in loops
        }

        body = before.continued("steps")
        table: dict[int, int] = {}
        body.table = table if self.target.constants_in_memory else None
        after: dict[tuple[str, int], str] = {}
        flat: list[str] = []
        for j in range(self.vectors):
            state = {name: f"%{name}.{j}" for name in names}
            for name in constant & set(names):
                entry = place(body, name, j)
                state[name] = body.value(f"load {vector}, ptr {entry}, align 8")
            for name, value in self._step(body, state, flat).items():
                after[name, j] = value
        stop = ""
        if flat:
            some = flat[0]
            for mask in flat[1:]:
                some = body.masks("or", some, mask)
            together = body.value(f"bitcast {self.target.mask} {some} to i{lanes}")
            stop = body.value(f"icmp ne i{lanes} {together}, 0")

        # A product is renewed after a few steps, in an outer loop.
        products = kind.determinants
        fold = body.continued("fold")
        folded = {s: f"%{s[0]}.{s[1]}.end" for s in loops}
        if products:
            for j in range(self.vectors):
                old = Product(*(folded[name, j] for name in Product._fields))
                for name, value in zip(Product._fields, renewed(fold, old)):
                    folded[name, j] = value
        stores = fold.continued("store")
        for s in loops:
            stores.line(f"store {vector} {folded[s]}, ptr {place(stores, *s)}, align 8")
        if kind.stops:
            for j in range(self.vectors):
                square = f"%square.{j}.end"
                stores.line(f"store {vector} {square}, ptr {place(stores, 'square', j)}, align 8")

        last = body.block
        inner = f"%{last}"
        lines = [
            "define i64 @descend(ptr %state, i64 %count, ptr %parameters) nounwind {",
            "entry:",
            *before.lines,
            "  br label %outer",
            "outer:",
            "  %done = phi i64 [0, %entry], [%k.end, %again]",
            *(
                f"  %{name}.{j}.start = phi {vector} [{start[name, j]}, %entry], "
                f"[{folded[name, j]}, %again]"
                for name, j in loops
            ),
        ]
        if products:
            lines += [
                f"  %limit.far = add i64 %done, {_STEPS_A_PRODUCT}",
                "  %limit.less = icmp ult i64 %limit.far, %count",
                "  %limit = select i1 %limit.less, i64 %limit.far, i64 %count",
            ]
        limit = "%limit" if products else "%count"
        lines += [
            "  br label %steps",
            "steps:",
            f"  %k = phi i64 [%done, %outer], [%k.next, {'%on' if stop else inner}]",
            *(
                f"  %{name}.{j} = phi {vector} [%{name}.{j}.start, %outer], "
                f"[{after[name, j]}, {'%on' if stop else inner}]"
                for name, j in loops
            ),
            *body.lines,
            "  %k.next = add nuw i64 %k, 1",
        ]
        if stop:
            lines += [f"  br i1 {stop}, label %fold, label %on, !prof !0", "on:"]
            sources = [("%on", "%k.next", after), (inner, "%k", None)]
        else:
            sources = [(inner, "%k.next", after)]
        lines += [
            f"  %k.more = icmp ult i64 %k.next, {limit}",
            "  br i1 %k.more, label %steps, label %fold",
            "fold:",
            "  %k.end = phi i64 " + ", ".join(f"[{k}, {block}]" for block, k, _ in sources),
        ]
        for name, j in loops:
            given = ", ".join(
                f"[{f'%{name}.{j}' if values is None else values[name, j]}, {block}]"
                for block, _, values in sources
            )
            lines.append(f"  %{name}.{j}.end = phi {vector} {given}")
        if stop:
            lines.append(f"  %stopped = phi i1 [false, %on], [true, {inner}]")
            for j in range(self.vectors):
                square = after["square", j]
                lines.append(
                    f"  %square.{j}.end = phi {vector} [{square}, %on], [{square}, {inner}]"
                )
        lines += [
            *fold.lines,
            "  %more = icmp ult i64 %k.end, %count",
            *(
                ["  %stopped.not = xor i1 %stopped, true", "  %go = and i1 %more, %stopped.not"]
                if stop
                else ["  %go = and i1 %more, true"]
            ),
            "  br i1 %go, label %again, label %store",
            "again:",
            "  br label %outer",
            "store:",
            *stores.lines,
            "  ret i64 %k.end",
            "}",
        ]
        return engine.assemble(["\n".join(lines)], body.called, table)
