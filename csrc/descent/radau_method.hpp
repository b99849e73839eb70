// The coefficients of the Radau IIA method with five stages, made from its nodes.
#pragma once

#include <cstddef>

namespace talweg {

struct RadauMethod {
  static constexpr std::size_t stages = 5;

  double node[stages];
  double a[stages][stages];        // z_i = h sum_j a[i][j] x'_j
  double inverse[stages][stages];  // of a
  double at_start[stages];         // value at 0 of the polynomial through values at the nodes
  double weight[stages + 1];       // barycentric ones of the nodes 0, node[0], ...

  RadauMethod();

  // basis[j], j = 0..stages: the polynomial of degree five that is 1 at the j-th of the nodes 0,
  // node[0], ... and 0 at the others.
  void basis(double theta, double* values) const;
};

const RadauMethod& radau_method();

}  // namespace talweg
