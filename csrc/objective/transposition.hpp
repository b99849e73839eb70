// Between blocks, a row for each coordinate, and arrays as users hold them, a row for each point.
#pragma once

#include <algorithm>
#include <cstddef>

namespace talweg {

// A few lanes of all rows at a time: rows whose distance is a power of two would otherwise throw
// one another out of the cache at every number.
inline constexpr std::size_t transposed_together = 32;

// With few coordinates, and their number known, compilers make vector code of the plain loops.
template <std::size_t n>
void few_rows_to_points(std::size_t lanes, const double* __restrict rows, std::size_t stride,
                        double* __restrict points) {
  for (std::size_t l = 0; l < lanes; ++l)
    for (std::size_t i = 0; i < n; ++i) points[l * n + i] = rows[i * stride + l];
}
template <std::size_t n>
void points_to_few_rows(std::size_t lanes, const double* __restrict points, double* __restrict rows,
                        std::size_t stride) {
  for (std::size_t l = 0; l < lanes; ++l)
    for (std::size_t i = 0; i < n; ++i) rows[i * stride + l] = points[l * n + i];
}

// points[l * n + i] = rows[i * stride + l]
inline void rows_to_points(std::size_t n, std::size_t lanes, const double* rows, std::size_t stride,
                           double* points) {
  if (n == 2) return few_rows_to_points<2>(lanes, rows, stride, points);
  if (n == 3) return few_rows_to_points<3>(lanes, rows, stride, points);
  if (n == 4) return few_rows_to_points<4>(lanes, rows, stride, points);
  for (std::size_t first = 0; first < lanes; first += transposed_together) {
    const std::size_t last = std::min(lanes, first + transposed_together);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = first; l < last; ++l) points[l * n + i] = rows[i * stride + l];
    }
  }
}

// rows[i * stride + l] = points[l * n + i]
inline void points_to_rows(std::size_t n, std::size_t lanes, const double* points, double* rows,
                           std::size_t stride) {
  if (n == 2) return points_to_few_rows<2>(lanes, points, rows, stride);
  if (n == 3) return points_to_few_rows<3>(lanes, points, rows, stride);
  if (n == 4) return points_to_few_rows<4>(lanes, points, rows, stride);
  for (std::size_t first = 0; first < lanes; first += transposed_together) {
    const std::size_t last = std::min(lanes, first + transposed_together);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = first; l < last; ++l) rows[i * stride + l] = points[l * n + i];
    }
  }
}

}  // namespace talweg
