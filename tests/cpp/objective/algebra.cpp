#include "talweg/algebra.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <stdexcept>

#include "objective/derivative_check.hpp"
#include "talweg/record.hpp"
#include "talweg/tape.hpp"

using namespace talweg;
using namespace talweg::testing;

namespace {

const auto first = [](auto x) { return sin(x[0] * x[1]) + exp(x[2]) * x[0]; };
const auto second = [](auto x) { return x[0] * x[0] * x[2] + x[1] * x[1] * x[1]; };

template <class Function>
std::shared_ptr<Objective> shared(Function function) {
  const TapeFunction recorded = record_tape(function, 3);
  return make_objective(recorded.tape, recorded.output);
}

}  // namespace

TEST_CASE("linear combinations") {
  const auto sum = linear_combination({{2.0, shared(first)}, {-0.5, shared(second)}}, 3.0);
  const auto exact = [](auto x) { return first(x) * 2.0 - second(x) * 0.5 + 3.0; };
  CHECK(greatest_derivative_error(*sum, exact, -1.0, 1.0, 5) < 1e-13);
  CHECK(sum->thread_safe());
  CHECK_THROWS_AS(linear_combination({}), std::invalid_argument);
  const TapeFunction plane = record_tape([](auto x) { return x[0] * x[1]; }, 2);
  CHECK_THROWS_AS(
      linear_combination({{1.0, shared(first)}, {1.0, make_objective(plane.tape, plane.output)}}),
      std::invalid_argument);
}

TEST_CASE("functions of other coordinates") {
  const std::vector<double> matrix = {1.0, 0.5, 0.0, -2.0, 0.25, 1.0}, origin = {0.1, 0.2, -0.3};
  const auto composed = compose_affine(shared(first), matrix, origin);
  CHECK(composed->dimension() == 2);
  const auto exact = [](auto y) {
    using Value = std::remove_cvref_t<decltype(y[0])>;
    const std::vector<Value> x = {y[0] + y[1] * 0.5 + 0.1, y[1] * -2.0 + 0.2,
                                  y[0] * 0.25 + y[1] - 0.3};
    return first(x);
  };
  CHECK(greatest_derivative_error(*composed, exact, -1.0, 1.0, 5) < 1e-13);

  const std::vector<double> infinite = {std::numeric_limits<double>::infinity(), 0.0, 0.0};
  CHECK_THROWS_AS(compose_affine(shared(first), matrix, infinite), std::invalid_argument);
  CHECK_THROWS_AS(compose_affine(shared(first), std::span(matrix).first(4), origin),
                  std::invalid_argument);
  CHECK_THROWS_AS(compose_affine(shared(first), matrix, std::span(origin).first(2)),
                  std::invalid_argument);
}

TEST_CASE("inputs bound to values") {
  const auto four = [](auto x) { return x[0] * x[2] * x[2] + exp(x[1] * x[3]) * x[0]; };
  const TapeFunction whole = record_tape(four, 4);
  const std::vector<double> values = {1.5, -0.5};
  const TapeFunction bound = bind_inputs(whole.tape, whole.output, values);
  CHECK(bound.tape.inputs() == 2);
  const auto exact = [](auto x) { return x[0] * 2.25 + exp(x[1] * -0.5) * x[0]; };
  const auto objective = make_objective(bound.tape, bound.output);
  CHECK(greatest_derivative_error(*objective, exact, -1.0, 1.0, 5) < 1e-13);
  CHECK_THROWS_AS(bind_inputs(whole.tape, whole.output, std::vector<double>(4)),
                  std::invalid_argument);
}

TEST_CASE("bound inputs of sums over rows") {
  Tape tape(2);
  const std::vector<double> column = {1.0, 2.0, 4.0};
  const std::int32_t table = tape.add_table(3, 1, column);
  const Node row = tape.data_column(table, 0);
  // sum over rows of a^2 row + x row, with x first and a second.
  const Node term = tape.add(tape.multiply(tape.power(tape.input(1), 2.0), row),
                             tape.multiply(tape.input(0), row));
  const TapeFunction bound = bind_inputs(tape, tape.sum_rows(term), std::vector<double>{3.0});
  const auto objective = make_objective(bound.tape, bound.output);
  const Quantities result = evaluate_at(*objective, {0.5}, {1.0}, {1.0}, quantity_value);
  CHECK(result.value[0] == doctest::Approx(63.0 + 3.5));
  // A sum whose term is a number after binding.
  const Node constant = tape.sum_rows(tape.multiply(tape.input(1), row));
  const TapeFunction number =
      bind_inputs(tape, tape.add(constant, tape.input(0)), std::vector<double>{2.0});
  const auto line = make_objective(number.tape, number.output);
  CHECK(evaluate_at(*line, {1.0}, {1.0}, {1.0}, quantity_value).value[0] == doctest::Approx(15.0));
}
