// How a computation ended. Kernels return these; exceptions are for misuse at construction only.
#pragma once

namespace talweg {

// Codes below 100 are outcomes a caller asked for or must expect; codes from 100 on are trouble.
// Python sees the same numbers as talweg.Status.
enum class Status : int {
  converged = 0,       // the requested accuracy was reached
  boundary = 1,        // a curve left the box; its last point lies on the face
  closed = 2,          // a curve came back to its start
  critical_point = 3,  // a curve was asked to stop at the next critical point and did
  branch_point = 4,    // a curve was asked to stop at the next branch point and did
  max_points = 5,      // the number of points asked for was reached
  max_length = 6,      // the arclength asked for was reached
  max_steps = 7,       // all steps asked for were taken
  max_time = 8,        // a trajectory was followed up to the last time asked for
  entered_ball = 9,    // a trajectory was asked to stop inside one of some balls and did
  running = 10,        // not finished; the next step can be taken
  level_crossed = 11,  // a trajectory was asked to stop at a value of the function and did

  step_too_small =
      100,  // the step length fell below the smallest one: the curve could not be followed
  not_converged = 101,  // the iteration limit came first
  non_finite = 102,     // the function or a derivative is not finite there
  degenerate =
      103,  // the equations are singular: no single regular curve, or points that are not isolated
  isotropic =
      104,  // a repeated eigenvalue with every direction extremal: a direction must be given
  inconsistent = 106,   // the same curve traced from its two ends does not agree
  interrupted = 107,    // stopped by the caller; what was computed is kept
  not_symmetric = 108,  // a matrix that should be symmetric is not, by more than rounding
  uncovered = 109,      // no curve that is known reaches the height of a point
};

// True for outcomes below 100.
constexpr bool succeeded(Status status) noexcept { return static_cast<int>(status) < 100; }

// One sentence for users, a string literal.
const char* describe(Status status) noexcept;

}  // namespace talweg
