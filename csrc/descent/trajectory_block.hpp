// Points that descend together, side by side, each with its own number of steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "simd/descent_steps.hpp"
#include "spectrum/aligned_memory.hpp"
#include "spectrum/packed_eigen.hpp"
#include "spectrum/packed_factorisation.hpp"
#include "talweg/descent.hpp"

namespace talweg {

class TrajectoryBlock {
 public:
  TrajectoryBlock(const Objective& objective, const DescentArrays& arrays,
                  const DescentOptions& options, std::size_t count, std::size_t lanes);

  // Takes trajectories first, ..., last - 1 to their ends. False when interrupted: those that were
  // under way have that status, and so have those that did not start.
  bool run(std::size_t first, std::size_t last);

 private:
  std::uint64_t taken(std::size_t lane) const { return clock_ - born_[lane]; }
  void start(std::size_t lane, std::size_t trajectory);
  void finish(std::size_t lane, Status status);
  void move(std::size_t from, std::size_t to);
  void pad(double* rows, std::size_t number) const;
  void evaluate();
  void follow_hessian();
  void record();
  void end_some();
  bool some_are_flat() const;
  void refill();
  void advance();

  const Objective& objective_;
  const DescentKernels& kernels_;
  const DescentArrays& arrays_;
  const DescentOptions& options_;
  const std::size_t n_, count_, stride_;
  const bool hessian_wanted_, value_wanted_, slope_wanted_;
  std::size_t lanes_ = 0;  // under way, the first ones
  std::size_t next_ = 0, last_ = 0;
  std::size_t padded_ = 0;
  // Steps of this block so far. A lane's own are those since `born_`, modulo 2^64.
  std::uint64_t clock_ = 0;
  std::uint64_t next_event_ = 0;  // when some lane is to be recorded or has taken all its steps
  bool changed_ = true;           // whether lanes have ended

  AlignedMemory memory_, scratch_memory_;
  double *x_, *previous_, *other_, *point_, *gradient_, *hessian_, *value_, *slope_, *frames_,
      *stretch_, *scratch_;
  std::vector<std::uint64_t> trajectories_, born_, taken_;
  std::vector<double> log_volume_, orientation_, smallest_, largest_, determinant_, sign_,
      eigenvalues_;
  std::vector<Status> statuses_;
  PackedFactorisation factorisation_;
  PackedEigen eigen_;
};

}  // namespace talweg
