// From symmetric matrices one after the other to matrices side by side, and results back, and the
// table through which the functions of one instruction set are reached. Plain data only: this
// header is compiled for every instruction set.
#pragma once

#include <cstddef>

#include "talweg/status.hpp"

namespace talweg {

enum class Isa;
enum class Symmetry;

struct LaneGatherKernels {
  std::size_t vector_lanes;

  // Packed lower triangles, entry (i, j), j <= i, of lane l in
  // packed[(i * (i + 1) / 2 + j) * stride + l], of `lanes` row-major n x n matrices, n >= 1. Lanes
  // from there up to the next multiple of vector_lanes are copies of the last one. What a lane's
  // two triangles showed goes to statuses: converged; not_symmetric where symmetry is checked and
  // entries differ by more than limit times the largest one of the lower triangle; non_finite where
  // an entry of the upper triangle, if it is read, is not finite and not the same as the lower
  // one's. Returns whether there was such trouble. scratch: gather_scratch(n) doubles.
  bool (*gather)(std::size_t n, const double* matrices, std::size_t lanes, Symmetry symmetry,
                 double limit, double* packed, std::size_t stride, Status* statuses,
                 double* scratch);
  bool (*gather_single)(std::size_t n, const float* matrices, std::size_t lanes, Symmetry symmetry,
                        double limit, double* packed, std::size_t stride, Status* statuses,
                        double* scratch);

  std::size_t (*gather_scratch)(std::size_t n);

  // points[l * rows + r] = numbers[r * stride + l] for l < lanes; numbers up to the next multiple
  // of vector_lanes are read.
  void (*scatter)(std::size_t rows, std::size_t lanes, const double* numbers, std::size_t stride,
                  double* points);
};

const LaneGatherKernels& lane_gather_kernels(Isa isa);

}  // namespace talweg
