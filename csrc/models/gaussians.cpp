#include "models/checks.hpp"
#include "models/lane_blocks.hpp"
#include "simd/instruction_set.hpp"
#include "simd/models.hpp"
#include "talweg/models.hpp"

namespace talweg {
namespace {

class GaussiansObjective final : public Objective {
 public:
  explicit GaussiansObjective(const Gaussians& description)
      : kernels_(model_kernels(active_isa())),
        amplitudes_(description.amplitudes),
        means_(description.means),
        precisions_(description.precisions) {
    const std::size_t n = description.n, components = amplitudes_.size();
    check_count("n", n, 1);
    check_count("amplitudes", components, 1);
    check_size("means", means_.size(), components * n);
    check_size("precisions", precisions_.size(), components * n * n);
    check_finite("amplitudes", amplitudes_);
    check_finite("means", means_);
    check_finite("precisions", precisions_);
    for (std::size_t k = 0; k < components; ++k)
      check_symmetric("precisions", &precisions_[k * n * n], n);
    program_.n = n;
    program_.components = components;
    program_.logarithm = description.combination == Gaussians::Combination::logarithm;
    program_.amplitude = amplitudes_.data();
    program_.mean = means_.data();
    program_.precision = precisions_.data();
  }

  std::size_t dimension() const noexcept override { return program_.n; }

  void evaluate(unsigned quantities, const EvaluationBlock& block) const override {
    quantities &= every_quantity;
    double* const scratch = thread_scratch<GaussiansObjective>(
        gaussian_rows(program_.components, program_.n) * kernels_.vector_lanes);
    for_lane_blocks(program_.n, quantities, block, kernels_.vector_lanes, block.lanes,
                    [&](const EvaluationBlock& part) {
                      kernels_.gaussian(program_, quantities, part, scratch);
                    });
  }

 private:
  const ModelKernels& kernels_;
  std::vector<double> amplitudes_, means_, precisions_;
  GaussianProgram program_;
};

}  // namespace

std::unique_ptr<Objective> make_objective(const Gaussians& description) {
  return std::make_unique<GaussiansObjective>(description);
}

}  // namespace talweg
