// What a change of orientation or index within a step means, and what comes near without crossing.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "curve/follower.hpp"
#include "curve/predictor.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
bool Follower::passes_zero(EventKind kind) const {
  const auto functions = system_.event_functions();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].kind == kind && !functions[i].is_index_function &&
        differ_in_sign(latest_->events[i], next_->events[i])) {
      return true;
    }
  }
  return false;
}

Task<bool> Follower::passes_repeated_eigenvalue() {
  // Where an eigenvalue is repeated several lines cross at the critical point itself: signs change
  // there as at a branch point, but the critical point says it all.
  const auto functions = system_.event_functions();
  CurvePoint place = system_.make_point();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].kind != EventKind::critical_point) continue;
    if (!differ_in_sign(latest_->events[i], next_->events[i])) continue;
    const double error =
        co_await locate(*latest_, *next_, [i](const CurvePoint& p) { return p.events[i]; }, place);
    const double regular = std::max(latest_->singularity, next_->singularity);
    if (error >= 0.0 && place.singularity <= 1e-5 * regular) co_return true;
  }
  co_return false;
}

bool Follower::at_critical_point(const CurvePoint& place, double error) const {
  // Rounding may move the change of signs at a repeated eigenvalue into the step beside the one
  // that holds the critical point.
  const auto functions = system_.event_functions();
  const double length = next_->arclength - latest_->arclength;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].kind != EventKind::critical_point) continue;
    const double change = std::fabs(next_->events[i] - latest_->events[i]);
    const double away = error + 1e-6 * options_.max_step;
    if (std::fabs(place.events[i]) * length <= away * change) return true;
  }
  return false;
}

Task<Follower::Verdict> Follower::judge_crossing() {
  // Both signs of the determinant occur within the step: it passed a branch point, or jumped
  // across an avoided crossing to another curve.
  const double reach = std::max(2.0 * step_length_, 1e3 * smallest_step());
  bool known = known_crossing_.found &&
               distance(n_, known_crossing_.centre.z.data(), latest_->z.data()) < reach;
  if (!known) {
    CurvePoint guess = system_.make_point();
    const CurvePoint* ends[2] = {latest_, next_};
    std::vector<double> slope(system_.unknowns());
    const double middle = 0.5 * (latest_->arclength + next_->arclength);
    hermite(ends, 2, middle, guess.z.data(), slope.data());
    system_.retract(guess);
    co_await lane_.evaluate(guess);
    if (system_.convergence(guess, 1.0).ratio >= 0.0) {
      known_crossing_ = co_await find_crossing(lane_, system_, guess, reach,
                                               std::numeric_limits<double>::infinity());
      known = known_crossing_.found;
    }
  }
  if (known && known_crossing_.exact) {
    const CurvePoint& centre = known_crossing_.centre;
    double chord = 0.0, along = 0.0;
    for (std::size_t i = 0; i < n_; ++i) {
      const double d = next_->z[i] - latest_->z[i];
      chord += d * d;
      along += d * (centre.z[i] - latest_->z[i]);
    }
    const double u = along / chord;
    // The incoming line is the one the chord follows; beyond the point it must still be followed.
    const double* lines[2] = {known_crossing_.lines.data(),
                              known_crossing_.lines.data() + system_.unknowns()};
    double cosines[2], exit_cosines[2];
    for (int line = 0; line < 2; ++line) {
      cosines[line] = exit_cosines[line] = 0.0;
      for (std::size_t i = 0; i < n_; ++i) {
        cosines[line] += lines[line][i] * (centre.z[i] - latest_->z[i]);
        exit_cosines[line] += lines[line][i] * (next_->z[i] - centre.z[i]);
      }
    }
    const int incoming = std::fabs(cosines[0]) >= std::fabs(cosines[1]) ? 0 : 1;
    const int outgoing = std::fabs(exit_cosines[0]) >= std::fabs(exit_cosines[1]) ? 0 : 1;
    // So close to a singular point the tangent, and with it every sign, is loose.
    if (distance(n_, next_->z.data(), centre.z.data()) < 0.02 * step_length_ &&
        step_length_ > 1e-3 * options_.max_step) {
      co_return Verdict::shorten;
    }
    if (u > 0.0 && u < 1.0 && incoming == outgoing &&
        cosines[incoming] * exit_cosines[incoming] > 0.0) {
      CurveEvent event;
      event.kind = EventKind::branch_point;
      event.kernel_dimension = 1;
      event.error = known_crossing_.error;
      event.point = centre;
      const double sign = cosines[incoming] > 0.0 ? 1.0 : -1.0;
      for (std::size_t i = 0; i < system_.unknowns(); ++i) {
        event.point.tangent[i] = sign * lines[incoming][i];
      }
      // v may have been carried along with the other sign.
      system_.classify(event.point);
      event.point.arclength = latest_->arclength + arc_length(*latest_, event.point, n_);
      event.arclength = event.point.arclength;
      event.centre = centre.z;
      event.crossing_tangents = event.point.tangent;
      event.crossing_tangents.insert(event.crossing_tangents.end(), lines[1 - incoming],
                                     lines[1 - incoming] + system_.unknowns());
      // A level fold that falls on the branch point has no regular points on either side to be
      // located between.
      const auto functions = system_.event_functions();
      for (std::size_t i = 0; i < functions.size(); ++i) {
        if (functions[i].kind == EventKind::level_fold &&
            differ_in_sign(latest_->events[i], next_->events[i]) &&
            std::fabs(event.point.events[i]) < 1e-5) {
          CurveEvent fold = event;
          fold.kind = EventKind::level_fold;
          fold.kernel_dimension = 0;
          step_events_.push_back(std::move(fold));
        }
      }
      step_events_.push_back(std::move(event));
      crossing_passed_ = true;
      co_return Verdict::accept;
    }
  }
  if (step_length_ > std::max(4.0 * smallest_step(), 1e-7 * options_.max_step)) {
    co_return Verdict::shorten;
  }
  if (at_critical_point(*next_, step_length_)) {
    crossing_passed_ = true;
    co_return Verdict::accept;
  }
  if (known && !known_crossing_.exact) co_return Verdict::stop;
  // No crossing of two arcs was found where the sign changes: a kernel of odd dimension above one.
  CurveEvent event;
  event.kind = EventKind::branch_point;
  event.error = step_length_;
  event.point = *next_;
  event.arclength = next_->arclength;
  step_events_.push_back(std::move(event));
  crossing_passed_ = true;
  co_return Verdict::accept;
}

Task<Follower::Verdict> Follower::judge_index() {
  // The slope index changed by more than the fold or branch point within the step explains: events
  // of the same kind too close together, or an even kernel.
  const auto functions = system_.event_functions();
  const int low = std::min(latest_->slope_index, next_->slope_index);
  const int high = std::max(latest_->slope_index, next_->slope_index);
  std::size_t first = 0;
  while (first < functions.size() && !functions[first].is_index_function) ++first;
  std::vector<double> places;
  CurvePoint place = system_.make_point();
  double error = 0.0;
  // Derivatives that are differences move each point, and part what symmetry holds together.
  double noise = 0.0;
  if (system_.approximate()) {
    noise = 8.0 * std::max(system_.position_rounding(*latest_), system_.position_rounding(*next_));
  }
  // Closer than this, noise in the points themselves tells nothing more.
  const bool short_enough = step_length_ <= std::max(1e-5 * options_.max_step, noise);
  if (short_enough) error = step_length_;
  for (int k = low; k < high; ++k) {
    const std::size_t which = first + static_cast<std::size_t>(k);
    const double found = co_await locate_singular(*latest_, *next_, which, place);
    if (found < 0.0 && !short_enough) co_return Verdict::shorten;
    if (found < 0.0) place = *next_;
    error = std::max(error, found);
    places.push_back(place.arclength);
  }
  const auto [least, greatest] = std::minmax_element(places.begin(), places.end());
  const double spread = *greatest - *least;
  const double loosest = std::max(1e-6 * options_.max_step, noise);
  if (!short_enough && (spread > std::max({1e-5 * step_length_, 4.0 * error, noise}) ||
                        (error > loosest && step_length_ > 1e3 * loosest))) {
    co_return Verdict::shorten;
  }
  if (at_critical_point(place, error + spread)) co_return Verdict::accept;
  CurveEvent event;
  event.kind = EventKind::branch_point;
  event.kernel_dimension = high - low;
  event.error = error + spread;
  event.point = place;
  event.arclength = place.arclength;
  step_events_.push_back(std::move(event));
  co_return Verdict::accept;
}

bool Follower::index_unexplained() const {
  const auto functions = system_.event_functions();
  int folds = 0;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].kind == EventKind::level_fold && !functions[i].is_index_function) {
      folds += differ_in_sign(latest_->events[i], next_->events[i]);
    }
  }
  const int change = std::abs(next_->slope_index - latest_->slope_index);
  return crossing_passed_ ? change > 1 + folds : change != folds;
}

bool Follower::may_hide_event() const {
  // An extremum of an event function inside the step with a value beyond zero: two zeros between
  // points of equal sign. Where slopes are known, a function that bends one way stays on the near
  // side of where its tangents at the two ends meet.
  const double length = next_->arclength - latest_->arclength;
  for (std::size_t i = 0; i < latest_->event_slopes.size(); ++i) {
    const double e = latest_->events[i], after = next_->events[i];
    const double down = latest_->event_slopes[i], up = next_->event_slopes[i];
    // Both ends lead towards zero; NaN is none of it.
    if (!(e * down < 0.0 && after * up > 0.0 && e * after > 0.0)) continue;
    const double meeting = (after - e - up * length) / (down - up);
    if ((e + down * meeting) * e <= 0.0) return true;
  }
  if (history_ < 2) return false;
  const double s0 = earlier_->arclength - latest_->arclength;
  const double s1 = next_->arclength - latest_->arclength;
  const double inverse_0 = 1.0 / s0, inverse_1 = 1.0 / s1, inverse_difference = 1.0 / (s1 - s0);
  const auto functions = system_.event_functions();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const double e = latest_->events[i], before = earlier_->events[i], after = next_->events[i];
    if (differ_in_sign(e, after) || differ_in_sign(e, before)) continue;
    // At a branch point that is a level fold too, an index function touches zero.
    if (crossing_passed_ && functions[i].is_index_function) continue;
    // Quadratic e + p s + q s^2 through the three values.
    const double d0 = (before - e) * inverse_0, d1 = (after - e) * inverse_1;
    const double q = (d1 - d0) * inverse_difference, p = d0 - q * s0;
    // The vertex -p / (2 q) lies inside, on the side of zero.
    if (q * e <= 0.0 || p * e >= 0.0 || std::fabs(p) >= 2.0 * std::fabs(q) * s1) continue;
    const double extreme = e - p * p / (4.0 * q);
    // A margin for what a quadratic can not see.
    if (extreme * e < 0.05 * std::min(e * e, after * after)) return true;
  }
  return false;
}

Task<bool> Follower::leap() {
  // Two points whose equations are sound, and the place as far ahead as the nearer one is behind.
  for (const double part : {0.02, 0.1, 0.5}) {
    const double length = part * options_.max_step;
    CurvePoint nodes[2] = {system_.make_point(), system_.make_point()};
    std::size_t found = 0;
    for (std::size_t i = curve_.points(); i-- > 0 && found < 2;) {
      const double behind = latest_->arclength - curve_.arclength[i];
      if (behind < static_cast<double>(found + 1) * length) continue;
      recorded(i, nodes[found++]);
    }
    if (found < 2 || nodes[0].arclength < latest_->arclength - 4.0 * length) continue;
    co_await lane_.evaluate(nodes[0]);
    if (!system_.tangent(nodes[0], nodes[0].tangent.data())) continue;
    system_.classify(nodes[0]);
    const CurvePoint* ends[2] = {&nodes[0], &nodes[1]};
    std::vector<double> slope(system_.unknowns());
    hermite(ends, 2, latest_->arclength + length, next_->z.data(), slope.data());
    const double size = norm(n_, slope.data());
    if (!(size > 0.5 && size < 2.0)) continue;
    for (std::size_t i = 0; i < n_; ++i) border_[i] = slope[i] / size;
    system_.retract(*next_);
    step_length_ = length;
    const bool corrected = co_await correct(*next_, border_.data());
    if (!corrected || first_correction_ > 1e-2 * length) continue;
    if (!measure_step() || next_->orientation != nodes[0].orientation ||
        next_->slope_index != nodes[0].slope_index) {
      continue;
    }
    // The last points before the place are as good as rounding of a singular system.
    CurveEvent event;
    event.kind = EventKind::branch_point;
    event.error = length;
    event.point = *latest_;
    event.arclength = latest_->arclength;
    step_events_.push_back(std::move(event));
    history_ = 0;
    co_return true;
  }
  co_return false;
}

}  // namespace talweg
