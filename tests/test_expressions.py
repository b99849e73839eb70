"""Strings as expressions: the order of operands and of operations is Python's."""

import math

import pytest

import talweg


@pytest.mark.parametrize(
    ("text", "formula"),
    [
        ("x/y", lambda x, y: x / y),
        ("x - y", lambda x, y: x - y),
        ("x**y", lambda x, y: x**y),
        ("-x**2 + y", lambda x, y: -(x**2) + y),
        ("x/2/y - x - y", lambda x, y: x / 2 / y - x - y),
        ("2**-x**y", lambda x, y: 2 ** -(x**y)),
        ("(x**2 + 2*y**2)/2 + x**2*y/2", lambda x, y: (x**2 + 2 * y**2) / 2 + x**2 * y / 2),
        (
            "atan2(x, y) * e - hypot(x, pi)",
            lambda x, y: math.atan2(x, y) * math.e - math.hypot(x, math.pi),
        ),
    ],
)
def test_value(text, formula):
    f = talweg.Objective.from_expression(text, "x y")
    assert float(f([1.5, 0.25])) == pytest.approx(formula(1.5, 0.25), rel=1e-14)
