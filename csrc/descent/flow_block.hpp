// Explicit steps of many trajectories side by side.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "descent/flow_watch.hpp"
#include "descent/radau.hpp"
#include "descent/right_side.hpp"
#include "simd/dormand_prince.hpp"
#include "simd/runge_kutta.hpp"

namespace talweg {

class FlowBlock {
 public:
  FlowBlock(const FlowProblem& problem, FlowResult& result);

  // Trajectories first .. last - 1, whose places in the result nobody else writes.
  void run(std::size_t first, std::size_t last);

 private:
  static std::size_t lanes_for(std::size_t components);
  void prepare();
  void refill();
  void advance();
  void evaluate_stages();
  void settle(std::size_t lane);
  void look_inside();
  void remove(std::size_t lane);
  void copy_column(const double* from, double* to, std::size_t from_lane,
                   std::size_t to_lane) const;
  void reject(std::size_t lane, bool finite);
  bool cannot_go_on(std::size_t lane);
  void hand_over(std::size_t lane);
  RungeKuttaRows rows() const;

  const FlowProblem& problem_;
  const FlowOptions& options_;
  const RungeKuttaKernels& kernels_;
  FlowWatch watch_;
  RightSide right_;
  std::unique_ptr<Radau> radau_;
  std::size_t n_, components_, capacity_;
  std::size_t next_ = 0, last_ = 0;  // trajectories not yet prepared
  std::size_t live_ = 0;
  std::vector<Trajectory> trajectory_;
  std::vector<double> memory_;
  double *x_, *end_, *point_, *spare_;
  double* k_[dormand_prince::dense_stages];
  std::vector<double> step_, error_, factor_, square_, stiffness_, value_;
  std::vector<Status> outcome_;
  std::vector<char> accepted_;

  // Trajectories whose first step is ready, from `taken_` on.
  std::vector<Trajectory> ready_;
  std::size_t taken_ = 0;
  std::vector<double> ready_x_, ready_k_, ready_euler_, ready_slope_, ready_value_, ready_square_;

  // Lanes whose inside is needed.
  std::vector<std::size_t> inside_;
  std::vector<double> inside_memory_;
};

}  // namespace talweg
