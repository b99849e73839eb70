// Integer relations between the eigenvalues at a critical point.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "talweg/status.hpp"

namespace talweg {

struct ResonanceOptions {
  std::size_t max_order = 4;      // largest |m|, 2 to 12
  double tolerance = 1e-2;        // largest relative gap
  std::size_t max_count = 10000;  // resonances kept
};

struct Resonance {
  std::size_t index = 0;              // i
  std::vector<std::uint16_t> powers;  // the indices j, each m_j times, ascending
  double gap = 0.0;                   // flow: 1 - m . a / a_i; map: 1 - prod mu_j^m_j / mu_i
};

struct Resonances {
  std::vector<Resonance> found;  // by order, then by |gap|
  // All of this order and below were found.
  std::size_t complete_order = 0;
  // max_points when max_count was reached or an order needs too many sums, or interrupted
  Status status = Status::converged;
};

// Flow: all i and integer vectors m >= 0 with 2 <= |m| <= max_order and
// |a_i - m . a| <= tolerance |a_i|.
// Source: the resonance condition of Poincare and Sternberg, theory page, "Resonances". Sums are
// split into a lower and an upper half of the indices, both sorted: about n^(max_order / 2) sums
// are formed and not n^max_order, and of a positive spectrum those only that stay below its largest
// eigenvalue. Orders that need more than 2e7 sums are not searched. Throws std::invalid_argument
// for senseless arguments.
Resonances flow_resonances(std::span<const double> eigenvalues,
                           const ResonanceOptions& options = {});

// Map: |mu_i - prod mu_j^m_j| <= tolerance |mu_i|, signs counted. Multipliers that are zero are
// left out on both sides.
Resonances map_resonances(std::span<const double> multipliers,
                          const ResonanceOptions& options = {});

}  // namespace talweg
