#include "objective/tape_objective.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

#include "objective/block_rows.hpp"
#include "objective/derivatives.hpp"
#include "objective/lowering.hpp"

namespace talweg {
namespace {

constexpr unsigned all_quantities = quantity_value | quantity_gradient | quantity_hessian |
                                    quantity_third | quantity_hessian_product |
                                    quantity_third_product;
constexpr unsigned need_v = quantity_third | quantity_hessian_product | quantity_third_product;

// Matrices with more entries than this are never one program: storing so many rows for each block
// would cost more than the products do.
constexpr std::size_t dense_entries = 2000000;

}  // namespace

// The working tape: the function of 3 n inputs (x, v, w), and its derivatives as far as they were
// asked for.
struct TapeObjective::Derivatives {
  Derivatives(const Tape& source, Node source_output, std::size_t limit)
      : n(source.inputs()), limit(limit), tape(3 * n, std::numeric_limits<std::size_t>::max()) {
    value = source.copy_to(tape, std::span(&source_output, 1))[0];
  }

  const std::vector<Node>& gradient() {
    if (gradient_.empty()) gradient_ = talweg::gradient(tape, value, n);
    return gradient_;
  }

  const std::vector<Node>& hessian_product() {
    if (hessian_product_.empty()) hessian_product_ = along(tape, gradient(), n, n);
    return hessian_product_;
  }

  const std::vector<Node>& third_product() {
    if (third_product_.empty())
      third_product_ = along(tape, along(tape, gradient(), n, 2 * n), n, n);
    return third_product_;
  }

  // Empty when the program would be too long.
  const std::vector<Node>& hessian() {
    if (std::exchange(hessian_tried_, true) || triangle(n) > dense_entries) return hessian_;
    gradient();
    attempt(hessian_, [this](Tape& on) { return talweg::hessian(on, gradient_, 4 * limit); });
    return hessian_;
  }

  const std::vector<Node>& third() {
    if (std::exchange(third_tried_, true) || hessian().empty()) return third_;
    attempt(third_, [this](Tape& on) { return along(on, hessian_, n, n); });
    return third_;
  }

  const std::shared_ptr<const SparsityPattern>& pattern() {
    if (!pattern_)
      pattern_ = std::make_shared<const SparsityPattern>(hessian_pattern(tape, gradient()));
    return pattern_;
  }

  std::size_t n, limit;
  Tape tape;
  Node value;

 private:
  // On a copy of the tape, so that what turns out too long leaves nothing behind.
  template <class Derive>
  void attempt(std::vector<Node>& result, Derive&& derive) {
    Tape copy = tape;
    std::vector<Node> nodes = derive(copy);
    if (nodes.empty() || instruction_count(lower(copy, nodes)) > limit) return;
    tape = std::move(copy);
    result = std::move(nodes);
  }

  std::vector<Node> gradient_, hessian_product_, third_product_, hessian_, third_;
  bool hessian_tried_ = false, third_tried_ = false;
  std::shared_ptr<const SparsityPattern> pattern_;
};

TapeObjective::TapeObjective(const Tape& tape, Node output, std::size_t dense)
    : source_(tape.inputs(), tape.limit()), source_output_(0), dense_limit_(dense) {
  if (output >= tape.size()) throw std::invalid_argument("the output is no node of the tape");
  if (tape.is_row(output))
    throw std::invalid_argument("the output differs from row to row: sum it over the rows");
  source_output_ = tape.copy_to(source_, std::span(&output, 1))[0];
}

TapeObjective::~TapeObjective() = default;

const TapeObjective::Plan& TapeObjective::plan(unsigned quantities) const {
  const Plan* known = plans_[quantities].load(std::memory_order_acquire);
  if (known) return *known;
  const std::scoped_lock lock(mutex_);
  known = plans_[quantities].load(std::memory_order_relaxed);
  if (known) return *known;
  owned_.push_back(make_plan(quantities));
  plans_[quantities].store(owned_.back().get(), std::memory_order_release);
  return *owned_.back();
}

std::unique_ptr<TapeObjective::Plan> TapeObjective::make_plan(unsigned quantities) const {
  if (!derivatives_)
    derivatives_ = std::make_unique<Derivatives>(source_, source_output_, dense_limit_);
  Derivatives& derivatives = *derivatives_;
  auto plan = std::make_unique<Plan>();
  std::vector<Node> outputs;
  const auto append = [&](Quantity quantity, const std::vector<Node>& nodes) {
    plan->direct |= quantity;
    outputs.insert(outputs.end(), nodes.begin(), nodes.end());
  };
  // The order of run_direct.
  if (quantities & quantity_value) append(quantity_value, {derivatives.value});
  if (quantities & quantity_gradient) append(quantity_gradient, derivatives.gradient());
  for (const Quantity quantity : {quantity_hessian, quantity_third}) {
    if (!(quantities & quantity)) continue;
    const std::vector<Node>& nodes =
        quantity == quantity_hessian ? derivatives.hessian() : derivatives.third();
    if (nodes.empty())
      plan->products |= quantity;
    else
      append(quantity, nodes);
  }
  if (quantities & quantity_hessian_product)
    append(quantity_hessian_product, derivatives.hessian_product());
  if (quantities & quantity_third_product)
    append(quantity_third_product, derivatives.third_product());
  if (plan->products) plan->pattern = derivatives.pattern();
  if (plan->direct) {
    plan->program = lower(derivatives.tape, outputs);
    prepare(plan->program);
  }
  plan->reads_v = (plan->direct & need_v) != 0;
  plan->reads_w = (plan->direct & quantity_third_product) != 0;
  return plan;
}

const MachineCode* TapeObjective::machine_code(const Plan& plan) const {
  if (!compiler_) return nullptr;
  const MachineCode* const code = plan.machine_code.load(std::memory_order_acquire);
  if (code || plan.compilation_begun.exchange(true)) return code;
  // Without a lock: a compiler may wait for one that a caller of this objective holds (Python's),
  // and both ways of running a program give the same bits.
  plan.owned_code = compiler_(*plan.program.executable);
  plan.machine_code.store(plan.owned_code.get(), std::memory_order_release);
  return plan.owned_code.get();
}

void TapeObjective::evaluate(unsigned quantities, const EvaluationBlock& block) const {
  quantities &= all_quantities;
  if (quantities == 0 || block.lanes == 0) return;
  const Plan& plan = this->plan(quantities);
  if (plan.direct) run_direct(plan, block);
  for (const unsigned quantity : {quantity_hessian, quantity_third})
    if (plan.products & quantity) run_products(quantity, *plan.pattern, block);
}

void TapeObjective::run_direct(const Plan& plan, const EvaluationBlock& block) const {
  const std::size_t n = dimension(), stride = block.stride;
  const std::size_t input_rows = plan.program.input_registers.size();
  const std::size_t output_rows = plan.program.output_registers.size();

  constexpr std::size_t few = 256;
  const double* few_inputs[few];
  double* few_outputs[few];
  thread_local std::vector<const double*> many_inputs;
  thread_local std::vector<double*> many_outputs;
  const double** inputs = few_inputs;
  double** outputs = few_outputs;
  if (input_rows > few) {
    many_inputs.resize(input_rows);
    inputs = many_inputs.data();
  }
  if (output_rows > few) {
    many_outputs.resize(output_rows);
    outputs = many_outputs.data();
  }

  auto add_inputs = [&, next = inputs](const double* rows) mutable {
    for (std::size_t i = 0; i < n; ++i) *next++ = rows ? rows + i * stride : nullptr;
  };
  add_inputs(block.x);
  add_inputs(plan.reads_v ? block.v : nullptr);
  add_inputs(plan.reads_w ? block.w : nullptr);
  for_each_output(n, plan.direct, [&, next = outputs](auto member, std::size_t rows) mutable {
    for (std::size_t i = 0; i < rows; ++i) *next++ = block.*member + i * stride;
  });
  if (const MachineCode* const code = machine_code(plan))
    run(*plan.program.executable, *code, block.lanes, inputs, outputs);
  else
    run(plan.program, block.lanes, inputs, outputs);
}

void TapeObjective::run_products(unsigned quantity, const SparsityPattern& pattern,
                                 const EvaluationBlock& block) const {
  const std::size_t n = dimension(), colours = pattern.colours;
  const bool third = quantity == quantity_third;
  const Plan& plan = this->plan(third ? quantity_third_product : quantity_hessian_product);
  double* const matrix = third ? block.third : block.hessian;
  for (std::size_t row = 0; row < triangle(n); ++row)
    std::fill_n(matrix + row * block.stride, block.lanes, 0.0);

  // Few enough lanes that the block stays in the second-level cache.
  const std::size_t lanes = std::clamp<std::size_t>(32768 / (4 * n) / 8 * 8, 8, 64);
  thread_local std::vector<double> storage;
  storage.resize(4 * n * lanes);
  EvaluationBlock products;
  products.stride = lanes;
  double* const x = storage.data();
  double* const along = x + n * lanes;  // v of T[v]
  double* const units = along + n * lanes;
  double* const sums = units + n * lanes;
  products.x = x;
  products.v = third ? along : units;
  products.w = third ? units : nullptr;
  (third ? products.third_product : products.hessian_product) = sums;

  const std::size_t total = block.lanes * colours;  // product number: point * colours + colour
  for (std::size_t start = 0; start < total; start += lanes) {
    products.lanes = std::min(lanes, total - start);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t lane = 0; lane < products.lanes; ++lane) {
        const std::size_t point = (start + lane) / colours, colour = (start + lane) % colours;
        x[i * lanes + lane] = block.x[i * block.stride + point];
        if (third) along[i * lanes + lane] = block.v[i * block.stride + point];
        units[i * lanes + lane] = pattern.colour[i] == colour ? 1.0 : 0.0;
      }
    run_direct(plan, products);
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t r = pattern.first[j]; r < pattern.first[j + 1]; ++r) {
        const std::size_t i = pattern.rows[r];
        if (i < j) continue;
        double* const to = matrix + (i * (i + 1) / 2 + j) * block.stride;
        // Lanes whose colour is that of column j.
        std::size_t lane = (pattern.colour[j] + colours - start % colours) % colours;
        for (; lane < products.lanes; lane += colours)
          to[(start + lane) / colours] = sums[i * lanes + lane];
      }
  }
}

std::optional<std::size_t> TapeObjective::instructions(unsigned quantities) const {
  const Plan& plan = this->plan(quantities & all_quantities);
  if (plan.products) return std::nullopt;
  return instruction_count(plan.program);
}

const Executable* TapeObjective::executable(unsigned quantities) const {
  const Plan& plan = this->plan(quantities & all_quantities);
  return plan.products ? nullptr : plan.program.executable.get();
}

std::size_t TapeObjective::registers(unsigned quantities) const {
  return plan(quantities & all_quantities).program.registers;
}

std::unique_ptr<Objective> make_objective(const Tape& tape, Node output) {
  return std::make_unique<TapeObjective>(tape, output);
}

}  // namespace talweg
