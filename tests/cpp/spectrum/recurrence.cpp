#include "spectrum/recurrence.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "spectrum/symmetric_eigen.hpp"
#include "talweg/models.hpp"

namespace {

// A diagonal matrix, whose functions are known.
class Diagonal final : public talweg::SymmetricOperator {
 public:
  explicit Diagonal(std::vector<double> entries) : entries_(std::move(entries)) {}
  std::size_t dimension() const noexcept override { return entries_.size(); }
  const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                      double* products) const override {
    for (std::size_t j = 0; j < count; ++j) {
      for (std::size_t i = 0; i < entries_.size(); ++i)
        products[j * stride + i] = entries_[i] * vectors[j * stride + i];
    }
    return products;
  }

 private:
  std::vector<double> entries_;
};

std::vector<double> signs(std::size_t n, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<double> vector(n);
  for (double& entry : vector) entry = generator() % 2 == 0 ? 1.0 : -1.0;
  return vector;
}

// u' f(H) u / |u|^2 by the quadrature.
template <class Function>
double quadrature(const talweg::Recurrence& run, Function&& f) {
  const std::size_t m = run.diagonal.size();
  std::vector<double> matrix(m * m), values(m), scratch(m);
  for (std::size_t i = 0; i < m; ++i) {
    matrix[i * m + i] = run.diagonal[i];
    if (i + 1 < m) matrix[i * m + i + 1] = matrix[(i + 1) * m + i] = run.beside[i];
  }
  REQUIRE(talweg::symmetric_eigen(m, matrix.data(), values.data(), scratch.data(), true));
  double sum = 0.0;
  for (std::size_t i = 0; i < m; ++i) sum += matrix[i] * matrix[i] * f(values[i]);
  return sum;
}

talweg::RecurrenceOptions steps(std::size_t count, bool reorthogonalise = false) {
  talweg::RecurrenceOptions options;
  options.steps = count;
  options.reorthogonalise = reorthogonalise;
  options.workers = 2;
  return options;
}

}  // namespace

TEST_CASE("moments of a diagonal matrix, with and without reorthogonalisation") {
  const std::size_t n = 1000;
  std::vector<double> entries(n);
  for (std::size_t i = 0; i < n; ++i) entries[i] = -1.0 + 3.0 * (i + 0.5) / n;
  entries[n - 1] = 40.0;  // converges at once, and then comes again
  const Diagonal matrix(entries);
  std::vector<double> starts = signs(2 * n, 3);
  for (const bool reorthogonalise : {false, true}) {
    const auto runs =
        talweg::lanczos_recurrences(matrix, 2, starts.data(), steps(60, reorthogonalise));
    REQUIRE(runs.size() == 2);
    for (const talweg::Recurrence& run : runs) {
      CHECK(run.status == talweg::Status::max_steps);
      CHECK(run.diagonal.size() == 60);
      for (const int power : {0, 1, 2, 5}) {
        double exact = 0.0;
        for (const double entry : entries) exact += std::pow(entry, power) / n;
        CHECK(quadrature(run, [&](double t) { return std::pow(t, power); }) ==
              doctest::Approx(exact).epsilon(1e-12));
      }
      double exact = 0.0;
      for (const double entry : entries) exact += std::exp(-entry) / n;
      CHECK(quadrature(run, [](double t) { return std::exp(-t); }) ==
            doctest::Approx(exact).epsilon(1e-12));
    }
  }
}

TEST_CASE("a run depends on its own vector only, to the last bit") {
  const std::size_t n = 120001;
  std::vector<double> entries(n);
  for (std::size_t i = 0; i < n; ++i) entries[i] = std::sin(static_cast<double>(i));
  const Diagonal matrix(entries);
  const std::vector<double> starts = signs(3 * n, 4);
  auto one_thread = steps(20);
  one_thread.workers = 1;
  const auto together = talweg::lanczos_recurrences(matrix, 3, starts.data(), steps(20));
  for (std::size_t l = 0; l < 3; ++l) {
    const auto alone = talweg::lanczos_recurrences(matrix, 1, starts.data() + l * n, one_thread);
    CHECK(alone[0].diagonal == together[l].diagonal);
    CHECK(alone[0].beside == together[l].beside);
  }
}

TEST_CASE("runs that end in an invariant space leave the others alone") {
  const std::size_t n = 300;
  std::vector<double> entries(n);
  for (std::size_t i = 0; i < n; ++i) entries[i] = i % 4 == 0 ? 2.0 : static_cast<double>(i % 7);
  const Diagonal matrix(entries);
  std::vector<double> starts = signs(3 * n, 5);
  // The first lives on one eigenvalue, the second on all seven, the third is zero nowhere else.
  for (std::size_t i = 0; i < n; ++i) {
    if (entries[i] != 3.0) starts[i] = 0.0;
    if (entries[i] != 2.0 && entries[i] != 5.0) starts[2 * n + i] = 0.0;
  }
  const auto runs = talweg::lanczos_recurrences(matrix, 3, starts.data(), steps(20));
  CHECK(runs[0].diagonal.size() == 1);
  CHECK(runs[0].diagonal[0] == doctest::Approx(3.0).epsilon(1e-14));
  CHECK(runs[1].diagonal.size() == 7);
  CHECK(runs[2].diagonal.size() == 2);
  for (const auto& run : runs) {
    CHECK(run.status == talweg::Status::converged);
    CHECK(run.beside.back() == 0.0);
  }
  const auto alone = talweg::lanczos_recurrences(matrix, 1, starts.data() + n, steps(20));
  CHECK(alone[0].diagonal == runs[1].diagonal);
}

TEST_CASE("zero, huge, tiny and non-finite matrices, and one row") {
  const std::size_t n = 50;
  std::vector<double> starts = signs(n, 6);
  const auto zero =
      talweg::lanczos_recurrences(Diagonal(std::vector<double>(n)), 1, starts.data(), steps(5));
  CHECK(zero[0].status == talweg::Status::converged);
  CHECK(zero[0].diagonal == std::vector<double>{0.0});
  for (const double scale : {1e-300, 1e300}) {
    std::vector<double> entries(n), plain(n);
    for (std::size_t i = 0; i < n; ++i) {
      plain[i] = 1.0 + static_cast<double>(i) / n;
      entries[i] = plain[i] * scale;
    }
    const auto runs = talweg::lanczos_recurrences(Diagonal(entries), 1, starts.data(), steps(5));
    const auto same = talweg::lanczos_recurrences(Diagonal(plain), 1, starts.data(), steps(5));
    REQUIRE(runs[0].diagonal.size() == 5);
    for (std::size_t j = 0; j < 5; ++j) {
      CHECK(runs[0].diagonal[j] / scale == doctest::Approx(same[0].diagonal[j]).epsilon(1e-12));
      CHECK(runs[0].beside[j] / scale == doctest::Approx(same[0].beside[j]).epsilon(1e-12));
    }
  }
  std::vector<double> entries(n, 1.0);
  entries[7] = std::numeric_limits<double>::quiet_NaN();
  CHECK(talweg::lanczos_recurrences(Diagonal(entries), 1, starts.data(), steps(5))[0].status ==
        talweg::Status::non_finite);
  const auto one = talweg::lanczos_recurrences(Diagonal({-4.0}), 1, starts.data(), steps(5));
  CHECK(one[0].status == talweg::Status::converged);
  CHECK(one[0].diagonal[0] == -4.0);
}

TEST_CASE("lanes of a Hessian: as from products, and each from its own vector only") {
  const std::size_t n = 700;
  talweg::Quadratic chain;
  chain.n = n;
  for (std::size_t i = 0; i < n; ++i) chain.matrix.push_back(1.0 + std::cos(0.1 * i));
  const auto objective = talweg::make_objective(chain);
  const std::vector<double> starts = signs(21 * n, 7), x(n, 0.5);
  const auto runs = talweg::hessian_recurrences(*objective, x.data(), 21, starts.data(), steps(12));
  const auto plain =
      talweg::lanczos_recurrences(Diagonal(chain.matrix), 21, starts.data(), steps(12));
  for (std::size_t l = 0; l < 21; ++l) {
    CHECK(runs[l].status == talweg::Status::max_steps);
    for (std::size_t j = 0; j < 12; ++j) {
      CHECK(runs[l].diagonal[j] == doctest::Approx(plain[l].diagonal[j]).epsilon(1e-10));
      CHECK(runs[l].beside[j] == doctest::Approx(plain[l].beside[j]).epsilon(1e-10));
    }
    const auto alone =
        talweg::hessian_recurrences(*objective, x.data(), 1, starts.data() + l * n, steps(12));
    CHECK(alone[0].diagonal == runs[l].diagonal);
    CHECK(alone[0].beside == runs[l].beside);
  }
}

TEST_CASE("lanes that end, and Hessians out of range") {
  const std::size_t n = 60;
  for (const double scale : {1.0, 1e-300, 1e300}) {
    talweg::Quadratic two;
    two.n = n;
    for (std::size_t i = 0; i < n; ++i) two.matrix.push_back(scale * (i % 2 == 0 ? 1.0 : 3.0));
    const auto objective = talweg::make_objective(two);
    std::vector<double> starts = signs(2 * n, 8);
    for (std::size_t i = 0; i < n; i += 2) starts[i] = 0.0;
    const std::vector<double> x(n, 0.0);
    const auto runs = talweg::hessian_recurrences(*objective, x.data(), 2, starts.data(), steps(9));
    CHECK(runs[0].diagonal.size() == 1);
    CHECK(runs[0].diagonal[0] / scale == doctest::Approx(3.0).epsilon(1e-13));
    REQUIRE(runs[1].diagonal.size() == 2);
    CHECK(runs[1].diagonal[0] / scale == doctest::Approx(2.0).epsilon(1e-13));
    CHECK(runs[1].beside[0] / scale == doctest::Approx(1.0).epsilon(1e-13));
    CHECK(runs[1].status == talweg::Status::converged);
  }
}
