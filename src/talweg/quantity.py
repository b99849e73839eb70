"""What to evaluate, combined with |: the numbers of talweg::Quantity."""

from __future__ import annotations

VALUE = 1 << 0
GRADIENT = 1 << 1
HESSIAN = 1 << 2
THIRD = 1 << 3
HESSIAN_PRODUCT = 1 << 4
THIRD_PRODUCT = 1 << 5
