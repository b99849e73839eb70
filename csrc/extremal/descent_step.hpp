// A step that lowers a function, from its gradient and Hessian.
#pragma once

#include <cstddef>
#include <vector>

namespace talweg {

// Finds the steps of one minimisation after another, with scratch space of its own.
class DescentStep {
 public:
  explicit DescentStep(std::size_t n) : n_(n), factor_(n * n), values_(n), along_(n), scratch_(n) {}

  // The step that lowers most, within |step| <= radius, the quadratic model whose Hessian has the
  // eigenvalues' absolute values: Newton's where the Hessian is positive definite and the step
  // short enough, away from saddles and maxima elsewhere. `hessian` (n x n) must be full. Returns
  // by how much the model with the Hessian itself falls.
  // Source: Dauphin et al., Identifying and attacking the saddle point problem in high-dimensional
  // non-convex optimization, NIPS 2014; the radius as in Nocedal and Wright, Numerical
  // Optimization, section 4.3.
  double find(const double* hessian, const double* gradient, double radius, double* step);

  // Whether the last step was Newton's to a minimum of the model.
  bool is_newton() const noexcept { return is_newton_; }

 private:
  std::size_t n_;
  std::vector<double> factor_, values_, along_, scratch_;
  bool is_newton_ = false;
};

}  // namespace talweg
