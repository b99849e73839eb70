// Eigenvalues, inertia and determinants of batches of symmetric matrices.
#pragma once

#include <cstddef>

#include "talweg/status.hpp"

namespace talweg {

// What to do with the two triangles of a matrix that should be symmetric.
enum class Symmetry {
  // They must agree to 1e-10 (float: 1e-4) of the largest entry of the matrix, else it gets
  // Status::not_symmetric; the lower one is used.
  check,
  symmetrise,  // the mean of both
  lower,       // the upper one is not looked at
};

struct BatchOptions {
  Symmetry symmetry = Symmetry::check;
  std::size_t workers = 0;  // threads, 0: one for each available processor
};

// Eigenvalues in ascending order and unit eigenvectors of `count` symmetric n x n matrices, n of
// any size. matrices: count x n x n, row-major, one after the other; values: count x n; vectors:
// count x n x n, eigenvectors in columns, the component of largest modulus positive, or null for
// values only; statuses: count codes, or null. A matrix with an entry that is not finite, or that
// is not symmetric where that is checked, gets NaN and the status that says so; the others are not
// touched by it. The float versions compute in double precision and round once. Returns converged,
// the first status of trouble among the matrices, or interrupted: then the matrices that were not
// come to are NaN and have that status.
Status eigh_batch(std::size_t count, std::size_t n, const double* matrices, double* values,
                  double* vectors, Status* statuses, const BatchOptions& options = {});
Status eigh_batch(std::size_t count, std::size_t n, const float* matrices, float* values,
                  float* vectors, Status* statuses, const BatchOptions& options = {});

// Numbers of eigenvalues below, at and above zero.
struct Inertia {
  int negative = 0;
  int zero = 0;
  int positive = 0;

  friend bool operator==(const Inertia&, const Inertia&) = default;
};

// The inertia of each matrix; an eigenvalue counts as zero when its modulus is at most n eps times
// the largest one's, eps = 2^-52 (also where the matrices are single precision). Arguments,
// statuses and result as for eigh_batch; a matrix in trouble gets -1 three times. Most matrices
// need no eigenvalues, only the signs of pivots.
Status inertia_batch(std::size_t count, std::size_t n, const double* matrices, Inertia* inertia,
                     Status* statuses, const BatchOptions& options = {});
Status inertia_batch(std::size_t count, std::size_t n, const float* matrices, Inertia* inertia,
                     Status* statuses, const BatchOptions& options = {});

// log |det A| and the sign of det A (-1, 0 or +1; may be null) of A = offset I + factor H for each
// matrix H; -infinity and 0 where a pivot is exactly zero. Arguments, statuses and result as for
// eigh_batch; a matrix in trouble gets NaN. No product over- or underflows. The result is that of a
// matrix within 512 n (n + 4) eps max |A| of A in the Frobenius norm, most often within n eps |A|.
Status logabsdet_batch(std::size_t count, std::size_t n, const double* matrices,
                       double* log_modulus, double* sign, Status* statuses, double offset = 0.0,
                       double factor = 1.0, const BatchOptions& options = {});
Status logabsdet_batch(std::size_t count, std::size_t n, const float* matrices, float* log_modulus,
                       float* sign, Status* statuses, double offset = 0.0, double factor = 1.0,
                       const BatchOptions& options = {});

}  // namespace talweg
