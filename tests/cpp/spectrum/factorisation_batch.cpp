#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "simd/instruction_set.hpp"
#include "simd/lane_factorisation.hpp"
#include "spectrum/pivoted_factorisation.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "talweg/spectrum.hpp"

namespace {

using Matrix = std::vector<double>;
constexpr double epsilon = std::numeric_limits<double>::epsilon();

Matrix random_symmetric(std::size_t n, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  Matrix a(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = normal(random);
  return a;
}

// log |det| and its sign from LU with partial pivoting in extended precision.
struct Reference {
  double log_modulus = 0.0, sign = 1.0;
};

Reference reference_determinant(std::size_t n, const Matrix& a, double offset, double factor) {
  std::vector<long double> m(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      m[i * n + j] = static_cast<long double>(factor) * a[i * n + j] + (i == j ? offset : 0.0L);
  long double sum = 0.0L;
  double sign = 1.0;
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t p = k;
    for (std::size_t i = k; i < n; ++i)
      if (std::fabs(m[i * n + k]) > std::fabs(m[p * n + k])) p = i;
    if (p != k) {
      sign = -sign;
      std::swap_ranges(&m[p * n], &m[p * n] + n, &m[k * n]);
    }
    if (m[k * n + k] < 0.0L) sign = -sign;
    sum += std::log(std::fabs(m[k * n + k]));
    for (std::size_t i = k + 1; i < n; ++i) {
      const long double l = m[i * n + k] / m[k * n + k];
      for (std::size_t j = k; j < n; ++j) m[i * n + j] -= l * m[k * n + j];
    }
  }
  return {static_cast<double>(sum), sign};
}

double norm_of(const Matrix& a) {
  double sum = 0.0;
  for (const double entry : a) sum += entry * entry;
  return std::sqrt(sum);
}

std::vector<double> eigenvalues_of(std::size_t n, Matrix a) {
  std::vector<double> values(n), scratch(n);
  REQUIRE(talweg::symmetric_eigen(n, a.data(), values.data(), scratch.data(), false));
  return values;
}

// 1 / the smallest |eigenvalue| of offset I + factor H: what an error in the matrix costs.
double sensitivity(std::size_t n, const Matrix& a, double offset, double factor) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const double value : eigenvalues_of(n, a))
    smallest = std::min(smallest, std::fabs(offset + factor * value));
  return 1.0 / smallest;
}

}  // namespace

TEST_CASE("determinants of random matrices, for every n the kernels have a path for") {
  std::mt19937_64 random(1);
  for (std::size_t n = 1; n <= 66; n += n < 20 ? 1 : 7) {
    const std::size_t count = 37;
    for (const auto& [offset, factor] : {std::pair{0.0, 1.0}, std::pair{1.0, -0.05}}) {
      Matrix all;
      for (std::size_t k = 0; k < count; ++k) {
        const Matrix a = random_symmetric(n, random);
        all.insert(all.end(), a.begin(), a.end());
      }
      std::vector<double> logarithms(count), signs(count);
      std::vector<talweg::Status> statuses(count);
      CHECK(talweg::logabsdet_batch(count, n, all.data(), logarithms.data(), signs.data(),
                                    statuses.data(), offset, factor) == talweg::Status::converged);
      for (std::size_t k = 0; k < count; ++k) {
        const Matrix a(all.begin() + static_cast<std::ptrdiff_t>(k * n * n),
                       all.begin() + static_cast<std::ptrdiff_t>((k + 1) * n * n));
        const Reference expected = reference_determinant(n, a, offset, factor);
        const double size = std::fabs(factor) * norm_of(a) + offset;
        // The promise is 512 n times larger; no random matrix comes near it.
        const double bound = 30.0 * static_cast<double>(n * n) * epsilon *
                             (1.0 + size * sensitivity(n, a, offset, factor));
        CAPTURE(n);
        CHECK(signs[k] == expected.sign);
        CHECK(std::fabs(logarithms[k] - expected.log_modulus) <= bound);
        CHECK(statuses[k] == talweg::Status::converged);
      }
    }
  }
}

TEST_CASE("determinants that need pivoting, and those that are zero") {
  const auto one = [](std::size_t n, const Matrix& a) {
    Reference result;
    CHECK(talweg::logabsdet_batch(1, n, a.data(), &result.log_modulus, &result.sign, nullptr) ==
          talweg::Status::converged);
    return result;
  };
  const double none = -std::numeric_limits<double>::infinity();
  CHECK(one(2, {0, 2, 2, 0}).sign == -1.0);
  CHECK(one(2, {0, 2, 2, 0}).log_modulus == doctest::Approx(std::log(4.0)).epsilon(1e-15));
  CHECK(one(2, {1e-20, 1, 1, 0}).log_modulus == doctest::Approx(0.0));
  CHECK(one(3, {1, 0, 0, 0, 0, 0, 0, 0, 2}).log_modulus == none);
  CHECK(one(3, {1, 0, 0, 0, 0, 0, 0, 0, 2}).sign == 0.0);
  CHECK(one(4, Matrix(16, 0.0)).log_modulus == none);
  CHECK(one(2, {1, 1, 1, 1}).log_modulus == none);
  CHECK(one(1, {-3}).sign == -1.0);
  CHECK(one(1, {0}).sign == 0.0);
  CHECK(one(0, {}).log_modulus == 0.0);
  CHECK(one(0, {}).sign == 1.0);
  for (const std::size_t n : {3, 8, 33, 64, 110})
    for (const double scale : {1e-300, 1e300, 5e-324}) {
      Matrix a(n * n);
      for (std::size_t i = 0; i < n; ++i) a[i * n + (n - 1 - i)] = scale;
      CHECK(one(n, a).log_modulus ==
            doctest::Approx(static_cast<double>(n) * std::log(scale)).epsilon(1e-14));
      CHECK(one(n, a).sign == (n / 2 % 2 ? -1.0 : 1.0));
    }
}

TEST_CASE("inertia of random matrices is that of their eigenvalues") {
  std::mt19937_64 random(2);
  for (std::size_t n = 1; n <= 66; n += n < 20 ? 1 : 7) {
    const std::size_t count = 37;
    Matrix all;
    for (std::size_t k = 0; k < count; ++k) {
      const Matrix a = random_symmetric(n, random);
      all.insert(all.end(), a.begin(), a.end());
    }
    std::vector<talweg::Inertia> inertia(count);
    CHECK(talweg::inertia_batch(count, n, all.data(), inertia.data(), nullptr) ==
          talweg::Status::converged);
    for (std::size_t k = 0; k < count; ++k) {
      const Matrix a(all.begin() + static_cast<std::ptrdiff_t>(k * n * n),
                     all.begin() + static_cast<std::ptrdiff_t>((k + 1) * n * n));
      talweg::Inertia expected;
      for (const double value : eigenvalues_of(n, a))
        ++(value < 0.0 ? expected.negative : expected.positive);
      CAPTURE(n);
      CHECK(inertia[k] == expected);
    }
  }
}

TEST_CASE("eigenvalues within n eps of zero count as zero") {
  std::mt19937_64 random(3);
  for (const std::size_t n : {2, 3, 7, 16, 40, 70, 120}) {
    // Integers, so that rank one is exact.
    Matrix a(n * n);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j)
        a[i * n + j] = -(1.0 + static_cast<double>(i)) * (1.0 + static_cast<double>(j));
    talweg::Inertia inertia;
    talweg::inertia_batch(1, n, a.data(), &inertia, nullptr);
    CAPTURE(n);
    CHECK(inertia.negative == 1);
    CHECK(inertia.zero == static_cast<int>(n) - 1);
    talweg::inertia_batch(1, n, Matrix(n * n, 0.0).data(), &inertia, nullptr);
    CHECK(inertia == talweg::Inertia{0, static_cast<int>(n), 0});
    // Graded: small against the others, and no zero.
    Matrix graded(n * n, 0.0);
    for (std::size_t i = 0; i < n; ++i) graded[i * n + i] = i % 2 ? -1.0 : 1.0;
    graded[0] = 2.0 * static_cast<double>(n) * epsilon;
    talweg::inertia_batch(1, n, graded.data(), &inertia, nullptr);
    CHECK(inertia.zero == 0);
    graded[0] /= 4.0;
    talweg::inertia_batch(1, n, graded.data(), &inertia, nullptr);
    CHECK(inertia.zero == 1);
  }
}

TEST_CASE("a matrix in trouble says so and leaves the others alone") {
  std::mt19937_64 random(4);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  for (const std::size_t n : {2, 5, 12, 64, 66}) {
    const std::size_t count = 21;
    Matrix all;
    for (std::size_t k = 0; k < count; ++k) {
      const Matrix a = random_symmetric(n, random);
      all.insert(all.end(), a.begin(), a.end());
    }
    std::vector<double> before(count), after(count), sign(count);
    std::vector<talweg::Inertia> counts(count), changed(count);
    talweg::logabsdet_batch(count, n, all.data(), before.data(), nullptr, nullptr);
    talweg::inertia_batch(count, n, all.data(), counts.data(), nullptr);
    all[3 * n * n + n] = all[3 * n * n + 1] = nan;  // both triangles
    all[4 * n * n + 1] = nan;                       // the upper one
    all[5 * n * n + n] = all[5 * n * n + 1] = inf;
    all[6 * n * n + n] += 1.0;
    std::vector<talweg::Status> statuses(count);
    CHECK(talweg::logabsdet_batch(count, n, all.data(), after.data(), sign.data(),
                                  statuses.data()) == talweg::Status::non_finite);
    talweg::inertia_batch(count, n, all.data(), changed.data(), statuses.data());
    CAPTURE(n);
    for (std::size_t k = 0; k < count; ++k) {
      CAPTURE(k);
      if (k >= 3 && k <= 6) {
        CHECK(std::isnan(after[k]));
        CHECK(std::isnan(sign[k]));
        CHECK(changed[k] == talweg::Inertia{-1, -1, -1});
        CHECK(statuses[k] == (k == 6 ? talweg::Status::not_symmetric : talweg::Status::non_finite));
      } else {
        CHECK(after[k] == before[k]);
        CHECK(changed[k] == counts[k]);
        CHECK(statuses[k] == talweg::Status::converged);
      }
    }
    talweg::BatchOptions options;
    options.symmetry = talweg::Symmetry::lower;
    talweg::logabsdet_batch(count, n, all.data(), after.data(), nullptr, statuses.data(), 0.0, 1.0,
                            options);
    CHECK(after[4] == before[4]);
    CHECK(statuses[3] == talweg::Status::non_finite);
    CHECK(statuses[6] == talweg::Status::converged);
  }
}

TEST_CASE("a lane's determinant depends on its matrix alone, to the last bit") {
  std::mt19937_64 random(5);
  for (const std::size_t n : {3, 9, 16, 31}) {
    const std::size_t count = 50;
    Matrix all;
    for (std::size_t k = 0; k < count; ++k) {
      const Matrix a = random_symmetric(n, random);
      all.insert(all.end(), a.begin(), a.end());
    }
    std::vector<double> together(count);
    talweg::logabsdet_batch(count, n, all.data(), together.data(), nullptr, nullptr);
    for (std::size_t k = 0; k < count; ++k) {
      double alone;
      talweg::logabsdet_batch(1, n, all.data() + k * n * n, &alone, nullptr, nullptr);
      CHECK(std::memcmp(&alone, &together[k], sizeof(double)) == 0);
    }
  }
}

TEST_CASE("single precision is computed in double precision and rounded once") {
  std::mt19937_64 random(6);
  const std::size_t n = 6, count = 9;
  std::vector<float> single;
  std::vector<double> twice;
  for (std::size_t k = 0; k < count; ++k)
    for (const double entry : random_symmetric(n, random)) {
      single.push_back(static_cast<float>(entry));
      twice.push_back(single.back());
    }
  std::vector<float> rounded(count);
  std::vector<double> exact(count);
  talweg::logabsdet_batch(count, n, single.data(), rounded.data(), nullptr, nullptr);
  talweg::logabsdet_batch(count, n, twice.data(), exact.data(), nullptr, nullptr);
  for (std::size_t k = 0; k < count; ++k) CHECK(rounded[k] == static_cast<float>(exact[k]));
}

TEST_CASE("pivoted factors of indefinite matrices count negative eigenvalues") {
  std::mt19937_64 random(7);
  for (const std::size_t n : {1, 2, 3, 5, 10, 30, 90})
    for (int trial = 0; trial < 20; ++trial) {
      Matrix a = random_symmetric(n, random);
      if (trial % 2)
        for (std::size_t i = 0; i < n; ++i) a[i * n + i] = 0.0;
      if (n == 1 && trial % 2) continue;
      std::size_t negative = 0;
      for (const double value : eigenvalues_of(n, a)) negative += value < 0.0;
      const Reference expected = reference_determinant(n, a, 0.0, 1.0);
      const double bound =
          30.0 * static_cast<double>(n) * epsilon * (1.0 + norm_of(a) * sensitivity(n, a, 0, 1));
      std::vector<double> scratch(2 * n);
      const talweg::PivotReading reading = talweg::pivoted_factor(n, a.data(), scratch.data());
      CHECK(reading.negative == negative);
      CHECK(reading.sign == expected.sign);
      CHECK(std::fabs(reading.log_modulus - expected.log_modulus) <= bound);
    }
}
