// Eigenpairs at one end of the spectrum from a matrix in single precision and products in double.
#pragma once

#include <cstddef>
#include <vector>

#include "spectrum/krylov.hpp"
#include "talweg/lapack.hpp"

namespace talweg {

// Whether the table has what refined_eigenpairs needs.
bool can_refine(const LapackTable* table) noexcept;

struct RefinedPairs {
  Status status = Status::not_converged;  // converged, not_converged or interrupted
  RitzPairs pairs;                        // `wanted` and perhaps some next to them
  std::vector<double> next;               // the eigenvalue after them, to single precision
  double norm = 0.0;
  std::size_t rounds = 0;
};

// The lowest or highest `wanted` eigenpairs of the operator, to residuals below tolerance * norm.
// `single` (n x n, both triangles) is its matrix up to errors that single precision makes; it is
// overwritten. Its tridiagonal form T = Q' A Q gives approximate pairs, and for each residual r the
// correction Q (T - theta)^-1 Q' r off these pairs, which with them spans the space that the next
// ones are taken from; an error falls by the size of the single-precision errors relative to the
// gap.
//
// Pairs closer than those errors are refined together, so that none of them is mistaken for
// another. Not converged where the errors turn out larger than assumed, or the rounds do not
// suffice. Source: Davidson, J. Comput. Phys. 17, 87 (1975); mixed precision as in Dongarra, Moler
// and Wilkinson, SIAM J. Numer. Anal. 20, 23 (1983).
RefinedPairs refined_eigenpairs(const LapackTable& table, const LongVectors& passes,
                                ScaledOperator& matrix, std::vector<float>& single,
                                std::size_t wanted, bool high, double tolerance);

}  // namespace talweg
