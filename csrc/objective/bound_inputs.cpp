// Tapes with some of their inputs as constants.
#include <algorithm>
#include <map>
#include <stdexcept>
#include <vector>

#include "talweg/tape.hpp"

namespace talweg {

TapeFunction bind_inputs(const Tape& tape, Node output, std::span<const double> values) {
  if (values.size() >= tape.inputs()) {
    throw std::invalid_argument("at least one input must stay free");
  }
  const std::size_t free = tape.inputs() - values.size();
  TapeFunction result{Tape(free, tape.limit()), no_node};
  Tape& target = result.tape;
  std::map<std::int32_t, std::int32_t> tables;
  const auto table_of = [&](std::int32_t table) {
    const auto [place, added] = tables.try_emplace(table, 0);
    if (added) place->second = target.add_table(tape.tables()[static_cast<std::size_t>(table)]);
    return place->second;
  };
  std::vector<Node> copies(tape.size(), no_node);
  for (const Node node : tape.reachable(std::span(&output, 1))) {
    const Tape::Entry& entry = tape.entry(node);
    const auto& operands = entry.operands;
    Node copy = no_node;
    switch (entry.operation) {
      case Operation::input:
        copy = operands[0] < free ? target.input(operands[0])
                                  : target.constant(values[operands[0] - free]);
        break;
      case Operation::constant:
        copy = target.constant(entry.value);
        break;
      case Operation::data_column:
        copy = target.data_column(table_of(entry.table), operands[0]);
        break;
      case Operation::sum_rows:
        copy = target.sum_rows(copies[operands[0]], table_of(tape.entry(operands[0]).table));
        break;
      default: {
        Node at[3] = {no_node, no_node, no_node};
        for (std::size_t k = 0; k < 3; ++k) {
          if (operands[k] != no_node) at[k] = copies[operands[k]];
        }
        copy = target.apply(entry.operation, at[0], at[1], at[2]);
      }
    }
    copies[node] = copy;
  }
  result.output = copies[output];
  return result;
}

}  // namespace talweg
