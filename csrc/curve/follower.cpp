#include "curve/follower.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "curve/predictor.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr int most_corrections = 6;

}  // namespace

Follower::Follower(DefiningSystem& system, const CurveStart& start, const TracerOptions& options)
    : system_(system),
      start_(start),
      options_(options),
      n_(system.coordinates()),
      known_crossing_(),
      task_(follow()) {
  for (int i = 0; i < 4; ++i) points_.push_back(system.make_point());
  latest_ = &points_[0];
  earlier_ = &points_[1];
  earliest_ = &points_[2];
  next_ = &points_[3];
  first_ = system.make_point();
  border_.resize(n_);
  step_.resize(system.unknowns());
  predicted_.resize(system.unknowns());
  between_.resize(system.unknowns());
  for (CurvePoint& point : located_) point = system.make_point();
  if (options_.initial_step <= 0.0) options_.initial_step = 0.1 * options_.max_step;
  if (options_.near_branch_distance <= 0.0) options_.near_branch_distance = options_.max_step;
  curve_.coordinates = n_;
  curve_.unknowns = system.unknowns();
  lane_.waiting = task_.handle();
}

void Follower::resume() {
  lane_.pending = nullptr;
  lane_.paused = false;
  lane_.waiting.resume();
  if (done() && task_.handle().promise().exception) {
    std::rethrow_exception(task_.handle().promise().exception);
  }
}

double Follower::smallest_step() const {
  if (options_.min_step > 0.0) return options_.min_step;
  return std::max(1e-9 * options_.max_step, 1e-13 * norm(n_, latest_->z.data()));
}

void Follower::record(const CurvePoint& point) {
  curve_.evaluations = lane_.evaluations;
  curve_.z.insert(curve_.z.end(), point.z.begin(), point.z.end());
  // Points in a face are inside the box for everybody.
  if (!options_.lower.empty() && options_.box_matrix.empty()) {
    double* x = curve_.z.data() + curve_.z.size() - point.z.size();
    const double rounding = face_rounding(x);
    for (std::size_t j = 0; j < n_; ++j) {
      const double inside = std::clamp(x[j], options_.lower[j], options_.upper[j]);
      if (std::fabs(x[j] - inside) <= rounding) x[j] = inside;
    }
  }
  curve_.tangent.insert(curve_.tangent.end(), point.tangent.begin(), point.tangent.end());
  curve_.arclength.push_back(point.arclength);
  curve_.value.push_back(point.value);
  curve_.slope.push_back(point.slope);
  curve_.residual.push_back(point.residual);
  curve_.orientation.push_back(point.orientation);
  curve_.slope_index.push_back(point.slope_index);
  curve_.curvature_index.push_back(point.curvature_index);
}

void Follower::add_event(EventKind kind, const CurvePoint& point, double error) {
  CurveEvent event;
  event.kind = kind;
  event.arclength = point.arclength;
  event.error = error;
  event.point = point;
  step_events_.push_back(std::move(event));
}

double Follower::boxed(const double* z, std::size_t i) const {
  return options_.box_matrix.empty() ? z[i] : dot(n_, options_.box_matrix.data() + i * n_, z);
}

double Follower::beyond_face(const double* z, std::size_t i) const {
  const double place = boxed(z, i / 2);
  return i % 2 == 0 ? options_.lower[i / 2] - place : place - options_.upper[i / 2];
}

double Follower::face_rounding(const double* z) const {
  // A residual within its tolerance leaves the position looser where the equations are nearly
  // singular. A start at a branch point has no measure of that.
  double regular = 1.0;
  for (const CurvePoint* point : {latest_, next_}) {
    if (point->singularity > 0.0) regular = std::min(regular, point->singularity);
  }
  regular = std::max(regular, 1e-4);
  const double relative = std::max(16.0 * epsilon, 4.0 * options_.tolerance / regular);
  const double rounding = relative * (norm(n_, z) + options_.max_step);
  if (options_.box_matrix.empty()) return rounding;
  return rounding * norm(options_.box_matrix.size(), options_.box_matrix.data());
}

bool Follower::outside(const double* z) const {
  const double rounding = face_rounding(z);
  for (std::size_t i = 0; i < 2 * options_.lower.size(); ++i) {
    if (beyond_face(z, i) > rounding) return true;
  }
  return false;
}

Task<bool> Follower::correct(CurvePoint& point, const double* border) {
  double previous = std::numeric_limits<double>::infinity();
  first_correction_ = 0.0;
  for (corrections_ = 0;; ++corrections_) {
    co_await lane_.evaluate(point);
    const auto convergence = system_.convergence(point, options_.tolerance);
    if (convergence.ratio < 0.0) co_return false;
    // A small residual still leaves the position loose where arcs run close together; steps there
    // are short, and the next prediction needs positions that are accurate on their scale.
    const bool loose = step_length_ < 0.1 * options_.max_step;
    const bool strict = wanted_error_ > 0.0;
    if (convergence.ratio <= 1.0 && !strict && (!loose || convergence.ratio <= 1e-6)) {
      co_return true;
    }
    if (corrections_ == most_corrections) co_return convergence.relaxed <= 1.0;
    if (!system_.correction(point, border, step_.data())) co_return convergence.relaxed <= 1.0;
    const double size = norm(std::min(2 * n_, step_.size()), step_.data());
    last_correction_ = norm(n_, step_.data());
    if (corrections_ == 0) first_correction_ = last_correction_;
    const double enough = strict ? wanted_error_ : 1e-5 * step_length_;
    if (convergence.ratio <= 1.0 && size <= enough) co_return true;
    // What corrects a residual of rounding is noise, large where the linearisation is singular.
    if (strict && convergence.ratio * options_.tolerance <= 4.0 * epsilon) co_return true;
    // Steps that stop shrinking are rounding, or divergence.
    if (size > 0.5 * previous) co_return convergence.ratio <= 1.0 || convergence.relaxed <= 1.0;
    previous = size;
    for (std::size_t i = 0; i < step_.size(); ++i) point.z[i] += step_[i];
    system_.retract(point);
  }
}

Task<bool> Follower::start() {
  CurvePoint& point = *latest_;
  point.z = start_.z;
  system_.retract(point);
  co_await lane_.evaluate(point);
  const double length = norm(n_, start_.direction.data());
  for (std::size_t i = 0; i < n_; ++i) border_[i] = start_.direction[i] / length;
  const auto convergence = system_.convergence(point, options_.tolerance);
  if (convergence.ratio < 0.0) {
    curve_.status = Status::non_finite;
    co_return false;
  }
  if (!start_.tangent.empty()) {
    // A branch point: the given tangent leads onto the arc, where the orientation begins.
    point.tangent = start_.tangent;
    point.orientation = 0.0;
    system_.classify(point);
  } else {
    if (convergence.ratio > 1.0 && convergence.relaxed > 1.0) {
      const bool corrected = co_await correct(point, border_.data());
      if (!corrected) {
        curve_.status = Status::not_converged;
        co_return false;
      }
    }
    if (!system_.tangent(point, border_.data()) || point.singularity < 1e-10) {
      curve_.status = Status::degenerate;
      co_return false;
    }
    system_.classify(point);
  }
  point.arclength = 0.0;
  first_ = point;
  history_ = 1;
  record(point);
  co_return true;
}

bool Follower::starts_at_critical_point() const {
  if (start_.tangent.empty()) return false;
  const auto functions = system_.event_functions();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].kind != EventKind::critical_point) continue;
    if (std::fabs(first_.events[i]) <= 16.0 * system_.event_rounding(first_, i)) return true;
  }
  return false;
}

void Follower::adapt_step() {
  const double h = step_length_;
  double factor = 2.0;
  // A correction of noise says nothing of the prediction.
  if (system_.approximate()) {
    const double noise = 4.0 * system_.position_rounding(*latest_);
    first_correction_ = std::max(0.0, first_correction_ - noise);
  }
  // Cube roots are slow, and most corrections are far too small to ask for a shorter step.
  if (first_correction_ * 8.0 > 2e-3 * h) factor = std::cbrt(2e-3 * h / first_correction_);
  const double turn = std::max(turn_, 0.7 * vector_turn_);
  if (turn > 0.0) factor = std::min(factor, 0.5 * options_.max_turn / turn);
  step_length_ = std::min(options_.max_step, h * std::max(factor, 0.3));
}

bool Follower::measure_step() {
  CurvePoint& to = *next_;
  const CurvePoint& from = *latest_;
  crossing_passed_ = false;
  step_events_.clear();
  if (!system_.tangent(to, border_.data()) || to.singularity < 1e-13) return false;
  to.arclength = from.arclength + arc_length(from, to, n_);
  system_.classify(to);
  // Chords, half a percent below the angles where those are at their limit.
  turn_ = distance(n_, from.tangent.data(), to.tangent.data());
  vector_turn_ = 0.0;
  if (system_.unknowns() >= 2 * n_) {
    vector_turn_ = distance(n_, from.z.data() + n_, to.z.data() + n_);
  }
  const double limit = options_.max_turn;
  return turn_ <= limit && vector_turn_ <= 1.5 * limit && first_correction_ <= 0.1 * step_length_ &&
         dot(n_, from.tangent.data(), to.tangent.data()) > 0.0;
}

Task<void> Follower::follow() {
  const bool started = co_await start();
  if (!started) co_return;
  co_await lane_.pause();
  step_length_ = std::min(options_.initial_step, options_.max_step);
  // The orientation begins on the first point off a singular start: other places where it flips
  // may lie close by. Too close to it the equations themselves are rounding.
  if (!start_.tangent.empty()) {
    const double view = (starts_at_critical_point() ? 1.0 : 10.0) * shortest_view();
    step_length_ = std::min(step_length_, std::max(view, 1e-4 * norm(n_, first_.z.data())));
  }
  while (true) {
    if (curve_.points() >= options_.max_points) {
      curve_.status = Status::max_points;
      break;
    }
    double h = step_length_;
    bool final_step = false;
    if (options_.max_length > 0.0) {
      const double left = options_.max_length - latest_->arclength;
      if (left <= 1.0001 * h) {
        step_length_ = h = left;
        final_step = true;
      }
    }
    const CurvePoint* nodes[3] = {latest_, earlier_, earliest_};
    hermite(nodes, history_, latest_->arclength + h, next_->z.data(), predicted_.data());
    const double length = norm(n_, predicted_.data());
    bool good = length > 0.5 && length < 2.0;
    if (good) {
      for (std::size_t i = 0; i < n_; ++i) border_[i] = predicted_[i] / length;
      system_.anchor(*latest_, *next_);
      system_.retract(*next_);
      good = co_await correct(*next_, border_.data());
    } else if (history_ > 1) {
      // The extrapolated polynomial ran wild: fewer points carry less far but safely.
      history_ = 1;
      continue;
    }
    // Events located below correct points of their own.
    const double correction = first_correction_;
    Verdict verdict = Verdict::shorten;
    if (good && measure_step()) {
      verdict = Verdict::accept;
      if (latest_->orientation != 0.0) {
        bool repeated = false;
        const bool flipped = next_->orientation != latest_->orientation;
        if ((flipped || index_unexplained()) && passes_zero(EventKind::critical_point)) {
          repeated = co_await passes_repeated_eigenvalue();
        }
        if (repeated && step_length_ > shortest_view()) {
          verdict = Verdict::shorten;
        } else if (flipped && !repeated) {
          verdict = co_await judge_crossing();
        }
        if (verdict == Verdict::accept && !repeated && index_unexplained()) {
          const bool coarse = step_length_ > 1e-2 * options_.max_step;
          const bool several = std::abs(next_->slope_index - latest_->slope_index) >= 2;
          if (several) {
            verdict = co_await judge_index();
          } else if (coarse) {
            verdict = Verdict::shorten;
          }
        }
      }
      if (verdict == Verdict::accept && step_length_ > 1e-3 * options_.max_step &&
          may_hide_event()) {
        verdict = Verdict::shorten;
      }
    }
    if (verdict == Verdict::shorten) {
      // Not one half: grown steps would land on the same places again.
      step_length_ *= corrections_ > 0 && !good ? 0.4 : 0.45;
      if (step_length_ < smallest_step()) verdict = Verdict::stop;
    }
    bool leapt = false;
    if (verdict == Verdict::stop) {
      leapt = co_await leap();
      if (leapt) verdict = Verdict::accept;
    }
    if (verdict == Verdict::stop) {
      const bool finite = system_.convergence(*next_, 1.0).ratio >= 0.0;
      curve_.status = finite ? Status::step_too_small : Status::non_finite;
      // Not a single step leaves a repeated eigenvalue where every direction is extremal.
      const bool stuck = curve_.points() == 1 && !start_.tangent.empty();
      if (finite && stuck) curve_.status = Status::isotropic;
      // A multiple solution, on which the linearisation vanishes all along.
      const bool singular = curve_.points() > 1 && latest_->singularity < 1e-6;
      if (finite && singular) curve_.status = Status::degenerate;
      break;
    }
    if (verdict == Verdict::shorten) continue;

    // Most steps have nothing of this; asking first spares them the coroutines.
    if (has_events()) {
      const bool continuous = co_await locate_events();
      if (!continuous && step_length_ > shortest_view()) {
        step_length_ *= 0.45;
        continue;
      }
    }
    Status ended = Status::running;
    if (near_face()) {
      const bool left_box = co_await leave_box();
      if (left_box) ended = Status::boundary;
    }
    if (ended == Status::running && near_start()) {
      const bool closed = co_await close_loop();
      if (closed) {
        ended = Status::closed;
        curve_.closed = true;
      }
    }
    if (step_events_.size() > 1) {
      std::stable_sort(
          step_events_.begin(), step_events_.end(),
          [](const CurveEvent& a, const CurveEvent& b) { return a.arclength < b.arclength; });
    }
    for (std::size_t i = 0; i < step_events_.size(); ++i) {
      const EventKind kind = step_events_[i].kind;
      const bool stops =
          (kind == EventKind::critical_point && options_.stop_at_critical_points) ||
          (kind == EventKind::branch_point && options_.stop_at_branch_points && !leapt);
      if (!stops) continue;
      ended = kind == EventKind::critical_point ? Status::critical_point : Status::branch_point;
      curve_.closed = false;
      *next_ = step_events_[i].point;
      // A fold on the branch point itself is kept with it.
      const double here = step_events_[i].arclength;
      std::erase_if(step_events_,
                    [here](const CurveEvent& event) { return event.arclength > here; });
      break;
    }
    for (CurveEvent& event : step_events_) curve_.events.push_back(std::move(event));
    step_events_.clear();
    record(*next_);
    if (ended != Status::running) {
      curve_.status = ended;
      break;
    }
    if (final_step) {
      curve_.status = Status::max_length;
      break;
    }
    curvature_ = turn_ / std::max(next_->arclength - latest_->arclength, 1e-300);
    CurvePoint* recycled = earliest_;
    earliest_ = earlier_;
    earlier_ = latest_;
    latest_ = next_;
    next_ = recycled;
    history_ = std::min<std::size_t>(history_ + 1, 3);
    first_correction_ = correction;
    adapt_step();
    if (!near_branches_.empty()) co_await place_near_branches();
    if (curvature_peaked()) co_await look_for_near_branch();
    co_await lane_.pause();
  }
  for (CurveEvent& event : curve_.events) {
    const auto after =
        std::upper_bound(curve_.arclength.begin(), curve_.arclength.end(), event.arclength);
    const auto position = after - curve_.arclength.begin();
    const auto last = static_cast<long>(curve_.points()) - 1;
    event.index = static_cast<std::size_t>(std::clamp<long>(position - 1, 0, std::max(0L, last)));
  }
  std::stable_sort(
      curve_.events.begin(), curve_.events.end(),
      [](const CurveEvent& a, const CurveEvent& b) { return a.arclength < b.arclength; });
}

}  // namespace talweg
