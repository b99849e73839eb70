"""A function records the same tape in Python as in C++ (tests/cpp/objective/record.cpp)."""

from pathlib import Path

import numpy as np

import talweg

EXPECTED = Path(__file__).parents[1] / "data" / "recorded_tape.txt"
# In the order of talweg::Operation.
OPERATIONS = [
    "input",
    "constant",
    "data_column",
    "add",
    "subtract",
    "multiply",
    "divide",
    "negate",
    "power",
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "tanh",
    "sinh",
    "cosh",
    "atan",
    "erf",
    "log1p",
    "expm1",
    "sigmoid",
    "absolute",
    "sign",
    "minimum",
    "maximum",
    "less",
    "less_equal",
    "equal",
    "select",
    "sum_rows",
]
DATA = np.array([[1.0, 0.5], [-1.0, 2.0], [0.0, 1.0]])


def function(x):
    radius = x[0] ** 2 + 2 * x[1] ** 2
    bowl = radius / 2 + x[0] ** 2 * x[1] / 2
    wave = np.exp(-x[0]) * np.tanh(x[1] / 3)
    root = np.sqrt(radius + 1) - np.log1p(radius)
    total = talweg.sum_over(lambda x, row: np.sin(row[0] * x[0] + x[1]) * row[1], DATA)(x)
    least = np.minimum(bowl, wave)
    return bowl - wave * root + total / least + (radius + 1) ** 1.5


def as_text(stored):
    lines = []
    for operation, operands, table, value in zip(
        stored["operations"],
        stored["operands"].reshape(-1, 3),
        stored["tables"],
        stored["values"],
        strict=True,
    ):
        words = [OPERATIONS[operation], *(str(i) for i in operands if i != 0xFFFFFFFF)]
        if table >= 0:
            words += ["table", str(table)]
        lines.append(" ".join([*words, f"{value:g}"]))
    return "\n".join(lines) + "\n"


def test_python_and_cpp_record_the_same_tape():
    tape, output = talweg.Objective(function, 2)._tape
    assert as_text(tape.serialize(output)) == EXPECTED.read_text()
