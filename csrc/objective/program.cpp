#include "objective/program.hpp"

#include <cmath>

#include "talweg/tape.hpp"

namespace talweg {
namespace {

double execute(const Instruction& i, const double* r) {
  const double a = r[i.a], b = r[i.b], c = r[i.c], k = i.k;
  switch (i.opcode) {
    case Opcode::load_constant: return k;
    case Opcode::copy: return a;
    case Opcode::add: return a + b;
    case Opcode::subtract: return a - b;
    case Opcode::multiply: return a * b;
    case Opcode::divide: return a / b;
    case Opcode::negate: return -a;
    case Opcode::add_constant: return a + k;
    case Opcode::constant_subtract: return k - a;
    case Opcode::multiply_constant: return a * k;
    case Opcode::constant_divide: return k / a;
    case Opcode::multiply_add: return std::fma(a, b, c);
    case Opcode::multiply_subtract: return std::fma(a, b, -c);
    case Opcode::negated_multiply_add: return std::fma(-a, b, c);
    case Opcode::multiply_constant_add: return std::fma(a, k, b);
    case Opcode::multiply_add_constant: return std::fma(a, b, k);
    case Opcode::square: return a * a;
    case Opcode::square_root: return std::sqrt(a);
    case Opcode::exp: return apply(Operation::exp, a);
    case Opcode::log: return apply(Operation::log, a);
    case Opcode::sin: return apply(Operation::sin, a);
    case Opcode::cos: return apply(Operation::cos, a);
    case Opcode::tan: return apply(Operation::tan, a);
    case Opcode::tanh: return apply(Operation::tanh, a);
    case Opcode::sinh: return apply(Operation::sinh, a);
    case Opcode::cosh: return apply(Operation::cosh, a);
    case Opcode::atan: return apply(Operation::atan, a);
    case Opcode::erf: return apply(Operation::erf, a);
    case Opcode::log1p: return apply(Operation::log1p, a);
    case Opcode::expm1: return apply(Operation::expm1, a);
    case Opcode::sigmoid: return apply(Operation::sigmoid, a);
    case Opcode::power: return std::pow(a, b);
    case Opcode::power_constant: return std::pow(a, k);
    case Opcode::absolute: return std::abs(a);
    case Opcode::sign: return apply(Operation::sign, a);
    case Opcode::minimum: return apply(Operation::minimum, a, b);
    case Opcode::maximum: return apply(Operation::maximum, a, b);
    case Opcode::less: return a < b;
    case Opcode::less_equal: return a <= b;
    case Opcode::equal: return a == b;
    case Opcode::select: return a != 0.0 ? b : c;
  }
  return std::nan("");
}

}  // namespace

void run(const Program& program, std::size_t lanes, const double* const* inputs,
         double* const* outputs) {
  std::vector<double> points(program.registers), rows;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    for (std::size_t i = 0; i < program.input_registers.size(); ++i)
      if (program.input_registers[i] != Program::unused)
        points[program.input_registers[i]] = inputs[i][lane];
    for (const Stage& stage : program.stages) {
      if (!stage.data) {
        for (const Instruction& i : stage.instructions) points[i.destination] = execute(i, points.data());
        continue;
      }
      rows.assign(stage.registers, 0.0);
      std::vector<double> sums(stage.sums.size(), 0.0);
      for (const auto& transfer : stage.broadcasts) rows[transfer.to] = points[transfer.from];
      for (std::size_t row = 0; row < stage.data->rows; ++row) {
        for (const auto& transfer : stage.columns)
          rows[transfer.to] = stage.data->values[transfer.from * stage.data->rows + row];
        for (const Instruction& i : stage.instructions) rows[i.destination] = execute(i, rows.data());
        for (std::size_t s = 0; s < sums.size(); ++s) sums[s] += rows[stage.sums[s].from];
      }
      for (std::size_t s = 0; s < sums.size(); ++s) points[stage.sums[s].to] = sums[s];
    }
    for (std::size_t i = 0; i < program.output_registers.size(); ++i)
      outputs[i][lane] = points[program.output_registers[i]];
  }
}

}  // namespace talweg
