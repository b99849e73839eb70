"""What to evaluate, combined with |: the numbers of talweg::Quantity."""

from __future__ import annotations

VALUE = 1 << 0
GRADIENT = 1 << 1
HESSIAN = 1 << 2
THIRD = 1 << 3
HESSIAN_PRODUCT = 1 << 4
THIRD_PRODUCT = 1 << 5

#: Names of the methods of `Objective` that return a quantity, which are also those of the functions
#: that compute it; and of the core's arrays.
METHODS = {
    VALUE: "fun",
    GRADIENT: "grad",
    HESSIAN: "hess",
    HESSIAN_PRODUCT: "hessp",
    THIRD: "third",
}
ARRAYS = {
    VALUE: "value",
    GRADIENT: "gradient",
    HESSIAN: "hessian",
    THIRD: "third",
    HESSIAN_PRODUCT: "hessian_product",
    THIRD_PRODUCT: "third_product",
}
