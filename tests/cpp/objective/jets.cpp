#include "talweg/jets.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <stdexcept>

#include "objective/derivative_check.hpp"
#include "talweg/models.hpp"
#include "talweg/record.hpp"
#include "talweg/tape.hpp"

using namespace talweg;
using namespace talweg::testing;

namespace {

// A polynomial of fourth order without constant and linear terms: it is its own Taylor polynomial.
const auto quartic = [](auto x) {
  return x[0] * x[0] * 0.5 + x[1] * x[1] * 2.0 + x[0] * x[1] * x[2] + x[2] * x[2] +
         x[0] * x[0] * x[1] * x[2] * 0.25 - x[1] * x[1] * x[1] * x[0] * 0.125;
};

template <class Function>
std::shared_ptr<Objective> shared(Function function, std::size_t n) {
  const TapeFunction recorded = record_tape(function, n);
  return make_objective(recorded.tape, recorded.output);
}

// All quantities of `lanes` points with a stride of their own, as one vector.
std::vector<double> block_of(const Objective& objective, const std::vector<double>& x,
                             const std::vector<double>& v, const std::vector<double>& w,
                             std::size_t first, std::size_t lanes, std::size_t stride) {
  const std::size_t n = objective.dimension(), triangle = n * (n + 1) / 2;
  const std::size_t total = x.size() / n;
  const auto inputs = [&](const std::vector<double>& points) {
    std::vector<double> rows(n * stride, std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < lanes; ++l) rows[i * stride + l] = points[i * total + first + l];
    return rows;
  };
  const std::vector<double> xs = inputs(x), vs = inputs(v), ws = inputs(w);
  const double untouched = -12345.0;
  std::vector<double> out((1 + 3 * n + 2 * triangle) * stride, untouched);
  EvaluationBlock block;
  block.lanes = lanes;
  block.stride = stride;
  block.x = xs.data();
  block.v = vs.data();
  block.w = ws.data();
  block.value = out.data();
  block.gradient = block.value + stride;
  block.hessian_product = block.gradient + n * stride;
  block.third_product = block.hessian_product + n * stride;
  block.hessian = block.third_product + n * stride;
  block.third = block.hessian + triangle * stride;
  objective.evaluate(every_quantity, block);
  std::vector<double> result;
  for (std::size_t l = 0; l < stride; ++l) {
    for (std::size_t row = 0; row < out.size() / stride; ++row) {
      if (l < lanes)
        result.push_back(out[row * stride + l]);
      else
        CHECK(out[row * stride + l] == untouched);
    }
  }
  return result;
}

}  // namespace

TEST_CASE("Taylor polynomials by products") {
  const auto inner = shared(quartic, 3);
  const std::vector<double> origin(3, 0.0);
  const auto whole = compose_taylor(inner, origin, 4, 0.125);
  CHECK(whole->dimension() == 3);
  CHECK(whole->thread_safe());
  // T of a quartic is linear, so that its differences are exact.
  CHECK(greatest_derivative_error(*whole, quartic, -1.0, 1.0, 5) < 1e-13);
  const auto cubic_part = [](auto x) {
    return x[0] * x[0] * 0.5 + x[1] * x[1] * 2.0 + x[0] * x[1] * x[2] + x[2] * x[2];
  };
  const auto third = compose_taylor(inner, origin, 3, 0.0);
  CHECK(greatest_derivative_error(*third, cubic_part, -1.0, 1.0, 5) < 1e-13);
  const auto square_part = [](auto x) {
    return x[0] * x[0] * 0.5 + x[1] * x[1] * 2.0 + x[2] * x[2];
  };
  const auto second = compose_taylor(inner, origin, 2, 0.0);
  CHECK(greatest_derivative_error(*second, square_part, -1.0, 1.0, 5) < 1e-13);

  CHECK_THROWS_AS(compose_taylor(inner, origin, 5, 0.1), std::invalid_argument);
  CHECK_THROWS_AS(compose_taylor(inner, origin, 4, 0.0), std::invalid_argument);
  CHECK_THROWS_AS(compose_taylor(inner, std::vector<double>(2), 2, 0.0), std::invalid_argument);
  const std::vector<double> infinite(3, std::numeric_limits<double>::infinity());
  CHECK_THROWS_AS(compose_taylor(inner, infinite, 2, 0.0), std::invalid_argument);
}

TEST_CASE("Taylor polynomials of short offsets") {
  const auto inner = shared(quartic, 3);
  const std::vector<double> origin(3, 0.0);
  const auto taylor = compose_taylor(inner, origin, 4, 0.125);
  for (const double length : {1e-100, 1e-200, 1e-305}) {
    const std::vector<double> d = {3.0 * length, -4.0 * length, 5.0 * length};
    const Quantities found = evaluate_at(*taylor, d, d, d, quantity_gradient);
    CHECK(found.gradient[0] / length == doctest::Approx(3.0).epsilon(1e-14));
    CHECK(found.gradient[1] / length == doctest::Approx(-16.0).epsilon(1e-14));
    CHECK(found.gradient[2] / length == doctest::Approx(10.0).epsilon(1e-14));
  }
  const std::vector<double> zero(3, 0.0);
  const Quantities found = evaluate_at(*taylor, zero, zero, zero);
  CHECK(found.value[0] == 0.0);
  CHECK(found.gradient == zero);
  CHECK(found.hessian[0] == 1.0);
  const std::vector<double> broken = {0.1, std::nan(""), 0.1};
  CHECK(std::isnan(evaluate_at(*taylor, broken, zero, zero, quantity_gradient).gradient[1]));
}

TEST_CASE("relative functions evaluate either side by its own function") {
  // A different function inside shows which one was taken.
  const auto outer = [](auto x) { return exp(x[0]) * x[1] + x[1] * x[1]; };
  const auto inner = [](auto x) { return x[0] * x[0] * 3.0 + x[1] * x[1]; };
  const std::vector<double> point = {0.3, -0.7}, slope = {0.25, -0.5};
  const auto relative =
      compose_relative(shared(outer, 2), shared(inner, 2), {point, 0.125, slope}, 0.1);
  const auto shifted = [&](auto d) {
    using Value = std::remove_cvref_t<decltype(d[0])>;
    const std::vector<Value> x = {d[0] + 0.3, d[1] - 0.7};
    return outer(x) - 0.125 - d[0] * 0.25 + d[1] * 0.5;
  };
  const std::vector<double> v = {0.4, -1.5}, w = {-2.0, 0.5};
  for (const std::vector<double>& d :
       {std::vector<double>{0.5, -0.25}, {0.0999, 0.01}, {0.1, 0.0}, {-1.0, 2.0}})
    CHECK(derivative_error(*relative, shifted, d, v, w) < 1e-13);
  for (const std::vector<double>& d : {std::vector<double>{0.05, -0.05}, {0.0999, 0.0}, {0.0, 0.0}})
    CHECK(derivative_error(*relative, inner, d, v, w) < 1e-13);
  const std::vector<double> broken = {std::nan(""), 0.0};
  CHECK(std::isnan(evaluate_at(*relative, broken, v, w, quantity_value).value[0]));

  CHECK_THROWS_AS(compose_relative(shared(outer, 2), shared(quartic, 3), {point, 0.0, slope}, 0.1),
                  std::invalid_argument);
  CHECK_THROWS_AS(compose_relative(shared(outer, 2), shared(inner, 2), {point, 0.0, slope}, -0.1),
                  std::invalid_argument);
  CHECK_THROWS_AS(
      compose_relative(shared(outer, 2), shared(inner, 2), {point, std::nan(""), slope}, 0.1),
      std::invalid_argument);
}

TEST_CASE("the rounding of point and offset is made good") {
  // 0.75 + 1.2e-12 keeps four digits of the offset; the gradient outside keeps them all.
  const auto square = [](auto x) { return (x[0] - 0.75) * (x[0] - 0.75) * 0.5; };
  const auto nothing = [](auto x) { return x[0] * 0.0; };
  const std::vector<double> point = {0.75}, slope = {0.0};
  const auto relative =
      compose_relative(shared(square, 1), shared(nothing, 1), {point, 0.0, slope}, 0.0);
  for (const double d : {1.2345678901234567e-3, 1.2345678901234567e-12, 1.2345678901234567e-30}) {
    const Quantities found =
        evaluate_at(*relative, {d}, {1.0}, {1.0}, quantity_value | quantity_gradient);
    CHECK(found.gradient[0] == doctest::Approx(d).epsilon(1e-15));
  }
  const double d = 1.2345678901234567e-5;
  CHECK(evaluate_at(*relative, {d}, {1.0}, {1.0}, quantity_value).value[0] ==
        doctest::Approx(d * d / 2.0).epsilon(1e-10));
}

TEST_CASE("lanes of relative functions do not depend on the block") {
  const auto chain = std::shared_ptr<Objective>(make_objective(Phi4Chain{5, 0.3, true}));
  const std::vector<double> point(5, 1.0), slope(5, 1e-17);
  const std::shared_ptr<const Objective> near = compose_taylor(chain, point, 4, 0.01);
  const auto relative = compose_relative(chain, near, {point, -1.25, slope}, 1e-2);
  const std::size_t n = 5, total = 37, rows = 1 + 3 * n + n * (n + 1);
  std::mt19937_64 random(3);
  std::vector<double> x = random_vector(random, n * total, -1.0, 1.0);
  const std::vector<double> v = random_vector(random, n * total, -1.0, 1.0);
  const std::vector<double> w = random_vector(random, n * total, -1.0, 1.0);
  // Sides in runs and alternating.
  for (std::size_t l = 0; l < total; ++l)
    for (std::size_t i = 0; i < n; ++i)
      x[i * total + l] *=
          (l < 8 || l % 3 == 0) ? std::pow(10.0, -3.0 - static_cast<double>(l)) : 1.0;
  const std::vector<double> all = block_of(*relative, x, v, w, 0, total, total);
  for (const std::size_t width : {1u, 2u, 5u, 8u, 16u}) {
    for (std::size_t first = 0; first < total; first += width) {
      const std::size_t lanes = std::min<std::size_t>(width, total - first);
      const std::vector<double> part = block_of(*relative, x, v, w, first, lanes, lanes + 3);
      CHECK(std::memcmp(part.data(), all.data() + first * rows, part.size() * sizeof(double)) == 0);
    }
  }
}

TEST_CASE("derivatives along a vector as tapes") {
  const auto function = [](auto x) { return sin(x[0] * x[1]) + exp(x[1]) * x[0] * x[0]; };
  const TapeFunction recorded = record_tape(function, 2);
  const TapeFunction once = directional_derivative(recorded.tape, recorded.output, 2);
  CHECK(once.tape.inputs() == 4);
  const TapeFunction twice = directional_derivative(once.tape, once.output, 2);
  CHECK(twice.tape.inputs() == 4);
  const std::vector<double> x = {0.4, -0.8}, v = {1.5, 0.5}, zero(4, 0.0);
  const Quantities plain = evaluate_at(*make_objective(recorded.tape, recorded.output), x, v, v);
  const std::vector<double> both = {x[0], x[1], v[0], v[1]};
  const auto value = [&](const TapeFunction& f) {
    return evaluate_at(*make_objective(f.tape, f.output), both, zero, zero, quantity_value)
        .value[0];
  };
  CHECK(value(once) == doctest::Approx(plain.gradient[0] * v[0] + plain.gradient[1] * v[1]));
  CHECK(value(twice) ==
        doctest::Approx(plain.hessian_product[0] * v[0] + plain.hessian_product[1] * v[1]));
  // A function that does not depend on x.
  Tape constant(1);
  const TapeFunction zeros = directional_derivative(constant, constant.constant(3.0), 1);
  CHECK(zeros.tape.is_constant(zeros.output, 0.0));
  CHECK_THROWS_AS(directional_derivative(recorded.tape, recorded.output, 3), std::invalid_argument);
  CHECK_THROWS_AS(directional_derivative(recorded.tape, 10000, 2), std::invalid_argument);
}

TEST_CASE("exact offsets") {
  const auto function = [](auto x) {
    return exp(x[0] * x[1]) + sin(x[1]) * x[0] * x[0] + x[1] * x[1] * x[1] * 0.5;
  };
  const TapeFunction recorded = record_tape(function, 2);
  const std::shared_ptr<const Objective> objective = make_objective(recorded.tape, recorded.output);
  const std::vector<double> point = {0.75, -0.5}, v = {0.3, -1.1}, zero(2, 0.0);
  const auto exact = exact_offsets(objective, recorded.tape, recorded.output, point);
  const Quantities there = evaluate_at(*objective, point, v, v);
  // At lengths where subtraction loses little it is the difference.
  const std::vector<double> d = {0.25, -0.125}, moved = {1.0, -0.625};
  const Quantities far = evaluate_at(*objective, moved, v, v);
  const Quantities changed = evaluate_at(*exact, d, v, v);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(changed.gradient[i] ==
          doctest::Approx(far.gradient[i] - there.gradient[i]).epsilon(1e-14));
  CHECK(changed.value[0] == doctest::Approx(far.value[0] - there.value[0] -
                                            there.gradient[0] * d[0] - there.gradient[1] * d[1])
                                .epsilon(1e-13));
  CHECK(changed.hessian == far.hessian);
  CHECK(changed.third == far.third);
  CHECK(changed.hessian_product == far.hessian_product);
  CHECK(changed.third_product == far.third_product);
  // At others it is the product with the Hessian.
  for (const double length : {1e-20, 1e-100, 1e-250}) {
    const std::vector<double> shorter = {0.3 * length, -0.7 * length};
    const Quantities near = evaluate_at(*exact, shorter, v, v);
    const Quantities product = evaluate_at(*objective, point, shorter, v);
    for (std::size_t i = 0; i < 2; ++i)
      CHECK(near.gradient[i] / length ==
            doctest::Approx(product.hessian_product[i] / length).epsilon(1e-14));
  }
  const Quantities nothing = evaluate_at(*exact, zero, v, v);
  CHECK(nothing.value[0] == 0.0);
  CHECK(nothing.gradient == zero);

  CHECK_THROWS_AS(exact_offsets(objective, recorded.tape, 10000, point), std::invalid_argument);
  CHECK_THROWS_AS(exact_offsets(objective, recorded.tape, recorded.output, std::vector<double>(3)),
                  std::invalid_argument);
  CHECK_THROWS_AS(exact_offsets(objective, recorded.tape, recorded.output,
                                std::vector<double>(2, std::nan(""))),
                  std::invalid_argument);
}
