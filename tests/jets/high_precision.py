"""Recorded functions evaluated in mpmath, operation by operation."""

import mpmath

from talweg.recording.replay import OPERATIONS

_FUNCTIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "negate": lambda a: -a,
    "power": lambda a, b: a**b if b != int(b) else a ** int(b),
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tanh": mpmath.tanh,
}


def value(f, x):
    """f at a point of mpmath's numbers; the recording's constants are doubles."""
    tape, output = f._tape
    stored = tape.serialize(output)
    nodes = []
    for operation, operands, number in zip(
        stored["operations"], stored["operands"].reshape(-1, 3), stored["values"]
    ):
        name = OPERATIONS[operation]
        if name == "input":
            nodes.append(x[operands[0]])
        elif name == "constant":
            nodes.append(mpmath.mpf(float(number)))
        else:
            arguments = [nodes[k] for k in operands if k < len(nodes)]
            nodes.append(_FUNCTIONS[name](*arguments))
    return nodes[int(stored["output"][0])]


def gradient(f, x):
    """Central differences with a step of 1e-160: for at least 500 digits."""
    h = mpmath.mpf(10) ** -160
    slopes = []
    for i in range(len(x)):
        ahead, behind = list(x), list(x)
        ahead[i] += h
        behind[i] -= h
        slopes.append((value(f, ahead) - value(f, behind)) / (2 * h))
    return slopes
