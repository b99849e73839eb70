// Functions as seen from a point: Taylor polynomials there, and offsets from it that keep their
// relative precision however short they are.
#pragma once

#include <memory>
#include <span>

#include "talweg/objective.hpp"
#include "talweg/tape.hpp"

namespace talweg {

// The Taylor polynomial of f at `origin`, from second order up to `order` (2 to 4), as a function
// of the offset d: d'Hd/2 + T[d, d, d]/6 + Q[d, d, d, d]/24. Nothing is stored: an evaluation
// multiplies at the origin, and for the fourth order at origin +- step * d/|d|, whose difference
// over 2 step stands for Q. Products go along d/|d|, so that offsets keep their direction at any
// length. Throws std::invalid_argument for another order, or numbers that do not do.
std::unique_ptr<Objective> compose_taylor(std::shared_ptr<const Objective> objective,
                                          std::span<const double> origin, int order, double step);

// d -> f(point + d) - f(point) - grad f(point) . d for a recorded f, `objective` being the tape's
// output. The gradient is computed from changes of the recorded values, by identities that do not
// subtract what is nearly equal, so that it has full relative precision at any length of d; the
// value is an integral of it, by a rule of order 16. Higher derivatives are those of `objective`.
// Throws std::invalid_argument for sizes that do not fit or a point that is not finite,
// RecordingLimit for too long a function.
std::unique_ptr<Objective> exact_offsets(std::shared_ptr<const Objective> objective,
                                         const Tape& tape, Node output,
                                         std::span<const double> point);

// What `compose_relative` takes the function to be at its origin.
struct RelativeOrigin {
  std::span<const double> point;     // n
  double value = 0.0;                // f there
  std::span<const double> gradient;  // n, of f there
};

// d -> f(origin + d) - f(origin) - gradient . d, for |d| < radius given by `near`, a function of d.
// Outside, the rounding of origin + d is made good to first order, where f has exact derivatives.
// Each point is taken by its own length, whatever others its block has. Throws
// std::invalid_argument for sizes that do not fit, numbers that are not finite or a negative
// radius.
std::unique_ptr<Objective> compose_relative(std::shared_ptr<const Objective> objective,
                                            std::shared_ptr<const Objective> near,
                                            const RelativeOrigin& origin, double radius);

// The derivative of a recorded function of n coordinates along a vector v: a function of (x, v),
// whose inputs n to 2 n - 1 are v. A function that has such inputs already is differentiated in x
// alone, so that a second call gives the second derivative. Throws std::invalid_argument for an
// output that is no node or differs from row to row, or n of more coordinates than there are.
TapeFunction directional_derivative(const Tape& tape, Node output, std::size_t n);

}  // namespace talweg
