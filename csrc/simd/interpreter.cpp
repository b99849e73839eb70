// The block interpreter for one instruction set: threaded code over registers of whole vectors.
#include "objective/opcode.hpp"
#include "simd/code.hpp"
#include "simd/functions.hpp"
#include "simd/vector.hpp"
#include "simd/vector_trigonometry.hpp"

namespace talweg::TALWEG_ISA {

// Registers one after the other.
template <int vectors>
struct DirectRegisters {
  static constexpr int count = vectors;
  double* base;
  double* at(std::uint32_t offset) const {
    return reinterpret_cast<double*>(reinterpret_cast<char*>(base) +
                                     static_cast<std::size_t>(offset) * (vectors * vector_lanes));
  }
};

// Registers anywhere.
template <int vectors>
struct IndirectRegisters {
  static constexpr int count = vectors;
  double* const* rows;
  double* at(std::uint32_t offset) const {
    return *reinterpret_cast<double* const*>(reinterpret_cast<const char*>(rows) + offset);
  }
};

// What an instruction of arithmetic does, on one vector.
template <Opcode opcode>
TALWEG_INLINE Vector compute(Vector a, Vector b, Vector c, double k) {
  using enum Opcode;
  (void)a, (void)b, (void)c, (void)k;
  if constexpr (opcode == load_constant) return fill(k);
  if constexpr (opcode == copy) return a;
  if constexpr (opcode == add) return a + b;
  if constexpr (opcode == subtract) return a - b;
  if constexpr (opcode == multiply) return a * b;
  if constexpr (opcode == divide) return a / b;
  if constexpr (opcode == negate) return -a;
  if constexpr (opcode == add_constant) return a + k;
  if constexpr (opcode == constant_subtract) return k - a;
  if constexpr (opcode == multiply_constant) return a * k;
  if constexpr (opcode == constant_divide) return k / a;
  if constexpr (opcode == multiply_add) return TALWEG_ISA::multiply_add(a, b, c);
  if constexpr (opcode == multiply_subtract) return TALWEG_ISA::multiply_subtract(a, b, c);
  if constexpr (opcode == negated_multiply_add) return TALWEG_ISA::negated_multiply_add(a, b, c);
  if constexpr (opcode == multiply_constant_add) return TALWEG_ISA::multiply_add(a, fill(k), b);
  if constexpr (opcode == multiply_add_constant) return TALWEG_ISA::multiply_add(a, b, fill(k));
  if constexpr (opcode == square) return a * a;
  if constexpr (opcode == square_root) return TALWEG_ISA::square_root(a);
  if constexpr (opcode == absolute) return magnitude(a);
  if constexpr (opcode == sign) return a > 0.0 ? fill(1.0) : (a < 0.0 ? fill(-1.0) : a + 0.0);
  if constexpr (opcode == minimum) return ((a < b) | (a != a)) ? a : b;
  if constexpr (opcode == maximum) return ((a > b) | (a != a)) ? a : b;
  if constexpr (opcode == less) return one_where(a < b);
  if constexpr (opcode == less_equal) return one_where(a <= b);
  if constexpr (opcode == equal) return one_where(a == b);
  if constexpr (opcode == select) return a != 0.0 ? b : c;
}

// An instruction of arithmetic on every vector of its registers.
template <Opcode opcode, class Registers>
TALWEG_INLINE void step(const Code& code, Registers registers) {
  constexpr int operands = operand_count(opcode);
  double* const to = registers.at(code.destination);
  const double* const from_a = operands > 0 ? registers.at(code.a) : nullptr;
  const double* const from_b = operands > 1 ? registers.at(code.b) : nullptr;
  const double* const from_c = operands > 2 ? registers.at(code.c) : nullptr;
  const double k = code.k;
#pragma GCC unroll 8
  for (int i = 0; i < Registers::count * vector_lanes; i += vector_lanes) {
    Vector a{}, b{}, c{};
    if constexpr (operands > 0) a = load(from_a + i);
    if constexpr (operands > 1) b = load(from_b + i);
    if constexpr (operands > 2) c = load(from_c + i);
    store(to + i, compute<opcode>(a, b, c, k));
  }
}

// The formatter never settles on one layout of these lists.
// clang-format off
#define TALWEG_ARITHMETIC(X) \
  X(load_constant) X(copy) X(add) X(subtract) X(multiply) X(divide) X(negate) X(add_constant) \
  X(constant_subtract) X(multiply_constant) X(constant_divide) X(multiply_add) \
  X(multiply_subtract) X(negated_multiply_add) X(multiply_constant_add) \
  X(multiply_add_constant) X(square) X(square_root)
#define TALWEG_FUNCTIONS(X) \
  X(exp) X(log) X(sin) X(cos) X(tan) X(tanh) X(sinh) X(cosh) X(atan) X(erf) X(log1p) X(expm1) \
  X(sigmoid)
#define TALWEG_COMPARISONS(X) \
  X(absolute) X(sign) X(minimum) X(maximum) X(less) X(less_equal) X(equal) X(select)
// clang-format on

#define TALWEG_LABEL(name) &&name,
#define TALWEG_BLOCK(name) name##_block,

#define TALWEG_JUMP \
  ++code;           \
  goto* handlers[code->opcode]

#define TALWEG_ONE(name)                \
  name:                                 \
  step<Opcode::name>(*code, registers); \
  TALWEG_JUMP;
#define TALWEG_CALL(name)                                                        \
  name:                                                                          \
  name##_block(registers.at(code->destination), registers.at(code->a), vectors); \
  TALWEG_JUMP;

// Straight-line code: each handler ends with a jump of its own to the next one, so that the
// processor predicts every jump by its place in the program.
template <class Registers>
static void execute(const Code* code, Registers registers) {
  static const void* const handlers[] = {
      TALWEG_ARITHMETIC(TALWEG_LABEL) TALWEG_FUNCTIONS(TALWEG_LABEL) && power, &&power_constant,
      TALWEG_COMPARISONS(TALWEG_LABEL) && end};
  static_assert(sizeof(handlers) / sizeof(handlers[0]) == opcode_count + 1);
  constexpr int vectors = Registers::count;
  goto* handlers[code->opcode];
  TALWEG_ARITHMETIC(TALWEG_ONE)
  TALWEG_FUNCTIONS(TALWEG_CALL)
power:
  power_block(registers.at(code->destination), registers.at(code->a), registers.at(code->b),
              vectors);
  TALWEG_JUMP;
power_constant:
  power_constant_block(registers.at(code->destination), registers.at(code->a), code->k, vectors);
  TALWEG_JUMP;
  TALWEG_COMPARISONS(TALWEG_ONE)
end:
  return;
}

template <int vectors>
static void execute_direct(const Code* code, double* registers) {
  execute(code, DirectRegisters<vectors>{registers});
}

template <int lanes>
static void execute_indirect(const Code* code, double* const* rows) {
  execute(code, IndirectRegisters<lanes / vector_lanes>{rows});
}

#define TALWEG_COEFFICIENTS(name) {#name, name, sizeof(name) / sizeof(name[0])}

extern const InterpreterKernels interpreter_kernels;
const InterpreterKernels interpreter_kernels = {
    vector_lanes,
    {execute_direct<1>, execute_direct<2>, execute_direct<3>, execute_direct<4>, execute_direct<5>,
     execute_direct<6>, execute_direct<7>, execute_direct<8>},
    {execute_indirect<indirect_lanes[0]>, execute_indirect<indirect_lanes[1]>,
     execute_indirect<indirect_lanes[2]>, execute_indirect<indirect_lanes[3]>},
    {TALWEG_FUNCTIONS(TALWEG_BLOCK)},
    power_block,
    {TALWEG_COEFFICIENTS(exp_tail), TALWEG_COEFFICIENTS(log_tail), TALWEG_COEFFICIENTS(sin_tail),
     TALWEG_COEFFICIENTS(cos_tail), TALWEG_COEFFICIENTS(atan_tail), TALWEG_COEFFICIENTS(erf_small),
     TALWEG_COEFFICIENTS(erf_large)},
};

}  // namespace talweg::TALWEG_ISA
