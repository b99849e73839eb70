// Eigenvalues and eigenvectors of one symmetric matrix that is large enough to be work of its own.
#pragma once

#include <cstddef>

#include "talweg/lapack.hpp"
#include "talweg/status.hpp"

namespace talweg {

// Eigenvalues first .. first + count - 1 in ascending order, counted from 0, in `values` (count),
// and their unit eigenvectors in the columns of `vectors` (n x count, row-major), the component of
// largest modulus positive; null for values only. first + count <= n. `matrix` (n x n, both
// triangles set) is overwritten; `vectors` may be `matrix` itself when count is n.
//
// `table` is what lapack() returned; with null, or routines missing, own kernels do the work, which
// always takes the time of a full decomposition. Of LAPACK: divide and conquer for all vectors
// or many, for few the reduction to tridiagonal form and dstemr, whose vectors are kept only if
// they are orthogonal (Dhillon, Parlett, Voemel 2006). Matrices of any scale are scaled first.
//
// Returns converged; non_finite, with NaN everywhere, when an entry is not finite; or
// not_converged, with NaN everywhere, which no finite matrix has been seen to cause.
Status dense_eigen(const LapackTable* table, std::size_t n, double* matrix, std::size_t first,
                   std::size_t count, double* values, double* vectors);

// The k smallest or largest eigenpairs of a dense matrix of this n or more come cheaper from
// Lanczos with products of the whole matrix than from dense_eigen: measured on random matrices,
// whose edges are about as crowded as those of Hessians are. A wanted eigenvalue that stands apart
// shifts this down, a cluster up.
constexpr std::size_t lanczos_pays_from(std::size_t k) { return 300 + 150 * k; }

}  // namespace talweg
