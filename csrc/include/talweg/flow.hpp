// Gradient flow x' = -grad f(x) of many points at once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "talweg/objective.hpp"
#include "talweg/status.hpp"

namespace talweg {

// A minimum as the flow sees it: what its Hessian and third derivatives say about the ball around
// it.
struct FlowMinimum {
  std::vector<double> x;
  std::vector<double> eigenvalues;   // ascending
  std::vector<double> eigenvectors;  // row-major, n rows, column j belongs to eigenvalue j
  std::vector<double> trace_slope;   // gradient of trace H, in eigenvectors' coordinates
  // The largest Frobenius norm of the third derivatives at x and at the points +-radius along each
  // eigenvector: an estimate, not a proven bound.
  double third = 0.0;
  // Inside the ball of this radius |x - x*| falls all the time at a rate of at least half the
  // smallest eigenvalue, as far as `third` bounds the third derivatives: it lies in the basin. 0
  // where the smallest eigenvalue is not positive.
  double radius = 0.0;

  // How far x(t) = x* + exp(-H t)(x(0) - x*) can be from the trajectory for |x(0) - x*| = r, at any
  // time; infinite where `third` says nothing.
  double linear_error(double r) const noexcept;
};

// Derivatives at x, which should be a minimum; `largest` caps the radius. Throws
// std::invalid_argument when x has not n entries.
FlowMinimum describe_minimum(const Objective& objective, std::span<const double> x, double largest);

enum class FlowMethod {
  automatic,  // explicit steps until a trajectory proves stiff, then implicit ones
  dormand_prince,
  radau,
};

struct FlowOptions {
  // A step's estimated error stays below atol + rtol |x_i| (root of the mean square over i).
  double rtol = 1e-10, atol = 1e-12;
  double first_step = 0.0;         // 0: from the derivatives at the start
  double max_step = 0.0;           // 0: any
  std::size_t max_steps = 100000;  // accepted and rejected ones, of each trajectory
  FlowMethod method = FlowMethod::automatic;
  bool log_volume = false;

  // A trajectory ends with Status::converged at |grad f| <= gradient_tolerance.
  double gradient_tolerance = 0.0;

  // Balls around points (k x n, row-major, and k radii). A trajectory's first entry into any of
  // them is located, and with stop_at_ball is its end, with Status::entered_ball.
  std::vector<double> centres, radii;
  bool stop_at_ball = true;

  // NaN, or a value of f. The crossing of it is located, and with stop_at_level is the end of the
  // trajectory, with Status::level_crossed.
  double level;
  bool stop_at_level = false;

  // Where the linear flow of the Hessian at one of these points is accurate to the tolerances, it
  // takes the place of steps.
  std::vector<FlowMinimum> minima;

  std::size_t workers = 1;  // threads; 0: one a processor

  FlowOptions();
  // An empty string, or what is wrong with which option.
  const char* validate(std::size_t dimension) const noexcept;
};

// Arrays over m trajectories. What was not reached is NaN.
struct FlowResult {
  std::vector<double> x;           // times x m x n
  std::vector<double> log_volume;  // times x m: log of the change of volume since the start
  std::vector<double> end;         // m x n: the last point
  std::vector<double> end_time;    // m
  std::vector<double> end_log_volume;
  std::vector<double> gradient_norm;  // at the last point
  std::vector<Status> status;         // m
  std::vector<std::size_t> steps;     // accepted
  std::vector<std::size_t> rejected;
  std::vector<std::size_t> implicit_steps;  // of `steps`
  std::vector<std::ptrdiff_t> ball;         // the ball entered first, -1 for none
  std::vector<double> ball_time, ball_x;    // m, m x n
  std::vector<double> level_time, level_x;
  std::vector<std::ptrdiff_t> linear;       // the minimum whose linear flow ended it, -1 for none
  std::vector<double> linear_time;          // from when on
  Status status_of_all = Status::max_time;  // or interrupted
};

// Trajectories from every start (m x n, row-major), at the times given: increasing, the last one
// may be infinite when gradient_tolerance, balls or minima can end a trajectory. Dormand and
// Prince's method of order 8 across lanes, with dense output; stiff trajectories by the Radau IIA
// method of order 9. Statuses of trajectories: max_time (the last time was reached), converged,
// entered_ball, level_crossed, not_converged (max_steps), step_too_small, non_finite, interrupted.
// Each trajectory has the same bits for any number of workers and any others beside it, if the
// objective's lanes have. Throws std::invalid_argument for unusable arguments.
FlowResult flow(const Objective& objective, std::span<const double> starts,
                std::span<const double> times, const FlowOptions& options = {});

}  // namespace talweg
