// An executable tape: straight-line instructions over registers of W lanes, in stages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "objective/opcode.hpp"

namespace talweg {

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
  std::uint32_t registers = 0;            // size of this stage's register file, row stages only
  std::shared_ptr<const DataTable> data;  // null: lanes are points
  struct Transfer {
    std::uint32_t from, to;
  };
  std::vector<Transfer>
      broadcasts;  // row stages: point register -> row register, one value in all lanes
  std::vector<Transfer> columns;  // row stages: data column -> row register
  std::vector<Transfer> sums;     // row stages: row register, summed over rows -> point register
};

class Executable;  // a program decoded for the interpreter

struct Program {
  std::vector<Stage> stages;
  std::uint32_t registers = 0;  // size of the register file shared by the point stages
  // Input row i (x rows first, then v rows, then w rows) is loaded to register input_registers[i];
  // the value `unused` marks inputs nothing reads.
  static constexpr std::uint32_t unused = 0xffffffffu;
  std::vector<std::uint32_t> input_registers;
  std::vector<std::uint32_t> output_registers;   // output row i is stored from this register
  std::shared_ptr<const Executable> executable;  // set by prepare, shared by copies
};

// Decodes a finished program, once: it must not change afterwards. Throws std::invalid_argument
// when a register number is out of range, a data column does not exist, or data are missing.
void prepare(Program& program);

// Runs a program over `lanes` points. inputs[i] and outputs[i] point at the first lane of a row;
// outputs overlap neither one another nor an input. Inputs that nothing reads may be null. Chooses
// the block width from the register count; results do not depend on it. A program that was not
// prepared is decoded at every call, which costs more than running it once.
void run(const Program& program, std::size_t lanes, const double* const* inputs,
         double* const* outputs);

}  // namespace talweg
