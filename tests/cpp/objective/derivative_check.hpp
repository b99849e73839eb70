// Compares all quantities of a recorded function with nested dual numbers.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "objective/dual.hpp"
#include "talweg/objective.hpp"

namespace talweg::testing {

constexpr unsigned every_quantity = 63;

// All quantities at one point, matrices packed.
struct Quantities {
  std::vector<double> value, gradient, hessian, third, hessian_product, third_product;
};

inline Quantities evaluate_at(const Objective& objective, const std::vector<double>& x,
                              const std::vector<double>& v, const std::vector<double>& w,
                              unsigned quantities = every_quantity) {
  const std::size_t n = objective.dimension();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Quantities result{std::vector<double>(1, nan),
                    std::vector<double>(n, nan),
                    std::vector<double>(n * (n + 1) / 2, nan),
                    std::vector<double>(n * (n + 1) / 2, nan),
                    std::vector<double>(n, nan),
                    std::vector<double>(n, nan)};
  EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = x.data();
  block.v = v.data();
  block.w = w.data();
  block.value = result.value.data();
  block.gradient = result.gradient.data();
  block.hessian = result.hessian.data();
  block.third = result.third.data();
  block.hessian_product = result.hessian_product.data();
  block.third_product = result.third_product.data();
  objective.evaluate(quantities, block);
  return result;
}

inline std::vector<double> random_vector(std::mt19937_64& random, std::size_t n, double low,
                                         double high) {
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> result(n);
  for (double& entry : result) entry = uniform(random);
  return result;
}

// The largest difference in any quantity, relative to the quantity's largest entry (at least
// `floor`).
template <class Function>
double derivative_error(const Objective& objective, const Function& function,
                        const std::vector<double>& x, const std::vector<double>& v,
                        const std::vector<double>& w, double floor = 1e-3) {
  const std::size_t n = x.size();
  const auto unit = [n](std::size_t i) {
    std::vector<double> e(n, 0.0);
    e[i] = 1.0;
    return e;
  };
  const Quantities got = evaluate_at(objective, x, v, w);
  Quantities want{{0.0}, std::vector<double>(n), {},
                  {},    std::vector<double>(n), std::vector<double>(n)};
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      const Jet second = jet(function, x, unit(i), unit(j), v);
      want.value[0] = second.value;
      want.gradient[i] = second.p;
      want.hessian.push_back(second.pq);
      want.third.push_back(second.pqr);
    }
    want.hessian_product[i] = jet(function, x, unit(i), v, w).pq;
    want.third_product[i] = jet(function, x, unit(i), v, w).pqr;
  }
  double error = 0.0;
  const auto compare = [&](const std::vector<double>& a, const std::vector<double>& b) {
    double scale = floor;
    for (const double entry : b) scale = std::max(scale, std::abs(entry));
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double difference = std::abs(a[i] - b[i]) / scale;
      error = difference <= error ? error : difference;  // keeps NaN
    }
  };
  compare(got.value, want.value);
  compare(got.gradient, want.gradient);
  compare(got.hessian, want.hessian);
  compare(got.third, want.third);
  compare(got.hessian_product, want.hessian_product);
  compare(got.third_product, want.third_product);
  return error;
}

// The same over random points; T has to be a generic function of a container of numbers.
template <class Function>
double greatest_derivative_error(const Objective& objective, const Function& function, double low,
                                 double high, int points = 20) {
  std::mt19937_64 random(12345);
  const std::size_t n = objective.dimension();
  double error = 0.0;
  for (int i = 0; i < points; ++i) {
    const std::vector<double> x = random_vector(random, n, low, high);
    const double here =
        derivative_error(objective, function, x, random_vector(random, n, -1.0, 1.0),
                         random_vector(random, n, -1.0, 1.0));
    if (std::isnan(here)) return here;
    error = std::max(error, here);
  }
  return error;
}

}  // namespace talweg::testing
