// Objectives made from others: sums with coefficients, and functions of other coordinates.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg {

struct LinearTerm {
  double coefficient = 1.0;
  std::shared_ptr<const Objective> objective;
};

// constant + sum of coefficient * objective. Throws std::invalid_argument for no terms, or for
// terms of different dimensions.
std::unique_ptr<Objective> linear_combination(std::vector<LinearTerm> terms, double constant = 0.0);

// y -> f(A y + b), a function of n coordinates: A is N x n, row-major, and b has N entries, N the
// dimension of f. Derivatives are those with respect to y. Throws std::invalid_argument for sizes
// that do not fit or numbers that are not finite.
std::unique_ptr<Objective> compose_affine(std::shared_ptr<const Objective> objective,
                                          std::span<const double> matrix,
                                          std::span<const double> origin);

}  // namespace talweg
