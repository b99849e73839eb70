// The directions of a gauge at a point, made orthonormal.
#pragma once

#include <cstddef>
#include <vector>

#include "talweg/gauge.hpp"

namespace talweg {

class GaugeRows {
 public:
  // The gauge may be null: then there are no rows. Directions shorter than this part of the longest
  // are taken as absent, as the rotation of a linear molecule about its axis is.
  explicit GaugeRows(const Gauge* gauge, double negligible = 1e-6);

  explicit operator bool() const noexcept { return gauge_ != nullptr; }
  std::size_t most() const noexcept { return gauge_ ? gauge_->count() : 0; }

  // Writes up to most() orthonormal rows that span the gauge directions at x and returns their
  // number. With a vector v orthogonal to them, `turns` (or null) gets rows w_j such that v stays
  // orthogonal to the gauge directions where x moves by dx and v by sum_j rows_j (w_j . dx). A
  // motion that leaves x alone but turns v counts with the direction in which v turns.
  std::size_t evaluate(const double* x, const double* v, double* rows, double* turns) const;

  // Takes the gauge directions at x out of v.
  void project(const double* x, double* v) const;

  // Gives a full symmetric matrix (n x n) the gauge directions as eigenvectors, of an eigenvalue
  // above all others; returns their number.
  std::size_t stiffen(const double* x, double* matrix) const;

 private:
  const Gauge* gauge_;
  std::size_t n_;
  double negligible_;
  mutable std::vector<double> rows_, product_;
};

}  // namespace talweg
