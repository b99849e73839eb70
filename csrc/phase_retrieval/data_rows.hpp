// The data of a description as rows of numbers.
#pragma once

#include <algorithm>
#include <cstddef>

#include "parallel/thread_pool.hpp"
#include "phase_retrieval/row_pass.hpp"
#include "talweg/phase_retrieval.hpp"

namespace talweg {

inline DataRows rows_of(const PhaseRetrieval& description) {
  return {description.rows, description.columns, description.data, description.single_data};
}

// Calls function(row) for every row, on several threads.
template <class Function>
void for_chunks_of_rows(const DataRows& data, std::size_t workers, Function&& function) {
  constexpr std::size_t rows_of_chunk = 256;
  parallel_for((data.rows + rows_of_chunk - 1) / rows_of_chunk, workers, [&](std::size_t chunk) {
    const std::size_t end = std::min(data.rows, (chunk + 1) * rows_of_chunk);
    for (std::size_t row = chunk * rows_of_chunk; row < end; ++row) function(row);
  });
}

}  // namespace talweg
