// The linear flow next to a minimum and how far to trust it.
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "descent/right_side.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "talweg/flow.hpp"

namespace talweg {

// With y the deviation, mu = lambda_1 - third r / 2 and |y(t)| <= r exp(-mu t), the integral of
// exp(-lambda_1 (t - s)) third |y(s)|^2 / 2 over s bounds the difference to the linear flow. It is
// largest when t is about 1 / lambda_1 and never above the bound below.
double FlowMinimum::linear_error(double r) const noexcept {
  if (third == 0.0) return 0.0;
  const double softest = eigenvalues.empty() ? 0.0 : eigenvalues.front();
  const double rate = 2.0 * (softest - 0.5 * third * r) - softest;
  if (!(softest > 0.0) || !(rate > 0.0)) return std::numeric_limits<double>::infinity();
  return 0.5 * third * r * r / rate;
}

namespace {

// The Frobenius norm of the third derivatives at x, and the traces of T[e_k]; several k at once.
double third_norm(const Objective& objective, const double* x, std::vector<double>* traces) {
  constexpr std::size_t at_once = 16;
  const std::size_t n = objective.dimension(), triangle = n * (n + 1) / 2;
  const std::size_t stride = std::min(n, at_once);
  std::vector<double> point(n * stride), direction(n * stride), third(triangle * stride);
  for (std::size_t i = 0; i < n; ++i) std::fill_n(point.begin() + i * stride, stride, x[i]);
  EvaluationBlock block;
  block.stride = stride;
  block.x = point.data();
  block.v = direction.data();
  block.third = third.data();
  double square = 0.0;
  for (std::size_t first = 0; first < n; first += stride) {
    block.lanes = std::min(stride, n - first);
    std::fill(direction.begin(), direction.end(), 0.0);
    for (std::size_t l = 0; l < block.lanes; ++l) direction[(first + l) * stride + l] = 1.0;
    objective.evaluate(quantity_third, block);
    for (std::size_t l = 0; l < block.lanes; ++l) {
      double trace = 0.0;
      for (std::size_t i = 0, row = 0; i < n; ++i) {
        for (std::size_t j = 0; j <= i; ++j, ++row) {
          const double t = third[row * stride + l];
          square += (i == j ? 1.0 : 2.0) * t * t;
          if (i == j) trace += t;
        }
      }
      if (traces) (*traces)[first + l] = trace;
    }
  }
  return std::sqrt(square);
}

}  // namespace

FlowMinimum describe_minimum(const Objective& objective, std::span<const double> x,
                             double largest) {
  const std::size_t n = objective.dimension();
  if (x.size() != n) throw std::invalid_argument("a minimum needs one number for each coordinate");
  FlowMinimum minimum;
  minimum.x.assign(x.begin(), x.end());
  minimum.eigenvalues.resize(n);
  minimum.eigenvectors.resize(n * n);
  minimum.trace_slope.assign(n, 0.0);
  std::vector<double> scratch(n), traces(n), place(n);
  RightSide(objective, false, 1).hessian(x.data(), minimum.eigenvectors.data());
  if (!symmetric_eigen(n, minimum.eigenvectors.data(), minimum.eigenvalues.data(), scratch.data(),
                       true))
    return minimum;
  const double here = third_norm(objective, x.data(), &traces);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < n; ++i)
      minimum.trace_slope[j] += minimum.eigenvectors[i * n + j] * traces[i];
  const double softest = minimum.eigenvalues.front();
  if (!(softest > 0.0) || !std::isfinite(here)) return minimum;
  double radius = std::min(largest, here > 0.0 ? softest / here : largest);
  for (int round = 0; round < 60; ++round) {
    double third = here;
    for (std::size_t j = 0; j < n; ++j) {
      for (const double sign : {-1.0, 1.0}) {
        for (std::size_t i = 0; i < n; ++i)
          place[i] = x[i] + sign * radius * minimum.eigenvectors[i * n + j];
        const double there = third_norm(objective, place.data(), nullptr);
        third =
            std::max(third, std::isfinite(there) ? there : std::numeric_limits<double>::infinity());
      }
    }
    // mu = lambda_1 - third r / 2 is half of lambda_1 at the edge.
    if (third * radius <= 1.0000001 * softest) {
      minimum.third = third;
      minimum.radius = radius;
      return minimum;
    }
    radius =
        std::isfinite(third) ? std::max(0.25 * radius, 0.999 * softest / third) : 0.25 * radius;
  }
  return minimum;
}

}  // namespace talweg
