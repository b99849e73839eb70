"""Writes a stored tape again into the recording that is going on, at recorded arguments."""

from __future__ import annotations

import numpy as np

from talweg.recording.array import RecordedArray

# In the order of talweg::Operation, which saved tapes fix.
OPERATIONS = (
    "input", "constant", "data_column", "add", "subtract", "multiply", "divide", "negate",
    "power", "exp", "log", "sqrt", "sin", "cos", "tan", "tanh", "sinh", "cosh", "atan", "erf",
    "log1p", "expm1", "sigmoid", "absolute", "sign", "minimum", "maximum", "less", "less_equal",
    "equal", "select", "sum_rows",
)  # fmt: skip
_NO_NODE = 0xFFFFFFFF


def replay(stored: dict[str, np.ndarray], x: RecordedArray) -> RecordedArray:
    """The stored function's value at recorded `x`, shape (n,).

    Parameters
    ----------
    stored : dict of arrays
        What ``Tape.serialize`` returned.
    x : RecordedArray, shape (n,)
    """
    recording = x._recording
    tape = recording.tape
    tables = _tables(stored)
    columns: dict[int, np.ndarray] = {}
    nodes = np.empty(len(stored["operations"]), dtype=np.uint32)
    rows = zip(
        stored["operations"].tolist(),
        stored["operands"].reshape(-1, 3).tolist(),
        stored["tables"].tolist(),
        stored["values"].tolist(),
        strict=True,
    )
    for i, (operation, operands, table, value) in enumerate(rows):
        name = OPERATIONS[operation]
        if name == "input":
            nodes[i] = x._nodes[operands[0]]
        elif name == "constant":
            nodes[i] = tape.constant(value)
        elif name == "data_column":
            if table not in columns:
                columns[table] = tape.data(tables[table])
            nodes[i] = columns[table][operands[0]]
        elif name == "sum_rows":
            nodes[i] = tape.sum_rows(nodes[operands[0]])
        else:
            nodes[i] = tape.apply(name, *(nodes[j] for j in operands if j != _NO_NODE))
    return RecordedArray(recording, np.asarray(nodes[int(stored["output"][0])]))


def _tables(stored) -> list[np.ndarray]:
    tables, start = [], 0
    for rows, columns in stored["table_shapes"].reshape(-1, 2).tolist():
        size = rows * columns
        tables.append(stored["table_values"][start : start + size].reshape(columns, rows).T)
        start += size
    return tables
