// Evaluation on arrays as users hold them: one point after the other, matrices in full.
#pragma once

#include <cstddef>

#include "talweg/objective.hpp"

namespace talweg {

// C-contiguous arrays over m points; only what the requested quantities need has to be set.
struct PointArrays {
  std::size_t points = 0;
  const double* x = nullptr;          // (m, n)
  const double* v = nullptr;          // (m, n)
  const double* w = nullptr;          // (m, n)
  double* value = nullptr;            // (m,)
  double* gradient = nullptr;         // (m, n)
  double* hessian = nullptr;          // (m, n, n)
  double* third = nullptr;            // (m, n, n)
  double* hessian_product = nullptr;  // (m, n)
  double* third_product = nullptr;    // (m, n)
};

// Evaluates the quantities at all points, on up to `workers` threads (0: one a processor) where the
// objective allows it. False when it was interrupted: points not evaluated are then NaN.
bool evaluate_points(const Objective& objective, unsigned quantities, const PointArrays& arrays,
                     std::size_t workers = 0);

}  // namespace talweg
