"""What a descent follows of the Hessians on its way: determinants, extreme eigenvalues."""

from __future__ import annotations

import itertools
from typing import NamedTuple

from talweg.machine_code.writer import Writer

__all__ = ["Product", "determinant", "extremes", "not_finite", "renewed"]

_EXPONENT_BITS = 0x7FF
_SIGN_AND_MANTISSA = 0x800FFFFFFFFFFFFF - (1 << 64)  # as a signed number
_ONE = 0x3FF0000000000000


class Product(NamedTuple):
    """A long product as product * 2^exponent, the exponent an integer in the bits of a double."""

    product: str
    exponent: str
    odd: str  # bits that are not 0 where the product left the range of normal numbers


def renewed(w: Writer, p: Product) -> Product:
    """The same product, its exponent between those of 1 and 2.

    This takes the place of a logarithm at each step: the integer takes up any number of exponents
    exactly, and the logarithm of the product is needed once, in the end.
    """
    bits = w.bits(p.product)
    shifted = w.integer("lshr", bits, w.fill_bits(52))
    exponent = w.integer("and", shifted, w.fill_bits(_EXPONENT_BITS))
    low = w.value(f"icmp eq {w.target.integers} {exponent}, {w.fill_bits(0)}")
    high = w.value(f"icmp eq {w.target.integers} {exponent}, {w.fill_bits(_EXPONENT_BITS)}")
    outside = w.masks("or", low, high)
    wide = w.value(f"sext {w.target.mask} {outside} to {w.target.integers}")
    odd = w.from_bits(w.integer("or", w.bits(p.odd), wide))
    unbiased = w.integer("sub", exponent, w.fill_bits(1023))
    total = w.from_bits(w.integer("add", w.bits(p.exponent), unbiased))
    mantissa = w.integer("and", bits, w.fill_bits(_SIGN_AND_MANTISSA))
    return Product(w.from_bits(w.integer("or", mantissa, w.fill_bits(_ONE))), total, odd)


def determinant(w: Writer, m: dict[tuple[int, int], str], n: int) -> str:
    """Of a symmetric matrix with entries m[i, j], i >= j, for n up to 4.

    Minors of the first columns, from the last rows up (Laplace): each is used for all larger ones.
    """

    def entry(i: int, j: int) -> str:
        return m[max(i, j), min(i, j)]

    minors: dict[tuple[int, ...], str] = {(i,): entry(i, n - 1) for i in range(n)}
    for column in range(n - 2, -1, -1):
        larger: dict[tuple[int, ...], str] = {}
        for rows in itertools.combinations(range(n), n - column):
            result = ""
            for place, i in enumerate(rows):
                rest = minors[rows[:place] + rows[place + 1 :]]
                factor = entry(i, column)
                if not result:
                    result = w.multiply(factor, rest)
                elif place % 2:
                    result = w.negated_multiply_add(factor, rest, result)
                else:
                    result = w.multiply_add(factor, rest, result)
            larger[rows] = result
        minors = larger
    return minors[tuple(range(n))]


def extremes(w: Writer, h: dict[tuple[int, int], str], n: int) -> tuple[str, str]:
    """Twice the smallest and the largest eigenvalue, for n up to 2."""
    if n == 1:
        twice = w.add(h[0, 0], h[0, 0])
        return twice, twice
    total, apart = w.add(h[0, 0], h[1, 1]), w.subtract(h[0, 0], h[1, 1])
    beside = w.add(h[1, 0], h[1, 0])
    square = w.multiply_add(apart, apart, w.multiply(beside, beside))
    root = w.intrinsic("sqrt", square)
    return w.subtract(total, root), w.add(total, root)


def not_finite(w: Writer, value: str, so_far: str) -> str:
    """`so_far`, or NaN where the value is infinite or NaN."""
    return w.multiply_add(value, w.fill(0.0), so_far)
