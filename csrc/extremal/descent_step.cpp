#include "extremal/descent_step.hpp"

#include <algorithm>
#include <cmath>

#include "spectrum/factorisation.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

// Eigenvalues below this part of the largest are rounding, and steps along them would be.
constexpr double kernel = 1e-10;
constexpr int most_shifts = 30;

}  // namespace

double DescentStep::find(const double* hessian, const double* gradient, double radius,
                         double* step) {
  std::copy(hessian, hessian + n_ * n_, factor_.begin());
  is_newton_ = cholesky_factor(n_, factor_.data());
  if (is_newton_) {
    for (std::size_t i = 0; i < n_; ++i) step[i] = -gradient[i];
    cholesky_solve(n_, factor_.data(), step);
    is_newton_ = norm(n_, step) <= radius;
    if (is_newton_) return -0.5 * dot(n_, gradient, step);
  }
  std::copy(hessian, hessian + n_ * n_, factor_.begin());
  symmetric_eigen(n_, factor_.data(), values_.data(), scratch_.data(), true);
  const double largest = std::max(std::fabs(values_.front()), std::fabs(values_.back()));
  for (std::size_t j = 0; j < n_; ++j) {
    along_[j] = 0.0;
    for (std::size_t i = 0; i < n_; ++i) along_[j] -= factor_[i * n_ + j] * gradient[i];
    scratch_[j] = std::max(std::fabs(values_[j]), kernel * largest);
  }
  // The shift mu with |step| = radius: Newton's method on 1 / |step|, which is concave in mu, does
  // not overshoot from below (Nocedal and Wright, section 4.3).
  double shift = largest > 0.0 ? 0.0 : norm(n_, gradient) / radius;
  double length = 0.0;
  for (int i = 0; i < most_shifts; ++i) {
    double squares = 0.0, cubes = 0.0;
    for (std::size_t j = 0; j < n_; ++j) {
      const double part = along_[j] / (scratch_[j] + shift);
      squares += part * part;
      cubes += part * part / (scratch_[j] + shift);
    }
    length = std::sqrt(squares);
    if (!(length > 1.01 * radius)) break;
    shift += squares / cubes * (length / radius - 1.0);
  }
  const double part = std::min(1.0, radius / length);
  double fall = 0.0;
  for (std::size_t j = 0; j < n_; ++j) {
    const double s = part * along_[j] / (scratch_[j] + shift);
    fall += (along_[j] - 0.5 * values_[j] * s) * s;
    scratch_[j] = s;
  }
  for (std::size_t i = 0; i < n_; ++i) step[i] = dot(n_, factor_.data() + i * n_, scratch_.data());
  return fall;
}

}  // namespace talweg
