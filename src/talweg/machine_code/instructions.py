"""From the instructions of a stage to code over vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from talweg.machine_code.elementary import FUNCTIONS
from talweg.machine_code.writer import Writer

# Opcode, destination, a, b, c (slots) and k, as talweg::Instruction has them.
Instruction = tuple[str, int, int, int, int, float]


def _sign(w: Writer, a: str) -> str:
    zero = w.fill(0.0)
    rest = w.select(w.compare("olt", a, zero), w.fill(-1.0), w.add(a, zero))
    return w.select(w.compare("ogt", a, zero), w.fill(1.0), rest)


def _extreme(w: Writer, predicate: str, a: str, b: str) -> str:
    mask = w.masks("or", w.compare(predicate, a, b), w.compare("uno", a, a))
    return w.select(mask, a, b)


def _holds(w: Writer, predicate: str, a: str, b: str) -> str:
    return w.select(w.compare(predicate, a, b), w.fill(1.0), w.fill(0.0))


# Of a writer, the operands and the constant.
_Meaning = Callable[[Writer, str, str, str, float], str]
MEANING: dict[str, _Meaning] = {
    "load_constant": lambda w, a, b, c, k: w.fill(k),
    "copy": lambda w, a, b, c, k: a,
    "add": lambda w, a, b, c, k: w.add(a, b),
    "subtract": lambda w, a, b, c, k: w.subtract(a, b),
    "multiply": lambda w, a, b, c, k: w.multiply(a, b),
    "divide": lambda w, a, b, c, k: w.divide(a, b),
    "negate": lambda w, a, b, c, k: w.negate(a),
    "add_constant": lambda w, a, b, c, k: w.add(a, w.fill(k)),
    "constant_subtract": lambda w, a, b, c, k: w.subtract(w.fill(k), a),
    "multiply_constant": lambda w, a, b, c, k: w.multiply(a, w.fill(k)),
    "constant_divide": lambda w, a, b, c, k: w.divide(w.fill(k), a),
    "multiply_add": lambda w, a, b, c, k: w.multiply_add(a, b, c),
    "multiply_subtract": lambda w, a, b, c, k: w.multiply_subtract(a, b, c),
    "negated_multiply_add": lambda w, a, b, c, k: w.negated_multiply_add(a, b, c),
    "multiply_constant_add": lambda w, a, b, c, k: w.multiply_add(a, w.fill(k), b),
    "multiply_add_constant": lambda w, a, b, c, k: w.multiply_add(a, b, w.fill(k)),
    "square": lambda w, a, b, c, k: w.multiply(a, a),
    "square_root": lambda w, a, b, c, k: w.intrinsic("sqrt", a),
    "power": lambda w, a, b, c, k: w.call("power", a, b),
    "power_constant": lambda w, a, b, c, k: w.call("power", a, w.fill(k)),
    "absolute": lambda w, a, b, c, k: w.magnitude(a),
    "sign": lambda w, a, b, c, k: _sign(w, a),
    "minimum": lambda w, a, b, c, k: _extreme(w, "olt", a, b),
    "maximum": lambda w, a, b, c, k: _extreme(w, "ogt", a, b),
    "less": lambda w, a, b, c, k: _holds(w, "olt", a, b),
    "less_equal": lambda w, a, b, c, k: _holds(w, "ole", a, b),
    "equal": lambda w, a, b, c, k: _holds(w, "oeq", a, b),
    "select": lambda w, a, b, c, k: w.select(w.compare("une", a, w.fill(0.0)), b, c),
}
_TWO = {
    "add", "subtract", "multiply", "divide", "multiply_constant_add", "multiply_add_constant",
    "power", "minimum", "maximum", "less", "less_equal", "equal",
}  # fmt: skip
_THREE = {"multiply_add", "multiply_subtract", "negated_multiply_add", "select"}

# LLVM takes 2 to 4 ms for each elementary function in line, so where there are more of them than
# this all of a kind are calls of one copy.
MOST_IN_LINE = 40


def operand_count(opcode: str) -> int:
    if opcode == "load_constant":
        return 0
    return 2 if opcode in _TWO else 3 if opcode in _THREE else 1


def emit(
    w: Writer,
    instructions: Sequence[Instruction],
    read: Callable[[int], str],
    assigned: Callable[[int, str], None],
) -> None:
    """Write the instructions, one after the other, for one vector.

    `read(slot)` gives the value of a slot before anything is assigned to it; `assigned(slot, value)`
    is told of the last assignment to each slot, as soon as it is made. So a loop around the
    instructions can hold the slots in memory, or in registers from one round to the next.
    """
    last = {instruction[1]: i for i, instruction in enumerate(instructions)}
    values: dict[int, str] = {}
    in_line = sum(instruction[0] in FUNCTIONS for instruction in instructions) <= MOST_IN_LINE

    def operand(slot: int) -> str:
        if slot not in values:
            values[slot] = read(slot)
        return values[slot]

    for i, (opcode, destination, a, b, c, k) in enumerate(instructions):
        count = operand_count(opcode)
        x = operand(a) if count > 0 else ""
        y = operand(b) if count > 1 else ""
        z = operand(c) if count > 2 else ""
        if opcode in MEANING:
            value = MEANING[opcode](w, x, y, z, k)
        elif opcode in FUNCTIONS:
            value = FUNCTIONS[opcode](w, x) if in_line else w.call_shared(opcode, x)
        else:
            value = w.call(opcode, x)
        values[destination] = value
        if last[destination] == i:
            assigned(destination, value)
