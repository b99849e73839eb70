#include "models/checks.hpp"
#include "models/lane_blocks.hpp"
#include "simd/instruction_set.hpp"
#include "simd/models.hpp"
#include "talweg/models.hpp"

namespace talweg {
namespace {

class Phi4ChainObjective final : public Objective {
 public:
  explicit Phi4ChainObjective(const Phi4Chain& description)
      : kernels_(model_kernels(active_isa())),
        program_{description.n, description.coupling, description.periodic} {
    check_count("n", description.n, description.periodic ? 3 : 2);
    if (!(std::isfinite(description.coupling) && description.coupling >= 0.0))
      refuse("coupling", "want a finite number from 0 on, got " + in_words(description.coupling));
  }

  std::size_t dimension() const noexcept override { return program_.n; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    quantities &= every_quantity;
    for_lane_blocks(
        program_.n, quantities, block, kernels_.vector_lanes, block.lanes,
        [&](const EvaluationBlock& part) { kernels_.phi4_chain(program_, quantities, part); });
  }

 private:
  const ModelKernels& kernels_;
  Phi4Program program_;
};

}  // namespace

std::unique_ptr<Objective> make_objective(const Phi4Chain& description) {
  return std::make_unique<Phi4ChainObjective>(description);
}

}  // namespace talweg
