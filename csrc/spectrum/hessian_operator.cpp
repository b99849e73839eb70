#include <algorithm>

#include "talweg/lanczos.hpp"

namespace talweg {

HessianOperator::HessianOperator(const Objective& objective, const double* x, double* gradient,
                                 std::size_t block)
    : objective_(objective), n_(objective.dimension()), x_(x), gradient_(gradient), block_(block) {}

bool HessianOperator::form(double* matrix) const {
  std::vector<double> packed(n_ * (n_ + 1) / 2);
  EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = x_;
  block.hessian = packed.data();
  unsigned quantities = quantity_hessian;
  if (gradient_ != nullptr) {
    quantities |= quantity_gradient;
    block.gradient = gradient_;
  }
  objective_.evaluate(quantities, block);
  gradient_ = nullptr;
  for (std::size_t i = 0, row = 0; i < n_; ++i) {
    for (std::size_t j = 0; j <= i; ++j, ++row)
      matrix[i * n_ + j] = matrix[j * n_ + i] = packed[row];
  }
  return true;
}

const double* HessianOperator::apply(std::size_t count, const double* vectors, std::size_t stride,
                                     double* products) const {
  // All lanes are the same point, whose rows are kept from call to call.
  if (points_.size() < n_ * count && count > 1) {
    points_.resize(n_ * count);
    for (std::size_t i = 0; i < n_; ++i) std::fill_n(points_.data() + i * count, count, x_[i]);
    lanes_ = count;
    rows_.resize(2 * n_ * count);
    gradients_.resize(gradient_ == nullptr ? 0 : n_ * count);
  }
  EvaluationBlock block;
  block.lanes = count;
  unsigned quantities = quantity_hessian_product;
  if (count == 1) {
    block.stride = 1;
    block.x = x_;
    block.v = vectors;
    block.hessian_product = products;
    if (gradient_ != nullptr) {
      quantities |= quantity_gradient;
      block.gradient = gradient_;
    }
    objective_.evaluate(quantities, block);
    gradient_ = nullptr;
    return products;
  }
  double* const v = rows_.data();
  double* const out = rows_.data() + n_ * lanes_;
  block.stride = lanes_;
  block.x = points_.data();
  block.v = v;
  block.hessian_product = out;
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t l = 0; l < count; ++l) v[i * lanes_ + l] = vectors[l * stride + i];
  }
  if (gradient_ != nullptr) {
    quantities |= quantity_gradient;
    block.gradient = gradients_.data();
  }
  objective_.evaluate(quantities, block);
  if (gradient_ != nullptr) {
    for (std::size_t i = 0; i < n_; ++i) gradient_[i] = gradients_[i * lanes_];
    gradient_ = nullptr;
  }
  for (std::size_t i = 0; i < n_; ++i) {
    for (std::size_t l = 0; l < count; ++l) products[l * stride + i] = out[i * lanes_ + l];
  }
  return products;
}

}  // namespace talweg
