// Where the gradient of a function vanishes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "talweg/objective.hpp"
#include "talweg/status.hpp"

namespace talweg {

struct CriticalPoint {
  std::vector<double> x;
  double value = 0.0;
  // Ascending; those of the motions of a gauge, which are zero, are left out: n at most.
  std::vector<double> eigenvalues;
  std::vector<double> eigenvectors;  // row-major, n rows, column j belongs to eigenvalue j
  std::size_t morse_index = 0;       // eigenvalues that are surely negative
  double residual = 0.0;             // |grad f|
  double error = 0.0;                // estimated distance to the exact point, units of x
  bool degenerate = false;           // an eigenvalue is zero to the accuracy at hand
};

struct CriticalPointOptions {
  std::vector<double> lower, upper;  // n entries each: only points of this box are kept; empty: all
  double scale = 0.0;  // longest Newton step; 0: a fifth of the box's diagonal, else 1
  std::size_t max_iterations = 120;
  std::size_t workers = 1;  // threads; 0: one a processor

  // Sampling of the box, where no starts are given: rounds of starts of a space-filling sequence
  // until the expected number of points not yet found falls below one half (Boender and Rinnooy
  // Kan, Math. Program. 37, 59, 1987), at most max_starts. From each start Newton's method and a
  // minimisation run.
  std::size_t max_starts = 4096;
  std::vector<double> shift;  // n entries in [0, 1): moves the sequence; empty: none

  // An empty string, or what is wrong with which option.
  const char* validate(std::size_t dimension) const noexcept;
};

struct CriticalPoints {
  std::vector<CriticalPoint> points;  // by value, then by coordinates
  std::size_t starts = 0;
  std::size_t converged = 0;  // Newton runs that ended at a critical point of the box
  std::size_t minimised = 0;  // minimisations that ended at a minimum of the box
  // Estimate of the points not found, the larger one of those of Newton's method for all points and
  // of the minimisations for minima; starts given: not estimated.
  double expected_missing = 0.0;
  std::size_t non_finite = 0;         // runs that ended where the function is not finite
  Status status = Status::converged;  // degenerate: the points are not isolated
};

// Newton's method with Levenberg-Marquardt steps on |grad f|^2 where plain ones do not reduce it,
// from every start (m x n, row-major), or from a space-filling sequence in the box when `starts` is
// empty. There minimisations run too, for Newton's method seldom leads to minima among many
// coordinates: from the same starts, and from both sides of each saddle of index one. Each point is
// polished until Newton steps are rounding, and duplicates are merged. Throws std::invalid_argument
// for unusable options.
CriticalPoints find_critical_points(const Objective& objective, std::span<const double> starts,
                                    const CriticalPointOptions& options);

}  // namespace talweg
