// Gradient extremals: curves on which the gradient is an eigenvector of the Hessian.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "talweg/objective.hpp"
#include "talweg/status.hpp"
#include "talweg/tracer.hpp"

namespace talweg {

// The defining system of gradient extremals with dense Hessians, unknowns z = (x, v, lambda,
// sigma). The objective must outlive it.
std::unique_ptr<DefiningSystem> make_extremal_system(const Objective& objective);

// A start on a gradient extremal, for trace_curves or Tracer.
struct ExtremalStart {
  CurveStart start;
  Status status = Status::converged;  // degenerate, isotropic, not_converged, non_finite: no start
  bool at_critical_point = false;
};

// x0 (n entries): a critical point to within 1e-5 max_step is polished and left along its
// eigenvector number `branch` (0 the softest, sign such that the component of largest modulus is
// positive) times `sign`; any other point is first corrected onto the nearest gradient extremal
// whose gradient is along that eigenvector of the Hessian there. `direction`, when not empty, takes
// the place of sign: the curve leaves on its side; at a critical point with a repeated eigenvalue
// it chooses the direction within the eigenspace.
ExtremalStart start_extremal(const Objective& objective, std::span<const double> x0,
                             std::size_t branch, int sign, std::span<const double> direction,
                             const TracerOptions& options);

// start_extremal and the curve from there; a start that failed is a curve without points. x0 must
// lie in the box.
Curve trace_extremal(const Objective& objective, std::span<const double> x0, std::size_t branch,
                     int sign, const TracerOptions& options);

// Several curves side by side, on `workers` threads (0: one a processor) with up to `lanes` curves
// in a block. The result depends on neither. Interruptible: see talweg/interrupt.hpp.
std::vector<Curve> trace_extremals(const Objective& objective, std::span<const CurveStart> starts,
                                   const TracerOptions& options, std::size_t workers = 1,
                                   std::size_t lanes = 64);

// Number of negative eigenvalues of the Hessian at a located critical-point event.
std::size_t morse_index(const CurveEvent& event, std::size_t dimension);

}  // namespace talweg
