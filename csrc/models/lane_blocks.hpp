// Blocks of any number of lanes for kernels that take whole vectors of lanes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "objective/block_rows.hpp"
#include "talweg/objective.hpp"

namespace talweg {

// Memory that is kept for the thread's next call; each Tag has its own. The contents are not kept.
template <class Tag>
double* thread_scratch(std::size_t doubles) {
  thread_local std::vector<double> memory;
  if (memory.size() < doubles) memory.resize(doubles);
  return memory.data();
}

// Calls kernel(block) for parts of the block of at most `widest` lanes, each a multiple of
// `vector_lanes`. The last lanes are copied and padded with copies of one of them, which asks for
// no slow path that no lane asked for.
template <class Kernel>
void for_lane_blocks(std::size_t n, unsigned quantities, const EvaluationBlock& block,
                     std::size_t vector_lanes, std::size_t widest, Kernel&& kernel) {
  const std::size_t whole = block.lanes / vector_lanes * vector_lanes;
  for (std::size_t first = 0; first < whole;) {
    EvaluationBlock part;
    part.lanes = std::min(widest, whole - first);
    part.stride = block.stride;
    for_each_input(quantities, [&](auto member) { part.*member = block.*member + first; });
    for_each_output(n, quantities,
                    [&](auto member, std::size_t) { part.*member = block.*member + first; });
    kernel(part);
    first += part.lanes;
  }
  const std::size_t left = block.lanes - whole;
  if (left == 0) return;

  EvaluationBlock part;
  part.lanes = part.stride = vector_lanes;
  std::size_t rows = 0;
  for_each_input(quantities, [&](auto) { rows += n; });
  for_each_output(n, quantities, [&](auto, std::size_t count) { rows += count; });
  struct Tag;
  double* next = thread_scratch<Tag>(rows * vector_lanes);
  for_each_input(quantities, [&](auto member) {
    part.*member = next;
    for (std::size_t i = 0; i < n; ++i) {
      const double* const from = block.*member + i * block.stride + whole;
      for (std::size_t lane = 0; lane < vector_lanes; ++lane)
        *next++ = from[std::min(lane, left - 1)];
    }
  });
  for_each_output(n, quantities, [&](auto member, std::size_t count) {
    part.*member = next;
    next += count * vector_lanes;
  });
  kernel(part);
  for_each_output(n, quantities, [&](auto member, std::size_t count) {
    for (std::size_t row = 0; row < count; ++row)
      std::copy_n(part.*member + row * vector_lanes, left,
                  block.*member + row * block.stride + whole);
  });
}

}  // namespace talweg
