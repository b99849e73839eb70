// Programs against a scalar evaluation of the same instructions.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
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
