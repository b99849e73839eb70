#include "objective/lowering.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>
#include <utility>

#include "objective/machine_graph.hpp"
#include "objective/schedule.hpp"

namespace talweg {
namespace {

using Kind = MachineNode::Kind;

class Registers {
 public:
  std::uint32_t take() {
    if (free_.empty()) return count_++;
    const std::uint32_t result = free_.back();
    free_.pop_back();
    return result;
  }
  void release(std::uint32_t number) { free_.push_back(number); }
  std::uint32_t count() const { return count_; }

 private:
  std::vector<std::uint32_t> free_;  // the last one freed is the likeliest to be in the cache
  std::uint32_t count_ = 0;
};

// Places the instructions of stages one after the other. A value keeps its register until its last
// use; constants live within a stage.
class Placement {
 public:
  explicit Placement(const MachineGraph& graph) : graph_(graph) {
    const std::size_t size = graph.nodes.size();
    uses_.assign(size, 0);
    register_.assign(size, no_value);
    for (const Value output : graph.outputs) ++uses_[output];  // never used up
    collect_stages();
    for (const RowStage& stage : row_stages_)
      for (const Value value : stage.broadcast) ++uses_[value];
    for (const auto& stage : point_stages_)
      for (const Value value : stage)
        graph.for_each_operand(value, [&](Value operand) { ++uses_[operand]; });
  }

  Program run(std::size_t inputs) {
    program_.input_registers.assign(inputs, Program::unused);
    for (Value value = 0; value < graph_.nodes.size(); ++value) {
      if (graph_.nodes[value].kind != Kind::input) continue;
      register_[value] = registers_.take();
      program_.input_registers[graph_.nodes[value].index] = register_[value];
    }
    auto row_stage = row_stages_.begin();
    for (std::size_t depth = 0; depth < point_stages_.size(); ++depth) {
      place_point_stage(point_stages_[depth], depth + 1 == point_stages_.size());
      for (; row_stage != row_stages_.end() && row_stage->depth == depth; ++row_stage)
        place_row_stage(*row_stage);
    }
    for (const Value output : graph_.outputs)
      program_.output_registers.push_back(register_[output]);
    program_.registers = registers_.count();
    return std::move(program_);
  }

 private:
  struct RowStage {
    std::uint32_t depth = 0;
    std::int32_t table = no_table;
    std::vector<Value> sums, instructions, columns, broadcast;
  };

  void collect_stages() {
    std::map<std::pair<std::uint32_t, std::int32_t>, RowStage> row_stages;
    point_stages_.resize(1);
    for (Value value = 0; value < graph_.nodes.size(); ++value) {
      const MachineNode& node = graph_.nodes[value];
      if (node.kind == Kind::sum) row_stages[{node.depth - 1, node.table}].sums.push_back(value);
      if (node.is_row()) continue;
      if (node.depth >= point_stages_.size()) point_stages_.resize(node.depth + std::size_t{1});
      if (node.kind == Kind::instruction) point_stages_[node.depth].push_back(value);
    }
    for (auto& [key, stage] : row_stages) {
      std::tie(stage.depth, stage.table) = key;
      collect_row_stage(stage);
      row_stages_.push_back(std::move(stage));
    }
  }

  // Rows are not kept from one row stage to the next, so each does all that its sums need.
  void collect_row_stage(RowStage& stage) {
    std::vector<char> needed(graph_.nodes.size(), 0);
    for (const Value sum : stage.sums) needed[graph_.nodes[sum].operands[0]] = 1;
    for (std::size_t i = graph_.nodes.size(); i-- > 0;)
      if (needed[i] && graph_.nodes[i].is_row())
        graph_.for_each_operand(static_cast<Value>(i), [&](Value operand) { needed[operand] = 1; });
    for (Value value = 0; value < graph_.nodes.size(); ++value) {
      if (!needed[value]) continue;
      const MachineNode& node = graph_.nodes[value];
      if (node.kind == Kind::column)
        stage.columns.push_back(value);
      else if (node.is_row())
        stage.instructions.push_back(value);
      else if (node.kind != Kind::constant)
        stage.broadcast.push_back(value);
    }
  }

  // Emits instructions in the given order; `place` says where values are, and is kept up to date.
  void emit(Stage& stage, const std::vector<Value>& order, Registers& registers,
            std::vector<std::uint32_t>& place, std::vector<std::uint32_t>& uses) {
    std::vector<std::pair<Value, std::uint32_t>> constant_uses = count_constants(order);
    const auto constant_left = [&](Value value) -> std::uint32_t& {
      return std::lower_bound(constant_uses.begin(), constant_uses.end(),
                              std::pair{value, std::uint32_t{0}})
          ->second;
    };
    for (const Value value : order) {
      const MachineNode& node = graph_.nodes[value];
      graph_.for_each_operand(value, [&](Value operand) {
        if (graph_.nodes[operand].kind != Kind::constant || place[operand] != no_value) return;
        place[operand] = registers.take();
        stage.instructions.push_back(
            {Opcode::load_constant, place[operand], 0, 0, 0, graph_.nodes[operand].k});
      });
      std::array<std::uint32_t, 3> at{0, 0, 0};
      for (unsigned i = 0; i < 3; ++i)
        if (node.operands[i] != no_value) at[i] = place[node.operands[i]];
      graph_.for_each_operand(value, [&](Value operand) {
        const bool is_constant = graph_.nodes[operand].kind == Kind::constant;
        if (--(is_constant ? constant_left(operand) : uses[operand]) > 0) return;
        registers.release(place[operand]);
        place[operand] = no_value;
      });
      place[value] = registers.take();
      stage.instructions.push_back({node.opcode, place[value], at[0], at[1], at[2], node.k});
    }
  }

  std::vector<std::pair<Value, std::uint32_t>> count_constants(
      const std::vector<Value>& order) const {
    std::vector<Value> read;
    for (const Value value : order)
      graph_.for_each_operand(value, [&](Value operand) {
        if (graph_.nodes[operand].kind == Kind::constant) read.push_back(operand);
      });
    std::sort(read.begin(), read.end());
    std::vector<std::pair<Value, std::uint32_t>> counts;
    for (const Value value : read) {
      if (counts.empty() || counts.back().first != value) counts.push_back({value, 0});
      ++counts.back().second;
    }
    return counts;
  }

  void place_point_stage(const std::vector<Value>& values, bool last) {
    Stage stage;
    emit(stage, schedule(graph_, values, uses_), registers_, register_, uses_);
    if (last)
      for (const Value output : graph_.outputs) {
        if (graph_.nodes[output].kind != Kind::constant || register_[output] != no_value) continue;
        register_[output] = registers_.take();
        stage.instructions.push_back(
            {Opcode::load_constant, register_[output], 0, 0, 0, graph_.nodes[output].k});
      }
    if (!stage.instructions.empty()) program_.stages.push_back(std::move(stage));
  }

  void place_row_stage(const RowStage& row_stage) {
    Stage stage;
    stage.data = graph_.tables[row_stage.table];
    Registers registers;
    std::vector<std::uint32_t> place(graph_.nodes.size(), no_value), uses(graph_.nodes.size(), 0);
    // What comes from outside stays for all rows, and sums until the rows are through: one use more
    // than there are.
    for (const Value value : row_stage.broadcast) {
      ++uses[value];
      place[value] = registers.take();
      stage.broadcasts.push_back({register_[value], place[value]});
    }
    for (const Value value : row_stage.columns) {
      ++uses[value];
      place[value] = registers.take();
      stage.columns.push_back({graph_.nodes[value].index, place[value]});
    }
    for (const Value sum : row_stage.sums) ++uses[graph_.nodes[sum].operands[0]];
    for (const Value value : row_stage.instructions)
      graph_.for_each_operand(value, [&](Value operand) { ++uses[operand]; });
    emit(stage, schedule(graph_, row_stage.instructions, uses), registers, place, uses);
    stage.registers = registers.count();
    for (const Value sum : row_stage.sums) {
      register_[sum] = registers_.take();
      stage.sums.push_back({place[graph_.nodes[sum].operands[0]], register_[sum]});
    }
    for (const Value value : row_stage.broadcast) {
      if (--uses_[value] > 0) continue;
      registers_.release(register_[value]);
      register_[value] = no_value;
    }
    program_.stages.push_back(std::move(stage));
  }

  const MachineGraph& graph_;
  Program program_;
  Registers registers_;
  std::vector<std::uint32_t> uses_;      // of point-level values, still to come
  std::vector<std::uint32_t> register_;  // of point-level values
  std::vector<std::vector<Value>> point_stages_;
  std::vector<RowStage> row_stages_;
};

}  // namespace

Program lower(const Tape& tape, std::span<const Node> outputs) {
  for (const Node output : outputs)
    if (output != no_node && tape.is_row(output))
      throw std::invalid_argument("an output differs from row to row: sum it over the rows");
  const MachineGraph graph = select_instructions(tape, outputs);
  return Placement(graph).run(tape.inputs());
}

std::size_t instruction_count(const Program& program) {
  std::size_t count = 0;
  for (const Stage& stage : program.stages) count += stage.instructions.size();
  return count;
}

}  // namespace talweg
