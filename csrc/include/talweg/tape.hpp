// A recorded function: a graph of operations in single-assignment form, each distinct operation
// stored once (hash-consed). Differentiation maps tapes to tapes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg {

enum class Operation : std::uint16_t {
  input,        // coordinate `a`
  constant,     // `value`
  data_column,  // column `a` of data table `table`: a value that differs from row to row
  add,
  subtract,
  multiply,
  divide,
  negate,
  power,  // a ** b with real b
  exp,
  log,
  sqrt,
  sin,
  cos,
  tan,
  tanh,
  sinh,
  cosh,
  atan,
  erf,
  log1p,
  expm1,
  sigmoid,
  absolute,
  sign,
  minimum,
  maximum,
  less,
  less_equal,
  equal,     // 1.0 or 0.0
  select,    // a != 0 ? b : c
  sum_rows,  // sum of a over the rows of `table`
};

inline constexpr std::size_t operation_count = static_cast<std::size_t>(Operation::sum_rows) + 1;

// The enumerator's own name, a string literal.
const char* name(Operation operation) noexcept;

// Number of operands: 0 for input, constant and data_column, else 1 to 3.
unsigned arity(Operation operation) noexcept;

// The operation's value on numbers; only for operations of arity 1 to 3 other than sum_rows.
double apply(Operation operation, double a, double b = 0.0, double c = 0.0) noexcept;

// A node of a tape. Operands always have smaller numbers than the operations that use them.
using Node = std::uint32_t;
inline constexpr Node no_node = 0xffffffffu;

// A table index for values that are the same in every row.
inline constexpr std::int32_t no_table = -1;

struct DataTable;

// Thrown when a recording grows past its limit of operations.
struct RecordingLimit : std::length_error {
  using std::length_error::length_error;
};

class Tape {
 public:
  struct Entry {
    double value = 0.0;  // constants only
    std::array<std::uint32_t, 3> operands{no_node, no_node, no_node};
    std::int32_t table = no_table;  // rows of which table the value differs over
    Operation operation = Operation::constant;
    bool polynomial = false;  // finite wherever the inputs are, short of overflow
    bool varies = false;      // depends on an input
  };

  static constexpr std::size_t recording_limit = 100000;

  // A tape of a function of `inputs` coordinates with at most `limit` operations.
  explicit Tape(std::size_t inputs, std::size_t limit = recording_limit);

  std::size_t inputs() const noexcept { return inputs_; }
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t operations() const noexcept { return operations_; }
  std::size_t limit() const noexcept { return limit_; }
  const Entry& entry(Node node) const { return entries_[node]; }

  bool is_constant(Node node) const { return entry(node).operation == Operation::constant; }
  bool is_constant(Node node, double value) const {
    return is_constant(node) && entry(node).value == value;
  }
  bool is_row(Node node) const { return entry(node).table != no_table; }

  Node input(std::size_t index) const;
  Node constant(double value);

  // The operation on nodes, simplified: the node returned may be an older or a simpler one.
  // Throws std::invalid_argument when rows of different tables meet, RecordingLimit when full.
  Node apply(Operation operation, Node a, Node b = no_node, Node c = no_node);

  Node add(Node a, Node b) { return apply(Operation::add, a, b); }
  Node subtract(Node a, Node b) { return apply(Operation::subtract, a, b); }
  Node multiply(Node a, Node b) { return apply(Operation::multiply, a, b); }
  Node scale(Node a, double factor) { return apply(Operation::multiply, a, constant(factor)); }
  template <class T>
    requires std::is_floating_point_v<T>
  Node multiply(Node a, T factor) = delete;  // a number is no node: scale
  Node divide(Node a, Node b) { return apply(Operation::divide, a, b); }
  Node negate(Node a) { return apply(Operation::negate, a); }
  Node power(Node a, double exponent) { return apply(Operation::power, a, constant(exponent)); }

  // Adds a table of data; `values` holds rows * columns numbers, column-major.
  std::int32_t add_table(std::size_t rows, std::size_t columns, std::span<const double> values);
  std::int32_t add_table(std::shared_ptr<const DataTable> data);
  Node data_column(std::int32_t table, std::size_t column);
  const std::vector<std::shared_ptr<const DataTable>>& tables() const noexcept { return tables_; }

  // The sum of a row-level node over its table; throws std::invalid_argument for other nodes.
  Node sum_rows(Node a);
  // The sum over the rows of a table; for a node that is the same in every row, rows times it.
  Node sum_rows(Node a, std::int32_t table);

  // The node of the operation on exactly these operands, in this order, without simplification;
  // no_node when there is none.
  Node find(Operation operation, Node a, Node b = no_node, Node c = no_node) const;

  // Stores an operation as it is, for readers of saved tapes.
  Node append(const Entry& entry);

  // Nodes that the outputs depend on, the outputs included, ascending.
  std::vector<Node> reachable(std::span<const Node> outputs) const;

  // Copies what the outputs depend on to another tape with at least as many inputs; returns the
  // outputs' nodes there.
  std::vector<Node> copy_to(Tape& target, std::span<const Node> outputs) const;

 private:
  Node intern(Entry entry);
  Node make(Operation operation, Node a, Node b = no_node, Node c = no_node);
  Node simplify_add(Node a, Node b);
  Node simplify_subtract(Node a, Node b);
  Node simplify_multiply(Node a, Node b);
  Node simplify_divide(Node a, Node b);
  Node simplify_power(Node a, Node b);
  Node simplify_unary(Operation operation, Node a);
  Node simplify_other(Operation operation, Node a, Node b, Node c);
  // node = factor * rest with a constant factor, 1 where there is none.
  struct Scaled {
    double factor;
    Node rest;
  };
  Scaled scaled(Node node) const;
  bool is_negated(Node node) const { return entry(node).operation == Operation::negate; }
  void order(Node& a, Node& b) const;
  double fold_rows(Node a) const;
  std::size_t slot(const Entry& entry) const;
  void grow();

  std::size_t inputs_;
  std::size_t limit_;
  std::size_t operations_ = 0;
  std::vector<Entry> entries_;
  std::vector<Node> slots_;  // open addressing, a power of two long
  std::vector<std::shared_ptr<const DataTable>> tables_;
};

// A tape as flat arrays, to be stored. Only what the output depends on is kept.
struct SerializedTape {
  std::uint64_t inputs = 0;
  std::vector<std::uint16_t> operations;
  std::vector<std::uint32_t> operands;      // three a node, 0xffffffff where there is none
  std::vector<std::int32_t> tables;         // one a node, -1 for values that rows do not change
  std::vector<double> values;               // one a node
  std::vector<std::uint64_t> table_shapes;  // rows and columns of each table
  std::vector<double> table_values;         // the tables one after the other, column-major
  std::uint32_t output = 0;
};

SerializedTape serialize(const Tape& tape, Node output);

struct TapeFunction {
  Tape tape;
  Node output;
};

// Throws std::invalid_argument, naming what is wrong, for arrays that are no tape.
TapeFunction deserialize(const SerializedTape& serialized);

// The function with its last inputs fixed at values, simplified; the first ones stay its
// coordinates. Throws std::invalid_argument when none would.
TapeFunction bind_inputs(const Tape& tape, Node output, std::span<const double> values);

// An objective that evaluates the tape's output, which must be the same in every row, and all its
// derivatives. Throws std::invalid_argument for an output that is no node or differs between rows.
std::unique_ptr<Objective> make_objective(const Tape& tape, Node output);

}  // namespace talweg
