// Single eigenpairs of a symmetric tridiagonal matrix: diagonal (m), beside (m - 1) next to it.
#pragma once

#include <cstddef>
#include <span>

namespace talweg {

struct Tridiagonal {
  std::span<const double> diagonal;
  std::span<const double> beside;

  std::size_t size() const noexcept { return diagonal.size(); }
};

// An upper bound of the modulus of all eigenvalues, attained to within a factor of 3.
double bound(const Tridiagonal& t);

// Number of eigenvalues below x.
std::size_t count_below(const Tridiagonal& t, double x);

// Eigenvalue number `index`, counted from the lowest, within 2 eps of bound(t).
// Source: multisection with Sturm counts, Golub and Van Loan, Matrix Computations, section 8.4.
double eigenvalue(const Tridiagonal& t, std::size_t index);

// The unit eigenvector of an eigenvalue by inverse iteration from the first unit vector. Where
// eigenvalues agree to rounding it is the projection of that vector on what they span, which for
// the matrix of a Lanczos run without reorthogonalisation tells true copies from spurious ones.
// vector: m.
void eigenvector(const Tridiagonal& t, double eigenvalue, double* vector);

}  // namespace talweg
