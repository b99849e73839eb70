// Between numbers side by side in lanes and points one after the other, in registers.
#pragma once

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

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

// points[l * rows + r] = lane l of numbers[r].
template <int rows>
TALWEG_INLINE void store_points(const Vector* numbers, double* points) {
  if constexpr (rows >= vector_lanes) {
#pragma GCC unroll 8
    for (int block = 0; block < rows; block += vector_lanes) {
      const int first = block + vector_lanes <= rows ? block : rows - vector_lanes;
      Vector tile[vector_lanes];
#pragma GCC unroll 8
      for (int r = 0; r < vector_lanes; ++r) tile[r] = numbers[first + r];
      transpose(tile);
#pragma GCC unroll 8
      for (int l = 0; l < vector_lanes; ++l) store(points + l * rows + first, tile[l]);
    }
  } else {
#pragma GCC unroll 8
    for (int part = 0; part < rows; ++part) {
      Vector merged = numbers[0];
#pragma GCC unroll 8
      for (int r = 0; r < rows; ++r) {
        Bits from{};
#pragma GCC unroll 8
        for (int e = 0; e < vector_lanes; ++e) {
          const int number = part * vector_lanes + e;
          const bool here = number % rows == r;
          from[e] = here ? vector_lanes + number / rows : r == 0 ? 0 : e;
        }
        merged = __builtin_shuffle(merged, numbers[r], from);
      }
      store(points + part * vector_lanes, merged);
    }
  }
}

}  // namespace talweg::TALWEG_ISA
