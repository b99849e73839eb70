// Lanczos's three-term recurrence from given vectors: what spectral densities are made of.
#pragma once

#include <cstddef>
#include <vector>

#include "talweg/lanczos.hpp"
#include "talweg/status.hpp"

namespace talweg {

// The tridiagonal matrix of one start vector u, V' H V with V' u = e_1. Gauss quadrature with its
// eigenvalues and the squared first components of its eigenvectors gives u' f(H) u / |u|^2.
struct Recurrence {
  std::vector<double> diagonal;
  // As long as the diagonal. The last number couples to the vector that would come next, and is 0
  // where the vectors span an invariant space: the quadrature is exact then.
  std::vector<double> beside;
  // max_steps; converged in an invariant space; non_finite; interrupted (what there is is kept)
  Status status = Status::interrupted;
};

struct RecurrenceOptions {
  std::size_t steps = 1;
  // Twice against all earlier vectors, which are kept then. Without, eigenvalues that have
  // converged come again and share their weight, so that the quadrature stays right (Greenbaum
  // 1989).
  bool reorthogonalise = false;
  std::size_t workers = 0;  // threads for passes over vectors, 0: one for each processor
};

// Runs from `count` vectors at once, one after the other in `starts` (count x n), each of which
// depends on its own vector only. A step makes two passes over vectors besides the product: 48
// bytes a coordinate. Exceptions of the operator leave as they are. Source: Golub and Meurant,
// Matrices, Moments and Quadrature with Applications (2010).
std::vector<Recurrence> lanczos_recurrences(const SymmetricOperator& matrix, std::size_t count,
                                            const double* starts, const RecurrenceOptions& options);

// The same for the Hessian of an objective at a point x (n), without reorthogonalisation. Several
// runs go side by side in the lanes of one block, so that a product costs them no rearranging, and
// threads share the blocks where the objective is thread_safe().
std::vector<Recurrence> hessian_recurrences(const Objective& objective, const double* x,
                                            std::size_t count, const double* starts,
                                            const RecurrenceOptions& options);

}  // namespace talweg
