// Implicit steps of one stiff trajectory.
#pragma once

#include <cstddef>
#include <vector>

#include "descent/flow_watch.hpp"
#include "descent/right_side.hpp"

namespace talweg {

// The Radau IIA method with five stages: order 9, stiffly accurate, with the collocation polynomial
// as dense output. In the eigenvectors of the Hessian at the start of a step the equations of
// Newton's method fall apart into one system of five for each eigenvalue. Where a valley turns
// within a step and that iteration fails, the Hessians at all stages make one system of 5 n.
//
// Source: Hairer and Wanner, Solving Ordinary Differential Equations II, sections IV.5 and IV.8.
class Radau {
 public:
  static constexpr std::size_t stages = 5;
  // Beyond it the eigenvectors of each step cost more than the steps saved.
  static constexpr std::size_t largest_dimension = 200;
  // And beyond this one, systems of 5 n cost more than shorter steps.
  static constexpr std::size_t largest_whole_system = 20;

  Radau(const FlowProblem& problem, FlowWatch& watch);

  // Steps from trajectory.time and `x` (all components) on. Returns running when the trajectory is
  // no longer stiff and `may_return`, with x, time, value and step set for another method; else how
  // it ended.
  Status run(Trajectory& trajectory, double* x, bool may_return);

 private:
  class Inside;

  bool diagonalise(const double* x);
  bool solve_stages(const double* x, double h);
  bool solve_whole_system(const double* x, double h);
  enum class Iteration { going, converged, failed };
  Iteration judge(const double* x, int iteration, double& last_length) const;
  void place_stages(const double* x);
  double error_of(const double* x, double h);
  void factor(double h);
  void extrapolate(double ratio);
  void complete(const double* x, double h);
  double scale(double x) const;

  const FlowProblem& problem_;
  FlowWatch& watch_;
  RightSide right_;
  std::size_t n_, components_;
  std::vector<double> vectors_, eigenvalues_, scratch_;
  std::vector<double> systems_;  // factors of n systems of five
  std::vector<std::size_t> pivots_;
  std::vector<double> change_;  // of z_ by an iteration, stages x n
  std::vector<double> whole_, stage_hessians_;
  std::vector<std::size_t> whole_pivots_;
  std::vector<double> z_;                // points minus start, stages x components
  std::vector<double> modes_;            // in eigenvectors, n x stages
  std::vector<double> slopes_, points_;  // components x stages, as a block of five lanes
  std::vector<double> before_;           // z_ of the step before
  std::vector<double> first_slope_, end_slope_, end_;
  bool has_before_ = false;
  bool turning_ = false;  // the Hessian at the start has not been enough for all stages
};

}  // namespace talweg
