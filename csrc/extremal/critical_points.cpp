#include "talweg/critical_points.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "objective/gauge_rows.hpp"
#include "parallel/thread_pool.hpp"
#include "spectrum/factorisation.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/vectors.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr std::size_t block_lanes = 32;
constexpr std::size_t round_starts = 128;
constexpr std::size_t most_degenerate = 24;
constexpr std::size_t proof_of_linear = 6;
// Newton steps longer than this many times the longest one point along a kernel.
constexpr double far_away = 1e6;
constexpr double kernel_damping = 1e-12;

enum class Outcome { running, converged, failed, non_finite };

// One Newton run.
struct Run {
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
  // Full Newton steps in a row that shrank linearly, as they do at degenerate points.
  std::size_t linear_steps = 0;
  bool started = false;
  Outcome outcome = Outcome::running;
};

CriticalPoint describe_point(const Run& run, const GaugeRows& gauge, double scale,
                             const DerivativeErrors& errors) {
  const std::size_t n = run.x.size();
  CriticalPoint point;
  point.x = run.x;
  point.value = run.value;
  point.residual = run.gradient_norm;
  point.eigenvalues.resize(n);
  point.eigenvectors.resize(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      point.eigenvectors[i * n + j] = point.eigenvectors[j * n + i] =
          run.hessian[i * (i + 1) / 2 + j];
    }
  }
  const std::size_t motions = gauge.stiffen(run.x.data(), point.eigenvectors.data());
  std::vector<double> scratch(n);
  symmetric_eigen(n, point.eigenvectors.data(), point.eigenvalues.data(), scratch.data(), true);
  if (motions > 0) {
    const std::size_t left = n - motions;
    for (std::size_t i = 0; i < n; ++i) {
      std::copy_n(point.eigenvectors.data() + i * n, left, point.eigenvectors.data() + i * left);
    }
    point.eigenvectors.resize(n * left);
    point.eigenvalues.resize(left);
  }
  double largest = 0.0, smallest = std::numeric_limits<double>::infinity();
  double size = 0.0, softest = std::numeric_limits<double>::infinity();
  for (double value : point.eigenvalues) {
    largest = std::max(largest, std::fabs(value));
    smallest = std::min(smallest, std::fabs(value));
    size += value * value;
  }
  size = std::sqrt(size);
  const auto error_of = [&](const DerivativeErrors::Coefficients& coefficients) {
    return DerivativeErrors::at(coefficients, std::fabs(run.value), run.gradient_norm, size);
  };
  const double zero = std::max(1e-10 * largest, 10.0 * error_of(errors.hessian));
  point.degenerate = smallest <= zero || run.linear_steps >= proof_of_linear;
  for (double value : point.eigenvalues) {
    point.morse_index += value < -zero;
    if (std::fabs(value) > zero) softest = std::min(softest, std::fabs(value));
  }
  // g = H (x - x*) to first order; the rounding of x moves g by |H| eps |x|.
  const double noise =
      epsilon * largest * (norm(n, run.x.data()) + 1e-3 * scale) + error_of(errors.gradient);
  point.error = smallest > 0.0 ? (run.gradient_norm + noise) / smallest
                               : std::numeric_limits<double>::infinity();
  if (point.degenerate) {
    // What a geometric series of steps has left, and what the other eigenvalues leave.
    const double left = run.linear_steps > 0
                            ? std::max(3.0, 1.0 / (1.0 - run.shrinkage)) * run.last_step
                            : 3.0 * std::min(run.last_step, run.accepted_step);
    point.error =
        std::max({left, (run.gradient_norm + noise) / softest, epsilon * norm(n, run.x.data())});
  }
  return point;
}

class NewtonBatch {
 public:
  NewtonBatch(const Objective& objective, const CriticalPointOptions& options, double scale)
      : objective_(objective),
        options_(options),
        errors_(objective.errors()),
        scale_(scale),
        gauge_(objective.gauge()),
        n_(objective.dimension()),
        triangle_(n_ * (n_ + 1) / 2),
        buffer_((n_ + 1 + n_ + triangle_) * block_lanes),
        matrix_(n_ * n_),
        right_(n_) {}

  void solve(std::span<Run> runs) {
    std::vector<Run*> active;
    std::size_t next = 0;
    while (true) {
      while (active.size() < block_lanes && next < runs.size()) active.push_back(&runs[next++]);
      if (active.empty() || interrupted()) return;
      evaluate(active);
      std::erase_if(active, [](const Run* run) { return run->outcome != Outcome::running; });
    }
  }

 private:
  void evaluate(std::vector<Run*>& active) {
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
      Run& run = *active[l];
      double square = 0.0, check = value[l];
      for (std::size_t i = 0; i < n_; ++i) {
        square += gradient[i * stride + l] * gradient[i * stride + l];
      }
      for (std::size_t i = 0; i < triangle_; ++i) check += hessian[i * stride + l];
      const double gradient_norm = std::sqrt(square);
      const bool finite = std::isfinite(gradient_norm) && std::isfinite(check);
      // A Newton step is good when the next one, with the same Hessian, would be shorter: a test
      // that does not depend on how the variables are scaled, where |grad f| stalls in narrow
      // valleys (Deuflhard, Newton Methods for Nonlinear Problems, section 3.3).
      bool better = finite && (!run.started || gradient_norm < run.gradient_norm);
      // Steps of rounding would be accepted by one test and taken back by the other for ever.
      if (finite && run.started && !better && run.damping == 0.0 &&
          run.newton_length > 1e3 * rounding(run) && !gradient_is_rounding(run)) {
        for (std::size_t i = 0; i < n_; ++i) right_[i] = gradient[i * stride + l];
        lu_solve(n_, run.factors.data(), run.pivots.data(), right_.data());
        better = norm(n_, right_.data()) < (1.0 - 0.25 * run.fraction) * run.newton_length;
      }
      if (!run.started && !finite) {
        run.outcome = Outcome::non_finite;
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
      advance(run, better);
    }
  }

  // Decides about the point just evaluated and proposes the next one.
  void advance(Run& run, bool better) {
    if (run.gradient_norm == 0.0) {
      run.last_step = 0.0;
      run.outcome = Outcome::converged;
      return;
    }
    if (!better && run.damping == 0.0 && run.fraction == 1.0 &&
        run.last_step <= 1e3 * rounding(run)) {
      run.outcome = Outcome::converged;
      return;
    }
    if (!better && run.started &&
        ((gradient_is_rounding(run) && run.last_step <= 1e-6 * scale_) ||
         run.gradient_norm <= 10.0 * gradient_error(run))) {
      run.outcome = Outcome::converged;
      return;
    }
    if (++run.iterations > options_.max_iterations) {
      // Degenerate points are approached linearly; what is left of the step tells how far.
      const bool settled = run.last_step <= 1e-4 * scale_ && run.linear_steps >= proof_of_linear;
      run.outcome = settled ? Outcome::converged : Outcome::failed;
      return;
    }
    if (!better && run.damping == 0.0 && run.fraction > 1e-2) {
      run.fraction *= 0.5;
    } else if (!better) {
      run.damping = std::max(1e-3, run.damping * 10.0);
    }
    if (run.damping > 1e12 || !step(run)) {
      run.outcome = gradient_is_rounding(run) ? Outcome::converged : Outcome::failed;
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
        run.outcome = Outcome::converged;
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
    bool moved = false;
    for (std::size_t i = 0; i < n_; ++i) {
      run.trial[i] = run.x[i] + right_[i];
      moved = moved || run.trial[i] != run.x[i];
    }
    // A small part of a long step, or a strongly damped one, says nothing of the distance left.
    const bool whole = run.damping == 0.0 && run.fraction == 1.0;
    if (!moved)
      run.outcome = whole || gradient_is_rounding(run) ? Outcome::converged : Outcome::failed;
    if (!options_.lower.empty()) {
      for (std::size_t i = 0; i < n_; ++i) {
        const double margin = options_.upper[i] - options_.lower[i];
        if (run.trial[i] < options_.lower[i] - margin ||
            run.trial[i] > options_.upper[i] + margin) {
          run.outcome = Outcome::failed;
        }
      }
    }
  }

  double rounding(const Run& run) const {
    return 4.0 * epsilon * (norm(n_, run.x.data()) + 1e-3 * scale_);
  }

  // Where the rounding of x alone moves the gradient as much. At critical points that are not
  // isolated this alone tells: Newton steps there are rounding over rounding.
  bool gradient_is_rounding(const Run& run) const {
    double squares = 0.0;
    for (const double h : run.hessian) squares += 2.0 * h * h;
    return run.started && run.gradient_norm <= rounding(run) * std::sqrt(squares);
  }

  // Below this a gradient that is a difference says nothing.
  double gradient_error(const Run& run) const {
    if (DerivativeErrors::at(errors_.gradient, 1.0, 1.0, 1.0) == 0.0) return 0.0;
    double squares = 0.0;
    for (const double h : run.hessian) squares += 2.0 * h * h;
    return DerivativeErrors::at(errors_.gradient, std::fabs(run.value), run.gradient_norm,
                                std::sqrt(squares));
  }

  // -H^-1 g, or with damping -(H^2 + mu)^-1 H g, into right_.
  bool step(Run& run) {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        matrix_[i * n_ + j] = matrix_[j * n_ + i] = run.hessian[i * (i + 1) / 2 + j];
      }
    }
    gauge_.stiffen(run.x.data(), matrix_.data());
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

  const Objective& objective_;
  const CriticalPointOptions& options_;
  DerivativeErrors errors_;
  double scale_;
  GaugeRows gauge_;
  std::size_t n_, triangle_;
  std::vector<double> buffer_, matrix_, right_;
};

// Adds a point unless it is one already there, of which the better copy is kept.
void merge(std::vector<CriticalPoint>& points, CriticalPoint point, const Gauge* gauge,
           double scale) {
  std::vector<double> aligned;
  for (CriticalPoint& other : points) {
    double near =
        std::max(1e-8 * scale, std::min(10.0 * (point.error + other.error), 1e-2 * scale));
    if (point.degenerate || other.degenerate) {
      near = std::max(1e-4 * scale, 10.0 * (point.error + other.error));
      near = std::min(near, 1e-2 * scale);
    }
    if (gauge) {
      aligned = point.x;
      gauge->align(other.x.data(), aligned.data(), nullptr, 0);
    }
    const double* x = gauge ? aligned.data() : point.x.data();
    if (distance(point.x.size(), other.x.data(), x) > near) continue;
    if (point.residual < other.residual) other = std::move(point);
    return;
  }
  points.push_back(std::move(point));
}

// Starts of the additive recurrence with the generalised golden ratio, which fills a box evenly
// for any number of points (M. Roberts, The unreasonable effectiveness of quasirandom sequences).
class FillingSequence {
 public:
  explicit FillingSequence(std::size_t n) : steps_(n) {
    double root = 1.0;
    for (int i = 0; i < 60; ++i) root = std::pow(1.0 + root, 1.0 / (static_cast<double>(n) + 1.0));
    double power = 1.0;
    for (double& step : steps_) step = power /= root;
  }
  double coordinate(std::size_t index, std::size_t i, double shift) const {
    const double value = 0.5 + shift + steps_[i] * static_cast<double>(index + 1);
    return value - std::floor(value);
  }

 private:
  std::vector<double> steps_;
};

}  // namespace

const char* CriticalPointOptions::validate(std::size_t dimension) const noexcept {
  if (lower.size() != upper.size()) return "lower and upper must have the same length";
  if (!lower.empty() && lower.size() != dimension) return "lower must have n entries";
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if (!(lower[i] < upper[i]) || !std::isfinite(lower[i]) || !std::isfinite(upper[i])) {
      return "every lower bound must be finite and below its upper bound";
    }
  }
  if (!(scale >= 0.0)) return "scale must not be negative";
  if (max_iterations == 0) return "max_iterations must be at least 1";
  if (max_starts == 0) return "max_starts must be at least 1";
  if (!shift.empty() && shift.size() != dimension) return "shift must have n entries";
  return "";
}

CriticalPoints find_critical_points(const Objective& objective, std::span<const double> starts,
                                    const CriticalPointOptions& options) {
  const std::size_t n = objective.dimension();
  const char* problem = options.validate(n);
  if (*problem != '\0') throw std::invalid_argument(problem);
  if (starts.size() % n != 0) throw std::invalid_argument("starts must hold rows of n entries");
  if (starts.empty() && options.lower.empty()) {
    throw std::invalid_argument("a box or starts must be given");
  }
  double scale = options.scale;
  if (scale == 0.0) {
    double square = 0.0;
    for (std::size_t i = 0; i < options.lower.size(); ++i) {
      square += std::pow(options.upper[i] - options.lower[i], 2);
    }
    scale = options.lower.empty() ? 1.0 : 0.2 * std::sqrt(square);
  }
  const FillingSequence sequence(n);
  const GaugeRows gauge(objective.gauge());
  const DerivativeErrors errors = objective.errors();
  CriticalPoints result;
  std::size_t degenerate = 0;
  while (true) {
    const std::size_t count = starts.empty()
                                  ? std::min(round_starts, options.max_starts - result.starts)
                                  : starts.size() / n;
    std::vector<Run> runs(count);
    for (std::size_t r = 0; r < count; ++r) {
      Run& run = runs[r];
      run.trial.resize(n);
      run.gradient.resize(n);
      run.hessian.resize(n * (n + 1) / 2);
      run.pivots.resize(n);
      for (std::size_t i = 0; i < n; ++i) {
        if (!starts.empty()) {
          run.trial[i] = starts[r * n + i];
        } else {
          const double shift = options.shift.empty() ? 0.0 : options.shift[i];
          run.trial[i] = options.lower[i] + (options.upper[i] - options.lower[i]) *
                                                sequence.coordinate(result.starts + r, i, shift);
        }
      }
      run.x = run.trial;
    }
    const std::size_t chunk = 2 * block_lanes;
    parallel_for((count + chunk - 1) / chunk, objective.thread_safe() ? options.workers : 1,
                 [&](std::size_t c) {
                   NewtonBatch batch(objective, options, scale);
                   const std::size_t first = c * chunk;
                   batch.solve(std::span(runs).subspan(first, std::min(chunk, count - first)));
                 });
    for (const Run& run : runs) {
      result.non_finite += run.outcome == Outcome::non_finite;
      if (run.outcome != Outcome::converged) continue;
      bool inside = true;
      const double margin = 64.0 * epsilon * scale;
      for (std::size_t i = 0; i < options.lower.size(); ++i) {
        inside = inside && run.x[i] >= options.lower[i] - margin &&
                 run.x[i] <= options.upper[i] + margin;
      }
      if (!inside) continue;
      ++result.converged;
      merge(result.points, describe_point(run, gauge, scale, errors), objective.gauge(), scale);
    }
    result.starts += count;
    degenerate = static_cast<std::size_t>(
        std::count_if(result.points.begin(), result.points.end(),
                      [](const CriticalPoint& point) { return point.degenerate; }));
    if (interrupted()) {
      result.status = Status::interrupted;
      break;
    }
    if (degenerate > most_degenerate) {
      result.status = Status::degenerate;
      break;
    }
    if (!starts.empty()) break;
    const double found = static_cast<double>(result.points.size());
    const double runs_converged = static_cast<double>(result.converged);
    result.expected_missing =
        runs_converged > found + 2.0
            ? found * (runs_converged - 1.0) / (runs_converged - found - 2.0) - found
            : std::numeric_limits<double>::infinity();
    if (result.starts >= options.max_starts) break;
    if (result.starts >= 2 * round_starts && result.expected_missing < 0.5) break;
  }
  std::sort(result.points.begin(), result.points.end(),
            [](const CriticalPoint& a, const CriticalPoint& b) {
              // Symmetric points have values that differ by rounding only: coordinates decide.
              const double near = 1e-9 * (std::fabs(a.value) + std::fabs(b.value)) + 1e-300;
              if (std::fabs(a.value - b.value) > near) return a.value < b.value;
              return a.x < b.x;
            });
  return result;
}

}  // namespace talweg
