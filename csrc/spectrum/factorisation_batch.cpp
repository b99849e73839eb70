// Inertia and determinants of batches of matrices.
#include <algorithm>
#include <limits>

#include "spectrum/packed_batches.hpp"
#include "spectrum/packed_factorisation.hpp"
#include "talweg/spectrum.hpp"

namespace talweg {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class Real>
Status inertia_of_batch(std::size_t count, std::size_t n, const Real* matrices, Inertia* inertia,
                        Status* statuses, const BatchOptions& options) {
  return for_packed_blocks<Real, PackedFactorisation>(
      count, n, options.workers,
      [&](std::size_t first, std::size_t lanes, PackedReader<Real>& reader,
          PackedFactorisation& factorisation) {
        Status own[most_packed_lanes];
        Status* const found = statuses ? statuses + first : own;
        const PackedMatrices packed =
            reader.read(matrices + first * n * n, lanes, options.symmetry);
        const bool fine = factorisation.inertia(packed, inertia + first, found);
        if (fine && !reader.trouble()) return Status::converged;
        return settle(reader, lanes, found,
                      [&](std::size_t l) { inertia[first + l] = {-1, -1, -1}; });
      },
      [&](std::size_t first, std::size_t lanes) {
        std::fill_n(inertia + first, lanes, Inertia{-1, -1, -1});
        if (statuses) std::fill_n(statuses + first, lanes, Status::interrupted);
      });
}

template <class Real>
Status logabsdet_of_batch(std::size_t count, std::size_t n, const Real* matrices, Real* log_modulus,
                          Real* sign, Status* statuses, double offset, double factor,
                          const BatchOptions& options) {
  return for_packed_blocks<Real, PackedFactorisation>(
      count, n, options.workers,
      [&](std::size_t first, std::size_t lanes, PackedReader<Real>& reader,
          PackedFactorisation& factorisation) {
        Status own[most_packed_lanes];
        Status* const found = statuses ? statuses + first : own;
        double logarithms[most_packed_lanes], signs[most_packed_lanes];
        const PackedMatrices packed =
            reader.read(matrices + first * n * n, lanes, options.symmetry);
        const bool fine =
            factorisation.determinants(packed, offset, factor, logarithms, signs, found);
        Status worst = Status::converged;
        if (!fine || reader.trouble())
          worst =
              settle(reader, lanes, found, [&](std::size_t l) { logarithms[l] = signs[l] = nan; });
        std::copy_n(logarithms, lanes, log_modulus + first);
        if (sign) std::copy_n(signs, lanes, sign + first);
        return worst;
      },
      [&](std::size_t first, std::size_t lanes) {
        std::fill_n(log_modulus + first, lanes, static_cast<Real>(nan));
        if (sign) std::fill_n(sign + first, lanes, static_cast<Real>(nan));
        if (statuses) std::fill_n(statuses + first, lanes, Status::interrupted);
      });
}

}  // namespace

Status inertia_batch(std::size_t count, std::size_t n, const double* matrices, Inertia* inertia,
                     Status* statuses, const BatchOptions& options) {
  return inertia_of_batch(count, n, matrices, inertia, statuses, options);
}

Status inertia_batch(std::size_t count, std::size_t n, const float* matrices, Inertia* inertia,
                     Status* statuses, const BatchOptions& options) {
  return inertia_of_batch(count, n, matrices, inertia, statuses, options);
}

Status logabsdet_batch(std::size_t count, std::size_t n, const double* matrices,
                       double* log_modulus, double* sign, Status* statuses, double offset,
                       double factor, const BatchOptions& options) {
  return logabsdet_of_batch(count, n, matrices, log_modulus, sign, statuses, offset, factor,
                            options);
}

Status logabsdet_batch(std::size_t count, std::size_t n, const float* matrices, float* log_modulus,
                       float* sign, Status* statuses, double offset, double factor,
                       const BatchOptions& options) {
  return logabsdet_of_batch(count, n, matrices, log_modulus, sign, statuses, offset, factor,
                            options);
}

}  // namespace talweg
