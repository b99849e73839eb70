// An objective whose missing derivatives are differences.
#pragma once

#include <memory>

#include "objective/gauged_differences.hpp"
#include "talweg/differences.hpp"

namespace talweg {

// See talweg/differences.hpp.
class DifferencedObjective final : public Objective {
 public:
  DifferencedObjective(std::shared_ptr<const Objective> base, unsigned available,
                       const DifferenceOptions& options);

  std::size_t dimension() const noexcept override { return n_; }
  void evaluate(unsigned quantities, const EvaluationBlock& block) const override;
  bool thread_safe() const noexcept override { return base_->thread_safe(); }
  DerivativeErrors errors() const noexcept override { return errors_; }

  // The quantities that are differences.
  unsigned approximate() const noexcept;

 private:
  bool has(unsigned quantity) const noexcept { return (available_ & quantity) != 0; }
  void along_gauge(unsigned quantities, const EvaluationBlock& block) const;
  void gradient(const EvaluationBlock& block) const;
  void hessian(const EvaluationBlock& block) const;
  void third(const EvaluationBlock& block) const;
  void hessian_product(const EvaluationBlock& block) const;
  void third_product(const EvaluationBlock& block) const;
  DerivativeErrors estimate_errors() const;

  // Length of a vector counted in scales.
  double scaled_length(const double* vector, std::size_t stride) const;

  std::shared_ptr<const Objective> base_;
  std::size_t n_;
  unsigned available_;
  DifferenceOptions options_;
  DerivativeErrors errors_;
  std::unique_ptr<GaugedDifferences> gauged_;
};

}  // namespace talweg
