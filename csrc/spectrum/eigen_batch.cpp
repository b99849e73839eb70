#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "parallel/thread_pool.hpp"
#include "simd/instruction_set.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "talweg/interrupt.hpp"
#include "talweg/spectrum.hpp"

namespace talweg {
namespace {

// How far the triangles may disagree where symmetry is checked, relative to the largest entry: far
// more than the rounding of any sensible way to compute both, far less than a mistake.
template <class Real>
constexpr double asymmetry_limit = std::is_same_v<Real, float> ? 1e-4 : 1e-10;

template <class Real>
struct Batch {
  std::size_t count;
  std::size_t n;
  const Real* matrices;
  Real* values;
  Real* vectors;
  Status* statuses;
  Symmetry symmetry;

  void set_nan(std::size_t k) const {
    constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();
    std::fill_n(values + k * n, n, nan);
    if (vectors != nullptr) std::fill_n(vectors + k * n * n, n * n, nan);
  }
  Status finish(std::size_t k, Status status) const {
    if (!succeeded(status)) set_nan(k);
    if (statuses != nullptr) statuses[k] = status;
    return status;
  }
};

// The matrix that is meant, in double precision with both triangles, and its largest modulus.
template <class Real>
Status read(std::size_t n, const Real* from, Symmetry symmetry, double* to, double& size) {
  double largest = 0.0, difference = 0.0;
  bool finite = true;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double entry = from[i * n + j];
      if (symmetry != Symmetry::lower) {
        const double other = from[j * n + i];
        finite = finite && std::isfinite(other);
        difference = std::max(difference, std::fabs(entry - other));
        if (symmetry == Symmetry::symmetrise) entry = 0.5 * entry + 0.5 * other;
      }
      finite = finite && std::isfinite(entry);
      largest = std::max(largest, std::fabs(entry));
      to[i * n + j] = to[j * n + i] = entry;
    }
  }
  size = largest;
  if (!finite) return Status::non_finite;
  if (symmetry == Symmetry::check && difference > asymmetry_limit<Real> * largest)
    return Status::not_symmetric;
  return Status::converged;
}

template <class Real>
Status one_by_one(const Batch<Real>& batch, std::size_t k, std::vector<double>& scratch) {
  const std::size_t n = batch.n;
  scratch.resize(n * n + 2 * n);
  double* matrix = scratch.data();
  double* values = matrix + n * n;
  double size;
  Status status = read(n, batch.matrices + k * n * n, batch.symmetry, matrix, size);
  if (status == Status::converged) {
    // A power of two, so that scaling is exact; in range for squares, and no rounding of subnormal
    // numbers on the way.
    const int exponent = size > 0.0 ? std::clamp(-std::ilogb(size), -1000, 1000) : 0;
    for (std::size_t i = 0; i < n * n; ++i) matrix[i] = std::ldexp(matrix[i], exponent);
    if (symmetric_eigen(n, matrix, values, values + n, batch.vectors != nullptr)) {
      for (std::size_t i = 0; i < n; ++i) values[i] = std::ldexp(values[i], -exponent);
      std::copy_n(values, n, batch.values + k * n);
      if (batch.vectors != nullptr) std::copy_n(matrix, n * n, batch.vectors + k * n * n);
    } else {
      status = Status::not_converged;
    }
  }
  return batch.finish(k, status);
}

// Memory of one worker for groups of lanes, 64-byte aligned.
class LaneRooms {
 public:
  LaneRooms(const SpectrumKernels& kernels, std::size_t n, bool vectors) {
    const std::size_t group = kernels.group;
    const std::size_t sizes[] = {n * (n + 1) * group, 2 * group, n * group,
                                 vectors ? n * n * group : 0, kernels.lane_eigen_scratch(n)};
    std::size_t total = 8;
    for (const std::size_t size : sizes) total += (size + 7) / 8 * 8;
    memory_.reset(new double[total]);
    double* next = memory_.get();
    while (reinterpret_cast<std::uintptr_t>(next) % 64 != 0) ++next;
    double** const rooms[] = {&packed, &asymmetry, &values, &this->vectors, &scratch};
    for (int k = 0; k < 5; ++k) {
      *rooms[k] = sizes[k] == 0 ? nullptr : next;
      next += (sizes[k] + 7) / 8 * 8;
    }
  }
  double* packed = nullptr;
  double* asymmetry = nullptr;
  double* values = nullptr;
  double* vectors = nullptr;
  double* scratch = nullptr;

 private:
  std::unique_ptr<double[]> memory_;
};

void gather(const SpectrumKernels& kernels, std::size_t n, std::size_t count,
            const double* matrices, GatherMode mode, const LaneRooms& rooms) {
  kernels.gather_double(n, count, matrices, mode, rooms.packed, rooms.asymmetry);
}
void gather(const SpectrumKernels& kernels, std::size_t n, std::size_t count, const float* matrices,
            GatherMode mode, const LaneRooms& rooms) {
  kernels.gather_float(n, count, matrices, mode, rooms.packed, rooms.asymmetry);
}
void scatter(const SpectrumKernels& kernels, std::size_t size, std::size_t count,
             const double* from, double* to) {
  kernels.scatter_double(size, count, from, to);
}
void scatter(const SpectrumKernels& kernels, std::size_t size, std::size_t count,
             const double* from, float* to) {
  kernels.scatter_float(size, count, from, to);
}

// Matrices first .. first + count - 1 side by side, count <= kernels.group.
template <class Real>
Status across_lanes(const Batch<Real>& batch, std::size_t first, std::size_t count,
                    const SpectrumKernels& kernels, const LaneRooms& rooms) {
  const std::size_t n = batch.n, group = kernels.group;
  const GatherMode mode = batch.symmetry == Symmetry::lower        ? GatherMode::lower
                          : batch.symmetry == Symmetry::symmetrise ? GatherMode::mean
                                                                   : GatherMode::check;
  gather(kernels, n, count, batch.matrices + first * n * n, mode, rooms);
  kernels.lane_eigen(n, rooms.packed, group, rooms.values, rooms.vectors, rooms.scratch);
  scatter(kernels, n, count, rooms.values, batch.values + first * n);
  if (rooms.vectors != nullptr)
    scatter(kernels, n * n, count, rooms.vectors, batch.vectors + first * n * n);
  Status worst = Status::converged;
  std::vector<double> scratch;
  for (std::size_t lane = 0; lane < count; ++lane) {
    Status status = Status::converged;
    // NaN is for matrices that are not finite, or a hypothetical one that the lanes cannot do.
    if (std::isnan(rooms.values[lane]))
      status = one_by_one(batch, first + lane, scratch);
    else if (mode == GatherMode::check &&
             rooms.asymmetry[lane] > asymmetry_limit<Real> * rooms.asymmetry[group + lane])
      status = batch.finish(first + lane, Status::not_symmetric);
    else if (batch.statuses != nullptr)
      batch.statuses[first + lane] = status;
    if (worst == Status::converged) worst = status;
  }
  return worst;
}

template <class Real>
Status decompose(const Batch<Real>& batch, std::size_t workers) {
  const std::size_t n = batch.n, count = batch.count;
  if (count == 0) return Status::converged;
  if (n == 0) {
    if (batch.statuses != nullptr) std::fill_n(batch.statuses, count, Status::converged);
    return Status::converged;
  }
  const bool small = n <= lane_eigen_limit;
  const SpectrumKernels& kernels = spectrum_kernels(active_isa());
  std::size_t chunk_size = std::clamp<std::size_t>(16384 / (n * n), 1, 1024);
  if (small) chunk_size = (chunk_size + kernels.group - 1) / kernels.group * kernels.group;
  const std::size_t chunks = (count + chunk_size - 1) / chunk_size;
  if (workers == 0) workers = available_processors();
  workers = std::min(workers, chunks);
  std::vector<std::unique_ptr<LaneRooms>> rooms(workers);
  std::vector<Status> trouble(chunks, Status::converged);
  parallel_for(chunks, workers, [&](std::size_t chunk, std::size_t worker) {
    const std::size_t first = chunk * chunk_size;
    const std::size_t last = std::min(first + chunk_size, count);
    const auto note = [&trouble, chunk](Status status) {
      if (trouble[chunk] == Status::converged) trouble[chunk] = status;
    };
    if (interrupted()) {
      for (std::size_t k = first; k < last; ++k) note(batch.finish(k, Status::interrupted));
    } else if (small) {
      if (rooms[worker] == nullptr)
        rooms[worker] = std::make_unique<LaneRooms>(kernels, n, batch.vectors != nullptr);
      for (std::size_t k = first; k < last; k += kernels.group)
        note(across_lanes(batch, k, std::min(kernels.group, last - k), kernels, *rooms[worker]));
    } else {
      std::vector<double> scratch;
      for (std::size_t k = first; k < last; ++k) note(one_by_one(batch, k, scratch));
    }
  });
  Status worst = Status::converged;
  for (const Status status : trouble) {
    if (status == Status::interrupted) return status;
    if (worst == Status::converged) worst = status;
  }
  return worst;
}

}  // namespace

Status eigh_batch(std::size_t count, std::size_t n, const double* matrices, double* values,
                  double* vectors, Status* statuses, const BatchOptions& options) {
  return decompose<double>({count, n, matrices, values, vectors, statuses, options.symmetry},
                           options.workers);
}

Status eigh_batch(std::size_t count, std::size_t n, const float* matrices, float* values,
                  float* vectors, Status* statuses, const BatchOptions& options) {
  return decompose<float>({count, n, matrices, values, vectors, statuses, options.symmetry},
                          options.workers);
}

}  // namespace talweg
