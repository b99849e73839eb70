// A recorded function in the offset from a point, its gradient from changes of recorded values.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "objective/machine_code.hpp"
#include "objective/program.hpp"
#include "talweg/objective.hpp"
#include "talweg/tape.hpp"

namespace talweg {

class ExactOffsets final : public Objective {
 public:
  ExactOffsets(std::shared_ptr<const Objective> objective, const Tape& tape, Node output,
               std::span<const double> point);

  std::size_t dimension() const noexcept override { return objective_->dimension(); }
  bool thread_safe() const noexcept override { return objective_->thread_safe(); }
  void evaluate(unsigned quantities, const EvaluationBlock& block) const override;

  // The gradient's program is compiled on its first use from now on, as those of a TapeObjective.
  void compile_with(StageCompiler compiler) { compiler_ = std::move(compiler); }

 private:
  void gradient(const double* d, double* to, std::size_t lanes, std::size_t stride) const;
  const MachineCode* machine_code() const;

  std::shared_ptr<const Objective> objective_;
  std::vector<double> point_;
  Program program_;  // of the changes of the gradient
  StageCompiler compiler_;
  mutable std::atomic<bool> compilation_begun_{false};
  mutable std::atomic<const MachineCode*> code_{nullptr};
  mutable std::unique_ptr<const MachineCode> owned_code_;
};

}  // namespace talweg
