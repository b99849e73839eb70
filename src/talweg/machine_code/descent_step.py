"""One step of descent of one vector of lanes, with what is followed on the way."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from talweg import _core
from talweg.machine_code import engine
from talweg.machine_code.descent_measures import determinant, extremes, not_finite
from talweg.machine_code.linear_forms import Emitter, Form, LinearForms
from talweg.machine_code.writer import Writer
from talweg.quantity import GRADIENT, HESSIAN

if TYPE_CHECKING:
    from talweg.objective import Objective

__all__ = ["DescentKind", "DescentStep"]

# Longer programs have no registers to spare for what a loop over steps would save.
_MAX_INSTRUCTIONS = 2000

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


class DescentStep:
    """Writes steps of descent on a recorded function.

    Parameters
    ----------
    f : Objective
        See `fits`.
    kind : DescentKind

    Attributes
    ----------
    numbers : list of (a, b)
        The parameters a + b * step_length, after the step length and the momentum, of what has been
        written so far.
    length : int
        About the number of instructions.
    calls_functions : bool
        Whether elementary functions are among them.
    """

    def __init__(self, f: Objective, kind: DescentKind) -> None:
        self.n, self.kind = f.n, kind
        program = _core.program(f._core, GRADIENT | (HESSIAN if kind.hessian else 0))
        assert program is not None
        self.forms = LinearForms(program, f.n)
        self.gradient = self.forms.outputs[: f.n]
        packed = iter(self.forms.outputs[f.n :])
        self.hessian = (
            {(i, j): next(packed) for i in range(f.n) for j in range(i + 1)} if kind.hessian else {}
        )
        self.used = [*self.gradient, *self.hessian.values()]
        self.length = len(self.forms.needed(self.used)) + sum(len(f.terms) for f in self.used)
        # Elementary functions of arguments that are not finite are slow calls.
        self.calls_functions = self.forms.calls_functions(self.used)
        self.numbers: list[tuple[float, float]] = []
        self._places: dict[tuple[float, float], int] = {}

    @staticmethod
    def fits(f: Objective, kind: DescentKind) -> bool:
        """Whether steps can be written for `f`."""
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

    # Values that depend on the step length.

    def _parameter(self, w: Writer, a: float, b: float) -> str:
        if (a, b) not in self._places:
            self._places[a, b] = len(self.numbers)
            self.numbers.append((a, b))
        return self._vector(w, self._places[a, b] + 2)

    def _vector(self, w: Writer, place: int) -> str:
        vector = engine.target().vector
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

    # One step.

    def write(self, w: Writer, state: dict[str, str], flat: list[str]) -> dict[str, str]:
        """The state after a step, by the names of its rows.

        Masks of lanes that are to stop are appended to `flat`.
        """
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

    def _measure(self, w: Writer, e: Emitter, state: dict[str, str], after: dict[str, str]) -> None:
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
