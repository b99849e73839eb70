"""A program's values as linear combinations of what is not linear in them.

Differentiation leaves factors and sums behind that a loop over steps can do without: 200 t and -2 x
before their product, 100 products with a matrix and 100 with its transpose. Here constants wander
to the end of products and sums are flattened, so that a step length, too, is part of the numbers
that are there anyway.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from talweg.machine_code.elementary import FUNCTIONS
from talweg.machine_code.instructions import MEANING, MOST_IN_LINE, operand_count
from talweg.machine_code.writer import Writer

__all__ = ["Form", "LinearForms"]


class Form(NamedTuple):
    """constant + the sum of coefficient * atom."""

    terms: Mapping[int, float]
    constant: float


class _Atom(NamedTuple):
    """A value that is no linear combination: an input, a product or another operation.

    The kind "sum" is a linear combination with several uses, and one below another operation.
    """

    kind: str
    operands: tuple[int, ...]
    number: float
    form: Form | None


# What scales an atom in a sum: the number itself, or a value made of it.
Fill = Callable[[float], str]


class LinearForms:
    """The outputs of a program of one stage, as forms.

    Parameters
    ----------
    program : dict
        As `talweg._core.program` returns it.
    n : int
        Number of inputs; others are not read.
    """

    def __init__(self, program: dict[str, Any], n: int) -> None:
        ((instructions, _),) = program["stages"]
        self._atoms: list[_Atom] = []
        self._numbers: dict[_Atom, int] = {}
        first_input, first_output = program["first_input"], program["first_output"]
        # Values: first by slots, which are used again and again, then each of its own.
        now: dict[int, int] = {}
        self._forms: list[Form] = []
        for i in range(n):
            now[first_input + i] = self._value(Form({self._atom("input", (), float(i)): 1.0}, 0.0))
        steps: list[tuple[str, tuple[int, ...], float]] = []
        count = n
        for opcode, destination, *slots, k in instructions:
            operands = tuple(now[slot] for slot in slots[: operand_count(opcode)])
            steps.append((opcode, operands, k))
            now[destination] = count
            count += 1
        outputs = [now.get(first_output + j) for j in range(program["outputs"])]
        self._uses = [0] * count
        for _, operands, _ in steps:
            for operand in operands:
                self._uses[operand] += 1
        for output in outputs:
            if output is not None:
                self._uses[output] += 1
        for opcode, operands, k in steps:
            self._value(self._form(opcode, operands, k))
        constants = program["constant_outputs"]
        self.outputs = [
            Form({}, constants[j]) if output is None else self._forms[output]
            for j, output in enumerate(outputs)
        ]

    # Forms.

    def _value(self, form: Form) -> int:
        self._forms.append(form)
        return len(self._forms) - 1

    def _atom(self, kind: str, operands: tuple[int, ...], number: float = 0.0) -> int:
        atom = _Atom(kind, operands, number, None)
        if atom not in self._numbers:
            self._numbers[atom] = len(self._atoms)
            self._atoms.append(atom)
        return self._numbers[atom]

    def _scaled_atom(self, value: int) -> tuple[float, int]:
        """A value as a number times an atom, which all its uses share."""
        form = self._forms[value]
        if len(form.terms) != 1 or form.constant != 0.0:
            # A factor that all terms have is not part of the atom: sums then need no products.
            numbers = [*form.terms.values(), *([form.constant] if form.constant else [])]
            common = numbers[0] if len({abs(number) for number in numbers}) == 1 else 1.0
            common = common if common != 0.0 else 1.0
            part = Form({a: c / common for a, c in form.terms.items()}, form.constant / common)
            self._atoms.append(_Atom("sum", (), 0.0, part))
            # From here on all others use it, too.
            form = self._forms[value] = Form({len(self._atoms) - 1: common}, 0.0)
        ((atom, coefficient),) = form.terms.items()
        return coefficient, atom

    def _whole(self, value: int) -> int:
        """The atom of a value that is computed as it is."""
        coefficient, atom = self._scaled_atom(value)
        if coefficient == 1.0:
            return atom
        self._atoms.append(_Atom("sum", (), 0.0, Form({atom: coefficient}, 0.0)))
        return len(self._atoms) - 1

    def _inside(self, value: int) -> Form:
        """A value's form as part of another's."""
        form = self._forms[value]
        if self._uses[value] > 1 and len(form.terms) + (form.constant != 0.0) > 1:
            coefficient, atom = self._scaled_atom(value)
            return Form({atom: coefficient}, 0.0)
        return form

    def _factor(self, value: int) -> tuple[float, int | None]:
        """A value as a number times an atom, or as a number."""
        form = self._forms[value]
        return self._scaled_atom(value) if form.terms else (form.constant, None)

    def _product(self, a: int, b: int, scale: float = 1.0) -> Form:
        (p, u), (q, v) = self._factor(a), self._factor(b)
        number = scale * p * q
        if not (math.isfinite(number) and abs(number) >= 2.0**-900):
            # The numbers together leave the range that their values had: nothing is moved.
            u, v, number = self._whole(a), self._whole(b), scale
        if u is None and v is None:
            return Form({}, number)
        if u is None or v is None:
            atom = u if v is None else v
            assert atom is not None
            return Form({atom: number}, 0.0)
        return Form({self._atom("product", (min(u, v), max(u, v))): number}, 0.0)

    def _form(self, opcode: str, o: tuple[int, ...], k: float) -> Form:
        if opcode == "load_constant":
            return Form({}, k)
        if opcode == "copy":
            return self._inside(o[0])
        if opcode == "add":
            return _plus(self._inside(o[0]), self._inside(o[1]))
        if opcode == "subtract":
            return _plus(self._inside(o[0]), _scaled(self._inside(o[1]), -1.0))
        if opcode == "negate":
            return _scaled(self._inside(o[0]), -1.0)
        if opcode == "add_constant":
            return _plus(self._inside(o[0]), Form({}, k))
        if opcode == "constant_subtract":
            return _plus(Form({}, k), _scaled(self._inside(o[0]), -1.0))
        if opcode == "multiply_constant":
            return self._times(o[0], k)
        if opcode == "multiply_constant_add":
            return _plus(self._inside(o[1]), self._times(o[0], k))
        if opcode == "multiply":
            return self._product(o[0], o[1])
        if opcode == "square":
            return self._product(o[0], o[0])
        if opcode == "multiply_add":
            return _plus(self._inside(o[2]), self._product(o[0], o[1]))
        if opcode == "multiply_subtract":
            return _plus(_scaled(self._inside(o[2]), -1.0), self._product(o[0], o[1]))
        if opcode == "negated_multiply_add":
            return _plus(self._inside(o[2]), self._product(o[0], o[1], -1.0))
        if opcode == "multiply_add_constant":
            return _plus(self._product(o[0], o[1]), Form({}, k))
        atom = self._atom(opcode, tuple(self._whole(value) for value in o), k)
        return Form({atom: 1.0}, 0.0)

    def _times(self, value: int, k: float) -> Form:
        form = self._inside(value)
        scaled = _scaled(form, k)
        numbers = [*scaled.terms.values(), scaled.constant]
        before = [*form.terms.values(), form.constant]
        if all(
            b == 0.0 or (math.isfinite(a) and abs(a) >= 2.0**-900) for a, b in zip(numbers, before)
        ):
            return scaled
        return Form({self._whole(value): k}, 0.0)

    # Code.

    def needed(self, forms: list[Form]) -> dict[int, int]:
        """The atoms that the forms are made of, in order, and how often each of them is used."""
        uses: dict[int, int] = {}
        waiting = [atom for form in forms for atom in form.terms]
        while waiting:
            atom = waiting.pop()
            uses[atom] = uses.get(atom, 0) + 1
            if uses[atom] == 1:
                _, operands, _, inner = self._atoms[atom]
                waiting += operands if inner is None else inner.terms
        return dict(sorted(uses.items()))

    def calls_functions(self, forms: list[Form]) -> bool:
        """Whether elementary functions, or others of the core, are needed."""
        return any(
            (kind := self._atoms[atom].kind) in FUNCTIONS
            or (kind not in MEANING and kind not in ("input", "product", "sum"))
            or kind.startswith("power")
            for atom in self.needed(forms)
        )

    def emitter(self, w: Writer, state: Callable[[int], str], forms: list[Form]) -> Emitter:
        """Writes what the forms have in common, for one vector; `state(i)` is input i."""
        return Emitter(self, w, state, self.needed(forms))


class Emitter:
    """The atoms of some forms for one vector, and sums of them."""

    def __init__(
        self, forms: LinearForms, w: Writer, state: Callable[[int], str], uses: dict[int, int]
    ) -> None:
        self._w = w
        self._all = forms._atoms
        self._values: dict[int, str] = {}
        # Products that are added once are fused with the addition.
        self._fused: dict[int, tuple[str, str]] = {}
        functions = sum(self._all[atom].kind in FUNCTIONS for atom in uses)
        self._in_line = functions <= MOST_IN_LINE
        inside = {
            atom: form.terms[atom]
            for number in uses
            if (form := self._all[number].form) is not None
            for atom in form.terms
        }
        for atom, count in uses.items():
            kind, operands, number, form = self._all[atom]
            if kind == "input":
                self._values[atom] = state(int(number))
            elif form is not None:
                self._values[atom] = self.sum(form)
            elif kind == "product":
                a, b = (self._values[operand] for operand in operands)
                if count == 1 and abs(inside.get(atom, 0.0)) == 1.0:
                    self._fused[atom] = (a, b)
                else:
                    self._values[atom] = w.multiply(a, b)
            else:
                values = [self._values[operand] for operand in operands]
                self._values[atom] = self._operation(kind, values, number)

    def _operation(self, opcode: str, values: list[str], k: float) -> str:
        x, y, z = [*values, "", "", ""][:3]
        if opcode in MEANING:
            return MEANING[opcode](self._w, x, y, z, k)
        if opcode in FUNCTIONS:
            if not self._in_line:
                return self._w.call_shared(opcode, x)
            return str(FUNCTIONS[opcode](self._w, x))
        return self._w.call(opcode, x)

    def sum(self, form: Form, fill: Fill | None = None, offset: str = "", late: str = "") -> str:
        """The value of a form.

        `fill` makes the values of its coefficients, as they are by default. `offset` is a value in
        place of the form's constant; `late` one that is added just before the last term, which is
        the one that is known last.
        """
        w = self._w
        plain = fill is None
        number: Fill = w.fill if fill is None else fill
        terms = dict(form.terms)
        if offset:
            result = offset
        elif form.constant != 0.0 or not terms:
            result = number(form.constant)
        else:
            result = ""
            # An atom as it is begins the sum, else there would be one more instruction.
            start = next((a for a, c in terms.items() if plain and c == 1.0), None)
            if start is not None and start not in self._fused:
                del terms[start]
                result = self._values[start]
        order = sorted(terms)
        for atom in order:
            if late and atom == order[-1]:
                result = w.add(late, result) if result else late
            coefficient = terms[atom]
            sign = coefficient if plain and abs(coefficient) == 1.0 else 0.0
            if atom in self._fused:
                a, b = self._fused[atom]
                if not result:
                    product = w.multiply(a, b)
                    result = product if sign == 1.0 else w.negate(product)
                else:
                    result = (w.multiply_add if sign == 1.0 else w.negated_multiply_add)(
                        a, b, result
                    )
            elif not result:
                value = self._values[atom]
                result = w.negate(value) if sign else w.multiply(number(coefficient), value)
            elif sign:
                result = (w.add if sign == 1.0 else w.subtract)(result, self._values[atom])
            else:
                result = w.multiply_add(number(coefficient), self._values[atom], result)
        return result


def _scaled(form: Form, k: float) -> Form:
    return Form({atom: k * c for atom, c in form.terms.items()}, k * form.constant)


def _plus(a: Form, b: Form) -> Form:
    terms = dict(a.terms)
    for atom, coefficient in b.terms.items():
        terms[atom] = terms.get(atom, 0.0) + coefficient
    return Form(terms, a.constant + b.constant)
