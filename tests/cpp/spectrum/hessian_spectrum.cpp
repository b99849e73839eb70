#include "talweg/hessian_spectrum.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "objective/point_arrays.hpp"
#include "talweg/interrupt.hpp"

namespace {

// sum of x_i^4 / 12 + x_i x_{i+1}; the Hessian is not finite where x_0 is not.
class Chain final : public talweg::Objective {
 public:
  explicit Chain(std::size_t n) : n_(n) {}
  std::size_t dimension() const noexcept override { return n_; }
  void evaluate(unsigned, const talweg::EvaluationBlock& block) const override {
    for (std::size_t i = 0, row = 0; i < n_; ++i)
      for (std::size_t j = 0; j <= i; ++j, ++row)
        for (std::size_t l = 0; l < block.lanes; ++l) {
          const double x = block.x[i * block.stride + l];
          block.hessian[row * block.stride + l] = i == j ? x * x : (i == j + 1 ? 1.0 : 0.0);
        }
  }

 private:
  std::size_t n_;
};

}  // namespace

TEST_CASE("spectra of Hessians are those of the stored ones") {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  for (const std::size_t n : {1, 2, 3, 6, 16, 17, 65}) {
    const Chain chain(n);
    const std::size_t count = n < 16 ? 5000 : 50;
    std::vector<double> x(count * n), hessians(count * n * n);
    for (double& value : x) value = normal(random);
    talweg::PointArrays arrays;
    arrays.points = count;
    arrays.x = x.data();
    arrays.hessian = hessians.data();
    talweg::evaluate_points(chain, talweg::quantity_hessian, arrays);

    std::vector<double> values(count * n), vectors(count * n * n), stored(count * n);
    std::vector<double> logarithms(count), signs(count), other(count), other_signs(count);
    std::vector<talweg::Inertia> inertia(count), counted(count);
    std::vector<talweg::Status> statuses(count, talweg::Status::running);
    for (const std::size_t workers : {1, 2}) {
      CHECK(talweg::hessian_eigh(chain, count, x.data(), values.data(), vectors.data(),
                                 statuses.data(), workers) == talweg::Status::converged);
      talweg::eigh_batch(count, n, hessians.data(), stored.data(), nullptr, nullptr);
      CHECK(talweg::hessian_inertia(chain, count, x.data(), inertia.data(), statuses.data(),
                                    workers) == talweg::Status::converged);
      talweg::inertia_batch(count, n, hessians.data(), counted.data(), nullptr);
      CHECK(talweg::hessian_logabsdet(chain, count, x.data(), logarithms.data(), signs.data(),
                                      statuses.data(), 1.0, -0.1,
                                      workers) == talweg::Status::converged);
      talweg::logabsdet_batch(count, n, hessians.data(), other.data(), other_signs.data(), nullptr,
                              1.0, -0.1);
      CHECK(inertia == counted);
      CHECK(logarithms == other);
      CHECK(signs == other_signs);
      double apart = 0.0, residual = 0.0;
      for (std::size_t k = 0; k < count; ++k) {
        const double* const h = hessians.data() + k * n * n;
        double scale = 1.0;
        for (std::size_t i = 0; i < n * n; ++i) scale = std::max(scale, std::fabs(h[i]));
        for (std::size_t j = 0; j < n; ++j) {
          const double value = values[k * n + j];
          apart = std::max(apart, std::fabs(value - stored[k * n + j]) / scale);
          for (std::size_t i = 0; i < n; ++i) {
            double product = -value * vectors[(k * n + i) * n + j];
            for (std::size_t r = 0; r < n; ++r)
              product += h[i * n + r] * vectors[(k * n + r) * n + j];
            residual = std::max(residual, std::fabs(product) / scale);
          }
        }
      }
      const double bound = 20.0 * static_cast<double>(n) * std::numeric_limits<double>::epsilon();
      CHECK(apart <= bound);
      CHECK(residual <= bound);
      for (const talweg::Status status : statuses) CHECK(status == talweg::Status::converged);
    }
  }
}

TEST_CASE("a Hessian that is not finite, and an interruption") {
  const Chain chain(2);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> x = {1.0, 2.0, nan, 1.0, 3.0, 4.0};
  std::vector<double> values(6), logarithms(3);
  std::vector<talweg::Status> statuses(3);
  CHECK(talweg::hessian_eigh(chain, 3, x.data(), values.data(), nullptr, statuses.data()) ==
        talweg::Status::non_finite);
  CHECK(statuses[0] == talweg::Status::converged);
  CHECK(statuses[1] == talweg::Status::non_finite);
  CHECK(std::isnan(values[2]));
  CHECK(std::isfinite(values[4]));
  CHECK(talweg::hessian_logabsdet(chain, 3, x.data(), logarithms.data(), nullptr, nullptr) ==
        talweg::Status::non_finite);
  CHECK(std::isnan(logarithms[1]));

  talweg::InterruptScope scope([](void*) { return true; });
  scope.trigger();
  std::vector<talweg::Inertia> inertia(3);
  CHECK(talweg::hessian_inertia(chain, 3, x.data(), inertia.data(), statuses.data()) ==
        talweg::Status::interrupted);
  CHECK(inertia[2] == talweg::Inertia{-1, -1, -1});
  CHECK(statuses[2] == talweg::Status::interrupted);
  CHECK(talweg::logabsdet_batch(1, 1, x.data(), logarithms.data(), nullptr, nullptr) ==
        talweg::Status::interrupted);
  CHECK(std::isnan(logarithms[0]));
}
