"""The function that runs one stage of a program over the lanes of rows in memory."""

from __future__ import annotations

from collections.abc import Sequence

from talweg.machine_code.instructions import Instruction, emit, operand_count
from talweg.machine_code.writer import Target, Writer

# Where a slot's values are, as talweg::SlotPlace has them.
LOCAL, ROW, UNIFORM = range(3)

# Beyond this many rows their addresses are read from the table at each vector: the processor has no
# registers for them.
_ADDRESSES_KEPT = 12

# LLVM's time grows with the square of a basic block's loads and stores.
_ACCESSES_A_BLOCK = 48

# Where more rows than this get the same constant, a loop of its own fills them.
_CONSTANT_ROWS = 4


def stage_function(
    target: Target, name: str, instructions: Sequence[Instruction], places: Sequence[int]
) -> tuple[str, set[str]]:
    """A talweg::CompiledStage, and the functions of the core it calls."""
    stage = _Stage(target, name, instructions, places)
    return stage.text(), stage.body.called


class _Stage:
    def __init__(
        self, target: Target, name: str, instructions: Sequence[Instruction], places: Sequence[int]
    ) -> None:
        self.target = target
        self.name = name
        self.places = places
        used = {slot for i in instructions for slot in (i[1], *i[2 : 2 + operand_count(i[0])])}
        rows = sorted(slot for slot in used if places[slot] == ROW)
        self.constants = _constant_rows(instructions, places)
        self.filled = {slot for slots in self.constants.values() for slot in slots}
        rows = [slot for slot in rows if slot not in self.filled]

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
        self.accesses = 0
        emit(self.body, instructions, self._read, self._assigned)

    def text(self) -> str:
        lanes = self.target.vector_lanes
        fills, tables = [], []
        for i, (constant, slots) in enumerate(self.constants.items()):
            table = f"@{self.name}.rows{i}"
            entries = ", ".join(f"i32 {slot}" for slot in slots)
            tables.append(f"{table} = internal constant [{len(slots)} x i32] [{entries}]")
            fills.append(self._fill(i, table, len(slots), float.fromhex(constant)))
        return "\n".join(
            [
                *tables,
                f"define void @{self.name}(ptr noalias %rows, i64 %first, i64 %end) nounwind {{",
                "entry:",
                *self.head.lines,
                "  br label %loop",
                "loop:",
                f"  %lane = phi i64 [%first, %entry], [%next, %{self.body.block}]",
                *self.body.lines,
                f"  %next = add nuw i64 %lane, {lanes}",
                "  %more = icmp ult i64 %next, %end",
                f"  br i1 %more, label %loop, label %{'fill0' if fills else 'done'}",
                *fills,
                f"{f'fill{len(fills)}' if fills else 'done'}:",
                *(["  br label %done", "done:"] if fills else []),
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
        if self.places[slot] == ROW and slot not in self.filled:
            address = self._lane_address(slot)
            self.body.line(f"store {self.target.vector} {value}, ptr {address}, align 8")

    def _fill(self, number: int, table: str, count: int, constant: float) -> str:
        """A loop that fills the rows of a table with a constant, one row after the other."""
        before = f"fill{number}"
        row, lane = f"fill{number}.row", f"fill{number}.lane"
        return f"""fill{number}:
  br label %{row}
{row}:
  %{row}.i = phi i64 [0, %{before}], [%{row}.next, %{row}.end]
  %{row}.entry = getelementptr i32, ptr {table}, i64 %{row}.i
  %{row}.slot = load i32, ptr %{row}.entry
  %{row}.place = getelementptr ptr, ptr %rows, i32 %{row}.slot
  %{row}.at = load ptr, ptr %{row}.place
  %{row}.next = add nuw i64 %{row}.i, 1
  br label %{lane}
{lane}:
  %{lane}.i = phi i64 [%first, %{row}], [%{lane}.next, %{lane}]
  %{lane}.at = getelementptr double, ptr %{row}.at, i64 %{lane}.i
  store {self.target.vector} {self.head.fill(constant)}, ptr %{lane}.at, align 8
  %{lane}.next = add nuw i64 %{lane}.i, {self.target.vector_lanes}
  %{lane}.more = icmp ult i64 %{lane}.next, %end
  br i1 %{lane}.more, label %{lane}, label %{row}.end
{row}.end:
  %{row}.more = icmp ult i64 %{row}.next, {count}
  br i1 %{row}.more, label %{row}, label %fill{number + 1}"""


def _constant_rows(
    instructions: Sequence[Instruction], places: Sequence[int]
) -> dict[str, list[int]]:
    """Rows that get the same constant (as float.hex) in all lanes, where those are many."""
    known: dict[int, float] = {}
    for opcode, destination, a, _, _, k in instructions:
        if opcode == "load_constant":
            known[destination] = k
        elif opcode == "copy" and a in known:
            known[destination] = known[a]
        else:
            known.pop(destination, None)
    rows: dict[str, list[int]] = {}
    for slot, k in known.items():
        if places[slot] == ROW:
            rows.setdefault(k.hex(), []).append(slot)
    return {k: slots for k, slots in rows.items() if len(slots) > _CONSTANT_ROWS}
