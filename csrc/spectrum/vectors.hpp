// Norms and products of vectors held as plain arrays of doubles.
#pragma once

#include <cmath>
#include <cstddef>

namespace talweg {

inline double norm(std::size_t n, const double* x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return std::sqrt(sum);
}

inline double distance(std::size_t n, const double* x, const double* y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(sum);
}

inline double dot(std::size_t n, const double* x, const double* y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

inline bool differ_in_sign(double a, double b) { return (a < 0.0) != (b < 0.0); }

}  // namespace talweg
