// Gradient extremals as a defining system with dense Hessians.
//
// Unknowns z = (x, v, lambda, sigma), |v| = 1, with R = [grad f - sigma v; H v - lambda v]. At a
// given (x, v) the best lambda = v.Hv and sigma = grad f.v are taken, which leaves the
// components orthogonal to v. In a frame [v, Q], with B = Q'HQ, T = T[v], C = Q'TQ, c = Q'Tv and
// dx = a v + Q b, dv = Q w, the linearisation is
//
//     q2 a + B b - sigma w = -q1,    c a + C b + (B - lambda) w = -q2,    q1 = Q'g, q2 = Q'Hv,
//
// and eliminating w gives n - 1 equations [r, A] (a, b) = ..., r = (B - lambda) q2 + sigma c and
// A = (B - lambda) B + sigma C, the matrix of L = H^2 + T[g] - lambda H on the hyperplane
// orthogonal to the gradient. Nothing here divides by sigma, so curves pass critical points.
//
// Where the objective has a gauge, the equations of the directions t_k(x) along orbits, which hold
// of themselves, are replaced by t_k.dx = 0, and v stays orthogonal to the orbits
// (objective/gauge_rows.hpp). Source: docs/theory.md, "Gradient extremals".
#pragma once

#include "objective/gauge_rows.hpp"
#include "spectrum/factorisation.hpp"
#include "talweg/defining_system.hpp"
#include "talweg/objective.hpp"

namespace talweg {

class DenseExtremalSystem final : public DefiningSystem {
 public:
  // The objective must outlive the system. Positions are taken to be rounded as those of this
  // length are, where they are shorter: near the origin the gradient's terms may cancel.
  explicit DenseExtremalSystem(const Objective& objective, double length_scale = 0.0);

  std::size_t coordinates() const noexcept override { return n_; }
  std::size_t unknowns() const noexcept override { return 2 * n_ + 2; }
  std::span<const EventFunction> event_functions() const noexcept override { return functions_; }
  CurvePoint make_point() const override;
  void evaluate(std::span<CurvePoint* const> points) override;
  Convergence convergence(CurvePoint& point, double tolerance) const override;
  bool correction(const CurvePoint& point, const double* border, double* step) override;
  bool tangent(CurvePoint& point, const double* reference) override;
  void classify(CurvePoint& point) override;
  bool approximate() const noexcept override { return approximate_; }
  void retract(CurvePoint& point) const override;
  void anchor(const CurvePoint& reference, CurvePoint& predicted) const override;
  std::size_t chart_dimension() const noexcept override { return 2 * n_ - 1; }
  void chart_point(const CurvePoint& reference, const double* y, CurvePoint& point) const override;
  void chart_residual(const CurvePoint& reference, const CurvePoint& point,
                      double* residual) override;
  void chart_jacobian(const CurvePoint& reference, const CurvePoint& point,
                      double* jacobian) override;
  void chart_direction(const CurvePoint& reference, const double* y, double* dz) const override;
  double chart_noise(const CurvePoint& reference) const override;
  void set_length_scale(double length) override { length_scale_ = length; }
  double position_rounding(const CurvePoint& point) const override;
  double event_rounding(const CurvePoint& point, std::size_t which) const override;

  // Number of points evaluated so far.
  std::size_t evaluations() const noexcept { return evaluations_; }

 private:
  // Positions in the array `norms`: |g|, |H|, |T[v]|, |x|, whether everything is finite, and the
  // scale of A and r, |H|^2 + |g| |T[v]|: H alone may vanish on a curve.
  static constexpr std::size_t gradient_norm = 0, hessian_norm = 1, third_norm = 2,
                               position_norm = 3, finite_flag = 4, square_scale = 5;
  // Where a point's arrays lie in CurvePoint::data.
  struct Layout {
    std::size_t value, gradient, hessian, third, frame, b, c_matrix, a, c, r, q1, q2, norms, gauge,
        turns, rank, size;
  };
  void linearise(CurvePoint& point);
  void fix_gauge(CurvePoint& point);
  // frame' row for the gauge rows of a point: rank x k, into gauge_frame_; returns the rank.
  std::size_t gauge_in_frame(const CurvePoint& point);
  // For a chart: combinations of the generators at a point that are the gauge rows at the
  // reference, and the turns that belong to them, into chart_rows_; gauge_in_frame(reference)
  // besides.
  std::size_t chart_gauge(const CurvePoint& reference, const CurvePoint& point);
  // What v turns along the gauge directions while x moves by dx, added to dv.
  void add_gauge_turn(const CurvePoint& point, const double* dx, double* dv) const;
  // w of dv = Q w from (a, b), least squares of both rows of the linearisation.
  void turn_of_v(const CurvePoint& point, double a, const double* b, bool homogeneous, double* w);
  // Into matrix_ and pivots_, the factors of [r, A] over its scale, bordered by what `border` has
  // along v and the frame.
  PivotReport factor_bordered(const CurvePoint& point, const double* border);

  // Estimated size of an error of the objective's derivatives at a point.
  double error_of(const DerivativeErrors::Coefficients& coefficients, const double* data) const;

  const Objective& objective_;
  GaugeRows gauge_;
  std::size_t n_, k_;  // k = n - 1
  DerivativeErrors errors_;
  bool approximate_;
  double length_scale_;
  Layout at_;
  std::vector<EventFunction> functions_;
  std::vector<double> block_;
  std::vector<double> matrix_, right_, border_, normal_, scratch_, eigenvalues_;
  std::vector<double> chart_scratch_;
  std::vector<double> gauge_frame_, gauge_scratch_, chart_rows_;
  std::vector<std::size_t> pivots_;
  std::size_t evaluations_ = 0;
};

}  // namespace talweg
