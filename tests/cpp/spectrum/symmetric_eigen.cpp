#include "spectrum/symmetric_eigen.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace {

using Matrix = std::vector<double>;

double size_of(const Matrix& a) {
  double largest = 0.0;
  for (double entry : a) largest = std::max(largest, std::fabs(entry));
  return largest;
}

// Residual A V - V D and orthogonality, against rounding.
void check_decomposition(std::size_t n, const Matrix& a) {
  Matrix vectors = a;
  std::vector<double> values(n), scratch(n);
  REQUIRE(talweg::symmetric_eigen(n, vectors.data(), values.data(), scratch.data(), true));
  const double scale = size_of(a);
  const double tolerance = 20.0 * static_cast<double>(n) * std::numeric_limits<double>::epsilon();
  CHECK(std::is_sorted(values.begin(), values.end()));
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < n; ++i) {
      double product = 0.0, dot = 0.0;
      for (std::size_t k = 0; k < n; ++k) {
        product += a[i * n + k] * vectors[k * n + j];
        dot += vectors[k * n + i] * vectors[k * n + j];
      }
      CHECK(std::fabs(product - values[j] * vectors[i * n + j]) <= tolerance * scale);
      CHECK(std::fabs(dot - (i == j)) <= tolerance);
    }
    std::size_t largest = 0;
    for (std::size_t i = 1; i < n; ++i) {
      if (std::fabs(vectors[i * n + j]) > std::fabs(vectors[largest * n + j])) largest = i;
    }
    CHECK(std::fabs(vectors[largest * n + j]) > 0.0);
  }
  Matrix again = a;
  std::vector<double> only(n);
  REQUIRE(talweg::symmetric_eigen(n, again.data(), only.data(), scratch.data(), false));
  for (std::size_t i = 0; i < n; ++i) CHECK(std::fabs(only[i] - values[i]) <= tolerance * scale);
}

Matrix random_symmetric(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  Matrix a(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = normal(generator);
  }
  return a;
}

}  // namespace

TEST_CASE("eigenpairs of random symmetric matrices") {
  for (std::size_t n : {1, 2, 3, 4, 5, 8, 17, 40, 90})
    check_decomposition(n, random_symmetric(n, n));
}

TEST_CASE("eigenpairs of graded, clustered, tiny, huge and zero matrices") {
  for (std::size_t n : {2, 5, 12}) {
    Matrix graded = random_symmetric(n, 7);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        graded[i * n + j] *= std::pow(10.0, -static_cast<double>(i + j));
      }
    }
    check_decomposition(n, graded);
    std::reverse(graded.begin(), graded.end());
    check_decomposition(n, graded);
    Matrix clustered = random_symmetric(n, 8);
    for (double& entry : clustered) entry *= 1e-13;
    for (std::size_t i = 0; i < n; ++i) clustered[i * n + i] += 1.0;
    check_decomposition(n, clustered);
    for (double scale : {1e-150, 1e150, 1e-300, 1e300}) {
      Matrix scaled = random_symmetric(n, 9);
      for (double& entry : scaled) entry *= scale;
      CAPTURE(scale);
      check_decomposition(n, scaled);
    }
    check_decomposition(n, Matrix(n * n, 0.0));
    Matrix ones(n * n, 1.0);
    check_decomposition(n, ones);
  }
}

TEST_CASE("known eigenvalues, and the sign of the vectors") {
  const std::size_t n = 20;
  Matrix chain(n * n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    chain[i * n + i] = 2.0;
    if (i > 0) chain[i * n + i - 1] = chain[(i - 1) * n + i] = -1.0;
  }
  std::vector<double> values(n), scratch(n);
  REQUIRE(talweg::symmetric_eigen(n, chain.data(), values.data(), scratch.data(), true));
  for (std::size_t k = 0; k < n; ++k) {
    const double angle = (k + 1) * std::acos(-1.0) / (n + 1);
    CHECK(values[k] == doctest::Approx(2.0 - 2.0 * std::cos(angle)).epsilon(1e-13));
  }
  double vector[] = {1.0, -3.0, 2.0};
  talweg::fix_sign(3, vector, 1);
  CHECK(vector[1] == 3.0);
  CHECK(vector[0] == -1.0);
}

TEST_CASE("a matrix that is not finite is refused") {
  Matrix a = random_symmetric(4, 1);
  a[5] = std::nan("");
  std::vector<double> values(4), scratch(4);
  CHECK_FALSE(talweg::symmetric_eigen(4, a.data(), values.data(), scratch.data(), true));
  CHECK(std::isnan(values[0]));
}
