// LU and Cholesky factorisations of one small dense matrix, row-major.
#pragma once

#include <cstddef>

namespace talweg {

// What LU with partial pivoting saw.
struct PivotReport {
  int determinant_sign = 0;     // -1, 0 or +1
  double smallest_pivot = 0.0;  // in modulus
  double largest_pivot = 0.0;
};

// Factors `matrix` (n x n) in place; `pivots` receives n row numbers.
PivotReport lu_factor(std::size_t n, double* matrix, std::size_t* pivots);

// Solves with the factors; `right` (n) becomes the solution.
void lu_solve(std::size_t n, const double* factors, const std::size_t* pivots, double* right);

// Lower Cholesky factor in place (the upper triangle is left alone); false when a pivot is not
// positive.
bool cholesky_factor(std::size_t n, double* matrix);
void cholesky_solve(std::size_t n, const double* factor, double* right);

}  // namespace talweg
