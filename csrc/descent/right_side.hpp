// What gradient flow integrates, evaluated on blocks of points.
#pragma once

#include <cstddef>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg {

// Components are the n coordinates and, with the volume, its logarithm as one more. Derivatives are
// given with their signs changed: grad f and trace H.
class RightSide {
 public:
  // Above this many coordinates the trace is made of n Hessian-vector products.
  static constexpr std::size_t whole_hessian = 64;

  RightSide(const Objective& objective, bool log_volume, std::size_t lanes);

  std::size_t dimension() const noexcept { return n_; }
  std::size_t components() const noexcept { return n_ + (log_volume_ ? 1 : 0); }

  // x and k: rows of `stride`; lanes up to the number given to the constructor. `value` may be
  // null.
  void evaluate(std::size_t lanes, std::size_t stride, const double* x, double* k, double* value);

  // Only the gradient: n rows.
  void gradient(std::size_t lanes, std::size_t stride, const double* x, double* k);

  // The gradient, n rows, and packed Hessians, n (n + 1) / 2 rows.
  void gradient_and_hessian(std::size_t lanes, std::size_t stride, const double* x, double* k,
                            double* hessian);

  // f at one point.
  double value(const double* x);

  // H at one point, n x n.
  void hessian(const double* x, double* matrix);

 private:
  void trace(std::size_t lanes, std::size_t stride, const double* x, double* to);

  const Objective& objective_;
  std::size_t n_;
  bool log_volume_;
  std::vector<double> hessian_, direction_, product_;
};

}  // namespace talweg
