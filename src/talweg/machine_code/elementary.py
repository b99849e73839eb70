"""Elementary functions in line: csrc/simd/vector_math.hpp and vector_trigonometry.hpp, operation by
operation, so that results are the same bits. Arguments out of the ordinary go to the core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from talweg.machine_code.writer import SHARED, Target, Writer

_LOG_2_HIGH = float.fromhex("0x1.62e42fefa3000p-1")
_LOG_2_LOW = float.fromhex("0x1.3de6af278ece6p-42")
_LOG_2_INVERSE = float.fromhex("0x1.71547652b82fep+0")
_ROUND_SHIFT = float.fromhex("0x1.8p52")
_SMALLEST_NORMAL = float.fromhex("0x1p-1022")
_EXP_FAST_BOUND = 708.0
_HALF_PI_PARTS = [
    float.fromhex(part)
    for part in ("0x1.921fb544p+0", "0x1.0b4611a6p-34", "0x1.3198a2ep-69", "0x1.b839a252049c1p-104")
]
_HALF_PI_INVERSE = float.fromhex("0x1.45f306dc9c883p-1")
_CIRCULAR_BOUND = 2.0**20


class _Exponent(NamedTuple):
    shifted: str  # n + _ROUND_SHIFT
    r: str
    tail: str  # e^r - 1 - r


def _reduce_exponent(w: Writer, x: str) -> _Exponent:
    shifted = w.multiply_add(x, w.fill(_LOG_2_INVERSE), w.fill(_ROUND_SHIFT))
    n = w.subtract(shifted, w.fill(_ROUND_SHIFT))
    r = w.negated_multiply_add(n, w.fill(_LOG_2_HIGH), x)
    r = w.negated_multiply_add(n, w.fill(_LOG_2_LOW), r)
    c = [w.fill(number) for number in w.target.coefficients["exp_tail"]]
    r2 = w.multiply(r, r)
    r4 = w.multiply(r2, r2)
    pairs = [w.multiply_add(r, c[i + 1], c[i]) for i in range(0, 10, 2)]
    c03 = w.multiply_add(r2, pairs[1], pairs[0])
    c47 = w.multiply_add(r2, pairs[3], pairs[2])
    q = w.multiply_add(r4, w.multiply_add(r4, pairs[4], c47), c03)
    return _Exponent(shifted, r, w.multiply(r2, q))


def _beyond(w: Writer, x: str, bound: float) -> str:
    return w.compare("ugt", w.magnitude(x), w.fill(bound))


def _exp(w: Writer, x: str) -> str:
    e = _reduce_exponent(w, x)
    y = w.add(w.add(e.r, e.tail), w.fill(1.0))
    scale = w.integer("shl", w.bits(e.shifted), w.fill_bits(52))
    fast = w.from_bits(w.integer("add", w.bits(y), scale))
    return w.guarded("exp", x, _beyond(w, x, _EXP_FAST_BOUND), fast)


def exp(w: Writer, x: str) -> Any:
    return w.once("exp", x, _exp)


def _expm1_inside(w: Writer, x: str) -> str:
    """e^x - 1 for arguments that need no special care."""
    e = _reduce_exponent(w, x)
    shifted = w.integer("shl", w.bits(e.shifted), w.fill_bits(52))
    scale = w.from_bits(w.integer("add", shifted, w.fill_bits(0x3FF0000000000000)))
    result = w.multiply_add(scale, w.add(e.r, e.tail), w.subtract(scale, w.fill(1.0)))
    return w.select(w.compare("oeq", x, w.fill(0.0)), x, result)


def _expm1(w: Writer, x: str) -> str:
    return w.guarded("expm1", x, _beyond(w, x, _EXP_FAST_BOUND), _expm1_inside(w, x))


def expm1(w: Writer, x: str) -> Any:
    return w.once("expm1", x, _expm1)


def _log_normal(w: Writer, x: str, correction: str | None) -> str:
    shifted = w.integer("sub", w.bits(x), w.fill_bits(0x3FE6A09E667F3BCD))
    k_bits = w.integer("add", shifted, w.fill_bits(1024 << 52))
    k_bits = w.integer("lshr", k_bits, w.fill_bits(52))
    k_bits = w.integer("or", k_bits, w.fill_bits(0x4330000000000000))
    k = w.subtract(w.from_bits(k_bits), w.fill(2.0**52 + 1024.0))
    exponent = w.integer("and", shifted, w.fill_bits(0xFFF0000000000000))
    m = w.from_bits(w.integer("sub", w.bits(x), exponent))
    f = w.subtract(m, w.fill(1.0))
    s = w.divide(f, w.add(f, w.fill(2.0)))
    z = w.multiply(s, s)
    z2 = w.multiply(z, z)
    c = [w.fill(number) for number in w.target.coefficients["log_tail"]]
    c01 = w.multiply_add(z, c[1], c[0])
    c23 = w.multiply_add(z, c[3], c[2])
    c45 = w.multiply_add(z, c[5], c[4])
    c46 = w.multiply_add(z2, c[6], c45)
    p = w.multiply_add(z2, w.multiply_add(z2, c46, c23), c01)
    low = (
        w.multiply(k, w.fill(_LOG_2_LOW))
        if correction is None
        else w.multiply_add(k, w.fill(_LOG_2_LOW), correction)
    )
    bend = w.multiply_subtract(s, w.subtract(f, w.multiply(z, p)), low)
    return w.multiply_add(k, w.fill(_LOG_2_HIGH), w.subtract(f, bend))


def _outside(w: Writer, x: str, low: float, predicate: str) -> str:
    """Where x is not above `low`, infinite or NaN."""
    return w.masks(
        "or", w.compare(predicate, x, w.fill(low)), w.compare("uge", x, w.fill(float("inf")))
    )


def _log(w: Writer, x: str) -> str:
    special = _outside(w, x, _SMALLEST_NORMAL, "ult")
    return w.guarded("log", x, special, _log_normal(w, x, None))


def log(w: Writer, x: str) -> Any:
    return w.once("log", x, _log)


def _log1p(w: Writer, x: str) -> str:
    one = w.fill(1.0)
    u = w.add(x, one)
    back = w.subtract(u, one)
    error = w.add(w.subtract(one, w.subtract(u, back)), w.subtract(x, back))
    result = _log_normal(w, u, w.divide(error, u))
    result = w.select(w.compare("oeq", x, w.fill(0.0)), x, result)
    return w.guarded("log1p", x, _outside(w, x, -1.0, "ule"), result)


def log1p(w: Writer, x: str) -> Any:
    return w.once("log1p", x, _log1p)


def _tanh(w: Writer, x: str) -> str:
    a = w.magnitude(x)
    a = w.select(w.compare("ogt", a, w.fill(20.0)), w.fill(20.0), a)
    e = _expm1_inside(w, w.add(a, a))
    result = w.with_sign(w.divide(e, w.add(e, w.fill(2.0))), x)
    return w.guarded("tanh", x, w.compare("uno", x, x), result)


def tanh(w: Writer, x: str) -> Any:
    return w.once("tanh", x, _tanh)


def _negative_magnitude(w: Writer, x: str) -> str:
    return w.negate(w.magnitude(x))


def _sigmoid(w: Writer, x: str) -> str:
    e = exp(w, str(w.once("negative magnitude", x, _negative_magnitude)))
    one = w.fill(1.0)
    top = w.select(w.compare("olt", x, w.fill(0.0)), e, one)
    return w.divide(top, w.add(e, one))


def sigmoid(w: Writer, x: str) -> Any:
    return w.once("sigmoid", x, _sigmoid)


class _Circular(NamedTuple):
    sine: str
    cosine: str
    odd: str
    quadrant: str
    far: str


def _horner(w: Writer, coefficients: Sequence[float], x: str) -> str:
    value = w.fill(coefficients[-1])
    for number in reversed(coefficients[:-1]):
        value = w.multiply_add(value, x, w.fill(number))
    return value


def _circular(w: Writer, x: str) -> _Circular:
    """Sine and cosine of x less a multiple of pi/2, and which multiple."""
    parts = [w.fill(part) for part in _HALF_PI_PARTS]
    shifted = w.multiply_add(x, w.fill(_HALF_PI_INVERSE), w.fill(_ROUND_SHIFT))
    n = w.subtract(shifted, w.fill(_ROUND_SHIFT))
    a = w.subtract(x, w.multiply(n, parts[0]))

    def less(before: str, part: str) -> tuple[str, str]:
        product = w.multiply(n, part)
        after = w.subtract(before, product)
        back = w.subtract(after, before)
        error = w.subtract(w.subtract(before, w.subtract(after, back)), w.add(product, back))
        return after, error

    b, b_error = less(a, parts[1])
    c, c_error = less(b, parts[2])
    rest = w.negated_multiply_add(n, parts[3], w.add(b_error, c_error))
    high = w.add(c, rest)
    low = w.subtract(rest, w.subtract(high, c))

    z = w.multiply(high, high)
    half = w.multiply(z, w.fill(0.5))
    sine_low = w.negated_multiply_add(half, low, low)
    sine_tail = _horner(w, w.target.coefficients["sin_tail"], z)
    sine = w.add(high, w.multiply_add(w.multiply(high, z), sine_tail, sine_low))
    top = w.subtract(w.fill(1.0), half)
    top_error = w.subtract(w.subtract(w.fill(1.0), top), half)
    cosine_tail = _horner(w, w.target.coefficients["cos_tail"], z)
    tail = w.multiply_subtract(w.multiply(z, z), cosine_tail, w.multiply(high, low))
    cosine = w.add(top, w.add(top_error, tail))
    quadrant = w.bits(shifted)
    return _Circular(
        sine, cosine, w.bit_mask(quadrant, 1), quadrant, _beyond(w, x, _CIRCULAR_BOUND)
    )


def _reduced(w: Writer, x: str) -> _Circular:
    result = w.once("circular", x, _circular)
    assert isinstance(result, _Circular)
    return result


def _flip(w: Writer, value: str, quadrant: str) -> str:
    """Another sign in the lower half plane."""
    sign = w.integer("shl", w.integer("and", quadrant, w.fill_bits(2)), w.fill_bits(62))
    return w.from_bits(w.integer("xor", w.bits(value), sign))


def _sin(w: Writer, x: str) -> str:
    t = _reduced(w, x)
    result = _flip(w, w.select(t.odd, t.cosine, t.sine), t.quadrant)
    result = w.select(w.compare("oeq", x, w.fill(0.0)), x, result)
    return w.guarded("sin", x, t.far, result)


def sin(w: Writer, x: str) -> Any:
    return w.once("sin", x, _sin)


def _cos(w: Writer, x: str) -> str:
    t = _reduced(w, x)
    next_quadrant = w.integer("add", t.quadrant, w.fill_bits(1))
    result = _flip(w, w.select(t.odd, t.sine, t.cosine), next_quadrant)
    return w.guarded("cos", x, t.far, result)


def cos(w: Writer, x: str) -> Any:
    return w.once("cos", x, _cos)


FUNCTIONS: dict[str, Callable[[Writer, str], Any]] = {
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "log1p": log1p,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "sin": sin,
    "cos": cos,
}


def shared_function(target: Target, name: str) -> tuple[str, set[str]]:
    """The definition of a function that `Writer.call_shared` calls, and what it calls itself."""
    w = Writer(target, "entry")
    result = FUNCTIONS[name](w, "%x")
    lines = [
        f"define internal {target.vector} @{name}{SHARED}({target.vector} %x) noinline nounwind {{",
        "entry:",
        *w.lines,
        f"  ret {target.vector} {result}",
        "}",
        "",
    ]
    return "\n".join(lines), w.called
