"""LLVM's assembly language, as far as code over vectors of doubles needs it."""

from __future__ import annotations

import platform
import struct
import sys
from collections.abc import Callable, Sequence

# Ends the names of functions of the module itself, one copy for all uses.
SHARED = "_shared"

# The calling convention of calls that are hardly ever made: where they keep all registers, they cost
# nothing where they are not made.
RARE = (
    "preserve_allcc "
    if platform.machine().lower() in ("x86_64", "amd64") and sys.platform != "win32"
    else ""
)


class Target:
    """The vectors that code is written for, and the core's functions on them.

    Results must be the bits that the core's interpreter gives, so that multiplications and
    additions are fused exactly where it fuses them.
    """

    def __init__(
        self,
        vector_lanes: int,
        fused: bool,
        functions: dict[str, int],
        coefficients: dict[str, Sequence[float]],
    ) -> None:
        self.vector_lanes = vector_lanes
        self.fused = fused
        self.constants_in_memory = vector_lanes == 4
        self.functions = functions
        self.coefficients = coefficients
        self.vector = f"<{vector_lanes} x double>"
        self.integers = f"<{vector_lanes} x i64>"
        self.mask = f"<{vector_lanes} x i1>"
        self.suffix = f"v{vector_lanes}f64"


class Writer:
    """Appends instructions to the body of a function; values are their names or constants."""

    def __init__(self, target: Target, block: str = "entry") -> None:
        self.target = target
        self.block = block
        self.lines: list[str] = []
        self.called: set[str] = set()  # functions of the core, and shared ones
        # Where constants are in memory: their places in the table, by their bits.
        self.table: dict[int, int] | None = None
        self._count = 0
        # What was computed once for all its uses, by kind and argument. Blocks follow one another
        # without alternatives but those that `guarded` joins again, so every value stays visible.
        self._known: dict[tuple[str, str], object] = {}

    def name(self) -> str:
        self._count += 1
        return f"%v{self._count:x}"

    def continued(self, block: str) -> Writer:
        """A writer for a later part of the same function."""
        other = Writer(self.target, block)
        other._count = self._count
        other.called = self.called
        other.table = self.table
        return other

    def value(self, text: str) -> str:
        """The result of an instruction."""
        name = self.name()
        self.lines.append(f"  {name} = {text}")
        return name

    def line(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def begin(self, block: str) -> None:
        self.lines.append(f"{block}:")
        self.block = block

    def once(self, kind: str, argument: str, make: Callable[[Writer, str], object]) -> object:
        """What `make` computes of the argument, once."""
        key = (kind, argument)
        if key not in self._known:
            self._known[key] = make(self, argument)
        return self._known[key]

    # Constants.

    def fill(self, number: float) -> str:
        (bits,) = struct.unpack("<Q", struct.pack("<d", number))
        if self.table is not None:
            place = self.table.setdefault(bits, len(self.table))
            vector, size = self.target.vector, 8 * self.target.vector_lanes
            entry = self.value(f"getelementptr {vector}, ptr @{CONSTANTS}, i64 {place}")
            return self.value(f"load {vector}, ptr {entry}, align {size}")
        return self.literal(bits)

    def literal(self, bits: int) -> str:
        return "<" + ", ".join([f"double 0x{bits:016X}"] * self.target.vector_lanes) + ">"

    def fill_bits(self, number: int) -> str:
        return "<" + ", ".join([f"i64 {number}"] * self.target.vector_lanes) + ">"

    # Arithmetic on doubles.

    def binary(self, operation: str, a: str, b: str) -> str:
        return self.value(f"{operation} {self.target.vector} {a}, {b}")

    def add(self, a: str, b: str) -> str:
        return self.binary("fadd", a, b)

    def subtract(self, a: str, b: str) -> str:
        return self.binary("fsub", a, b)

    def multiply(self, a: str, b: str) -> str:
        return self.binary("fmul", a, b)

    def divide(self, a: str, b: str) -> str:
        return self.binary("fdiv", a, b)

    def negate(self, a: str) -> str:
        return self.value(f"fneg {self.target.vector} {a}")

    def intrinsic(self, function: str, *arguments: str) -> str:
        vector = self.target.vector
        given = ", ".join(f"{vector} {argument}" for argument in arguments)
        return self.value(f"call {vector} @llvm.{function}.{self.target.suffix}({given})")

    def multiply_add(self, a: str, b: str, c: str) -> str:
        """a b + c, rounded once where the instruction set has it."""
        if self.target.fused:
            return self.intrinsic("fma", a, b, c)
        return self.add(self.multiply(a, b), c)

    def multiply_subtract(self, a: str, b: str, c: str) -> str:
        """a b - c"""
        if self.target.fused:
            return self.intrinsic("fma", a, b, self.negate(c))
        return self.subtract(self.multiply(a, b), c)

    def negated_multiply_add(self, a: str, b: str, c: str) -> str:
        """c - a b"""
        if self.target.fused:
            return self.intrinsic("fma", self.negate(a), b, c)
        return self.subtract(c, self.multiply(a, b))

    def magnitude(self, a: str) -> str:
        return self.intrinsic("fabs", a)

    def with_sign(self, a: str, b: str) -> str:
        """|a| with the sign of b."""
        return self.intrinsic("copysign", a, b)

    # Masks and bits.

    def compare(self, predicate: str, a: str, b: str) -> str:
        return self.value(f"fcmp {predicate} {self.target.vector} {a}, {b}")

    def masks(self, operation: str, a: str, b: str) -> str:
        return self.value(f"{operation} {self.target.mask} {a}, {b}")

    def select(self, mask: str, a: str, b: str) -> str:
        vector = self.target.vector
        return self.value(f"select {self.target.mask} {mask}, {vector} {a}, {vector} {b}")

    def bits(self, a: str) -> str:
        return self.value(f"bitcast {self.target.vector} {a} to {self.target.integers}")

    def from_bits(self, a: str) -> str:
        return self.value(f"bitcast {self.target.integers} {a} to {self.target.vector}")

    def integer(self, operation: str, a: str, b: str) -> str:
        return self.value(f"{operation} {self.target.integers} {a}, {b}")

    def bit_mask(self, a: str, bit: int) -> str:
        """Where the bit is set."""
        kept = self.integer("and", a, self.fill_bits(bit))
        return self.value(f"icmp ne {self.target.integers} {kept}, zeroinitializer")

    # The core's functions.

    def call(self, function: str, *arguments: str) -> str:
        """A function of the core on whole vectors."""
        self.called.add(function)
        vector = self.target.vector
        given = ", ".join(f"{vector} {argument}" for argument in arguments)
        return self.value(f"call {vector} @{function}_vector({given})")

    def call_shared(self, function: str, x: str) -> str:
        """What a function of `elementary` is in line, by a call of one copy in the module."""
        self.called.add(f"{function}{SHARED}")
        vector = self.target.vector
        return self.value(f"call {vector} @{function}{SHARED}({vector} {x})")

    def guarded(self, function: str, x: str, special: str, fast: str) -> str:
        """`fast`, or the core's function of x where some lane is special."""
        self.called.add(f"{function}_rarely")
        vector, lanes = self.target.vector, self.target.vector_lanes
        together = self.value(f"bitcast {self.target.mask} {special} to i{lanes}")
        some = self.value(f"icmp ne i{lanes} {together}, 0")
        before = self.block
        self._count += 1
        slow, join = f"slow.{self._count:x}", f"join.{self._count:x}"
        self.line(f"br i1 {some}, label %{slow}, label %{join}, !prof !0")
        self.begin(slow)
        found = self.value(f"call {RARE}{vector} @{function}_rarely({vector} {x})")
        self.line(f"br label %{join}")
        self.begin(join)
        return self.value(f"phi {vector} [{fast}, %{before}], [{found}, %{slow}]")


CONSTANTS = "constants"


def constant_table(target: Target, table: dict[int, int]) -> str:
    """The constants, a vector each.

    Out of AVX2's own constants LLVM makes a scalar and an instruction that fills a vector with it
    at every use; vectors in memory are operands of the arithmetic. Were the table declared
    constant, LLVM would load it into registers before a loop and from there put it on the stack.
    """
    vector, writer = target.vector, Writer(target)
    entries = ", ".join(f"{vector} {writer.literal(bits)}" for bits in table)
    kind = f"[{len(table)} x {vector}] [{entries}]"
    return f"@{CONSTANTS} = internal global {kind}, align {8 * target.vector_lanes}\n"


def declarations(target: Target) -> str:
    """What every module needs that uses a Writer."""
    vector, suffix = target.vector, target.suffix
    unary = [f"declare {vector} @llvm.{name}.{suffix}({vector})" for name in ("fabs", "sqrt")]
    return "\n".join(
        [
            *unary,
            f"declare {vector} @llvm.copysign.{suffix}({vector}, {vector})",
            f"declare {vector} @llvm.fma.{suffix}({vector}, {vector}, {vector})",
            '!0 = !{!"branch_weights", i32 1, i32 100000}',
            "!1 = !{}",
            "",
        ]
    )


def call_through_memory(target: Target, called: str) -> str:
    """The definition of a function on vectors that calls the core's on arrays of them."""
    vector = target.vector
    rare = called.removesuffix("_rarely")
    function, name, convention = (
        (rare, called, RARE) if rare != called else (called, f"{called}_vector", "")
    )
    arguments = ["%a", "%b"] if function == "power" else ["%a"]
    given = ", ".join(f"{vector} {argument}" for argument in arguments)
    align = f"align {8 * target.vector_lanes}"
    lines = [f"define internal {convention}{vector} @{name}({given}) noinline nounwind {{"]
    lines += [f"  %to = alloca {vector}, {align}"]
    for argument in arguments:
        lines += [f"  {argument}.memory = alloca {vector}, {align}"]
        lines += [f"  store {vector} {argument}, ptr {argument}.memory, {align}"]
    pointers = ", ".join(f"ptr {argument}.memory" for argument in arguments)
    address = f"inttoptr (i64 {target.functions[function]} to ptr)"
    lines += [
        f"  call void {address}(ptr %to, {pointers}, i64 1)",
        f"  %result = load {vector}, ptr %to, {align}",
        f"  ret {vector} %result",
        "}",
    ]
    return "\n".join(lines) + "\n"
