// What the kernels of structured objectives read, and the table through which they are reached.
// Plain data only: this header is compiled for every instruction set.
//
// Kernels over lanes take blocks whose number of lanes is a multiple of vector_lanes; what a lane
// gets never depends on the other lanes or on how many there are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "talweg/objective.hpp"

namespace talweg {

// A sparse matrix by rows: row r has the entries first[r] .. first[r + 1] - 1.
struct SparseRows {
  std::size_t rows = 0;
  const std::uint32_t* first = nullptr;
  const std::uint32_t* column = nullptr;
  const double* value = nullptr;
};

// Monomials as products of two earlier ones, and the value, gradient and packed Hessian as
// combinations of them. Monomial 0 is the constant 1, monomials 1 .. n are the coordinates.
struct PolynomialProgram {
  std::size_t n = 0;
  std::size_t monomials = 0;
  const std::uint32_t* left = nullptr;  // for monomials n + 1 and up
  const std::uint32_t* right = nullptr;
  SparseRows value, gradient, hessian;
};

// Lanes that the polynomial kernel takes at once, in vectors.
constexpr std::size_t polynomial_vectors = 2;

enum class PairFunction { lennard_jones, morse };

struct PairPotentialProgram {
  std::size_t atoms = 0;
  PairFunction function = PairFunction::lennard_jones;
  double depth = 1.0;
  double length = 1.0;     // sigma of Lennard-Jones, the distance of the minimum of Morse
  double steepness = 1.0;  // of Morse
};

// d'A d / 2 + T[d, d, d] / 6 + linear.d + constant with d = x - centre. T is held as the sparse
// matrix that takes v to the packed T[v]; only rows that are not empty are listed.
struct CubicProgram {
  std::size_t n = 0;
  double constant = 0.0;
  const double* linear = nullptr;    // n
  const double* diagonal = nullptr;  // n, null when A is dense
  const double* packed = nullptr;    // A, packed lower triangle, null when A is diagonal
  const std::uint32_t* row_i = nullptr;
  const std::uint32_t* row_j = nullptr;  // <= row_i
  SparseRows cubic;
};

// Sum of Gaussians: amplitude exp(-q / 2), or minus the logarithm of their sum.
struct GaussianProgram {
  std::size_t n = 0;
  std::size_t components = 0;
  bool logarithm = false;
  const double* amplitude = nullptr;  // logarithms of the amplitudes when `logarithm`
  const double* mean = nullptr;       // (components, n)
  const double* precision = nullptr;  // (components, n, n)
};

// Rows of one vector each that the Gaussian kernel needs as scratch memory.
constexpr std::size_t gaussian_rows(std::size_t components, std::size_t n) {
  return components * (2 * n + 5) + n;
}

struct Phi4Program {
  std::size_t n = 0;
  double coupling = 0.0;
  bool periodic = false;
};

struct ModelKernels {
  int vector_lanes;
  // c[i * ldc + j] = sum over r < k of a[r * lda + i] * b[r * ldb + j], i < m, j < n, added to c
  // when `add`. Sums run in the order of r, whatever the sizes, and a * b is b * a. n is a multiple
  // of vector_lanes. With `lower`, entries j > i may be left as they are.
  void (*matrix_product)(std::size_t m, std::size_t n, std::size_t k, const double* a,
                         std::size_t lda, const double* b, std::size_t ldb, double* c,
                         std::size_t ldc, bool add, bool lower);
  // Row r of `to` is factors[r * factor_stride] times row r of `from`; columns is a multiple of
  // vector_lanes.
  void (*scale_rows)(std::size_t rows, std::size_t columns, const double* factors,
                     std::size_t factor_stride, const double* from, double* to);
  // log(1 + e^-s) and its first three derivatives at `count` (a multiple of vector_lanes) numbers;
  // those whose arrays are null are not wanted. The arrays may be s itself.
  void (*logistic)(std::size_t count, const double* s, double* loss, double* first, double* second,
                   double* third);
  void (*polynomial)(const PolynomialProgram& program, unsigned quantities,
                     const EvaluationBlock& block, double* scratch);
  void (*pair_potential)(const PairPotentialProgram& program, unsigned quantities,
                         const EvaluationBlock& block);
  // d, A d and A v in rows of block.lanes, A v only for H v. block.x is not read.
  void (*cubic)(const CubicProgram& program, unsigned quantities, const EvaluationBlock& block,
                const double* d, const double* ad, const double* av);
  void (*gaussian)(const GaussianProgram& program, unsigned quantities,
                   const EvaluationBlock& block, double* scratch);
  void (*phi4_chain)(const Phi4Program& program, unsigned quantities, const EvaluationBlock& block);
};

enum class Isa;

const ModelKernels& model_kernels(Isa isa);

}  // namespace talweg
