#include "spectrum/factorisation.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

std::vector<double> random_numbers(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> numbers(count);
  for (double& number : numbers) number = normal(generator);
  return numbers;
}

double residual(std::size_t n, const std::vector<double>& a, const std::vector<double>& x,
                const std::vector<double>& b) {
  double largest = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    double sum = -b[i], size = std::fabs(b[i]);
    for (std::size_t j = 0; j < n; ++j) {
      sum += a[i * n + j] * x[j];
      size += std::fabs(a[i * n + j] * x[j]);
    }
    largest = std::max(largest, std::fabs(sum) / size);
  }
  return largest;
}

}  // namespace

TEST_CASE("solutions by LU") {
  for (std::size_t n : {1, 2, 3, 7, 30, 80}) {
    for (double scale : {1.0, 1e-120, 1e120}) {
      auto a = random_numbers(n * n, n);
      for (double& entry : a) entry *= scale;
      const auto b = random_numbers(n, n + 1);
      auto factors = a, x = b;
      std::vector<std::size_t> pivots(n);
      const auto report = talweg::lu_factor(n, factors.data(), pivots.data());
      CHECK(report.determinant_sign != 0);
      CHECK(report.smallest_pivot <= report.largest_pivot);
      talweg::lu_solve(n, factors.data(), pivots.data(), x.data());
      CHECK(residual(n, a, x, b) <= 50.0 * static_cast<double>(n) * epsilon);
    }
  }
}

TEST_CASE("the sign of the determinant") {
  std::vector<std::size_t> pivots(3);
  // Rows of a permutation with one exchange, then with two.
  std::vector<double> swapped = {0, 2, 0, 3, 0, 0, 0, 0, 4};
  CHECK(talweg::lu_factor(3, swapped.data(), pivots.data()).determinant_sign == -1);
  std::vector<double> cycled = {0, 2, 0, 0, 0, 3, 4, 0, 0};
  CHECK(talweg::lu_factor(3, cycled.data(), pivots.data()).determinant_sign == 1);
  std::vector<double> negative = {-1, 0, 0, 0, 2, 0, 0, 0, 3};
  CHECK(talweg::lu_factor(3, negative.data(), pivots.data()).determinant_sign == -1);
  std::vector<double> singular = {1, 2, 3, 2, 4, 6, 0, 0, 1};
  CHECK(talweg::lu_factor(3, singular.data(), pivots.data()).determinant_sign == 0);
  std::vector<double> zero(9, 0.0);
  CHECK(talweg::lu_factor(3, zero.data(), pivots.data()).determinant_sign == 0);
  std::vector<double> nan = {std::nan(""), 0, 0, 0, 1, 0, 0, 0, 1};
  CHECK(talweg::lu_factor(3, nan.data(), pivots.data()).determinant_sign == 0);
}

TEST_CASE("solutions by Cholesky, and matrices that are not positive") {
  for (std::size_t n : {1, 2, 5, 25}) {
    const auto root = random_numbers(n * n, n + 3);
    std::vector<double> a(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t k = 0; k < n; ++k) a[i * n + j] += root[i * n + k] * root[j * n + k];
      }
      a[i * n + i] += 0.1;
    }
    const auto b = random_numbers(n, n + 4);
    auto factor = a, x = b;
    REQUIRE(talweg::cholesky_factor(n, factor.data()));
    talweg::cholesky_solve(n, factor.data(), x.data());
    CHECK(residual(n, a, x, b) <= 50.0 * static_cast<double>(n) * epsilon);
    a[n * n - 1] = -1.0;
    CHECK_FALSE(talweg::cholesky_factor(n, a.data()));
  }
  std::vector<double> zero(4, 0.0);
  CHECK_FALSE(talweg::cholesky_factor(2, zero.data()));
}
