#include "objective/tape_objective.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "objective/derivative_check.hpp"
#include "objective/derivatives.hpp"
#include "talweg/record.hpp"

using namespace talweg;
using namespace talweg::testing;

namespace {

const auto coupled = [](auto x) {
  auto sum = x[0] * 0.0;
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < i; ++j) sum += sin(x[i] * x[j]) + exp(x[i] - x[j]) * 0.1;
  return sum;
};

}  // namespace

TEST_CASE("matrices from products equal the dense ones") {
  const TapeFunction function = record_tape(coupled, 11);
  const TapeObjective dense(function.tape, function.output),
      products(function.tape, function.output, 0);
  CHECK(dense.instructions(quantity_hessian | quantity_third).has_value());
  CHECK_FALSE(products.instructions(quantity_hessian).has_value());
  CHECK_FALSE(products.instructions(quantity_third).has_value());
  CHECK(greatest_derivative_error(dense, coupled, -1.0, 1.0, 3) < 1e-13);
  CHECK(greatest_derivative_error(products, coupled, -1.0, 1.0, 3) < 1e-13);
}

TEST_CASE("sparse matrices from products need as many of them as the pattern has colours") {
  const auto chain = [](auto x) {
    auto sum = x[0] * 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum += pow(x[i] * x[i] - 1.0, 2.0);
      if (i + 1 < x.size()) sum += sin(x[i + 1] - x[i]);
    }
    return sum;
  };
  const TapeFunction function = record_tape(chain, 9);
  const TapeObjective products(function.tape, function.output, 0);
  CHECK(greatest_derivative_error(products, chain, -1.0, 1.0, 3) < 1e-13);

  Tape tape = function.tape;
  const SparsityPattern pattern = hessian_pattern(tape, gradient(tape, function.output, 9));
  CHECK(pattern.colours == 3);
  CHECK(pattern.rows.size() == 9 + 2 * 8);
  for (std::size_t j = 0; j + 2 < 9; ++j) {
    CHECK(pattern.colour[j] != pattern.colour[j + 1]);
    CHECK(pattern.colour[j] != pattern.colour[j + 2]);
  }
}

TEST_CASE("lanes do not mix, and lanes beyond the last are left alone") {
  const TapeFunction function = record_tape(coupled, 4);
  std::unique_ptr<Objective> objective;
  SUBCASE("dense") { objective = std::make_unique<TapeObjective>(function.tape, function.output); }
  SUBCASE("products") {
    objective = std::make_unique<TapeObjective>(function.tape, function.output, 0);
  }
  constexpr std::size_t n = 4, lanes = 37, stride = 41;
  std::mt19937_64 random(5);
  for (const unsigned quantities : {1u, 2u, 4u, 8u, 16u, 32u, 15u, 63u}) {
    CAPTURE(quantities);
    const std::vector<double> x = random_vector(random, n * stride, -1.0, 1.0),
                              v = random_vector(random, n * stride, -1.0, 1.0),
                              w = random_vector(random, n * stride, -1.0, 1.0);
    const double untouched = 12345.0;
    std::vector<double> value(stride, untouched), gradient(n * stride, untouched),
        hessian(10 * stride, untouched), third(10 * stride, untouched),
        hessian_product(n * stride, untouched), third_product(n * stride, untouched);
    EvaluationBlock block{lanes,
                          stride,
                          x.data(),
                          v.data(),
                          w.data(),
                          value.data(),
                          gradient.data(),
                          hessian.data(),
                          third.data(),
                          hessian_product.data(),
                          third_product.data()};
    objective->evaluate(quantities, block);
    for (std::size_t lane = 0; lane < stride; ++lane) {
      std::vector<double> point(n), direction(n), other(n);
      for (std::size_t i = 0; i < n; ++i) {
        point[i] = x[i * stride + lane];
        direction[i] = v[i * stride + lane];
        other[i] = w[i * stride + lane];
      }
      const Quantities alone = evaluate_at(*objective, point, direction, other, quantities);
      const auto check = [&](unsigned quantity, const std::vector<double>& rows,
                             const std::vector<double>& want) {
        const bool written = (quantities & quantity) != 0 && lane < lanes;
        for (std::size_t i = 0; i < want.size(); ++i)
          CHECK(rows[i * stride + lane] == (written ? want[i] : untouched));
      };
      check(quantity_value, value, alone.value);
      check(quantity_gradient, gradient, alone.gradient);
      check(quantity_hessian, hessian, alone.hessian);
      check(quantity_third, third, alone.third);
      check(quantity_hessian_product, hessian_product, alone.hessian_product);
      check(quantity_third_product, third_product, alone.third_product);
    }
  }
}

TEST_CASE("several threads may ask for programs at once") {
  const auto objective = record(coupled, 5);
  const std::vector<double> x{0.1, 0.2, 0.3, 0.4, 0.5}, v{1.0, 0.0, -1.0, 0.5, 0.2}, w = x;
  const Quantities want = evaluate_at(*record(coupled, 5), x, v, w);
  std::vector<Quantities> got(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < got.size(); ++i)
    threads.emplace_back([&, i] { got[i] = evaluate_at(*objective, x, v, w); });
  for (std::thread& thread : threads) thread.join();
  for (const Quantities& result : got) {
    CHECK(result.third == want.third);
    CHECK(result.hessian == want.hessian);
    CHECK(result.gradient == want.gradient);
  }
}

TEST_CASE("linear, constant and bare functions") {
  const auto linear = record([](auto x) { return 2.0 * x[0] - x[1] + 4.0; }, 2);
  const Quantities at = evaluate_at(*linear, {1.0, 3.0}, {1.0, 1.0}, {1.0, 1.0});
  CHECK(at.value[0] == 3.0);
  CHECK(at.gradient == std::vector<double>{2.0, -1.0});
  CHECK(at.hessian == std::vector<double>{0.0, 0.0, 0.0});
  CHECK(at.third_product == std::vector<double>{0.0, 0.0});
  const auto constant = record([](auto) { return Variable(7.0); }, 2);
  CHECK(evaluate_at(*constant, {1.0, 3.0}, {1.0, 1.0}, {1.0, 1.0}).value[0] == 7.0);
  const auto bare = record([](auto x) { return x[1]; }, 2);
  const Quantities bare_at = evaluate_at(*bare, {1.0, 3.0}, {1.0, 1.0}, {1.0, 1.0});
  CHECK(bare_at.value[0] == 3.0);
  CHECK(bare_at.gradient == std::vector<double>{0.0, 1.0});
}

TEST_CASE("outputs that are no single number are refused") {
  Tape tape(1);
  const std::vector<double> data{1.0, 2.0};
  const Node row = tape.data_column(tape.add_table(2, 1, data), 0);
  CHECK_THROWS_AS(TapeObjective(tape, row), std::invalid_argument);
  CHECK_THROWS_AS(TapeObjective(tape, 1000), std::invalid_argument);
}
