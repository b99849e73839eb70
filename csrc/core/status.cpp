#include "talweg/status.hpp"

namespace talweg {

const char* describe(Status status) noexcept {
  switch (status) {
    case Status::converged:
      return "The requested accuracy was reached.";
    case Status::boundary:
      return "The curve reached the boundary of the box.";
    case Status::closed:
      return "The curve is a closed loop and came back to its start.";
    case Status::critical_point:
      return "The curve stopped at a critical point, as asked.";
    case Status::branch_point:
      return "The curve stopped at a branch point, as asked.";
    case Status::max_points:
      return "The largest number of points was reached.";
    case Status::max_length:
      return "The largest arclength was reached.";
    case Status::max_steps:
      return "All steps asked for were taken.";
    case Status::max_time:
      return "The last time asked for was reached.";
    case Status::entered_ball:
      return "The trajectory stopped inside one of the balls, as asked.";
    case Status::level_crossed:
      return "The trajectory stopped at the value of the function, as asked.";
    case Status::running:
      return "Not finished: the next step can be taken.";
    case Status::step_too_small:
      return "The curve could not be followed: the step length fell below the smallest one.";
    case Status::not_converged:
      return "The largest number of iterations was reached without convergence.";
    case Status::non_finite:
      return "The function or one of its derivatives is not finite there.";
    case Status::degenerate:
      return "The equations are singular there: no single regular curve to follow, or critical "
             "points that are not isolated. At a critical point a zero eigenvalue of the Hessian "
             "does that.";
    case Status::isotropic:
      return "The eigenvalue is repeated and no single curve leaves the point that way. Give a "
             "direction; where every direction is extremal there is no isolated curve to follow.";
    case Status::inconsistent:
      return "Tracing the curve from its two ends gave different curves.";
    case Status::interrupted:
      return "Stopped by the caller; what was computed is kept.";
    case Status::not_symmetric:
      return "A matrix that should be symmetric is not, by more than rounding.";
    case Status::uncovered:
      return "No talweg that is known has the height of the point.";
  }
  return "Unknown status.";
}

}  // namespace talweg
