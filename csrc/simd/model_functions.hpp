// The kernels that models.cpp puts into the table of one instruction set; see models.hpp.
#pragma once

#include "simd/models.hpp"
#include "simd/vector.hpp"

namespace talweg::TALWEG_ISA {

void matrix_product(std::size_t m, std::size_t n, std::size_t k, const double* a, std::size_t lda,
                    const double* b, std::size_t ldb, double* c, std::size_t ldc, bool add,
                    bool lower);
void scale_rows(std::size_t rows, std::size_t columns, const double* factors,
                std::size_t factor_stride, const double* from, double* to);
void logistic(std::size_t count, const double* s, double* loss, double* first, double* second,
              double* third);
void polynomial(const PolynomialProgram& program, unsigned quantities, const EvaluationBlock& block,
                double* scratch);
void pair_potential(const PairPotentialProgram& program, unsigned quantities,
                    const EvaluationBlock& block);
void cubic(const CubicProgram& program, unsigned quantities, const EvaluationBlock& block,
           const double* d, const double* ad, const double* av);
void gaussian(const GaussianProgram& program, unsigned quantities, const EvaluationBlock& block,
              double* scratch);
void phi4_chain(const Phi4Program& program, unsigned quantities, const EvaluationBlock& block);

// Arrays that no quantity needs are null and stay so.
template <class Number>
TALWEG_INLINE Number* at_lane(Number* rows, std::size_t lane) {
  return rows ? rows + lane : nullptr;
}

}  // namespace talweg::TALWEG_ISA
