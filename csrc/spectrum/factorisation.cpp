#include "spectrum/factorisation.hpp"

#include <algorithm>
#include <cmath>

namespace talweg {

PivotReport lu_factor(std::size_t n, double* a, std::size_t* pivots) {
  PivotReport report;
  report.determinant_sign = 1;
  for (std::size_t j = 0; j < n; ++j) {
    std::size_t pivot = j;
    for (std::size_t i = j + 1; i < n; ++i) {
      if (std::fabs(a[i * n + j]) > std::fabs(a[pivot * n + j])) pivot = i;
    }
    pivots[j] = pivot;
    if (pivot != j) {
      std::swap_ranges(a + j * n, a + (j + 1) * n, a + pivot * n);
      report.determinant_sign = -report.determinant_sign;
    }
    const double value = a[j * n + j];
    const double modulus = std::fabs(value);
    report.smallest_pivot = j == 0 ? modulus : std::min(report.smallest_pivot, modulus);
    report.largest_pivot = std::max(report.largest_pivot, modulus);
    if (!(modulus > 0.0)) {
      report.determinant_sign = 0;
      continue;
    }
    if (value < 0.0) report.determinant_sign = -report.determinant_sign;
    const double inverse = 1.0 / value;
    for (std::size_t i = j + 1; i < n; ++i) {
      double* row = a + i * n;
      if (row[j] == 0.0) continue;
      const double factor = row[j] *= inverse;
      const double* top = a + j * n;
      for (std::size_t k = j + 1; k < n; ++k) row[k] -= factor * top[k];
    }
  }
  return report;
}

void lu_solve(std::size_t n, const double* a, const std::size_t* pivots, double* right) {
  for (std::size_t i = 0; i < n; ++i) {
    if (pivots[i] != i) std::swap(right[i], right[pivots[i]]);
  }
  for (std::size_t i = 1; i < n; ++i) {
    double sum = right[i];
    for (std::size_t k = 0; k < i; ++k) sum -= a[i * n + k] * right[k];
    right[i] = sum;
  }
  for (std::size_t i = n; i-- > 0;) {
    double sum = right[i];
    for (std::size_t k = i + 1; k < n; ++k) sum -= a[i * n + k] * right[k];
    right[i] = sum / a[i * n + i];
  }
}

bool cholesky_factor(std::size_t n, double* a) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j) {
        if (!(sum > 0.0)) return false;
        a[i * n + i] = std::sqrt(sum);
      } else {
        a[i * n + j] = sum / a[j * n + j];
      }
    }
  }
  return true;
}

void cholesky_solve(std::size_t n, const double* a, double* right) {
  for (std::size_t i = 0; i < n; ++i) {
    double sum = right[i];
    for (std::size_t k = 0; k < i; ++k) sum -= a[i * n + k] * right[k];
    right[i] = sum / a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    double sum = right[i];
    for (std::size_t k = i + 1; k < n; ++k) sum -= a[k * n + i] * right[k];
    right[i] = sum / a[i * n + i];
  }
}

}  // namespace talweg
