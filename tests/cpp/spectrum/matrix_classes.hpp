// Symmetric matrices of the kinds that decompositions must stand, and what is asked of them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace matrix_classes {

using Matrix = std::vector<double>;  // n x n by rows

inline const std::vector<std::string>& names() {
  static const std::vector<std::string> all = {"orthogonal ensemble",
                                               "graded",
                                               "graded upwards",
                                               "clustered",
                                               "rank one",
                                               "zero",
                                               "diagonal",
                                               "huge",
                                               "tiny",
                                               "subnormal",
                                               "repeated integers",
                                               "antidiagonal",
                                               "path",
                                               "split",
                                               "constant"};
  return all;
}

inline Matrix ensemble(std::size_t n, std::mt19937_64& generator) {
  std::normal_distribution<double> normal;
  Matrix a(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) a[i * n + j] = a[j * n + i] = normal(generator);
    a[i * n + i] = std::sqrt(2.0) * normal(generator);
  }
  return a;
}

// Reflects diag(values) three times, so that every entry is filled.
inline Matrix with_values(std::size_t n, const std::vector<double>& values,
                          std::mt19937_64& generator) {
  std::normal_distribution<double> normal;
  Matrix a(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) a[i * n + i] = values[i];
  for (int k = 0; k < 3; ++k) {
    std::vector<double> v(n), w(n, 0.0);
    double square = 0.0;
    for (double& x : v) {
      x = normal(generator);
      square += x * x;
    }
    for (double& x : v) x *= std::sqrt(2.0 / square);
    double dot = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) w[i] += a[i * n + j] * v[j];
      dot += w[i] * v[i];
    }
    for (std::size_t i = 0; i < n; ++i) w[i] -= 0.5 * dot * v[i];
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] -= v[i] * w[j] + w[i] * v[j];
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < i; ++j) a[j * n + i] = a[i * n + j];
  return a;
}

inline Matrix make(const std::string& name, std::size_t n, unsigned seed) {
  std::mt19937_64 generator(seed + 1000 * n);
  std::normal_distribution<double> normal;
  Matrix a = ensemble(n, generator);
  const auto each = [&a, n](auto&& entry) {
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] = entry(i, j);
  };
  const double step = n > 1 ? 12.0 / static_cast<double>(n - 1) : 0.0;
  if (name == "graded" || name == "graded upwards") {
    const bool up = name == "graded upwards";
    each([&](std::size_t i, std::size_t j) {
      const double power = 0.5 * step * static_cast<double>(up ? 2 * n - 2 - i - j : i + j);
      return a[i * n + j] * std::pow(10.0, -power);
    });
  } else if (name == "clustered") {
    std::vector<double> values(n);
    for (std::size_t i = 0; i < n; ++i)
      values[i] = (i % 3 == 0 ? -1.0 : 1.0) + 1e-9 * normal(generator);
    a = with_values(n, values, generator);
  } else if (name == "rank one") {
    std::vector<double> v(n);
    for (double& x : v) x = normal(generator);
    each([&](std::size_t i, std::size_t j) { return v[i] * v[j]; });
  } else if (name == "zero") {
    each([](std::size_t, std::size_t) { return 0.0; });
  } else if (name == "diagonal") {
    each([&](std::size_t i, std::size_t j) { return i == j ? normal(generator) : 0.0; });
  } else if (name == "huge") {
    each([&](std::size_t i, std::size_t j) { return 1e300 * a[i * n + j]; });
  } else if (name == "tiny") {
    each([&](std::size_t i, std::size_t j) { return 1e-300 * a[i * n + j]; });
  } else if (name == "subnormal") {
    each([&](std::size_t i, std::size_t j) { return 1e-310 * a[i * n + j]; });
  } else if (name == "repeated integers") {
    // Adjacency of the complete graph with a signed diagonal block structure: few eigenvalues.
    each(
        [&](std::size_t i, std::size_t j) { return i / 4 == j / 4 ? (i == j ? 2.0 : -1.0) : 0.0; });
  } else if (name == "antidiagonal") {
    each([&](std::size_t i, std::size_t j) { return i + j + 1 == n ? 1.0 : 0.0; });
  } else if (name == "path") {
    each([](std::size_t i, std::size_t j) { return i + 1 == j || j + 1 == i ? 1.0 : 0.0; });
  } else if (name == "split") {
    // Blocks joined by entries far below rounding.
    each([&](std::size_t i, std::size_t j) {
      return i / 3 == j / 3 ? a[i * n + j] : 1e-170 * a[i * n + j];
    });
  } else if (name == "constant") {
    each([](std::size_t, std::size_t) { return 1.0; });
  }
  return a;
}

struct Errors {
  double residual;       // |A V - V diag(w)|_F / |A|_F
  double orthogonality;  // |V' V - 1|_F
};

// vectors: column j of the n x n array by rows belongs to values[j].
inline Errors errors(std::size_t n, const double* a, const double* values, const double* vectors) {
  using Long = long double;
  Long norm = 0.0L, residual = 0.0L, orthogonality = 0.0L;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      norm += static_cast<Long>(a[i * n + j]) * a[i * n + j];
      Long product = 0.0L, dot = 0.0L;
      for (std::size_t k = 0; k < n; ++k) {
        product += static_cast<Long>(a[i * n + k]) * vectors[k * n + j];
        dot += static_cast<Long>(vectors[k * n + i]) * vectors[k * n + j];
      }
      product -= static_cast<Long>(values[j]) * vectors[i * n + j];
      dot -= i == j ? 1.0L : 0.0L;
      residual += product * product;
      orthogonality += dot * dot;
    }
  }
  // Eigenvalues themselves are rounded, which counts for subnormal ones.
  const Long grain = std::numeric_limits<double>::denorm_min() * static_cast<Long>(n);
  const Long excess = std::max(0.0L, std::sqrt(residual) - grain);
  return {norm > 0.0L ? static_cast<double>(excess / std::sqrt(norm)) : static_cast<double>(excess),
          static_cast<double>(std::sqrt(orthogonality))};
}

// 10 n eps
inline double allowed(std::size_t n) {
  return 10.0 * static_cast<double>(n) * std::numeric_limits<double>::epsilon();
}

}  // namespace matrix_classes
