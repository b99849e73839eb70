// L D L' of one symmetric indefinite matrix with the pivoting of Bunch and Kaufman.
#pragma once

#include <cstddef>

namespace talweg {

struct LapackTable;

// From this n on LAPACK's blocked routine is faster than own loops.
constexpr std::size_t pivoting_worth_lapack = 100;

// What the blocks of D say of the matrix.
struct PivotReading {
  double log_modulus = 0.0;  // log |det|, -infinity for 0
  double sign = 1.0;         // of det: -1, 0 or +1
  std::size_t negative = 0;  // number of negative eigenvalues
};

// Factors the symmetric matrix whose lower triangle `matrix` (n x n, row-major, finite entries)
// holds, and overwrites that. scratch: 2 n doubles. A zero pivot is met only where the rest of its
// column is zero too, and makes the determinant 0.
// Source: Bunch and Kaufman, Mathematics of Computation 31 (1977), 163-179; Golub and Van Loan,
// Matrix Computations, section 4.4.4.
PivotReading pivoted_factor(std::size_t n, double* matrix, double* scratch);

// The same by LAPACK's dsytrf where a table is given and the matrix is large; both triangles must
// be set then.
PivotReading pivoted_factor(std::size_t n, double* matrix, double* scratch,
                            const LapackTable* table);

}  // namespace talweg
