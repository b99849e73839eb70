#include "objective/machine_code.hpp"

#include <algorithm>

namespace talweg {

namespace {

// Point slots that a stage reads before it assigns them.
void mark_read_first(const ExecutableStage& stage, std::vector<bool>& marked) {
  if (stage.sums_rows()) {
    for (const std::uint32_t slot : stage.broadcasts) marked[slot] = true;
    return;
  }
  std::vector<bool> assigned(marked.size());
  for (const Code& code : stage.code) {
    if (code.opcode == code_end) break;
    const int operands = operand_count(static_cast<Opcode>(code.opcode));
    const std::uint32_t offsets[] = {code.a, code.b, code.c};
    for (int i = 0; i < operands; ++i)
      if (!assigned[offsets[i] / 8]) marked[offsets[i] / 8] = true;
    assigned[code.destination / 8] = true;
  }
}

}  // namespace

std::vector<SlotPlace> slot_places(const Executable& program, std::size_t number) {
  const ExecutableStage& stage = program.stages[number];
  if (stage.sums_rows()) {
    std::vector<SlotPlace> places(stage.slots, SlotPlace::row);
    std::fill_n(places.begin(), stage.first_column, SlotPlace::local);
    std::fill_n(places.begin() + stage.first_broadcast, stage.broadcasts.size(),
                SlotPlace::uniform);
    return places;
  }
  std::vector<SlotPlace> places(program.slots, SlotPlace::row);
  std::vector<bool> shared(program.slots);
  for (const ExecutableStage& other : program.stages) mark_read_first(other, shared);
  for (std::uint32_t slot = 0; slot < program.first_input; ++slot)
    if (!shared[slot]) places[slot] = SlotPlace::local;
  return places;
}

}  // namespace talweg
