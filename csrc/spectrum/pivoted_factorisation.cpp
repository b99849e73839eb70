#include "spectrum/pivoted_factorisation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "talweg/lapack.hpp"

namespace talweg {
namespace {

// Bounds the growth of elements best: (1 + sqrt 17) / 8.
constexpr double threshold = 0.6403882032022076;

// Rows and columns p < q of the trailing symmetric matrix change places, and so do the rows of L.
void exchange(std::size_t n, double* a, std::size_t p, std::size_t q) {
  if (p == q) return;
  for (std::size_t j = 0; j < p; ++j) std::swap(a[p * n + j], a[q * n + j]);
  for (std::size_t i = p + 1; i < q; ++i) std::swap(a[i * n + p], a[q * n + i]);
  for (std::size_t i = q + 1; i < n; ++i) std::swap(a[i * n + p], a[i * n + q]);
  std::swap(a[p * n + p], a[q * n + q]);
}

// Collects the blocks of D.
class BlockProduct {
 public:
  void take(double pivot) {
    multiply(pivot);
    if (pivot < 0.0) ++negative_;
  }

  // The block [a b; b c] is indefinite: pivoting makes b^2 more than twice |a c|.
  void take(double a, double b, double c) {
    multiply(b);
    multiply(b);
    multiply((a / b) * (c / b) - 1.0);
    ++negative_;
  }

  PivotReading result() const {
    if (mantissa_ == 0.0) return {-std::numeric_limits<double>::infinity(), 0.0, negative_};
    // With the modulus about 1 the exponent is 0 wherever the logarithm is small.
    double modulus = std::fabs(mantissa_), exponent = static_cast<double>(exponent_);
    if (modulus < 0.70710678118654752) {
      modulus *= 2.0;
      exponent -= 1.0;
    }
    const double log_modulus = std::log(modulus) + exponent * 0.69314718055994531;
    return {log_modulus, mantissa_ < 0.0 ? -1.0 : 1.0, negative_};
  }

 private:
  void multiply(double factor) {
    int exponent = 0;
    const double mantissa = std::frexp(factor, &exponent);
    exponent_ += exponent;
    mantissa_ = std::frexp(mantissa_ * mantissa, &exponent);
    exponent_ += exponent;
  }

  double mantissa_ = 1.0;
  long exponent_ = 0;
  std::size_t negative_ = 0;
};

}  // namespace

PivotReading pivoted_factor(std::size_t n, double* a, double* scratch) {
  BlockProduct product;
  double* const first = scratch;
  double* const second = scratch + n;
  for (std::size_t k = 0; k < n;) {
    // The largest entry of column k below the diagonal, and of that row's own column.
    std::size_t r = k;
    double column = 0.0;
    for (std::size_t i = k + 1; i < n; ++i)
      if (std::fabs(a[i * n + k]) > column) column = std::fabs(a[i * n + k]), r = i;
    const double diagonal = std::fabs(a[k * n + k]);
    if (column == 0.0) {
      product.take(a[k * n + k]);
      ++k;
      continue;
    }
    bool two = false;
    if (diagonal < threshold * column) {
      double other = 0.0;
      for (std::size_t j = k; j < r; ++j) other = std::max(other, std::fabs(a[r * n + j]));
      for (std::size_t i = r + 1; i < n; ++i) other = std::max(other, std::fabs(a[i * n + r]));
      if (diagonal * (other / column) < threshold * column) {
        two = std::fabs(a[r * n + r]) < threshold * other;
        exchange(n, a, two ? k + 1 : k, r);
      }
    }
    if (!two) {
      const double pivot = a[k * n + k];
      product.take(pivot);
      for (std::size_t i = k + 1; i < n; ++i) first[i] = a[i * n + k];
      for (std::size_t i = k + 1; i < n; ++i) {
        double* const row = a + i * n;
        const double l = row[k] = first[i] / pivot;
        for (std::size_t j = k + 1; j <= i; ++j) row[j] -= l * first[j];
      }
      ++k;
      continue;
    }
    const double b = a[(k + 1) * n + k], p = a[k * n + k] / b, q = a[(k + 1) * n + k + 1] / b;
    product.take(a[k * n + k], b, a[(k + 1) * n + k + 1]);
    const double scale = 1.0 / ((p * q - 1.0) * b);
    for (std::size_t i = k + 2; i < n; ++i) {
      first[i] = a[i * n + k];
      second[i] = a[i * n + k + 1];
    }
    for (std::size_t i = k + 2; i < n; ++i) {
      double* const row = a + i * n;
      const double l = row[k] = scale * (q * first[i] - second[i]);
      const double m = row[k + 1] = scale * (p * second[i] - first[i]);
      for (std::size_t j = k + 2; j <= i; ++j) row[j] -= l * first[j] + m * second[j];
    }
    k += 2;
  }
  return product.result();
}

PivotReading pivoted_factor(std::size_t n, double* a, double* scratch, const LapackTable* table) {
  if (n < pivoting_worth_lapack || table == nullptr || table->dsytrf == nullptr)
    return pivoted_factor(n, a, scratch);
  char uplo = 'L';
  int order = static_cast<int>(n), length = -1, info = 0;
  double wanted = 0.0;
  std::vector<int> pivots(n);
  table->dsytrf(&uplo, &order, a, &order, pivots.data(), &wanted, &length, &info);
  length = std::max(1, static_cast<int>(wanted));
  std::vector<double> work(static_cast<std::size_t>(length));
  table->dsytrf(&uplo, &order, a, &order, pivots.data(), work.data(), &length, &info);
  BlockProduct product;
  for (std::size_t k = 0; k < n; ++k) {
    if (pivots[k] < 0 && k + 1 < n) {
      product.take(a[k * n + k], a[k * n + k + 1], a[(k + 1) * n + k + 1]);
      ++k;
    } else {
      product.take(a[k * n + k]);
    }
  }
  return product.result();
}

}  // namespace talweg
