// Objectives from C++ function templates: the function is called once, on variables that record
// every operation, and the recording is differentiated and run over blocks of points.
//
//     auto f = talweg::record([](auto x) { return exp(x[0]) * pow(x[1], 2) + 3.0; }, 2);
//
// Use the functions below, found by argument-dependent lookup, without std::. The function must do
// the same operations at every point: comparisons of variables do not compile; use select(less(a,
// b), c, d).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "talweg/tape.hpp"

namespace talweg {

// A number in a recording: a node of a tape, or a constant that belongs to none yet.
class Variable {
 public:
  Variable(double value = 0.0) : value_(value) {}
  Variable(Tape& tape, Node node) : tape_(&tape), node_(node) {}

  Tape* tape() const noexcept { return tape_; }
  Node node_on(Tape& tape) const {
    if (!tape_) return tape.constant(value_);
    if (tape_ != &tape) throw std::invalid_argument("variables of two recordings meet");
    return node_;
  }

  Variable& operator+=(const Variable& other);
  Variable& operator-=(const Variable& other);
  Variable& operator*=(const Variable& other);
  Variable& operator/=(const Variable& other);

  // Applies an operation to one, two or three variables.
  template <class... Others>
  static Variable apply(Operation operation, const Variable& first, const Others&... others) {
    Tape* tape = first.tape_;
    ((tape = tape ? tape : others.tape_), ...);
    if (!tape) return Variable(talweg::apply(operation, first.value_, others.value_...));
    return Variable(*tape, tape->apply(operation, first.node_on(*tape), others.node_on(*tape)...));
  }

 private:
  Tape* tape_ = nullptr;
  Node node_ = no_node;
  double value_ = 0.0;
};

inline Variable operator+(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::add, a, b);
}
inline Variable operator-(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::subtract, a, b);
}
inline Variable operator*(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::multiply, a, b);
}
inline Variable operator/(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::divide, a, b);
}
inline Variable operator-(const Variable& a) { return Variable::apply(Operation::negate, a); }
inline Variable operator+(const Variable& a) { return a; }

inline Variable& Variable::operator+=(const Variable& other) { return *this = *this + other; }
inline Variable& Variable::operator-=(const Variable& other) { return *this = *this - other; }
inline Variable& Variable::operator*=(const Variable& other) { return *this = *this * other; }
inline Variable& Variable::operator/=(const Variable& other) { return *this = *this / other; }

inline Variable pow(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::power, a, b);
}
inline Variable exp(const Variable& a) { return Variable::apply(Operation::exp, a); }
inline Variable log(const Variable& a) { return Variable::apply(Operation::log, a); }
inline Variable sqrt(const Variable& a) { return Variable::apply(Operation::sqrt, a); }
inline Variable sin(const Variable& a) { return Variable::apply(Operation::sin, a); }
inline Variable cos(const Variable& a) { return Variable::apply(Operation::cos, a); }
inline Variable tan(const Variable& a) { return Variable::apply(Operation::tan, a); }
inline Variable tanh(const Variable& a) { return Variable::apply(Operation::tanh, a); }
inline Variable sinh(const Variable& a) { return Variable::apply(Operation::sinh, a); }
inline Variable cosh(const Variable& a) { return Variable::apply(Operation::cosh, a); }
inline Variable atan(const Variable& a) { return Variable::apply(Operation::atan, a); }
inline Variable erf(const Variable& a) { return Variable::apply(Operation::erf, a); }
inline Variable log1p(const Variable& a) { return Variable::apply(Operation::log1p, a); }
inline Variable expm1(const Variable& a) { return Variable::apply(Operation::expm1, a); }
// 1 / (1 + exp(-a)), without overflow.
inline Variable sigmoid(const Variable& a) { return Variable::apply(Operation::sigmoid, a); }
inline Variable abs(const Variable& a) { return Variable::apply(Operation::absolute, a); }
inline Variable fabs(const Variable& a) { return abs(a); }
inline Variable sign(const Variable& a) { return Variable::apply(Operation::sign, a); }
inline Variable fmin(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::minimum, a, b);
}
inline Variable fmax(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::maximum, a, b);
}
// 1 where a < b, a <= b or a == b, else 0: conditions for select.
inline Variable less(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::less, a, b);
}
inline Variable less_equal(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::less_equal, a, b);
}
inline Variable equal(const Variable& a, const Variable& b) {
  return Variable::apply(Operation::equal, a, b);
}
// Where the condition is not 0 the first value, else the second.
inline Variable select(const Variable& condition, const Variable& first, const Variable& second) {
  return Variable::apply(Operation::select, condition, first, second);
}

namespace detail {

template <class A, class B>
concept involves_variable = std::is_same_v<A, Variable> || std::is_same_v<B, Variable>;

template <class>
inline constexpr bool never = false;

template <class A>
[[noreturn]] bool refuse_comparison() {
  static_assert(never<A>,
                "a recorded function cannot branch on its variables: write "
                "talweg::select(talweg::less(a, b), value_if_less, value_otherwise)");
  throw;
}

}  // namespace detail

template <class A, class B>
  requires detail::involves_variable<A, B>
bool operator<(const A&, const B&) {
  return detail::refuse_comparison<A>();
}
template <class A, class B>
  requires detail::involves_variable<A, B>
bool operator>(const A&, const B&) {
  return detail::refuse_comparison<A>();
}
template <class A, class B>
  requires detail::involves_variable<A, B>
bool operator<=(const A&, const B&) {
  return detail::refuse_comparison<A>();
}
template <class A, class B>
  requires detail::involves_variable<A, B>
bool operator>=(const A&, const B&) {
  return detail::refuse_comparison<A>();
}
template <class A, class B>
  requires detail::involves_variable<A, B>
bool operator==(const A&, const B&) {
  return detail::refuse_comparison<A>();
}
template <class A, class B>
  requires detail::involves_variable<A, B>
bool operator!=(const A&, const B&) {
  return detail::refuse_comparison<A>();
}

// Sum of term(row) over the rows of a table, where row[j] is column j: one small recording run over
// all rows. `data` is row-major, rows x columns; `x` are variables of the recording that the term
// uses. Throws std::invalid_argument for an empty table or one of another size.
template <class Term>
Variable sum_over(std::span<const Variable> x, std::span<const double> data, std::size_t columns,
                  Term&& term) {
  if (x.empty() || !x[0].tape())
    throw std::invalid_argument("sum_over: x must be variables of a recording");
  if (columns == 0 || data.empty() || data.size() % columns != 0)
    throw std::invalid_argument("sum_over: data must hold rows of `columns` numbers");
  Tape& tape = *x[0].tape();
  const std::size_t rows = data.size() / columns;
  std::vector<double> values(data.size());
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < columns; ++j) values[j * rows + i] = data[i * columns + j];
  const std::int32_t table = tape.add_table(rows, columns, values);
  std::vector<Variable> row;
  for (std::size_t j = 0; j < columns; ++j) row.emplace_back(tape, tape.data_column(table, j));
  const Variable result = std::forward<Term>(term)(std::span<const Variable>(row));
  return Variable(tape, tape.sum_rows(result.node_on(tape), table));
}

// Calls the function on variables and returns what it recorded.
template <class Function>
TapeFunction record_tape(Function&& function, std::size_t n) {
  TapeFunction result{Tape(n), no_node};
  std::vector<Variable> x;
  x.reserve(n);
  for (std::size_t i = 0; i < n; ++i) x.emplace_back(result.tape, result.tape.input(i));
  const Variable value = std::forward<Function>(function)(std::span<const Variable>(x));
  result.output = value.node_on(result.tape);
  return result;
}

// The objective of a function of n coordinates, called once as function(std::span<const Variable>).
// Throws RecordingLimit for more than Tape::recording_limit operations: write long sums with
// sum_over.
template <class Function>
std::unique_ptr<Objective> record(Function&& function, std::size_t n) {
  const TapeFunction recorded = record_tape(std::forward<Function>(function), n);
  return make_objective(recorded.tape, recorded.output);
}

}  // namespace talweg
