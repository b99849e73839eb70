// An objective together with the motions that leave it unchanged.
#pragma once

#include <memory>

#include "talweg/gauge.hpp"
#include "talweg/objective.hpp"

namespace talweg {

class GaugedObjective final : public Objective {
 public:
  // Throws std::invalid_argument where the dimensions differ.
  GaugedObjective(std::shared_ptr<const Objective> base, std::shared_ptr<const Gauge> gauge);

  std::size_t dimension() const noexcept override { return base_->dimension(); }
  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    base_->evaluate(quantities, block);
  }
  bool thread_safe() const noexcept override { return base_->thread_safe(); }
  DerivativeErrors errors() const noexcept override { return base_->errors(); }
  const Gauge* gauge() const noexcept override { return gauge_.get(); }
  const Objective& base() const noexcept { return *base_; }

 private:
  std::shared_ptr<const Objective> base_;
  std::shared_ptr<const Gauge> gauge_;
};

}  // namespace talweg
