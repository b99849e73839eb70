// The one interface every kernel evaluates functions through: blocks of points, never one point.
#pragma once

#include <array>
#include <cstddef>

#include "talweg/status.hpp"

namespace talweg {

// What to evaluate, combined with |.
enum Quantity : unsigned {
  quantity_value = 1u << 0,
  quantity_gradient = 1u << 1,
  quantity_hessian = 1u << 2,
  quantity_third = 1u << 3,            // T[v], the derivative of the Hessian along v
  quantity_hessian_product = 1u << 4,  // H v
  quantity_third_product = 1u << 5,    // T[v] w
};

// A block of points, coordinate-major: coordinate i of lane l is x[i * stride + l], and likewise
// for every other array. Symmetric matrices are packed lower triangles: entry (i, j), j <= i, is
// row i * (i + 1) / 2 + j. Only the arrays that the requested quantities need have to be set; lanes
// beyond `lanes` (up to `stride`) are neither read nor written.
struct EvaluationBlock {
  std::size_t lanes = 0;
  std::size_t stride = 0;             // >= lanes
  const double* x = nullptr;          // n rows
  const double* v = nullptr;          // n rows, for T[v], H v and T[v] w
  const double* w = nullptr;          // n rows, for T[v] w
  double* value = nullptr;            // 1 row
  double* gradient = nullptr;         // n rows
  double* hessian = nullptr;          // n (n + 1) / 2 rows
  double* third = nullptr;            // n (n + 1) / 2 rows
  double* hessian_product = nullptr;  // n rows
  double* third_product = nullptr;    // n rows
};

// How far an objective's derivatives may lie from the exact ones, beyond the rounding of exact
// formulas: coefficients of |f|, |grad f| and |H| (Frobenius) at a point, whose sum of products
// estimates the norm of the error there. All zero: exact up to rounding.
struct DerivativeErrors {
  using Coefficients = std::array<double, 3>;
  Coefficients gradient{}, hessian{}, third{};  // third: of T[v] for |v| = 1

  static double at(const Coefficients& c, double value, double gradient, double hessian) noexcept {
    return c[0] * value + c[1] * gradient + c[2] * hessian;
  }
};

class Objective {
 public:
  virtual ~Objective() = default;

  // Number of coordinates n, at least 1.
  virtual std::size_t dimension() const noexcept = 0;

  // Evaluates the quantities (an or of Quantity bits) on a block. Non-finite results are results:
  // they stay in their lane. Safe to call from several threads at once when thread_safe().
  virtual void evaluate(unsigned quantities, const EvaluationBlock& block) const = 0;

  virtual bool thread_safe() const noexcept { return true; }

  virtual DerivativeErrors errors() const noexcept { return {}; }
};

}  // namespace talweg
