#include "talweg/hessian_spectrum.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <vector>

#include "objective/block_rows.hpp"
#include "objective/transposition.hpp"
#include "parallel/thread_pool.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/aligned_memory.hpp"
#include "spectrum/chunk_status.hpp"
#include "spectrum/lapack_hook.hpp"
#include "spectrum/packed_eigen.hpp"
#include "spectrum/packed_factorisation.hpp"
#include "talweg/interrupt.hpp"

namespace talweg {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Numbers of a block of points and Hessians: 128 kilobytes, which the second-level cache holds
// beside what the objective itself needs.
constexpr std::size_t block_numbers = 16384;
constexpr std::size_t most_lanes = 1024;

// Coordinate-major room for one block of points and their Hessians, and what works on it.
struct HessianBlock {
  HessianBlock(std::size_t n, std::size_t lanes)
      : stride(lanes % 64 == 0 ? lanes + 8 : lanes),
        x(memory.reserve((n + triangle(n)) * stride)),
        hessian(x + n * stride),
        statuses(lanes),
        signs(lanes) {}

  PackedMatrices evaluate(const Objective& objective, const double* points, std::size_t lanes) {
    const std::size_t n = objective.dimension();
    points_to_rows(n, lanes, points, x, stride);
    EvaluationBlock block;
    block.lanes = lanes;
    block.stride = stride;
    block.x = x;
    block.hessian = hessian;
    objective.evaluate(quantity_hessian, block);
    return {n, lanes, hessian, stride};
  }

  // Not a multiple of the distance at which rows throw one another out of the first-level cache.
  std::size_t stride;
  AlignedMemory memory;
  double* x;
  double* hessian;
  std::vector<Status> statuses;
  std::vector<double> signs;
  PackedEigen eigen;
  PackedFactorisation factorisation;
};

// Calls done(first, block, matrices, statuses) for each block of points, and missing(first, lanes)
// for those that an interruption left out.
template <class Done, class Missing>
Status for_blocks(const Objective& objective, std::size_t count, const double* x, Status* statuses,
                  std::size_t workers, Done&& done, Missing&& missing) {
  if (count == 0) return Status::converged;
  const std::size_t n = objective.dimension();
  if (n > batch_eigen_limit) lapack();
  const std::size_t rows = n + triangle(n);
  const std::size_t lanes =
      std::min(grouped_lanes(count),
               grouped_lanes(std::clamp<std::size_t>(block_numbers / rows, 1, most_lanes)));
  const std::size_t blocks = (count + lanes - 1) / lanes;
  if (!objective.thread_safe() || blocks == 1) workers = 1;
  if (workers == 0) workers = available_processors();
  workers = std::min(workers, blocks);
  std::vector<std::unique_ptr<HessianBlock>> rooms(workers);
  std::vector<Status> trouble(blocks, Status::converged);
  parallel_for(blocks, workers, [&](std::size_t number, std::size_t worker) {
    const std::size_t first = number * lanes, here = std::min(lanes, count - first);
    if (interrupted()) {
      missing(first, here);
      if (statuses) std::fill_n(statuses + first, here, Status::interrupted);
      trouble[number] = Status::interrupted;
      return;
    }
    if (!rooms[worker]) rooms[worker] = std::make_unique<HessianBlock>(n, lanes);
    HessianBlock& block = *rooms[worker];
    const PackedMatrices matrices = block.evaluate(objective, x + first * n, here);
    Status* const found = statuses ? statuses + first : block.statuses.data();
    done(first, block, matrices, found);
    const Status* const bad =
        std::find_if_not(found, found + here, [](Status s) { return s == Status::converged; });
    if (bad != found + here) trouble[number] = *bad;
  });
  return status_of_chunks(trouble);
}

}  // namespace

Status hessian_eigh(const Objective& objective, std::size_t count, const double* x, double* values,
                    double* vectors, Status* statuses, std::size_t workers) {
  const std::size_t n = objective.dimension();
  return for_blocks(
      objective, count, x, statuses, workers,
      [&](std::size_t first, HessianBlock& block, const PackedMatrices& matrices, Status* found) {
        block.eigen.decompose(matrices, values + first * n,
                              vectors ? vectors + first * n * n : nullptr, found);
      },
      [&](std::size_t first, std::size_t lanes) {
        std::fill_n(values + first * n, lanes * n, nan);
        if (vectors) std::fill_n(vectors + first * n * n, lanes * n * n, nan);
      });
}

Status hessian_inertia(const Objective& objective, std::size_t count, const double* x,
                       Inertia* inertia, Status* statuses, std::size_t workers) {
  return for_blocks(
      objective, count, x, statuses, workers,
      [&](std::size_t first, HessianBlock& block, const PackedMatrices& matrices, Status* found) {
        block.factorisation.inertia(matrices, inertia + first, found);
      },
      [&](std::size_t first, std::size_t lanes) {
        std::fill_n(inertia + first, lanes, Inertia{-1, -1, -1});
      });
}

Status hessian_logabsdet(const Objective& objective, std::size_t count, const double* x,
                         double* log_modulus, double* sign, Status* statuses, double offset,
                         double factor, std::size_t workers) {
  return for_blocks(
      objective, count, x, statuses, workers,
      [&](std::size_t first, HessianBlock& block, const PackedMatrices& matrices, Status* found) {
        block.factorisation.determinants(matrices, offset, factor, log_modulus + first,
                                         sign ? sign + first : block.signs.data(), found);
      },
      [&](std::size_t first, std::size_t lanes) {
        std::fill_n(log_modulus + first, lanes, nan);
        if (sign) std::fill_n(sign + first, lanes, nan);
      });
}

}  // namespace talweg
