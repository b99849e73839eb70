#include "spectrum/packed_eigen.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "objective/transposition.hpp"
#include "simd/instruction_set.hpp"
#include "simd/lane_gather.hpp"
#include "simd/spectrum.hpp"
#include "spectrum/symmetric_eigen.hpp"
#include "talweg/spectrum.hpp"

namespace talweg {
namespace {

const SpectrumKernels& kernels() {
  static const SpectrumKernels& table = spectrum_kernels(active_isa());
  return table;
}

const LaneGatherKernels& transfers() {
  static const LaneGatherKernels& table = lane_gather_kernels(active_isa());
  return table;
}

bool finite(const PackedMatrices& matrices, std::size_t lane) {
  const double* entry = matrices.entries + lane;
  for (std::size_t i = 0; i < matrices.n * (matrices.n + 1) / 2; ++i, entry += matrices.stride)
    if (!std::isfinite(*entry)) return false;
  return true;
}

}  // namespace

std::size_t grouped_lanes(std::size_t lanes) {
  const std::size_t group = kernels().group;
  return (lanes + group - 1) / group * group;
}

void PackedEigen::decompose(const PackedMatrices& matrices, double* values, double* vectors,
                            Status* statuses) {
  if (matrices.n > 0 && matrices.n <= lane_eigen_limit) {
    across_lanes(matrices, values, vectors, statuses);
  } else {
    one_by_one(matrices, values, vectors, statuses);
  }
}

void PackedEigen::across_lanes(const PackedMatrices& matrices, double* values, double* vectors,
                               Status* statuses) {
  const std::size_t n = matrices.n, group = kernels().group;
  double* const rows = memory_.reserve((n + n * n) * group + kernels().lane_eigen_scratch(n));
  double* const components = vectors ? rows + n * group : nullptr;
  double* const scratch = rows + (n + n * n) * group;
  for (std::size_t first = 0; first < matrices.lanes; first += group) {
    const std::size_t lanes = std::min(group, matrices.lanes - first);
    kernels().lane_eigen(n, matrices.entries + first, matrices.stride, rows, components, scratch);
    for (std::size_t l = 0; l < lanes; ++l)
      statuses[first + l] = std::isnan(rows[l]) ? Status::non_finite : Status::converged;
    // For few rows the compiler's own code is better.
    const auto scatter = n < 4 ? &rows_to_points : transfers().scatter;
    scatter(n, lanes, rows, group, values + first * n);
    if (vectors) transfers().scatter(n * n, lanes, components, group, vectors + first * n * n);
    for (std::size_t l = first; l < first + lanes; ++l)
      if (statuses[l] == Status::non_finite && finite(matrices, l))
        by_itself(matrices, l, values, vectors, statuses);
  }
}

// None is known that the lanes cannot do.
void PackedEigen::by_itself(const PackedMatrices& matrices, std::size_t lane, double* values,
                            double* vectors, Status* statuses) {
  const std::size_t n = matrices.n;
  std::vector<double> full(n * n), scratch(n);
  double largest = 0.0;
  for (std::size_t i = 0; i < n * (n + 1) / 2; ++i)
    largest = std::max(largest, std::fabs(matrices.entries[i * matrices.stride + lane]));
  // A power of two, so that scaling is exact.
  const int exponent = largest > 0.0 ? std::clamp(-std::ilogb(largest), -1000, 1000) : 0;
  const double* entry = matrices.entries + lane;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j, entry += matrices.stride)
      full[i * n + j] = full[j * n + i] = std::ldexp(*entry, exponent);
  double* const to = values + lane * n;
  if (!symmetric_eigen(n, full.data(), to, scratch.data(), vectors != nullptr)) {
    std::fill_n(to, n, std::nan(""));
    statuses[lane] = Status::not_converged;
    return;
  }
  for (std::size_t i = 0; i < n; ++i) to[i] = std::ldexp(to[i], -exponent);
  if (vectors) std::copy_n(full.data(), n * n, vectors + lane * n * n);
  statuses[lane] = Status::converged;
}

void PackedEigen::one_by_one(const PackedMatrices& matrices, double* values, double* vectors,
                             Status* statuses) {
  const std::size_t n = matrices.n, lanes = matrices.lanes;
  double* const all = memory_.reserve(lanes * n * n);
  for (std::size_t l = 0; l < lanes; ++l) {
    double* const full = all + l * n * n;
    const double* entry = matrices.entries + l;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j, entry += matrices.stride)
        full[i * n + j] = full[j * n + i] = *entry;
  }
  BatchOptions options;
  options.symmetry = Symmetry::lower;
  options.workers = 1;
  eigh_batch(lanes, n, all, values, vectors, statuses, options);
}

}  // namespace talweg
