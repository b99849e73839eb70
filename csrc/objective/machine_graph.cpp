#include "objective/machine_graph.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace talweg {
namespace {

using Kind = MachineNode::Kind;

struct NodeHash {
  std::size_t operator()(const MachineNode& node) const {
    std::uint64_t hash =
        static_cast<std::uint64_t>(node.kind) << 32 | static_cast<std::uint64_t>(node.opcode);
    const auto mix = [&](std::uint64_t value) {
      hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
      hash ^= hash >> 29;
    };
    mix(node.index);
    for (const Value operand : node.operands) mix(operand);
    mix(std::bit_cast<std::uint64_t>(node.k));
    mix(static_cast<std::uint32_t>(node.table));
    return hash;
  }
};

struct NodeEqual {
  bool operator()(const MachineNode& a, const MachineNode& b) const {
    return a.kind == b.kind && a.opcode == b.opcode && a.index == b.index &&
           a.operands == b.operands && a.table == b.table &&
           std::bit_cast<std::uint64_t>(a.k) == std::bit_cast<std::uint64_t>(b.k);
  }
};

class Selection {
 public:
  Selection(const Tape& tape, MachineGraph& graph) : tape_(tape), graph_(graph) {
    graph_.tables = tape.tables();
  }

  Value constant(double k) {
    MachineNode node;
    node.kind = Kind::constant;
    node.opcode = Opcode::load_constant;
    node.k = k;
    return intern(node);
  }

  Value translate(Node tape_node, const std::vector<Value>& values) {
    const Tape::Entry& entry = tape_.entry(tape_node);
    const auto operand = [&](unsigned i) { return values[entry.operands[i]]; };
    const auto is_constant = [&](unsigned i) { return tape_.is_constant(entry.operands[i]); };
    const auto number = [&](unsigned i) { return tape_.entry(entry.operands[i]).value; };
    switch (entry.operation) {
      case Operation::constant:
        return constant(entry.value);
      case Operation::input:
      case Operation::data_column: {
        MachineNode node;
        node.kind = entry.operation == Operation::input ? Kind::input : Kind::column;
        node.index = entry.operands[0];
        node.table = entry.table;
        return intern(node);
      }
      case Operation::sum_rows: {
        MachineNode node;
        node.kind = Kind::sum;
        node.operands[0] = operand(0);
        node.table = tape_.entry(entry.operands[0]).table;
        node.depth = graph_.nodes[operand(0)].depth + 1;
        return intern(node);
      }
      case Operation::add:
        return is_constant(1) ? make(Opcode::add_constant, number(1), operand(0))
                              : make(Opcode::add, operand(0), operand(1));
      case Operation::subtract:
        return is_constant(0) ? make(Opcode::constant_subtract, number(0), operand(1))
                              : make(Opcode::subtract, operand(0), operand(1));
      case Operation::multiply:
        return is_constant(1) ? make(Opcode::multiply_constant, number(1), operand(0))
                              : multiply(operand(0), operand(1));
      case Operation::divide:
        return is_constant(0) ? make(Opcode::constant_divide, number(0), operand(1))
                              : make(Opcode::divide, operand(0), operand(1));
      case Operation::power:
        return is_constant(1) ? power(operand(0), number(1))
                              : make(Opcode::power, operand(0), operand(1));
      case Operation::select:
        return make(Opcode::select, operand(0), operand(1), operand(2));
      default:
        return arity(entry.operation) == 1 ? make(opcode(entry.operation), operand(0))
                                           : make(opcode(entry.operation), operand(0), operand(1));
    }
  }

 private:
  static Opcode opcode(Operation operation) {
    switch (operation) {
      case Operation::negate:
        return Opcode::negate;
      case Operation::exp:
        return Opcode::exp;
      case Operation::log:
        return Opcode::log;
      case Operation::sqrt:
        return Opcode::square_root;
      case Operation::sin:
        return Opcode::sin;
      case Operation::cos:
        return Opcode::cos;
      case Operation::tan:
        return Opcode::tan;
      case Operation::tanh:
        return Opcode::tanh;
      case Operation::sinh:
        return Opcode::sinh;
      case Operation::cosh:
        return Opcode::cosh;
      case Operation::atan:
        return Opcode::atan;
      case Operation::erf:
        return Opcode::erf;
      case Operation::log1p:
        return Opcode::log1p;
      case Operation::expm1:
        return Opcode::expm1;
      case Operation::sigmoid:
        return Opcode::sigmoid;
      case Operation::absolute:
        return Opcode::absolute;
      case Operation::sign:
        return Opcode::sign;
      case Operation::minimum:
        return Opcode::minimum;
      case Operation::maximum:
        return Opcode::maximum;
      case Operation::less:
        return Opcode::less;
      case Operation::less_equal:
        return Opcode::less_equal;
      case Operation::equal:
        return Opcode::equal;
      default:
        throw std::logic_error("an operation without an instruction");
    }
  }

  Value intern(const MachineNode& node) {
    const auto [found, inserted] =
        known_.try_emplace(node, static_cast<Value>(graph_.nodes.size()));
    if (inserted) graph_.nodes.push_back(node);
    return found->second;
  }

  Value make(MachineNode node) {
    for (const Value operand : node.operands) {
      if (operand == no_value) continue;
      const MachineNode& other = graph_.nodes[operand];
      if (other.is_row()) node.table = other.table;
      node.depth = std::max(node.depth, other.depth);
    }
    return intern(node);
  }

  Value make(Opcode opcode, Value a, Value b = no_value, Value c = no_value) {
    MachineNode node;
    node.opcode = opcode;
    node.operands = {a, b, c};
    return make(node);
  }

  Value make(Opcode opcode, double k, Value a) {
    MachineNode node;
    node.opcode = opcode;
    node.operands[0] = a;
    node.k = k;
    return make(node);
  }

  Value multiply(Value a, Value b) {
    if (a == b) return make(Opcode::square, a);
    return make(Opcode::multiply, std::min(a, b), std::max(a, b));
  }

  // By squaring, so that powers of one base share their products.
  Value whole_power(Value a, unsigned exponent) {
    if (exponent == 1) return a;
    if (exponent % 2 == 0) {
      const Value root = whole_power(a, exponent / 2);
      return make(Opcode::square, root);
    }
    return multiply(whole_power(a, exponent - 1), a);
  }

  Value power(Value a, double exponent) {
    const double magnitude = std::abs(exponent), whole = std::floor(magnitude);
    Value result = no_value;
    if (whole == magnitude && whole <= 64.0) {
      result = whole_power(a, static_cast<unsigned>(whole));
    } else if (magnitude - whole == 0.5 && whole >= 1.0 && whole <= 8.0) {
      result = multiply(whole_power(a, static_cast<unsigned>(whole)), make(Opcode::square_root, a));
    } else {
      return make(Opcode::power_constant, exponent, a);
    }
    return exponent > 0.0 ? result : make(Opcode::constant_divide, 1.0, result);
  }

  const Tape& tape_;
  MachineGraph& graph_;
  std::unordered_map<MachineNode, Value, NodeHash, NodeEqual> known_;
};

// Joins products with the sums that use them.
class Fusion {
 public:
  explicit Fusion(MachineGraph& graph) : graph_(graph), users_(graph.nodes.size()) {
    pinned_.assign(graph.nodes.size(), 0);
    for (const Value output : graph.outputs) pinned_[output] = 1;
    for (Value value = 0; value < graph.nodes.size(); ++value)
      graph.for_each_operand(value, [&](Value operand) { users_[operand].push_back(value); });
  }

  void run() {
    // Products used once first: a sum of two products can take only one of them, and a product used
    // several times saves nothing unless every use takes it.
    for (const bool shared : {false, true})
      for (Value value = 0; value < graph_.nodes.size(); ++value) {
        const auto& users = users_[value];
        if (!is_product(value) || pinned_[value] || users.empty() || (users.size() > 1) != shared)
          continue;
        if (std::all_of(users.begin(), users.end(), [&](Value user) { return fuses(value, user); }))
          for (const Value user : users) fuse(value, user);
      }
  }

 private:
  bool is_product(Value value) const {
    const MachineNode& node = graph_.nodes[value];
    return node.kind == Kind::instruction &&
           (node.opcode == Opcode::multiply || node.opcode == Opcode::square ||
            node.opcode == Opcode::multiply_constant);
  }

  bool fuses(Value product, Value user) const {
    const MachineNode& node = graph_.nodes[user];
    const bool by_constant = graph_.nodes[product].opcode == Opcode::multiply_constant;
    // A product at a point must not be done again in every row.
    if (node.kind != Kind::instruction || graph_.nodes[product].is_row() != node.is_row() ||
        graph_.nodes[product].depth != node.depth)
      return false;
    switch (node.opcode) {
      case Opcode::add:
        return node.operands[0] != node.operands[1];
      case Opcode::subtract:
        return node.operands[0] != node.operands[1] &&
               (!by_constant || node.operands[1] == product);
      case Opcode::add_constant:
        return !by_constant;
      default:
        return false;
    }
  }

  void fuse(Value product, Value user) {
    const MachineNode& factors = graph_.nodes[product];
    MachineNode& node = graph_.nodes[user];
    const bool by_constant = factors.opcode == Opcode::multiply_constant;
    const Value x = factors.operands[0];
    const Value y = factors.opcode == Opcode::square ? x : factors.operands[1];
    const Value other = node.operands[0] == product ? node.operands[1] : node.operands[0];
    if (by_constant) {
      node.k = node.opcode == Opcode::subtract ? -factors.k : factors.k;
      node.opcode = Opcode::multiply_constant_add;
      node.operands = {x, other, no_value};
    } else if (node.opcode == Opcode::add_constant) {
      node.opcode = Opcode::multiply_add_constant;
      node.operands = {x, y, no_value};
    } else {
      node.opcode = node.opcode == Opcode::add    ? Opcode::multiply_add
                    : node.operands[0] == product ? Opcode::multiply_subtract
                                                  : Opcode::negated_multiply_add;
      node.operands = {x, y, other};
    }
  }

  MachineGraph& graph_;
  std::vector<std::vector<Value>> users_;
  std::vector<char> pinned_;
};

// Drops what no output needs and renumbers.
void compact(MachineGraph& graph) {
  std::vector<char> needed(graph.nodes.size(), 0);
  for (const Value output : graph.outputs) needed[output] = 1;
  for (std::size_t i = graph.nodes.size(); i-- > 0;)
    if (needed[i])
      graph.for_each_operand(static_cast<Value>(i), [&](Value operand) { needed[operand] = 1; });
  std::vector<Value> number(graph.nodes.size(), no_value);
  Value next = 0;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!needed[i]) continue;
    MachineNode node = graph.nodes[i];
    for (Value& operand : node.operands)
      if (operand != no_value) operand = number[operand];
    number[i] = next;
    graph.nodes[next++] = node;
  }
  graph.nodes.resize(next);
  for (Value& output : graph.outputs) output = number[output];
}

}  // namespace

MachineGraph select_instructions(const Tape& tape, std::span<const Node> outputs) {
  MachineGraph graph;
  Selection selection(tape, graph);
  std::vector<Node> present;
  for (const Node output : outputs)
    if (output != no_node) present.push_back(output);
  std::vector<Value> values(tape.size(), no_value);
  if (!present.empty())
    for (const Node node : tape.reachable(present))
      values[node] = selection.translate(node, values);
  for (const Node output : outputs)
    graph.outputs.push_back(output == no_node ? selection.constant(0.0) : values[output]);
  compact(graph);
  Fusion(graph).run();
  compact(graph);
  return graph;
}

}  // namespace talweg
