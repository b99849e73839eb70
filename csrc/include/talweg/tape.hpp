// A recorded function: a graph of operations in single-assignment form, each distinct operation
// stored once (hash-consed). Differentiation maps tapes to tapes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg {

enum class Operation : std::uint16_t {
  input,        // coordinate `index`
  constant,     // `value`
  data_column,  // column `index` of data table `table`: a value that differs from row to row
  add, subtract, multiply, divide, negate,
  power,        // a ** b with real b
  exp, log, sqrt, sin, cos, tan, tanh, sinh, cosh, atan, erf, log1p, expm1, sigmoid,
  absolute, sign, minimum, maximum,
  less, less_equal, equal,  // 1.0 or 0.0
  select,       // a != 0 ? b : c
  sum_rows,     // sum of a over the rows of `table`
};

using Node = std::uint32_t;

class Tape;  // see csrc/objective/tape.hpp for the graph itself

}  // namespace talweg
