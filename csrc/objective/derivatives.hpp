// Differentiation as a map from tapes to tapes: derivatives are further nodes of the same tape, so
// everything shared between a function and its derivatives is stored once.
//
// Conventions at kinks: sign(0) = 0 is the slope of |x| at 0; minimum and maximum take the slope of
// their first operand on a tie; select takes the chosen branch's; comparisons and sign are flat.
// What the branch not taken does, infinities included, never enters.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "talweg/tape.hpp"

namespace talweg {

// The gradient of `output` in the first `n` inputs, by eliminating the vertices of the
// computational graph in the order of least fill (Griewank and Walther, Evaluating Derivatives,
// chapter 9). `output` must be the same in every row.
std::vector<Node> gradient(Tape& tape, Node output, std::size_t n);

// Directional derivatives (forward mode) of fixed outputs.
class ForwardSweep {
 public:
  struct Seed {
    std::size_t input;
    Node direction;  // the input's own derivative
  };

  // Outputs may be repeated or no_node, which stands for zero.
  ForwardSweep(Tape& tape, std::vector<Node> outputs);

  // The derivative of each output along the seeds, no_node where it vanishes identically.
  // Only visits what depends on the seeded inputs.
  std::vector<Node> operator()(std::span<const Seed> seeds);

 private:
  Node differentiate(Node node);

  Tape& tape_;
  std::vector<Node> outputs_;
  std::vector<std::uint32_t> first_user_;  // users of node i: users_[first_user_[i] ...]
  std::vector<Node> users_;
  std::vector<Node> derivative_;  // no_node: zero
  std::vector<char> visited_;
};

// The lower triangle of the Jacobian of `gradient`, packed by rows; no_node marks structural zeros.
// Stops and returns an empty vector when the tape grows by more than `budget` nodes.
std::vector<Node> hessian(Tape& tape, const std::vector<Node>& gradient, std::size_t budget);

// The derivative of nodes along the direction whose coordinates are the inputs first_direction,
// first_direction + 1, ...; no_node stays no_node.
std::vector<Node> along(Tape& tape, const std::vector<Node>& nodes, std::size_t n,
                        std::size_t first_direction);

}  // namespace talweg
