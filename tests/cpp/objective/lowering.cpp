#include "objective/lowering.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace talweg;

namespace {

// The tape's outputs node by node, without any program.
class DirectEvaluation {
 public:
  DirectEvaluation(const Tape& tape, const std::vector<double>& x) : tape_(tape), x_(x) {}

  double operator()(Node node) {
    std::vector<double> values(tape_.size(), 0.0);
    return evaluate(std::vector<Node>{node}, values, no_table, 0)[0];
  }

 private:
  std::vector<double> evaluate(const std::vector<Node>& outputs, std::vector<double>& values,
                               std::int32_t table, std::size_t row) {
    for (const Node node : tape_.reachable(outputs)) {
      const Tape::Entry& entry = tape_.entry(node);
      if (entry.table != no_table && entry.table != table) continue;
      switch (entry.operation) {
        case Operation::input:
          values[node] = x_[entry.operands[0]];
          break;
        case Operation::constant:
          values[node] = entry.value;
          break;
        case Operation::data_column: {
          const DataTable& data = *tape_.tables()[entry.table];
          values[node] = data.values[entry.operands[0] * data.rows + row];
          break;
        }
        case Operation::sum_rows: {
          if (table != no_table) break;  // done at the point, once
          const std::int32_t summed = tape_.entry(entry.operands[0]).table;
          double sum = 0.0;
          for (std::size_t r = 0; r < tape_.tables()[summed]->rows; ++r) {
            std::vector<double> inner = values;
            sum += evaluate({entry.operands[0]}, inner, summed, r)[0];
          }
          values[node] = sum;
          break;
        }
        default:
          values[node] = apply(entry.operation, values[entry.operands[0]],
                               arity(entry.operation) > 1 ? values[entry.operands[1]] : 0.0,
                               arity(entry.operation) > 2 ? values[entry.operands[2]] : 0.0);
      }
    }
    std::vector<double> result;
    for (const Node output : outputs) result.push_back(values[output]);
    return result;
  }

  const Tape& tape_;
  const std::vector<double>& x_;
};

std::vector<double> run_at(const Program& program, const std::vector<double>& x) {
  std::vector<double> results(program.output_registers.size());
  std::vector<const double*> inputs;
  std::vector<double*> outputs;
  for (const double& entry : x) inputs.push_back(&entry);
  for (double& entry : results) outputs.push_back(&entry);
  run(program, 1, inputs.data(), outputs.data());
  return results;
}

// A tape of random operations that keep values of order 1; with `rows`, some of them over data and
// some sums, which later operations use.
std::vector<Node> random_tape(Tape& tape, std::mt19937_64& random, int operations, bool rows) {
  std::vector<Node> points, row_nodes;
  for (std::size_t i = 0; i < tape.inputs(); ++i) points.push_back(tape.input(i));
  points.push_back(tape.constant(0.7));
  points.push_back(tape.constant(-1.3));
  if (rows) {
    std::vector<double> values(7 * 3);
    for (double& value : values) value = std::uniform_real_distribution<>(-1.0, 1.0)(random);
    const std::int32_t table = tape.add_table(7, 3, values);
    for (std::size_t j = 0; j < 3; ++j) row_nodes.push_back(tape.data_column(table, j));
  }
  const auto pick = [&](const std::vector<Node>& from) {
    return from[std::uniform_int_distribution<std::size_t>(0, from.size() - 1)(random)];
  };
  for (int i = 0; i < operations; ++i) {
    const bool in_rows = rows && random() % 2 == 0;
    const auto operand = [&] {
      return in_rows && random() % 3 != 0 ? pick(row_nodes) : pick(points);
    };
    const Node a = operand(), b = operand(), c = operand();
    Node result = no_node;
    switch (random() % 17) {
      case 0:
        result = tape.add(a, b);
        break;
      case 1:
        result = tape.subtract(a, b);
        break;
      case 2:
        result = tape.multiply(a, tape.apply(Operation::tanh, b));
        break;
      case 3:
        result = tape.divide(a, tape.add(tape.power(b, 2.0), tape.constant(1.0)));
        break;
      case 4:
        result = tape.apply(Operation::sin, tape.add(a, b));
        break;
      case 5:
        result = tape.apply(Operation::exp, tape.negate(tape.power(a, 2.0)));
        break;
      case 6:
        result = tape.apply(Operation::sqrt, tape.add(tape.power(a, 4.0), tape.constant(0.1)));
        break;
      case 7:
        result = tape.power(tape.add(tape.power(a, 2.0), tape.constant(1.0)), -1.5);
        break;
      case 8:
        result = tape.apply(Operation::select, tape.apply(Operation::less, a, b), b, c);
        break;
      case 9:
        result = tape.apply(Operation::maximum, a, b);
        break;
      case 10:
        result = tape.apply(Operation::minimum, a, b);
        break;
      case 11:
        result = tape.apply(Operation::sigmoid, a);
        break;
      case 12:
        result = tape.scale(tape.add(a, b), 0.5);
        break;
      case 13:
        result = tape.negate(a);
        break;
      case 14:
        result = tape.subtract(tape.constant(0.3), tape.multiply(a, tape.apply(Operation::cos, b)));
        break;
      case 15:
        result = tape.apply(Operation::atan, tape.multiply(a, b));
        break;
      case 16:
        result =
            rows ? tape.scale(tape.sum_rows(pick(row_nodes)), 0.2) : tape.apply(Operation::erf, a);
        break;
    }
    (tape.is_row(result) ? row_nodes : points).push_back(result);
  }
  return points;
}

}  // namespace

TEST_CASE("programs compute what the graph says") {
  std::mt19937_64 random(7);
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    Tape tape(3);
    const bool rows = trial % 2 == 1;
    const std::vector<Node> nodes = random_tape(tape, random, 40, rows);
    std::vector<Node> outputs(nodes.end() - 6, nodes.end());
    outputs.push_back(no_node);
    outputs.push_back(tape.input(1));
    const Program program = lower(tape, outputs);
    std::vector<double> x(3);
    for (double& entry : x) entry = std::uniform_real_distribution<>(-1.0, 1.0)(random);
    const std::vector<double> results = run_at(program, x);
    DirectEvaluation direct(tape, x);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const double want = outputs[i] == no_node ? 0.0 : direct(outputs[i]);
      CHECK(std::abs(results[i] - want) <= 1e-11 * std::max(1.0, std::abs(want)));
    }
  }
}

TEST_CASE("products fuse into the sums that use them") {
  Tape tape(3);
  const Node x = tape.input(0), y = tape.input(1), z = tape.input(2);
  const auto opcodes = [&](Node output) {
    const Program program = lower(tape, std::span(&output, 1));
    std::vector<Opcode> result;
    for (const Instruction& instruction : program.stages.at(0).instructions)
      result.push_back(instruction.opcode);
    return result;
  };
  CHECK(opcodes(tape.add(tape.multiply(x, y), z)) == std::vector{Opcode::multiply_add});
  CHECK(opcodes(tape.subtract(tape.multiply(x, y), z)) == std::vector{Opcode::multiply_subtract});
  CHECK(opcodes(tape.subtract(z, tape.multiply(x, y))) ==
        std::vector{Opcode::negated_multiply_add});
  CHECK(opcodes(tape.add(z, tape.scale(x, 3.0))) == std::vector{Opcode::multiply_constant_add});
  CHECK(opcodes(tape.add(tape.multiply(x, y), tape.constant(3.0))) ==
        std::vector{Opcode::multiply_add_constant});
  CHECK(opcodes(tape.power(x, 5.0)).size() == 3);
}

TEST_CASE("registers are used again") {
  Tape tape(1);
  Node value = tape.input(0);
  for (int i = 0; i < 1000; ++i)
    value = tape.apply(Operation::sin, tape.add(value, tape.constant(i)));
  CHECK(lower(tape, std::span(&value, 1)).registers <= 2);
}

TEST_CASE("a row stage does only what its sums need, and what is the same in all rows only once") {
  Tape tape(2);
  const std::vector<double> data{1.0, 2.0, 3.0};
  const Node d = tape.data_column(tape.add_table(3, 1, data), 0);
  const Node once = tape.apply(Operation::exp, tape.input(0));
  const Node term = tape.apply(Operation::sin, tape.multiply(once, d));
  const Node first = tape.sum_rows(term);
  const Node second = tape.sum_rows(tape.apply(Operation::cos, tape.multiply(first, d)));
  const Program program = lower(tape, std::span(&second, 1));
  REQUIRE(program.stages.size() == 3);
  CHECK(program.stages[0].instructions.size() == 1);  // exp
  CHECK(program.stages[1].instructions.size() == 2);  // product, sin
  CHECK(program.stages[2].instructions.size() == 2);  // product, cos
}

TEST_CASE("outputs that differ between rows are refused") {
  Tape tape(1);
  const std::vector<double> data{1.0};
  const Node d = tape.data_column(tape.add_table(1, 1, data), 0);
  CHECK_THROWS_AS(lower(tape, std::span(&d, 1)), std::invalid_argument);
}
