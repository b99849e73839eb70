#include "talweg/record.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "objective/derivative_check.hpp"

using namespace talweg;
using namespace talweg::testing;

namespace {

constexpr double amplitude[] = {-200, -100, -170, 15}, a[] = {-1, -1, -6.5, .7},
                 b[] = {0, 0, 11, .6}, c[] = {-10, -10, -6.5, .7}, x0[] = {1, 0, -.5, -1},
                 y0[] = {0, .5, 1.5, 1};

const auto muller_brown = [](auto x) {
  auto sum = x[0] * 0.0;
  for (int k = 0; k < 4; ++k) {
    const auto dx = x[0] - x0[k], dy = x[1] - y0[k];
    sum += amplitude[k] * exp(a[k] * dx * dx + b[k] * dx * dy + c[k] * dy * dy);
  }
  return sum;
};

}  // namespace

TEST_CASE("a recorded template has the derivatives of the template") {
  CHECK(greatest_derivative_error(*record(muller_brown, 2), muller_brown, -1.2, 1.2) < 1e-13);
}

TEST_CASE("stationary points of the Müller-Brown surface") {
  const auto objective = record(muller_brown, 2);
  struct Point {
    double x, y, value;
  };
  for (const Point& point : {Point{-0.5582236346330243, 1.441725841804669, -146.699517209954},
                             Point{0.212486582000662, 0.2929883251073678, -72.24894011232521}}) {
    const Quantities at = evaluate_at(*objective, {point.x, point.y}, {1.0, 0.0}, {0.0, 1.0});
    CHECK(at.value[0] == doctest::Approx(point.value).epsilon(1e-13));
    CHECK(std::hypot(at.gradient[0], at.gradient[1]) < 1e-10);
  }
}

TEST_CASE("constants mix with variables on either side") {
  const auto function = [](auto x) {
    auto y = 2.0 + x[0];
    y = 3.0 * y - 1.0;
    y += x[0] / 2.0;
    return 1.0 / y - (-y) / 7.0;
  };
  CHECK(greatest_derivative_error(*record(function, 1), function, 0.1, 1.0) < 1e-13);
  Variable sum = 1.0;
  sum += 2.0;
  sum = exp(sum) * 0.0 + sum;
  const TapeFunction constant = record_tape([&](auto) { return sum; }, 1);
  CHECK(constant.tape.entry(constant.output).value == 3.0);
}

TEST_CASE("a template records the tape that the same function records in Python") {
  static const std::vector<double> data{1.0, 0.5, -1.0, 2.0, 0.0, 1.0};
  const TapeFunction function = record_tape(
      [](std::span<const Variable> x) {
        // One operand at a time, as Python evaluates them: C++ leaves the order open.
        const Variable square = pow(x[0], 2), other_square = pow(x[1], 2);
        const Variable radius = square + 2.0 * other_square;
        const Variable half = radius / 2.0, bowl = half + square * x[1] / 2.0;
        const Variable decay = exp(-x[0]), wave = decay * tanh(x[1] / 3.0);
        const Variable shifted = radius + 1.0, root = sqrt(shifted), both = root - log1p(radius);
        const Variable sum =
            sum_over(x, data, 2, [&](auto row) { return sin(row[0] * x[0] + x[1]) * row[1]; });
        const Variable least = fmin(bowl, wave), product = wave * both, difference = bowl - product;
        const Variable quotient = sum / least, most = difference + quotient;
        return most + pow(shifted, 1.5);
      },
      2);
  const SerializedTape saved = serialize(function.tape, function.output);
  std::ostringstream text;
  for (std::size_t i = 0; i < saved.operations.size(); ++i) {
    text << name(static_cast<Operation>(saved.operations[i]));
    for (std::size_t j = 0; j < 3; ++j)
      if (saved.operands[3 * i + j] != no_node) text << ' ' << saved.operands[3 * i + j];
    if (saved.tables[i] >= 0) text << " table " << saved.tables[i];
    text << ' ' << saved.values[i] << '\n';
  }
  std::ifstream file(TALWEG_TEST_DATA "/recorded_tape.txt");
  REQUIRE(file);
  std::ostringstream expected;
  expected << file.rdbuf();
  CHECK(text.str() == expected.str());
}

TEST_CASE("variables of two recordings do not mix") {
  Tape first(1), second(1);
  const Variable one(first, first.input(0)), other(second, second.input(0));
  CHECK_THROWS_AS(one + other, std::invalid_argument);
}

TEST_CASE("sums over rows, used nonlinearly and inside each other") {
  static const std::vector<double> data{0.3, 1.0, -0.7, 0.5, 1.2, -0.4, 0.1, 0.8, -1.1, 0.2};
  constexpr std::size_t rows = 5;
  // A sum whose terms use another sum, inside a logarithm; written twice, once without sum_over.
  const auto recorded = [](std::span<const Variable> x) {
    const Variable mean =
        sum_over(x, data, 2, [&](auto row) { return tanh(row[0] * x[0] + row[1]); }) / double(rows);
    const Variable spread = sum_over(x, data, 2, [&](auto row) {
      const Variable distance = row[0] * x[1] - mean;
      return exp(-distance * distance) * row[1] * row[1] + pow(distance, 2);
    });
    return log(spread + 1.0) * x[0] + mean;
  };
  const auto plain = [](auto x) {
    auto mean = x[0] * 0.0, spread = x[0] * 0.0;
    for (std::size_t i = 0; i < rows; ++i) mean += tanh(data[2 * i] * x[0] + data[2 * i + 1]);
    mean = mean / double(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      const auto distance = data[2 * i] * x[1] - mean;
      spread +=
          exp(-distance * distance) * (data[2 * i + 1] * data[2 * i + 1]) + distance * distance;
    }
    return log(spread + 1.0) * x[0] + mean;
  };
  CHECK(greatest_derivative_error(*record(recorded, 2), plain, -1.5, 1.5) < 1e-13);
}

TEST_CASE("sums over rows are checked") {
  const std::vector<double> data{1.0, 2.0, 3.0};
  Tape tape(1);
  const std::vector<Variable> x{Variable(tape, 0)};
  const auto term = [&](auto row) { return row[0] * x[0]; };
  CHECK_THROWS_AS(sum_over(x, data, 2, term), std::invalid_argument);
  CHECK_THROWS_AS(sum_over(x, data, 0, term), std::invalid_argument);
  CHECK_THROWS_AS(sum_over(x, {}, 1, term), std::invalid_argument);
  CHECK_NOTHROW(sum_over(x, data, 3, term));
}

TEST_CASE("long sums without sum_over end in an error") {
  CHECK_THROWS_AS(record(
                      [](auto x) {
                        Variable sum;
                        for (int i = 0; i < 200000; ++i) sum += sin(x[0] + double(i));
                        return sum;
                      },
                      1),
                  RecordingLimit);
}
