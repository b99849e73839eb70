// Hessians and third derivatives by differences of gradients, of a function with a gauge.
#pragma once

#include <vector>

#include "objective/gauge_rows.hpp"
#include "talweg/objective.hpp"

namespace talweg {

// Along orbits derivatives follow from lower ones: with generators t(x) of derivative A,
//
//     H t = A g,    T[v] t = A H v - H A v,
//
// so that only directions orthogonal to them take differences. Those of H serve T[v] again, by
// polarisation, T[v] q = (D_(v+q)^2 - D_v^2 - D_q^2) g / 2: 4 k + 4 gradients for T[v] after 4 k
// for H with k directions, where plain differences take 8 n and 4 n.
class GaugedDifferences {
 public:
  // Steps are `step` times the scale of each coordinate.
  GaugedDifferences(const Objective& base, const Gauge& gauge, const std::vector<double>& scale,
                    double step);

  // Fills block.hessian, block.third or both, as `quantities` has them. Needs block.gradient.
  void evaluate(unsigned quantities, const EvaluationBlock& block) const;

 private:
  struct Lane;
  void prepare(const EvaluationBlock& block, Lane& lane, std::size_t index) const;
  // The full matrix whose products with the lane's rows are `along`, and with its axes `across`.
  std::vector<double> assemble(const Lane& lane, const std::vector<double>& along,
                               const std::vector<double>& across) const;
  // What the generators' derivatives make of a vector: rank x n.
  std::vector<double> turned(const Lane& lane, const double* vector) const;
  double scaled_length(const double* vector) const;

  const Objective& base_;
  GaugeRows gauge_;
  const std::vector<double>& scale_;
  double step_;
  std::size_t n_;
};

}  // namespace talweg
