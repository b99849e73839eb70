// The graph between tape and program: the operations of the interpreter, on values not yet placed
// in registers.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "objective/program.hpp"
#include "talweg/tape.hpp"

namespace talweg {

using Value = std::uint32_t;
inline constexpr Value no_value = 0xffffffffu;

struct MachineNode {
  enum class Kind : std::uint8_t {
    instruction,
    constant,  // k; made anew in every stage that needs it in a register
    input,     // number `index`
    column,    // number `index` of the table
    sum,       // operands[0] summed over the rows of the table
  };
  Kind kind = Kind::instruction;
  Opcode opcode = Opcode::copy;
  std::uint32_t index = 0;
  std::array<Value, 3> operands{no_value, no_value, no_value};
  double k = 0.0;
  std::int32_t table = no_table;  // for sums the table summed over, else that of the value's rows
  std::uint32_t depth = 0;        // number of sums over rows, one inside the other, before it

  bool is_row() const { return kind != Kind::sum && table != no_table; }
};

struct MachineGraph {
  std::vector<MachineNode> nodes;  // operands come before their users
  std::vector<Value> outputs;
  std::vector<std::shared_ptr<const DataTable>> tables;

  // Every distinct value that a node reads.
  template <class Visitor>
  void for_each_operand(Value value, Visitor&& visit) const {
    const auto& operands = nodes[value].operands;
    for (unsigned i = 0; i < 3; ++i) {
      if (operands[i] == no_value) continue;
      if ((i > 0 && operands[i] == operands[0]) || (i > 1 && operands[i] == operands[1])) continue;
      visit(operands[i]);
    }
  }
};

// Chooses instructions: immediate constants, powers as products, fused multiply-adds.
MachineGraph select_instructions(const Tape& tape, std::span<const Node> outputs);

}  // namespace talweg
