#include "descent/right_side.hpp"

#include <algorithm>

namespace talweg {

RightSide::RightSide(const Objective& objective, bool log_volume, std::size_t lanes)
    : objective_(objective), n_(objective.dimension()), log_volume_(log_volume) {
  if (!log_volume_) return;
  if (n_ <= whole_hessian) {
    hessian_.resize(n_ * (n_ + 1) / 2 * lanes);
  } else {
    direction_.resize(n_ * lanes);
    product_.resize(n_ * lanes);
  }
}

void RightSide::evaluate(std::size_t lanes, std::size_t stride, const double* x, double* k,
                         double* value) {
  EvaluationBlock block;
  block.lanes = lanes;
  block.stride = stride;
  block.x = x;
  block.gradient = k;
  block.value = value;
  unsigned quantities = quantity_gradient | (value ? quantity_value : 0u);
  const bool whole = log_volume_ && n_ <= whole_hessian;
  if (whole) {
    block.hessian = hessian_.data();
    quantities |= quantity_hessian;
  }
  objective_.evaluate(quantities, block);
  if (!log_volume_) return;
  double* const sum = k + n_ * stride;
  if (!whole) {
    trace(lanes, stride, x, sum);
    return;
  }
  std::fill_n(sum, lanes, 0.0);
  for (std::size_t i = 0; i < n_; ++i) {
    const double* const row = hessian_.data() + (i * (i + 1) / 2 + i) * stride;
    for (std::size_t l = 0; l < lanes; ++l) sum[l] += row[l];
  }
}

void RightSide::trace(std::size_t lanes, std::size_t stride, const double* x, double* to) {
  EvaluationBlock block;
  block.lanes = lanes;
  block.stride = stride;
  block.x = x;
  block.v = direction_.data();
  block.hessian_product = product_.data();
  std::fill_n(to, lanes, 0.0);
  for (std::size_t i = 0; i < n_; ++i) {
    double* const along = direction_.data() + i * stride;
    std::fill_n(along, lanes, 1.0);
    objective_.evaluate(quantity_hessian_product, block);
    std::fill_n(along, lanes, 0.0);
    for (std::size_t l = 0; l < lanes; ++l) to[l] += product_[i * stride + l];
  }
}

void RightSide::gradient(std::size_t lanes, std::size_t stride, const double* x, double* k) {
  EvaluationBlock block;
  block.lanes = lanes;
  block.stride = stride;
  block.x = x;
  block.gradient = k;
  objective_.evaluate(quantity_gradient, block);
}

void RightSide::gradient_and_hessian(std::size_t lanes, std::size_t stride, const double* x,
                                     double* k, double* hessian) {
  EvaluationBlock block;
  block.lanes = lanes;
  block.stride = stride;
  block.x = x;
  block.gradient = k;
  block.hessian = hessian;
  objective_.evaluate(quantity_gradient | quantity_hessian, block);
}

double RightSide::value(const double* x) {
  double value = 0.0;
  EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = x;
  block.value = &value;
  objective_.evaluate(quantity_value, block);
  return value;
}

void RightSide::hessian(const double* x, double* matrix) {
  const std::size_t triangle = n_ * (n_ + 1) / 2;
  std::vector<double> packed(triangle);
  EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = x;
  block.hessian = packed.data();
  objective_.evaluate(quantity_hessian, block);
  for (std::size_t i = 0; i < n_; ++i)
    for (std::size_t j = 0; j <= i; ++j)
      matrix[i * n_ + j] = matrix[j * n_ + i] = packed[i * (i + 1) / 2 + j];
}

}  // namespace talweg
