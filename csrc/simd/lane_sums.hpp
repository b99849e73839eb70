// Sums over the lanes of vectors, in an order that never changes, and the numbers of lanes.
#pragma once

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

// 0, 1, 2, ...
TALWEG_INLINE Vector lane_numbers() {
#if TALWEG_VECTOR_BYTES == 64
  return Vector{0, 1, 2, 3, 4, 5, 6, 7};
#elif TALWEG_VECTOR_BYTES == 32
  return Vector{0, 1, 2, 3};
#else
  return Vector{0, 1};
#endif
}

// Lane i is the sum of the lanes of rows[i].
TALWEG_INLINE Vector sums_of_lanes(const Vector* rows) {
#if TALWEG_VECTOR_BYTES == 64
  Vector pairs[4];
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    const Vector x = rows[2 * i], y = rows[2 * i + 1];
    pairs[i] = __builtin_shufflevector(x, y, 0, 8, 2, 10, 4, 12, 6, 14) +
               __builtin_shufflevector(x, y, 1, 9, 3, 11, 5, 13, 7, 15);
  }
  Vector fours[2];
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    const Vector x = pairs[2 * i], y = pairs[2 * i + 1];
    fours[i] = __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13) +
               __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
  }
  return __builtin_shufflevector(fours[0], fours[1], 0, 1, 2, 3, 8, 9, 10, 11) +
         __builtin_shufflevector(fours[0], fours[1], 4, 5, 6, 7, 12, 13, 14, 15);
#elif TALWEG_VECTOR_BYTES == 32
  const Vector low = __builtin_shufflevector(rows[0], rows[1], 0, 4, 2, 6) +
                     __builtin_shufflevector(rows[0], rows[1], 1, 5, 3, 7);
  const Vector high = __builtin_shufflevector(rows[2], rows[3], 0, 4, 2, 6) +
                      __builtin_shufflevector(rows[2], rows[3], 1, 5, 3, 7);
  return __builtin_shufflevector(low, high, 0, 1, 4, 5) +
         __builtin_shufflevector(low, high, 2, 3, 6, 7);
#else
  return __builtin_shufflevector(rows[0], rows[1], 0, 2) +
         __builtin_shufflevector(rows[0], rows[1], 1, 3);
#endif
}

TALWEG_INLINE double sum_of_lanes(Vector x) {
#if TALWEG_VECTOR_BYTES == 64
  x = x + __builtin_shufflevector(x, x, 4, 5, 6, 7, 0, 1, 2, 3);
  x = x + __builtin_shufflevector(x, x, 2, 3, 0, 1, 6, 7, 4, 5);
#elif TALWEG_VECTOR_BYTES == 32
  x = x + __builtin_shufflevector(x, x, 2, 3, 0, 1);
#endif
  return x[0] + x[1];
}

}  // namespace talweg::TALWEG_ISA
