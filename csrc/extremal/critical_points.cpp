#include "talweg/critical_points.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "extremal/newton_batch.hpp"
#include "objective/gauge_rows.hpp"
#include "parallel/thread_pool.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "spectrum/vectors.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr std::size_t round_starts = 128;
constexpr std::size_t most_degenerate = 24;
// Of the longest step: the longest one of a minimisation at its start, and the way from a saddle.
constexpr double first_radius = 0.25;
constexpr double beside_saddle = 1e-2;

CriticalPoint describe_point(const NewtonRun& run, const GaugeRows& gauge, double scale,
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

// Adds a point unless it is one already there, whose copy gives way to a better one if it may.
// Returns the point's place.
std::size_t merge(std::vector<CriticalPoint>& points, CriticalPoint point, const Gauge* gauge,
                  double scale, bool replace) {
  std::vector<double> aligned;
  for (std::size_t i = 0; i < points.size(); ++i) {
    CriticalPoint& other = points[i];
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
    if (replace && point.residual < other.residual) other = std::move(point);
    return i;
  }
  points.push_back(std::move(point));
  return points.size() - 1;
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

// The search of one call.
class Search {
 public:
  Search(const Objective& objective, const CriticalPointOptions& options, double scale)
      : objective_(objective),
        options_(options),
        scale_(scale),
        gauge_(objective.gauge()),
        errors_(objective.errors()) {}

  // Newton runs, or minimisations, from the starts (m x n). Draws of random starts count in the
  // statistics of their kind.
  void run(std::span<const double> starts, bool descending, bool draws) {
    const std::size_t n = objective_.dimension(), count = starts.size() / n;
    std::vector<NewtonRun> runs(count);
    for (std::size_t r = 0; r < count; ++r) {
      NewtonRun& run = runs[r];
      run.trial.assign(starts.begin() + r * n, starts.begin() + (r + 1) * n);
      run.x = run.trial;
      run.gradient.resize(n);
      run.hessian.resize(n * (n + 1) / 2);
      run.pivots.resize(n);
      run.descending = descending;
      run.radius = first_radius * scale_;
    }
    const std::size_t chunk = 2 * NewtonBatch::block_lanes;
    parallel_for((count + chunk - 1) / chunk, objective_.thread_safe() ? options_.workers : 1,
                 [&](std::size_t c) {
                   NewtonBatch batch(objective_, options_, scale_);
                   const std::size_t first = c * chunk;
                   batch.solve(std::span(runs).subspan(first, std::min(chunk, count - first)));
                 });
    for (const NewtonRun& run : runs) {
      // Both kinds of runs begin with a look at the same starts.
      result.non_finite += !descending && run.outcome == RunOutcome::non_finite;
      if (run.outcome != RunOutcome::converged || !inside(run.x)) continue;
      // All copies are right to their errors; that of a point which Newton's method has reached
      // does not depend on the minimisations.
      const std::size_t place = merge(result.points, describe_point(run, gauge_, scale_, errors_),
                                      objective_.gauge(), scale_, !descending);
      reached_.resize(result.points.size());
      // Where f flattens out minimisations may end at a saddle: a find, but no draw of a minimum.
      if (!draws || (descending && result.points[place].morse_index > 0)) continue;
      ++(descending ? result.minimised : result.converged);
      reached_[place][descending] = true;
    }
  }

  // Minimises from both sides of the saddles of index one: minima that they join are found
  // however small their basins are.
  void descend_from_saddles() {
    const std::size_t n = objective_.dimension();
    std::vector<double> starts;
    for (const CriticalPoint& point : result.points) {
      if (point.morse_index != 1 || point.degenerate) continue;
      const std::size_t modes = point.eigenvalues.size();
      for (const double sign : {1.0, -1.0}) {
        for (std::size_t i = 0; i < n; ++i) {
          starts.push_back(point.x[i] +
                           sign * beside_saddle * scale_ * point.eigenvectors[i * modes]);
        }
      }
    }
    run(starts, true, false);
  }

  // Points of the box that no random start of a kind has reached, after Boender and Rinnooy Kan.
  double expected_missing(bool descending) const {
    const double runs = static_cast<double>(descending ? result.minimised : result.converged);
    const double found = static_cast<double>(
        std::count_if(reached_.begin(), reached_.end(),
                      [&](const std::array<bool, 2>& reached) { return reached[descending]; }));
    // Where no run goes down to a point of the box there is nothing to wait for.
    if (descending && runs == 0.0) return 0.0;
    return runs > found + 2.0 ? found * (runs - 1.0) / (runs - found - 2.0) - found
                              : std::numeric_limits<double>::infinity();
  }

  bool is_degenerate() const {
    return std::count_if(result.points.begin(), result.points.end(),
                         [](const CriticalPoint& point) { return point.degenerate; }) >
           static_cast<std::ptrdiff_t>(most_degenerate);
  }

  CriticalPoints result;

 private:
  bool inside(const std::vector<double>& x) const {
    const double margin = 64.0 * epsilon * scale_;
    for (std::size_t i = 0; i < options_.lower.size(); ++i) {
      if (x[i] < options_.lower[i] - margin || x[i] > options_.upper[i] + margin) return false;
    }
    return true;
  }

  const Objective& objective_;
  const CriticalPointOptions& options_;
  double scale_;
  GaugeRows gauge_;
  DerivativeErrors errors_;
  // Whether Newton's method, and whether a minimisation, reached each point from a random start.
  std::vector<std::array<bool, 2>> reached_;
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
  Search search(objective, options, scale);
  CriticalPoints& result = search.result;
  if (!starts.empty()) {
    result.starts = starts.size() / n;
    search.run(starts, false, true);
  } else {
    const FillingSequence sequence(n);
    std::vector<double> round;
    do {
      const std::size_t count = std::min(round_starts, options.max_starts - result.starts);
      round.resize(count * n);
      for (std::size_t r = 0; r < count; ++r) {
        for (std::size_t i = 0; i < n; ++i) {
          const double shift = options.shift.empty() ? 0.0 : options.shift[i];
          round[r * n + i] =
              options.lower[i] + (options.upper[i] - options.lower[i]) *
                                     sequence.coordinate(result.starts + r, i, shift);
        }
      }
      search.run(round, false, true);
      search.run(round, true, true);
      result.starts += count;
      result.expected_missing =
          std::max(search.expected_missing(false), search.expected_missing(true));
    } while (!interrupted() && !search.is_degenerate() && result.starts < options.max_starts &&
             !(result.starts >= 2 * round_starts && result.expected_missing < 0.5));
    if (!interrupted() && !search.is_degenerate()) search.descend_from_saddles();
  }
  if (interrupted()) {
    result.status = Status::interrupted;
  } else if (search.is_degenerate()) {
    result.status = Status::degenerate;
  }
  std::sort(result.points.begin(), result.points.end(),
            [](const CriticalPoint& a, const CriticalPoint& b) {
              // Symmetric points have values that differ by rounding only: coordinates decide.
              const double near = 1e-9 * (std::fabs(a.value) + std::fabs(b.value)) + 1e-300;
              if (std::fabs(a.value - b.value) > near) return a.value < b.value;
              return a.x < b.x;
            });
  return std::move(result);
}

}  // namespace talweg
