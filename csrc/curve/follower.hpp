// Follows one curve: predictor, corrector, step control, events.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "curve/coroutine.hpp"
#include "curve/crossing.hpp"
#include "talweg/tracer.hpp"

namespace talweg {

class Follower {
 public:
  Follower(DefiningSystem& system, const CurveStart& start, const TracerOptions& options);
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  Lane& lane() noexcept { return lane_; }
  Task<void>& task() noexcept { return task_; }
  bool done() const noexcept { return task_.handle().done(); }
  // Runs until the next evaluation or pause.
  void resume();
  Curve& curve() noexcept { return curve_; }

 private:
  using Function = std::function<double(const CurvePoint&)>;
  // What to do with a step that was corrected.
  enum class Verdict { accept, shorten, stop };

  // An avoided crossing seen from the curve, and whether the curve's nearest place is known. That
  // place is looked for up to the arclength `until`.
  struct NearBranch {
    Crossing crossing;
    double arclength = 0.0;  // of that place, or of the peak that showed it
    double until = 0.0;
    bool placed = false;
  };

  Task<void> follow();
  Task<bool> start();
  // Corrects point_ onto the curve in the hyperplane of `border`; sets first_correction_ and
  // evaluations_.
  Task<bool> correct(CurvePoint& point, const double* border);
  // A point of the curve between two others, without its arclength: near the place at `arclength`
  // of their cubic.
  Task<bool> between(const CurvePoint& from, const CurvePoint& to, double arclength,
                     CurvePoint& point);
  // Locates the zero of a function between two points to rounding and sets located_slope_; returns
  // the error in arclength, or a negative number when the curve could not be followed there.
  Task<double> locate(const CurvePoint& from, const CurvePoint& to, const Function& function,
                      CurvePoint& point);
  // The same for an index function whose zero is a branch point with a kernel of higher dimension.
  Task<double> locate_singular(const CurvePoint& from, const CurvePoint& to, std::size_t which,
                               CurvePoint& place);
  Task<bool> passes_repeated_eigenvalue();
  bool at_critical_point(const CurvePoint& place, double error) const;
  Task<Verdict> judge_crossing();  // the orientation flipped
  // Passes a place where the equations are singular without a change of sign: an eigenvalue that
  // touches zero. Steps shrink towards it, so it is crossed from further back.
  Task<bool> leap();
  Task<Verdict> judge_index();  // the slope index changed unexplained
  // False where a function jumps across zero: the step turned further than it seemed.
  Task<bool> locate_events();
  Task<bool> leave_box();
  Task<bool> close_loop();
  Task<void> look_for_near_branch();
  Task<void> place_near_branch(NearBranch& near, const CurvePoint& from, const CurvePoint& to);
  Task<void> place_near_branches();
  // What the curve holds of an earlier point.
  void recorded(std::size_t index, CurvePoint& point) const;

  // Tangent, labels and turns at the end of the step; false where it turned too far.
  bool measure_step();
  bool passes_zero(EventKind kind) const;
  bool index_unexplained() const;
  bool may_hide_event() const;
  bool has_events() const;
  bool near_face() const;
  bool near_start() const;
  bool starts_at_critical_point() const;  // where an eigenvalue is repeated
  bool curvature_peaked();
  // What bound number i is for: a coordinate of x, or a row of box_matrix times x.
  double boxed(const double* z, std::size_t i) const;
  // How far z lies beyond face number i of the box, negative inside: faces have two numbers for
  // each bound, the lower one first.
  double beyond_face(const double* z, std::size_t i) const;
  // Up to this a place is on a face, and inside: a curve may run in the face itself, as well as
  // points are corrected.
  double face_rounding(const double* z) const;
  bool outside(const double* z) const;
  double smallest_step() const;
  // The step within which a singular point may explain all that happens.
  double shortest_view() const { return 1e-3 * options_.max_step; }
  void record(const CurvePoint& point);
  // What rounding of the function last located adds to the error of its place.
  double event_error(const CurvePoint& place, double rounding) const;
  void add_event(EventKind kind, const CurvePoint& point, double error);
  void adapt_step();

  DefiningSystem& system_;
  CurveStart start_;
  TracerOptions options_;
  std::size_t n_;
  Lane lane_;
  Curve curve_;

  std::vector<CurvePoint> points_;  // storage of the history and the step's end
  CurvePoint *latest_, *earlier_, *earliest_, *next_;
  CurvePoint first_;  // the start, for closed loops
  std::size_t history_ = 0;
  std::vector<double> border_, step_, predicted_, between_;
  std::array<CurvePoint, 3> located_;  // the bracket and the trial of locate
  double step_length_ = 0.0;
  double first_correction_ = 0.0;
  double turn_ = 0.0, vector_turn_ = 0.0;
  double curvature_ = 0.0, earlier_curvature_ = 0.0;
  bool curvature_rises_ = false;
  double peak_curvature_ = 0.0;
  double wanted_error_ = 0.0;  // above zero: correct until the position is this good
  double last_correction_ = 0.0;
  double located_slope_ = 0.0;  // of the function that was located, by arclength
  int corrections_ = 0;
  bool crossing_passed_ = false;
  Crossing known_crossing_;  // of the last flip, so that it is not solved again
  std::vector<CurveEvent> step_events_;
  std::vector<NearBranch> near_branches_;
  Task<void> task_;
};

}  // namespace talweg
