// A program decoded for the interpreter.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "objective/program.hpp"
#include "simd/code.hpp"

namespace talweg {

// A slot is a row of W lanes. Point slots: the registers, then one for each input, then one for
// each output. Inputs and outputs have slots of their own, and no code writes an input's slot, so
// that such a slot can be the caller's memory.
struct ExecutableStage {
  std::vector<Code> code;  // closed by code_end

  // Row stages only; row slots are the registers, then columns, broadcasts and sums. A sum's slot
  // accumulates, and holds row_block partial sums, one for each row position modulo row_block.
  std::shared_ptr<const DataTable> data;
  std::uint32_t slots = 0;
  std::uint32_t first_column = 0, first_broadcast = 0, first_sum = 0;
  std::vector<std::uint32_t> columns;     // data column of slot first_column + i
  std::vector<std::uint32_t> broadcasts;  // point slot whose value fills slot first_broadcast + i
  std::vector<std::uint32_t> sums;        // point slot that receives the sum of slot first_sum + i
  // The rows after the last whole row block, for each of `columns` row_block values, the last
  // row repeated.
  std::vector<double> tail;

  bool sums_rows() const { return data != nullptr; }
};

class Executable {
 public:
  explicit Executable(const Program& program);

  std::vector<ExecutableStage> stages;
  std::uint32_t slots = 0;
  std::uint32_t first_input = 0, first_output = 0;
  std::vector<bool> input_used;
  std::size_t outputs = 0;
  // Outputs that no code writes, as they are the same everywhere: zeros of a sparse Hessian mostly.
  struct ConstantOutput {
    std::uint32_t output;
    double value;
  };
  std::vector<ConstantOutput> constant_outputs;
  std::vector<std::uint32_t> computed_outputs;  // the others
  std::size_t row_slots = 0;                    // the most of any row stage
};

// Runs it with the kernels of one instruction set in blocks of at most `widest` lanes (0: chosen
// from the number of slots).
void run(const Executable& program, const InterpreterKernels& kernels, std::size_t widest,
         std::size_t lanes, const double* const* inputs, double* const* outputs);

}  // namespace talweg
