// Recurrences of one Hessian in the lanes of blocks.
#include <algorithm>
#include <cmath>
#include <vector>

#include "parallel/thread_pool.hpp"
#include "simd/instruction_set.hpp"
#include "simd/lane_recurrence.hpp"
#include "spectrum/long_vectors.hpp"
#include "spectrum/recurrence.hpp"
#include "spectrum/recurrence_coefficients.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

// Rows between two looks at the sums, which stay in the second-level cache for all lanes.
constexpr std::size_t stretch = 512;

// More lanes spread an objective's own cost for each instruction over more, as long as the four
// vectors of a block stay in the caches.
constexpr std::size_t most_lanes = 16, cached_numbers = 1 << 18;

std::size_t lanes_for(std::size_t n, std::size_t count, std::size_t vector_lanes) {
  std::size_t lanes = vector_lanes < 4 ? 4 : vector_lanes;
  while (2 * lanes <= most_lanes && lanes < count && n * 2 * lanes <= cached_numbers) lanes *= 2;
  return lanes;
}

class Lanes {
 public:
  Lanes(const Objective& objective, const double* x, std::size_t lanes, std::size_t used,
        const double* starts, Recurrence* results)
      : objective_(objective),
        kernels_(lane_recurrence_kernels(active_isa())),
        n_(objective.dimension()),
        lanes_(lanes),
        used_(used),
        points_(n_ * lanes, 1),
        current_(n_ * lanes, 1),
        next_(n_ * lanes, 1),
        product_(n_ * lanes, 1),
        results_(results),
        active_(used, true) {
    for (std::size_t i = 0; i < n_; ++i) {
      std::fill_n(points_[0] + i * lanes, lanes, x[i]);
      for (std::size_t l = 0; l < lanes; ++l)
        current_[0][i * lanes + l] = l < used ? starts[l * n_ + i] : 0.0;
    }
    std::fill_n(next_[0], n_ * lanes, 0.0);
    const std::vector<double> squares = dots(current_[0], current_[0]);
    for (std::size_t l = 0; l < used; ++l) coefficients_.emplace_back(n_, std::sqrt(squares[l]));
  }

  void run(std::size_t steps) {
    EvaluationBlock block;
    block.lanes = block.stride = lanes_;
    block.x = points_[0];
    block.hessian_product = product_[0];
    for (std::size_t step = 0; step < steps; ++step) {
      if (std::find(active_.begin(), active_.end(), true) == active_.end()) return;
      block.v = current_[0];
      objective_.evaluate(quantity_hessian_product, block);
      if (interrupted()) return;
      if (step == 0) choose_scales();
      advance();
      std::swap(current_, next_);
    }
    for (std::size_t l = 0; l < used_; ++l) {
      if (active_[l]) results_[l].status = Status::max_steps;
    }
  }

 private:
  void advance() {
    const std::vector<double> overlaps = dots(product_[0], current_[0]);
    // Lanes that have ended get zeros from here on.
    std::vector<double> p(lanes_), c(lanes_), q(lanes_), part(lanes_), squares(lanes_);
    for (std::size_t l = 0; l < used_; ++l) {
      if (!active_[l]) continue;
      const auto factors = coefficients_[l].factors(overlaps[l]);
      p[l] = factors.product;
      c[l] = factors.current;
      q[l] = factors.previous;
    }
    for (std::size_t first = 0; first < n_; first += stretch) {
      const std::size_t at = first * lanes_;
      kernels_.three_terms(std::min(stretch, n_ - first), lanes_, p.data(), product_[0] + at,
                           c.data(), current_[0] + at, q.data(), next_[0] + at, part.data());
      for (std::size_t l = 0; l < lanes_; ++l) squares[l] += part[l];
    }
    for (std::size_t l = 0; l < used_; ++l) {
      if (active_[l]) active_[l] = coefficients_[l].add(squares[l], results_[l]);
    }
  }

  void choose_scales() {
    const std::vector<double> squares = dots(product_[0], product_[0]);
    for (std::size_t l = 0; l < used_; ++l) {
      if (!RecurrenceCoefficients::out_of_range(squares[l])) continue;
      double largest = 0.0;
      for (std::size_t i = 0; i < n_; ++i)
        largest = std::max(largest, std::fabs(product_[0][i * lanes_ + l]));
      coefficients_[l].scale_by_largest(largest);
    }
  }

  std::vector<double> dots(const double* a, const double* b) const {
    std::vector<double> sums(lanes_), part(lanes_);
    for (std::size_t first = 0; first < n_; first += stretch) {
      const std::size_t at = first * lanes_;
      kernels_.dots(std::min(stretch, n_ - first), lanes_, a + at, b + at, part.data());
      for (std::size_t l = 0; l < lanes_; ++l) sums[l] += part[l];
    }
    return sums;
  }

  const Objective& objective_;
  const LaneRecurrenceKernels& kernels_;
  std::size_t n_, lanes_, used_;
  VectorBlock points_, current_, next_, product_;
  std::vector<RecurrenceCoefficients> coefficients_;
  Recurrence* results_;
  std::vector<bool> active_;
};

}  // namespace

std::vector<Recurrence> hessian_recurrences(const Objective& objective, const double* x,
                                            std::size_t count, const double* starts,
                                            const RecurrenceOptions& options) {
  const std::size_t n = objective.dimension();
  const std::size_t lanes = lanes_for(n, count, lane_recurrence_kernels(active_isa()).vector_lanes);
  std::vector<Recurrence> results(count);
  parallel_for((count + lanes - 1) / lanes, objective.thread_safe() ? options.workers : 1,
               [&](std::size_t block) {
                 if (interrupted()) return;
                 const std::size_t first = block * lanes;
                 Lanes run(objective, x, lanes, std::min(lanes, count - first), starts + first * n,
                           results.data() + first);
                 run.run(options.steps);
               });
  return results;
}

}  // namespace talweg
