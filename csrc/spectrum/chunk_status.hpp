// The status of a computation from those of its chunks.
#pragma once

#include <vector>

#include "talweg/status.hpp"

namespace talweg {

// interrupted where some chunk was, else the first one of trouble, else converged.
inline Status status_of_chunks(const std::vector<Status>& chunks) {
  Status first = Status::converged;
  for (const Status status : chunks) {
    if (status == Status::interrupted) return status;
    if (first == Status::converged) first = status;
  }
  return first;
}

}  // namespace talweg
