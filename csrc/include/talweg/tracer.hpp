// Pseudo-arclength continuation of a defining system's solution curves.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "talweg/defining_system.hpp"
#include "talweg/status.hpp"

namespace talweg {

struct TracerOptions {
  std::vector<double> lower, upper;  // the box, n entries each; empty: no box
  // Rows of n entries, one for each bound: the box is for this matrix times x. Empty: for x.
  std::vector<double> box_matrix;
  double max_step = 0.0;              // longest step in arclength, units of x; required
  double initial_step = 0.0;          // 0: a tenth of max_step
  double min_step = 0.0;              // 0: 1e-10 times the larger of max_step and |x|
  double max_length = 0.0;            // arclength to stop at; 0: none
  std::size_t max_points = 10000;     // at least 2
  double tolerance = 1e-12;           // relative residual of accepted points
  double near_branch_distance = 0.0;  // avoided crossings up to this half-gap are events where the
                                      // curve bends with a radius of at most twice it; 0: max_step
  double max_turn = 0.35;             // radians, tangent, within one step
  bool stop_at_critical_points = false;
  bool stop_at_branch_points = false;

  // An empty string, or what is wrong with which option.
  const char* validate(std::size_t coordinates) const noexcept;
};

// What happens at one place of a curve.
struct CurveEvent {
  EventKind kind = EventKind::boundary;
  std::size_t index = 0;  // the event lies between points index and index + 1
  double arclength = 0.0;
  double error = 0.0;        // estimated distance to the exact place, units of x
  double distance = 0.0;     // near_branch: half-gap of the avoided crossing
  int kernel_dimension = 0;  // branch_point: dimension of the kernel beyond the tangent, 0 unknown
  CurvePoint point;
  // branch_point and near_branch: the centre of the crossing and its two tangent lines in z, where
  // they could be computed (2 x unknowns, the incoming line first), else empty.
  std::vector<double> centre;
  std::vector<double> crossing_tangents;
};

struct Curve {
  std::size_t coordinates = 0, unknowns = 0;
  std::vector<double> z, tangent;  // one row a point
  std::vector<double> arclength, value, slope, residual, orientation;
  std::vector<int> slope_index, curvature_index;
  std::vector<CurveEvent> events;  // ordered by arclength
  bool closed = false;
  Status status = Status::running;
  std::size_t evaluations = 0;
  std::size_t points() const noexcept { return arclength.size(); }
};

// Where a curve starts: z on it, and the direction dx (n entries) to leave in. Where the start is a
// branch point the tangent dz must be given whole, since the linearisation does not define it.
struct CurveStart {
  std::vector<double> z;
  std::vector<double> direction;
  std::vector<double> tangent;  // empty, or dz/ds
};

// One curve that can be stepped, looked at and stopped.
class Tracer {
 public:
  // Throws std::invalid_argument for unusable options or a start of the wrong size. The system
  // must outlive the tracer and must not be shared between tracers that run at the same time.
  Tracer(DefiningSystem& system, const CurveStart& start, const TracerOptions& options);
  ~Tracer();
  Tracer(Tracer&&) noexcept;

  // Adds one point; false when the curve has ended, for the reason in curve().status.
  bool advance();
  const Curve& curve() const noexcept;
  Curve take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Traces curves to their ends, `lanes` of them side by side. The result does not depend on
// `lanes`. `interrupted` is polled between evaluations: returning true ends every unfinished
// curve with Status::interrupted.
std::vector<Curve> trace_curves(DefiningSystem& system, std::span<const CurveStart> starts,
                                const TracerOptions& options, std::size_t lanes = 64,
                                const std::function<bool()>& interrupted = {});

}  // namespace talweg
