#include "descent/compiled_descent.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "parallel/thread_pool.hpp"
#include "spectrum/aligned_memory.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// Steps between two looks at interrupts and at what is finite still: the calls cost nothing beside
// them, and little is lost where a descent blows up.
constexpr std::size_t portion = 1024;

// The first ones where caution pays: descents that blow up mostly do so in their first steps.
constexpr std::size_t first_portion = 16;

// The code squares entries of a Hessian of two rows; these squares have lost digits where its
// eigenvalues are closer to 0. Where others on the way were not, that is far below their rounding.
constexpr double small_eigenvalue = 0x1p-440;

// Trajectories of one chunk: enough that a thread's way to the next one costs nothing, few enough
// that threads share the work evenly.
constexpr std::size_t most_in_chunk = 512;

// A group of lanes that go through the code together.
class Group {
 public:
  Group(const Objective& objective, const CompiledDescent& code, const DescentArrays& arrays,
        const DescentOptions& options, std::size_t count)
      : code_(code),
        arrays_(arrays),
        options_(options),
        n_(objective.dimension()),
        count_(count),
        stops_(options.gradient_tolerance > 0.0),
        trajectories_(code.lanes, count),
        taken_(code.lanes),
        records_(code.lanes),
        due_(code.lanes) {
    state_ = memory_.reserve(2 * code.rows * code.lanes);
    trial_ = state_ + code.rows * code.lanes;
  }

  // False when interrupted.
  bool run(std::size_t first, std::size_t last);

  std::vector<std::size_t> odd;  // trajectories that have to go another way

 private:
  double& at(std::size_t row, std::size_t lane) { return state_[row * code_.lanes + lane]; }
  void start(std::size_t lane, std::size_t trajectory);
  void finish(std::size_t lane, Status status);
  void copy_point(std::size_t lane, double* to, bool extrapolated);
  bool ordinary(std::size_t lane);
  bool lost_digits(std::size_t lane);
  double log_volume(std::size_t lane);
  void record(std::size_t lane);
  void end_full();
  bool refill();

  const CompiledDescent& code_;
  const DescentArrays& arrays_;
  const DescentOptions& options_;
  const std::size_t n_, count_;
  const bool stops_;
  // Whether the group goes by short portions at first, as it does after one in which most of its
  // lanes were lost: what is computed of them until its end is in vain.
  bool cautious_ = true;
  std::size_t next_ = 0, last_ = 0;
  AlignedMemory memory_;
  double *state_, *trial_;
  std::vector<std::size_t> trajectories_;  // count_ where a lane is free
  std::vector<std::size_t> taken_;         // steps
  std::vector<std::size_t> records_;       // so far
  std::vector<std::size_t> due_;           // steps at the next record
};

void Group::start(std::size_t lane, std::size_t trajectory) {
  trajectories_[lane] = trajectory;
  taken_[lane] = 0;
  records_[lane] = 0;
  due_[lane] = options_.record_every == 0 ? std::numeric_limits<std::size_t>::max() : 0;
  for (std::size_t i = 0; i < n_; ++i) {
    const double x = arrays_.x[trajectory * n_ + i];
    at(code_.x + i, lane) = x;
    if (code_.before != code_.none) at(code_.before + i, lane) = x;
  }
  const auto set = [&](std::size_t row, double value) {
    if (row != code_.none) at(row, lane) = value;
  };
  const double tolerance = options_.gradient_tolerance;
  set(code_.bound, tolerance * tolerance);
  set(code_.product, 1.0);
  set(code_.exponent, 0.0);
  set(code_.smallest, infinity);
  set(code_.largest, -infinity);
  set(code_.odd, 0.0);
}

void Group::copy_point(std::size_t lane, double* to, bool extrapolated) {
  for (std::size_t i = 0; i < n_; ++i) {
    const double x = at(code_.x + i, lane);
    to[i] = extrapolated ? std::fma(options_.momentum, x - at(code_.before + i, lane), x) : x;
  }
}

// Whether everything that has been followed is a number that the code may be trusted with.
bool Group::ordinary(std::size_t lane) {
  for (std::size_t i = 0; i < n_; ++i)
    if (!std::isfinite(at(code_.x + i, lane))) return false;
  if (code_.odd != code_.none && std::bit_cast<std::uint64_t>(at(code_.odd, lane)) != 0)
    return false;
  return code_.smallest == code_.none || taken_[lane] == 0 ||
         (std::isfinite(at(code_.smallest, lane)) && std::isfinite(at(code_.largest, lane)));
}

// Whether an extreme eigenvalue came out of squares that vanished.
bool Group::lost_digits(std::size_t lane) {
  if (code_.smallest == code_.none || n_ < 2) return false;
  const double low = std::fabs(at(code_.smallest, lane));
  const double high = std::fabs(at(code_.largest, lane));
  const auto small = [](double value) { return value < small_eigenvalue; };
  return (small(low) && (low > 0.0 || small(high))) || (small(high) && high > 0.0);
}

double Group::log_volume(std::size_t lane) {
  double result = 0.0;
  if (code_.product != code_.none) {
    const auto exponent = std::bit_cast<std::int64_t>(at(code_.exponent, lane));
    result = std::log(std::fabs(at(code_.product, lane))) +
             static_cast<double>(exponent) * 0.69314718055994530942;
  }
  if (options_.momentum > 0.0)
    result += static_cast<double>(n_ * taken_[lane]) * std::log(options_.momentum);
  return result;
}

void Group::finish(std::size_t lane, Status status) {
  const std::size_t k = trajectories_[lane];
  trajectories_[lane] = count_;
  if (code_.bound != code_.none) at(code_.bound, lane) = -1.0;
  if (!ordinary(lane) || lost_digits(lane)) {
    odd.push_back(k);
    return;
  }
  copy_point(lane, arrays_.x + k * n_, status == Status::converged && options_.nesterov);
  arrays_.steps[k] = taken_[lane];
  arrays_.statuses[k] = status;
  if (arrays_.log_volume) arrays_.log_volume[k] = log_volume(lane);
  if (arrays_.orientation)
    arrays_.orientation[k] =
        code_.product == code_.none ? 1.0 : std::copysign(1.0, at(code_.product, lane));
  if (arrays_.smallest) arrays_.smallest[k] = 0.5 * at(code_.smallest, lane);
  if (arrays_.largest) arrays_.largest[k] = 0.5 * at(code_.largest, lane);
}

void Group::record(std::size_t lane) {
  const std::size_t k = trajectories_[lane];
  const std::size_t row = records_[lane]++ * count_ + k;
  due_[lane] += options_.record_every;
  if (arrays_.path) copy_point(lane, arrays_.path + row * n_, false);
  if (arrays_.record_volume) arrays_.record_volume[row] = log_volume(lane);
}

// Descents that have taken all their steps. Some may end on a flat spot: the code tells on a copy.
void Group::end_full() {
  bool some = false;
  for (std::size_t l = 0; l < code_.lanes; ++l)
    some = some || (trajectories_[l] != count_ && taken_[l] == options_.steps);
  if (!some) return;
  bool flat = false;
  if (stops_) {
    std::copy_n(state_, code_.rows * code_.lanes, trial_);
    flat = code_.advance(trial_, 1, code_.parameters) == 0;
  }
  for (std::size_t l = 0; l < code_.lanes; ++l) {
    if (trajectories_[l] == count_ || taken_[l] != options_.steps) continue;
    const bool here = flat && trial_[code_.square * code_.lanes + l] <= at(code_.bound, l);
    finish(l, here ? Status::converged : Status::max_steps);
    cautious_ = false;
  }
}

// Whether some lane is under way.
bool Group::refill() {
  bool some = false;
  std::size_t busy = code_.lanes;
  for (std::size_t l = 0; l < code_.lanes; ++l) {
    if (trajectories_[l] == count_ && next_ < last_) start(l, next_++);
    if (trajectories_[l] == count_) continue;
    some = true;
    busy = l;
  }
  // What fills free lanes is computed and not looked at; numbers out of the ordinary may be slow.
  if (some)
    for (std::size_t l = 0; l < code_.lanes; ++l) {
      if (trajectories_[l] != count_) continue;
      for (std::size_t r = 0; r < code_.rows; ++r) at(r, l) = at(r, busy);
      if (code_.bound != code_.none) at(code_.bound, l) = -1.0;
    }
  return some;
}

bool Group::run(std::size_t first, std::size_t last) {
  next_ = first;
  last_ = last;
  while (refill()) {
    for (std::size_t l = 0; l < code_.lanes; ++l)
      if (trajectories_[l] != count_ && taken_[l] == due_[l]) record(l);
    end_full();
    std::size_t steps = portion;
    bool some = false;
    for (std::size_t l = 0; l < code_.lanes; ++l) {
      if (trajectories_[l] == count_) continue;
      some = true;
      steps = std::min({steps, options_.steps - taken_[l], due_[l] - taken_[l]});
      if (cautious_ || code_.cautious) steps = std::min(steps, std::max(taken_[l], first_portion));
    }
    if (!some) continue;
    if (interrupted()) {
      for (std::size_t l = 0; l < code_.lanes; ++l)
        if (trajectories_[l] != count_) finish(l, Status::interrupted);
      return false;
    }
    const auto done = static_cast<std::size_t>(
        code_.advance(state_, static_cast<std::int64_t>(steps), code_.parameters));
    std::size_t under_way = 0, lost = 0;
    for (std::size_t l = 0; l < code_.lanes; ++l) {
      if (trajectories_[l] == count_) continue;
      ++under_way;
      taken_[l] += done;
      if (!ordinary(l)) {
        ++lost;
        finish(l, Status::non_finite);
      } else if (done < steps && at(code_.square, l) <= at(code_.bound, l)) {
        finish(l, Status::converged);
        cautious_ = false;
      }
    }
    if (2 * lost > under_way) cautious_ = true;
  }
  return true;
}

// The whole descents of some trajectories by blocks of evaluations.
Status go_another_way(const Objective& objective, const std::vector<std::size_t>& which,
                      std::size_t count, const DescentArrays& arrays,
                      const DescentOptions& options) {
  const std::size_t m = which.size(), n = objective.dimension();
  const std::size_t records = descent_records(options);
  std::vector<std::uint64_t> steps(m);
  std::vector<Status> statuses(m);
  std::vector<std::vector<double>> rooms;
  struct Copy {
    double *from, *to;
    std::size_t rows, columns;
  };
  std::vector<Copy> copies;
  const auto room = [&](double* to, std::size_t rows, std::size_t columns) -> double* {
    if (!to) return nullptr;
    rooms.emplace_back(rows * m * columns, std::numeric_limits<double>::quiet_NaN());
    copies.push_back({rooms.back().data(), to, rows, columns});
    return rooms.back().data();
  };
  DescentArrays part;
  part.x = room(arrays.x, 1, n);
  for (std::size_t k = 0; k < m; ++k) std::copy_n(arrays.x + which[k] * n, n, part.x + k * n);
  part.steps = steps.data();
  part.statuses = statuses.data();
  part.log_volume = room(arrays.log_volume, 1, 1);
  part.orientation = room(arrays.orientation, 1, 1);
  part.smallest = room(arrays.smallest, 1, 1);
  part.largest = room(arrays.largest, 1, 1);
  part.path = room(arrays.path, records, n);
  part.record_volume = room(arrays.record_volume, records, 1);
  const Status status = descend(objective, m, part, options);
  for (std::size_t k = 0; k < m; ++k) {
    arrays.steps[which[k]] = steps[k];
    arrays.statuses[which[k]] = statuses[k];
    for (const Copy& copy : copies)
      for (std::size_t row = 0; row < copy.rows; ++row)
        std::copy_n(copy.from + (row * m + k) * copy.columns, copy.columns,
                    copy.to + (row * count + which[k]) * copy.columns);
  }
  return status;
}

}  // namespace

Status descend(const Objective& objective, const CompiledDescent& code, std::size_t count,
               const DescentArrays& arrays, const DescentOptions& options) {
  if (options.noise > 0.0 || arrays.stretch || arrays.frames || arrays.record_value ||
      arrays.record_slope)
    throw std::invalid_argument("code: it knows neither noise, tangent maps nor recorded values");
  std::size_t workers = options.workers == 0 ? available_processors() : options.workers;
  // A share for every thread, in whole groups.
  const std::size_t share = std::min(most_in_chunk, (count + workers - 1) / workers);
  const std::size_t chunk =
      std::max<std::size_t>((share + code.lanes - 1) / code.lanes, 1) * code.lanes;
  const std::size_t chunks = (count + chunk - 1) / chunk;
  std::fill_n(arrays.statuses, count, Status::interrupted);
  std::fill_n(arrays.steps, count, 0);
  std::atomic<bool> stopped{false};
  std::mutex mutex;
  std::vector<std::size_t> odd;
  parallel_for(chunks, workers, [&](std::size_t number) {
    Group group(objective, code, arrays, options, count);
    if (!group.run(number * chunk, std::min(count, (number + 1) * chunk)))
      stopped.store(true, std::memory_order_relaxed);
    const std::scoped_lock lock(mutex);
    odd.insert(odd.end(), group.odd.begin(), group.odd.end());
  });
  if (stopped) return Status::interrupted;
  if (!odd.empty()) {
    std::sort(odd.begin(), odd.end());
    if (go_another_way(objective, odd, count, arrays, options) == Status::interrupted)
      return Status::interrupted;
  }
  for (std::size_t k = 0; k < count; ++k)
    if (!succeeded(arrays.statuses[k])) return arrays.statuses[k];
  return Status::converged;
}

}  // namespace talweg
