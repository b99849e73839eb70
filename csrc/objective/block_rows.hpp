// The rows of a block: which arrays a request is about, and how many rows each has.
#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "talweg/objective.hpp"

namespace talweg {

constexpr unsigned every_quantity = quantity_value | quantity_gradient | quantity_hessian |
                                    quantity_third | quantity_hessian_product |
                                    quantity_third_product;
constexpr unsigned quantities_of_v =
    quantity_third | quantity_hessian_product | quantity_third_product;

// Entries of the packed lower triangle of an n by n matrix.
constexpr std::size_t triangle(std::size_t n) { return n * (n + 1) / 2; }

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

// NaN everywhere that is asked for: what is not written must not look like an answer.
inline void fill_nan(std::size_t n, unsigned quantities, const EvaluationBlock& block) {
  for_each_output(n, quantities, [&](auto member, std::size_t rows) {
    for (std::size_t r = 0; r < rows; ++r) {
      std::fill_n(block.*member + r * block.stride, block.lanes,
                  std::numeric_limits<double>::quiet_NaN());
    }
  });
}

}  // namespace talweg
