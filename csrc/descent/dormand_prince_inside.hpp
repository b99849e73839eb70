// The inside of an explicit step.
#pragma once

#include <cstddef>
#include <vector>

#include "descent/flow_watch.hpp"
#include "descent/right_side.hpp"
#include "simd/dormand_prince.hpp"
#include "simd/runge_kutta.hpp"

namespace talweg {

// The most lanes a vector has: kernels work on multiples of it.
constexpr std::size_t lane_multiple = 8;
constexpr std::size_t whole_vectors(std::size_t lanes) {
  return (lanes + lane_multiple - 1) / lane_multiple * lane_multiple;
}

// The polynomial of degree 7. Its error can be far above that of the step's end where the step is
// as long as stability allows (hundreds of times have been seen), so that exactly_at() asks whether
// it solves the equation to the tolerances and makes a step of its own to the place if not.
class DormandPrinceInside final : public DenseOutput {
 public:
  DormandPrinceInside(std::size_t components, const FlowOptions& options,
                      const RungeKuttaKernels& kernels, RightSide& right);

  // A lane of a step whose stages, those of dense output too, are known and stay so.
  void set(const RungeKuttaRows& step, const double* end, std::size_t lane);

  void at(double theta, double* x) const override;
  void exactly_at(double theta, double* x) const override;

 private:
  static constexpr int terms = 3 + dormand_prince::dense_terms;

  bool solves(double theta, const double* x) const;

  std::size_t components_;
  const FlowOptions& options_;
  const RungeKuttaKernels& kernels_;
  RightSide& right_;
  std::size_t stride_ = 0;
  double h_ = 0.0;
  const double* x_ = nullptr;
  const double* k_ = nullptr;  // at the start
  std::vector<double> f_;
  mutable std::vector<double> memory_;
};

}  // namespace talweg
