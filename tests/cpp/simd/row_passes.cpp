#include "simd/row_passes.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "simd/instruction_set.hpp"

namespace {

template <class Number>
std::vector<Number> random_numbers(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::vector<Number> numbers(count);
  for (Number& number : numbers) number = static_cast<Number>(normal(generator));
  return numbers;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

// Both ways of the kernels for one vector against plain loops, and against a panel that holds the
// vector in one of its columns.
template <class Number>
void check_one_vector(const talweg::RowPassKernels& kernels,
                      const talweg::OneVectorKernels<Number>& one, std::size_t n) {
  constexpr std::size_t rows = talweg::rows_of_one_vector;
  const std::size_t stride = n + 5;
  const auto x = random_numbers<Number>(rows * stride, 1);
  const std::vector<double> wide(x.begin(), x.end());
  const auto w = random_numbers<double>(n, 2), p = random_numbers<double>(rows, 3);
  auto g = random_numbers<double>(n, 4);
  const std::vector<double> before = g;
  std::vector<double> sums(rows);
  one.project(n, x.data(), stride, w.data(), sums.data());
  one.add_back(n, x.data(), stride, p.data(), g.data(), x.data());
  const double tolerance = 1e-13 * static_cast<double>(n + rows);
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0.0;
    for (std::size_t j = 0; j < n; ++j) sum += wide[r * stride + j] * w[j];
    CHECK(std::fabs(sums[r] - sum) <= tolerance);
  }
  for (std::size_t j = 0; j < n; ++j) {
    double sum = before[j];
    for (std::size_t r = 0; r < rows; ++r) sum += wide[r * stride + j] * p[r];
    CHECK(std::fabs(g[j] - sum) <= tolerance);
  }

  for (const std::size_t width : {kernels.vector_lanes, 2 * kernels.vector_lanes}) {
    const std::size_t column = width - 1;
    // Data in single precision are added up in parts.
    const bool single = sizeof(Number) == sizeof(float);
    const std::size_t parts = single ? kernels.vector_lanes : 1;
    const auto project = single ? kernels.project_parts : kernels.project;
    std::vector<double> panel(n * width, 1.0), back(n * width, 1.0), factors(rows * width, 0.5),
        panel_sums, panel_g(n);
    for (std::size_t j = 0; j < n; ++j) {
      panel[j * width + column] = w[j];
      back[j * width + column] = before[j];
    }
    for (std::size_t r = 0; r < rows; ++r) factors[r * width + column] = p[r];
    // Rows and columns in pieces, as a pass takes them.
    for (std::size_t r = 0; r < rows; r += 3) {
      const std::size_t count = std::min<std::size_t>(3, rows - r), half = n / 2 / parts * parts;
      std::vector<double> z(parts * count * width);
      for (std::size_t j = 0; j < n; j += half == 0 ? n : half) {
        const std::size_t columns = std::min(half == 0 ? n : half, n - j);
        project(count, columns, wide.data() + r * stride + j, stride, width,
                panel.data() + j * width, z.data(), width, {});
        kernels.add_back(count, columns, wide.data() + r * stride + j, stride, width,
                         factors.data() + r * width, width, back.data() + j * width);
      }
      for (std::size_t rest = parts / 2; rest > 0; rest /= 2)
        for (std::size_t i = 0; i < rest * count * width; ++i) z[i] += z[rest * count * width + i];
      for (std::size_t k = 0; k < count; ++k) panel_sums.push_back(z[k * width + column]);
    }
    for (std::size_t j = 0; j < n; ++j) panel_g[j] = back[j * width + column];
    CHECK(same_bits(panel_sums, sums));
    CHECK(same_bits(panel_g, g));
  }
}

}  // namespace

TEST_CASE("rows times vectors and back, the same bits alone and in panels") {
  for (const talweg::Isa isa : talweg::available_isas()) {
    CAPTURE(talweg::name_of(isa));
    const talweg::RowPassKernels& kernels = talweg::row_pass_kernels(isa);
    for (const std::size_t n : {1, 2, 3, 7, 8, 9, 16, 17, 33, 64, 130}) {
      CAPTURE(n);
      check_one_vector(kernels, kernels.one_vector, n);
      check_one_vector(kernels, kernels.one_vector_single, n);
    }
  }
}

TEST_CASE("panels of many rows, for every instruction set") {
  for (const talweg::Isa isa : talweg::available_isas()) {
    const talweg::RowPassKernels& kernels = talweg::row_pass_kernels(isa);
    for (const std::size_t width : {kernels.vector_lanes, 2 * kernels.vector_lanes})
      for (const std::size_t rows : {1, 2, 5, 6, 11, 12, 13, 24, 31}) {
        const std::size_t n = 19, stride = 21;
        const auto x = random_numbers<double>(rows * stride, 5);
        const auto panel = random_numbers<double>(n * width, 6);
        const auto p = random_numbers<double>(rows * width, 7);
        std::vector<double> z(rows * width), g(n * width);
        const talweg::RowsToFetch next{reinterpret_cast<const char*>(x.data()), 8 * stride, 8};
        kernels.project(rows, n, x.data(), stride, width, panel.data(), z.data(), width, next);
        kernels.add_back(rows, n, x.data(), stride, width, p.data(), width, g.data());
        double worst = 0.0;
        for (std::size_t c = 0; c < width; ++c) {
          for (std::size_t r = 0; r < rows; ++r) {
            double sum = 0.0;
            for (std::size_t j = 0; j < n; ++j) sum += x[r * stride + j] * panel[j * width + c];
            worst = std::fmax(worst, std::fabs(sum - z[r * width + c]));
          }
          for (std::size_t j = 0; j < n; ++j) {
            double sum = 0.0;
            for (std::size_t r = 0; r < rows; ++r) sum += x[r * stride + j] * p[r * width + c];
            worst = std::fmax(worst, std::fabs(sum - g[j * width + c]));
          }
        }
        CHECK(worst < 1e-12);
      }
  }
}
