// Decompositions of many small symmetric matrices at once, and the table through which those of one
// instruction set are reached. Plain data only: this header is compiled for every instruction set.
//
// A group is `group` matrices side by side ("lanes"), packed lower triangles coordinate-major like
// the Hessians of an EvaluationBlock: entry (i, j), j <= i, of lane l is
// packed[(i * (i + 1) / 2 + j) * stride + l]. What a lane gets depends on its own matrix only, to
// the last bit: not on its neighbours, its place, or how many there are. A matrix with an entry
// that is not finite gets NaN everywhere.
#pragma once

#include <cstddef>

namespace talweg {

// Up to this n decompositions run across matrices; up to the next within one matrix at a time, as
// far as vectors go; above, one matrix is work enough for kernels of its own.
constexpr std::size_t lane_eigen_limit = 16;
constexpr std::size_t batch_eigen_limit = 64;

struct SpectrumKernels {
  std::size_t vector_lanes;
  std::size_t group;  // a multiple of vector_lanes

  // Eigenvalues in ascending order, values[i * group + l], and unit eigenvectors, component i of
  // the one of eigenvalue j in vectors[(i * n + j) * group + l], its largest component positive;
  // vectors may be null. 1 <= n <= lane_eigen_limit.
  // scratch: lane_eigen_scratch(n) doubles, 64-byte aligned like values and vectors.
  void (*lane_eigen)(std::size_t n, const double* packed, std::size_t stride, double* values,
                     double* vectors, double* scratch);
  std::size_t (*lane_eigen_scratch)(std::size_t n);

  std::size_t matrix_group;

  // The same for count <= matrix_group matrices of which each is worked on by itself:
  // lane_eigen_limit < n <= batch_eigen_limit (any n >= 3 works). matrices: count x n x n,
  // row-major; the strict upper triangles are not read. values: count x n; vectors: count x n x n,
  // in columns, or null; vectors may be the matrices themselves. scratch: matrix_eigen_scratch(n)
  // doubles, 64-byte aligned, of any contents; part of it is touched for clustered eigenvalues
  // only.
  void (*matrix_eigen)(std::size_t n, std::size_t count, const double* matrices, double* values,
                       double* vectors, double* scratch);
  std::size_t (*matrix_eigen_scratch)(std::size_t n);

  // The largest modulus of the n x n entries, and the largest difference between entry (i, j) and
  // entry (j, i); largest is not finite where an entry is not.
  void (*asymmetry)(std::size_t n, const double* matrix, double* largest, double* difference);
};

enum class Isa;

const SpectrumKernels& spectrum_kernels(Isa isa);

}  // namespace talweg
