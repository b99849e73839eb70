#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <vector>

#include "parallel/thread_pool.hpp"
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

// The matrix that is meant, in double precision with both triangles.
template <class Real>
Status read(std::size_t n, const Real* from, Symmetry symmetry, double* to) {
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
  Status status = read(n, batch.matrices + k * n * n, batch.symmetry, matrix);
  if (status == Status::converged) {
    if (symmetric_eigen(n, matrix, values, values + n, batch.vectors != nullptr)) {
      std::copy_n(values, n, batch.values + k * n);
      if (batch.vectors != nullptr) std::copy_n(matrix, n * n, batch.vectors + k * n * n);
    } else {
      status = Status::not_converged;
    }
  }
  return batch.finish(k, status);
}

template <class Real>
Status decompose(const Batch<Real>& batch, std::size_t workers) {
  const std::size_t n = batch.n, count = batch.count;
  if (count == 0) return Status::converged;
  if (n == 0) {
    if (batch.statuses != nullptr) std::fill_n(batch.statuses, count, Status::converged);
    return Status::converged;
  }
  const std::size_t chunk_size = std::clamp<std::size_t>(4096 / (n * n), 1, 256);
  const std::size_t chunks = (count + chunk_size - 1) / chunk_size;
  std::vector<Status> trouble(chunks, Status::converged);
  parallel_for(chunks, workers, [&](std::size_t chunk) {
    const std::size_t first = chunk * chunk_size;
    const std::size_t last = std::min(first + chunk_size, count);
    const bool stop = interrupted();
    std::vector<double> scratch;
    for (std::size_t k = first; k < last; ++k) {
      const Status status =
          stop ? batch.finish(k, Status::interrupted) : one_by_one(batch, k, scratch);
      if (trouble[chunk] == Status::converged) trouble[chunk] = status;
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
