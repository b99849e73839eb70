// Descent by code that takes a group of points through many steps in one call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "talweg/descent.hpp"

namespace talweg {

// Rows of a group's state that a descent may need; a coordinate's row is the number here plus the
// coordinate.
struct CompiledDescent {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  // Takes `count` steps of all lanes, or less: where the square of some lane's gradient is at most
  // its bound, no lane takes that step. Returns the number of steps taken. Entry `lane` of row r is
  // state[r * lanes + lane]. Callable from any thread.
  std::int64_t (*advance)(double* state, std::int64_t count, const double* parameters);
  const double* parameters = nullptr;
  // Whether steps take much longer where numbers are not finite.
  bool cautious = false;
  std::size_t lanes = 0;  // of a group
  std::size_t rows = 0;
  std::size_t x = 0;            // n rows
  std::size_t before = none;    // n rows: the points before, with momentum
  std::size_t bound = none;     // of the square of the gradient: a negative one is never reached
  std::size_t square = none;    // that square, where the last call took less steps than it was to
  std::size_t product = none;   // of determinants, without the powers of two that are in:
  std::size_t exponent = none;  // an integer in the bits of a double
  std::size_t smallest = none;  // twice the extreme eigenvalues so far
  std::size_t largest = none;
  std::size_t odd = none;  // bits that are not all 0 where one of those left the range of numbers
};

// What `descend` does, by compiled code as far as it goes: points that leave the finite numbers,
// singular maps and Hessians out of the ordinary take the way of `descend` from their start.
// Without noise and tangent maps, and records are those of points and volumes.
Status descend(const Objective& objective, const CompiledDescent& code, std::size_t count,
               const DescentArrays& arrays, const DescentOptions& options);

}  // namespace talweg
