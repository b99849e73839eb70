// Eigenvalues and eigenvectors of batches of matrices of up to lane_eigen_limit rows.
#pragma once

#include <cstddef>

#include "talweg/spectrum.hpp"

namespace talweg {

// As eigh_batch, 1 <= n <= lane_eigen_limit.
Status lane_eigen_batch(std::size_t count, std::size_t n, const double* matrices, double* values,
                        double* vectors, Status* statuses, const BatchOptions& options);
Status lane_eigen_batch(std::size_t count, std::size_t n, const float* matrices, float* values,
                        float* vectors, Status* statuses, const BatchOptions& options);

}  // namespace talweg
