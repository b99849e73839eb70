// Spectra of an objective's Hessian at many points, without storing Hessians: blocks of points are
// evaluated and decomposed while they are in the cache.
#pragma once

#include <cstddef>

#include "talweg/objective.hpp"
#include "talweg/spectrum.hpp"
#include "talweg/status.hpp"

namespace talweg {

// Eigenvalues in ascending order and unit eigenvectors (or null for none) of the Hessian at points
// x: count x n, one after the other. Results, statuses and what is returned as for eigh_batch; a
// Hessian with an entry that is not finite gets Status::non_finite. On up to `workers` threads (0:
// one for each available processor), on one where the objective is not thread-safe.
Status hessian_eigh(const Objective& objective, std::size_t count, const double* x, double* values,
                    double* vectors, Status* statuses, std::size_t workers = 0);

// As inertia_batch of the Hessians.
Status hessian_inertia(const Objective& objective, std::size_t count, const double* x,
                       Inertia* inertia, Status* statuses, std::size_t workers = 0);

// As logabsdet_batch of the Hessians H: log |det(offset I + factor H)| and, unless null, the sign.
Status hessian_logabsdet(const Objective& objective, std::size_t count, const double* x,
                         double* log_modulus, double* sign, Status* statuses, double offset = 0.0,
                         double factor = 1.0, std::size_t workers = 0);

}  // namespace talweg
