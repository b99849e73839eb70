#include "talweg/tape.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <unordered_map>
#include <utility>

#include "objective/program.hpp"

namespace talweg {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 29);
}

bool commutes(Operation operation) {
  switch (operation) {
    case Operation::add:
    case Operation::multiply:
    case Operation::minimum:
    case Operation::maximum:
    case Operation::equal:
      return true;
    default:
      return false;
  }
}

// Operations that keep a finite argument finite, short of overflow.
bool keeps_finite(Operation operation) {
  switch (operation) {
    case Operation::add:
    case Operation::subtract:
    case Operation::multiply:
    case Operation::negate:
    case Operation::sin:
    case Operation::cos:
    case Operation::tanh:
    case Operation::atan:
    case Operation::erf:
    case Operation::sigmoid:
    case Operation::absolute:
    case Operation::sign:
    case Operation::minimum:
    case Operation::maximum:
    case Operation::less:
    case Operation::less_equal:
    case Operation::equal:
    case Operation::select:
    case Operation::sum_rows:
      return true;
    default:
      return false;
  }
}

bool is_small_integer(double value) { return std::abs(value) <= 64.0 && value == std::rint(value); }

}  // namespace

Tape::Tape(std::size_t inputs, std::size_t limit) : inputs_(inputs), limit_(limit) {
  if (inputs == 0 || inputs > 0x7fffffffu)
    throw std::invalid_argument("a tape needs at least one input and at most 2^31 - 1, got " +
                                std::to_string(inputs));
  slots_.assign(std::bit_ceil(4 * inputs + 64), no_node);
  entries_.reserve(inputs);
  for (std::size_t i = 0; i < inputs; ++i) {
    Entry entry;
    entry.operation = Operation::input;
    entry.operands[0] = static_cast<std::uint32_t>(i);
    entry.polynomial = true;
    entry.varies = true;
    intern(entry);
  }
}

Node Tape::input(std::size_t index) const {
  if (index >= inputs_)
    throw std::invalid_argument("input " + std::to_string(index) + " of a tape with " +
                                std::to_string(inputs_));
  return static_cast<Node>(index);
}

Node Tape::constant(double value) {
  Entry entry;
  entry.operation = Operation::constant;
  entry.value = value == 0.0 ? 0.0 : value;  // one zero only, so that nodes compare by number
  entry.polynomial = std::isfinite(value);
  return intern(entry);
}

std::size_t Tape::slot(const Entry& entry) const {
  std::uint64_t hash = mix(0x51ed270b, static_cast<std::uint64_t>(entry.operation));
  for (auto operand : entry.operands) hash = mix(hash, operand);
  hash = mix(hash, std::bit_cast<std::uint64_t>(entry.value));
  if (entry.operation == Operation::data_column)
    hash = mix(hash, static_cast<std::uint32_t>(entry.table));
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    const Node node = slots_[i];
    if (node == no_node) return i;
    const Entry& other = entries_[node];
    if (other.operation == entry.operation && other.operands == entry.operands &&
        std::bit_cast<std::uint64_t>(other.value) == std::bit_cast<std::uint64_t>(entry.value) &&
        (entry.operation != Operation::data_column || other.table == entry.table))
      return i;
  }
}

void Tape::grow() {
  slots_.assign(2 * slots_.size(), no_node);
  for (Node node = 0; node < entries_.size(); ++node) slots_[slot(entries_[node])] = node;
}

Node Tape::intern(Entry entry) {
  std::size_t position = slot(entry);
  if (slots_[position] != no_node) return slots_[position];
  if (arity(entry.operation) > 0) {
    if (operations_ >= limit_)
      throw RecordingLimit("the recording has more than " + std::to_string(limit_) + " operations");
    ++operations_;
  }
  const Node node = static_cast<Node>(entries_.size());
  entries_.push_back(entry);
  if (2 * entries_.size() > slots_.size())
    grow();
  else
    slots_[position] = node;
  return node;
}

Node Tape::find(Operation operation, Node a, Node b, Node c) const {
  Entry entry;
  entry.operation = operation;
  entry.operands = {a, b, c};
  return slots_[slot(entry)];
}

Node Tape::make(Operation operation, Node a, Node b, Node c) {
  Entry entry;
  entry.operation = operation;
  entry.operands = {a, b, c};
  entry.polynomial = keeps_finite(operation);
  if (operation == Operation::power)
    entry.polynomial =
        is_constant(b) && this->entry(b).value >= 0.0 && is_small_integer(this->entry(b).value);
  for (const Node operand : entry.operands) {
    if (operand == no_node) continue;
    const Entry& other = this->entry(operand);
    entry.polynomial = entry.polynomial && other.polynomial;
    entry.varies = entry.varies || other.varies;
    if (other.table == no_table) continue;
    if (entry.table != no_table && entry.table != other.table)
      throw std::invalid_argument(
          "rows of different data tables meet in one operation: sum each over its rows first");
    entry.table = other.table;
  }
  if (operation == Operation::sum_rows) entry.table = no_table;
  return intern(entry);
}

Node Tape::append(const Entry& entry) {
  switch (entry.operation) {
    case Operation::input:
      return input(entry.operands[0]);
    case Operation::constant:
      return constant(entry.value);
    case Operation::data_column:
      return data_column(entry.table, entry.operands[0]);
    default:
      return make(entry.operation, entry.operands[0], entry.operands[1], entry.operands[2]);
  }
}

// Constants come last, other operands by number.
void Tape::order(Node& a, Node& b) const {
  if (is_constant(a) || (!is_constant(b) && b < a)) std::swap(a, b);
}

Node Tape::apply(Operation operation, Node a, Node b, Node c) {
  const unsigned count = arity(operation);
  const Node operands[] = {a, b, c};
  bool constant_operands = count > 0 && operation != Operation::sum_rows;
  for (unsigned i = 0; i < 3; ++i) {
    if ((i < count) != (operands[i] != no_node) || (i < count && operands[i] >= size()))
      throw std::invalid_argument(std::string("operation ") + name(operation) + " takes " +
                                  std::to_string(count) + " nodes of its tape");
    constant_operands = constant_operands && (i >= count || is_constant(operands[i]));
  }
  if (count == 0)
    throw std::invalid_argument(std::string(name(operation)) + " is no operation on nodes");
  if (constant_operands)
    return constant(talweg::apply(operation, entry(a).value, count > 1 ? entry(b).value : 0.0,
                                  count > 2 ? entry(c).value : 0.0));
  if (commutes(operation)) order(a, b);
  switch (operation) {
    case Operation::add:
      return simplify_add(a, b);
    case Operation::subtract:
      return simplify_subtract(a, b);
    case Operation::multiply:
      return simplify_multiply(a, b);
    case Operation::divide:
      return simplify_divide(a, b);
    case Operation::power:
      return simplify_power(a, b);
    case Operation::sum_rows:
      return sum_rows(a);
    default:
      return count == 1 ? simplify_unary(operation, a) : simplify_other(operation, a, b, c);
  }
}

std::int32_t Tape::add_table(std::size_t rows, std::size_t columns,
                             std::span<const double> values) {
  if (rows == 0 || columns == 0 || values.size() / rows != columns || values.size() % rows != 0)
    throw std::invalid_argument("a data table needs rows * columns values, at least one");
  auto data = std::make_shared<DataTable>();
  data->rows = rows;
  data->columns = columns;
  data->values.assign(values.begin(), values.end());
  return add_table(std::move(data));
}

std::int32_t Tape::add_table(std::shared_ptr<const DataTable> data) {
  for (std::size_t i = 0; i < tables_.size(); ++i)
    if (tables_[i] == data) return static_cast<std::int32_t>(i);
  tables_.push_back(std::move(data));
  return static_cast<std::int32_t>(tables_.size() - 1);
}

Node Tape::data_column(std::int32_t table, std::size_t column) {
  if (table < 0 || static_cast<std::size_t>(table) >= tables_.size() ||
      column >= tables_[table]->columns)
    throw std::invalid_argument("no such data column");
  Entry entry;
  entry.operation = Operation::data_column;
  entry.operands[0] = static_cast<std::uint32_t>(column);
  entry.table = table;
  const double* values = tables_[table]->values.data() + column * tables_[table]->rows;
  entry.polynomial = std::all_of(values, values + tables_[table]->rows,
                                 [](double value) { return std::isfinite(value); });
  return intern(entry);
}

Node Tape::sum_rows(Node a) {
  if (a >= size() || !is_row(a))
    throw std::invalid_argument("a sum over rows needs a term that depends on a data column");
  return sum_rows(a, entry(a).table);
}

Node Tape::sum_rows(Node a, std::int32_t table) {
  if (!is_row(a)) return scale(a, static_cast<double>(tables_.at(table)->rows));
  if (entry(a).table != table)
    throw std::invalid_argument("the term belongs to the rows of another table");
  if (!entry(a).varies) return constant(fold_rows(a));
  // Factors that are the same in every row come out of the sum.
  if (is_negated(a)) return negate(sum_rows(entry(a).operands[0], table));
  std::vector<Node> products{a}, outside, inside;
  while (!products.empty()) {
    const Node node = products.back();
    products.pop_back();
    if (!is_row(node)) {
      outside.push_back(node);
    } else if (entry(node).operation == Operation::multiply && inside.size() < 64) {
      products.push_back(entry(node).operands[1]);
      products.push_back(entry(node).operands[0]);
    } else {
      inside.push_back(node);
    }
  }
  if (!outside.empty()) {
    Node term = inside.front();
    for (std::size_t i = 1; i < inside.size(); ++i) term = multiply(term, inside[i]);
    Node result = sum_rows(term, table);
    for (const Node factor : outside) result = multiply(result, factor);
    return result;
  }
  return make(Operation::sum_rows, a);
}

double Tape::fold_rows(Node a) const {
  const Node outputs[] = {a};
  const std::size_t rows = tables_[entry(a).table]->rows;
  std::unordered_map<Node, std::vector<double>> values;
  for (const Node node : reachable(outputs)) {
    const Entry& entry = this->entry(node);
    std::vector<double>& value = values[node];
    if (entry.operation == Operation::constant) {
      value.assign(rows, entry.value);
    } else if (entry.operation == Operation::data_column) {
      const double* column = tables_[entry.table]->values.data() + entry.operands[0] * rows;
      value.assign(column, column + rows);
    } else {
      value.resize(rows);
      const double* operand[3] = {};
      for (unsigned i = 0; i < arity(entry.operation); ++i)
        operand[i] = values.at(entry.operands[i]).data();
      for (std::size_t row = 0; row < rows; ++row)
        value[row] =
            talweg::apply(entry.operation, operand[0][row], operand[1] ? operand[1][row] : 0.0,
                          operand[2] ? operand[2][row] : 0.0);
    }
  }
  long double sum = 0.0L;
  for (const double value : values.at(a)) sum += value;
  return static_cast<double>(sum);
}

std::vector<Node> Tape::reachable(std::span<const Node> outputs) const {
  Node last = 0;
  for (const Node output : outputs) last = std::max(last, output);
  std::vector<char> needed(last + std::size_t{1}, 0);
  for (const Node output : outputs) needed[output] = 1;
  std::size_t count = 0;
  for (Node node = last;; --node) {
    if (needed[node]) {
      ++count;
      if (arity(entry(node).operation) > 0)
        for (const Node operand : entry(node).operands)
          if (operand != no_node) needed[operand] = 1;
    }
    if (node == 0) break;
  }
  std::vector<Node> nodes;
  nodes.reserve(count);
  for (Node node = 0; node <= last; ++node)
    if (needed[node]) nodes.push_back(node);
  return nodes;
}

std::vector<Node> Tape::copy_to(Tape& target, std::span<const Node> outputs) const {
  std::vector<Node> copies(size(), no_node);
  for (const Node node : reachable(outputs)) {
    Entry entry = this->entry(node);
    if (entry.operation == Operation::data_column)
      entry.table = target.add_table(tables_[entry.table]);
    if (arity(entry.operation) > 0)
      for (Node& operand : entry.operands)
        if (operand != no_node) operand = copies[operand];
    copies[node] = target.append(entry);
  }
  std::vector<Node> result;
  for (const Node output : outputs) result.push_back(copies[output]);
  return result;
}

}  // namespace talweg
