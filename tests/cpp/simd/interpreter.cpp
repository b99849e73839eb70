// Programs against a scalar evaluation of the same instructions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "objective/executable.hpp"
#include "simd/instruction_set.hpp"

namespace {

using talweg::Executable;
using talweg::Instruction;
using talweg::Isa;
using talweg::Opcode;
using talweg::Program;
using talweg::Stage;

using Rows = std::vector<std::vector<double>>;

Rows run(const Executable& program, Isa isa, std::size_t widest, const Rows& inputs,
         std::size_t outputs) {
  const std::size_t lanes = inputs[0].size();
  Rows out(outputs, std::vector<double>(lanes, -12345.0));
  std::vector<const double*> in_rows;
  std::vector<double*> out_rows;
  for (const auto& row : inputs) in_rows.push_back(row.data());
  for (auto& row : out) out_rows.push_back(row.data());
  talweg::run(program, talweg::interpreter_kernels(isa), widest, lanes, in_rows.data(),
              out_rows.data());
  return out;
}

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// Distance in units in the last place of the larger one; equal infinities and two NaN are equal.
double ulps(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b) ? 0.0 : INFINITY;
  if (a == b) return 0.0;
  if (std::isinf(a) || std::isinf(b)) return INFINITY;
  const double size = std::max(std::fabs(a), std::fabs(b));
  return std::fabs(a - b) / (std::nextafter(size, INFINITY) - size);
}

double sigmoid(double x) {
  return x < 0.0 ? std::exp(x) / (1.0 + std::exp(x)) : 1.0 / (1.0 + std::exp(-x));
}

struct Case {
  Opcode opcode;
  const char* name;
  double tolerance;  // in units in the last place
  std::function<double(double, double, double, double)> reference;
};

#define TALWEG_CASE(opcode, tolerance, expression)                                             \
  Case {                                                                                       \
    Opcode::opcode, #opcode, tolerance, [](double a, double b, double c, double k) -> double { \
      (void)a, (void)b, (void)c, (void)k;                                                      \
      return expression;                                                                       \
    }                                                                                          \
  }

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      TALWEG_CASE(load_constant, 0, k),
      TALWEG_CASE(copy, 0, a),
      TALWEG_CASE(add, 0, a + b),
      TALWEG_CASE(subtract, 0, a - b),
      TALWEG_CASE(multiply, 0, a * b),
      TALWEG_CASE(divide, 0, a / b),
      TALWEG_CASE(negate, 0, -a),
      TALWEG_CASE(add_constant, 0, a + k),
      TALWEG_CASE(constant_subtract, 0, k - a),
      TALWEG_CASE(multiply_constant, 0, a * k),
      TALWEG_CASE(constant_divide, 0, k / a),
      TALWEG_CASE(multiply_add, -1, std::fma(a, b, c)),
      TALWEG_CASE(multiply_subtract, -1, std::fma(a, b, -c)),
      TALWEG_CASE(negated_multiply_add, -1, std::fma(-a, b, c)),
      TALWEG_CASE(multiply_constant_add, -1, std::fma(a, k, b)),
      TALWEG_CASE(multiply_add_constant, -1, std::fma(a, b, k)),
      TALWEG_CASE(square, 0, a * a),
      TALWEG_CASE(square_root, 0, std::sqrt(a)),
      TALWEG_CASE(exp, 2, std::exp(a)),
      TALWEG_CASE(log, 2, std::log(a)),
      TALWEG_CASE(sin, 4, std::sin(a)),
      TALWEG_CASE(cos, 4, std::cos(a)),
      TALWEG_CASE(tan, 4, std::tan(a)),
      TALWEG_CASE(tanh, 4, std::tanh(a)),
      TALWEG_CASE(sinh, 4, std::sinh(a)),
      TALWEG_CASE(cosh, 4, std::cosh(a)),
      TALWEG_CASE(atan, 4, std::atan(a)),
      TALWEG_CASE(erf, 4, std::erf(a)),
      TALWEG_CASE(log1p, 4, std::log1p(a)),
      TALWEG_CASE(expm1, 4, std::expm1(a)),
      TALWEG_CASE(sigmoid, 6, sigmoid(a)),
      TALWEG_CASE(power, 2, std::pow(a, b)),
      TALWEG_CASE(power_constant, 2, std::pow(a, k)),
      TALWEG_CASE(absolute, 0, std::fabs(a)),
      TALWEG_CASE(sign, 0,
                  a > 0.0   ? 1.0
                  : a < 0.0 ? -1.0
                            : a + 0.0),
      TALWEG_CASE(minimum, 0, std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b)),
      TALWEG_CASE(maximum, 0, std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b)),
      TALWEG_CASE(less, 0, a < b ? 1.0 : 0.0),
      TALWEG_CASE(less_equal, 0, a <= b ? 1.0 : 0.0),
      TALWEG_CASE(equal, 0, a == b ? 1.0 : 0.0),
      TALWEG_CASE(select, 0, a != 0.0 ? b : c),
  };
  return all;
}

Program one_instruction(Opcode opcode, double k) {
  Program program;
  program.registers = 4;
  program.input_registers = {0, 1, 2};
  program.output_registers = {3};
  Stage stage;
  stage.instructions.push_back({opcode, 3, 0, 1, 2, k});
  program.stages.push_back(stage);
  return program;
}

// Ordinary numbers with special ones among them.
std::vector<double> sample(std::size_t count, unsigned seed) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<double> normal(0.0, 3.0);
  const double special[] = {0.0,  -0.0, INFINITY, -INFINITY, NAN,    1.0,     -1.0, 1e300,
                            1e-5, 700., -750.0,   5e-324,    1e-310, -1e-310, 1e18, 2.0};
  std::vector<double> out(count);
  for (double& value : out)
    value = generator() % 5 == 0 ? special[generator() % 16] : normal(generator);
  return out;
}

}  // namespace

TEST_CASE("every opcode agrees with its scalar meaning in every lane of every block width") {
  REQUIRE(cases().size() == talweg::opcode_count);
  for (const Isa isa : talweg::available_isas()) {
    for (std::size_t i = 0; i < cases().size(); ++i) {
      const Case& one = cases()[i];
      CAPTURE(std::string(one.name));
      CAPTURE(std::string(talweg::name_of(isa)));
      REQUIRE(static_cast<std::size_t>(one.opcode) == i);
      const double k = 1.75;
      const Executable program(one_instruction(one.opcode, k));
      int failures = 0;
      for (std::size_t lanes = 1; lanes <= 130; ++lanes) {
        const Rows inputs = {sample(lanes, 3 * lanes), sample(lanes, 3 * lanes + 1),
                             sample(lanes, 3 * lanes + 2)};
        const Rows expected = run(program, isa, 0, inputs, 1);
        for (std::size_t lane = 0; lane < lanes; ++lane) {
          const double a = inputs[0][lane], b = inputs[1][lane], c = inputs[2][lane];
          const double wanted = one.reference(a, b, c, k), found = expected[0][lane];
          // Unfused: a rounding of the product more, so compare on the scale of the terms.
          const bool agrees =
              one.tolerance >= 0
                  ? ulps(found, wanted) <= one.tolerance
                  : ulps(found, wanted) <= 1.0 ||
                        std::fabs(found - wanted) <=
                            4e-16 * (std::fabs(wanted) + std::fabs(a * b) + std::fabs(a * k));
          if (!agrees && ++failures < 5) {
            CAPTURE(lanes);
            CAPTURE(a);
            CAPTURE(b);
            CAPTURE(c);
            CHECK(found == wanted);
          }
        }
        for (const std::size_t widest : {8, 16, 32, 64, 128}) {
          const Rows other = run(program, isa, widest, inputs, 1);
          for (std::size_t lane = 0; lane < lanes; ++lane)
            if (!same_bits(other[0][lane], expected[0][lane]) && ++failures < 5) {
              CAPTURE(lanes);
              CAPTURE(widest);
              CHECK(other[0][lane] == expected[0][lane]);
            }
        }
      }
      CHECK(failures == 0);
    }
  }
}

namespace {

// A program of exact or correctly rounded operations that overwrites its registers at random.
Program random_program(unsigned seed, std::uint32_t registers, int length) {
  std::mt19937 engine(seed);
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(engine() % bound);
  };
  const Opcode opcodes[] = {Opcode::add,
                            Opcode::subtract,
                            Opcode::multiply,
                            Opcode::multiply_add,
                            Opcode::multiply_subtract,
                            Opcode::negated_multiply_add,
                            Opcode::multiply_constant,
                            Opcode::multiply_constant_add,
                            Opcode::multiply_add_constant,
                            Opcode::negate,
                            Opcode::minimum,
                            Opcode::select,
                            Opcode::load_constant,
                            Opcode::square_root,
                            Opcode::absolute,
                            Opcode::divide};
  Program program;
  program.registers = registers;
  program.input_registers = {2, Program::unused, 0, 1};
  Stage stage;
  for (std::uint32_t r = 3; r < registers; ++r)
    stage.instructions.push_back({Opcode::load_constant, r, 0, 0, 0, 0.25 + r});
  for (int i = 0; i < length; ++i)
    stage.instructions.push_back({opcodes[below(16)], below(registers), below(registers),
                                  below(registers), below(registers), 0.5 + 0.001 * below(1000)});
  program.stages.push_back(stage);
  for (std::uint32_t r = 0; r < registers; r += 2) program.output_registers.push_back(r);
  program.output_registers.push_back(0);  // twice
  return program;
}

std::vector<double> scalar_run(const Program& program, Isa isa, std::vector<double> inputs) {
  std::vector<double> r(program.registers, 0.0);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (program.input_registers[i] != Program::unused) r[program.input_registers[i]] = inputs[i];
  const auto multiply_add = [&](double a, double b, double c) {
    return isa == Isa::baseline ? a * b + c : std::fma(a, b, c);
  };
  for (const Instruction& i : program.stages[0].instructions) {
    const double a = r[i.a], b = r[i.b], c = r[i.c], k = i.k;
    double& d = r[i.destination];
    switch (i.opcode) {
      case Opcode::multiply_add:
        d = multiply_add(a, b, c);
        break;
      case Opcode::multiply_subtract:
        d = multiply_add(a, b, -c);
        break;
      case Opcode::negated_multiply_add:
        d = multiply_add(-a, b, c);
        break;
      case Opcode::multiply_constant_add:
        d = multiply_add(a, k, b);
        break;
      case Opcode::multiply_add_constant:
        d = multiply_add(a, b, k);
        break;
      default:
        d = cases()[static_cast<std::size_t>(i.opcode)].reference(a, b, c, k);
    }
  }
  std::vector<double> out;
  for (const std::uint32_t number : program.output_registers) out.push_back(r[number]);
  return out;
}

}  // namespace

TEST_CASE("programs that reuse registers give the scalar result to the last bit") {
  for (const Isa isa : talweg::available_isas()) {
    CAPTURE(std::string(talweg::name_of(isa)));
    for (unsigned seed = 0; seed < 40; ++seed) {
      const std::uint32_t registers = seed % 4 == 3 ? 900 : 4 + seed;
      const Program program = random_program(seed, registers, 20 + 10 * static_cast<int>(seed));
      const Executable executable(program);
      std::mt19937 generator(seed);
      std::normal_distribution<double> normal;
      for (const std::size_t lanes : {1, 3, 4, 7, 20, 31, 33, 64, 100, 257}) {
        Rows inputs(4, std::vector<double>(lanes));
        for (auto& row : inputs)
          for (double& value : row) value = normal(generator);
        const std::size_t outputs = program.output_registers.size();
        for (const std::size_t widest : {0, 8, 16, 32, 64, 128}) {
          const Rows found = run(executable, isa, widest, inputs, outputs);
          int failures = 0;
          for (std::size_t lane = 0; lane < lanes; ++lane) {
            const auto wanted = scalar_run(
                program, isa, {inputs[0][lane], inputs[1][lane], inputs[2][lane], inputs[3][lane]});
            for (std::size_t j = 0; j < outputs; ++j)
              failures += !(same_bits(found[j][lane], wanted[j]) ||
                            (std::isnan(found[j][lane]) && std::isnan(wanted[j])));
          }
          CAPTURE(seed);
          CAPTURE(lanes);
          CAPTURE(widest);
          CHECK(failures == 0);
        }
      }
    }
  }
}

TEST_CASE("a program without instructions copies inputs to outputs") {
  Program program;
  program.registers = 1;
  program.input_registers = {0};
  program.output_registers = {0, 0};
  const Rows out = run(Executable(program), Isa::baseline, 0, {{1.0, 2.0, 3.0}}, 2);
  CHECK(out[0] == std::vector<double>{1.0, 2.0, 3.0});
  CHECK(out[1] == out[0]);
}

TEST_CASE("run through the active instruction set, prepared or not") {
  Program program = one_instruction(Opcode::multiply, 0.0);
  const std::vector<double> a = {1.5, -2.0, 3.0}, b = {2.0, 4.0, 0.5};
  std::vector<double> out(3);
  const double* inputs[] = {a.data(), b.data(), b.data()};
  double* outputs[] = {out.data()};
  for (int prepared = 0; prepared < 2; ++prepared) {
    if (prepared) talweg::prepare(program);
    std::fill(out.begin(), out.end(), 0.0);
    talweg::run(program, 3, inputs, outputs);
    CHECK(out == std::vector<double>{3.0, -8.0, 1.5});
  }
  talweg::run(program, 0, inputs, outputs);
}

TEST_CASE("programs that cannot be run are refused") {
  Program program = one_instruction(Opcode::add, 0.0);
  program.stages[0].instructions[0].b = 4;
  CHECK_THROWS_AS(Executable{program}, std::invalid_argument);
  program = one_instruction(Opcode::add, 0.0);
  program.output_registers[0] = 17;
  CHECK_THROWS_AS(Executable{program}, std::invalid_argument);
  program = one_instruction(Opcode::exp, 0.0);
  program.stages[0].instructions[0].b = 4;  // exp reads no b
  CHECK_NOTHROW(Executable{program});
}
