#include <algorithm>
#include <span>
#include <stdexcept>

#include "objective/derivatives.hpp"
#include "talweg/jets.hpp"

namespace talweg {

TapeFunction directional_derivative(const Tape& tape, Node output, std::size_t n) {
  if (output >= tape.size()) throw std::invalid_argument("the output is no node of the tape");
  if (tape.is_row(output)) throw std::invalid_argument("the output differs from row to row");
  if (n == 0 || n > tape.inputs()) throw std::invalid_argument("n must be 1 to the tape's inputs");
  TapeFunction result{Tape(std::max(tape.inputs(), 2 * n), tape.limit() * 8), no_node};
  const Node copied = tape.copy_to(result.tape, std::span(&output, 1))[0];
  result.output = along(result.tape, {copied}, n, n)[0];
  if (result.output == no_node) result.output = result.tape.constant(0.0);
  return result;
}

}  // namespace talweg
