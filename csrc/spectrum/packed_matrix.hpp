// Symmetric matrices held as the rows of their lower triangle.
#pragma once

#include <cstddef>

namespace talweg {

inline double packed(const double* matrix, std::size_t i, std::size_t j) {
  return i >= j ? matrix[i * (i + 1) / 2 + j] : matrix[j * (j + 1) / 2 + i];
}

// y = matrix x.
inline void packed_product(std::size_t n, const double* matrix, const double* x, double* y) {
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = matrix + i * (i + 1) / 2;
    double sum = row[i] * x[i];
    for (std::size_t j = 0; j < i; ++j) {
      sum += row[j] * x[j];
      y[j] += row[j] * x[i];
    }
    y[i] = sum;
  }
}

}  // namespace talweg
