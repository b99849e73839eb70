// Partial derivatives of single operations.
#pragma once

#include <array>

#include "talweg/tape.hpp"

namespace talweg {

// The derivative of a node in each of its operands, as nodes; no_node where it vanishes
// identically. For sum_rows it is the weight of each row, 1.
std::array<Node, 3> partials(Tape& tape, Node node);

// 1 where a minimum or maximum takes its first operand, else 0.
Node first_is_chosen(Tape& tape, const Tape::Entry& entry);

}  // namespace talweg
