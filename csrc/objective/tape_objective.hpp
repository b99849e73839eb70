// A recorded function as an objective.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "objective/machine_code.hpp"
#include "objective/program.hpp"
#include "objective/sparsity.hpp"
#include "talweg/objective.hpp"
#include "talweg/tape.hpp"

namespace talweg {

// Differentiates and lowers on first request, a program for each combination of quantities. Dense
// Hessians and third derivatives have programs of their own up to `dense_limit` instructions;
// beyond that they are put together from products with sums of unit vectors, one for each colour of
// the sparsity pattern, side by side in the lanes of one program.
class TapeObjective final : public Objective {
 public:
  static constexpr std::size_t dense_limit = 20000;

  // Throws std::invalid_argument for an output that is no node or differs from row to row.
  // `dense` is the limit in instructions.
  TapeObjective(const Tape& tape, Node output, std::size_t dense = dense_limit);
  ~TapeObjective() override;

  std::size_t dimension() const noexcept override { return source_.inputs(); }
  void evaluate(unsigned quantities, const EvaluationBlock& block) const override;

  // Every program is compiled on its first use from now on, one thread compiling it while others
  // interpret it. Not to be called once the objective is in use.
  void compile_with(StageCompiler compiler) { compiler_ = std::move(compiler); }

  const Tape& tape() const noexcept { return source_; }
  Node output() const noexcept { return source_output_; }

  // Instructions of the program that computes the quantities together; nothing where some of them
  // are assembled from products.
  std::optional<std::size_t> instructions(unsigned quantities) const;
  // The decoded program that computes the quantities together, or null where some of them are
  // assembled from products.
  const Executable* executable(unsigned quantities) const;
  // Registers of that program at points.
  std::size_t registers(unsigned quantities) const;

 private:
  struct Derivatives;

  // How a combination of quantities is computed.
  struct Plan {
    Program program;        // the quantities it can compute directly
    unsigned direct = 0;    // those quantities
    unsigned products = 0;  // quantity_hessian, quantity_third: columns from products
    std::shared_ptr<const SparsityPattern> pattern;  // with products
    bool reads_v = false, reads_w = false;
    mutable std::atomic<bool> compilation_begun{false};
    mutable std::atomic<const MachineCode*> machine_code{nullptr};
    mutable std::unique_ptr<const MachineCode> owned_code;
  };

  const Plan& plan(unsigned quantities) const;
  std::unique_ptr<Plan> make_plan(unsigned quantities) const;
  const MachineCode* machine_code(const Plan& plan) const;
  void run_direct(const Plan& plan, const EvaluationBlock& block) const;
  void run_products(unsigned quantity, const SparsityPattern& pattern,
                    const EvaluationBlock& block) const;

  Tape source_;
  Node source_output_;
  std::size_t dense_limit_;
  StageCompiler compiler_;
  static constexpr std::size_t combinations = 64;
  mutable std::array<std::atomic<const Plan*>, combinations> plans_{};
  mutable std::mutex mutex_;  // guards what follows
  mutable std::vector<std::unique_ptr<Plan>> owned_;
  mutable std::unique_ptr<Derivatives> derivatives_;
};

}  // namespace talweg
