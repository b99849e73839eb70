// Functions of the offset from a point, of any length.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "objective/block_rows.hpp"
#include "talweg/jets.hpp"

namespace talweg {
namespace {

class RelativeComposition final : public Objective {
 public:
  RelativeComposition(std::shared_ptr<const Objective> objective,
                      std::shared_ptr<const Objective> near, const RelativeOrigin& origin,
                      double radius)
      : objective_(std::move(objective)),
        near_(std::move(near)),
        point_(origin.point.begin(), origin.point.end()),
        gradient_(origin.gradient.begin(), origin.gradient.end()),
        value_(origin.value),
        radius_squared_(radius * radius) {
    const std::size_t n = dimension();
    if (near_->dimension() != n || point_.size() != n || gradient_.size() != n)
      throw std::invalid_argument("functions, point and gradient must have equal dimensions");
    const auto finite = [](double entry) { return std::isfinite(entry); };
    if (!std::ranges::all_of(point_, finite) || !std::ranges::all_of(gradient_, finite) ||
        !finite(value_))
      throw std::invalid_argument("the origin must be finite");
    if (!(radius >= 0.0 && std::isfinite(radius)))
      throw std::invalid_argument("the radius must be finite and not negative");
    const DerivativeErrors errors = objective_->errors();
    const DerivativeErrors::Coefficients none{};
    exact_ = errors.gradient == none && errors.hessian == none;
  }

  std::size_t dimension() const noexcept override { return objective_->dimension(); }
  bool thread_safe() const noexcept override {
    return objective_->thread_safe() && near_->thread_safe();
  }
  DerivativeErrors errors() const noexcept override { return objective_->errors(); }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    std::vector<std::size_t> inside, outside;
    for (std::size_t l = 0; l < block.lanes; ++l) {
      double squares = 0.0;
      for (std::size_t i = 0; i < dimension(); ++i) {
        const double entry = block.x[i * block.stride + l];
        squares += entry * entry;
      }
      (squares < radius_squared_ ? inside : outside).push_back(l);
    }
    if (inside.empty()) {
      if (!outside.empty()) evaluate_outside(quantities, block);
    } else if (outside.empty()) {
      near_->evaluate(quantities, block);
    } else {
      on_lanes(inside, quantities, block,
               [&](const EvaluationBlock& part) { near_->evaluate(quantities, part); });
      on_lanes(outside, quantities, block,
               [&](const EvaluationBlock& part) { evaluate_outside(quantities, part); });
    }
  }

 private:
  // Calls function(part) with a block of some of the lanes only.
  template <class Function>
  void on_lanes(const std::vector<std::size_t>& lanes, unsigned quantities,
                const EvaluationBlock& block, Function&& function) const {
    const std::size_t n = dimension(), count = lanes.size();
    std::size_t rows = 0;
    for_each_input(quantities, [&](auto) { rows += n; });
    for_each_output(n, quantities, [&](auto, std::size_t size) { rows += size; });
    std::vector<double> storage(rows * count);
    double* next = storage.data();
    EvaluationBlock part;
    part.lanes = part.stride = count;
    for_each_input(quantities, [&](auto member) {
      part.*member = next;
      for (std::size_t i = 0; i < n; ++i)
        for (const std::size_t l : lanes) *next++ = (block.*member)[i * block.stride + l];
    });
    for_each_output(n, quantities, [&](auto member, std::size_t size) {
      part.*member = std::exchange(next, next + size * count);
    });
    function(std::as_const(part));
    for_each_output(n, quantities, [&](auto member, std::size_t size) {
      for (std::size_t r = 0; r < size; ++r)
        for (std::size_t k = 0; k < count; ++k)
          (block.*member)[r * block.stride + lanes[k]] = (part.*member)[r * count + k];
    });
  }

  void evaluate_outside(unsigned quantities, const EvaluationBlock& block) const {
    const std::size_t n = dimension(), lanes = block.lanes, stride = block.stride;
    const bool value = (quantities & quantity_value) != 0;
    const bool gradient = (quantities & quantity_gradient) != 0;
    std::vector<double> x(n * stride), lost(n * stride);
    std::vector<char> rounded(lanes);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t l = 0; l < lanes; ++l) {
        const double origin = point_[i], d = block.x[i * stride + l], sum = origin + d;
        // Knuth's exact remainder of a sum.
        const double back = sum - origin;
        const double rest = (origin - (sum - back)) + (d - back);
        x[i * stride + l] = sum;
        if (rest != 0.0 && std::isfinite(rest)) {
          lost[i * stride + l] = rest;
          rounded[l] = 1;
        }
      }
    }
    const bool compensate = exact_ && std::ranges::find(rounded, 1) != rounded.end();
    EvaluationBlock inner = block;
    inner.x = x.data();
    std::vector<double> slope;
    if (value && compensate && !gradient) {
      slope.resize(n * stride);
      inner.gradient = slope.data();
    }
    objective_->evaluate(
        quantities | (slope.empty() ? 0u : static_cast<unsigned>(quantity_gradient)), inner);
    if (value) {
      for (std::size_t l = 0; l < lanes; ++l) block.value[l] -= value_;
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t l = 0; l < lanes; ++l) {
          double change = -gradient_[i] * block.x[i * stride + l];
          if (compensate && rounded[l])
            change += inner.gradient[i * stride + l] * lost[i * stride + l];
          block.value[l] += change;
        }
      }
    }
    if (!gradient) return;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < lanes; ++l) block.gradient[i * stride + l] -= gradient_[i];
    if (!compensate) return;
    EvaluationBlock correction;
    correction.lanes = lanes;
    correction.stride = stride;
    correction.x = x.data();
    correction.v = lost.data();
    std::vector<double> product(n * stride);
    correction.hessian_product = product.data();
    objective_->evaluate(quantity_hessian_product, correction);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t l = 0; l < lanes; ++l)
        if (rounded[l]) block.gradient[i * stride + l] += product[i * stride + l];
  }

  std::shared_ptr<const Objective> objective_, near_;
  std::vector<double> point_, gradient_;
  double value_, radius_squared_;
  bool exact_ = true;
};

}  // namespace

std::unique_ptr<Objective> compose_relative(std::shared_ptr<const Objective> objective,
                                            std::shared_ptr<const Objective> near,
                                            const RelativeOrigin& origin, double radius) {
  return std::make_unique<RelativeComposition>(std::move(objective), std::move(near), origin,
                                               radius);
}

}  // namespace talweg
