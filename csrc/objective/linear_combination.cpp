// Sums of objectives with coefficients.
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>
#include <vector>

#include "objective/block_rows.hpp"
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
    const std::size_t n = dimension();
    std::size_t count = 0;
    for_each_output(n, quantities, [&](auto, std::size_t rows) { count += rows; });
    std::vector<double> storage(terms_.size() > 1 ? count * block.stride : 0);
    for (std::size_t t = 0; t < terms_.size(); ++t) {
      const double coefficient = terms_[t].coefficient;
      EvaluationBlock term = block;
      if (t > 0) {
        double* next = storage.data();
        for_each_output(n, quantities, [&](auto member, std::size_t rows) {
          term.*member = std::exchange(next, next + rows * block.stride);
        });
      }
      terms_[t].objective->evaluate(quantities, term);
      for_each_output(n, quantities, [&](auto member, std::size_t rows) {
        for (std::size_t r = 0; r < rows; ++r) {
          double* const sum = block.*member + r * block.stride;
          const double* const from = term.*member + r * block.stride;
          if (t == 0) {
            for (std::size_t l = 0; l < block.lanes; ++l) sum[l] = coefficient * from[l];
          } else {
            for (std::size_t l = 0; l < block.lanes; ++l) sum[l] += coefficient * from[l];
          }
        }
      });
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
