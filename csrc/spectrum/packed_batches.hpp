// Batches of row-major matrices as blocks of packed ones, on several threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

#include "objective/block_rows.hpp"
#include "parallel/thread_pool.hpp"
#include "simd/instruction_set.hpp"
#include "simd/lane_gather.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/aligned_memory.hpp"
#include "spectrum/chunk_status.hpp"
#include "spectrum/lapack_hook.hpp"
#include "spectrum/packed_eigen.hpp"
#include "spectrum/packed_factorisation.hpp"
#include "talweg/interrupt.hpp"
#include "talweg/spectrum.hpp"

namespace talweg {

constexpr std::size_t most_packed_lanes = 256;

// How far the triangles may disagree where symmetry is checked, relative to the largest entry: far
// more than the rounding of any sensible way to compute both, far less than a mistake.
template <class Real>
constexpr double asymmetry_limit = std::is_same_v<Real, float> ? 1e-4 : 1e-10;

// One worker's packed block and working memory.
template <class Real>
class PackedReader {
 public:
  PackedReader(std::size_t n, std::size_t lanes)
      : n_(n),
        stride_(n <= batch_eigen_limit ? grouped_lanes(lanes) : lanes),
        entries_(memory_.reserve(triangle(n) * stride_ + kernels().gather_scratch(n))),
        scratch_(entries_ + triangle(n) * stride_),
        statuses_(lanes) {}

  PackedMatrices read(const Real* matrices, std::size_t lanes, Symmetry symmetry) {
    if (n_ == 0 || n_ > batch_eigen_limit) {
      trouble_ = false;
      for (std::size_t l = 0; l < lanes; ++l) {
        statuses_[l] = read_one(matrices + l * n_ * n_, entries_ + l, symmetry);
        trouble_ = trouble_ || !succeeded(statuses_[l]);
      }
    } else if constexpr (std::is_same_v<Real, float>) {
      trouble_ = kernels().gather_single(n_, matrices, lanes, symmetry, asymmetry_limit<Real>,
                                         entries_, stride_, statuses_.data(), scratch_);
    } else {
      trouble_ = kernels().gather(n_, matrices, lanes, symmetry, asymmetry_limit<Real>, entries_,
                                  stride_, statuses_.data(), scratch_);
    }
    return {n_, lanes, entries_, stride_};
  }

  bool trouble() const { return trouble_; }

  // What reading showed; of use where a lane's result is not an answer.
  Status status(std::size_t lane) const { return statuses_[lane]; }

 private:
  static const LaneGatherKernels& kernels() {
    static const LaneGatherKernels& table = lane_gather_kernels(active_isa());
    return table;
  }

  Status read_one(const Real* from, double* to, Symmetry symmetry) {
    double largest = 0.0, difference = 0.0, finite = 0.0;
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j <= i; ++j, to += stride_) {
        double entry = from[i * n_ + j];
        if (symmetry != Symmetry::lower) {
          const double other = from[j * n_ + i];
          finite += 0.0 * other;
          difference = std::max(difference, std::fabs(entry - other));
          if (symmetry == Symmetry::symmetrise) entry = 0.5 * entry + 0.5 * other;
        }
        finite += 0.0 * entry;
        largest = std::max(largest, std::fabs(entry));
        *to = entry;
      }
    if (finite != 0.0) return Status::non_finite;
    if (symmetry != Symmetry::check) return Status::converged;
    return difference <= asymmetry_limit<Real> * largest ? Status::converged
                                                         : Status::not_symmetric;
  }

  std::size_t n_, stride_;
  AlignedMemory memory_;
  double* entries_;
  double* scratch_;
  std::vector<Status> statuses_;
  bool trouble_ = false;
};

// Calls block(first, lanes, reader, work), which returns the first status of trouble, for all
// blocks of matrices, and missing(first, lanes) for those that an interruption left out. Work is
// working memory that a thread keeps from one block to the next.
template <class Real, class Work, class Block, class Missing>
Status for_packed_blocks(std::size_t count, std::size_t n, std::size_t workers, Block&& block,
                         Missing&& missing) {
  if (count == 0) return Status::converged;
  if (n > batch_eigen_limit) lapack();
  // A few kilobytes for a block, 64 kilobytes and more of matrices for a chunk.
  const std::size_t lanes =
      n > batch_eigen_limit
          ? 1
          : std::min(grouped_lanes(count),
                     grouped_lanes(std::clamp<std::size_t>(
                         512 / triangle(std::max<std::size_t>(n, 1)), 1, most_packed_lanes)));
  const std::size_t blocks_a_chunk =
      std::max<std::size_t>(1, 16384 / (lanes * std::max<std::size_t>(n * n, 1)));
  const std::size_t chunk = lanes * blocks_a_chunk, chunks = (count + chunk - 1) / chunk;
  // Asking for the processors costs as much as a few small matrices.
  if (workers == 0) workers = chunks > 1 ? available_processors() : 1;
  workers = std::min(workers, chunks);
  struct Room {
    PackedReader<Real> reader;
    Work work;
  };
  std::vector<std::unique_ptr<Room>> rooms(workers);
  std::vector<Status> trouble(chunks, Status::converged);
  parallel_for(chunks, workers, [&](std::size_t number, std::size_t worker) {
    const std::size_t first = number * chunk, last = std::min(first + chunk, count);
    if (interrupted()) {
      missing(first, last - first);
      trouble[number] = Status::interrupted;
      return;
    }
    if (!rooms[worker])
      rooms[worker] = std::make_unique<Room>(Room{PackedReader<Real>(n, lanes), {}});
    for (std::size_t k = first; k < last; k += lanes) {
      const Status status =
          block(k, std::min(lanes, last - k), rooms[worker]->reader, rooms[worker]->work);
      if (trouble[number] == Status::converged) trouble[number] = status;
    }
  });
  return status_of_chunks(trouble);
}

// Completes the statuses of results by what reading showed, and calls fail(lane) where there is no
// answer. Returns the first trouble.
template <class Real, class Fail>
Status settle(const PackedReader<Real>& reader, std::size_t lanes, Status* statuses, Fail&& fail) {
  bool good = !reader.trouble();
  for (std::size_t l = 0; l < lanes; ++l) good &= statuses[l] == Status::converged;
  if (good) return Status::converged;
  Status worst = Status::converged;
  for (std::size_t l = 0; l < lanes; ++l) {
    if (statuses[l] == Status::converged) statuses[l] = reader.status(l);
    if (statuses[l] == Status::converged) continue;
    if (worst == Status::converged) worst = statuses[l];
    fail(l);
  }
  return worst;
}

}  // namespace talweg
