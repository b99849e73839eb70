#include "spectrum/packed_eigen.hpp"

#include "talweg/spectrum.hpp"

namespace talweg {

std::size_t grouped_lanes(std::size_t lanes) { return padded_lanes(lanes); }

void PackedEigen::decompose(const PackedMatrices& matrices, double* values, double* vectors,
                            Status* statuses) {
  one_by_one(matrices, values, vectors, statuses);
}

void PackedEigen::one_by_one(const PackedMatrices& matrices, double* values, double* vectors,
                             Status* statuses) {
  const std::size_t n = matrices.n, lanes = matrices.lanes;
  full_.resize(lanes * n * n);
  for (std::size_t l = 0; l < lanes; ++l) {
    double* const full = full_.data() + l * n * n;
    const double* entry = matrices.entries + l;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j <= i; ++j, entry += matrices.stride)
        full[i * n + j] = full[j * n + i] = *entry;
  }
  BatchOptions options;
  options.symmetry = Symmetry::lower;
  options.workers = 1;
  eigh_batch(lanes, n, full_.data(), values, vectors, statuses, options);
}

}  // namespace talweg
