#include "extremal/newton_batch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "spectrum/factorisation.hpp"
#include "spectrum/vectors.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
// Newton steps longer than this many times the longest one point along a kernel.
constexpr double far_away = 1e6;
constexpr double kernel_damping = 1e-12;
// A fall of f as near to the promised one as this shows that Newton's method has its minimum. At a
// minimum as flat as |x|^k it is up to 1.27 times the promise.
constexpr double agreement = 0.3;

}  // namespace

NewtonBatch::NewtonBatch(const Objective& objective, const CriticalPointOptions& options,
                         double scale)
    : objective_(objective),
      options_(options),
      errors_(objective.errors()),
      scale_(scale),
      gauge_(objective.gauge()),
      descent_(objective.dimension()),
      n_(objective.dimension()),
      triangle_(n_ * (n_ + 1) / 2),
      buffer_((n_ + 1 + n_ + triangle_) * block_lanes),
      matrix_(n_ * n_),
      right_(n_) {}

void NewtonBatch::solve(std::span<NewtonRun> runs) {
  std::vector<NewtonRun*> active;
  std::size_t next = 0;
  while (true) {
    while (active.size() < block_lanes && next < runs.size()) active.push_back(&runs[next++]);
    if (active.empty() || interrupted()) return;
    evaluate(active);
    std::erase_if(active, [](const NewtonRun* run) { return run->outcome != RunOutcome::running; });
  }
}

void NewtonBatch::evaluate(std::vector<NewtonRun*>& active) {
  const std::size_t stride = block_lanes;
  double* x = buffer_.data();
  double* value = x + n_ * stride;
  double* gradient = value + stride;
  double* hessian = gradient + n_ * stride;
  for (std::size_t l = 0; l < active.size(); ++l) {
    for (std::size_t i = 0; i < n_; ++i) x[i * stride + l] = active[l]->trial[i];
  }
  EvaluationBlock block;
  block.lanes = active.size();
  block.stride = stride;
  block.x = x;
  block.value = value;
  block.gradient = gradient;
  block.hessian = hessian;
  objective_.evaluate(quantity_value | quantity_gradient | quantity_hessian, block);
  for (std::size_t l = 0; l < active.size(); ++l) {
    NewtonRun& run = *active[l];
    double square = 0.0, check = value[l];
    for (std::size_t i = 0; i < n_; ++i) {
      square += gradient[i * stride + l] * gradient[i * stride + l];
    }
    for (std::size_t i = 0; i < triangle_; ++i) check += hessian[i * stride + l];
    const double gradient_norm = std::sqrt(square);
    const bool finite = std::isfinite(gradient_norm) && std::isfinite(check);
    const bool better =
        finite && (!run.started || (run.descending ? is_lower(run, value[l])
                                                   : is_closer(run, gradient + l, gradient_norm)));
    if (run.descending && run.started && !finite) run.radius = 0.25 * run.last_step;
    if (!run.started && !finite) {
      run.outcome = RunOutcome::non_finite;
      continue;
    }
    if (better) {
      run.started = true;
      run.accepted_step = run.last_step;
      run.x = run.trial;
      run.value = value[l];
      run.gradient_norm = gradient_norm;
      for (std::size_t i = 0; i < n_; ++i) run.gradient[i] = gradient[i * stride + l];
      for (std::size_t i = 0; i < triangle_; ++i) run.hessian[i] = hessian[i * stride + l];
      run.damping = run.damping < 1e-3 ? 0.0 : run.damping * 0.1;
      run.fraction = std::min(1.0, 2.0 * run.fraction);
    }
    if (run.descending) {
      descend(run, better);
    } else {
      advance(run, better);
    }
  }
}

// A Newton step is good when the next one, with the same Hessian, would be shorter: a test that
// does not depend on how the variables are scaled, where |grad f| stalls in narrow valleys
// (Deuflhard, Newton Methods for Nonlinear Problems, section 3.3).
bool NewtonBatch::is_closer(const NewtonRun& run, const double* gradient, double gradient_norm) {
  if (gradient_norm < run.gradient_norm) return true;
  // Steps of rounding would be accepted by one test and taken back by the other for ever.
  if (run.damping > 0.0 || run.newton_length <= 1e3 * rounding(run) || gradient_is_rounding(run)) {
    return false;
  }
  for (std::size_t i = 0; i < n_; ++i) right_[i] = gradient[i * block_lanes];
  lu_solve(n_, run.factors.data(), run.pivots.data(), right_.data());
  return norm(n_, right_.data()) < (1.0 - 0.25 * run.fraction) * run.newton_length;
}

// The usual rules for the radius of a trust region (Nocedal and Wright, algorithm 4.1).
bool NewtonBatch::is_lower(NewtonRun& run, double value) const {
  run.kept = (run.value - value) / run.promised;
  if (!(run.kept >= 0.25)) {
    run.radius = 0.25 * run.last_step;
  } else if (run.kept > 0.75 && run.last_step > 0.8 * run.radius) {
    run.radius = std::min(2.0 * run.radius, scale_);
  }
  return run.kept > 1e-3;
}

// Goes down until Newton's method has the minimum for certain, which then polishes the point.
void NewtonBatch::descend(NewtonRun& run, bool better) {
  if (++run.iterations > options_.max_iterations) {
    run.outcome = RunOutcome::failed;
    return;
  }
  fill_matrix(run);
  run.promised = run.gradient_norm > 0.0
                     ? descent_.find(matrix_.data(), run.gradient.data(), run.radius, right_.data())
                     : 0.0;
  const bool follows =
      better && run.to_minimum && descent_.is_newton() && std::fabs(run.kept - 1.0) <= agreement;
  run.to_minimum = descent_.is_newton();
  const double length = norm(n_, right_.data());
  // Where f cannot tell any more which point is lower its gradient still can.
  const bool level = !(run.promised > epsilon * std::fabs(run.value)) || length <= rounding(run);
  if (follows || level) {
    run.descending = false;
    advance(run, true);
    return;
  }
  run.last_step = length;
  move(run);
  if (!in_reach(run)) run.outcome = RunOutcome::failed;
}

// Decides about the point just evaluated and proposes the next one.
void NewtonBatch::advance(NewtonRun& run, bool better) {
  if (run.gradient_norm == 0.0) {
    run.last_step = 0.0;
    run.outcome = RunOutcome::converged;
    return;
  }
  if (!better && run.damping == 0.0 && run.fraction == 1.0 &&
      run.last_step <= 1e3 * rounding(run)) {
    run.outcome = RunOutcome::converged;
    return;
  }
  if (!better && run.started &&
      ((gradient_is_rounding(run) && run.last_step <= 1e-6 * scale_) ||
       run.gradient_norm <= 10.0 * gradient_error(run))) {
    run.outcome = RunOutcome::converged;
    return;
  }
  if (++run.iterations > options_.max_iterations) {
    // Degenerate points are approached linearly; what is left of the step tells how far.
    const bool settled = run.last_step <= 1e-4 * scale_ && run.linear_steps >= proof_of_linear;
    run.outcome = settled ? RunOutcome::converged : RunOutcome::failed;
    return;
  }
  if (!better && run.damping == 0.0 && run.fraction > 1e-2) {
    run.fraction *= 0.5;
  } else if (!better) {
    run.damping = std::max(1e-3, run.damping * 10.0);
  }
  if (run.damping > 1e12 || !step(run)) {
    run.outcome = gradient_is_rounding(run) ? RunOutcome::converged : RunOutcome::failed;
    return;
  }
  double length = norm(n_, right_.data());
  if (run.damping == 0.0) {
    const double shrinkage = run.newton_length > 0.0 ? length / run.newton_length : 0.0;
    const bool linear = better && run.fraction == 1.0 && shrinkage > 0.3 && shrinkage < 0.95;
    run.linear_steps = linear ? run.linear_steps + 1 : 0;
    run.newton_length = length;
    run.shrinkage = shrinkage;
    if (run.linear_steps >= proof_of_linear && length <= 1e-9 * scale_) {
      run.last_step = length;
      run.outcome = RunOutcome::converged;
      return;
    }
    run.fraction = std::min(run.fraction, scale_ / length);
    for (double& d : right_) d *= run.fraction;
    length *= run.fraction;
  } else {
    run.linear_steps = 0;
  }
  if (length > scale_) {
    for (double& d : right_) d *= scale_ / length;
    length = scale_;
  }
  run.last_step = length;
  const bool moved = move(run);
  // A small part of a long step, or a strongly damped one, says nothing of the distance left.
  const bool whole = run.damping == 0.0 && run.fraction == 1.0;
  if (!moved)
    run.outcome = whole || gradient_is_rounding(run) ? RunOutcome::converged : RunOutcome::failed;
  if (!in_reach(run)) run.outcome = RunOutcome::failed;
}

// Puts the trial point where the step in right_ leads; whether that is another point at all.
bool NewtonBatch::move(NewtonRun& run) const {
  bool moved = false;
  for (std::size_t i = 0; i < n_; ++i) {
    run.trial[i] = run.x[i] + right_[i];
    moved = moved || run.trial[i] != run.x[i];
  }
  return moved;
}

// Whether the trial point is in the box or not far outside.
bool NewtonBatch::in_reach(const NewtonRun& run) const {
  for (std::size_t i = 0; i < options_.lower.size(); ++i) {
    const double margin = options_.upper[i] - options_.lower[i];
    if (run.trial[i] < options_.lower[i] - margin || run.trial[i] > options_.upper[i] + margin) {
      return false;
    }
  }
  return true;
}

double NewtonBatch::rounding(const NewtonRun& run) const {
  return 4.0 * epsilon * (norm(n_, run.x.data()) + 1e-3 * scale_);
}

// Where the rounding of x alone moves the gradient as much. At critical points that are not
// isolated this alone tells: Newton steps there are rounding over rounding.
bool NewtonBatch::gradient_is_rounding(const NewtonRun& run) const {
  double squares = 0.0;
  for (const double h : run.hessian) squares += 2.0 * h * h;
  return run.started && run.gradient_norm <= rounding(run) * std::sqrt(squares);
}

// Below this a gradient that is a difference says nothing.
double NewtonBatch::gradient_error(const NewtonRun& run) const {
  if (DerivativeErrors::at(errors_.gradient, 1.0, 1.0, 1.0) == 0.0) return 0.0;
  double squares = 0.0;
  for (const double h : run.hessian) squares += 2.0 * h * h;
  return DerivativeErrors::at(errors_.gradient, std::fabs(run.value), run.gradient_norm,
                              std::sqrt(squares));
}

void NewtonBatch::fill_matrix(const NewtonRun& run) {
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      matrix_[i * n_ + j] = matrix_[j * n_ + i] = run.hessian[i * (i + 1) / 2 + j];
    }
  }
  gauge_.stiffen(run.x.data(), matrix_.data());
}

// -H^-1 g, or with damping -(H^2 + mu)^-1 H g, into right_.
bool NewtonBatch::step(NewtonRun& run) {
  fill_matrix(run);
  if (run.damping == 0.0) {
    for (std::size_t i = 0; i < n_; ++i) right_[i] = -run.gradient[i];
    run.factors = matrix_;
    const PivotReport report = lu_factor(n_, run.factors.data(), run.pivots.data());
    if (report.determinant_sign != 0) {
      lu_solve(n_, run.factors.data(), run.pivots.data(), right_.data());
      if (norm(n_, right_.data()) <= far_away * scale_) return true;
    }
    // Along the kernel of the Hessian a step is rounding: none is taken there.
    run.damping = kernel_damping;
    return step(run);
  }
  std::vector<double> normal(n_ * n_);
  double squares = 0.0;
  for (double h : matrix_) squares += h * h;
  for (std::size_t i = 0; i < n_; ++i) {
    right_[i] = 0.0;
    for (std::size_t j = 0; j < n_; ++j) {
      right_[i] -= matrix_[i * n_ + j] * run.gradient[j];
      double sum = 0.0;
      for (std::size_t k = 0; k < n_; ++k) sum += matrix_[i * n_ + k] * matrix_[j * n_ + k];
      normal[i * n_ + j] = sum;
    }
    normal[i * n_ + i] += run.damping * squares + std::numeric_limits<double>::min();
  }
  if (!cholesky_factor(n_, normal.data())) return false;
  cholesky_solve(n_, normal.data(), right_.data());
  return std::isfinite(norm(n_, right_.data()));
}

}  // namespace talweg
