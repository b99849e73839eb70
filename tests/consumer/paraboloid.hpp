// An objective written by hand, for functions that cannot be recorded.
#pragma once

#include <utility>
#include <vector>

#include "talweg/objective.hpp"

// f(x) = sum_i a_i x_i^2 / 2.
class Paraboloid final : public talweg::Objective {
 public:
  explicit Paraboloid(std::vector<double> axes) : axes_(std::move(axes)) {}

  std::size_t dimension() const noexcept override { return axes_.size(); }

  void evaluate(unsigned quantities, const talweg::EvaluationBlock& block) const override {
    const std::size_t n = axes_.size(), stride = block.stride;
    for (std::size_t l = 0; l < block.lanes; ++l) {
      double value = 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        const double x = block.x[i * stride + l];
        value += 0.5 * axes_[i] * x * x;
        if (quantities & talweg::quantity_gradient) block.gradient[i * stride + l] = axes_[i] * x;
        for (std::size_t j = 0; j <= i; ++j) {
          const std::size_t entry = (i * (i + 1) / 2 + j) * stride + l;
          if (quantities & talweg::quantity_hessian) block.hessian[entry] = i == j ? axes_[i] : 0.0;
          if (quantities & talweg::quantity_third) block.third[entry] = 0.0;
        }
        if (quantities & talweg::quantity_hessian_product) {
          block.hessian_product[i * stride + l] = axes_[i] * block.v[i * stride + l];
        }
        if (quantities & talweg::quantity_third_product) block.third_product[i * stride + l] = 0.0;
      }
      if (quantities & talweg::quantity_value) block.value[l] = value;
    }
  }

 private:
  std::vector<double> axes_;
};
