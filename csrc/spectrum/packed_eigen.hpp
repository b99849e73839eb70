// Eigenvalues and eigenvectors of blocks of packed symmetric matrices.
#pragma once

#include <cstddef>

#include "spectrum/aligned_memory.hpp"
#include "spectrum/packed_factorisation.hpp"
#include "talweg/status.hpp"

namespace talweg {

// `lanes` rounded up to whole groups of the kernels across lanes.
std::size_t grouped_lanes(std::size_t lanes);

// Working memory that is kept from one block to the next.
class PackedEigen {
 public:
  // As eigh_batch; lanes up to grouped_lanes(lanes) <= stride hold initialised numbers where
  // n <= lane_eigen_limit. vectors may be null.
  void decompose(const PackedMatrices& matrices, double* values, double* vectors, Status* statuses);

 private:
  void across_lanes(const PackedMatrices& matrices, double* values, double* vectors,
                    Status* statuses);
  void by_itself(const PackedMatrices& matrices, std::size_t lane, double* values, double* vectors,
                 Status* statuses);
  void one_by_one(const PackedMatrices& matrices, double* values, double* vectors,
                  Status* statuses);

  AlignedMemory memory_;
};

}  // namespace talweg
