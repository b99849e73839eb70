// Eigenvalues and eigenvectors of one dense symmetric matrix.
#pragma once

#include <cstddef>

namespace talweg {

// Overwrites `matrix` (n x n, row-major, both triangles set) and writes `eigenvalues` in ascending
// order. With `vectors` true, column j of `matrix` (matrix[i * n + j]) is the unit eigenvector of
// eigenvalue j afterwards, its sign fixed so that the component of largest modulus is positive.
// `scratch` holds n doubles. Returns false when the iteration does not converge, which only
// happens for non-finite input.
// Source: Householder tridiagonalisation and implicit QL, Golub and Van Loan, Matrix Computations,
// sections 8.3.1 and 8.3.3.
bool symmetric_eigen(std::size_t n, double* matrix, double* eigenvalues, double* scratch,
                     bool vectors);

// Exchanges rows and columns in place.
void transpose(std::size_t n, double* matrix);

// Makes the component of largest modulus positive (the first one on ties to within rounding).
void fix_sign(std::size_t n, double* vector, std::size_t stride);

}  // namespace talweg
