// Descent of many points with a constant step: plain, with momentum, with noise.
#pragma once

#include <cstddef>
#include <cstdint>

#include "talweg/objective.hpp"
#include "talweg/status.hpp"

namespace talweg {

struct DescentOptions {
  double step_length = 0.0;  // positive
  std::size_t steps = 0;
  double momentum = 0.0;  // of the heavy ball, or of Nesterov's method; 0 <= momentum < 1
  bool nesterov = false;
  double noise = 0.0;  // variance of the noise added to each coordinate of the gradient
  std::uint64_t seed = 0;
  double gradient_tolerance = 0.0;  // a trajectory ends where |gradient| is at most this; 0: never
  std::size_t record_every = 0;     // 0: no records
  std::size_t workers = 0;          // threads, 0: one for each available processor
};

// Where results go: arrays of the caller, with a row for each of `count` trajectories. Null for
// what is not wanted.
struct DescentArrays {
  double* x = nullptr;              // count x n; the starts, then the last points
  std::uint64_t* steps = nullptr;   // steps taken; required
  Status* statuses = nullptr;       // required
  double* log_volume = nullptr;     // sum of log |det D map| over the steps
  double* orientation = nullptr;    // product of the determinants' signs: -1, 0 or 1
  double* smallest = nullptr;       // smallest Hessian eigenvalue at the points gone through
  double* largest = nullptr;        // largest likewise
  double* stretch = nullptr;        // count x n: log |R_jj| of the tangent map's QR factors, summed
  double* frames = nullptr;         // count x n x n: the last Q; columns are directions
  double* path = nullptr;           // records x count x n
  double* record_value = nullptr;   // records x count
  double* record_slope = nullptr;   // records x count: |gradient|
  double* record_volume = nullptr;  // records x count: log_volume so far
};

// Number of records: at the start and after every record_every steps.
std::size_t descent_records(const DescentOptions& options) noexcept;

// x <- x - s g(x); with momentum beta x <- x - s g(x) + beta (x - x_before), or Nesterov's
// y = x + beta (x - x_before), x <- y - s g(y). From `count` starts.
//
// Statuses: max_steps; converged where the gradient's norm fell to the tolerance; non_finite where
// the next point would not be finite (x is the last finite one); interrupted. What a trajectory
// does is independent of all others and of the number of threads, to the last bit. Noise is drawn
// from a counter: (seed, trajectory, step, coordinate).
//
// Volume is that of points without momentum, and of pairs (x, x_before) with it, in 2 n dimensions:
// a step changes its logarithm by log |det(I - s H(x))|, n log beta (heavy ball), or
// n log beta + log |det(I - s H(y))| (Nesterov). The tangent map (stretch, frames) is that without
// momentum; asking for both throws std::invalid_argument. Records after a trajectory's end are not
// written. Hessian eigenvalues and volumes are taken at the points where the gradient is.
// Throws std::invalid_argument for senseless options.
Status descend(const Objective& objective, std::size_t count, const DescentArrays& arrays,
               const DescentOptions& options);

}  // namespace talweg
