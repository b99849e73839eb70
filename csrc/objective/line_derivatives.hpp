// Derivatives of an objective's quantities along straight lines, by central differences.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>

#include "talweg/objective.hpp"

namespace talweg {

// sum_k weights[k] q(x + offsets[k] t d) / t^order, the derivative along d to fourth order in t.
struct Stencil {
  unsigned order;
  std::span<const double> offsets, weights;
};

extern const Stencil value_stencil;  // the quantity itself
extern const Stencil first_stencil;
extern const Stencil second_stencil;
// Without the middle point, for differences of two second derivatives, from which it drops out.
extern const Stencil second_stencil_without_centre;
extern const Stencil third_stencil;

// For `lines` lines through each point of the block.
struct Lines {
  std::size_t count = 1;
  // Writes the direction (n entries) of a line through a lane's point; not called for the value
  // stencil.
  std::function<void(std::size_t lane, std::size_t line, double* direction)> direction;
  // Writes the vector that H v or T[v] w is taken with (n entries), and T[v] w's second one.
  std::function<void(std::size_t lane, std::size_t line, double* v)> v, w;
};

// Calls result(lane, line, rows) with the derivatives of the quantity's rows (1, n, or the packed
// n (n + 1) / 2). Lines go side by side in blocks of the objective's; a line's result does not
// depend on its neighbours.
void line_derivatives(
    const Objective& objective, Quantity quantity, const Stencil& stencil, double step,
    const EvaluationBlock& block, const Lines& lines,
    const std::function<void(std::size_t lane, std::size_t line, const double* rows)>& result);

}  // namespace talweg
