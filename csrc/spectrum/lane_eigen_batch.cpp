#include "spectrum/lane_eigen_batch.hpp"

#include <algorithm>
#include <limits>
#include <type_traits>
#include <vector>

#include "spectrum/packed_batches.hpp"
#include "spectrum/packed_eigen.hpp"

namespace talweg {
namespace {

template <class Real>
constexpr Real nan = std::numeric_limits<Real>::quiet_NaN();

// Working memory of one thread; single precision results are computed in double precision first.
struct Work {
  PackedEigen eigen;
  std::vector<double> values, vectors;
};

template <class Real>
Status decompose(std::size_t count, std::size_t n, const Real* matrices, Real* values,
                 Real* vectors, Status* statuses, const BatchOptions& options) {
  const std::size_t entries = n * n;
  const auto fail = [&](std::size_t k) {
    std::fill_n(values + k * n, n, nan<Real>);
    if (vectors) std::fill_n(vectors + k * entries, entries, nan<Real>);
  };
  return for_packed_blocks<Real, Work>(
      count, n, options.workers,
      [&](std::size_t first, std::size_t lanes, PackedReader<Real>& reader, Work& work) {
        Status own[most_packed_lanes];
        Status* const found = statuses ? statuses + first : own;
        const PackedMatrices packed =
            reader.read(matrices + first * entries, lanes, options.symmetry);
        Real* const to_values = values + first * n;
        Real* const to_vectors = vectors ? vectors + first * entries : nullptr;
        if constexpr (std::is_same_v<Real, double>) {
          work.eigen.decompose(packed, to_values, to_vectors, found);
        } else {
          work.values.resize(lanes * n);
          if (vectors) work.vectors.resize(lanes * entries);
          work.eigen.decompose(packed, work.values.data(), vectors ? work.vectors.data() : nullptr,
                               found);
          std::copy_n(work.values.data(), lanes * n, to_values);
          if (vectors) std::copy_n(work.vectors.data(), lanes * entries, to_vectors);
        }
        return settle(reader, lanes, found, [&](std::size_t l) { fail(first + l); });
      },
      [&](std::size_t first, std::size_t lanes) {
        for (std::size_t l = 0; l < lanes; ++l) fail(first + l);
        if (statuses) std::fill_n(statuses + first, lanes, Status::interrupted);
      });
}

}  // namespace

Status lane_eigen_batch(std::size_t count, std::size_t n, const double* matrices, double* values,
                        double* vectors, Status* statuses, const BatchOptions& options) {
  return decompose(count, n, matrices, values, vectors, statuses, options);
}

Status lane_eigen_batch(std::size_t count, std::size_t n, const float* matrices, float* values,
                        float* vectors, Status* statuses, const BatchOptions& options) {
  return decompose(count, n, matrices, values, vectors, statuses, options);
}

}  // namespace talweg
