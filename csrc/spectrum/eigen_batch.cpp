#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "parallel/thread_pool.hpp"
#include "simd/instruction_set.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/aligned_memory.hpp"
#include "spectrum/chunk_status.hpp"
#include "spectrum/dense_eigen.hpp"
#include "spectrum/lane_eigen_batch.hpp"
#include "spectrum/lapack_hook.hpp"
#include "spectrum/packed_batches.hpp"
#include "talweg/interrupt.hpp"
#include "talweg/spectrum.hpp"

namespace talweg {
namespace {

template <class Real>
constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();

// Matrices of more than lane_eigen_limit rows.
template <class Real>
struct Batch {
  std::size_t count;
  std::size_t n;
  const Real* matrices;
  Real* values;
  Real* vectors;
  Status* statuses;
  Symmetry symmetry;

  Status finish(std::size_t k, Status status) const {
    if (!succeeded(status)) {
      std::fill_n(values + k * n, n, nan<Real>);
      if (vectors) std::fill_n(vectors + k * n * n, n * n, nan<Real>);
    }
    if (statuses) statuses[k] = status;
    return status;
  }
};

// Working memory of one thread.
class Room {
 public:
  Room(std::size_t n, bool single, bool vectors, const LapackTable* lapack)
      : n_(n), kernels_(spectrum_kernels(active_isa())), lapack_(lapack) {
    const std::size_t entries = n * n;
    const bool middle = n <= batch_eigen_limit;
    const std::size_t group = middle ? kernels_.matrix_group : 1;
    const std::size_t scratch = middle ? kernels_.matrix_eigen_scratch(n) : 0;
    double* room = memory_.reserve(scratch + 16 + group * entries + (single ? group * n : 0) +
                                   (single && vectors ? group * entries : 0));
    scratch_ = room;
    copies_ = room += (scratch + 7) / 8 * 8;
    values_ = room += group * entries;
    vectors_ = vectors ? room + (single ? group * n : 0) : nullptr;
  }

  // Matrices first, ..., first + count - 1, at most a group of them.
  template <class Real>
  Status group(const Batch<Real>& batch, std::size_t first, std::size_t count) {
    constexpr bool single = std::is_same_v<Real, float>;
    const std::size_t entries = n_ * n_;
    // Only what is read in double precision as it stands needs no copy.
    const bool copied = single || batch.symmetry == Symmetry::symmetrise;
    const double* matrices = copies_;
    if (copied) {
      for (std::size_t k = 0; k < count; ++k)
        copy(batch.matrices + (first + k) * entries, batch.symmetry, copies_ + k * entries);
    } else if constexpr (!single) {
      matrices = batch.matrices + first * entries;
    }
    double* values = nullptr;
    double* vectors = nullptr;
    if constexpr (single) {
      values = values_;
      vectors = batch.vectors ? vectors_ : nullptr;
    } else {
      values = batch.values + first * n_;
      vectors = batch.vectors ? batch.vectors + first * entries : nullptr;
    }
    // Judged before, as results may go where the matrices are.
    Status judged[most_in_group];
    for (std::size_t k = 0; k < count; ++k)
      judged[k] = judge(matrices + k * entries, batch.symmetry, asymmetry_limit<Real>);
    kernels_.matrix_eigen(n_, count, matrices, values, vectors, scratch_);
    if constexpr (single) {
      std::copy_n(values, count * n_, batch.values + first * n_);
      if (vectors) std::copy_n(vectors, count * entries, batch.vectors + first * entries);
    }
    Status worst = Status::converged;
    for (std::size_t k = 0; k < count; ++k) {
      const Status status = judged[k] == Status::converged && std::isnan(values[k * n_])
                                ? Status::non_finite
                                : judged[k];
      batch.finish(first + k, status);
      if (worst == Status::converged) worst = status;
    }
    return worst;
  }

  // One large matrix.
  template <class Real>
  Status one(const Batch<Real>& batch, std::size_t k) {
    const std::size_t entries = n_ * n_;
    const Real* const from = batch.matrices + k * entries;
    copy(from, batch.symmetry, copies_);
    Status status = judge(copies_, batch.symmetry, asymmetry_limit<Real>);
    for (std::size_t i = 0; i < n_; ++i)
      for (std::size_t j = 0; j < i; ++j) copies_[j * n_ + i] = copies_[i * n_ + j];
    if (status == Status::converged) {
      if constexpr (std::is_same_v<Real, double>) {
        status = dense_eigen(lapack_, n_, copies_, 0, n_, batch.values + k * n_,
                             batch.vectors ? batch.vectors + k * entries : nullptr);
      } else {
        status =
            dense_eigen(lapack_, n_, copies_, 0, n_, values_, batch.vectors ? copies_ : nullptr);
        std::copy_n(values_, n_, batch.values + k * n_);
        if (batch.vectors) std::copy_n(copies_, entries, batch.vectors + k * entries);
      }
    }
    return batch.finish(k, status);
  }

  static constexpr std::size_t most_in_group = 64;

 private:
  template <class Real>
  void copy(const Real* from, Symmetry symmetry, double* to) const {
    if (symmetry == Symmetry::symmetrise) {
      for (std::size_t i = 0; i < n_; ++i)
        for (std::size_t j = 0; j < n_; ++j)
          to[i * n_ + j] = 0.5 * static_cast<double>(from[i * n_ + j]) +
                           0.5 * static_cast<double>(from[j * n_ + i]);
    } else {
      std::copy_n(from, n_ * n_, to);
    }
  }

  Status judge(const double* matrix, Symmetry symmetry, double limit) const {
    if (symmetry == Symmetry::lower) return Status::converged;
    double largest, difference;
    kernels_.asymmetry(n_, matrix, &largest, &difference);
    if (!std::isfinite(largest)) return Status::non_finite;
    return difference <= limit * largest ? Status::converged : Status::not_symmetric;
  }

  std::size_t n_;
  const SpectrumKernels& kernels_;
  const LapackTable* lapack_;
  AlignedMemory memory_;
  double *scratch_, *copies_, *values_, *vectors_;
};

template <class Real>
Status decompose(const Batch<Real>& batch, std::size_t workers) {
  const std::size_t n = batch.n, count = batch.count;
  if (count == 0) return Status::converged;
  if (n == 0) {
    if (batch.statuses) std::fill_n(batch.statuses, count, Status::converged);
    return Status::converged;
  }
  const bool middle = n <= batch_eigen_limit;
  const LapackTable* const table = middle ? nullptr : lapack();
  const std::size_t chunk = middle ? spectrum_kernels(active_isa()).matrix_group : 1;
  const std::size_t chunks = (count + chunk - 1) / chunk;
  if (workers == 0) workers = chunks > 1 ? available_processors() : 1;
  workers = std::min(workers, chunks);
  std::vector<std::unique_ptr<Room>> rooms(workers);
  std::vector<Status> trouble(chunks, Status::converged);
  parallel_for(chunks, workers, [&](std::size_t number, std::size_t worker) {
    const std::size_t first = number * chunk, here = std::min(chunk, count - first);
    if (interrupted()) {
      for (std::size_t k = 0; k < here; ++k) batch.finish(first + k, Status::interrupted);
      trouble[number] = Status::interrupted;
      return;
    }
    if (!rooms[worker])
      rooms[worker] =
          std::make_unique<Room>(n, std::is_same_v<Real, float>, batch.vectors != nullptr, table);
    trouble[number] =
        middle ? rooms[worker]->group(batch, first, here) : rooms[worker]->one(batch, first);
  });
  return status_of_chunks(trouble);
}

template <class Real>
Status eigen_batch(std::size_t count, std::size_t n, const Real* matrices, Real* values,
                   Real* vectors, Status* statuses, const BatchOptions& options) {
  if (n > 0 && n <= lane_eigen_limit)
    return lane_eigen_batch(count, n, matrices, values, vectors, statuses, options);
  return decompose<Real>({count, n, matrices, values, vectors, statuses, options.symmetry},
                         options.workers);
}

}  // namespace

Status eigh_batch(std::size_t count, std::size_t n, const double* matrices, double* values,
                  double* vectors, Status* statuses, const BatchOptions& options) {
  return eigen_batch(count, n, matrices, values, vectors, statuses, options);
}

Status eigh_batch(std::size_t count, std::size_t n, const float* matrices, float* values,
                  float* vectors, Status* statuses, const BatchOptions& options) {
  return eigen_batch(count, n, matrices, values, vectors, statuses, options);
}

}  // namespace talweg
