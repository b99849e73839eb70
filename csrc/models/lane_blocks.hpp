// Blocks of any number of lanes for kernels that take whole vectors of lanes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg {

constexpr unsigned every_quantity = quantity_value | quantity_gradient | quantity_hessian |
                                    quantity_third | quantity_hessian_product |
                                    quantity_third_product;
constexpr unsigned quantities_of_v =
    quantity_third | quantity_hessian_product | quantity_third_product;

constexpr std::size_t triangle(std::size_t n) { return n * (n + 1) / 2; }

// Memory that is kept for the thread's next call; each Tag has its own. The contents are not kept.
template <class Tag>
double* thread_scratch(std::size_t doubles) {
  thread_local std::vector<double> memory;
  if (memory.size() < doubles) memory.resize(doubles);
  return memory.data();
}

// The array of every quantity with its number of rows, for those that are asked for.
template <class Function>
void for_each_output(std::size_t n, unsigned quantities, Function&& function) {
  if (quantities & quantity_value) function(&EvaluationBlock::value, 1);
  if (quantities & quantity_gradient) function(&EvaluationBlock::gradient, n);
  if (quantities & quantity_hessian) function(&EvaluationBlock::hessian, triangle(n));
  if (quantities & quantity_third) function(&EvaluationBlock::third, triangle(n));
  if (quantities & quantity_hessian_product) function(&EvaluationBlock::hessian_product, n);
  if (quantities & quantity_third_product) function(&EvaluationBlock::third_product, n);
}

template <class Function>
void for_each_input(unsigned quantities, Function&& function) {
  function(&EvaluationBlock::x);
  if (quantities & quantities_of_v) function(&EvaluationBlock::v);
  if (quantities & quantity_third_product) function(&EvaluationBlock::w);
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
