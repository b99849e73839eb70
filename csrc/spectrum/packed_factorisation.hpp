// Determinants and inertia of blocks of packed symmetric matrices, whatever these are like: lanes
// that elimination without pivoting cannot do are redone one by one.
#pragma once

#include <cstddef>
#include <vector>

#include "spectrum/aligned_memory.hpp"
#include "talweg/spectrum.hpp"

namespace talweg {

// A block of matrices as EvaluationBlock has Hessians: entry (i, j), j <= i, of lane l is
// entries[(i * (i + 1) / 2 + j) * stride + l]. Up to n = batch_eigen_limit lanes from `lanes` to
// padded_lanes(lanes) <= stride hold initialised numbers.
struct PackedMatrices {
  std::size_t n = 0;
  std::size_t lanes = 0;
  const double* entries = nullptr;
  std::size_t stride = 0;
};

// `lanes` rounded up to whole vectors.
std::size_t padded_lanes(std::size_t lanes);

// Working memory that is kept from one block to the next.
class PackedFactorisation {
 public:
  // For offset I + factor H; see logabsdet_batch. statuses: one a lane. Returns whether all are
  // converged.
  bool determinants(const PackedMatrices& matrices, double offset, double factor,
                    double* log_modulus, double* sign, Status* statuses);

  // See inertia_batch; returns as above.
  bool inertia(const PackedMatrices& matrices, Inertia* inertia, Status* statuses);

 private:
  void determinant_with_pivoting(const PackedMatrices& matrices, std::size_t lane, double offset,
                                 double factor, double& log_modulus, double& sign, Status& status);
  bool certain_by_pivoting(const PackedMatrices& matrices, std::size_t lane, Inertia& inertia);
  void inertia_by_eigenvalues(const PackedMatrices& matrices, Inertia* inertia, Status* statuses);

  AlignedMemory memory_;
  std::vector<double> counts_, full_, values_;
  std::vector<std::size_t> left_;
  std::vector<Status> statuses_;
};

}  // namespace talweg
