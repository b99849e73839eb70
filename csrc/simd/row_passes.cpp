#include "simd/row_passes.hpp"

#include "simd/lane_transposition.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {
namespace {

constexpr std::size_t lanes = vector_lanes;
constexpr std::size_t group = rows_of_one_vector;

// What is fetched into the second-level cache ahead of its use, where memory would be waited for
// otherwise: some lines further along the rows on the way there, and some of the next rows, whose
// turn comes after it, on the way back.
constexpr std::size_t fetched_lines = 16, fetched_rows = 4;

TALWEG_INLINE Vector load_numbers(const double* from) { return load(from); }
TALWEG_INLINE Vector load_numbers(const float* from) {
#if TALWEG_VECTOR_BYTES == 64
  return _mm512_maskz_cvtps_pd(-1, _mm256_loadu_ps(from));  // as square_root
#elif TALWEG_VECTOR_BYTES == 32
  return _mm256_cvtps_pd(_mm_loadu_ps(from));
#else
  return Vector{static_cast<double>(from[0]), static_cast<double>(from[1])};
#endif
}

// Columns of a cache line of each row are done with at once: where rows are a power of two apart,
// all these lines compete for the same few places of the first-level cache.
template <class Number>
constexpr std::size_t line = 64 / sizeof(Number);

// Lanes are rows, and columns come one after the other, as they do for panels.
template <class Number>
void project_one(std::size_t n, const Number* x, std::size_t stride, const double* w,
                 double* sums) {
  constexpr std::size_t tiles = group / lanes;
  Vector sum[tiles] = {};
  std::size_t j = 0;
  for (; j + line<Number> <= n; j += line<Number>) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < group; ++r)
      __builtin_prefetch(x + r * stride + j + fetched_lines * line<Number>, 0, 2);
#pragma GCC unroll 8
    for (std::size_t t = 0; t < tiles; ++t) {
#pragma GCC unroll 8
      for (std::size_t v = 0; v < line<Number>; v += lanes) {
        Vector tile[lanes];
#pragma GCC unroll 8
        for (std::size_t r = 0; r < lanes; ++r)
          tile[r] = load_numbers(x + (t * lanes + r) * stride + j + v);
        transpose(tile);
#pragma GCC unroll 8
        for (std::size_t k = 0; k < lanes; ++k)
          sum[t] = multiply_add(tile[k], fill(w[j + v + k]), sum[t]);
      }
    }
  }
  for (; j < n; ++j)
    for (std::size_t t = 0; t < tiles; ++t) {
      Vector column;
      for (std::size_t r = 0; r < lanes; ++r)
        column[r] = static_cast<double>(x[(t * lanes + r) * stride + j]);
      sum[t] = multiply_add(column, fill(w[j]), sum[t]);
    }
  for (std::size_t t = 0; t < tiles; ++t) store(sums + t * lanes, sum[t]);
}

template <class Number>
void add_back_one(std::size_t n, const Number* x, std::size_t stride, const double* p, double* g,
                  const Number* next) {
  constexpr std::size_t vectors = line<Number> / lanes;
  Vector factor[group];
  for (std::size_t r = 0; r < group; ++r) factor[r] = fill(p[r]);
  std::size_t j = 0;
  for (; j + line<Number> <= n; j += line<Number>) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < fetched_rows; ++r) __builtin_prefetch(next + r * stride + j, 0, 2);
    Vector added[vectors];
#pragma GCC unroll 8
    for (std::size_t v = 0; v < vectors; ++v) added[v] = load(g + j + v * lanes);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < group; ++r)
#pragma GCC unroll 8
      for (std::size_t v = 0; v < vectors; ++v)
        added[v] = multiply_add(load_numbers(x + r * stride + j + v * lanes), factor[r], added[v]);
#pragma GCC unroll 8
    for (std::size_t v = 0; v < vectors; ++v) store(g + j + v * lanes, added[v]);
  }
  for (; j < n; ++j) {
    Vector added = fill(g[j]);
    for (std::size_t r = 0; r < group; ++r)
      added = multiply_add(fill(static_cast<double>(x[r * stride + j])), factor[r], added);
    g[j] = added[0];
  }
}

template <int vectors, int rows>
TALWEG_INLINE void project_rows(std::size_t n, const double* x, std::size_t stride,
                                const double* panel, double* z, std::size_t z_stride,
                                const RowsToFetch& next, const char* fetched) {
  Vector sum[rows][vectors];
#pragma GCC unroll 24
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) sum[r][v] = load(z + r * z_stride + v * lanes);
  const auto add_column = [&](std::size_t j) __attribute__((always_inline)) {
    Vector w[vectors];
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) w[v] = load(panel + j * (vectors * lanes) + v * lanes);
#pragma GCC unroll 24
    for (int r = 0; r < rows; ++r) {
      const Vector entry = fill(x[r * stride + j]);
#pragma GCC unroll 24
      for (int v = 0; v < vectors; ++v) sum[r][v] = multiply_add(entry, w[v], sum[r][v]);
    }
  };
  std::size_t j = 0;
  if (fetched)
    for (; j + 8 <= n; j += 8) {
      for (int r = 0; r < rows; ++r)
        __builtin_prefetch(fetched + r * next.stride + j * next.bytes, 0, 2);
      for (std::size_t k = j; k < j + 8; ++k) add_column(k);
    }
  for (; j < n; ++j) add_column(j);
#pragma GCC unroll 24
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) store(z + r * z_stride + v * lanes, sum[r][v]);
}

template <class Lanes, int vectors, int rows, class Number>
TALWEG_INLINE void add_back_rows(std::size_t n, const Number* x, std::size_t stride,
                                 const Number* p, std::size_t p_stride, Number* panel) {
  constexpr std::size_t width = sizeof(Lanes) / sizeof(Number);
  Lanes factor[rows][vectors];
#pragma GCC unroll 24
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) factor[r][v] = load(p + r * p_stride + v * width);
  for (std::size_t j = 0; j < n; ++j, panel += vectors * width) {
    Lanes g[vectors];
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) g[v] = load(panel + v * width);
#pragma GCC unroll 24
    for (int r = 0; r < rows; ++r) {
      const Lanes entry = x[r * stride + j] - Lanes{};
#pragma GCC unroll 24
      for (int v = 0; v < vectors; ++v) g[v] = multiply_add(entry, factor[r][v], g[v]);
    }
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) store(panel + v * width, g[v]);
  }
}

// As many rows as their sums leave registers for the panel and one entry, but not more than eight
// of a narrow panel: lines of more rows, a power of two apart, drive one another out of the cache.
constexpr int rows_at_once(int vectors) { return lanes == 8 ? 24 / vectors : vectors == 1 ? 8 : 6; }

template <int vectors>
TALWEG_INLINE void project_panel(std::size_t rows, std::size_t n, const double* x,
                                 std::size_t stride, const double* panel, double* z,
                                 std::size_t z_stride, const RowsToFetch& next) {
  constexpr int many = rows_at_once(vectors);
  std::size_t r = 0;
  const auto fetched = [&] { return next.begin ? next.begin + r * next.stride : nullptr; };
  for (; r + many <= rows; r += many)
    project_rows<vectors, many>(n, x + r * stride, stride, panel, z + r * z_stride, z_stride, next,
                                fetched());
  for (; r + 2 <= rows; r += 2)
    project_rows<vectors, 2>(n, x + r * stride, stride, panel, z + r * z_stride, z_stride, next,
                             fetched());
  if (r < rows)
    project_rows<vectors, 1>(n, x + r * stride, stride, panel, z + r * z_stride, z_stride, next,
                             fetched());
}

template <class Lanes, int vectors, class Number>
TALWEG_INLINE void add_back_panel(std::size_t rows, std::size_t n, const Number* x,
                                  std::size_t stride, const Number* p, std::size_t p_stride,
                                  Number* panel) {
  constexpr int many = rows_at_once(vectors);
  const auto add = [&]<int count>(std::size_t r) __attribute__((always_inline)) {
    add_back_rows<Lanes, vectors, count>(n, x + r * stride, stride, p + r * p_stride, p_stride,
                                         panel);
  };
  std::size_t r = 0;
  for (; r + many <= rows; r += many) add.template operator()<many>(r);
  for (; r + 2 <= rows; r += 2) add.template operator()<2>(r);
  if (r < rows) add.template operator()<1>(r);
}

void project(std::size_t rows, std::size_t n, const double* x, std::size_t stride,
             std::size_t width, const double* panel, double* z, std::size_t z_stride,
             const RowsToFetch& next) {
  if (width == lanes)
    project_panel<1>(rows, n, x, stride, panel, z, z_stride, next);
  else
    project_panel<2>(rows, n, x, stride, panel, z, z_stride, next);
}

template <class Lanes, class Number>
void add_back(std::size_t rows, std::size_t n, const Number* x, std::size_t stride,
              std::size_t width, const Number* p, std::size_t p_stride, Number* panel) {
  if (width == sizeof(Lanes) / sizeof(Number))
    add_back_panel<Lanes, 1>(rows, n, x, stride, p, p_stride, panel);
  else
    add_back_panel<Lanes, 2>(rows, n, x, stride, p, p_stride, panel);
}

}  // namespace

extern const RowPassKernels row_pass_kernels;
const RowPassKernels row_pass_kernels = {
    lanes,
    {project_one<double>, add_back_one<double>},
    {project_one<float>, add_back_one<float>},
    project,
    add_back<Vector, double>,
    add_back<SingleVector, float>,
};

}  // namespace talweg::TALWEG_ISA
