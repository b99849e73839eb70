"""The function that runs one stage of a program over the lanes of rows in memory."""

from __future__ import annotations

from collections.abc import Sequence

from talweg.machine_code.elementary import FUNCTIONS
from talweg.machine_code.instructions import Instruction, emit, operand_count
from talweg.machine_code.writer import Target, Writer

# Where a slot's values are, as talweg::SlotPlace has them.
LOCAL, ROW, UNIFORM = range(3)

# Beyond this many rows their addresses are read from the table at each vector: the processor has no
# registers for them.
_ADDRESSES_KEPT = 12

# LLVM's time grows with the square of a basic block's loads and stores.
_ACCESSES_A_BLOCK = 48


# More constants than this are operands in memory.
_CONSTANTS_KEPT = 6


def _constants(instructions: Sequence[Instruction]) -> int:
    """About how many constants the instructions need."""
    functions = {instruction[0] for instruction in instructions} & set(FUNCTIONS)
    return 10 * len(functions) + len({k for *_, k in instructions})


def stage_function(
    target: Target,
    name: str,
    instructions: Sequence[Instruction],
    places: Sequence[int],
    table: dict[int, int],
) -> tuple[str, set[str]]:
    """A talweg::CompiledStage, and the functions of the core it calls.

    Constants go to the table, where there are too many of them for registers.
    """
    stage = _Stage(target, name, instructions, places, table)
    return stage.text(), stage.body.called


class _Stage:
    def __init__(
        self,
        target: Target,
        name: str,
        instructions: Sequence[Instruction],
        places: Sequence[int],
        table: dict[int, int],
    ) -> None:
        self.target = target
        self.name = name
        self.places = places
        used: set[int] = set()
        for opcode, destination, *operands, _ in instructions:
            used |= {destination, *operands[: operand_count(opcode)]}
        rows = sorted(slot for slot in used if places[slot] == ROW)

        # Before the loop.
        self.head = Writer(target)
        self.kept = (
            {slot: self._address(self.head, slot) for slot in rows}
            if len(rows) <= _ADDRESSES_KEPT
            else {}
        )
        self.uniform = {
            slot: self._uniform(slot) for slot in sorted(used) if places[slot] == UNIFORM
        }
        # Never true, which LLVM does not know.
        self.never = self.head.value("icmp eq i64 %end, 0")

        self.body = self.head.continued("loop")
        if target.constants_in_memory and _constants(instructions) > _CONSTANTS_KEPT:
            self.body.table = table
        self.accesses = 0
        emit(self.body, instructions, self._read, self._assigned)

    def text(self) -> str:
        lanes = self.target.vector_lanes
        return "\n".join(
            [
                f"define void @{self.name}(ptr noalias %rows, i64 %first, i64 %end) nounwind {{",
                "entry:",
                *self.head.lines,
                "  br label %loop",
                "loop:",
                f"  %lane = phi i64 [%first, %entry], [%next, %{self.body.block}]",
                *self.body.lines,
                f"  %next = add nuw i64 %lane, {lanes}",
                "  %more = icmp ult i64 %next, %end",
                "  br i1 %more, label %loop, label %done",
                "done:",
                "  ret void",
                "}",
                "",
            ]
        )

    def _address(self, w: Writer, slot: int) -> str:
        entry = w.value(f"getelementptr ptr, ptr %rows, i64 {slot}")
        return w.value(f"load ptr, ptr {entry}, !invariant.load !1")

    def _uniform(self, slot: int) -> str:
        w, vector, lanes = self.head, self.target.vector, self.target.vector_lanes
        value = w.value(f"load double, ptr {self._address(w, slot)}")
        first = w.value(f"insertelement {vector} poison, double {value}, i64 0")
        return w.value(
            f"shufflevector {vector} {first}, {vector} poison, <{lanes} x i32> zeroinitializer"
        )

    def _lane_address(self, slot: int) -> str:
        self.accesses += 1
        if self.accesses % _ACCESSES_A_BLOCK == 0:
            block = f"block{self.accesses}"
            self.body.line(f"br i1 {self.never}, label %done, label %{block}, !prof !0")
            self.body.begin(block)
        row = self.kept[slot] if self.kept else self._address(self.body, slot)
        return self.body.value(f"getelementptr double, ptr {row}, i64 %lane")

    def _read(self, slot: int) -> str:
        if self.places[slot] == UNIFORM:
            return self.uniform[slot]
        address = self._lane_address(slot)
        return self.body.value(f"load {self.target.vector}, ptr {address}, align 8")

    def _assigned(self, slot: int, value: str) -> None:
        if self.places[slot] == ROW:
            address = self._lane_address(slot)
            self.body.line(f"store {self.target.vector} {value}, ptr {address}, align 8")
