// Branch points and avoided crossings: where two arcs of the solution set meet, or nearly do.
#pragma once

#include <vector>

#include "curve/coroutine.hpp"
#include "talweg/defining_system.hpp"

namespace talweg {

// Near a crossing the equations reduce to one, h(xi, eta) = 0 in the plane of the two directions
// that the linearisation (nearly) annihilates, and h has a saddle there: its centre. The curve
// passes the centre where h(centre) = 0, a branch point, and else stays the half-gap away from it.
struct Crossing {
  bool found = false;             // a saddle of h was located
  bool exact = false;             // h vanishes at it to rounding
  double half_gap = 0.0;          // distance of the curve to the centre, units of x
  double vertex_curvature = 0.0;  // of the curve where it is nearest to the centre
  double error = 0.0;             // of the centre, units of x
  CurvePoint centre;
  std::vector<double> lines;  // two dz with |dx| = 1, the asymptotes of h = h(centre)
};

// Looks for a crossing near `guess`, an evaluated point of the curve or close to it. `reach` is the
// distance in x beyond which a centre is of no interest; neither is one whose half-gap is larger
// than `largest_half_gap`, and may be not found.
Task<Crossing> find_crossing(Lane& lane, DefiningSystem& system, const CurvePoint& guess,
                             double reach, double largest_half_gap);

}  // namespace talweg
