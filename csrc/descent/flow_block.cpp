#include "descent/flow_block.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "descent/dormand_prince_inside.hpp"
#include "simd/instruction_set.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

namespace method = dormand_prince;

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr std::size_t widest = 128;
// Arrays of a block beside the stages: x, end, point, spare.
constexpr std::size_t arrays = method::stages + 1 + 4;
constexpr std::size_t cache =
    40 * 1024;  // bytes a block may fill while it still runs from near caches
// Steps times the largest eigenvalue, and so many of them before some that are shorter, that prove
// a trajectory stiff. Stability ends at 6.1 (Hairer's test), but with tight tolerances the error
// estimate keeps steps at half of that.
constexpr double stability = 2.5;
constexpr int proof_of_not_stiff = 6;
// Steps of this much over the largest eigenvalue are stable; longer ones would be rejected.
constexpr double stable = 5.5;
// Below this error, in units of the tolerance, differences between stages may be rounding.
constexpr double telling = 1e-6;
// With fewer steps to go a change of method does not pay.
constexpr double worth_changing = 30.0;
}  // namespace

std::size_t FlowBlock::lanes_for(std::size_t components) {
  std::size_t lanes = widest;
  while (lanes > 8 && lanes * components * arrays * sizeof(double) > cache) lanes /= 2;
  return lanes;
}

FlowBlock::FlowBlock(const FlowProblem& problem, FlowResult& result)
    : problem_(problem),
      options_(problem.options),
      kernels_(runge_kutta_kernels(active_isa())),
      watch_(problem, result),
      right_(problem.objective, problem.options.log_volume, lanes_for(problem.components)),
      n_(problem.n),
      components_(problem.components),
      capacity_(lanes_for(components_)),
      trajectory_(capacity_),
      memory_(arrays * components_ * capacity_),
      step_(capacity_),
      error_(capacity_),
      factor_(capacity_),
      square_(capacity_),
      stiffness_(capacity_),
      value_(capacity_),
      outcome_(capacity_),
      accepted_(capacity_),
      ready_x_(components_ * capacity_),
      ready_k_(ready_x_.size()),
      ready_euler_(ready_x_.size()),
      ready_slope_(ready_x_.size()),
      ready_value_(capacity_),
      ready_square_(capacity_) {
  double* next = memory_.data();
  const auto reserve = [&] { return std::exchange(next, next + components_ * capacity_); };
  x_ = reserve();
  end_ = reserve();
  point_ = reserve();
  spare_ = reserve();
  for (int j = 0; j <= method::stages; ++j) k_[j] = reserve();
  for (int j = method::stages + 1; j < method::dense_stages; ++j) k_[j] = nullptr;
  if (options_.method == FlowMethod::radau ||
      (options_.method == FlowMethod::automatic && n_ <= Radau::largest_dimension))
    radau_ = std::make_unique<Radau>(problem, watch_);
}

void FlowBlock::copy_column(const double* from, double* to, std::size_t from_lane,
                            std::size_t to_lane) const {
  for (std::size_t i = 0; i < components_; ++i)
    to[i * capacity_ + to_lane] = from[i * capacity_ + from_lane];
}

RungeKuttaRows FlowBlock::rows() const {
  return {components_, whole_vectors(live_), capacity_, step_.data(), x_, k_};
}

void FlowBlock::run(std::size_t first, std::size_t last) {
  next_ = first;
  last_ = last;
  for (refill(); live_ > 0; refill()) {
    if (interrupted()) {
      for (std::size_t l = 0; l < live_; ++l)
        watch_.finish(trajectory_[l], Status::interrupted, trajectory_[l].time, {x_ + l, capacity_},
                      square_[l]);
      live_ = 0;
      return;
    }
    advance();
  }
}

// The first step: Hairer, Norsett and Wanner, section II.4.
void FlowBlock::prepare() {
  ready_.clear();
  taken_ = 0;
  const std::size_t count = std::min(capacity_, last_ - next_);
  for (std::size_t l = 0; l < count; ++l) {
    for (std::size_t i = 0; i < n_; ++i)
      ready_x_[i * capacity_ + l] = problem_.starts[(next_ + l) * n_ + i];
    if (components_ > n_) ready_x_[n_ * capacity_ + l] = 0.0;
  }
  const bool level = problem_.watches_level();
  right_.evaluate(count, capacity_, ready_x_.data(), ready_k_.data(),
                  level ? ready_value_.data() : nullptr);
  std::vector<double> first(count), size(count), slope(count);
  for (std::size_t l = 0; l < count; ++l) {
    double x = 0.0, k = 0.0, square = 0.0;
    for (std::size_t i = 0; i < components_; ++i) {
      const std::size_t at = i * capacity_ + l;
      const double scale = options_.atol + options_.rtol * std::fabs(ready_x_[at]);
      x += ready_x_[at] / scale * (ready_x_[at] / scale);
      k += ready_k_[at] / scale * (ready_k_[at] / scale);
      if (i < n_) square += ready_k_[at] * ready_k_[at];
    }
    ready_square_[l] = square;
    slope[l] = k;
    first[l] = x > 1e-10 && k > 1e-10 ? 0.01 * std::sqrt(x / k) : 1e-6;
    if (options_.max_step > 0.0) first[l] = std::min(first[l], options_.max_step);
    for (std::size_t i = 0; i < components_; ++i) {
      const std::size_t at = i * capacity_ + l;
      ready_euler_[at] = ready_x_[at] - first[l] * ready_k_[at];
    }
  }
  if (options_.first_step == 0.0)
    right_.evaluate(count, capacity_, ready_euler_.data(), ready_slope_.data(), nullptr);
  for (std::size_t l = 0; l < count; ++l) {
    Trajectory trajectory;
    trajectory.index = next_ + l;
    trajectory.value = ready_value_[l];
    trajectory.step = options_.first_step;
    if (trajectory.step == 0.0) {
      double change = 0.0;
      for (std::size_t i = 0; i < components_; ++i) {
        const std::size_t at = i * capacity_ + l;
        const double scale = options_.atol + options_.rtol * std::fabs(ready_x_[at]);
        const double d = (ready_slope_[at] - ready_k_[at]) / scale;
        change += d * d;
      }
      const double second = std::max(std::sqrt(change) / first[l], std::sqrt(slope[l]));
      const double guess =
          second <= 1e-15 ? std::max(1e-6, 1e-3 * first[l]) : std::pow(0.01 / second, 0.125);
      trajectory.step = std::min(100.0 * first[l], guess);
      // The change of the gradient over itself: no longer than the time that it takes to fall.
      const double rate = std::sqrt(change / slope[l]) / first[l];
      if (rate * trajectory.step > 1.0) trajectory.step = 1.0 / rate;
      // Where a small step from the start is not finite the step control finds out how small.
      if (!(trajectory.step > 0.0)) trajectory.step = first[l];
    }
    const Column x{ready_x_.data() + l, capacity_};
    if (!std::isfinite(slope[l]) || (level && !std::isfinite(ready_value_[l]))) {
      watch_.finish(trajectory, Status::non_finite, 0.0, x, ready_square_[l]);
      continue;
    }
    if (watch_.begin(trajectory, x, ready_square_[l]) != Status::running) continue;
    // Which column holds it.
    trajectory.stiff = static_cast<int>(l);
    ready_.push_back(trajectory);
  }
  next_ += count;
}

void FlowBlock::refill() {
  while (live_ < capacity_) {
    while (taken_ == ready_.size()) {
      if (next_ == last_ || interrupted()) return;
      prepare();
    }
    Trajectory trajectory = ready_[taken_++];
    const std::size_t column = static_cast<std::size_t>(std::exchange(trajectory.stiff, 0));
    trajectory_[live_] = trajectory;
    square_[live_] = ready_square_[column];
    copy_column(ready_x_.data(), x_, column, live_);
    copy_column(ready_k_.data(), k_[0], column, live_);
    ++live_;
    if (options_.method == FlowMethod::radau) hand_over(live_ - 1);
  }
}

// The last lane takes the place of one that is done.
void FlowBlock::remove(std::size_t lane) {
  --live_;
  if (lane == live_) return;
  trajectory_[lane] = trajectory_[live_];
  square_[lane] = square_[live_];
  copy_column(x_, x_, live_, lane);
  copy_column(k_[0], k_[0], live_, lane);
}

void FlowBlock::evaluate_stages() {
  const RungeKuttaRows step = rows();
  for (int s = 1; s < method::stages; ++s) {
    kernels_.stage(step, s, point_);
    right_.evaluate(live_, capacity_, point_, k_[s], nullptr);
  }
}

void FlowBlock::advance() {
  const double last = problem_.last_time();
  for (std::size_t l = 0; l < live_; ++l) {
    double h = trajectory_[l].step;
    if (options_.max_step > 0.0) h = std::min(h, options_.max_step);
    const double rest = last - trajectory_[l].time;
    step_[l] = 1.01 * h >= rest ? rest : h;
  }
  evaluate_stages();
  kernels_.solution(rows(), options_.rtol, options_.atol, end_, error_.data(), factor_.data());
  for (std::size_t l = 0; l < live_; ++l) {
    accepted_[l] = error_[l] <= 1.0;
    trajectory_[l].not_finite = !std::isfinite(error_[l]);
    if (!accepted_[l]) copy_column(x_, end_, l, l);
  }
  const bool level = problem_.watches_level();
  right_.evaluate(live_, capacity_, end_, k_[method::stages], level ? value_.data() : nullptr);
  kernels_.stiffness(rows(), n_, end_, point_, k_[method::stages], square_.data(),
                     stiffness_.data());
  for (std::size_t l = 0; l < live_; ++l) {
    if (accepted_[l] && (!std::isfinite(square_[l]) || (level && !std::isfinite(value_[l])))) {
      accepted_[l] = false;
      trajectory_[l].not_finite = true;
      copy_column(x_, end_, l, l);
      copy_column(k_[0], k_[method::stages], l, l);
    }
    outcome_[l] = Status::running;
    ++(accepted_[l] ? trajectory_[l].steps : trajectory_[l].rejected);
  }
  look_inside();
  for (std::size_t l = 0; l < live_; ++l)
    if (outcome_[l] == Status::running) settle(l);
  std::swap(x_, end_);
  std::swap(k_[0], k_[method::stages]);
  for (std::size_t l = live_; l-- > 0;) {
    if (outcome_[l] != Status::running) {
      remove(l);
    } else if (trajectory_[l].stiff >= trajectory_[l].proof) {
      hand_over(l);
    }
  }
}

// Output times and events inside steps: those lanes alone get the stages of dense output.
void FlowBlock::look_inside() {
  inside_.clear();
  for (std::size_t l = 0; l < live_; ++l)
    if (accepted_[l] && !watch_.is_quiet(trajectory_[l], trajectory_[l].time + step_[l]) &&
        watch_.needs_inside(trajectory_[l], step_[l], {x_ + l, capacity_}, {end_ + l, capacity_},
                            value_[l]))
      inside_.push_back(l);
  if (inside_.empty()) return;
  const std::size_t array = components_ * capacity_, count = inside_.size();
  inside_memory_.resize((method::dense_stages + 2) * array + capacity_);
  double* const x = inside_memory_.data();
  double* const end = x + array;
  double* k[method::dense_stages];
  for (int j = 0; j < method::dense_stages; ++j) k[j] = end + (1 + j) * array;
  double* const step = end + (1 + method::dense_stages) * array;
  for (std::size_t c = 0; c < count; ++c) {
    const std::size_t l = inside_[c];
    step[c] = step_[l];
    copy_column(x_, x, l, c);
    copy_column(end_, end, l, c);
    for (int j = 0; j <= method::stages; ++j) copy_column(k_[j], k[j], l, c);
  }
  const RungeKuttaRows rows{components_, whole_vectors(count), capacity_, step, x, k};
  for (int s = method::stages + 1; s < method::dense_stages; ++s) {
    kernels_.stage(rows, s, spare_);
    right_.evaluate(count, capacity_, spare_, k[s], nullptr);
  }
  DormandPrinceInside inside(components_, options_, kernels_, right_);
  for (std::size_t c = 0; c < count; ++c) {
    const std::size_t l = inside_[c];
    inside.set(rows, end, c);
    outcome_[l] = watch_.look_inside(trajectory_[l], step_[l], inside, value_[l]);
  }
}

// What the step means for the next one.
void FlowBlock::settle(std::size_t l) {
  Trajectory& t = trajectory_[l];
  const Column end{end_ + l, capacity_};
  if (!accepted_[l]) {
    t.step = step_[l] * (t.not_finite ? 0.1 : std::min(factor_[l], 0.9));
    t.after_rejection = true;
    if (t.step <= 4.0 * epsilon * t.time || t.step < 1e-280)
      outcome_[l] = t.not_finite ? Status::non_finite : Status::step_too_small;
  } else {
    t.time = step_[l] == problem_.last_time() - t.time ? problem_.last_time() : t.time + step_[l];
    t.value = value_[l];
    t.step = step_[l] * (t.after_rejection ? std::min(factor_[l], 1.0) : factor_[l]);
    t.after_rejection = false;
    if (!watch_.is_quiet(t, t.time)) outcome_[l] = watch_.arrive(t, end, square_[l]);
    if (outcome_[l] != Status::running) return;
    const bool known = error_[l] > telling;
    if (known && stiffness_[l] * t.step > stable * step_[l])
      t.step = stable / stiffness_[l] * step_[l];
    if (radau_ && known && stiffness_[l] > stability) {
      t.not_stiff = 0;
      if (problem_.last_time() - t.time > worth_changing * t.step) ++t.stiff;
    } else if (++t.not_stiff == proof_of_not_stiff) {
      t.stiff = 0;
    }
  }
  if (outcome_[l] == Status::running && t.steps + t.rejected >= options_.max_steps)
    outcome_[l] = Status::not_converged;
  if (outcome_[l] != Status::running) watch_.finish(t, outcome_[l], t.time, end, square_[l]);
}

// A stiff trajectory takes implicit steps for as long as it is.
void FlowBlock::hand_over(std::size_t lane) {
  Trajectory& t = trajectory_[lane];
  t.stiff = t.not_stiff = 0;
  // One that comes back has to prove more the next time.
  t.proof *= 2;
  std::vector<double> x(components_), k(components_);
  for (std::size_t i = 0; i < components_; ++i) x[i] = x_[i * capacity_ + lane];
  const Status status = radau_->run(t, x.data(), options_.method == FlowMethod::automatic);
  if (status != Status::running) {
    remove(lane);
    return;
  }
  right_.evaluate(1, 1, x.data(), k.data(), nullptr);
  for (std::size_t i = 0; i < components_; ++i) {
    x_[i * capacity_ + lane] = x[i];
    k_[0][i * capacity_ + lane] = k[i];
  }
}

}  // namespace talweg
