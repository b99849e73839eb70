// Determinants and inertia of many small symmetric matrices at once by L D L' without pivoting, and
// the table through which those of one instruction set are reached. Plain data only: this header is
// compiled for every instruction set.
//
// Matrices are packed lower triangles, coordinate-major: entry (i, j), j <= i, of lane l is
// packed[(i * (i + 1) / 2 + j) * stride + l]. What a lane gets depends on its own matrix only.
//
// Elimination without pivoting can go wrong, and tells so: with t = trace(|L| |D| |L'|), which the
// kernels sum up on the way, the factors are those of a matrix that differs from the given one by
// at most (n + 4) eps t in the Frobenius norm (Higham, Accuracy and Stability of Numerical
// Algorithms, theorem 9.3; |L| |D| |L'| is positive semidefinite, so that its trace bounds its
// norm). Lanes whose t is too large, or is not finite, are left to a method with pivoting.
#pragma once

#include <cstddef>

namespace talweg {

enum class Isa;

struct LaneFactorisationKernels {
  std::size_t vector_lanes;

  // log |det A| and the sign of det A (-1, 0, +1) for A = offset I + factor H. A sign of NaN says
  // that the lane needs pivoting (its logarithm then means nothing). `lanes` is a multiple of
  // vector_lanes, 1 <= n <= 64; scratch: factorisation_scratch(n) doubles.
  void (*determinant)(std::size_t n, const double* packed, std::size_t stride, std::size_t lanes,
                      double offset, double factor, double* log_modulus, double* sign,
                      double* scratch);

  // Number of negative eigenvalues of H where it is certain that there is no eigenvalue of modulus
  // n eps |H| or less (so that all others are positive), else -1. Lanes and scratch as above.
  void (*negative_eigenvalues)(std::size_t n, const double* packed, std::size_t stride,
                               std::size_t lanes, double* count, double* scratch);

  std::size_t (*factorisation_scratch)(std::size_t n);
};

const LaneFactorisationKernels& lane_factorisation_kernels(Isa isa);

}  // namespace talweg
