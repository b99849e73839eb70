// Instruction set of the interpreter.
#pragma once

#include <cstdint>

namespace talweg {

// a, b, c are registers, k the immediate constant. The interpreter's table of handlers follows this
// order.
enum class Opcode : std::uint32_t {
  load_constant,          // k
  copy,                   // a
  add,                    // a + b
  subtract,               // a - b
  multiply,               // a * b
  divide,                 // a / b
  negate,                 // -a
  add_constant,           // a + k
  constant_subtract,      // k - a
  multiply_constant,      // a * k
  constant_divide,        // k / a
  multiply_add,           // a * b + c      (fused where the instruction set has it)
  multiply_subtract,      // a * b - c
  negated_multiply_add,   // c - a * b
  multiply_constant_add,  // a * k + b
  multiply_add_constant,  // a * b + k
  square,                 // a * a
  square_root,
  exp,
  log,
  sin,
  cos,
  tan,
  tanh,
  sinh,
  cosh,
  atan,
  erf,
  log1p,
  expm1,
  sigmoid,
  power,           // a ** b, real
  power_constant,  // a ** k, real
  absolute,
  sign,
  minimum,  // NaN in either operand gives NaN, as NumPy's
  maximum,
  less,  // 1.0 or 0.0
  less_equal,
  equal,
  select,  // a != 0 ? b : c
};

constexpr std::uint32_t opcode_count = static_cast<std::uint32_t>(Opcode::select) + 1;

// How many of a, b, c an instruction reads.
constexpr int operand_count(Opcode opcode) {
  switch (opcode) {
    case Opcode::load_constant:
      return 0;
    case Opcode::add:
    case Opcode::subtract:
    case Opcode::multiply:
    case Opcode::divide:
    case Opcode::multiply_constant_add:
    case Opcode::multiply_add_constant:
    case Opcode::power:
    case Opcode::minimum:
    case Opcode::maximum:
    case Opcode::less:
    case Opcode::less_equal:
    case Opcode::equal:
      return 2;
    case Opcode::multiply_add:
    case Opcode::multiply_subtract:
    case Opcode::negated_multiply_add:
    case Opcode::select:
      return 3;
    default:
      return 1;
  }
}

}  // namespace talweg
