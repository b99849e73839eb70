#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "spectrum/matrix_classes.hpp"
#include "talweg/interrupt.hpp"
#include "talweg/spectrum.hpp"

namespace {

using matrix_classes::Matrix;
using talweg::BatchOptions;
using talweg::Status;
using talweg::Symmetry;

template <class Real>
struct Result {
  std::vector<Real> values, vectors, only;
  std::vector<Status> statuses;
  Status status;
};

template <class Real>
Result<Real> solve(std::size_t n, const std::vector<Real>& matrices, BatchOptions options = {}) {
  const std::size_t count = n == 0 ? 0 : matrices.size() / (n * n);
  Result<Real> r;
  r.values.resize(count * n);
  r.only.resize(count * n);
  r.vectors.resize(count * n * n);
  r.statuses.resize(count, Status::running);
  r.status = talweg::eigh_batch(count, n, matrices.data(), r.values.data(), r.vectors.data(),
                                r.statuses.data(), options);
  CHECK(talweg::eigh_batch(count, n, matrices.data(), r.only.data(), nullptr, nullptr, options) ==
        r.status);
  return r;
}

std::vector<double> batch(std::size_t n, std::size_t count) {
  std::vector<double> all;
  const auto& names = matrix_classes::names();
  for (unsigned k = 0; k < count; ++k) {
    const Matrix a = matrix_classes::make(names[k % names.size()], n, k);
    all.insert(all.end(), a.begin(), a.end());
  }
  return all;
}

template <class Real>
bool same_bits(const Real* a, const Real* b, std::size_t count) {
  return std::memcmp(a, b, count * sizeof(Real)) == 0;
}

}  // namespace

TEST_CASE("batches of any size and order, with and without vectors") {
  for (const std::size_t n : {1, 2, 3, 4, 7, 8, 11, 16, 17, 33, 70}) {
    CAPTURE(n);
    for (const std::size_t count : {1, 3, 16, 37}) {
      const std::vector<double> all = batch(n, count);
      const auto r = solve(n, all);
      CHECK(r.status == Status::converged);
      for (std::size_t k = 0; k < count; ++k) {
        CHECK(r.statuses[k] == Status::converged);
        const double* a = &all[k * n * n];
        const auto errors = matrix_classes::errors(n, a, &r.values[k * n], &r.vectors[k * n * n]);
        CHECK(errors.residual <= matrix_classes::allowed(n));
        CHECK(errors.orthogonality <= matrix_classes::allowed(n));
      }
    }
  }
}

TEST_CASE("results depend neither on the batch nor on the number of threads") {
  for (const std::size_t n : {1, 2, 3, 6, 16, 20}) {
    const std::size_t count = 700;
    const std::vector<double> all = batch(n, count);
    BatchOptions one, many;
    one.workers = 1;
    many.workers = 3;
    const auto a = solve(n, all, one), b = solve(n, all, many);
    CHECK(same_bits(a.values.data(), b.values.data(), a.values.size()));
    CHECK(same_bits(a.vectors.data(), b.vectors.data(), a.vectors.size()));
    for (const std::size_t k : {0, 5, 255, 256, 699}) {
      const std::vector<double> single(&all[k * n * n], &all[k * n * n] + n * n);
      const auto c = solve(n, single);
      CHECK(same_bits(c.values.data(), &a.values[k * n], n));
      CHECK(same_bits(c.only.data(), &a.only[k * n], n));
      CHECK(same_bits(c.vectors.data(), &a.vectors[k * n * n], n * n));
    }
  }
}

TEST_CASE("a bad matrix does not touch the others") {
  for (const std::size_t n : {2, 3, 5, 16, 18}) {
    CAPTURE(n);
    const std::size_t count = 21;
    const std::vector<double> good = batch(n, count);
    const auto expected = solve(n, good);
    std::vector<double> all = good;
    all[4 * n * n + n] = std::nan("");                             // lower
    all[9 * n * n + 1] = std::numeric_limits<double>::infinity();  // upper
    all[15 * n * n + 1] += 1e-7;                                   // asymmetric
    const auto r = solve(n, all);
    CHECK(r.status == Status::non_finite);
    for (std::size_t k = 0; k < count; ++k) {
      const bool bad = k == 4 || k == 9 || k == 15;
      CHECK(r.statuses[k] == (k == 15 ? Status::not_symmetric
                              : bad   ? Status::non_finite
                                      : Status::converged));
      if (bad) {
        for (std::size_t i = 0; i < n; ++i) CHECK(std::isnan(r.values[k * n + i]));
        for (std::size_t i = 0; i < n * n; ++i) CHECK(std::isnan(r.vectors[k * n * n + i]));
      } else {
        CHECK(same_bits(&r.values[k * n], &expected.values[k * n], n));
        CHECK(same_bits(&r.vectors[k * n * n], &expected.vectors[k * n * n], n * n));
      }
    }
    BatchOptions lower;
    lower.symmetry = Symmetry::lower;
    const auto by_lower = solve(n, all, lower);
    CHECK(by_lower.statuses[4] == Status::non_finite);
    CHECK(by_lower.statuses[9] == Status::converged);
    CHECK(same_bits(&by_lower.values[9 * n], &expected.values[9 * n], n));
    CHECK(same_bits(&by_lower.values[15 * n], &expected.values[15 * n], n));
  }
}

TEST_CASE("the mean of both triangles") {
  for (const std::size_t n : {2, 5, 16, 19}) {
    std::mt19937_64 generator(3);
    std::normal_distribution<double> normal;
    std::vector<double> all(9 * n * n), means(9 * n * n);
    for (double& x : all) x = normal(generator);
    for (std::size_t k = 0; k < 9; ++k)
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j)
          means[(k * n + i) * n + j] =
              0.5 * all[(k * n + i) * n + j] + 0.5 * all[(k * n + j) * n + i];
    BatchOptions options;
    options.symmetry = Symmetry::symmetrise;
    const auto a = solve(n, all, options), b = solve(n, means);
    CHECK(a.status == Status::converged);
    CHECK(same_bits(a.vectors.data(), b.vectors.data(), a.vectors.size()));
    options.symmetry = Symmetry::check;
    CHECK(solve(n, all, options).status == Status::not_symmetric);
  }
}

TEST_CASE("single precision is double precision rounded once") {
  for (const std::size_t n : {1, 2, 3, 8, 16, 21}) {
    std::vector<float> all;
    for (unsigned k = 0; k < 19; ++k)
      for (const double x : matrix_classes::make("orthogonal ensemble", n, k))
        all.push_back(static_cast<float>(x));
    const std::vector<double> wide(all.begin(), all.end());
    const auto a = solve(n, all);
    const auto b = solve(n, wide);
    CHECK(a.status == Status::converged);
    for (std::size_t i = 0; i < a.values.size(); ++i)
      CHECK(a.values[i] == static_cast<float>(b.values[i]));
    for (std::size_t i = 0; i < a.vectors.size(); ++i)
      CHECK(a.vectors[i] == static_cast<float>(b.vectors[i]));
  }
}

TEST_CASE("empty batches, and matrices without entries") {
  const auto none = solve(5, std::vector<double>{});
  CHECK(none.status == Status::converged);
  std::vector<Status> statuses(3, Status::running);
  CHECK(talweg::eigh_batch(3, 0, static_cast<const double*>(nullptr), nullptr, nullptr,
                           statuses.data()) == Status::converged);
  CHECK(statuses == std::vector<Status>(3, Status::converged));
}

TEST_CASE("a batch can be interrupted") {
  const std::size_t n = 4, count = 5000;
  const std::vector<double> all = batch(n, count);
  std::vector<double> values(count * n, 0.0);
  std::vector<Status> statuses(count, Status::running);
  talweg::InterruptScope scope([](void*) { return true; });
  scope.trigger();
  CHECK(talweg::eigh_batch(count, n, all.data(), values.data(), nullptr, statuses.data()) ==
        Status::interrupted);
  CHECK(statuses[0] == Status::interrupted);
  CHECK(std::isnan(values[0]));
}
