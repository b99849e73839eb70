#include <algorithm>
#include <numeric>
#include <string>

#include "objective/program.hpp"
#include "talweg/tape.hpp"

namespace talweg {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument("not a saved tape: " + what);
}

}  // namespace

SerializedTape serialize(const Tape& tape, Node output) {
  if (output >= tape.size()) throw std::invalid_argument("the output is no node of the tape");
  // Through a copy, so that tables nothing uses are dropped and equal functions give equal arrays
  // whatever else their tapes hold.
  Tape kept(tape.inputs(), tape.limit());
  const Node copied_output = tape.copy_to(kept, std::span(&output, 1))[0];

  SerializedTape result;
  result.inputs = kept.inputs();
  result.output = copied_output;
  for (Node node = 0; node < kept.size(); ++node) {
    const Tape::Entry& entry = kept.entry(node);
    result.operations.push_back(static_cast<std::uint16_t>(entry.operation));
    result.operands.insert(result.operands.end(), entry.operands.begin(), entry.operands.end());
    result.tables.push_back(entry.table);
    result.values.push_back(entry.value);
  }
  for (const auto& table : kept.tables()) {
    result.table_shapes.push_back(table->rows);
    result.table_shapes.push_back(table->columns);
    result.table_values.insert(result.table_values.end(), table->values.begin(),
                               table->values.end());
  }
  return result;
}

TapeFunction deserialize(const SerializedTape& serialized) {
  const std::size_t size = serialized.operations.size();
  if (serialized.operands.size() != 3 * size || serialized.tables.size() != size ||
      serialized.values.size() != size)
    refuse("its arrays differ in length");
  if (serialized.inputs == 0 || serialized.inputs > size)
    refuse("it has " + std::to_string(serialized.inputs) + " inputs and " + std::to_string(size) +
           " nodes");
  if (serialized.output >= size) refuse("the output is no node");
  if (serialized.table_shapes.size() % 2 != 0) refuse("a data table without a shape");

  TapeFunction result{Tape(serialized.inputs, std::max(size, Tape::recording_limit)), 0};
  Tape& tape = result.tape;
  std::size_t used = 0;
  for (std::size_t i = 0; i < serialized.table_shapes.size(); i += 2) {
    const std::uint64_t rows = serialized.table_shapes[i], columns = serialized.table_shapes[i + 1];
    const std::size_t left = serialized.table_values.size() - used;
    if (rows == 0 || columns == 0 || rows > left || columns > left / rows)
      refuse("a data table with fewer values than its shape says");
    tape.add_table(rows, columns, std::span(serialized.table_values).subspan(used, rows * columns));
    used += rows * columns;
  }
  if (used != serialized.table_values.size()) refuse("values that belong to no data table");

  std::vector<Node> nodes(size);
  for (std::size_t i = 0; i < size; ++i) {
    const std::string where = "node " + std::to_string(i);
    if (serialized.operations[i] >= operation_count) refuse(where + " is an unknown operation");
    Tape::Entry entry;
    entry.operation = static_cast<Operation>(serialized.operations[i]);
    entry.table = serialized.tables[i];
    entry.value = serialized.values[i];
    std::copy_n(serialized.operands.begin() + static_cast<std::ptrdiff_t>(3 * i), 3,
                entry.operands.begin());
    const unsigned count = arity(entry.operation);
    for (unsigned j = 0; j < count; ++j) {
      if (entry.operands[j] >= i) refuse(where + " uses a node that does not come before it");
      entry.operands[j] = nodes[entry.operands[j]];
    }
    for (unsigned j = count; j < 3; ++j)
      if (j > 0 || entry.operation == Operation::constant)
        if (entry.operands[j] != no_node) refuse(where + " has too many operands");
    if (count == 0 && entry.operation == Operation::input && entry.operands[0] >= serialized.inputs)
      refuse(where + " is an input out of range");
    if (entry.operation == Operation::data_column &&
        (entry.table < 0 || static_cast<std::size_t>(entry.table) >= tape.tables().size() ||
         entry.operands[0] >= tape.tables()[entry.table]->columns))
      refuse(where + " is a data column out of range");
    if (entry.operation == Operation::sum_rows && !tape.is_row(entry.operands[0]))
      refuse(where + " sums over the rows of a value that is the same in every row");
    nodes[i] = tape.append(entry);
    if (tape.entry(nodes[i]).table != serialized.tables[i])
      refuse(where + " does not belong to the data table it names");
  }
  result.output = nodes[serialized.output];
  if (tape.is_row(result.output)) refuse("its output differs from row to row");
  return result;
}

}  // namespace talweg
