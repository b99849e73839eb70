// Between blocks, a row for each coordinate, and arrays as users hold them, a row for each point.
#pragma once

#include <algorithm>
#include <cstddef>

namespace talweg {

// A few lanes of all rows at a time: rows whose distance is a power of two would otherwise throw
// one another out of the cache at every number.
inline constexpr std::size_t transposed_together = 32;

// points[l * n + i] = rows[i * stride + l]
inline void rows_to_points(std::size_t n, std::size_t lanes, const double* rows, std::size_t stride,
                           double* points) {
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
  for (std::size_t first = 0; first < lanes; first += transposed_together) {
    const std::size_t last = std::min(lanes, first + transposed_together);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = first; l < last; ++l) rows[i * stride + l] = points[l * n + i];
    }
  }
}

}  // namespace talweg
