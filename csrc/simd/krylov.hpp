// Passes over long vectors for Krylov methods, and the table through which those of one instruction
// set are reached. Plain data only: this header is compiled for every instruction set.
//
// Kernels take one stretch of the vectors, of any length; sums over a stretch run in an order that
// depends on its length only. Blocks hold one vector after the other, `stride` doubles apart.
#pragma once

#include <cstddef>

namespace talweg {

struct KrylovKernels {
  // Sum of a_i b_i.
  double (*dot)(std::size_t n, const double* a, const double* b);
  // next = p * product + c * current + q * previous, returning the sum of its squares. next may be
  // previous, and previous may be null.
  double (*three_term)(std::size_t n, double p, const double* product, double c,
                       const double* current, double q, const double* previous, double* next);
  // sums[i * columns + j] += left_i . right_j, i < rows, j < columns.
  void (*gram)(std::size_t n, std::size_t rows, const double* left, std::size_t left_stride,
               std::size_t columns, const double* right, std::size_t right_stride, double* sums);
  // right_j += sum over i of coefficients[i * columns + j] * left_i
  void (*add_combinations)(std::size_t n, std::size_t rows, const double* left,
                           std::size_t left_stride, std::size_t columns, const double* coefficients,
                           double* right, std::size_t right_stride);
  // Numbers rounded to single precision, and back.
  void (*narrow)(std::size_t n, const double* from, float* to);
  void (*widen)(std::size_t n, const float* from, double* to);
};

enum class Isa;

const KrylovKernels& krylov_kernels(Isa isa);

}  // namespace talweg
