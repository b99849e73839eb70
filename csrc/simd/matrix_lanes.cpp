// Matrices one after the other to and from matrices side by side, by transposing square blocks of
// as many entries as a vector has lanes.
#include <cstddef>

#include "simd/spectrum_functions.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

namespace {

typedef float HalfVector __attribute__((vector_size(TALWEG_VECTOR_BYTES / 2)));
typedef float LooseHalfVector
    __attribute__((vector_size(TALWEG_VECTOR_BYTES / 2), aligned(4), may_alias));

TALWEG_INLINE Vector load_real(const double* from) { return load(from); }
TALWEG_INLINE Vector load_real(const float* from) {
  return __builtin_convertvector(*reinterpret_cast<const LooseHalfVector*>(from), Vector);
}
TALWEG_INLINE void store_real(double* to, Vector value) { store(to, value); }
TALWEG_INLINE void store_real(float* to, Vector value) {
  *reinterpret_cast<LooseHalfVector*>(to) = __builtin_convertvector(value, HalfVector);
}

TALWEG_INLINE void transpose(Vector (&rows)[vector_lanes]) {
#pragma GCC unroll 4
  for (int half = vector_lanes / 2; half > 0; half /= 2) {
    Mask low{}, high{};
#pragma GCC unroll 8
    for (int k = 0; k < vector_lanes; ++k) {
      low[k] = (k & half) == 0 ? k : k - half + vector_lanes;
      high[k] = (k & half) == 0 ? k + half : k + vector_lanes;
    }
#pragma GCC unroll 8
    for (int i = 0; i < vector_lanes; ++i) {
      if ((i & half) != 0) continue;
      const Vector a = rows[i], b = rows[i + half];
      rows[i] = __builtin_shuffle(a, b, low);
      rows[i + half] = __builtin_shuffle(a, b, high);
    }
  }
}

constexpr std::size_t lanes = vector_lanes;

// Entry e of each of `group` blocks of `size` entries to to[place[e]] + lane, where place[e] is not
// null. Lanes from `count` on repeat the last block.
template <class Real>
TALWEG_INLINE void to_lanes(std::size_t size, std::size_t count, const Real* from,
                            double* const* place, std::size_t group) {
  for (std::size_t lane = 0; lane < group; lane += lanes) {
    const Real* block[lanes];
    for (std::size_t k = 0; k < lanes; ++k)
      block[k] = from + (lane + k < count ? lane + k : count - 1) * size;
    if (size < lanes) {
      for (std::size_t e = 0; e < size; ++e)
        if (place[e] != nullptr)
          for (std::size_t k = 0; k < lanes; ++k) place[e][lane + k] = block[k][e];
      continue;
    }
    for (std::size_t e = 0; e < size; e += lanes) {
      const std::size_t first = e + lanes <= size ? e : size - lanes;
      bool wanted = false;
      for (std::size_t k = 0; k < lanes; ++k) wanted = wanted || place[first + k] != nullptr;
      if (!wanted) continue;
      Vector rows[lanes];
#pragma GCC unroll 8
      for (std::size_t k = 0; k < lanes; ++k) rows[k] = load_real(block[k] + first);
      transpose(rows);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < lanes; ++k)
        if (place[first + k] != nullptr) store(place[first + k] + lane, rows[k]);
    }
  }
}

template <class Real>
TALWEG_INLINE void gather(std::size_t n, std::size_t count, const Real* matrices, GatherMode mode,
                          double* packed, double* asymmetry) {
  const std::size_t group = lane_group, entries = n * (n + 1) / 2;
  double* upper = packed + entries * group;
  double* place[lane_eigen_limit * lane_eigen_limit];
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      place[i * n + j] = j <= i                      ? packed + (i * (i + 1) / 2 + j) * group
                         : mode == GatherMode::lower ? nullptr
                                                     : upper + (j * (j + 1) / 2 + i) * group;
  to_lanes(n * n, count, matrices, place, group);
  if (mode == GatherMode::lower) return;
  for (std::size_t lane = 0; lane < group; lane += lanes) {
    // Differences as they are, and zero unless one of them is not finite.
    Vector largest{}, difference{}, unreal{};
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        const std::size_t at = (i * (i + 1) / 2 + j) * group + lane;
        const Vector a = load(packed + at), b = load(upper + at);
        const Vector gap = a - b;
        difference = larger(difference, magnitude(gap));
        unreal = multiply_add(gap, Vector{}, unreal);
        if (mode == GatherMode::mean)
          store(packed + at, 0.5 * a + 0.5 * b);
        else
          largest = larger(largest, magnitude(a));
      }
      if (mode == GatherMode::check)
        largest = larger(largest, magnitude(load(packed + (i * (i + 3) / 2) * group + lane)));
    }
    if (mode == GatherMode::check) {
      store(packed + lane, load(packed + lane) + unreal);
      store(asymmetry + lane, difference);
      store(asymmetry + group + lane, largest);
    }
  }
}

template <class Real>
TALWEG_INLINE void scatter(std::size_t size, std::size_t count, const double* from, Real* to) {
  const std::size_t group = lane_group;
  for (std::size_t lane = 0; lane < group && lane < count; lane += lanes) {
    if (size < lanes) {
      for (std::size_t k = lane; k < lane + lanes && k < count; ++k)
        for (std::size_t e = 0; e < size; ++e)
          to[k * size + e] = static_cast<Real>(from[e * group + k]);
      continue;
    }
    for (std::size_t e = 0; e < size; e += lanes) {
      const std::size_t first = e + lanes <= size ? e : size - lanes;
      Vector rows[lanes];
#pragma GCC unroll 8
      for (std::size_t k = 0; k < lanes; ++k) rows[k] = load(from + (first + k) * group + lane);
      transpose(rows);
#pragma GCC unroll 8
      for (std::size_t k = 0; k < lanes; ++k)
        if (lane + k < count) store_real(to + (lane + k) * size + first, rows[k]);
    }
  }
}

}  // namespace

void gather_double(std::size_t n, std::size_t count, const double* matrices, GatherMode mode,
                   double* packed, double* asymmetry) {
  gather(n, count, matrices, mode, packed, asymmetry);
}
void gather_float(std::size_t n, std::size_t count, const float* matrices, GatherMode mode,
                  double* packed, double* asymmetry) {
  gather(n, count, matrices, mode, packed, asymmetry);
}
void scatter_double(std::size_t size, std::size_t count, const double* from, double* to) {
  scatter(size, count, from, to);
}
void scatter_float(std::size_t size, std::size_t count, const double* from, float* to) {
  scatter(size, count, from, to);
}

}  // namespace talweg::TALWEG_ISA
