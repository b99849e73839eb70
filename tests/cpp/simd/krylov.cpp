#include "simd/krylov.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

#include "simd/instruction_set.hpp"

namespace {

std::vector<double> random_numbers(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> numbers(count);
  for (double& number : numbers) number = normal(generator);
  return numbers;
}

}  // namespace

TEST_CASE("passes over vectors of any length, for every instruction set") {
  for (const talweg::Isa isa : talweg::available_isas()) {
    const talweg::KrylovKernels& kernels = talweg::krylov_kernels(isa);
    for (const std::size_t n : {0, 1, 3, 7, 8, 31, 100, 513}) {
      const auto a = random_numbers(n, 1), b = random_numbers(n, 2), c = random_numbers(n, 3);
      const double tolerance = 1e-13 * static_cast<double>(n + 1);
      double dot = 0.0, squares = 0.0;
      for (std::size_t i = 0; i < n; ++i) dot += a[i] * b[i];
      CHECK(std::fabs(kernels.dot(n, a.data(), b.data()) - dot) <= tolerance);

      std::vector<double> next = c;  // in place of the vector before
      const double sum =
          kernels.three_term(n, 0.5, a.data(), -2.0, b.data(), 3.0, next.data(), next.data());
      for (std::size_t i = 0; i < n; ++i) {
        const double want = 0.5 * a[i] - 2.0 * b[i] + 3.0 * c[i];
        CHECK(std::fabs(next[i] - want) <= 1e-13);
        squares += want * want;
      }
      CHECK(std::fabs(sum - squares) <= 10.0 * tolerance);
      kernels.three_term(n, 0.5, a.data(), -2.0, b.data(), 3.0, nullptr, next.data());
      for (std::size_t i = 0; i < n; ++i)
        CHECK(std::fabs(next[i] - (0.5 * a[i] - 2.0 * b[i])) <= 1e-13);

      for (const std::size_t rows : {1, 2, 5, 9}) {
        for (const std::size_t columns : {1, 2, 3, 5, 8}) {
          const std::size_t stride = n + 3;
          const auto left = random_numbers(rows * stride, 4);
          auto right = random_numbers(columns * stride, 5);
          std::vector<double> sums(rows * columns, 1.0);
          kernels.gram(n, rows, left.data(), stride, columns, right.data(), stride, sums.data());
          double error = 0.0;
          for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
              double want = 1.0;
              for (std::size_t r = 0; r < n; ++r)
                want += left[i * stride + r] * right[j * stride + r];
              error = std::max(error, std::fabs(sums[i * columns + j] - want));
            }
          }
          CHECK(error <= tolerance);
          const auto before = right;
          kernels.add_combinations(n, rows, left.data(), stride, columns, sums.data(), right.data(),
                                   stride);
          error = 0.0;
          for (std::size_t j = 0; j < columns; ++j) {
            for (std::size_t r = 0; r < stride; ++r) {
              double want = before[j * stride + r];
              for (std::size_t i = 0; r < n && i < rows; ++i)
                want += sums[i * columns + j] * left[i * stride + r];
              error = std::max(error, std::fabs(right[j * stride + r] - want));
            }
          }
          CHECK(error <= 100.0 * tolerance);
        }
      }
      std::vector<float> narrow(n);
      std::vector<double> wide(n);
      kernels.narrow(n, a.data(), narrow.data());
      kernels.widen(n, narrow.data(), wide.data());
      for (std::size_t i = 0; i < n; ++i) CHECK(wide[i] == static_cast<float>(a[i]));
    }
  }
}
