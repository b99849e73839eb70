#include "talweg/lanczos.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

namespace {

// Tridiagonal (-1, 2, -1), eigenvalues 2 - 2 cos(pi j / (n + 1)); its own memory for one product.
class Springs final : public talweg::SymmetricOperator {
 public:
  explicit Springs(std::size_t n) : n_(n), latest_(n) {}
  std::size_t dimension() const noexcept override { return n_; }
  const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                      double* products) const override {
    for (std::size_t j = 0; j < count; ++j) {
      const double* v = vectors + j * stride;
      double* to = count == 1 ? latest_.data() : products + j * stride;
      for (std::size_t i = 0; i < n_; ++i)
        to[i] = 2.0 * v[i] - (i > 0 ? v[i - 1] : 0.0) - (i + 1 < n_ ? v[i + 1] : 0.0);
    }
    return count == 1 ? latest_.data() : products;
  }
  double eigenvalue(std::size_t j) const {
    return 2.0 - 2.0 * std::cos(std::numbers::pi * static_cast<double>(j + 1) /
                                static_cast<double>(n_ + 1));
  }

 private:
  std::size_t n_;
  mutable std::vector<double> latest_;
};

double residual(const talweg::SymmetricOperator& matrix, double value, const double* v) {
  const std::size_t n = matrix.dimension();
  std::vector<double> buffer(n);
  const double* const product = matrix.apply(1, v, n, buffer.data());
  double square = 0.0;
  for (std::size_t i = 0; i < n; ++i) square += std::pow(product[i] - value * v[i], 2);
  return std::sqrt(square);
}

}  // namespace

TEST_CASE("extreme eigenpairs of a chain by every method") {
  const std::size_t n = 300;
  const Springs springs(n);
  for (const auto method : {talweg::LanczosMethod::dense, talweg::LanczosMethod::three_term,
                            talweg::LanczosMethod::block}) {
    for (const std::size_t memory : {std::size_t{1}, std::size_t{1} << 30}) {
      // Blocks that are restarted all the time take for ever on a chain.
      if (memory == 1 && method == talweg::LanczosMethod::block) continue;
      talweg::LanczosOptions options;
      options.count = 2;
      options.which = talweg::SpectrumEnd::both;
      options.method = method;
      options.memory = memory;
      const talweg::EigenPairs found = talweg::extreme_eigenpairs(springs, options);
      CHECK(found.status == talweg::Status::converged);
      REQUIRE(found.values.size() == 4);
      const std::size_t index[] = {0, 1, n - 2, n - 1};
      for (std::size_t j = 0; j < 4; ++j) {
        CHECK(std::fabs(found.values[j] - springs.eigenvalue(index[j])) < 1e-10);
        const double seen = residual(springs, found.values[j], found.vectors.data() + j * n);
        CHECK(seen <= 4e-8);
        CHECK(std::fabs(seen - found.residuals[j]) < 1e-13);
      }
    }
  }
}

TEST_CASE("progress can stop a search, and what there is stays") {
  const Springs springs(300);
  talweg::LanczosOptions options;
  options.method = talweg::LanczosMethod::three_term;
  options.progress = [](const talweg::LanczosProgress& at) { return at.steps >= 20; };
  const talweg::EigenPairs found = talweg::extreme_eigenpairs(springs, options);
  CHECK(found.status == talweg::Status::interrupted);
  REQUIRE(found.values.size() == 1);
  CHECK(found.values[0] >= springs.eigenvalue(0) - 1e-12);
  CHECK(found.values[0] < 0.1);
}

TEST_CASE("options that make no sense") {
  const Springs springs(10);
  talweg::LanczosOptions options;
  options.count = 11;
  CHECK_THROWS_AS(talweg::extreme_eigenpairs(springs, options), std::invalid_argument);
  options.count = 6;
  options.which = talweg::SpectrumEnd::both;
  CHECK_THROWS_AS(talweg::extreme_eigenpairs(springs, options), std::invalid_argument);
  options = {};
  options.tolerance = 0.0;
  CHECK_THROWS_AS(talweg::extreme_eigenpairs(springs, options), std::invalid_argument);
  options = {};
  options.method = talweg::LanczosMethod::block;
  options.which = talweg::SpectrumEnd::nearest_zero;
  CHECK_THROWS_AS(talweg::extreme_eigenpairs(springs, options), std::invalid_argument);
}

namespace {

// Springs whose matrix is to be had, in both precisions.
class FormedSprings final : public talweg::SymmetricOperator {
 public:
  explicit FormedSprings(std::size_t n) : springs_(n) {}
  std::size_t dimension() const noexcept override { return springs_.dimension(); }
  const double* apply(std::size_t count, const double* vectors, std::size_t stride,
                      double* products) const override {
    return springs_.apply(count, vectors, stride, products);
  }
  bool form(double* matrix) const override { return fill(matrix); }
  bool form_single(float* matrix) const override { return fill(matrix); }
  bool known_symmetric() const noexcept override { return true; }
  double eigenvalue(std::size_t j) const { return springs_.eigenvalue(j); }

 private:
  template <class Number>
  bool fill(Number* matrix) const {
    const std::size_t n = dimension();
    std::fill_n(matrix, n * n, Number(0));
    for (std::size_t i = 0; i < n; ++i) {
      matrix[i * n + i] = Number(2);
      if (i > 0) matrix[i * n + i - 1] = matrix[(i - 1) * n + i] = Number(-1);
    }
    return true;
  }
  Springs springs_;
};

}  // namespace

TEST_CASE("a decomposition in single precision is corrected, or another one made without LAPACK") {
  const std::size_t n = 60;
  const FormedSprings springs(n);
  for (const bool high : {false, true}) {
    talweg::LanczosOptions options;
    options.count = 3;
    options.which = high ? talweg::SpectrumEnd::largest : talweg::SpectrumEnd::smallest;
    options.method = talweg::LanczosMethod::refined;
    const talweg::EigenPairs found = talweg::extreme_eigenpairs(springs, options);
    CHECK(found.status == talweg::Status::converged);
#if defined(TALWEG_LINKED_LAPACK)
    CHECK(found.method == talweg::LanczosMethod::refined);
#else
    CHECK(found.method == talweg::LanczosMethod::dense);
#endif
    REQUIRE(found.values.size() == 3);
    for (std::size_t j = 0; j < 3; ++j) {
      CHECK(std::fabs(found.values[j] - springs.eigenvalue(high ? n - 3 + j : j)) < 1e-13);
      CHECK(residual(springs, found.values[j], found.vectors.data() + j * n) <= 4e-8);
    }
  }
}
