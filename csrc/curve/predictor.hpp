// Hermite interpolation through the latest points of a curve and their tangents.
#pragma once

#include <cmath>
#include <cstddef>

#include "talweg/defining_system.hpp"

namespace talweg {

// z and dz/ds at arclength s of the polynomial that takes the values and tangents of `count`
// (1 to 3) points: degree 2 count - 1.
inline void hermite(const CurvePoint* const* points, std::size_t count, double s, double* z,
                    double* tangent) {
  const std::size_t unknowns = points[0]->z.size();
  double value_weight[3], tangent_weight[3], value_slope[3], tangent_slope[3];
  for (std::size_t j = 0; j < count; ++j) {
    const double here = points[j]->arclength;
    double lagrange = 1.0, lagrange_slope = 0.0, slope_at_node = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == j) continue;
      const double inverse = 1.0 / (here - points[i]->arclength);
      const double factor = (s - points[i]->arclength) * inverse;
      lagrange_slope = lagrange_slope * factor + lagrange * inverse;
      lagrange *= factor;
      slope_at_node += inverse;
    }
    const double square = lagrange * lagrange;
    const double square_slope = 2.0 * lagrange * lagrange_slope;
    const double distance = s - here;
    const double linear = 1.0 - 2.0 * distance * slope_at_node;
    value_weight[j] = linear * square;
    value_slope[j] = -2.0 * slope_at_node * square + linear * square_slope;
    tangent_weight[j] = distance * square;
    tangent_slope[j] = square + distance * square_slope;
  }
  for (std::size_t i = 0; i < unknowns; ++i) {
    double sum = 0.0, slope = 0.0;
    for (std::size_t j = 0; j < count; ++j) {
      sum += value_weight[j] * points[j]->z[i] + tangent_weight[j] * points[j]->tangent[i];
      slope += value_slope[j] * points[j]->z[i] + tangent_slope[j] * points[j]->tangent[i];
    }
    z[i] = sum;
    tangent[i] = slope;
  }
}

// Length of the arc between two points, from the chord and the turn of the tangent; exact for
// circles to fourth order.
inline double arc_length(const CurvePoint& from, const CurvePoint& to, std::size_t coordinates) {
  double chord = 0.0, turn = 0.0;
  for (std::size_t i = 0; i < coordinates; ++i) {
    const double d = to.z[i] - from.z[i], t = to.tangent[i] - from.tangent[i];
    chord += d * d;
    turn += t * t;
  }
  return std::sqrt(chord) * (1.0 + turn / 24.0);
}

}  // namespace talweg
