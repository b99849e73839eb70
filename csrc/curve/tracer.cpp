#include "talweg/tracer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "curve/follower.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {

const char* name(EventKind kind) noexcept {
  switch (kind) {
    case EventKind::critical_point:
      return "critical_point";
    case EventKind::level_fold:
      return "level_fold";
    case EventKind::valley_ridge_inflection:
      return "valley_ridge_inflection";
    case EventKind::inflection:
      return "inflection";
    case EventKind::branch_point:
      return "branch_point";
    case EventKind::near_branch:
      return "near_branch";
    case EventKind::boundary:
      return "boundary";
  }
  return "unknown";
}

double DefiningSystem::position_rounding(const CurvePoint& point) const {
  return std::numeric_limits<double>::epsilon() * norm(coordinates(), point.z.data());
}

double DefiningSystem::event_rounding(const CurvePoint&, std::size_t) const { return 0.0; }

const char* TracerOptions::validate(std::size_t coordinates) const noexcept {
  if (!(max_step > 0.0) || !std::isfinite(max_step)) return "max_step must be positive and finite";
  if (!(initial_step >= 0.0)) return "initial_step must not be negative";
  if (!(min_step >= 0.0)) return "min_step must not be negative";
  if (!(max_length >= 0.0)) return "max_length must not be negative";
  if (max_points < 2) return "max_points must be at least 2";
  if (!(tolerance > 0.0) || tolerance > 1e-3) return "tolerance must be between 0 and 1e-3";
  if (!(near_branch_distance >= 0.0)) return "near_branch_distance must not be negative";
  if (!(max_turn > 0.0) || max_turn > 1.0) return "max_turn must be between 0 and 1 radian";
  if (lower.size() != upper.size()) return "lower and upper must have the same length";
  if (box_matrix.empty() && !lower.empty() && lower.size() != coordinates) {
    return "lower must have n entries";
  }
  if (!box_matrix.empty() && box_matrix.size() != lower.size() * coordinates) {
    return "box_matrix must have a row of n entries for each bound";
  }
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if (!(lower[i] < upper[i])) return "every lower bound must be below its upper bound";
  }
  return "";
}

namespace {

void check(const DefiningSystem& system, const CurveStart& start, const TracerOptions& options) {
  const char* problem = options.validate(system.coordinates());
  if (*problem != '\0') throw std::invalid_argument(problem);
  if (start.z.size() != system.unknowns()) {
    throw std::invalid_argument("start.z must have unknowns() entries");
  }
  if (start.direction.size() != system.coordinates()) {
    throw std::invalid_argument("start.direction must have coordinates() entries");
  }
  if (!start.tangent.empty() && start.tangent.size() != system.unknowns()) {
    throw std::invalid_argument("start.tangent must be empty or have unknowns() entries");
  }
  double square = 0.0;
  for (double d : start.direction) square += d * d;
  if (!(square > 0.0) || !std::isfinite(square)) {
    throw std::invalid_argument("start.direction must be finite and not zero");
  }
}

}  // namespace

struct Tracer::State {
  DefiningSystem& system;
  Follower follower;
  State(DefiningSystem& s, const CurveStart& start, const TracerOptions& options)
      : system(s), follower(s, start, options) {}
};

Tracer::Tracer(DefiningSystem& system, const CurveStart& start, const TracerOptions& options) {
  check(system, start, options);
  system.set_length_scale(0.1 * options.max_step);
  state_ = std::make_unique<State>(system, start, options);
  state_->follower.lane().pausing = true;
}
Tracer::~Tracer() = default;
Tracer::Tracer(Tracer&&) noexcept = default;

bool Tracer::advance() {
  Follower& follower = state_->follower;
  const std::size_t before = follower.curve().points();
  while (!follower.done()) {
    if (CurvePoint* pending = follower.lane().pending) {
      state_->system.evaluate(std::span<CurvePoint* const>(&pending, 1));
    }
    follower.resume();
    if (follower.lane().paused) break;
  }
  return follower.curve().points() > before;
}

const Curve& Tracer::curve() const noexcept { return state_->follower.curve(); }
Curve Tracer::take() { return std::move(state_->follower.curve()); }

std::vector<Curve> trace_curves(DefiningSystem& system, std::span<const CurveStart> starts,
                                const TracerOptions& options, std::size_t lanes,
                                const std::function<bool()>& interrupted) {
  for (const CurveStart& start : starts) check(system, start, options);
  system.set_length_scale(0.1 * options.max_step);
  std::vector<Curve> curves(starts.size());
  std::vector<std::unique_ptr<Follower>> active;
  std::vector<std::size_t> position;
  std::vector<CurvePoint*> points;
  std::size_t next = 0;
  lanes = std::max<std::size_t>(lanes, 1);
  const auto fill = [&] {
    while (active.size() < lanes && next < starts.size()) {
      active.push_back(std::make_unique<Follower>(system, starts[next], options));
      position.push_back(next++);
      active.back()->resume();
    }
  };
  fill();
  bool stop = false;
  while (!active.empty()) {
    if (interrupted && interrupted()) stop = true;
    if (stop) break;
    points.clear();
    for (const auto& follower : active) points.push_back(follower->lane().pending);
    system.evaluate(points);
    for (std::size_t i = 0; i < active.size();) {
      active[i]->resume();
      if (!active[i]->done()) {
        ++i;
        continue;
      }
      curves[position[i]] = std::move(active[i]->curve());
      active[i] = std::move(active.back());
      position[i] = position.back();
      active.pop_back();
      position.pop_back();
    }
    fill();
  }
  for (std::size_t i = 0; i < active.size(); ++i) {
    curves[position[i]] = std::move(active[i]->curve());
    curves[position[i]].status = Status::interrupted;
  }
  for (; stop && next < starts.size(); ++next) {
    curves[next].coordinates = system.coordinates();
    curves[next].unknowns = system.unknowns();
    curves[next].status = Status::interrupted;
  }
  return curves;
}

}  // namespace talweg
