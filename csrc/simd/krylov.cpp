#include "simd/krylov.hpp"

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

TALWEG_INLINE double sum_of_lanes(Vector a) {
  double sum = 0.0;
  for (int l = 0; l < vector_lanes; ++l) sum += a[l];
  return sum;
}

static double dot(std::size_t n, const double* a, const double* b) {
  Vector sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 * vector_lanes <= n; i += 4 * vector_lanes) {
#pragma GCC unroll 4
    for (int s = 0; s < 4; ++s)
      sums[s] =
          multiply_add(load(a + i + s * vector_lanes), load(b + i + s * vector_lanes), sums[s]);
  }
  double sum = sum_of_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

template <bool with_previous>
static double three_term(std::size_t n, double p, const double* product, double c,
                         const double* current, double q, const double* previous, double* next) {
  Vector sums[2] = {};
  const Vector ps = fill(p), cs = fill(c), qs = fill(q);
  std::size_t i = 0;
  for (; i + 2 * vector_lanes <= n; i += 2 * vector_lanes) {
#pragma GCC unroll 2
    for (int s = 0; s < 2; ++s) {
      const std::size_t at = i + s * vector_lanes;
      Vector value = cs * load(current + at);
      if constexpr (with_previous) value = multiply_add(qs, load(previous + at), value);
      value = multiply_add(ps, load(product + at), value);
      store(next + at, value);
      sums[s] = multiply_add(value, value, sums[s]);
    }
  }
  double sum = sum_of_lanes(sums[0] + sums[1]);
  for (; i < n; ++i) {
    double value = c * current[i];
    if constexpr (with_previous) value += q * previous[i];
    value += p * product[i];
    next[i] = value;
    sum += value * value;
  }
  return sum;
}

static double three_term_any(std::size_t n, double p, const double* product, double c,
                             const double* current, double q, const double* previous,
                             double* next) {
  return previous == nullptr ? three_term<false>(n, p, product, c, current, q, previous, next)
                             : three_term<true>(n, p, product, c, current, q, previous, next);
}

template <int rows, int columns>
static void gram_tile(std::size_t n, const double* left, std::size_t left_stride,
                      const double* right, std::size_t right_stride, double* sums,
                      std::size_t sums_stride) {
  Vector tile[rows][columns] = {};
  std::size_t r = 0;
  for (; r + vector_lanes <= n; r += vector_lanes) {
    Vector b[columns];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) b[j] = load(right + j * right_stride + r);
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      const Vector a = load(left + i * left_stride + r);
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) tile[i][j] = multiply_add(a, b[j], tile[i][j]);
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i) {
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
      double sum = sum_of_lanes(tile[i][j]);
      for (std::size_t t = r; t < n; ++t)
        sum += left[i * left_stride + t] * right[j * right_stride + t];
      sums[i * sums_stride + j] += sum;
    }
  }
}

constexpr std::size_t gram_rows = 4, gram_columns = 2;
using GramTile = void (*)(std::size_t, const double*, std::size_t, const double*, std::size_t,
                          double*, std::size_t);
static constexpr GramTile gram_tiles[gram_rows][gram_columns] = {
    {gram_tile<1, 1>, gram_tile<1, 2>},
    {gram_tile<2, 1>, gram_tile<2, 2>},
    {gram_tile<3, 1>, gram_tile<3, 2>},
    {gram_tile<4, 1>, gram_tile<4, 2>}};

static void gram(std::size_t n, std::size_t rows, const double* left, std::size_t left_stride,
                 std::size_t columns, const double* right, std::size_t right_stride, double* sums) {
  for (std::size_t i = 0; i < rows; i += gram_rows) {
    const std::size_t height = rows - i < gram_rows ? rows - i : gram_rows;
    for (std::size_t j = 0; j < columns; j += gram_columns) {
      const std::size_t width = columns - j < gram_columns ? columns - j : gram_columns;
      gram_tiles[height - 1][width - 1](n, left + i * left_stride, left_stride,
                                        right + j * right_stride, right_stride,
                                        sums + i * columns + j, columns);
    }
  }
}

template <int columns>
static void combination_tile(std::size_t n, std::size_t rows, const double* left,
                             std::size_t left_stride, const double* coefficients,
                             std::size_t coefficients_stride, double* right,
                             std::size_t right_stride) {
  std::size_t r = 0;
  for (; r + 2 * vector_lanes <= n; r += 2 * vector_lanes) {
    Vector tile[columns][2];
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
      tile[j][0] = load(right + j * right_stride + r);
      tile[j][1] = load(right + j * right_stride + r + vector_lanes);
    }
    for (std::size_t i = 0; i < rows; ++i) {
      const Vector a = load(left + i * left_stride + r);
      const Vector b = load(left + i * left_stride + r + vector_lanes);
#pragma GCC unroll 4
      for (int j = 0; j < columns; ++j) {
        const Vector c = fill(coefficients[i * coefficients_stride + j]);
        tile[j][0] = multiply_add(c, a, tile[j][0]);
        tile[j][1] = multiply_add(c, b, tile[j][1]);
      }
    }
#pragma GCC unroll 4
    for (int j = 0; j < columns; ++j) {
      store(right + j * right_stride + r, tile[j][0]);
      store(right + j * right_stride + r + vector_lanes, tile[j][1]);
    }
  }
  for (; r < n; ++r) {
    for (int j = 0; j < columns; ++j) {
      double sum = right[j * right_stride + r];
      for (std::size_t i = 0; i < rows; ++i)
        sum += coefficients[i * coefficients_stride + j] * left[i * left_stride + r];
      right[j * right_stride + r] = sum;
    }
  }
}

static void add_combinations(std::size_t n, std::size_t rows, const double* left,
                             std::size_t left_stride, std::size_t columns,
                             const double* coefficients, double* right, std::size_t right_stride) {
  for (std::size_t j = 0; j < columns; j += 4) {
    const double* c = coefficients + j;
    double* to = right + j * right_stride;
    switch (columns - j) {
      case 1:
        combination_tile<1>(n, rows, left, left_stride, c, columns, to, right_stride);
        break;
      case 2:
        combination_tile<2>(n, rows, left, left_stride, c, columns, to, right_stride);
        break;
      case 3:
        combination_tile<3>(n, rows, left, left_stride, c, columns, to, right_stride);
        break;
      default:
        combination_tile<4>(n, rows, left, left_stride, c, columns, to, right_stride);
    }
  }
}

static void narrow(std::size_t n, const double* from, float* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = static_cast<float>(from[i]);
}

static void widen(std::size_t n, const float* from, double* to) {
  for (std::size_t i = 0; i < n; ++i) to[i] = from[i];
}

extern const KrylovKernels krylov_kernels;
constexpr KrylovKernels krylov_kernels{dot, three_term_any, gram, add_combinations, narrow, widen};

}  // namespace talweg::TALWEG_ISA
