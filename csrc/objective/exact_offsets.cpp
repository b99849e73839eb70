#include "objective/exact_offsets.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "objective/block_rows.hpp"
#include "objective/derivatives.hpp"
#include "objective/difference_tape.hpp"
#include "objective/lowering.hpp"
#include "talweg/jets.hpp"

namespace talweg {
namespace {

// Gauss's rule on [0, 1].
constexpr double nodes[] = {0.01985507175123188, 0.10166676129318663, 0.2372337950418355,
                            0.4082826787521751,  0.5917173212478249,  0.7627662049581645,
                            0.8983332387068134,  0.9801449282487681};
constexpr double weights[] = {0.05061426814518813, 0.11119051722668724, 0.15685332293894363,
                              0.18134189168918099, 0.18134189168918099, 0.15685332293894363,
                              0.11119051722668724, 0.05061426814518813};

}  // namespace

ExactOffsets::ExactOffsets(std::shared_ptr<const Objective> objective, const Tape& tape,
                           Node output, std::span<const double> point)
    : objective_(std::move(objective)), point_(point.begin(), point.end()) {
  const std::size_t n = dimension();
  if (output >= tape.size()) throw std::invalid_argument("the output is no node of the tape");
  if (tape.inputs() != n || point.size() != n)
    throw std::invalid_argument("function, tape and point must have equal dimensions");
  for (const double entry : point)
    if (!std::isfinite(entry)) throw std::invalid_argument("the point must be finite");
  Tape working(n, std::numeric_limits<std::size_t>::max());
  const Node value = tape.copy_to(working, std::span(&output, 1))[0];
  const std::vector<Node> slopes = talweg::gradient(working, value, n);
  const DifferenceTape changes = difference_tape(working, slopes, point, 16 * tape.limit());
  program_ = lower(changes.tape, changes.outputs);
  prepare(program_);
}

void ExactOffsets::evaluate(unsigned quantities, const EvaluationBlock& block) const {
  if (block.lanes == 0) return;
  const std::size_t n = dimension(), lanes = block.lanes, stride = block.stride;
  if (quantities & quantity_gradient) gradient(block.x, block.gradient, lanes, stride);
  if (quantities & quantity_value) {
    // The integral of the slope along the way from the point.
    std::vector<double> inner(n * lanes), slope(n * lanes);
    std::fill_n(block.value, lanes, 0.0);
    for (std::size_t k = 0; k < std::size(nodes); ++k) {
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = 0; l < lanes; ++l)
          inner[i * lanes + l] = nodes[k] * block.x[i * stride + l];
      gradient(inner.data(), slope.data(), lanes, lanes);
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t l = 0; l < lanes; ++l)
          block.value[l] += weights[k] * slope[i * lanes + l] * block.x[i * stride + l];
    }
  }
  // Higher derivatives tend to others than 0: there is nothing to cancel.
  const unsigned rest = quantities & every_quantity & ~(quantity_value | quantity_gradient);
  if (rest == 0) return;
  std::vector<double> x(n * stride);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t l = 0; l < lanes; ++l) x[i * stride + l] = point_[i] + block.x[i * stride + l];
  EvaluationBlock inner = block;
  inner.x = x.data();
  objective_->evaluate(rest, inner);
}

const MachineCode* ExactOffsets::machine_code() const {
  if (!compiler_) return nullptr;
  const MachineCode* const code = code_.load(std::memory_order_acquire);
  if (code || compilation_begun_.exchange(true)) return code;
  // Without a lock, as a compiler may wait for one that a caller holds.
  owned_code_ = compiler_(*program_.executable);
  code_.store(owned_code_.get(), std::memory_order_release);
  return owned_code_.get();
}

void ExactOffsets::gradient(const double* d, double* to, std::size_t lanes,
                            std::size_t stride) const {
  const std::size_t n = dimension();
  std::vector<const double*> inputs(n);
  std::vector<double*> outputs(n);
  for (std::size_t i = 0; i < n; ++i) {
    inputs[i] = d + i * stride;
    outputs[i] = to + i * stride;
  }
  if (const MachineCode* const code = machine_code())
    run(*program_.executable, *code, lanes, inputs.data(), outputs.data());
  else
    run(program_, lanes, inputs.data(), outputs.data());
}

std::unique_ptr<Objective> exact_offsets(std::shared_ptr<const Objective> objective,
                                         const Tape& tape, Node output,
                                         std::span<const double> point) {
  return std::make_unique<ExactOffsets>(std::move(objective), tape, output, point);
}

}  // namespace talweg
