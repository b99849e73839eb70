// Products of small and middling matrices, C = A' B with both stored by rows. Tiles of C stay in
// registers; there is no packing, as the operands are arranged by those who call.
#include "simd/model_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// Rows of A and B taken before the next tile of C, so that the strip of B stays in the first-level
// cache.
constexpr std::size_t depth = 128;

// From this many rows of C on, a strip of B is copied together first: its rows may be far apart and
// fall into a few sets of the cache.
constexpr std::size_t worth_copying = 96;

constexpr std::size_t tile_rows = 6;

template <int rows, int vectors>
static void tile(std::size_t k, const double* a, std::size_t lda, const double* b, std::size_t ldb,
                 double* c, std::size_t ldc, bool add) {
  Vector sums[rows][vectors];
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j)
      sums[i][j] = add ? load(c + i * ldc + j * vector_lanes) : Vector{};
  for (std::size_t r = 0; r < k; ++r, a += lda, b += ldb) {
    Vector right[vectors];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) right[j] = load(b + j * vector_lanes);
#pragma GCC unroll 8
    for (int i = 0; i < rows; ++i) {
      const Vector left = fill(a[i]);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) sums[i][j] = multiply_add(left, right[j], sums[i][j]);
    }
  }
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) store(c + i * ldc + j * vector_lanes, sums[i][j]);
}

using Tile = void (*)(std::size_t, const double*, std::size_t, const double*, std::size_t, double*,
                      std::size_t, bool);

// tiles[rows - 1][w] is 2^w vectors wide. Few rows take more vectors, so that there are enough
// independent sums to hide the latency of an addition.
static constexpr Tile tiles[tile_rows][4] = {
    {tile<1, 1>, tile<1, 2>, tile<1, 4>, tile<1, 8>}, {tile<2, 1>, tile<2, 2>, tile<2, 4>, nullptr},
    {tile<3, 1>, tile<3, 2>, nullptr, nullptr},       {tile<4, 1>, tile<4, 2>, nullptr, nullptr},
    {tile<5, 1>, tile<5, 2>, nullptr, nullptr},       {tile<6, 1>, tile<6, 2>, nullptr, nullptr}};

// Rows of the next tile: no tile of one or two rows is left over behind wider ones.
static std::size_t next_rows(std::size_t left) {
  if (left <= tile_rows) return left;
  return left == 7 || left == 8 ? 4 : tile_rows;
}

static void strip_product(std::size_t m, std::size_t n, std::size_t k, const double* a,
                          std::size_t lda, const double* b, std::size_t ldb, double* c,
                          std::size_t ldc, bool add, bool lower) {
  const int widest = m == 1 ? 3 : (m == 2 ? 2 : 1);
  for (std::size_t j = 0; j < n;) {
    int width = widest;
    while ((std::size_t{vector_lanes} << width) > n - j) --width;
    const std::size_t columns = std::size_t{vector_lanes} << width;
    const double* strip = b + j;
    std::size_t strip_stride = ldb;
    double copy[depth * 2 * vector_lanes];
    if (m >= worth_copying) {
      for (std::size_t r = 0; r < k; ++r)
        for (std::size_t lane = 0; lane < columns; lane += vector_lanes)
          store(copy + r * columns + lane, load(strip + r * ldb + lane));
      strip = copy;
      strip_stride = columns;
    }
    for (std::size_t i = 0; i < m;) {
      const std::size_t rows = next_rows(m - i);
      if (!lower || j < i + rows)
        tiles[rows - 1][width](k, a + i, lda, strip, strip_stride, c + i * ldc + j, ldc, add);
      i += rows;
    }
    j += columns;
  }
}

void scale_rows(std::size_t rows, std::size_t columns, const double* factors,
                std::size_t factor_stride, const double* from, double* to) {
  for (std::size_t r = 0; r < rows; ++r, from += columns, to += columns) {
    const Vector factor = fill(factors[r * factor_stride]);
    for (std::size_t j = 0; j < columns; j += vector_lanes) store(to + j, factor * load(from + j));
  }
}

void matrix_product(std::size_t m, std::size_t n, std::size_t k, const double* a, std::size_t lda,
                    const double* b, std::size_t ldb, double* c, std::size_t ldc, bool add,
                    bool lower) {
  if (m == 0) return;
  for (std::size_t r = 0; r == 0 || r < k; r += depth)
    strip_product(m, n, k - r < depth ? k - r : depth, a + r * lda, lda, b + r * ldb, ldb, c, ldc,
                  add || r > 0, lower);
}

}  // namespace talweg::TALWEG_ISA
