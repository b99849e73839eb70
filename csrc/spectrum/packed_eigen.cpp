#include "spectrum/packed_eigen.hpp"

#include <algorithm>
#include <cmath>

#include "objective/transposition.hpp"
#include "simd/instruction_set.hpp"
#include "simd/spectrum.hpp"
#include "talweg/spectrum.hpp"

namespace talweg {
namespace {

const SpectrumKernels& kernels() {
  static const SpectrumKernels& table = spectrum_kernels(active_isa());
  return table;
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
    rows_to_points(n, lanes, rows, group, values + first * n);
    if (vectors) rows_to_points(n * n, lanes, components, group, vectors + first * n * n);
  }
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
