#include "descent/flow_watch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace talweg {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
// Places inside a step where balls are looked for; between two of them bisection takes over.
constexpr int looks = 16;

double square_distance(std::size_t n, Column x, const double* centre) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += (x[i] - centre[i]) * (x[i] - centre[i]);
  return sum;
}

// A zero of an increasing or decreasing function between two places with values of opposite sign,
// by the Illinois variant of the rule of false position, to rounding of theta.
template <class Function>
double zero_between(double low, double at_low, double high, double at_high, Function&& function) {
  for (int i = 0; i < 100 && high - low > 4e-16; ++i) {
    double middle = (low * at_high - high * at_low) / (at_high - at_low);
    // Falls back on bisection where the secant leaves the interval or has had its chance.
    if (!(middle > low && middle < high) || i > 40) middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    const double value = function(middle);
    if (value == 0.0) return middle;
    if ((value < 0.0) == (at_low < 0.0)) {
      low = middle, at_low = value, at_high *= 0.5;
    } else {
      high = middle, at_high = value, at_low *= 0.5;
    }
  }
  return high;
}

// Where a function with one minimum between two places is least, by golden sections.
template <class Function>
double least_between(double low, double high, Function&& function) {
  constexpr double section = 0.6180339887498949;
  double left = high - section * (high - low), right = low + section * (high - low);
  double at_left = function(left), at_right = function(right);
  for (int i = 0; i < 40; ++i) {
    if (at_left < at_right) {
      high = right, right = left, at_right = at_left;
      left = high - section * (high - low), at_left = function(left);
    } else {
      low = left, left = right, at_left = at_right;
      right = low + section * (high - low), at_right = function(right);
    }
  }
  return 0.5 * (low + high);
}

}  // namespace

FlowWatch::FlowWatch(const FlowProblem& problem, FlowResult& result)
    : problem_(problem),
      result_(result),
      right_(problem.objective, false, 1),
      times_alone_(problem.balls() == 0 && !problem.watches_level() &&
                   problem.options.minima.empty() && problem.options.gradient_tolerance == 0.0),
      point_(problem.components) {}

bool FlowWatch::ball_pending(std::size_t index) const {
  return problem_.balls() > 0 && result_.ball[index] < 0;
}

bool FlowWatch::level_pending(std::size_t index) const {
  return problem_.watches_level() && std::isnan(result_.level_time[index]);
}

void FlowWatch::output(std::size_t at, std::size_t index, Column x) {
  const std::size_t row = at * problem_.count + index;
  for (std::size_t i = 0; i < problem_.n; ++i) result_.x[row * problem_.n + i] = x[i];
  if (problem_.options.log_volume) result_.log_volume[row] = x[problem_.n];
}

// Those up to now, for a trajectory that has just come to x.
void FlowWatch::write_outputs(Trajectory& trajectory, Column x) {
  while (trajectory.next_output < problem_.times.size() &&
         problem_.times[trajectory.next_output] <= trajectory.time)
    output(trajectory.next_output++, trajectory.index, x);
}

Status FlowWatch::begin(Trajectory& trajectory, Column x, double gradient_square) {
  const std::size_t n = problem_.n, index = trajectory.index;
  for (std::size_t b = 0; b < problem_.balls(); ++b) {
    const double radius = problem_.options.radii[b];
    if (square_distance(n, x, problem_.options.centres.data() + b * n) > radius * radius) continue;
    result_.ball[index] = static_cast<std::ptrdiff_t>(b);
    result_.ball_time[index] = 0.0;
    for (std::size_t i = 0; i < n; ++i) result_.ball_x[index * n + i] = x[i];
    break;
  }
  if (result_.ball[index] < 0 || !problem_.options.stop_at_ball)
    return arrive(trajectory, x, gradient_square);
  write_outputs(trajectory, x);
  finish(trajectory, Status::entered_ball, 0.0, x, gradient_square);
  return Status::entered_ball;
}

bool FlowWatch::needs_inside(const Trajectory& trajectory, double step, Column start, Column end,
                             double end_value) const {
  const double end_time = trajectory.time + step;
  if (trajectory.next_output < problem_.times.size() &&
      problem_.times[trajectory.next_output] < end_time)
    return true;
  if (level_pending(trajectory.index) && trajectory.value > problem_.options.level &&
      end_value <= problem_.options.level)
    return true;
  if (!ball_pending(trajectory.index)) return false;
  const std::size_t n = problem_.n;
  for (std::size_t b = 0; b < problem_.balls(); ++b) {
    const double* const centre = problem_.options.centres.data() + b * n;
    double along = 0.0, length = 0.0, offset = 0.0;
    for (std::size_t i = 0; i < n; ++i) {
      const double d = end[i] - start[i], c = centre[i] - start[i];
      along += d * c;
      length += d * d;
      offset += c * c;
    }
    const double part = length > 0.0 ? std::clamp(along / length, 0.0, 1.0) : 0.0;
    const double nearest = offset - part * (2.0 * along - part * length);
    // A step's path bends away from its chord by less than a quarter of it.
    const double reach = problem_.options.radii[b] + 0.25 * std::sqrt(length);
    if (nearest <= reach * reach) return true;
  }
  return false;
}

// A zero of function(x(theta)) next to one on the dense output, on the trajectory itself.
template <class Function>
double FlowWatch::polished(const DenseOutput& inside, double theta, Function&& function) {
  constexpr double apart = 1e-5;
  const auto on_polynomial = [&](double at) {
    inside.at(at, point_.data());
    return function(point_.data());
  };
  const double slope =
      (on_polynomial(theta + apart) - on_polynomial(theta - apart)) / (2.0 * apart);
  for (int i = 0; i < 3; ++i) {
    inside.exactly_at(theta, point_.data());
    const double change = -function(point_.data()) / slope;
    // Where the slope says nothing the place on the dense output stays.
    if (!(std::fabs(change) < 0.01)) break;
    theta = std::clamp(theta + change, 0.0, 1.0);
    if (std::fabs(change) < 1e-13) break;
  }
  return theta;
}

// The distance from a ball's surface, negative inside.
double FlowWatch::depth(const double* x, std::size_t ball) const {
  const double* const centre = problem_.options.centres.data() + ball * problem_.n;
  return std::sqrt(square_distance(problem_.n, {x, 1}, centre)) - problem_.options.radii[ball];
}

// The least theta at which a ball is entered, infinite for none.
double FlowWatch::first_entry(const DenseOutput& inside, std::ptrdiff_t& ball) {
  double found = infinity;
  for (std::size_t b = 0; b < problem_.balls(); ++b) {
    const auto depth_at = [&](double theta) {
      inside.at(theta, point_.data());
      return depth(point_.data(), b);
    };
    double low = 0.0, at_low = depth_at(0.0), nearest = at_low, nearest_at = 0.0;
    double theta = at_low <= 0.0 ? 0.0 : infinity;
    for (int look = 1; look <= looks && theta == infinity; ++look) {
      const double high = static_cast<double>(look) / looks, at_high = depth_at(high);
      if (at_high <= 0.0) theta = zero_between(low, at_low, high, at_high, depth_at);
      if (at_high < nearest) nearest = at_high, nearest_at = high;
      low = high, at_low = at_high;
    }
    if (theta == infinity) {
      // Through a small ball between two looks.
      const double before = std::max(nearest_at - 1.0 / looks, 0.0);
      const double after = std::min(nearest_at + 1.0 / looks, 1.0);
      const double deepest = least_between(before, after, depth_at), at_deepest = depth_at(deepest);
      if (at_deepest <= 0.0)
        theta = zero_between(before, depth_at(before), deepest, at_deepest, depth_at);
    }
    if (theta < found) found = theta, ball = static_cast<std::ptrdiff_t>(b);
  }
  if (found == infinity) return found;
  const auto entered = static_cast<std::size_t>(ball);
  return polished(inside, found, [&](const double* x) { return depth(x, entered); });
}

double FlowWatch::crossing(const DenseOutput& inside, double start_value, double end_value) {
  const double level = problem_.options.level;
  if (end_value == level) return 1.0;
  const auto height = [&](const double* x) { return right_.value(x) - level; };
  const double theta =
      zero_between(0.0, start_value - level, 1.0, end_value - level, [&](double at) {
        inside.at(at, point_.data());
        return height(point_.data());
      });
  return polished(inside, theta, height);
}

Status FlowWatch::look_inside(Trajectory& trajectory, double step, const DenseOutput& inside,
                              double end_value) {
  const FlowOptions& options = problem_.options;
  const std::size_t n = problem_.n, index = trajectory.index;
  double entry = infinity, level = infinity, stop = infinity;
  std::ptrdiff_t ball = -1;
  if (ball_pending(index)) entry = first_entry(inside, ball);
  if (level_pending(index) && trajectory.value > options.level && end_value <= options.level)
    level = crossing(inside, trajectory.value, end_value);
  if (options.stop_at_ball) stop = std::min(stop, entry);
  if (options.stop_at_level) stop = std::min(stop, level);
  const auto note = [&](double theta, double& time, double* x) {
    inside.exactly_at(theta, point_.data());
    time = trajectory.time + theta * step;
    std::copy_n(point_.data(), n, x + index * n);
  };
  if (entry <= stop && entry < infinity) {
    result_.ball[index] = ball;
    note(entry, result_.ball_time[index], result_.ball_x.data());
  }
  if (level <= stop && level < infinity)
    note(level, result_.level_time[index], result_.level_x.data());
  const double until = trajectory.time + std::min(stop, 1.0) * step;
  const std::span<const double> times = problem_.times;
  while (trajectory.next_output < times.size() &&
         (times[trajectory.next_output] < until ||
          (stop < infinity && times[trajectory.next_output] == until))) {
    inside.exactly_at((times[trajectory.next_output] - trajectory.time) / step, point_.data());
    output(trajectory.next_output++, index, {point_.data(), 1});
  }
  if (stop == infinity) return Status::running;
  inside.exactly_at(stop, point_.data());
  std::vector<double> gradient(n);
  right_.gradient(1, 1, point_.data(), gradient.data());
  double square = 0.0;
  for (const double g : gradient) square += g * g;
  const Status status =
      options.stop_at_ball && stop == entry ? Status::entered_ball : Status::level_crossed;
  finish(trajectory, status, until, {point_.data(), 1}, square);
  return status;
}

Status FlowWatch::arrive(Trajectory& trajectory, Column x, double gradient_square) {
  write_outputs(trajectory, x);
  Status status = Status::running;
  const double tolerance = problem_.options.gradient_tolerance;
  if (trajectory.time >= problem_.last_time()) {
    status = Status::max_time;
  } else if (tolerance > 0.0 && std::sqrt(gradient_square) <= tolerance) {
    status = Status::converged;
  }
  if (status != Status::running) {
    finish(trajectory, status, trajectory.time, x, gradient_square);
    return status;
  }
  if (ball_pending(trajectory.index) || level_pending(trajectory.index)) return status;
  for (std::size_t m = 0; m < problem_.options.minima.size(); ++m) {
    const double radius = problem_.linear_radius[m];
    if (square_distance(problem_.n, x, problem_.options.minima[m].x.data()) <= radius * radius)
      return finish_linearly(trajectory, m, x);
  }
  return status;
}

void FlowWatch::finish(const Trajectory& trajectory, Status status, double time, Column x,
                       double gradient_square) {
  const std::size_t n = problem_.n, index = trajectory.index;
  for (std::size_t i = 0; i < n; ++i) result_.end[index * n + i] = x[i];
  if (problem_.options.log_volume) result_.end_log_volume[index] = x[n];
  result_.end_time[index] = time;
  result_.gradient_norm[index] = std::sqrt(gradient_square);
  result_.status[index] = status;
  result_.steps[index] = trajectory.steps;
  result_.rejected[index] = trajectory.rejected;
  result_.implicit_steps[index] = trajectory.implicit_steps;
}

// x(t) = x* + exp(-H t)(x(0) - x*) for all the time that is left, and the integral of the trace to
// first order in x - x*.
Status FlowWatch::finish_linearly(Trajectory& trajectory, std::size_t minimum, Column x) {
  const FlowMinimum& m = problem_.options.minima[minimum];
  const std::size_t n = problem_.n;
  const bool volume = problem_.options.log_volume;
  std::vector<double> mode(n);
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < n; ++i) mode[j] += m.eigenvectors[i * n + j] * (x[i] - m.x[i]);
  double trace = 0.0;
  for (const double eigenvalue : m.eigenvalues) trace += eigenvalue;
  const double log_volume = volume ? x[n] : 0.0;
  const auto gradient_square = [&](double t) {
    double sum = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      const double g = m.eigenvalues[j] * std::exp(-m.eigenvalues[j] * t) * mode[j];
      sum += g * g;
    }
    return sum;
  };
  const auto place = [&](double t) {
    double integral = trace * t;
    for (std::size_t i = 0; i < n; ++i) point_[i] = m.x[i];
    for (std::size_t j = 0; j < n; ++j) {
      const double at = std::exp(-m.eigenvalues[j] * t) * mode[j];
      for (std::size_t i = 0; i < n; ++i) point_[i] += m.eigenvectors[i * n + j] * at;
      integral -= m.trace_slope[j] * std::expm1(-m.eigenvalues[j] * t) / m.eigenvalues[j] * mode[j];
    }
    if (volume) point_[n] = log_volume - integral;
  };
  const double tolerance = problem_.options.gradient_tolerance;
  double end = problem_.last_time() - trajectory.time;
  Status status = Status::max_time;
  if (tolerance > 0.0 && gradient_square(end) <= tolerance * tolerance) {
    // The modes decay one by one: |grad f| falls all the time.
    double low = 0.0, high = 1.0 / m.eigenvalues[0];
    while (gradient_square(high) > tolerance * tolerance) high *= 2.0;
    for (int i = 0; i < 200 && 0.5 * (low + high) > low && 0.5 * (low + high) < high; ++i) {
      const double middle = 0.5 * (low + high);
      (gradient_square(middle) > tolerance * tolerance ? low : high) = middle;
    }
    end = std::min(end, high);
    status = Status::converged;
  }
  result_.linear[trajectory.index] = static_cast<std::ptrdiff_t>(minimum);
  result_.linear_time[trajectory.index] = trajectory.time;
  const double stop = trajectory.time + end;
  const std::span<const double> times = problem_.times;
  while (trajectory.next_output < times.size() && times[trajectory.next_output] <= stop) {
    place(times[trajectory.next_output] - trajectory.time);
    output(trajectory.next_output++, trajectory.index, {point_.data(), 1});
  }
  if (std::isinf(end)) status = Status::converged;
  place(end);
  finish(trajectory, status, stop, {point_.data(), 1}, gradient_square(end));
  return status;
}

}  // namespace talweg
