// Symmetric matrices from rows in memory to lanes of vectors, vector_lanes of them at a time, by
// transpositions in registers.
//
// Most matrices are symmetric to the last bit, which an exclusive or shows. Only where some are not
// their triangles are compared as numbers.
#include "simd/lane_gather.hpp"

#include "simd/vector.hpp"
#include "talweg/spectrum.hpp"

namespace talweg::TALWEG_ISA {

// Up to here all entries are brought into lanes first and compared from there; above, tile by tile,
// as they would not stay in the first-level cache.
constexpr std::size_t flat_limit = 16;

constexpr std::size_t width = vector_lanes;

TALWEG_INLINE Vector load_converted(const double* from) { return load(from); }
TALWEG_INLINE Vector load_converted(const float* from) {
  typedef float Singles __attribute__((vector_size(TALWEG_VECTOR_BYTES / 2)));
  Singles values;
  __builtin_memcpy(&values, from, sizeof(values));
  return __builtin_convertvector(values, Vector);
}

// Lane l of rows[k] becomes lane k of rows[l].
TALWEG_INLINE void transpose(Vector* rows) {
#if TALWEG_VECTOR_BYTES == 64
  Vector pairs[8], fours[8];
#pragma GCC unroll 4
  for (int k = 0; k < 8; k += 2) {
    pairs[k] = __builtin_shufflevector(rows[k], rows[k + 1], 0, 8, 2, 10, 4, 12, 6, 14);
    pairs[k + 1] = __builtin_shufflevector(rows[k], rows[k + 1], 1, 9, 3, 11, 5, 13, 7, 15);
  }
#pragma GCC unroll 2
  for (int k = 0; k < 8; k += 4)
#pragma GCC unroll 2
    for (int odd = 0; odd < 2; ++odd) {
      const Vector a = pairs[k + odd], b = pairs[k + 2 + odd];
      fours[k + odd] = __builtin_shufflevector(a, b, 0, 1, 8, 9, 4, 5, 12, 13);
      fours[k + 2 + odd] = __builtin_shufflevector(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
  for (int k = 0; k < 4; ++k) {
    rows[k] = __builtin_shufflevector(fours[k], fours[k + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    rows[k + 4] = __builtin_shufflevector(fours[k], fours[k + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
#elif TALWEG_VECTOR_BYTES == 32
  const Vector a = __builtin_shufflevector(rows[0], rows[1], 0, 4, 2, 6);
  const Vector b = __builtin_shufflevector(rows[0], rows[1], 1, 5, 3, 7);
  const Vector c = __builtin_shufflevector(rows[2], rows[3], 0, 4, 2, 6);
  const Vector d = __builtin_shufflevector(rows[2], rows[3], 1, 5, 3, 7);
  rows[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
  rows[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
  rows[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
  rows[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
#else
  const Vector a = rows[0], b = rows[1];
  rows[0] = __builtin_shufflevector(a, b, 0, 2);
  rows[1] = __builtin_shufflevector(a, b, 1, 3);
#endif
}

// `width` consecutive entries of as many matrices, from `at` on, a vector an entry.
template <class Real>
TALWEG_INLINE void load_entries(const Real* const* matrices, std::size_t at, Vector* entries) {
#pragma GCC unroll 8
  for (std::size_t l = 0; l < width; ++l) entries[l] = load_converted(matrices[l] + at);
  transpose(entries);
}

// What comparing two triangles showed so far.
struct Comparison {
  Bits different = {};
  Vector largest = {};
  Vector difference = {};
  Vector probe = {};  // NaN once an entry of the upper triangle was not finite
};

// The entry to use of those on both sides of the diagonal.
template <bool exactly, bool mean>
TALWEG_INLINE Vector compared(Vector lower, Vector upper, Comparison& seen) {
  if constexpr (exactly) {
    seen.different |= bits(lower) ^ bits(upper);
    return lower;
  } else {
    const Vector apart = lower - upper;
    seen.largest = larger(magnitude(lower), seen.largest);
    seen.difference = larger(magnitude(apart), seen.difference);
    seen.probe = multiply_add(upper, Vector{}, seen.probe);
    return mean ? 0.5 * lower + 0.5 * upper : lower;
  }
}

TALWEG_INLINE bool any_bits(Bits bits) { return any((Mask)(bits != Bits{})); }

static double* packed_at(double* packed, std::size_t stride, std::size_t i, std::size_t j) {
  return packed + (i * (i + 1) / 2 + j) * stride;
}

// From all entries in lanes.
template <bool exactly, bool mean>
static Comparison pack_flat(std::size_t n, const double* full, double* packed, std::size_t stride) {
  Comparison seen;
  for (std::size_t i = 0; i < n; ++i) {
    const double* row = full + i * n * width;
    const double* column = full + i * width;
    for (std::size_t j = 0; j < i; ++j, packed += stride)
      store(packed,
            compared<exactly, mean>(load(row + j * width), load(column + j * n * width), seen));
    const Vector diagonal = load(row + i * width);
    if constexpr (!exactly) seen.largest = larger(magnitude(diagonal), seen.largest);
    store(packed, diagonal);
    packed += stride;
  }
  return seen;
}

// Tiles of width rows and columns; the last ones overlap those before where n is no multiple.
template <bool exactly, bool mean, class Real>
static Comparison pack_tiles(std::size_t n, const Real* const* matrices, double* packed,
                             std::size_t stride) {
  Comparison seen;
  for (std::size_t block = 0; block < n; block += width) {
    const std::size_t i0 = block + width <= n ? block : n - width;
    for (std::size_t other = 0; other <= block; other += width) {
      const std::size_t j0 = other + width <= n ? other : n - width;
      Vector lower[width][width];
      for (std::size_t i = 0; i < width; ++i) load_entries(matrices, (i0 + i) * n + j0, lower[i]);
      for (std::size_t j = 0; j < width; ++j) {
        Vector upper[width];
        load_entries(matrices, (j0 + j) * n + i0, upper);
        for (std::size_t i = 0; i < width; ++i)
          if (j0 + j <= i0 + i)
            store(packed_at(packed, stride, i0 + i, j0 + j),
                  compared<exactly, mean>(lower[i][j], upper[i], seen));
      }
    }
  }
  return seen;
}

// The lower triangles alone.
template <class Real>
static void pack_lower(std::size_t n, const Real* const* matrices, double* packed,
                       std::size_t stride) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; j += width) {
      const std::size_t j0 = j + width <= n ? j : n - width;
      Vector entries[width];
      load_entries(matrices, i * n + j0, entries);
      for (std::size_t k = 0; k < width && j0 + k <= i; ++k)
        store(packed_at(packed, stride, i, j0 + k), entries[k]);
    }
  }
}

// Returns whether some lane is in trouble.
static bool judge(const Comparison& seen, bool checked, double limit, std::size_t lanes,
                  Status* statuses) {
  bool trouble = false;
  const Mask apart = !(seen.difference <= limit * seen.largest);
  for (std::size_t l = 0; l < lanes; ++l) {
    if (seen.probe[l] != 0.0) {
      statuses[l] = Status::non_finite;
      trouble = true;
    } else if (checked && apart[l]) {
      statuses[l] = Status::not_symmetric;
      trouble = true;
    }
  }
  return trouble;
}

template <class Real>
TALWEG_INLINE bool gather_matrices(std::size_t n, const Real* matrices, std::size_t lanes,
                                   Symmetry symmetry, double limit, double* packed,
                                   std::size_t stride, Status* statuses, double* scratch) {
  const std::size_t entries = n * n;
  bool trouble = false;
  for (std::size_t first = 0; first < lanes; first += width) {
    const Real* from[width];
    for (std::size_t l = 0; l < width; ++l)
      from[l] = matrices + (first + l < lanes ? first + l : lanes - 1) * entries;
    const std::size_t here = lanes - first < width ? lanes - first : width;
    double* const to = packed + first;
    for (std::size_t l = 0; l < here; ++l) statuses[first + l] = Status::converged;
    if (symmetry == Symmetry::lower && n >= width) {
      pack_lower(n, from, to, stride);
      continue;
    }
    const bool flat = n <= flat_limit;
    if (flat) {
      if (entries < width) {
        for (std::size_t e = 0; e < entries; ++e)
          for (std::size_t l = 0; l < width; ++l)
            scratch[e * width + l] = static_cast<double>(from[l][e]);
      } else {
        for (std::size_t block = 0; block < entries; block += width) {
          const std::size_t at = block + width <= entries ? block : entries - width;
          Vector values[width];
          load_entries(from, at, values);
#pragma GCC unroll 8
          for (std::size_t e = 0; e < width; ++e) store(scratch + (at + e) * width, values[e]);
        }
      }
    }
    const Comparison exact = flat ? pack_flat<true, false>(n, scratch, to, stride)
                                  : pack_tiles<true, false>(n, from, to, stride);
    if (symmetry == Symmetry::lower || !any_bits(exact.different)) continue;
    Comparison seen;
    if (symmetry == Symmetry::symmetrise) {
      seen = flat ? pack_flat<false, true>(n, scratch, to, stride)
                  : pack_tiles<false, true>(n, from, to, stride);
    } else {
      seen = flat ? pack_flat<false, false>(n, scratch, to, stride)
                  : pack_tiles<false, false>(n, from, to, stride);
    }
    trouble |= judge(seen, symmetry == Symmetry::check, limit, here, statuses + first);
  }
  return trouble;
}

static bool gather(std::size_t n, const double* matrices, std::size_t lanes, Symmetry symmetry,
                   double limit, double* packed, std::size_t stride, Status* statuses,
                   double* scratch) {
  return gather_matrices(n, matrices, lanes, symmetry, limit, packed, stride, statuses, scratch);
}

static bool gather_single(std::size_t n, const float* matrices, std::size_t lanes,
                          Symmetry symmetry, double limit, double* packed, std::size_t stride,
                          Status* statuses, double* scratch) {
  return gather_matrices(n, matrices, lanes, symmetry, limit, packed, stride, statuses, scratch);
}

static std::size_t gather_scratch(std::size_t n) { return n <= flat_limit ? n * n * width : 0; }

static void scatter(std::size_t rows, std::size_t lanes, const double* numbers, std::size_t stride,
                    double* points) {
  if (rows < width) {
    for (std::size_t l = 0; l < lanes; ++l)
      for (std::size_t r = 0; r < rows; ++r) points[l * rows + r] = numbers[r * stride + l];
    return;
  }
  for (std::size_t lane = 0; lane < lanes; lane += width) {
    const std::size_t here = lanes - lane < width ? lanes - lane : width;
    double* const to = points + lane * rows;
    for (std::size_t block = 0; block < rows; block += width) {
      const std::size_t first = block + width <= rows ? block : rows - width;
      Vector tile[width];
#pragma GCC unroll 8
      for (std::size_t r = 0; r < width; ++r) tile[r] = load(numbers + (first + r) * stride + lane);
      transpose(tile);
      if (here == width) {
#pragma GCC unroll 8
        for (std::size_t l = 0; l < width; ++l) store(to + l * rows + first, tile[l]);
      } else {
        for (std::size_t l = 0; l < here; ++l) store(to + l * rows + first, tile[l]);
      }
    }
  }
}

extern const LaneGatherKernels lane_gather_kernels;
const LaneGatherKernels lane_gather_kernels = {vector_lanes, gather, gather_single, gather_scratch,
                                               scatter};

}  // namespace talweg::TALWEG_ISA
