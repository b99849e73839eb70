// Newton's method on the gradient, and minimisation, from many starts side by side.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "extremal/descent_step.hpp"
#include "objective/gauge_rows.hpp"
#include "talweg/critical_points.hpp"
#include "talweg/objective.hpp"

namespace talweg {

enum class RunOutcome { running, converged, failed, non_finite };

// Full Newton steps in a row that must shrink linearly before a point is taken as degenerate.
inline constexpr std::size_t proof_of_linear = 6;

// One run: Newton's method, or a minimisation that ends with it.
struct NewtonRun {
  std::vector<double> x, trial, gradient, hessian;  // accepted point; hessian packed
  std::vector<double> factors;                      // LU of the Hessian while damping is 0
  std::vector<std::size_t> pivots;
  double gradient_norm = 0.0, value = 0.0, damping = 0.0;
  double newton_length = 0.0;  // of the full Newton step
  double fraction = 1.0;       // of it that is tried
  double last_step = 0.0;      // that was tried
  double accepted_step = 0.0;  // that led to x
  double shrinkage = 0.0;      // of the last full Newton step against the one before
  std::size_t iterations = 0;
  // While a minimisation goes down: the longest step, the fall that the model of f promised for the
  // step tried and the part of it that came, and whether that step was Newton's to a minimum.
  bool descending = false;
  bool to_minimum = false;
  double radius = 0.0, promised = 0.0, kept = 0.0;
  // Full Newton steps in a row that shrank linearly, as they do at degenerate points.
  std::size_t linear_steps = 0;
  bool started = false;
  RunOutcome outcome = RunOutcome::running;
};

class NewtonBatch {
 public:
  static constexpr std::size_t block_lanes = 32;

  // scale: the longest step.
  NewtonBatch(const Objective& objective, const CriticalPointOptions& options, double scale);

  // Runs with `trial` and x at the start, and `descending` if they are to minimise.
  void solve(std::span<NewtonRun> runs);

 private:
  void evaluate(std::vector<NewtonRun*>& active);
  bool is_closer(const NewtonRun& run, const double* gradient, double gradient_norm);
  bool is_lower(NewtonRun& run, double value) const;
  void advance(NewtonRun& run, bool better);
  void descend(NewtonRun& run, bool better);
  bool move(NewtonRun& run) const;
  bool in_reach(const NewtonRun& run) const;
  bool step(NewtonRun& run);
  void fill_matrix(const NewtonRun& run);
  double rounding(const NewtonRun& run) const;
  bool gradient_is_rounding(const NewtonRun& run) const;
  double gradient_error(const NewtonRun& run) const;

  const Objective& objective_;
  const CriticalPointOptions& options_;
  DerivativeErrors errors_;
  double scale_;
  GaugeRows gauge_;
  DescentStep descent_;
  std::size_t n_, triangle_;
  std::vector<double> buffer_, matrix_, right_;
};

}  // namespace talweg
