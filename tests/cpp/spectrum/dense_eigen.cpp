#include "spectrum/dense_eigen.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "spectrum/lapack_hook.hpp"

namespace {

using Matrix = std::vector<double>;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

Matrix random_symmetric(std::size_t n, unsigned seed, double scale) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Matrix a(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = scale * normal(generator);
  }
  return a;
}

void check(const talweg::LapackTable* table, std::size_t n, const Matrix& a, std::size_t first,
           std::size_t count) {
  Matrix work = a, values(count), separate(n * count);
  double* const vectors = count == n ? work.data() : separate.data();
  REQUIRE(talweg::dense_eigen(table, n, work.data(), first, count, values.data(), vectors) ==
          talweg::Status::converged);
  double size = 0.0;
  for (double entry : a) size = std::max(size, std::fabs(entry));
  if (size == 0.0) size = 1.0;
  double residual = 0.0, defect = 0.0;
  for (std::size_t j = 0; j < count; ++j) {
    for (std::size_t i = 0; i < n; ++i) {
      double product = 0.0;
      for (std::size_t k = 0; k < n; ++k) product += a[i * n + k] / size * vectors[k * count + j];
      const double error = product - values[j] / size * vectors[i * count + j];
      residual += error * error;
    }
    for (std::size_t i = 0; i < count; ++i) {
      double dot = 0.0;
      for (std::size_t k = 0; k < n; ++k) dot += vectors[k * count + i] * vectors[k * count + j];
      defect = std::max(defect, std::fabs(dot - (i == j)));
    }
    std::size_t largest = 0;
    for (std::size_t i = 1; i < n; ++i) {
      if (std::fabs(vectors[i * count + j]) >
          std::fabs(vectors[largest * count + j]) * (1.0 + 1e-9))
        largest = i;
    }
    CHECK(vectors[largest * count + j] > 0.0);
  }
  const auto rows = static_cast<double>(n);
  CHECK(std::sqrt(residual) <= 10.0 * rows * epsilon * rows);
  CHECK(defect <= 10.0 * rows * epsilon);
  CHECK(std::is_sorted(values.begin(), values.end()));
  // Only values, and all of them, give the same.
  Matrix again = a, only(count);
  REQUIRE(talweg::dense_eigen(table, n, again.data(), first, count, only.data(), nullptr) ==
          talweg::Status::converged);
  again = a;
  Matrix all(n);
  REQUIRE(talweg::dense_eigen(table, n, again.data(), 0, n, all.data(), nullptr) ==
          talweg::Status::converged);
  for (std::size_t j = 0; j < count; ++j) {
    CHECK(std::fabs(only[j] / size - values[j] / size) <= 10.0 * rows * rows * epsilon);
    CHECK(std::fabs(all[first + j] / size - values[j] / size) <= 10.0 * rows * rows * epsilon);
  }
}

}  // namespace

TEST_CASE("one dense matrix with and without LAPACK") {
  for (const talweg::LapackTable* table :
       {static_cast<const talweg::LapackTable*>(nullptr), talweg::lapack()}) {
    for (const double scale : {1.0, 1e-300, 1e300}) {
      const Matrix a = random_symmetric(70, 3, scale);
      check(table, 70, a, 0, 70);
      check(table, 70, a, 0, 3);
      check(table, 70, a, 66, 4);
      check(table, 70, a, 20, 40);
    }
    check(table, 66, Matrix(66 * 66), 0, 66);
    check(table, 66, Matrix(66 * 66), 0, 2);
    check(table, 1, Matrix{-3.0}, 0, 1);
  }
}

TEST_CASE("a table with nothing in it is as good as none") {
  const talweg::LapackTable empty;
  check(&empty, 67, random_symmetric(67, 4, 1.0), 0, 5);
}

TEST_CASE("an entry that is not finite gives NaN and says so") {
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    Matrix a = random_symmetric(80, 5, 1.0);
    a[17 * 80 + 3] = bad;
    Matrix values(2), vectors(160);
    CHECK(talweg::dense_eigen(talweg::lapack(), 80, a.data(), 0, 2, values.data(),
                              vectors.data()) == talweg::Status::non_finite);
    for (double value : values) CHECK(std::isnan(value));
    for (double entry : vectors) CHECK(std::isnan(entry));
  }
}
