// From a tape to the program that the interpreter runs.
#pragma once

#include <span>

#include "objective/program.hpp"
#include "talweg/tape.hpp"

namespace talweg {

// A program that computes the outputs, which must be the same in every row; no_node stands for
// zero. Its input rows are the tape's inputs.
Program lower(const Tape& tape, std::span<const Node> outputs);

std::size_t instruction_count(const Program& program);

}  // namespace talweg
