// An executable tape: straight-line instructions over registers of W lanes, in stages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace talweg {

// Instruction set of the interpreter. a, b, c are register numbers, k the immediate constant.
enum class Opcode : std::uint32_t {
  load_constant,       // k
  copy,                // a
  add,                 // a + b
  subtract,            // a - b
  multiply,            // a * b
  divide,              // a / b
  negate,              // -a
  add_constant,        // a + k
  constant_subtract,   // k - a
  multiply_constant,   // a * k
  constant_divide,     // k / a
  multiply_add,                // a * b + c      (fused where the instruction set has it)
  multiply_subtract,           // a * b - c
  negated_multiply_add,        // c - a * b
  multiply_constant_add,       // a * k + b
  multiply_add_constant,       // a * b + k
  square,              // a * a
  square_root,
  exp, log, sin, cos, tan, tanh, sinh, cosh, atan, erf, log1p, expm1, sigmoid,
  power,               // a ** b, real
  power_constant,      // a ** k, real
  absolute, sign,
  minimum, maximum,    // NaN in either operand gives NaN, as NumPy's
  less, less_equal, equal,   // 1.0 or 0.0
  select,              // a != 0 ? b : c
};

struct Instruction {
  Opcode opcode;
  std::uint32_t destination, a, b, c;
  double k;
};

// Rows of data that sums run over: column-major, `rows` values a column.
struct DataTable {
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;
};

// Lanes are points (row_count absent) or, in a row stage, the rows of a data table for one point
// after the other.
struct Stage {
  std::vector<Instruction> instructions;
  std::uint32_t registers = 0;                 // size of this stage's register file, row stages only
  std::shared_ptr<const DataTable> data;       // null: lanes are points
  struct Transfer { std::uint32_t from, to; };
  std::vector<Transfer> broadcasts;  // row stages: point register -> row register, one value in all lanes
  std::vector<Transfer> columns;     // row stages: data column -> row register
  std::vector<Transfer> sums;        // row stages: row register, summed over rows -> point register
};

struct Program {
  std::vector<Stage> stages;
  std::uint32_t registers = 0;               // size of the register file shared by the point stages
  // Input row i (x rows first, then v rows, then w rows) is loaded to register input_registers[i];
  // the value `unused` marks inputs nothing reads.
  static constexpr std::uint32_t unused = 0xffffffffu;
  std::vector<std::uint32_t> input_registers;
  std::vector<std::uint32_t> output_registers;  // output row i is stored from this register
};

// Runs a program over `lanes` points. inputs[i] and outputs[i] point at the first lane of a row.
// Chooses the block width from the register count; results do not depend on it.
void run(const Program& program, std::size_t lanes, const double* const* inputs,
         double* const* outputs);

}  // namespace talweg
