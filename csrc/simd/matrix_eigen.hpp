// The steps of the eigendecomposition of a matrix with 17 to 64 rows, for the instruction set that
// TALWEG_ISA names. Vectors lie along rows of one matrix, except in the steps over many tridiagonal
// matrices in lockstep, where each lane has a matrix of its own.
//
// Matrices inside have rows of leading(n) doubles: whole vectors, and zeros behind them, so that
// the neighbours of a column can be loaded without asking whether they exist. That length is also
// no power of two, which keeps the rows of n = 64 apart in the cache.
#pragma once

#include <cstddef>

#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

constexpr std::size_t lanes = vector_lanes;
constexpr std::size_t margin = lanes > 4 ? lanes : 4;
constexpr std::size_t largest_n = 64;
constexpr std::size_t longest_row = largest_n + margin;

// Matrices in lockstep: enough vectors to hide the latency of divisions.
constexpr std::size_t lockstep_vectors = 4;
constexpr std::size_t matrix_group = lockstep_vectors * lanes;

constexpr double rounding = 0x1p-53;

TALWEG_INLINE std::size_t padded(std::size_t n) { return (n + lanes - 1) / lanes * lanes; }
TALWEG_INLINE std::size_t leading(std::size_t n) { return padded(n) + margin; }

// What one reduction reads and writes.
struct Reduction {
  double* matrix;      // padded(n) rows; the lower triangle is read, all of it is overwritten
  double* reflectors;  // n rows; the reflector of row m in its first m entries, zeros behind
  double* factors;     // n
  double* diagonal;    // n
  double* off;         // n, the last one 0
};

// A = Q T Q' with Q = H_(n-1) ... H_2, H_m = I - factors[m] u u', u = reflectors[m]. One or two
// matrices at a time: what one does never depends on the other.
void reduce_to_tridiagonal(std::size_t n, std::size_t matrices, const Reduction* reductions);

// columns = Q columns; n rows of leading(n).
void apply_reflectors(std::size_t n, const double* reflectors, const double* factors,
                      double* columns);

// Eigenvalues of matrix_group tridiagonal matrices in lockstep: diagonal[i * matrix_group + l] is
// overwritten by them in ascending order, off by anything. The largest entries of each matrix are
// of order 1 to 100, or it is zero. converged[l] tells where the iteration ended.
void tridiagonal_values(std::size_t n, double* diagonal, double* off, bool* converged);

// Eigenvectors of a tridiagonal matrix in the columns of n rows of leading(n); values, padded(n) of
// them in ascending order, are improved.
void twisted_vectors(std::size_t n, const double* diagonal, const double* off, double* values,
                     double* columns);

// Whether vectors from twisted factorisations are sure to be of no use.
bool values_too_close(std::size_t n, const double* values);

// Makes columns orthogonal. Returns where they are, one of the two arguments, if they are now
// proven to be orthogonal and to have residuals within a few n roundings of the norm, else null.
// column_margin finite numbers precede and follow both; the row behind the last one is zero.
constexpr std::size_t column_margin = 40;
double* make_orthogonal(std::size_t n, const double* diagonal, const double* off,
                        const double* values, double* columns, double* spare);

// Implicit QL with vectors for count <= ql_group matrices side by side: entry i of matrix l is
// diagonal[i * s + l] with s = lanes where count <= lanes, else ql_group; there are s of them,
// those from count on without vectors. Values replace diagonal, in no order; row i of transposed +
// l * n * leading(n) is the vector of value i. records: ql_group * rotation_record(n).
constexpr std::size_t ql_group = 2 * lanes;
TALWEG_INLINE std::size_t rotation_record(std::size_t n) { return 2 * n * n; }
void tridiagonal_ql(std::size_t n, std::size_t count, double* diagonal, double* off,
                    double* transposed, double* records, bool* converged);

// For the table of SpectrumKernels, which says what they do.
void matrix_eigen(std::size_t n, std::size_t count, const double* matrices, double* values,
                  double* vectors, double* scratch);
std::size_t matrix_eigen_scratch(std::size_t n);
void asymmetry(std::size_t n, const double* matrix, double* largest, double* difference);

}  // namespace talweg::TALWEG_ISA
