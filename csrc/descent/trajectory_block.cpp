#include "descent/trajectory_block.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "objective/block_rows.hpp"
#include "simd/instruction_set.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

TrajectoryBlock::TrajectoryBlock(const Objective& objective, const DescentArrays& arrays,
                                 const DescentOptions& options, std::size_t count,
                                 std::size_t lanes)
    : objective_(objective),
      kernels_(descent_kernels(active_isa())),
      arrays_(arrays),
      options_(options),
      n_(objective.dimension()),
      count_(count),
      stride_(lanes),
      hessian_wanted_(arrays.smallest || arrays.largest || arrays.stretch || arrays.frames ||
                      ((arrays.log_volume || arrays.orientation) &&
                       (options.momentum == 0.0 || options.nesterov))),
      value_wanted_(arrays.record_value != nullptr),
      slope_wanted_(arrays.record_slope != nullptr || options.gradient_tolerance > 0.0),
      trajectories_(lanes),
      born_(lanes),
      taken_(options.noise > 0.0 ? lanes : 0),
      log_volume_(lanes),
      orientation_(lanes),
      smallest_(lanes),
      largest_(lanes),
      determinant_(lanes),
      sign_(lanes),
      eigenvalues_(hessian_wanted_ ? n_ * lanes : 0),
      statuses_(lanes) {
  const bool tangent = arrays.stretch || arrays.frames;
  const std::size_t rows = 4 * n_ + (options.nesterov ? n_ : 0) +
                           (hessian_wanted_ ? triangle(n_) : 0) + 2 + (tangent ? n_ * n_ + n_ : 0);
  double* room = memory_.reserve(rows * stride_);
  const auto take = [&](std::size_t wanted) {
    double* const taken = room;
    room += wanted * stride_;
    return taken;
  };
  x_ = take(n_);
  previous_ = take(n_);
  other_ = take(n_);
  point_ = options.nesterov ? take(n_) : nullptr;
  gradient_ = take(n_);
  hessian_ = hessian_wanted_ ? take(triangle(n_)) : nullptr;
  value_ = take(1);
  slope_ = take(1);
  frames_ = tangent ? take(n_ * n_) : nullptr;
  stretch_ = tangent ? take(n_) : nullptr;
  scratch_ = scratch_memory_.reserve((tangent ? n_ * n_ + 1 : 3) * stride_);
}

void TrajectoryBlock::start(std::size_t lane, std::size_t trajectory) {
  trajectories_[lane] = trajectory;
  born_[lane] = clock_;
  for (std::size_t i = 0; i < n_; ++i)
    for (double* const rows : {x_, previous_, point_})
      if (rows) rows[i * stride_ + lane] = arrays_.x[trajectory * n_ + i];
  log_volume_[lane] = 0.0;
  orientation_[lane] = 1.0;
  smallest_[lane] = infinity;
  largest_[lane] = -infinity;
  if (frames_ == nullptr) return;
  for (std::size_t i = 0; i < n_; ++i) {
    stretch_[i * stride_ + lane] = 0.0;
    for (std::size_t j = 0; j < n_; ++j) frames_[(i * n_ + j) * stride_ + lane] = i == j;
  }
}

void TrajectoryBlock::finish(std::size_t lane, Status status) {
  const std::size_t k = trajectories_[lane];
  // The gradient that is small is that of the extrapolated point.
  const double* const last = status == Status::converged && point_ ? point_ : x_;
  for (std::size_t i = 0; i < n_; ++i) arrays_.x[k * n_ + i] = last[i * stride_ + lane];
  arrays_.steps[k] = taken(lane);
  arrays_.statuses[k] = status;
  if (arrays_.log_volume) arrays_.log_volume[k] = log_volume_[lane];
  if (arrays_.orientation) arrays_.orientation[k] = orientation_[lane];
  if (arrays_.smallest) arrays_.smallest[k] = smallest_[lane];
  if (arrays_.largest) arrays_.largest[k] = largest_[lane];
  for (std::size_t i = 0; i < n_; ++i) {
    if (arrays_.stretch) arrays_.stretch[k * n_ + i] = stretch_[i * stride_ + lane];
    if (arrays_.frames == nullptr) continue;
    for (std::size_t j = 0; j < n_; ++j)
      arrays_.frames[(k * n_ + i) * n_ + j] = frames_[(i * n_ + j) * stride_ + lane];
  }
  trajectories_[lane] = count_;  // the place is free
  changed_ = true;
}

void TrajectoryBlock::move(std::size_t from, std::size_t to) {
  trajectories_[to] = std::exchange(trajectories_[from], count_);
  born_[to] = born_[from];
  log_volume_[to] = log_volume_[from];
  orientation_[to] = orientation_[from];
  smallest_[to] = smallest_[from];
  largest_[to] = largest_[from];
  for (std::size_t i = 0; i < n_; ++i) {
    for (double* const rows : {x_, previous_, point_})
      if (rows) rows[i * stride_ + to] = rows[i * stride_ + from];
  }
  if (frames_ == nullptr) return;
  for (std::size_t i = 0; i < n_; ++i) stretch_[i * stride_ + to] = stretch_[i * stride_ + from];
  for (std::size_t i = 0; i < n_ * n_; ++i) frames_[i * stride_ + to] = frames_[i * stride_ + from];
}

// Free places go to trajectories that wait, then to the last ones under way.
void TrajectoryBlock::refill() {
  std::size_t lane = 0;
  while (lane < lanes_) {
    if (trajectories_[lane] != count_) {
      ++lane;
    } else if (next_ < last_) {
      start(lane++, next_++);
    } else if (trajectories_[lanes_ - 1] == count_) {
      --lanes_;
    } else {
      move(--lanes_, lane++);
    }
  }
  changed_ = false;
  std::uint64_t wait = options_.steps;
  for (std::size_t l = 0; l < lanes_; ++l) {
    wait = std::min(wait, options_.steps - taken(l));
    if (const std::uint64_t every = options_.record_every; every != 0)
      wait = std::min(wait, (every - taken(l) % every) % every);
  }
  next_event_ = clock_ + wait;
  // What fills the last vector is computed and not looked at.
  padded_ = lanes_ > 0 ? grouped_lanes(lanes_) : 0;
  for (double* const rows : {x_, previous_, point_})
    if (rows) pad(rows, n_);
}

void TrajectoryBlock::pad(double* rows, std::size_t number) const {
  for (std::size_t i = 0; i < number; ++i)
    for (std::size_t l = lanes_; l < padded_; ++l) rows[i * stride_ + l] = rows[i * stride_];
}

void TrajectoryBlock::evaluate() {
  EvaluationBlock block;
  block.lanes = lanes_;
  block.stride = stride_;
  block.x = point_ ? point_ : x_;
  block.gradient = gradient_;
  block.hessian = hessian_;
  block.value = value_;
  objective_.evaluate(quantity_gradient | (hessian_wanted_ ? quantity_hessian : 0u) |
                          (value_wanted_ ? quantity_value : 0u),
                      block);
  pad(gradient_, n_);
  if (hessian_wanted_) pad(hessian_, triangle(n_));
  if (slope_wanted_) {
    kernels_.square_norms(n_, padded_, stride_, gradient_, slope_);
  }
}

// By squares, and with room for rounding: end_some looks at them closely.
bool TrajectoryBlock::some_are_flat() const {
  const double bound = options_.gradient_tolerance * options_.gradient_tolerance * (1.0 + 1e-12);
  unsigned some = 0;
  for (std::size_t l = 0; l < lanes_; ++l) some |= slope_[l] <= bound;
  return some != 0;
}

void TrajectoryBlock::record() {
  if (options_.record_every == 0) return;
  for (std::size_t l = 0; l < lanes_; ++l) {
    if (taken(l) % options_.record_every != 0) continue;
    const std::size_t k = trajectories_[l];
    const std::size_t at = taken(l) / options_.record_every * count_ + k;
    if (arrays_.path)
      for (std::size_t i = 0; i < n_; ++i) arrays_.path[at * n_ + i] = x_[i * stride_ + l];
    if (arrays_.record_volume) arrays_.record_volume[at] = log_volume_[l];
    if (arrays_.record_value) arrays_.record_value[at] = value_[l];
    if (arrays_.record_slope) arrays_.record_slope[at] = std::sqrt(slope_[l]);
  }
}

void TrajectoryBlock::end_some() {
  for (std::size_t l = 0; l < lanes_; ++l) {
    const bool flat =
        options_.gradient_tolerance > 0.0 && std::sqrt(slope_[l]) <= options_.gradient_tolerance;
    if (flat || taken(l) == options_.steps) finish(l, flat ? Status::converged : Status::max_steps);
  }
}

void TrajectoryBlock::follow_hessian() {
  const bool heavy = options_.momentum > 0.0 && !options_.nesterov;
  const bool volume = arrays_.log_volume || arrays_.orientation || arrays_.record_volume;
  const double pairs =
      options_.momentum > 0.0 ? static_cast<double>(n_) * std::log(options_.momentum) : 0.0;
  if (volume && heavy)
    for (std::size_t l = 0; l < lanes_; ++l) log_volume_[l] += pairs;
  if (!hessian_wanted_) return;
  const PackedMatrices matrices{n_, lanes_, hessian_, stride_};
  if (volume && !heavy) {
    factorisation_.determinants(matrices, 1.0, -options_.step_length, determinant_.data(),
                                sign_.data(), statuses_.data());
    for (std::size_t l = 0; l < lanes_; ++l) {
      log_volume_[l] += determinant_[l] + pairs;
      orientation_[l] *= sign_[l];
    }
  }
  if (arrays_.smallest || arrays_.largest) {
    eigen_.decompose(matrices, eigenvalues_.data(), nullptr, statuses_.data());
    for (std::size_t l = 0; l < lanes_; ++l) {
      // A NaN, where the Hessian is not finite, is kept.
      const double low = eigenvalues_[l * n_], high = eigenvalues_[l * n_ + n_ - 1];
      if (low < smallest_[l] || std::isnan(low)) smallest_[l] = low;
      if (high > largest_[l] || std::isnan(high)) largest_[l] = high;
    }
  }
  if (frames_ != nullptr)
    kernels_.stretch(n_, padded_, stride_, hessian_, options_.step_length, frames_, stretch_,
                     scratch_);
}

void TrajectoryBlock::advance() {
  if (options_.noise > 0.0) {
    for (std::size_t l = 0; l < lanes_; ++l) taken_[l] = taken(l);
    kernels_.add_noise(n_, padded_, stride_, options_.seed, trajectories_.data(), taken_.data(),
                       std::sqrt(options_.noise), gradient_, scratch_);
  }
  const bool heavy = options_.momentum > 0.0 && !options_.nesterov;
  const bool broken =
      kernels_.step(n_, padded_, stride_, point_ ? point_ : x_, gradient_, heavy ? x_ : nullptr,
                    previous_, options_.step_length, options_.momentum, other_);
  if (broken) {
    for (std::size_t l = 0; l < lanes_; ++l) {
      if (trajectories_[l] == count_) continue;
      bool finite = true;
      for (std::size_t i = 0; i < n_; ++i)
        finite = finite && std::isfinite(other_[i * stride_ + l]);
      if (!finite) finish(l, Status::non_finite);
    }
  }
  ++clock_;
  if (options_.momentum > 0.0) std::swap(previous_, other_);
  // previous <- x <- next, or x <- next: fewer rows then stay in the caches.
  std::swap(options_.momentum > 0.0 ? previous_ : other_, x_);
  if (point_) kernels_.extrapolate(n_, padded_, stride_, x_, previous_, options_.momentum, point_);
}

bool TrajectoryBlock::run(std::size_t first, std::size_t last) {
  next_ = first;
  last_ = last;
  lanes_ = std::min(stride_, last - first);
  std::fill(trajectories_.begin(), trajectories_.end(), count_);
  changed_ = true;
  for (;;) {
    const bool due = changed_ || clock_ >= next_event_;
    if (due) refill();
    if (lanes_ == 0) return true;
    evaluate();
    // Asked after the evaluation: an interrupted function leaves no gradient.
    if (interrupted()) {
      for (std::size_t l = 0; l < lanes_; ++l) finish(l, Status::interrupted);
      return false;
    }
    if (due) record();
    if (due || (options_.gradient_tolerance > 0.0 && some_are_flat())) end_some();
    // Free places are refilled before the next evaluation and go along until then; a step that
    // leads nowhere is not part of what was followed.
    advance();
    follow_hessian();
  }
}

}  // namespace talweg
