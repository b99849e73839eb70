// The numbers of one three-term recurrence, apart from its vectors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "spectrum/recurrence.hpp"

namespace talweg {

// Vectors are kept at the length they happen to have, and products are taken as they come: what
// would bring them to length 1 and into range goes into the factors of the next combination.
class RecurrenceCoefficients {
 public:
  // next = product_factor * product + current_factor * current + previous_factor * previous
  struct Factors {
    double product = 0.0, current = 0.0, previous = 0.0;
  };

  RecurrenceCoefficients(std::size_t n, double start_length) : n_(n), length_(start_length) {}

  // Before the first step: whether squares of a product with this square leave the range, so that
  // its largest entry has to be told.
  static bool out_of_range(double square) { return !(square > 1e-200 && square < 1e200); }
  void scale_by_largest(double largest) {
    // Not to where the power itself or its inverse would leave the range.
    if (largest > 0.0 && std::isfinite(largest))
      scale_ = std::exp2(std::clamp(-std::ilogb(largest), -1000, 1000));
  }

  // 1 / |current|
  double unit() const { return 1.0 / length_; }

  // From product . current.
  Factors factors(double product) {
    alpha_ = product * unit() * scale_ * unit();
    return {unit() * scale_, -alpha_ * unit(), steps_ == 0 ? 0.0 : -length_ / earlier_};
  }

  // From |next|^2; false where the run ends.
  bool add(double square, Recurrence& result) {
    double beta = std::sqrt(square);
    if (!std::isfinite(alpha_) || !std::isfinite(beta)) {
      result.status = Status::non_finite;
      return false;
    }
    ++steps_;
    largest_ = std::max({largest_, std::fabs(alpha_), beta});
    // Couplings this small are rounding. Cutting one off changes the quadrature by no more.
    if (beta <= 1e-12 * largest_ || steps_ == n_) beta = 0.0;
    result.diagonal.push_back(alpha_ / scale_);
    result.beside.push_back(beta / scale_);
    if (beta == 0.0) {
      result.status = Status::converged;
      return false;
    }
    earlier_ = length_;
    length_ = beta;
    return true;
  }

 private:
  std::size_t n_, steps_ = 0;
  double length_, earlier_ = 0.0;  // of the current vector and the one before
  double scale_ = 1.0;             // power of two that products are multiplied by
  double alpha_ = 0.0;
  double largest_ = 0.0;  // coefficient so far
};

}  // namespace talweg
