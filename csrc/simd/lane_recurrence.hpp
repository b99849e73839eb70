// Passes of three-term recurrences that run side by side, and the table through which those of one
// instruction set are reached. Plain data only: this header is compiled for every instruction set.
//
// Vectors are lanes like those of an EvaluationBlock: component i of lane l is a[i * lanes + l],
// and lanes is a multiple of vector_lanes. What a lane gets depends on its own components only, to
// the last bit, whatever the number of lanes. Sums run over the rows given; add up those of
// stretches.
#pragma once

#include <cstddef>

namespace talweg {

struct LaneRecurrenceKernels {
  std::size_t vector_lanes;
  // sums[l] = sum over rows of a b
  void (*dots)(std::size_t rows, std::size_t lanes, const double* a, const double* b, double* sums);
  // next = p[l] product + c[l] current + q[l] next, squares[l] = sum over rows of its square.
  void (*three_terms)(std::size_t rows, std::size_t lanes, const double* p, const double* product,
                      const double* c, const double* current, const double* q, double* next,
                      double* squares);
};

enum class Isa;

const LaneRecurrenceKernels& lane_recurrence_kernels(Isa isa);

}  // namespace talweg
