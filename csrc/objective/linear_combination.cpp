// Sums of objectives with coefficients.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "talweg/algebra.hpp"

namespace talweg {
namespace {

class LinearCombination final : public Objective {
 public:
  LinearCombination(std::vector<LinearTerm> terms, double constant)
      : terms_(std::move(terms)), constant_(constant) {
    if (terms_.empty()) throw std::invalid_argument("a sum needs at least one term");
    for (const LinearTerm& term : terms_) {
      if (term.objective->dimension() != dimension()) {
        throw std::invalid_argument("the terms of a sum must have equal dimensions");
      }
      thread_safe_ = thread_safe_ && term.objective->thread_safe();
      const DerivativeErrors errors = term.objective->errors();
      // Relative ones of the largest term, for the values of the others are not known here.
      for (std::size_t i = 0; i < 3; ++i) {
        errors_.gradient[i] = std::max(errors_.gradient[i], errors.gradient[i]);
        errors_.hessian[i] = std::max(errors_.hessian[i], errors.hessian[i]);
        errors_.third[i] = std::max(errors_.third[i], errors.third[i]);
      }
    }
  }

  std::size_t dimension() const noexcept override { return terms_[0].objective->dimension(); }
  bool thread_safe() const noexcept override { return thread_safe_; }
  DerivativeErrors errors() const noexcept override { return errors_; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    const std::size_t n = dimension(), triangle = n * (n + 1) / 2;
    struct Rows {
      Quantity quantity;
      double* EvaluationBlock::* array;
      std::size_t count;
    };
    const Rows all[] = {
        {quantity_value, &EvaluationBlock::value, 1},
        {quantity_gradient, &EvaluationBlock::gradient, n},
        {quantity_hessian, &EvaluationBlock::hessian, triangle},
        {quantity_third, &EvaluationBlock::third, triangle},
        {quantity_hessian_product, &EvaluationBlock::hessian_product, n},
        {quantity_third_product, &EvaluationBlock::third_product, n},
    };
    std::size_t count = 0;
    for (const Rows& rows : all) count += (quantities & rows.quantity) != 0 ? rows.count : 0;
    std::vector<double> storage(terms_.size() > 1 ? count * block.stride : 0);
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const double coefficient = terms_[t].coefficient;
      EvaluationBlock term = block;
      double* next = storage.data();
      for (const Rows& rows : all) {
        if (t == 0 || (quantities & rows.quantity) == 0) continue;
        term.*rows.array = next;
        next += rows.count * block.stride;
      }
      terms_[t].objective->evaluate(quantities, term);
      for (const Rows& rows : all) {
        if ((quantities & rows.quantity) == 0) continue;
        for (std::size_t r = 0; r < rows.count; ++r) {
          double* const sum = block.*rows.array + r * block.stride;
          const double* const from = term.*rows.array + r * block.stride;
          if (t == 0) {
            for (std::size_t l = 0; l < block.lanes; ++l) sum[l] = coefficient * from[l];
          } else {
            for (std::size_t l = 0; l < block.lanes; ++l) sum[l] += coefficient * from[l];
          }
        }
      }
    }
    if ((quantities & quantity_value) != 0) {
      for (std::size_t l = 0; l < block.lanes; ++l) block.value[l] += constant_;
    }
  }

 private:
  std::vector<LinearTerm> terms_;
  double constant_;
  bool thread_safe_ = true;
  DerivativeErrors errors_;
};

}  // namespace

std::unique_ptr<Objective> linear_combination(std::vector<LinearTerm> terms, double constant) {
  return std::make_unique<LinearCombination>(std::move(terms), constant);
}

}  // namespace talweg
