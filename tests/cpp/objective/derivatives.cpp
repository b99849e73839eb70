#include "objective/derivatives.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "objective/derivative_check.hpp"
#include "objective/tape_objective.hpp"
#include "talweg/record.hpp"

using namespace talweg;
using namespace talweg::testing;

namespace {

// Records `function` and compares all its derivatives with dual numbers.
template <class Function>
double error_of(const Function& function, std::size_t n, double low, double high) {
  return greatest_derivative_error(*record(function, n), function, low, high);
}

constexpr double tolerance = 1e-13;

}  // namespace

TEST_CASE("every elementary function has the derivatives of its formula") {
  CHECK(error_of([](auto x) { return exp(x[0] * x[1]); }, 2, -1.5, 1.5) < tolerance);
  CHECK(error_of([](auto x) { return log(x[0] + x[1] * x[1]); }, 2, 0.3, 3.0) < tolerance);
  CHECK(error_of([](auto x) { return sqrt(x[0] * x[1]); }, 2, 0.3, 3.0) < tolerance);
  CHECK(error_of([](auto x) { return sin(x[0] * x[1]); }, 2, -3.0, 3.0) < tolerance);
  CHECK(error_of([](auto x) { return cos(x[0] * x[1]); }, 2, -3.0, 3.0) < tolerance);
  CHECK(error_of([](auto x) { return tan(x[0] * x[1]); }, 2, -1.0, 1.0) < tolerance);
  CHECK(error_of([](auto x) { return tanh(x[0] * x[1]); }, 2, -1.5, 1.5) < tolerance);
  CHECK(error_of([](auto x) { return sinh(x[0] * x[1]); }, 2, -1.5, 1.5) < tolerance);
  CHECK(error_of([](auto x) { return cosh(x[0] * x[1]); }, 2, -1.5, 1.5) < tolerance);
  CHECK(error_of([](auto x) { return atan(x[0] * x[1]); }, 2, -3.0, 3.0) < tolerance);
  CHECK(error_of([](auto x) { return erf(x[0] * x[1]); }, 2, -1.5, 1.5) < tolerance);
  CHECK(error_of([](auto x) { return log1p(x[0] * x[1]); }, 2, 0.0, 3.0) < tolerance);
  CHECK(error_of([](auto x) { return expm1(x[0] * x[1]); }, 2, -1.5, 1.5) < tolerance);
  CHECK(error_of([](auto x) { return sigmoid(x[0] * x[1]); }, 2, -2.0, 2.0) < tolerance);
  CHECK(error_of([](auto x) { return x[0] / (x[1] * x[1] + 0.5); }, 2, -2.0, 2.0) < tolerance);
  CHECK(error_of([](auto x) { return pow(x[0], x[1]); }, 2, 0.3, 2.0) < tolerance);
}

TEST_CASE("powers") {
  for (const double exponent :
       {2.0, 3.0, 4.0, 7.0, 12.0, -1.0, -2.0, -3.0, 0.5, 1.5, 2.5, -0.5, -1.5, 0.3, -2.7}) {
    CAPTURE(exponent);
    CHECK(error_of([=](auto x) { return pow(x[0] + x[1] * x[1], exponent); }, 2, 0.3, 2.0) <
          tolerance);
  }
}

TEST_CASE("functions with shared and nested parts") {
  CHECK(error_of(
            [](auto x) {
              auto sum = x[0] * 0.0;
              for (std::size_t i = 0; i + 1 < x.size(); ++i)
                sum += 100.0 * pow(x[i + 1] - x[i] * x[i], 2.0) + pow(1.0 - x[i], 2.0);
              return log(sum + 1.0);
            },
            5, -1.5, 1.5) < tolerance);
  CHECK(error_of(
            [](auto x) {
              auto a = exp(sin(x[0]) * x[1]), b = a * a + x[2], c = sqrt(b * b + 1.0) / (a + 1.0);
              return a * b * c - tanh(c / a) * x[0];
            },
            3, -1.0, 1.0) < 1e-12);
}

TEST_CASE("branches not taken never enter") {
  // The other branch and its derivatives are not finite at the points used.
  const auto function = [](auto x) {
    auto zero = x[0] * 0.0;
    return select(less(x[0], zero), x[1] * x[0] * x[0], x[1] * pow(x[0], 1.5) * log(x[0]) + x[0]);
  };
  CHECK(error_of(function, 2, -2.0, -0.1) < tolerance);
  CHECK(error_of(function, 2, 0.1, 2.0) < tolerance);
}

TEST_CASE("kinks take the slope of one side") {
  CHECK(error_of([](auto x) { return abs(x[0] * x[1]) * x[0]; }, 2, -2.0, 2.0) < tolerance);
  CHECK(error_of([](auto x) { return fmin(x[0] * x[1], sin(x[0])) * x[1]; }, 2, -2.0, 2.0) <
        tolerance);
  CHECK(error_of([](auto x) { return fmax(x[0] * x[1], sin(x[0])) * x[1]; }, 2, -2.0, 2.0) <
        tolerance);
  const auto kink = record([](auto x) { return abs(x[0]) + fmax(x[0], 2.0 * x[0]); }, 1);
  const Quantities at_kink = evaluate_at(*kink, {0.0}, {1.0}, {1.0});
  CHECK(at_kink.gradient[0] == 1.0);
  CHECK(at_kink.hessian[0] == 0.0);
}

TEST_CASE("derivatives at zeros of powers and roots") {
  const auto cube = record([](auto x) { return pow(x[0], 3.0) + x[1]; }, 2);
  const Quantities at_zero = evaluate_at(*cube, {0.0, 0.0}, {1.0, 0.0}, {1.0, 0.0});
  CHECK(at_zero.gradient[0] == 0.0);
  CHECK(at_zero.hessian[0] == 0.0);
  CHECK(at_zero.third[0] == doctest::Approx(6.0).epsilon(1e-15));
  const auto power = record([](auto x) { return pow(x[0], x[1]); }, 2);
  CHECK(evaluate_at(*power, {0.0, 2.0}, {1.0, 0.0}, {1.0, 0.0}).gradient[1] == 0.0);
  const auto root = record([](auto x) { return sqrt(x[0]); }, 1);
  CHECK(std::isinf(evaluate_at(*root, {0.0}, {1.0}, {1.0}).gradient[0]));
}

TEST_CASE("tails of saturating functions keep their relative accuracy") {
  const auto sigmoid_of = record([](auto x) { return sigmoid(x[0]); }, 1);
  for (const double x : {-700.0, -40.0, 40.0, 700.0}) {
    const double slope = evaluate_at(*sigmoid_of, {x}, {1.0}, {1.0}, quantity_gradient).gradient[0];
    CHECK(slope == doctest::Approx(std::exp(-std::abs(x))).epsilon(1e-13));
  }
  const auto growth = record([](auto x) { return expm1(x[0]); }, 1);
  CHECK(evaluate_at(*growth, {-60.0}, {1.0}, {1.0}, quantity_gradient).gradient[0] ==
        doctest::Approx(std::exp(-60.0)).epsilon(1e-14));
}

TEST_CASE("the Hessian of a chain has the entries of its band only") {
  const TapeFunction chain = record_tape(
      [](auto x) {
        Variable sum;
        for (std::size_t i = 0; i < x.size(); ++i) {
          sum += 0.25 * pow(x[i] * x[i] - 1.0, 2.0);
          if (i + 1 < x.size()) sum += 0.5 * pow(x[i + 1] - x[i], 2.0);
        }
        return sum;
      },
      100);
  Tape tape(300, 1000000);
  const Node value = chain.tape.copy_to(tape, std::span(&chain.output, 1))[0];
  const std::vector<Node> entries = hessian(tape, gradient(tape, value, 100), 100000);
  std::size_t present = 0;
  for (const Node entry : entries) present += entry != no_node;
  CHECK(present == 199);
  const TapeObjective objective(chain.tape, chain.output);
  CHECK(objective.instructions(quantity_hessian).value() <= 600);
}
