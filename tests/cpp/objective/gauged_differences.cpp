#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "objective/differenced_objective.hpp"
#include "talweg/record.hpp"

using namespace talweg;

namespace {

// Pairs of atoms with bonds of different lengths.
std::shared_ptr<const Objective> pairs(int atoms) {
  const auto energy = [atoms](auto x) {
    auto sum = x[0] * 0.0;
    for (int i = 0; i < atoms; ++i) {
      for (int j = 0; j < i; ++j) {
        auto square = x[0] * 0.0;
        for (int a = 0; a < 3; ++a) {
          const auto d = x[3 * i + a] - x[3 * j + a];
          square += d * d;
        }
        const auto bond = 1.0 - exp(0.3 * (j + 2) - sqrt(square));
        sum += bond * bond;
      }
    }
    return sum;
  };
  return record(energy, 3 * atoms);
}

// Counts the gradients that are asked for.
class Counted final : public Objective {
 public:
  explicit Counted(std::shared_ptr<const Objective> base) : base_(std::move(base)) {}
  std::size_t dimension() const noexcept override { return base_->dimension(); }
  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    CHECK((quantities & ~unsigned{quantity_value | quantity_gradient}) == 0);
    if ((quantities & quantity_gradient) != 0) gradients += block.lanes;
    base_->evaluate(quantities, block);
  }
  mutable std::size_t gradients = 0;

 private:
  std::shared_ptr<const Objective> base_;
};

struct Derivatives {
  std::vector<double> hessian, third;
};

Derivatives derivatives_of(const Objective& f, const std::vector<double>& x,
                           const std::vector<double>& v, std::size_t lanes, unsigned quantities) {
  const std::size_t triangle = f.dimension() * (f.dimension() + 1) / 2;
  Derivatives result{std::vector<double>(triangle * lanes), std::vector<double>(triangle * lanes)};
  std::vector<double> gradient(f.dimension() * lanes);
  EvaluationBlock block;
  block.lanes = block.stride = lanes;
  block.x = x.data();
  block.v = v.data();
  block.gradient = gradient.data();
  block.hessian = result.hessian.data();
  block.third = result.third.data();
  f.evaluate(quantities, block);
  return result;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::fabs(a[i] - b[i]));
  return largest;
}

}  // namespace

TEST_CASE("differences across the motions give the whole Hessian and third derivative") {
  std::mt19937 generator(11);
  std::normal_distribution<double> normal;
  for (std::size_t atoms : {2, 3, 5}) {
    for (bool rotations : {true, false}) {
      for (bool linear : {false, true}) {
        const std::size_t n = 3 * atoms, lanes = 3;
        std::vector<double> x(n * lanes), v(n * lanes);
        for (double& value : v) value = normal(generator);
        for (std::size_t i = 0; i < n * lanes; ++i) {
          const std::size_t coordinate = i / lanes, atom = coordinate / 3;
          const double place = static_cast<double>(atom);
          x[i] = linear ? (coordinate % 3 == 2 ? 1.1 * place : 0.3)
                        : 0.9 * std::cos(place * (2.0 + static_cast<double>(coordinate % 3))) +
                              0.1 * normal(generator);
          if (!linear && coordinate % 3 == 2) x[i] += 0.8 * place;
        }
        const auto exact = pairs(static_cast<int>(atoms));
        const auto counted = std::make_shared<Counted>(exact);
        DifferenceOptions options;
        options.scale.assign(n, 0.5);
        options.gauge = std::make_shared<RigidMotions>(std::vector<double>(atoms, 1.0), rotations);
        const DifferencedObjective f(counted, quantity_value | quantity_gradient, options);
        const unsigned both = quantity_hessian | quantity_third;
        const Derivatives want = derivatives_of(*exact, x, v, lanes, both);
        const Derivatives got = derivatives_of(f, x, v, lanes, both | quantity_gradient);
        CHECK(largest_difference(got.hessian, want.hessian) < 1e-9);
        CHECK(largest_difference(got.third, want.third) < 1e-6);
        const std::size_t across = n - (!rotations ? 3 : (linear || atoms == 2 ? 5 : 6));
        CHECK(counted->gradients == lanes * (1 + 8 * across + 4));
        // Alone they are the same bits, with the gradient or without.
        CHECK(derivatives_of(f, x, v, lanes, quantity_hessian).hessian == got.hessian);
        CHECK(derivatives_of(f, x, v, lanes, quantity_third).third == got.third);
      }
    }
  }
}

TEST_CASE("a gauge of another dimension is refused") {
  DifferenceOptions options;
  options.scale.assign(6, 0.5);
  options.gauge = std::make_shared<RigidMotions>(std::vector<double>(3, 1.0));
  CHECK_THROWS_AS(DifferencedObjective(pairs(2), quantity_value | quantity_gradient, options),
                  std::invalid_argument);
}
