#include "curve/follower.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "curve/predictor.hpp"

namespace talweg {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr int most_corrections = 6;

double norm(std::size_t n, const double* x) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return std::sqrt(sum);
}

double distance(std::size_t n, const double* x, const double* y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(sum);
}

double dot(std::size_t n, const double* x, const double* y) {
  double sum = 0.0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

bool differ_in_sign(double a, double b) { return (a < 0.0) != (b < 0.0); }

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

bool Follower::outside(const CurvePoint& point) const {
  if (options_.lower.empty()) return false;
  for (std::size_t i = 0; i < n_; ++i) {
    if (point.z[i] < options_.lower[i] || point.z[i] > options_.upper[i]) return true;
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
    ++curve_.evaluations;
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
  if (fa == 0.0) {
    point = to;
    co_return resolution* length;
  }
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
      co_return -1.0;
    }
    regular = regular && trial->singularity > 0.5 * std::min(from.singularity, to.singularity);
    // Where the prediction put it; the correction is orthogonal to the curve.
    trial->arclength = start + u * length;
    const double fu = function(*trial);
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
  point.arclength = start + arc_length(from, point, n_);
  // The bracket may be wider than the error where the last steps all came from one side.
  const double slope = std::fabs(fa - fb) > 0.0 ? width / std::fabs(fa - fb) : 1.0;
  co_return (resolution + std::min(width, 4.0 * slope * best)) * length + looseness;
}

void Follower::adapt_step() {
  const double h = step_length_;
  double factor = 2.0;
  // Cube roots are slow, and most corrections are far too small to ask for a shorter step.
  if (first_correction_ * 8.0 > 2e-3 * h) factor = std::cbrt(2e-3 * h / first_correction_);
  const double turn = std::max(turn_, 0.7 * vector_turn_);
  if (turn > 0.0) factor = std::min(factor, 0.5 * options_.max_turn / turn);
  step_length_ = std::min(options_.max_step, h * std::max(factor, 0.3));
}

bool Follower::may_hide_event() const {
  // An extremum of an event function inside the step with a value beyond zero: two zeros between
  // points of equal sign.
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
  // Closer than this, noise in the points themselves tells nothing more.
  const bool short_enough = step_length_ <= 1e-5 * options_.max_step;
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
  const double loosest = 1e-6 * options_.max_step;
  if (!short_enough && (spread > std::max(1e-5 * step_length_, 4.0 * error) ||
                        (error > loosest && step_length_ > 1e3 * loosest))) {
    co_return Verdict::shorten;
  }
  CurveEvent event;
  event.kind = EventKind::branch_point;
  event.kernel_dimension = high - low;
  event.error = error + spread;
  event.point = place;
  event.arclength = place.arclength;
  step_events_.push_back(std::move(event));
  co_return Verdict::accept;
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

bool Follower::has_events() const {
  const auto functions = system_.event_functions();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (!functions[i].is_index_function && differ_in_sign(latest_->events[i], next_->events[i])) {
      return true;
    }
  }
  return false;
}

bool Follower::near_face() const {
  if (options_.lower.empty()) return false;
  for (std::size_t i = 0; i < n_; ++i) {
    const double low = std::min(latest_->z[i], next_->z[i]) - step_length_;
    const double high = std::max(latest_->z[i], next_->z[i]) + step_length_;
    if (low < options_.lower[i] || high > options_.upper[i]) return true;
  }
  return false;
}

bool Follower::near_start() const {
  return curve_.points() >= 4 && next_->arclength >= 4.0 * options_.initial_step &&
         distance(n_, first_.z.data(), next_->z.data()) <= 1.1 * step_length_;
}

Task<void> Follower::locate_events() {
  const auto functions = system_.event_functions();
  const bool fold_located =
      std::any_of(step_events_.begin(), step_events_.end(),
                  [](const CurveEvent& event) { return event.kind == EventKind::level_fold; });
  CurvePoint place = system_.make_point();
  for (std::size_t i = 0; i < functions.size(); ++i) {
    if (functions[i].is_index_function) continue;
    if (functions[i].kind == EventKind::level_fold && fold_located) continue;
    const double before = latest_->events[i], after = next_->events[i];
    if (before == 0.0 || !differ_in_sign(before, after)) continue;
    // A zero at the start belongs to the start; tangents at branch points are known less well.
    const double start_error = start_.tangent.empty() ? 1e-7 : 1e-4;
    if (curve_.points() == 1 && std::fabs(before) <= start_error * std::fabs(after)) continue;
    const double error =
        co_await locate(*latest_, *next_, [i](const CurvePoint& p) { return p.events[i]; }, place);
    if (error < 0.0) continue;
    add_event(functions[i].kind, place, error);
  }
}

Task<bool> Follower::leave_box() {
  if (options_.lower.empty()) co_return false;
  // Where the arc between the points first crosses a face; the cubic through both ends sees
  // excursions that come back within the step.
  const CurvePoint* ends[2] = {latest_, next_};
  std::vector<double> z(system_.unknowns()), slope(system_.unknowns());
  double beyond = 2.0;
  const int samples = outside(*next_) ? 8 : 4;
  for (int i = 1; i <= samples && beyond > 1.0; ++i) {
    const double u = static_cast<double>(i) / samples;
    if (i == samples) {
      std::copy(next_->z.begin(), next_->z.end(), z.begin());
    } else {
      hermite(ends, 2, latest_->arclength + u * (next_->arclength - latest_->arclength), z.data(),
              slope.data());
    }
    bool out = false;
    for (std::size_t j = 0; j < n_; ++j) {
      out = out || z[j] < options_.lower[j] || z[j] > options_.upper[j];
    }
    if (out) beyond = u;
  }
  if (beyond > 1.0) co_return false;
  CurvePoint end = *next_;
  if (beyond < 1.0) {
    const double arclength = latest_->arclength + beyond * (next_->arclength - latest_->arclength);
    const bool followed = co_await between(*latest_, *next_, arclength, end);
    if (!followed) co_return false;
    end.arclength = latest_->arclength + arc_length(*latest_, end, n_);
    if (!outside(end)) co_return false;
  }
  CurvePoint place = system_.make_point();
  const auto excess = [this](const CurvePoint& p) {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t j = 0; j < n_; ++j) {
      largest = std::max({largest, options_.lower[j] - p.z[j], p.z[j] - options_.upper[j]});
    }
    return largest;
  };
  double error = -1.0;
  if (excess(*latest_) >= 0.0) {
    place = *latest_;
    error = 0.0;
  } else {
    error = co_await locate(*latest_, end, excess, place);
    if (error < 0.0) co_return false;
  }
  // A branch point on the face itself is known better than any point beside it.
  for (const CurveEvent& event : step_events_) {
    if (event.kind == EventKind::branch_point && event.error < error &&
        std::fabs(event.arclength - place.arclength) <= error &&
        excess(event.point) >= -4.0 * event.error) {
      place = event.point;
      error = event.error;
    }
  }
  std::erase_if(step_events_,
                [&](const CurveEvent& event) { return event.arclength > place.arclength + error; });
  // On the face exactly, so that the last point is inside the box for everybody.
  for (std::size_t j = 0; j < n_; ++j) {
    place.z[j] = std::clamp(place.z[j], options_.lower[j], options_.upper[j]);
  }
  add_event(EventKind::boundary, place, error);
  *next_ = place;
  co_return true;
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
  std::erase_if(step_events_,
                [&](const CurveEvent& event) { return event.arclength > place.arclength + error; });
  *next_ = place;
  co_return true;
}

bool Follower::curvature_peaked() {
  const bool peak = history_ >= 3 && curvature_rises_ && curvature_ < earlier_curvature_;
  peak_curvature_ = earlier_curvature_;
  curvature_rises_ = curvature_ >= earlier_curvature_;
  earlier_curvature_ = curvature_;
  return peak && peak_curvature_ * options_.near_branch_distance >= 0.125;
}

Task<void> Follower::look_for_near_branch() {
  // The curvature of a curve peaks where it turns past the centre of an avoided crossing.
  const double reach = 4.0 / peak_curvature_ + distance(n_, latest_->z.data(), earliest_->z.data());
  const Crossing crossing =
      co_await find_crossing(lane_, system_, *earlier_, reach, options_.near_branch_distance);
  if (!crossing.found || crossing.exact || crossing.half_gap > options_.near_branch_distance) {
    co_return;
  }
  const double* centre = crossing.centre.z.data();
  for (const auto& seen : near_centres_) {
    if (distance(n_, seen.data(), centre) <= 1e-3 * crossing.half_gap + crossing.error) co_return;
  }
  const auto past = [this, centre](const CurvePoint& p) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n_; ++i) sum += (p.z[i] - centre[i]) * p.tangent[i];
    return sum;
  };
  // The sharpest step and its neighbours; next_ still holds the point before earliest_.
  const CurvePoint* ends[4] = {next_, earliest_, earlier_, latest_};
  for (int i = curve_.points() >= 4 ? 0 : 1; i < 3; ++i) {
    if (!differ_in_sign(past(*ends[i]), past(*ends[i + 1]))) continue;
    CurvePoint place = system_.make_point();
    const double error = co_await locate(*ends[i], *ends[i + 1], past, place);
    if (error < 0.0) continue;
    const double gap = distance(n_, place.z.data(), centre);
    // A crossing of other curves, far from this one.
    if (gap > options_.near_branch_distance) continue;
    CurveEvent event;
    event.kind = EventKind::near_branch;
    event.arclength = place.arclength;
    event.error = error + crossing.error;
    event.distance = gap;
    event.point = place;
    event.centre = crossing.centre.z;
    event.crossing_tangents = crossing.lines;
    curve_.events.push_back(std::move(event));
    near_centres_.push_back(crossing.centre.z);
    break;
  }
}

Task<void> Follower::follow() {
  const bool started = co_await start();
  if (!started) co_return;
  co_await lane_.pause();
  step_length_ = std::min(options_.initial_step, options_.max_step);
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
        if (flipped && !repeated) verdict = co_await judge_crossing();
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
    if (verdict == Verdict::stop) {
      const bool finite = system_.convergence(*next_, 1.0).ratio >= 0.0;
      curve_.status = finite ? Status::step_too_small : Status::non_finite;
      break;
    }
    if (verdict == Verdict::shorten) continue;

    // Most steps have nothing of this; asking first spares them the coroutines.
    if (has_events()) co_await locate_events();
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
      const bool stops = (kind == EventKind::critical_point && options_.stop_at_critical_points) ||
                         (kind == EventKind::branch_point && options_.stop_at_branch_points);
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
