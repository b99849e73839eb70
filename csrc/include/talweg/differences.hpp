// Derivatives that an objective cannot evaluate, made from those that it can.
#pragma once

#include <memory>
#include <vector>

#include "talweg/objective.hpp"

namespace talweg {

struct DifferenceOptions {
  // n positive numbers: for each coordinate a length over which the function changes by about its
  // own size. Steps are proportional to it.
  std::vector<double> scale;
  // Relative error of what the objective evaluates.
  double noise = 2.220446049250313e-16;
  // Motions that leave the function unchanged, or null. Where the gradient is known, second and
  // third derivatives along them follow from it without differences.
  std::shared_ptr<const Gauge> gauge;

  // An empty string, or what is wrong with which option.
  const char* validate(std::size_t dimension) const noexcept;
};

// An objective with all quantities, of which `available` (an or of Quantity bits, the value among
// them) are the base's own. H from H v, H v from H and the like are exact; the others are central
// differences of fourth order of the highest available derivative, k = 1, 2 or 3 orders below, with
// steps noise^(1 / (k + 4)) times the scale, which balances rounding and truncation: relative
// errors near noise^(4 / (k + 4)), as errors() tells. Mixed ones come from lines by polarisation.
// All displaced points of a block are evaluated side by side. Throws std::invalid_argument.
std::unique_ptr<Objective> complete_derivatives(std::shared_ptr<const Objective> base,
                                                unsigned available,
                                                const DifferenceOptions& options);

}  // namespace talweg
