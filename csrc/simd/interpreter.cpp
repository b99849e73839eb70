// The block interpreter for one instruction set: threaded code over registers of whole vectors.
#include "objective/opcode.hpp"
#include "simd/code.hpp"
#include "simd/functions.hpp"
#include "simd/vector.hpp"

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

template <int vectors, class Function>
TALWEG_INLINE void for_each_vector(Function function) {
#pragma GCC unroll 8
  for (int i = 0; i < vectors; ++i) function(i * vector_lanes);
}

TALWEG_INLINE Vector one_where(Bits mask) { return from_bits(mask & bits(fill(1.0))); }

// Straight-line code: each handler ends with its own jump to the next one, so that the processor
// predicts each jump by its place in the program.
template <class Registers>
static void execute(const Code* code, Registers registers) {
  static const void* const handlers[] = {&&load_constant,
                                         &&copy,
                                         &&add,
                                         &&subtract,
                                         &&multiply,
                                         &&divide,
                                         &&negate,
                                         &&add_constant,
                                         &&constant_subtract,
                                         &&multiply_constant,
                                         &&constant_divide,
                                         &&multiply_add,
                                         &&multiply_subtract,
                                         &&negated_multiply_add,
                                         &&multiply_constant_add,
                                         &&multiply_add_constant,
                                         &&square,
                                         &&square_root,
                                         &&exp,
                                         &&log,
                                         &&sin,
                                         &&cos,
                                         &&tan,
                                         &&tanh,
                                         &&sinh,
                                         &&cosh,
                                         &&atan,
                                         &&erf,
                                         &&log1p,
                                         &&expm1,
                                         &&sigmoid,
                                         &&power,
                                         &&power_constant,
                                         &&absolute,
                                         &&sign,
                                         &&minimum,
                                         &&maximum,
                                         &&less,
                                         &&less_equal,
                                         &&equal,
                                         &&select,
                                         &&end};
  static_assert(sizeof(handlers) / sizeof(handlers[0]) == opcode_count + 1);
  constexpr int vectors = Registers::count;

#define TALWEG_NEXT \
  ++code;           \
  goto* handlers[code->opcode]

#define TALWEG_UNARY(name, expression)                                   \
  name:                                                                  \
  {                                                                      \
    double* const to = registers.at(code->destination);                  \
    const double* const from_a = registers.at(code->a);                  \
    [[maybe_unused]] const double k = code->k;                           \
    for_each_vector<vectors>([=](int i) __attribute__((always_inline)) { \
      const Vector a = load(from_a + i);                                 \
      store(to + i, expression);                                         \
    });                                                                  \
    TALWEG_NEXT;                                                         \
  }

#define TALWEG_BINARY(name, expression)                                  \
  name:                                                                  \
  {                                                                      \
    double* const to = registers.at(code->destination);                  \
    const double* const from_a = registers.at(code->a);                  \
    const double* const from_b = registers.at(code->b);                  \
    [[maybe_unused]] const double k = code->k;                           \
    for_each_vector<vectors>([=](int i) __attribute__((always_inline)) { \
      const Vector a = load(from_a + i);                                 \
      const Vector b = load(from_b + i);                                 \
      store(to + i, expression);                                         \
    });                                                                  \
    TALWEG_NEXT;                                                         \
  }

#define TALWEG_TERNARY(name, expression)                                 \
  name:                                                                  \
  {                                                                      \
    double* const to = registers.at(code->destination);                  \
    const double* const from_a = registers.at(code->a);                  \
    const double* const from_b = registers.at(code->b);                  \
    const double* const from_c = registers.at(code->c);                  \
    for_each_vector<vectors>([=](int i) __attribute__((always_inline)) { \
      const Vector a = load(from_a + i);                                 \
      const Vector b = load(from_b + i);                                 \
      const Vector c = load(from_c + i);                                 \
      store(to + i, expression);                                         \
    });                                                                  \
    TALWEG_NEXT;                                                         \
  }

#define TALWEG_CALL(name)                                                        \
  name:                                                                          \
  name##_block(registers.at(code->destination), registers.at(code->a), vectors); \
  TALWEG_NEXT;

  goto* handlers[code->opcode];

load_constant:
  {
    double* const to = registers.at(code->destination);
    const Vector value = fill(code->k);
    for_each_vector<vectors>([=](int i) __attribute__((always_inline)) { store(to + i, value); });
    TALWEG_NEXT;
  }

  TALWEG_UNARY(copy, a)
  TALWEG_BINARY(add, a + b)
  TALWEG_BINARY(subtract, a - b)
  TALWEG_BINARY(multiply, a * b)
  TALWEG_BINARY(divide, a / b)
  TALWEG_UNARY(negate, -a)
  TALWEG_UNARY(add_constant, a + k)
  TALWEG_UNARY(constant_subtract, k - a)
  TALWEG_UNARY(multiply_constant, a * k)
  TALWEG_UNARY(constant_divide, k / a)
  TALWEG_TERNARY(multiply_add, talweg::TALWEG_ISA::multiply_add(a, b, c))
  TALWEG_TERNARY(multiply_subtract, talweg::TALWEG_ISA::multiply_subtract(a, b, c))
  TALWEG_TERNARY(negated_multiply_add, talweg::TALWEG_ISA::negated_multiply_add(a, b, c))
  TALWEG_BINARY(multiply_constant_add, talweg::TALWEG_ISA::multiply_add(a, fill(k), b))
  TALWEG_BINARY(multiply_add_constant, talweg::TALWEG_ISA::multiply_add(a, b, fill(k)))
  TALWEG_UNARY(square, a * a)
  TALWEG_UNARY(square_root, talweg::TALWEG_ISA::square_root(a))
  TALWEG_CALL(exp)
  TALWEG_CALL(log)
  TALWEG_CALL(sin)
  TALWEG_CALL(cos)
  TALWEG_CALL(tan)
  TALWEG_CALL(tanh)
  TALWEG_CALL(sinh)
  TALWEG_CALL(cosh)
  TALWEG_CALL(atan)
  TALWEG_CALL(erf)
  TALWEG_CALL(log1p)
  TALWEG_CALL(expm1)
  TALWEG_CALL(sigmoid)
power:
  power_block(registers.at(code->destination), registers.at(code->a), registers.at(code->b),
              vectors);
  TALWEG_NEXT;
power_constant:
  power_constant_block(registers.at(code->destination), registers.at(code->a), code->k, vectors);
  TALWEG_NEXT;
  TALWEG_UNARY(absolute, magnitude(a))
  TALWEG_UNARY(sign, (a > 0.0 ? fill(1.0) : (a < 0.0 ? fill(-1.0) : a + 0.0)))
  TALWEG_BINARY(minimum, (((a < b) | (a != a)) ? a : b))
  TALWEG_BINARY(maximum, (((a > b) | (a != a)) ? a : b))
  TALWEG_BINARY(less, one_where(a < b))
  TALWEG_BINARY(less_equal, one_where(a <= b))
  TALWEG_BINARY(equal, one_where(a == b))
  TALWEG_TERNARY(select, (a != 0.0 ? b : c))
end:
  return;

#undef TALWEG_CALL
#undef TALWEG_TERNARY
#undef TALWEG_BINARY
#undef TALWEG_UNARY
#undef TALWEG_NEXT
}

template <int vectors>
static void execute_direct(const Code* code, double* registers) {
  execute(code, DirectRegisters<vectors>{registers});
}

template <int lanes>
static void execute_indirect(const Code* code, double* const* rows) {
  execute(code, IndirectRegisters<lanes / vector_lanes>{rows});
}

extern const InterpreterKernels interpreter_kernels;
const InterpreterKernels interpreter_kernels = {
    vector_lanes,
    {execute_direct<1>, execute_direct<2>, execute_direct<3>, execute_direct<4>, execute_direct<5>,
     execute_direct<6>, execute_direct<7>, execute_direct<8>},
    {execute_indirect<indirect_lanes[0]>, execute_indirect<indirect_lanes[1]>,
     execute_indirect<indirect_lanes[2]>, execute_indirect<indirect_lanes[3]>},
};

}  // namespace talweg::TALWEG_ISA
