// Where events lie on a step, to rounding.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "curve/follower.hpp"
#include "curve/predictor.hpp"
#include "spectrum/vectors.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

}  // namespace

Task<bool> Follower::between(const CurvePoint& from, const CurvePoint& to, double arclength,
                             CurvePoint& point) {
  const CurvePoint* ends[2] = {&from, &to};
  hermite(ends, 2, arclength, point.z.data(), between_.data());
  const double length = norm(n_, between_.data());
  for (std::size_t i = 0; i < n_; ++i) between_[i] /= length;
  system_.retract(point);
  wanted_error_ = 8.0 * epsilon * (1e-3 * options_.max_step + norm(n_, point.z.data()));
  const bool corrected = co_await correct(point, between_.data());
  wanted_error_ = 0.0;
  if (!corrected) {
    // Beside a singular point corrections are noise: the cubic itself may be on the curve.
    std::vector<double> slope(system_.unknowns());
    hermite(ends, 2, arclength, point.z.data(), slope.data());
    system_.retract(point);
    co_await lane_.evaluate(point);
    const auto convergence = system_.convergence(point, options_.tolerance);
    if (convergence.ratio < 0.0 || convergence.relaxed > 1.0) co_return false;
    corrections_ = 0;
  }
  if (!system_.tangent(point, between_.data())) co_return false;
  system_.classify(point);
  co_return true;
}

Task<double> Follower::locate(const CurvePoint& from, const CurvePoint& to,
                              const Function& function, CurvePoint& point) {
  // Chandrupatla's bracketing method: inverse quadratic interpolation where it is safe, else
  // bisection (Advances in Engineering Software 28, 145, 1997). Positions u run from 0 to 1. Each
  // trial is predicted from the ends of the bracket, which soon are so near that the prediction
  // needs no correction.
  const double start = from.arclength, length = to.arclength - start;
  const double resolution =
      std::max(2.0 * epsilon * norm(n_, to.z.data()) / std::max(length, 1e-300), 1e-15);
  double a = 1.0, fa = function(to), b = 0.0, fb = function(from), c = a, fc = fa;
  located_slope_ = std::fabs(fa - fb) / length;
  if (fa == 0.0) {
    point = to;
    co_return resolution* length;
  }
  // The evaluated point nearest to zero that is still far above rounding tells the slope there.
  double slope_at = fa, slope_u = a;
  const double sound = 1e-4 * std::max(std::fabs(fa), std::fabs(fb));
  if (std::fabs(fb) > sound && (std::fabs(fb) < std::fabs(fa) || std::fabs(fa) < sound)) {
    slope_at = fb;
    slope_u = b;
  }
  int refused = 0;
  std::array<CurvePoint, 3>& room = located_;
  const CurvePoint *at_a = &to, *at_b = &from;
  double best = std::numeric_limits<double>::infinity(), width = 1.0;
  double looseness = 0.0;
  // Near a singular point tangents are known less well: predictions then keep to the outer points.
  bool regular = true;
  // The secant first: event functions are close to linear over a step.
  double u = std::clamp(fb / (fb - fa), 0.01, 0.99);
  for (int iteration = 0; iteration < 60; ++iteration) {
    CurvePoint* trial = room.data();
    while (trial == at_a || trial == at_b) ++trial;
    const bool followed =
        co_await between(regular ? *at_a : from, regular ? *at_b : to, start + u * length, *trial);
    if (!followed) {
      // Too close to a singular point for the corrector: what brackets it is the answer.
      if (std::isfinite(best)) co_return width* length + looseness;
      if (refused == 4) co_return -1.0;
      constexpr double elsewhere[] = {0.5, 0.25, 0.75, 0.9};
      u = elsewhere[refused++];
      continue;
    }
    regular = regular && trial->singularity > 0.5 * std::min(from.singularity, to.singularity);
    // Where the prediction put it; the correction is orthogonal to the curve.
    trial->arclength = start + u * length;
    const double fu = function(*trial);
    if (std::fabs(fu) > sound && std::fabs(fu) < std::fabs(slope_at)) {
      slope_at = fu;
      slope_u = u;
    }
    if (std::fabs(fu) < best) {
      best = std::fabs(fu);
      point = *trial;
      looseness = last_correction_;
    }
    if (fu == 0.0) {
      width = 0.0;
      break;
    }
    if (differ_in_sign(fu, fa)) {
      c = b;
      fc = fb;
      b = a;
      fb = fa;
      at_b = at_a;
    } else {
      c = a;
      fc = fa;
    }
    a = u;
    fa = fu;
    at_a = trial;
    width = std::fabs(b - a);
    if (width <= resolution) break;
    const double xi = (a - b) / (c - b), phi = (fa - fb) / (fc - fb);
    double t = 0.5;
    if (phi * phi < xi && (1.0 - phi) * (1.0 - phi) < 1.0 - xi) {
      t = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb);
      // Superlinear convergence: what is left is below the resolution.
      if (std::fabs(t) * width <= 0.5 * resolution) break;
    }
    const double limit = 0.5 * resolution / width;
    u = a + std::clamp(t, limit, 1.0 - limit) * (b - a);
  }
  const double apart = std::fabs(slope_u - (point.arclength - start) / length);
  if (apart > 0.0) located_slope_ = std::fabs(slope_at) / (apart * length);
  point.arclength = start + arc_length(from, point, n_);
  // The bracket may be wider than the error where the last steps all came from one side.
  const double slope = std::fabs(fa - fb) > 0.0 ? width / std::fabs(fa - fb) : 1.0;
  co_return (resolution + std::min(width, 4.0 * slope * best)) * length + looseness;
}

Task<double> Follower::locate_singular(const CurvePoint& from, const CurvePoint& to,
                                       std::size_t which, CurvePoint& place) {
  // The corrector fails at the place itself. The curve and the event function are smooth through
  // it, so both are interpolated from points on either side where the corrector is sound: twice,
  // the second time from closer by.
  const double length = to.arclength - from.arclength;
  const double before = from.events[which], after = to.events[which];
  double zero = from.arclength + length * before / (before - after);
  double error = -1.0;
  for (const double spread : {0.12, 0.03, 0.03}) {
    std::vector<CurvePoint> sides;
    for (int offset : {-4, -3, -2, -1, 1, 2, 3, 4}) {
      const double arclength = zero + spread * length * offset;
      // Far outside the step the interpolant of its ends leads nowhere.
      if (arclength < from.arclength - 0.3 * length || arclength > to.arclength + 0.3 * length) {
        continue;
      }
      CurvePoint side = system_.make_point();
      const bool followed = co_await between(from, to, arclength, side);
      if (!followed) continue;
      side.arclength = arclength;
      sides.push_back(std::move(side));
    }
    if (sides.size() < 4) co_return error;
    // Neville's scheme for the arclength as a function of the event function, at zero.
    std::vector<double> estimate(sides.size());
    for (std::size_t i = 0; i < sides.size(); ++i) estimate[i] = sides[i].arclength;
    double change = length;
    for (std::size_t order = 1; order < sides.size(); ++order) {
      const double last = estimate[0];
      for (std::size_t i = 0; i + order < sides.size(); ++i) {
        const double low = sides[i].events[which], high = sides[i + order].events[which];
        if (low == high) co_return error;
        estimate[i] = (high * estimate[i] - low * estimate[i + 1]) / (high - low);
      }
      change = std::fabs(estimate[0] - last);
    }
    if (!(estimate[0] >= from.arclength && estimate[0] <= to.arclength)) co_return error;
    zero = estimate[0];
    // The points nearest to the place carry it.
    std::stable_sort(sides.begin(), sides.end(), [zero](const CurvePoint& a, const CurvePoint& b) {
      return std::fabs(a.arclength - zero) < std::fabs(b.arclength - zero);
    });
    const CurvePoint* nodes[3] = {&sides[0], &sides[1], &sides[2]};
    std::vector<double> z(place.z.size()), slope(place.z.size());
    hermite(nodes, 2, zero, z.data(), slope.data());
    hermite(nodes, 3, zero, place.z.data(), place.tangent.data());
    error =
        change + distance(n_, z.data(), place.z.data()) + 8.0 * epsilon * norm(n_, place.z.data());
  }
  system_.retract(place);
  co_await lane_.evaluate(place);
  system_.classify(place);
  place.arclength = zero;
  co_return error;
}

double Follower::event_error(const CurvePoint& place, double rounding) const {
  // No further than one step, where the function is flat.
  const double along =
      located_slope_ > 0.0 ? rounding / located_slope_ : std::numeric_limits<double>::infinity();
  return std::min(along, step_length_) + system_.position_rounding(place);
}

bool Follower::has_events() const {
  const auto functions = system_.event_functions();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (!functions[i].is_index_function && differ_in_sign(latest_->events[i], next_->events[i])) {
      return true;
    }
  }
  return false;
}

Task<bool> Follower::locate_events() {
  const auto functions = system_.event_functions();
  const bool fold_located =
      std::any_of(step_events_.begin(), step_events_.end(),
                  [](const CurveEvent& event) { return event.kind == EventKind::level_fold; });
  CurvePoint place = system_.make_point();
  bool continuous = true;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].is_index_function) continue;
    if (functions[i].kind == EventKind::level_fold && fold_located) continue;
    const double before = latest_->events[i], after = next_->events[i];
    if (before == 0.0 || !differ_in_sign(before, after)) continue;
    // A zero at the start belongs to the start; tangents at branch points are known less well.
    if (curve_.points() == 1) {
      const bool regular = start_.tangent.empty();
      const double known =
          regular ? 1e-7 * std::fabs(after)
                  : std::max(1e-3 * std::fabs(after), 64.0 * system_.event_rounding(*latest_, i));
      if (std::fabs(before) <= known) continue;
    }
    double error =
        co_await locate(*latest_, *next_, [i](const CurvePoint& p) { return p.events[i]; }, place);
    if (error < 0.0) {
      // Nothing between the two points could be reached: the event lies between them all the same.
      place = std::fabs(before) < std::fabs(after) ? *latest_ : *next_;
      error = next_->arclength - latest_->arclength;
    } else {
      const double rounding = system_.event_rounding(place, i);
      const double left = std::fabs(place.events[i]);
      if (left > 1e-4 * std::max(std::fabs(before), std::fabs(after)) && left > 100.0 * rounding) {
        continuous = false;
      }
      error += event_error(place, rounding);
    }
    add_event(functions[i].kind, place, error);
  }
  co_return continuous;
}

bool Follower::near_face() const {
  if (options_.lower.empty()) return false;
  for (std::size_t i = 0; i < options_.lower.size(); ++i) {
    const double from = boxed(latest_->z.data(), i), to = boxed(next_->z.data(), i);
    double reach = step_length_;
    if (!options_.box_matrix.empty()) reach *= norm(n_, options_.box_matrix.data() + i * n_);
    const double low = std::min(from, to) - reach, high = std::max(from, to) + reach;
    if (low < options_.lower[i] || high > options_.upper[i]) return true;
  }
  return false;
}

Task<bool> Follower::leave_box() {
  if (options_.lower.empty()) co_return false;
  // Where the arc between the points first crosses a face; the cubic through both ends sees
  // excursions that come back within the step.
  const CurvePoint* ends[2] = {latest_, next_};
  std::vector<double> z(system_.unknowns()), slope(system_.unknowns());
  double beyond = 2.0;
  const int samples = outside(next_->z.data()) ? 8 : 4;
  for (int i = 1; i <= samples && beyond > 1.0; ++i) {
    const double u = static_cast<double>(i) / samples;
    if (i == samples) {
      std::copy(next_->z.begin(), next_->z.end(), z.begin());
    } else {
      hermite(ends, 2, latest_->arclength + u * (next_->arclength - latest_->arclength), z.data(),
              slope.data());
    }
    if (outside(z.data())) beyond = u;
  }
  if (beyond > 1.0) co_return false;
  CurvePoint end = *next_;
  if (beyond < 1.0) {
    const double arclength = latest_->arclength + beyond * (next_->arclength - latest_->arclength);
    const bool followed = co_await between(*latest_, *next_, arclength, end);
    if (!followed) co_return false;
    end.arclength = latest_->arclength + arc_length(*latest_, end, n_);
    if (!outside(end.z.data())) co_return false;
  }
  // The faces that the step starts in are left where their rounding cannot explain it any more.
  const std::size_t faces = 2 * options_.lower.size();
  const double rounding = face_rounding(latest_->z.data());
  std::vector<double> allowed(faces, 0.0);
  bool in_face = false, leaves_that_face = false;
  for (std::size_t i = 0; i < faces; ++i) {
    if (beyond_face(latest_->z.data(), i) < -rounding) continue;
    allowed[i] = rounding;
    in_face = true;
    leaves_that_face = leaves_that_face || beyond_face(end.z.data(), i) > rounding;
  }
  CurvePoint place = system_.make_point();
  const auto excess = [this, faces, &allowed](const CurvePoint& p) {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < faces; ++i) {
      largest = std::max(largest, beyond_face(p.z.data(), i) - allowed[i]);
    }
    return largest;
  };
  double error = -1.0;
  // Beside a branch point on the face no point can be located.
  if ((curve_.points() == 1 && leaves_that_face) || excess(*latest_) >= 0.0) {
    place = *latest_;
    error = 8.0 * epsilon * norm(n_, place.z.data());
  } else {
    error = co_await locate(*latest_, end, excess, place);
    if (error < 0.0) co_return false;
    const double loose = in_face && leaves_that_face ? rounding : 0.0;
    error += event_error(place, system_.position_rounding(place) + loose);
  }
  // A branch point or a critical point on the face itself is the place.
  for (const CurveEvent& event : step_events_) {
    const bool node =
        event.kind == EventKind::branch_point || event.kind == EventKind::critical_point;
    const double apart = std::fabs(event.arclength - place.arclength);
    if (node && apart <= error + event.error && excess(event.point) >= -4.0 * event.error) {
      place = event.point;
      error = std::max(error, event.error);
    }
  }
  std::erase_if(step_events_, [&](const CurveEvent& event) {
    return event.arclength > place.arclength + std::max(error, event.error);
  });
  // On the face exactly, so that the last point is inside the box for everybody.
  for (std::size_t j = 0; j < n_ && options_.box_matrix.empty(); ++j) {
    place.z[j] = std::clamp(place.z[j], options_.lower[j], options_.upper[j]);
  }
  add_event(EventKind::boundary, place, error);
  *next_ = place;
  co_return true;
}

bool Follower::near_start() const {
  return curve_.points() >= 4 && next_->arclength >= 4.0 * options_.initial_step &&
         distance(n_, first_.z.data(), next_->z.data()) <= 1.1 * step_length_;
}

Task<bool> Follower::close_loop() {
  // The start lies beside the chord, and the tangent lines agree.
  double chord = 0.0, along = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    const double d = next_->z[i] - latest_->z[i];
    chord += d * d;
    along += d * (first_.z[i] - latest_->z[i]);
  }
  const double u = along / chord;
  if (!(u > -1e-9 && u <= 1.0 + 1e-9)) co_return false;
  double off = 0.0;
  for (std::size_t i = 0; i < n_; ++i) {
    const double d = first_.z[i] - latest_->z[i] - u * (next_->z[i] - latest_->z[i]);
    off += d * d;
  }
  if (off > 0.04 * chord) co_return false;
  const double cosine = dot(n_, first_.tangent.data(), next_->tangent.data());
  if (std::fabs(cosine) < std::cos(2.0 * options_.max_turn)) co_return false;
  CurvePoint place = system_.make_point();
  const auto passed = [this](const CurvePoint& p) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n_; ++i) {
      sum += (p.z[i] - first_.z[i]) * (next_->z[i] - latest_->z[i]);
    }
    return sum;
  };
  double error = 0.0;
  if (!differ_in_sign(passed(*latest_), passed(*next_))) {
    place = std::fabs(passed(*latest_)) < std::fabs(passed(*next_)) ? *latest_ : *next_;
  } else {
    error = co_await locate(*latest_, *next_, passed, place);
  }
  if (error < 0.0) co_return false;
  const double gap = distance(n_, place.z.data(), first_.z.data());
  if (gap > 1e-6 * options_.max_step + 1e-9 * norm(n_, first_.z.data())) co_return false;
  std::erase_if(step_events_, [&](const CurveEvent& event) {
    return event.arclength > place.arclength + error + 1e-6 * options_.max_step;
  });
  *next_ = place;
  co_return true;
}

}  // namespace talweg
