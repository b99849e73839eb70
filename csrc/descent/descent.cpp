#include "talweg/descent.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "descent/trajectory_block.hpp"
#include "objective/block_rows.hpp"
#include "parallel/thread_pool.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/lapack_hook.hpp"
#include "spectrum/packed_eigen.hpp"

namespace talweg {

namespace {

// Numbers of a block: 128 kilobytes, which the second-level cache holds beside what the objective
// itself needs.
constexpr std::size_t block_numbers = 16384;
constexpr std::size_t most_lanes = 1024;

// Trajectories of one chunk, in lanes: enough that places are seldom empty at its end, few enough
// that threads share the work evenly.
constexpr std::size_t chunk_lanes = 4;

void check(const DescentOptions& options, const DescentArrays& arrays) {
  const auto refuse = [](const std::string& message) { throw std::invalid_argument(message); };
  if (!(options.step_length > 0.0 && std::isfinite(options.step_length)))
    refuse("step_length: want a positive finite number, got " +
           std::to_string(options.step_length));
  if (!(options.momentum >= 0.0 && options.momentum < 1.0))
    refuse("momentum: want 0 <= momentum < 1, got " + std::to_string(options.momentum));
  if (!(options.noise >= 0.0 && std::isfinite(options.noise)))
    refuse("noise: want a variance, not negative, got " + std::to_string(options.noise));
  if (!(options.gradient_tolerance >= 0.0))
    refuse("gradient_tolerance: want at least 0, got " +
           std::to_string(options.gradient_tolerance));
  if (options.momentum > 0.0 && (arrays.stretch || arrays.frames))
    refuse("momentum: the tangent map is that of descent without momentum");
}

}  // namespace

std::size_t descent_records(const DescentOptions& options) noexcept {
  return options.record_every == 0 ? 0 : options.steps / options.record_every + 1;
}

Status descend(const Objective& objective, std::size_t count, const DescentArrays& arrays,
               const DescentOptions& given) {
  check(given, arrays);
  DescentOptions options = given;
  if (options.momentum == 0.0) options.nesterov = false;
  const std::size_t n = objective.dimension();
  if (n > batch_eigen_limit) lapack();
  const bool hessian =
      arrays.log_volume || arrays.smallest || arrays.largest || arrays.stretch || arrays.frames;
  const bool tangent = arrays.stretch || arrays.frames;
  const std::size_t rows = 5 * n + 2 + (hessian ? triangle(n) : 0) + (tangent ? n * (n + 1) : 0);
  std::size_t workers = objective.thread_safe() ? options.workers : 1;
  if (workers == 0) workers = available_processors();
  // A share for every thread, in whole groups of lanes.
  const std::size_t share = (count + workers - 1) / workers;
  const std::size_t lanes =
      grouped_lanes(std::min(std::clamp<std::size_t>(block_numbers / rows, 1, most_lanes),
                             std::max<std::size_t>(share, 1)));
  const std::size_t chunk = lanes * chunk_lanes;
  const std::size_t chunks = (count + chunk - 1) / chunk;
  std::vector<std::unique_ptr<TrajectoryBlock>> blocks(std::min(workers, chunks));
  std::fill_n(arrays.statuses, count, Status::interrupted);
  std::fill_n(arrays.steps, count, 0);
  std::atomic<bool> stopped{false};
  parallel_for(chunks, workers, [&](std::size_t number, std::size_t worker) {
    if (!blocks[worker])
      blocks[worker] = std::make_unique<TrajectoryBlock>(objective, arrays, options, count, lanes);
    if (!blocks[worker]->run(number * chunk, std::min(count, (number + 1) * chunk)))
      stopped.store(true, std::memory_order_relaxed);
  });
  if (stopped) return Status::interrupted;
  for (std::size_t k = 0; k < count; ++k)
    if (!succeeded(arrays.statuses[k])) return arrays.statuses[k];
  return Status::converged;
}

}  // namespace talweg
