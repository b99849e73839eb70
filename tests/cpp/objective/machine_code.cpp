// Programs run by code from outside: how lanes are cut into vectors, and what is filled in around
// it.
#include "objective/machine_code.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <vector>

#include "objective/tape_objective.hpp"
#include "talweg/tape.hpp"

namespace {

using namespace talweg;

constexpr std::size_t vector_lanes = 4;

// Slots of the gradient of x0^2 + 3 x1: whatever its registers, inputs and outputs come last.
std::uint32_t first_input, first_output;
std::atomic<int> runs;

// The gradient's first row; the second is the same everywhere.
void twice(double* const* rows, std::size_t first, std::size_t end) {
  ++runs;
  REQUIRE((end - first) % vector_lanes == 0);
  REQUIRE(end > first);
  for (std::size_t lane = first; lane < end; ++lane)
    rows[first_output][lane] = 2.0 * rows[first_input][lane];
}

TapeObjective parabola() {
  Tape tape(2);
  const Node square = tape.apply(Operation::multiply, tape.input(0), tape.input(0));
  const Node slope = tape.apply(Operation::multiply, tape.input(1), tape.constant(3.0));
  return TapeObjective(tape, tape.apply(Operation::add, square, slope));
}

std::unique_ptr<const MachineCode> compile(const Executable& program) {
  first_input = program.first_input;
  first_output = program.first_output;
  CHECK(program.constant_outputs.size() == 1);
  const std::vector<SlotPlace> places = slot_places(program, 0);
  CHECK(places[first_input] == SlotPlace::row);
  CHECK(places[first_output] == SlotPlace::row);
  for (std::uint32_t slot = 0; slot < first_input; ++slot) CHECK(places[slot] == SlotPlace::local);
  auto code = std::make_unique<MachineCode>();
  code->stages = {twice};
  code->vector_lanes = vector_lanes;
  return code;
}

}  // namespace

TEST_CASE("machine code runs on whole vectors and touches no other lane") {
  for (const std::size_t lanes : {1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 130}) {
    CAPTURE(lanes);
    TapeObjective objective = parabola();
    objective.compile_with(compile);
    const std::size_t stride = lanes + 2;
    std::vector<double> x(2 * stride), gradient(2 * stride, -1.0);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i) + 0.5;
    EvaluationBlock block;
    block.lanes = lanes;
    block.stride = stride;
    block.x = x.data();
    block.gradient = gradient.data();
    runs = 0;
    objective.evaluate(quantity_gradient, block);
    CHECK(runs > 0);
    for (std::size_t lane = 0; lane < stride; ++lane) {
      CHECK(gradient[lane] == (lane < lanes ? 2.0 * x[lane] : -1.0));
      CHECK(gradient[stride + lane] == (lane < lanes ? 3.0 : -1.0));
    }
  }
}

TEST_CASE("a compiler is asked once, and what it does not compile is interpreted") {
  TapeObjective objective = parabola();
  int asked = 0;
  objective.compile_with([&](const Executable&) {
    ++asked;
    return std::unique_ptr<const MachineCode>();
  });
  const double x[] = {1.5, 2.0};
  double gradient[2];
  EvaluationBlock block;
  block.lanes = block.stride = 1;
  block.x = x;
  block.gradient = gradient;
  for (int i = 0; i < 3; ++i) {
    objective.evaluate(quantity_gradient, block);
    CHECK(gradient[0] == 3.0);
    CHECK(gradient[1] == 3.0);
  }
  CHECK(asked == 1);
}
