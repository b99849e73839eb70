// What a trajectory leaves behind while it runs: points at the output times, entries into balls,
// crossings of a level, and how it ended. It does not matter who makes the steps.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "descent/right_side.hpp"
#include "talweg/flow.hpp"

namespace talweg {

// What all trajectories of a call share.
struct FlowProblem {
  const Objective& objective;
  const FlowOptions& options;
  std::span<const double> starts, times;
  std::size_t n, components, count;
  std::vector<double> linear_radius;  // for each minimum

  double last_time() const { return times.back(); }
  bool watches_level() const { return options.level == options.level; }
  std::size_t balls() const { return options.radii.size(); }
};

// One trajectory between two steps.
struct Trajectory {
  std::size_t index = 0;
  double time = 0.0, step = 0.0;
  double value = 0.0;  // f there, where a level is watched
  std::size_t next_output = 0;
  std::size_t steps = 0, rejected = 0, implicit_steps = 0;
  bool after_rejection = false;
  bool not_finite = false;       // why the last try was rejected
  int stiff = 0, not_stiff = 0;  // steps in a row, as Hairer counts them
  int proof = 15;                // so many stiff ones prove it
};

// Inside a step, theta from 0 to 1.
class DenseOutput {
 public:
  virtual void at(double theta, double* x) const = 0;

  // The same as accurate as the ends of steps are, at a higher price.
  virtual void exactly_at(double theta, double* x) const { at(theta, x); }

 protected:
  ~DenseOutput() = default;
};

// A point as a column of rows: component i is x[i * stride].
struct Column {
  const double* x;
  std::size_t stride;
  double operator[](std::size_t i) const { return x[i * stride]; }
};

class FlowWatch {
 public:
  FlowWatch(const FlowProblem& problem, FlowResult& result);

  // Output at time 0 and balls the start lies in. Returns running, or how it ended.
  Status begin(Trajectory& trajectory, Column x, double gradient_square);

  // True when nothing can happen in a step from there to `end_time`: no output, no event.
  bool is_quiet(const Trajectory& trajectory, double end_time) const {
    return times_alone_ && end_time < problem_.times[trajectory.next_output];
  }

  // Whether a step to `end` holds anything that needs its inside.
  bool needs_inside(const Trajectory& trajectory, double step, Column start, Column end,
                    double end_value) const;

  // Looks inside a step; trajectory.time is its start. Returns running, or the status with which
  // the trajectory ended inside.
  Status look_inside(Trajectory& trajectory, double step, const DenseOutput& inside,
                     double end_value);

  // At the end of a step (trajectory.time is the end).
  Status arrive(Trajectory& trajectory, Column x, double gradient_square);

  void finish(const Trajectory& trajectory, Status status, double time, Column x,
              double gradient_square);

 private:
  bool ball_pending(std::size_t index) const;
  bool level_pending(std::size_t index) const;
  double depth(const double* x, std::size_t ball) const;
  double first_entry(const DenseOutput& inside, std::ptrdiff_t& ball);
  double crossing(const DenseOutput& inside, double start_value, double end_value);
  template <class Function>
  double polished(const DenseOutput& inside, double theta, Function&& function);
  void write_outputs(Trajectory& trajectory, Column x);
  void output(std::size_t at, std::size_t index, Column x);
  Status finish_linearly(Trajectory& trajectory, std::size_t minimum, Column x);

  const FlowProblem& problem_;
  FlowResult& result_;
  RightSide right_;
  bool times_alone_;  // no balls, levels, tolerances or minima to look for
  std::vector<double> point_;
};

}  // namespace talweg
