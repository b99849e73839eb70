// Objectives for functions whose structure is known: what they are made from is plain data, and
// every quantity has a kernel of its own. Fill in a description and give it to make_objective,
// which copies what it needs and throws std::invalid_argument, naming the member, when the
// description makes no sense.
//
// What a lane gets is the same bits whatever the block it comes in. A coordinate that is not
// finite, or a point where the function is not defined, spoils its own lane only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg {

// f(x) = sum_t coefficients[t] prod_i x_i^exponents[t, i]
struct Polynomial {
  std::size_t n = 0;
  std::vector<double> coefficients;      // one a term; no terms is the zero function
  std::vector<std::uint32_t> exponents;  // (terms, n) by rows, no row twice, at most 1000 each
};

// T[e_i, e_j, e_k], the third derivative along three axes.
struct CubicCoefficient {
  std::size_t i = 0, j = 0, k = 0;  // in any order; each combination once
  double value = 0.0;
};

// f(x) = constant + linear.d + d'A d / 2 + T[d, d, d] / 6 with d = x - centre: quadratic functions,
// and quadratic plus cubic normal forms.
struct Quadratic {
  std::size_t n = 0;
  std::vector<double> matrix;  // A: n numbers for a diagonal one, else (n, n) and symmetric
  std::vector<double> linear;  // n, or empty for 0
  std::vector<double> centre;  // n, or empty for 0
  double constant = 0.0;
  std::vector<CubicCoefficient> cubic;
};

// The mean over the rows z_i of a data matrix of
//     log(1 + exp(-y_i z_i.w))  with y_i = +-1     (logistic)
//     (z_i.w - y_i)^2 / 2                          (squares)
// plus sum_j ridge[j] w_j^2 / 2, as a function of w.
struct Regression {
  enum class Loss { logistic, squares };
  Loss loss = Loss::logistic;
  std::size_t rows = 0;
  std::size_t columns = 0;      // of the data: the number of coordinates
  std::vector<double> data;     // (rows, columns) by rows
  std::vector<double> targets;  // y, one a row
  std::vector<double> ridge;    // one a column and none negative, or empty for 0
};

// Atoms in three dimensions, coordinates atom by atom, with the pair potential
//     4 depth ((length/r)^12 - (length/r)^6)                                (Lennard-Jones)
//     depth (exp(-2 steepness (r - length)) - 2 exp(-steepness (r - length)))       (Morse)
// Where atoms coincide f is infinite (Lennard-Jones) and derivatives are infinite or NaN.
struct Cluster {
  enum class Pair { lennard_jones, morse };
  Pair pair = Pair::lennard_jones;
  std::size_t atoms = 0;  // at least 2
  double depth = 1.0;
  double length = 1.0;
  double steepness = 1.0;  // Morse only
};

// Gaussians G_k(x) = exp(-(x - mean_k)' P_k (x - mean_k) / 2), combined to
//     f = sum_k amplitudes[k] G_k(x)               (sum)
//     f = -log(sum_k exp(amplitudes[k]) G_k(x))    (logarithm)
// A mixture density's negative logarithm has amplitudes[k] = log(weight_k) + log(det P_k) / 2
// - n log(2 pi) / 2.
struct Gaussians {
  enum class Combination { sum, logarithm };
  Combination combination = Combination::logarithm;
  std::size_t n = 0;
  std::vector<double> amplitudes;  // one a component, at least one component
  std::vector<double> means;       // (components, n)
  std::vector<double> precisions;  // P: (components, n, n), symmetric
};

// f(x) = sum_i (x_i^2 - 1)^2 / 4 + coupling / 2 sum_i (x_i+1 - x_i)^2
struct Phi4Chain {
  std::size_t n = 0;  // at least 2, at least 3 for a ring
  double coupling = 0.1;
  bool periodic = false;  // whether the last site is a neighbour of the first
};

std::unique_ptr<Objective> make_objective(const Polynomial& description);
std::unique_ptr<Objective> make_objective(const Quadratic& description);
std::unique_ptr<Objective> make_objective(const Regression& description);
std::unique_ptr<Objective> make_objective(const Cluster& description);
std::unique_ptr<Objective> make_objective(const Gaussians& description);
std::unique_ptr<Objective> make_objective(const Phi4Chain& description);

}  // namespace talweg
