// The change of recorded values between a fixed point and one nearby, without subtracting them.
#pragma once

#include <span>
#include <vector>

#include "talweg/tape.hpp"

namespace talweg {

struct DifferenceTape {
  Tape tape;                  // a function of the offset d
  std::vector<Node> outputs;  // output(point + d) - output(point); no_node where it never changes
};

// Every node becomes a pair: its value at the point, which is a number unless it differs from row
// to row, and its change, made from the changes of its operands by identities that do not cancel:
// (p + a)(q + b) - p q = a (q + b) + p b, exp(p + a) - exp(p) = exp(p) expm1(a), and so on. Changes
// therefore have full relative precision however small the offset is. Throws RecordingLimit where
// the tape would have more than `limit` operations, std::invalid_argument for a point of another
// dimension.
DifferenceTape difference_tape(const Tape& tape, std::span<const Node> outputs,
                               std::span<const double> point, std::size_t limit);

}  // namespace talweg
