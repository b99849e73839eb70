// Machine code for the stages of a decoded program, made by whoever has a compiler (Python, through
// LLVM). The library only describes what is wanted and runs what it gets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "objective/executable.hpp"

namespace talweg {

// Runs lanes first .. end - 1, a whole number of vectors and at least one. Slot s of lane l is
// rows[s][l].
using CompiledStage = void (*)(double* const* rows, std::size_t first, std::size_t end);

struct MachineCode {
  std::vector<CompiledStage> stages;  // as many as the program has
  std::size_t vector_lanes = 0;
  std::shared_ptr<const void> owner;  // keeps the code in memory
};

// Gives nothing where there is no code to be had; called from any thread.
using StageCompiler = std::function<std::unique_ptr<const MachineCode>(const Executable&)>;

// Where compiled code finds the values of a slot.
enum class SlotPlace : std::uint8_t {
  local,    // nowhere in memory: every use follows an assignment in the same stage
  row,      // a value a lane; what is assigned is stored
  uniform,  // rows[s][0], the same in all lanes; never assigned
};

// The places of a stage's slots: of the program's for a point stage, of its own for a row stage.
std::vector<SlotPlace> slot_places(const Executable& program, std::size_t stage);

// The same results as the interpreter's.
void run(const Executable& program, const MachineCode& code, std::size_t lanes,
         const double* const* inputs, double* const* outputs);

}  // namespace talweg
