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

// What gathering does with the upper triangles: leaves them alone, takes the mean of both, or takes
// the lower one and measures how far the other is from it.
enum class GatherMode { lower, mean, check };

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

  // 1 <= count <= group matrices n x n by rows, one after the other, to packed lower triangles with
  // stride `group`; lanes from `count` on repeat the last matrix. n <= lane_eigen_limit. packed has
  // room for n (n + 1) rows, the second half for the upper triangles. With `check`,
  // asymmetry[lane] is the largest |a_ij - a_ji| and asymmetry[group + lane] the largest |a_ij| of
  // the lower triangle; a matrix whose upper triangle is not finite becomes NaN.
  void (*gather_double)(std::size_t n, std::size_t count, const double* matrices, GatherMode mode,
                        double* packed, double* asymmetry);
  void (*gather_float)(std::size_t n, std::size_t count, const float* matrices, GatherMode mode,
                       double* packed, double* asymmetry);
  // from[e * group + lane], e < size, lane < count, to to[lane * size + e].
  void (*scatter_double)(std::size_t size, std::size_t count, const double* from, double* to);
  void (*scatter_float)(std::size_t size, std::size_t count, const double* from, float* to);
};

enum class Isa;

const SpectrumKernels& spectrum_kernels(Isa isa);

}  // namespace talweg
