// What the interpreter of one instruction set runs, and the table through which it is reached.
// Plain data only: this header is compiled for every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "objective/opcode.hpp"

namespace talweg {

// One instruction. Operands are byte offsets into a table of 8-byte entries, 8 times the slot: with
// registers stored one after the other the hardware's scaled addressing then needs no shift.
struct Code {
  std::uint32_t opcode;  // Opcode, or code_end
  std::uint32_t destination, a, b, c;
  double k;
};

// The opcode that ends code, after the last one of Opcode.
constexpr std::uint32_t code_end = opcode_count;

constexpr int widest_direct = 8;
constexpr int row_block = 64;
constexpr int indirect_count = 4;
// Lanes of the blocks whose registers are found through pointers.
constexpr int indirect_lanes[indirect_count] = {16, 32, 64, 128};

// Functions of one argument over arrays of whole vectors, by opcode.
constexpr std::uint32_t first_function = static_cast<std::uint32_t>(Opcode::exp);
constexpr std::uint32_t function_count =
    static_cast<std::uint32_t>(Opcode::sigmoid) - first_function + 1;

// A polynomial of an elementary function, lowest power first.
struct Coefficients {
  const char* name;
  const double* values;
  int count;
};
constexpr int coefficient_sets = 7;

struct InterpreterKernels {
  int vector_lanes;
  // direct[v - 1], v = 1..widest_direct: slot s is the v vectors from registers + s * v *
  // vector_lanes. For few lanes: fewer loads an instruction.
  void (*direct[widest_direct])(const Code* code, double* registers);
  // indirect[i]: slot s is the indirect_lanes[i] doubles at rows[s], which may be the caller's own
  // memory, so that inputs, outputs and data columns are not copied.
  void (*indirect[indirect_count])(const Code* code, double* const* rows);
  // For other makers of code, which must give the same results: functions[opcode - first_function],
  // powers, and what their polynomials are made of.
  void (*functions[function_count])(double* to, const double* from, std::size_t vectors);
  void (*power)(double* to, const double* base, const double* exponent, std::size_t vectors);
  Coefficients coefficients[coefficient_sets];
};

enum class Isa;

const InterpreterKernels& interpreter_kernels(Isa isa);

}  // namespace talweg
