#include "objective/point_arrays.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <memory>
#include <vector>

#include "objective/block_rows.hpp"
#include "objective/transposition.hpp"
#include "parallel/thread_pool.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

// Coordinate-major room for one block of points.
class Block {
 public:
  Block(const Objective& objective, unsigned quantities, std::size_t lanes)
      : n_(objective.dimension()),
        stride_(lanes % 64 == 0 ? lanes + 8 : lanes),
        quantities_(quantities),
        storage_(rows(n_, quantities) * stride_) {
    double* next = storage_.data();
    const auto take = [&](bool wanted, std::size_t count) -> double* {
      double* const result = wanted ? next : nullptr;
      if (wanted) next += count * stride_;
      return result;
    };
    block_.stride = stride_;
    block_.x = x_ = take(true, n_);
    block_.v = v_ = take(quantities & quantities_of_v, n_);
    block_.w = w_ = take(quantities & quantity_third_product, n_);
    for_each_output(n_, quantities,
                    [&](auto member, std::size_t count) { block_.*member = take(true, count); });
  }

  static std::size_t rows(std::size_t n, unsigned quantities) {
    std::size_t result = 0;
    for_each_input(quantities, [&](auto) { result += n; });
    for_each_output(n, quantities, [&](auto, std::size_t count) { result += count; });
    return result;
  }

  void evaluate(const Objective& objective, const PointArrays& arrays, std::size_t first,
                std::size_t count) {
    block_.lanes = count;
    load(arrays.x, x_, first);
    if (v_) load(arrays.v, v_, first);
    if (w_) load(arrays.w, w_, first);
    objective.evaluate(quantities_, block_);
    if (block_.value) std::copy_n(block_.value, count, arrays.value + first);
    store(block_.gradient, arrays.gradient, first);
    store(block_.hessian_product, arrays.hessian_product, first);
    store(block_.third_product, arrays.third_product, first);
    store_symmetric(block_.hessian, arrays.hessian, first);
    store_symmetric(block_.third, arrays.third, first);
  }

 private:
  void load(const double* from, double* to, std::size_t first) const {
    points_to_rows(n_, block_.lanes, from + first * n_, to, stride_);
  }

  void store(const double* from, double* to, std::size_t first) const {
    if (!from) return;
    rows_to_points(n_, block_.lanes, from, stride_, to + first * n_);
  }

  void store_symmetric(const double* from, double* to, std::size_t first) const {
    if (!from) return;
    to += first * n_ * n_;
    for (std::size_t lane = 0; lane < block_.lanes; ++lane, to += n_ * n_)
      for (std::size_t i = 0, row = 0; i < n_; ++i)
        for (std::size_t j = 0; j <= i; ++j, ++row)
          to[i * n_ + j] = to[j * n_ + i] = from[row * stride_ + lane];
  }

  // Not a multiple of the distance at which rows throw one another out of the first-level cache.
  std::size_t n_, stride_;
  unsigned quantities_;
  std::vector<double> storage_;
  EvaluationBlock block_;
  double *x_, *v_, *w_;
};

// NaN for points that were not evaluated.
void fill_missing(const PointArrays& arrays, std::size_t n, std::size_t first, std::size_t count) {
  const auto fill = [&](double* array, std::size_t size) {
    if (array)
      std::fill_n(array + first * size, count * size, std::numeric_limits<double>::quiet_NaN());
  };
  fill(arrays.value, 1);
  fill(arrays.gradient, n);
  fill(arrays.hessian, n * n);
  fill(arrays.third, n * n);
  fill(arrays.hessian_product, n);
  fill(arrays.third_product, n);
}

}  // namespace

bool evaluate_points(const Objective& objective, unsigned quantities, const PointArrays& arrays,
                     std::size_t workers) {
  if (arrays.points == 0) return true;
  // A block of a quarter megabyte at most, so that it stays in the second-level cache.
  const std::size_t rows = Block::rows(objective.dimension(), quantities);
  const std::size_t lanes =
      std::min(arrays.points, std::clamp<std::size_t>(32768 / rows / 8 * 8, 8, 1024));
  const std::size_t blocks = (arrays.points + lanes - 1) / lanes;
  if (!objective.thread_safe()) workers = 1;
  if (workers == 0) workers = available_processors();
  // One block is not worth waking a thread for.
  workers = std::min(workers, blocks);
  std::vector<std::unique_ptr<Block>> room(workers);
  std::atomic<bool> stopped{false};
  parallel_for(blocks, workers, [&](std::size_t number, std::size_t worker) {
    const std::size_t first = number * lanes, count = std::min(lanes, arrays.points - first);
    if (stopped.load(std::memory_order_relaxed) || interrupted()) {
      stopped.store(true, std::memory_order_relaxed);
      fill_missing(arrays, objective.dimension(), first, count);
      return;
    }
    if (!room[worker]) room[worker] = std::make_unique<Block>(objective, quantities, lanes);
    room[worker]->evaluate(objective, arrays, first, count);
  });
  return !stopped.load();
}

}  // namespace talweg
