// Eigenpairs of a tridiagonal matrix between two indices, by LAPACK.
#pragma once

#include <cstddef>
#include <vector>

#include "talweg/lapack.hpp"

namespace talweg {

// Eigenvalues first .. first + count - 1 in ascending order, counted from 0, in `values` (count).
// `rows` (count x n) gets the unit eigenvectors, which MRRR does not make orthogonal to rounding
// where eigenvalues are crowded; empty where none are wanted. diagonal, beside: n, the last entry
// beside is not read; both are overwritten. The table must have dstemr. Returns whether all were
// found.
bool selected_pairs(const LapackTable& table, std::vector<double>& diagonal,
                    std::vector<double>& beside, std::size_t first, std::size_t count,
                    double* values, std::vector<double>& rows);

}  // namespace talweg
