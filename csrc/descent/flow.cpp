#include "talweg/flow.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>

#include "descent/flow_block.hpp"
#include "parallel/thread_pool.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// Trajectories that share a block of lanes: enough to keep lanes full, few enough to share them
// out.
constexpr std::size_t smallest_chunk = 256, largest_chunk = 4096, chunks_wanted = 16;

// The distance from a minimum at which the linear flow is accurate to the tolerances.
double linear_radius(const FlowMinimum& minimum, const FlowOptions& options) {
  double size = 0.0;
  for (const double x : minimum.x) size = std::max(size, std::fabs(x));
  const double wanted = options.atol + options.rtol * size;
  double radius = minimum.radius;
  for (int i = 0; i < 200 && minimum.linear_error(radius) > wanted; ++i) radius *= 0.5;
  return minimum.linear_error(radius) <= wanted ? radius : 0.0;
}

void check(const Objective& objective, std::span<const double> starts,
           std::span<const double> times, const FlowOptions& options) {
  const char* const wrong = options.validate(objective.dimension());
  if (*wrong) throw std::invalid_argument(wrong);
  if (starts.size() % objective.dimension() != 0)
    throw std::invalid_argument("starts: want one number for each coordinate of each start");
  if (times.empty()) throw std::invalid_argument("times: want at least one");
  double before = 0.0;
  for (const double time : times) {
    if (!(time >= before)) throw std::invalid_argument("times: want an increasing sequence from 0");
    before = time;
  }
  if (std::isinf(before) && options.gradient_tolerance == 0.0 && options.minima.empty() &&
      !(options.stop_at_ball && !options.radii.empty()) &&
      !(options.stop_at_level && options.level == options.level))
    throw std::invalid_argument("times: infinity needs something that ends a trajectory");
}

}  // namespace

FlowOptions::FlowOptions() : level(nan) {}

const char* FlowOptions::validate(std::size_t dimension) const noexcept {
  const auto bad = [](double value) { return !(value >= 0.0) || std::isinf(value); };
  if (bad(rtol) || bad(atol) || rtol + atol == 0.0) return "rtol, atol: want positive numbers";
  if (bad(first_step) || bad(max_step)) return "first_step, max_step: want numbers from 0";
  if (bad(gradient_tolerance)) return "gradient_tolerance: want a number from 0";
  if (max_steps == 0) return "max_steps: want at least 1";
  if (centres.size() != radii.size() * dimension)
    return "centres: want one row for each of the radii";
  for (const double radius : radii)
    if (!(radius > 0.0)) return "radii: want positive numbers";
  for (const FlowMinimum& minimum : minima)
    if (minimum.x.size() != dimension) return "minima: want points of the function's dimension";
  return "";
}

FlowResult flow(const Objective& objective, std::span<const double> starts,
                std::span<const double> times, const FlowOptions& options) {
  check(objective, starts, times, options);
  const std::size_t n = objective.dimension(), count = starts.size() / n;
  FlowProblem problem{objective, options, starts, times, n, n + (options.log_volume ? 1 : 0),
                      count,     {}};
  for (const FlowMinimum& minimum : options.minima)
    problem.linear_radius.push_back(linear_radius(minimum, options));

  FlowResult result;
  result.x.assign(times.size() * count * n, nan);
  result.end.assign(starts.begin(), starts.end());
  result.end_time.assign(count, 0.0);
  if (options.log_volume) {
    result.log_volume.assign(times.size() * count, nan);
    result.end_log_volume.assign(count, 0.0);
  }
  result.gradient_norm.assign(count, nan);
  result.status.assign(count, Status::interrupted);
  result.steps.assign(count, 0);
  result.rejected.assign(count, 0);
  result.implicit_steps.assign(count, 0);
  result.ball.assign(count, -1);
  result.ball_time.assign(count, nan);
  result.ball_x.assign(options.radii.empty() ? 0 : count * n, nan);
  result.level_time.assign(count, nan);
  result.level_x.assign(problem.watches_level() ? count * n : 0, nan);
  result.linear.assign(count, -1);
  result.linear_time.assign(count, nan);

  const std::size_t chunk =
      std::clamp((count + chunks_wanted - 1) / chunks_wanted, smallest_chunk, largest_chunk);
  const std::size_t chunks = (count + chunk - 1) / chunk;
  const std::size_t workers =
      !objective.thread_safe() ? 1
                               : (options.workers == 0 ? available_processors() : options.workers);
  std::vector<std::unique_ptr<FlowBlock>> blocks(std::min(workers, chunks));
  parallel_for(chunks, workers, [&](std::size_t c, std::size_t worker) {
    if (interrupted()) return;
    if (!blocks[worker]) blocks[worker] = std::make_unique<FlowBlock>(problem, result);
    blocks[worker]->run(c * chunk, std::min((c + 1) * chunk, count));
  });
  if (interrupted()) result.status_of_all = Status::interrupted;
  return result;
}

}  // namespace talweg
