#include "talweg/differences.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>

#include "objective/derivative_check.hpp"
#include "talweg/record.hpp"
#include "talweg/tape.hpp"

using namespace talweg;
using namespace talweg::testing;

namespace {

const auto smooth = [](auto x) { return sin(x[0] * x[1]) + exp(x[2] * 0.5) * x[0] + x[1] * x[2]; };

// Evaluates some quantities of a recorded function and touches no others.
class Partial final : public Objective {
 public:
  explicit Partial(unsigned available) : available_(available) {
    const TapeFunction function = record_tape(smooth, 3);
    whole_ = make_objective(function.tape, function.output);
  }
  std::size_t dimension() const noexcept override { return 3; }
  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    CHECK((quantities & ~available_) == 0);
    whole_->evaluate(quantities, block);
  }
  bool thread_safe() const noexcept override { return false; }

 private:
  unsigned available_;
  std::unique_ptr<Objective> whole_;
};

double largest_error(unsigned available) {
  DifferenceOptions options;
  options.scale = {1.0, 0.9, 1.1};
  const auto completed =
      complete_derivatives(std::make_shared<Partial>(available), available, options);
  CHECK_FALSE(completed->thread_safe());
  return greatest_derivative_error(*completed, smooth, -1.0, 1.0, 5);
}

}  // namespace

TEST_CASE("whatever is missing is made from what is there") {
  constexpr unsigned f = quantity_value, g = quantity_gradient, h = quantity_hessian,
                     hv = quantity_hessian_product, t = quantity_third,
                     tvw = quantity_third_product;
  CHECK(largest_error(f | g | h | hv | t | tvw) < 1e-13);
  CHECK(largest_error(f | g | hv | tvw) < 1e-13);
  CHECK(largest_error(f | g | h | t) < 1e-13);
  CHECK(largest_error(f | g | hv) < 1e-10);
  CHECK(largest_error(f | g | h) < 1e-10);
  CHECK(largest_error(f | g) < 1e-7);
  CHECK(largest_error(f) < 1e-4);
}

TEST_CASE("lines do not depend on their neighbours") {
  DifferenceOptions options;
  options.scale = {1.0, 1.0, 1.0};
  const auto completed =
      complete_derivatives(std::make_shared<Partial>(quantity_value), quantity_value, options);
  // More lanes than go side by side.
  constexpr std::size_t lanes = 300;
  std::vector<double> x(3 * lanes), v(3 * lanes), third(6 * lanes);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 0.003 * static_cast<double>(i) - 1.0;
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = 1.0 - 0.002 * static_cast<double>(i);
  EvaluationBlock block;
  block.lanes = block.stride = lanes;
  block.x = x.data();
  block.v = v.data();
  block.third = third.data();
  completed->evaluate(quantity_third, block);
  for (const std::size_t lane : {std::size_t{0}, std::size_t{137}, lanes - 1}) {
    const std::vector<double> at = {x[lane], x[lanes + lane], x[2 * lanes + lane]};
    const std::vector<double> along = {v[lane], v[lanes + lane], v[2 * lanes + lane]};
    const Quantities alone = evaluate_at(*completed, at, along, along, quantity_third);
    for (std::size_t e = 0; e < 6; ++e) CHECK(alone.third[e] == third[e * lanes + lane]);
  }
}

TEST_CASE("errors are estimated from what is there") {
  DifferenceOptions options;
  options.scale = {1.0, 1.0, 1.0};
  const auto errors_with = [&](unsigned available) {
    return complete_derivatives(std::make_shared<Partial>(available), available, options)->errors();
  };
  const DerivativeErrors exact =
      errors_with(quantity_value | quantity_gradient | quantity_hessian | quantity_third);
  CHECK(DerivativeErrors::at(exact.gradient, 1.0, 1.0, 1.0) == 0.0);
  CHECK(DerivativeErrors::at(exact.third, 1.0, 1.0, 1.0) == 0.0);
  const DerivativeErrors from_gradient = errors_with(quantity_value | quantity_gradient);
  CHECK(DerivativeErrors::at(from_gradient.gradient, 1.0, 1.0, 1.0) == 0.0);
  const double of_hessian = DerivativeErrors::at(from_gradient.hessian, 1.0, 1.0, 1.0);
  CHECK(of_hessian > 1e-14);
  CHECK(of_hessian < DerivativeErrors::at(from_gradient.third, 1.0, 1.0, 1.0));
}

TEST_CASE("options that make no sense") {
  const auto base = std::make_shared<Partial>(quantity_value);
  DifferenceOptions options;
  CHECK_THROWS_AS(complete_derivatives(base, quantity_value, options), std::invalid_argument);
  options.scale = {1.0, -1.0, 1.0};
  CHECK_THROWS_AS(complete_derivatives(base, quantity_value, options), std::invalid_argument);
  options.scale = {1.0, 1.0, 1.0};
  CHECK_THROWS_AS(complete_derivatives(base, quantity_gradient, options), std::invalid_argument);
  options.noise = 1.0;
  CHECK_THROWS_AS(complete_derivatives(base, quantity_value, options), std::invalid_argument);
}
