// Which entries of the Hessian can differ from zero, and which of its columns can share a product.
#pragma once

#include <cstdint>
#include <vector>

#include "talweg/tape.hpp"

namespace talweg {

struct SparsityPattern {
  // Rows of column j, ascending: rows[first[j]] up to rows[first[j + 1]].
  std::vector<std::size_t> first;
  std::vector<std::uint32_t> rows;
  // Columns of one colour have no row in common, so that the product with the sum of their unit
  // vectors shows the entries of all of them.
  std::vector<std::uint32_t> colour;
  std::uint32_t colours = 0;
};

// The pattern of the Jacobian of `gradient` in the first gradient.size() inputs, coloured greedily
// in the order of the columns (Curtis, Powell, Reid, J. Inst. Maths Applics 13, 1974).
SparsityPattern hessian_pattern(const Tape& tape, const std::vector<Node>& gradient);

}  // namespace talweg
