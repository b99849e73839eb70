#include "models/checks.hpp"
#include "models/lane_blocks.hpp"
#include "simd/instruction_set.hpp"
#include "simd/models.hpp"
#include "talweg/models.hpp"

namespace talweg {
namespace {

class ClusterObjective final : public Objective {
 public:
  explicit ClusterObjective(const Cluster& description) : kernels_(model_kernels(active_isa())) {
    check_count("atoms", description.atoms, 2);
    check_positive("depth", description.depth);
    check_positive("length", description.length);
    check_positive("steepness", description.steepness);
    program_.atoms = description.atoms;
    program_.function = description.pair == Cluster::Pair::morse ? PairFunction::morse
                                                                 : PairFunction::lennard_jones;
    program_.depth = description.depth;
    program_.length = description.length;
    program_.steepness = description.steepness;
  }

  std::size_t dimension() const noexcept override { return 3 * program_.atoms; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    quantities &= every_quantity;
    for_lane_blocks(
        dimension(), quantities, block, kernels_.vector_lanes, block.lanes,
        [&](const EvaluationBlock& part) { kernels_.pair_potential(program_, quantities, part); });
  }

 private:
  const ModelKernels& kernels_;
  PairPotentialProgram program_;
};

}  // namespace

std::unique_ptr<Objective> make_objective(const Cluster& description) {
  return std::make_unique<ClusterObjective>(description);
}

}  // namespace talweg
