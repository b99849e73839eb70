#include "simd/row_passes.hpp"

#include "simd/lane_transposition.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {
namespace {

constexpr std::size_t lanes = vector_lanes;
constexpr std::size_t group = rows_of_one_vector;

// How far ahead of its use a row is fetched, in bytes: beyond what the processor does by itself for
// as many rows side by side.
constexpr std::size_t fetch_distance = 1024;

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

// The loop of one pass over some rows: there with `next`, back with `previous`, or both. On the way
// there lanes are rows, and columns come one after the other, as they do for panels.
template <bool back, bool there, class Number>
TALWEG_INLINE void one_vector_pass(std::size_t n, const Number* previous, const Number* next,
                                   std::size_t stride, const double* w, const double* p, double* g,
                                   double* sums) {
  constexpr std::size_t tiles = group / lanes;
  constexpr std::size_t ahead = fetch_distance / sizeof(Number);
  constexpr std::size_t numbers_of_line = 64 / sizeof(Number);
  Vector sum[tiles] = {}, factor[group] = {};
  if (back)
    for (std::size_t r = 0; r < group; ++r) factor[r] = fill(p[r]);
  const auto step = [&](std::size_t j) __attribute__((always_inline)) {
    if (there) {
#pragma GCC unroll 8
      for (std::size_t t = 0; t < tiles; ++t) {
        Vector tile[lanes];
#pragma GCC unroll 8
        for (std::size_t r = 0; r < lanes; ++r)
          tile[r] = load_numbers(next + (t * lanes + r) * stride + j);
        transpose(tile);
#pragma GCC unroll 8
        for (std::size_t k = 0; k < lanes; ++k)
          sum[t] = multiply_add(tile[k], fill(w[j + k]), sum[t]);
      }
    }
    if (back) {
      Vector gj = load(g + j);
#pragma GCC unroll 8
      for (std::size_t r = 0; r < group; ++r)
        gj = multiply_add(load_numbers(previous + r * stride + j), factor[r], gj);
      store(g + j, gj);
    }
  };
  std::size_t j = 0;
  for (const std::size_t whole = n / numbers_of_line * numbers_of_line; j < whole;
       j += numbers_of_line) {
    if (there)
      for (std::size_t r = 0; r < group; ++r)
        __builtin_prefetch(next + r * stride + j + ahead, 0, 3);
#pragma GCC unroll 1
    for (std::size_t i = 0; i < numbers_of_line; i += lanes) step(j + i);
  }
  for (; j + lanes <= n; j += lanes) step(j);
  for (; j < n; ++j) {
    if (there)
      for (std::size_t t = 0; t < tiles; ++t) {
        Vector column;
        for (std::size_t r = 0; r < lanes; ++r)
          column[r] = static_cast<double>(next[(t * lanes + r) * stride + j]);
        sum[t] = multiply_add(column, fill(w[j]), sum[t]);
      }
    if (back) {
      Vector gj = fill(g[j]);
      for (std::size_t r = 0; r < group; ++r)
        gj = multiply_add(fill(static_cast<double>(previous[r * stride + j])), factor[r], gj);
      g[j] = gj[0];
    }
  }
  if (there)
    for (std::size_t t = 0; t < tiles; ++t) store(sums + t * lanes, sum[t]);
}

template <class Number>
void project_one(std::size_t n, const Number* x, std::size_t stride, const double* w,
                 double* sums) {
  one_vector_pass<false, true>(n, x, x, stride, w, nullptr, nullptr, sums);
}

template <class Number>
void add_back_one(std::size_t n, const Number* x, std::size_t stride, const double* p, double* g) {
  one_vector_pass<true, false>(n, x, x, stride, nullptr, p, g, nullptr);
}

template <class Number>
void add_back_and_project_one(std::size_t n, const Number* previous, const Number* next,
                              std::size_t stride, const double* w, const double* p, double* g,
                              double* sums) {
  one_vector_pass<true, true>(n, previous, next, stride, w, p, g, sums);
}

template <int vectors, int rows>
TALWEG_INLINE void project_rows(std::size_t n, const double* x, std::size_t stride,
                                const double* panel, double* z, std::size_t z_stride) {
  Vector sum[rows][vectors];
#pragma GCC unroll 24
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) sum[r][v] = load(z + r * z_stride + v * lanes);
  for (std::size_t j = 0; j < n; ++j, panel += vectors * lanes) {
    Vector w[vectors];
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) w[v] = load(panel + v * lanes);
#pragma GCC unroll 24
    for (int r = 0; r < rows; ++r) {
      const Vector entry = fill(x[r * stride + j]);
#pragma GCC unroll 24
      for (int v = 0; v < vectors; ++v) sum[r][v] = multiply_add(entry, w[v], sum[r][v]);
    }
  }
#pragma GCC unroll 24
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) store(z + r * z_stride + v * lanes, sum[r][v]);
}

template <int vectors, int rows>
TALWEG_INLINE void add_back_rows(std::size_t n, const double* x, std::size_t stride,
                                 const double* p, std::size_t p_stride, double* panel) {
  Vector factor[rows][vectors];
#pragma GCC unroll 24
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) factor[r][v] = load(p + r * p_stride + v * lanes);
  for (std::size_t j = 0; j < n; ++j, panel += vectors * lanes) {
    Vector g[vectors];
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) g[v] = load(panel + v * lanes);
#pragma GCC unroll 24
    for (int r = 0; r < rows; ++r) {
      const Vector entry = fill(x[r * stride + j]);
#pragma GCC unroll 24
      for (int v = 0; v < vectors; ++v) g[v] = multiply_add(entry, factor[r][v], g[v]);
    }
#pragma GCC unroll 24
    for (int v = 0; v < vectors; ++v) store(panel + v * lanes, g[v]);
  }
}

// As many rows as their sums leave registers for the panel and one entry.
constexpr int rows_at_once(int vectors) { return lanes == 8 ? 24 / vectors : 12 / vectors; }

template <int vectors>
TALWEG_INLINE void project_panel(std::size_t rows, std::size_t n, const double* x,
                                 std::size_t stride, const double* panel, double* z,
                                 std::size_t z_stride) {
  constexpr int many = rows_at_once(vectors);
  std::size_t r = 0;
  for (; r + many <= rows; r += many)
    project_rows<vectors, many>(n, x + r * stride, stride, panel, z + r * z_stride, z_stride);
  for (; r + 2 <= rows; r += 2)
    project_rows<vectors, 2>(n, x + r * stride, stride, panel, z + r * z_stride, z_stride);
  if (r < rows)
    project_rows<vectors, 1>(n, x + r * stride, stride, panel, z + r * z_stride, z_stride);
}

template <int vectors>
TALWEG_INLINE void add_back_panel(std::size_t rows, std::size_t n, const double* x,
                                  std::size_t stride, const double* p, std::size_t p_stride,
                                  double* panel) {
  constexpr int many = rows_at_once(vectors);
  std::size_t r = 0;
  for (; r + many <= rows; r += many)
    add_back_rows<vectors, many>(n, x + r * stride, stride, p + r * p_stride, p_stride, panel);
  for (; r + 2 <= rows; r += 2)
    add_back_rows<vectors, 2>(n, x + r * stride, stride, p + r * p_stride, p_stride, panel);
  if (r < rows)
    add_back_rows<vectors, 1>(n, x + r * stride, stride, p + r * p_stride, p_stride, panel);
}

void project(std::size_t rows, std::size_t n, const double* x, std::size_t stride,
             std::size_t width, const double* panel, double* z, std::size_t z_stride) {
  if (width == lanes)
    project_panel<1>(rows, n, x, stride, panel, z, z_stride);
  else
    project_panel<2>(rows, n, x, stride, panel, z, z_stride);
}

void add_back(std::size_t rows, std::size_t n, const double* x, std::size_t stride,
              std::size_t width, const double* p, std::size_t p_stride, double* panel) {
  if (width == lanes)
    add_back_panel<1>(rows, n, x, stride, p, p_stride, panel);
  else
    add_back_panel<2>(rows, n, x, stride, p, p_stride, panel);
}

}  // namespace

extern const RowPassKernels row_pass_kernels;
const RowPassKernels row_pass_kernels = {
    lanes,
    {project_one<double>, add_back_one<double>, add_back_and_project_one<double>},
    {project_one<float>, add_back_one<float>, add_back_and_project_one<float>},
    project,
    add_back,
};

}  // namespace talweg::TALWEG_ISA
