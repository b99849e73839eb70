// What the curve tracer needs to know of a problem: a residual R(z) with one unknown more than
// equations, whose solutions are curves. Write a class derived from DefiningSystem to trace curves
// of another kind with the same tracer.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace talweg {

enum class EventKind : int {
  critical_point = 0,
  level_fold = 1,
  valley_ridge_inflection = 2,
  inflection = 3,
  branch_point = 4,
  near_branch = 5,
  boundary = 6,
};

// The name Python shows: "critical_point", "level_fold", ...
const char* name(EventKind kind) noexcept;

// One scalar function of a curve point. A change of its sign between two points is an event of
// `kind`. Index functions are the exception: they are the sorted values whose negative ones
// slope_index counts; the tracer uses them to see that nothing happened unnoticed.
struct EventFunction {
  EventKind kind;
  bool is_index_function = false;
};

// A point of a solution curve with what the system knows there.
struct CurvePoint {
  std::vector<double> z;        // unknowns; the leading `coordinates()` entries are x
  std::vector<double> tangent;  // dz/ds, with |dx/ds| = 1
  std::vector<double> events;   // values of the event functions
  // Their derivatives by arclength, NaN where they are not known; empty: none are.
  std::vector<double> event_slopes;
  std::vector<double> data;  // the system's own
  double arclength = 0.0;
  double orientation = 0.0;  // +1 or -1: sign of det[dR; tangent]
  double singularity =
      0.0;                // relative size of the smallest singular value of dR; 0 at branch points
  double residual = 0.0;  // relative residual, as the system defines it
  double value = 0.0;     // f
  double slope = 0.0;     // |grad f|
  int slope_index = 0;
  int curvature_index = 0;
};

class DefiningSystem {
 public:
  virtual ~DefiningSystem() = default;

  // Number n of coordinates x; arclength is measured in x alone.
  virtual std::size_t coordinates() const noexcept = 0;
  // Length of z. Where it is 2n or more, the n entries after x are a unit vector whose turning
  // shortens steps.
  virtual std::size_t unknowns() const noexcept = 0;
  virtual std::span<const EventFunction> event_functions() const noexcept = 0;

  // A point with every array at its size.
  virtual CurvePoint make_point() const = 0;

  // Evaluates the functions and derivatives at each point's z, side by side in lanes.
  virtual void evaluate(std::span<CurvePoint* const> points) = 0;

  // How far z is from the curve: negative when an evaluation is not finite, at most 1 when
  // converged, else the factor by which the residual exceeds what convergence asks for. `relaxed`
  // is the same against the rounding of the functions themselves.
  struct Convergence {
    double ratio = 0.0;
    double relaxed = 0.0;
  };
  virtual Convergence convergence(CurvePoint& point, double tolerance) const = 0;

  // A length below whose rounding positions are of no interest: a point at the origin has no size
  // of its own. The tracer passes a part of its longest step.
  virtual void set_length_scale(double length) { static_cast<void>(length); }

  // Newton correction: dR step = -R with border . dx = 0 (border has n entries); `step` has length
  // unknowns(). False when the bordered matrix is singular.
  virtual bool correction(const CurvePoint& point, const double* border, double* step) = 0;

  // Unit tangent with a positive product with `reference` (n entries), orientation and singularity.
  // False when no tangent is defined.
  virtual bool tangent(CurvePoint& point, const double* reference) = 0;

  // Event functions, labels, value, slope and relative residual. Needs the tangent.
  virtual void classify(CurvePoint& point) = 0;

  // How far a converged point may lie beside the curve, units of x: the rounding of the residual
  // over the slope of the equations. Default: the rounding of x.
  virtual double position_rounding(const CurvePoint& point) const;

  // Rounding of one event function at a classified point, the displacement beside the curve
  // included. Default: none.
  virtual double event_rounding(const CurvePoint& point, std::size_t which) const;

  // Whether the functions have errors well above rounding (derivatives that are differences, say),
  // which the two estimates above then include.
  virtual bool approximate() const noexcept { return false; }

  // Restores the constraints that are kept exactly (unit vectors) after z was moved.
  virtual void retract(CurvePoint& point) const = 0;

  // Takes out of a predicted point what lies along symmetries that leave the equations unchanged,
  // seen from the evaluated point it was extrapolated from. No correction would: what rounding
  // puts there would grow from step to step, by a factor of 18 where the polynomial has degree 5.
  virtual void anchor(const CurvePoint& reference, CurvePoint& predicted) const {
    (void)reference;
    (void)predicted;
  }

  // A chart around `reference`: `chart_dimension()` = D coordinates y, the leading n an orthonormal
  // frame for dx, such that y = 0 is the reference; D - 1 smooth equations that vanish on the
  // curve there, scaled to be of the size of the coordinates' error.
  virtual std::size_t chart_dimension() const noexcept = 0;
  virtual void chart_point(const CurvePoint& reference, const double* y,
                           CurvePoint& point) const = 0;
  virtual void chart_residual(const CurvePoint& reference, const CurvePoint& point,
                              double* residual) = 0;
  // Row-major (D - 1) x D, exact derivatives with respect to y.
  virtual void chart_jacobian(const CurvePoint& reference, const CurvePoint& point,
                              double* jacobian) = 0;
  // dz of a chart direction at the reference.
  virtual void chart_direction(const CurvePoint& reference, const double* y, double* dz) const = 0;
  // Rounding level of the chart's residual at the reference.
  virtual double chart_noise(const CurvePoint& reference) const = 0;
};

}  // namespace talweg
