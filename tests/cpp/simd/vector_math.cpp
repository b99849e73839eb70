// Accuracy of the elementary functions against the C library's 64-bit-mantissa ones, whose own
// error is 2^-11 of the unit measured here.
#include <doctest/doctest.h>

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "objective/executable.hpp"
#include "simd/instruction_set.hpp"

namespace {

using talweg::Isa;
using talweg::Opcode;

struct Range {
  double low, high;
};

struct Function {
  Opcode opcode;
  const char* name;
  double most_ulps;
  long double (*reference)(long double);
  std::vector<Range> ranges;  // each sampled evenly; besides those, random bit patterns
};

long double sigmoid(long double x) { return x < 0 ? expl(x) / (1 + expl(x)) : 1 / (1 + expl(-x)); }

const Function functions[] = {
    {Opcode::exp, "exp", 2, expl, {{-1, 1}, {-40, 40}, {-746, 710}, {-746, -708}, {-1e-8, 1e-8}}},
    {Opcode::log, "log", 2, logl, {{0.5, 2}, {0.99, 1.01}, {0, 100}, {0, 1e-307}, {0, 1e-320}}},
    {Opcode::sin, "sin", 2, sinl, {{-4, 4}, {-100, 100}, {-2e6, 2e6}, {3.14159, 3.1416}}},
    {Opcode::cos, "cos", 2, cosl, {{-4, 4}, {-100, 100}, {-2e6, 2e6}, {1.57079, 1.5708}}},
    {Opcode::tan, "tan", 4, tanl, {{-4, 4}, {-100, 100}, {-2e6, 2e6}, {1.57079, 1.5708}}},
    {Opcode::tanh, "tanh", 4, tanhl, {{-1, 1}, {-25, 25}, {-1e-3, 1e-3}}},
    {Opcode::sinh, "sinh", 4, sinhl, {{-1, 1}, {-25, 25}, {-712, 712}, {708, 711}}},
    {Opcode::cosh, "cosh", 4, coshl, {{-1, 1}, {-25, 25}, {-712, 712}, {708, 711}}},
    {Opcode::atan, "atan", 4, atanl, {{-1, 1}, {-5, 5}, {0.41, 0.42}, {2.40, 2.43}, {-1e4, 1e4}}},
    {Opcode::erf, "erf", 4, erfl, {{-1, 1}, {-6.5, 6.5}, {0.99, 1.01}, {-1e-6, 1e-6}}},
    {Opcode::log1p, "log1p", 4, log1pl, {{-0.99, 3}, {-1e-3, 1e-3}, {-1, -0.9999}, {0, 1e9}}},
    {Opcode::expm1, "expm1", 4, expm1l, {{-1, 1}, {-45, 45}, {-1e-3, 1e-3}, {-750, 710}}},
    {Opcode::sigmoid, "sigmoid", 4, sigmoid, {{-1, 1}, {-45, 45}, {-750, 750}}},
};

std::vector<double> evaluate(Isa isa, Opcode opcode, const std::vector<double>& x) {
  talweg::Program program;
  program.registers = 2;
  program.input_registers = {0};
  program.output_registers = {1};
  program.stages.emplace_back().instructions.push_back({opcode, 1, 0, 0, 0, 0.0});
  std::vector<double> y(x.size());
  const double* inputs[] = {x.data()};
  double* outputs[] = {y.data()};
  talweg::run(talweg::Executable(program), talweg::interpreter_kernels(isa), 0, x.size(), inputs,
              outputs);
  return y;
}

// |found - exact| in units of the last place of the double nearest to exact.
double ulps(double found, long double exact) {
  const double nearest = static_cast<double>(exact);
  if (std::isnan(found) || std::isnan(nearest))
    return std::isnan(found) && std::isnan(nearest) ? 0.0 : INFINITY;
  if (std::isinf(found) || std::isinf(nearest)) {
    // Near the overflow threshold either answer can be within an ulp; elsewhere they must agree.
    const bool threshold =
        std::fabs(exact) > DBL_MAX * (1 - 0x1p-52L) && std::fabs(exact) < DBL_MAX * (1 + 0x1p-52L);
    return found == nearest ? 0.0 : threshold ? 1.0 : INFINITY;
  }
  int exponent = 0;
  std::frexp(nearest, &exponent);
  const double unit = nearest == 0.0 ? 0x1p-1074 : std::ldexp(1.0, std::max(exponent - 53, -1074));
  return static_cast<double>(std::fabs(found - exact) / unit);
}

std::vector<double> points(const Function& function, std::size_t count) {
  std::mt19937_64 generator(20);
  std::vector<double> x = {0.0,
                           -0.0,
                           1.0,
                           -1.0,
                           INFINITY,
                           -INFINITY,
                           NAN,
                           DBL_MAX,
                           -DBL_MAX,
                           DBL_MIN,
                           -DBL_MIN,
                           5e-324,
                           -5e-324,
                           DBL_EPSILON,
                           -DBL_EPSILON,
                           0.5,
                           -0.5,
                           1e-300,
                           709.782712893384,
                           709.7827128933841,
                           -708.3964185322641,
                           -745.1332191019411,
                           -745.13321910194122,
                           710.4758600739439,
                           710.475860073944,
                           22.0,
                           20.0,
                           6.0,
                           2.414213562373095,
                           0.4142135623730951};
  for (const Range& range : function.ranges) {
    std::uniform_real_distribution<double> uniform(range.low, range.high);
    for (std::size_t i = 0; i < count; ++i) {
      x.push_back(range.low +
                  (range.high - range.low) * static_cast<double>(i) / static_cast<double>(count));
      x.push_back(uniform(generator));
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t bits = generator();
    double value;
    static_assert(sizeof value == sizeof bits);
    __builtin_memcpy(&value, &bits, sizeof value);
    x.push_back(value);
  }
  return x;
}

}  // namespace

TEST_CASE("elementary functions keep to their error bounds over the whole range") {
  for (const Isa isa : talweg::available_isas()) {
    for (const Function& function : functions) {
      const std::vector<double> x = points(function, 1000000);
      const std::vector<double> y = evaluate(isa, function.opcode, x);
      double worst = 0.0, worst_x = 0.0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double error = ulps(y[i], function.reference(x[i]));
        if (!(error <= worst)) {
          worst = error;
          worst_x = x[i];
        }
      }
      CAPTURE(std::string(talweg::name_of(isa)));
      CAPTURE(std::string(function.name));
      CAPTURE(worst_x);
      CHECK(worst <= function.most_ulps);
      printf("MEAS %s %s %.3f %.17g\n", talweg::name_of(isa), function.name, worst, worst_x);
    }
  }
}

TEST_CASE("odd functions keep the sign of zero") {
  for (const Isa isa : talweg::available_isas()) {
    for (const Opcode opcode : {Opcode::sin, Opcode::tan, Opcode::tanh, Opcode::sinh, Opcode::atan,
                                Opcode::erf, Opcode::log1p, Opcode::expm1}) {
      const std::vector<double> y = evaluate(isa, opcode, {0.0, -0.0});
      CAPTURE(static_cast<int>(opcode));
      CHECK(y[0] == 0.0);
      CHECK(!std::signbit(y[0]));
      CHECK(y[1] == 0.0);
      CHECK(std::signbit(y[1]));
    }
  }
}

TEST_CASE("circular functions near multiples of pi/2, where the reduction cancels") {
  std::vector<double> x;
  for (int n = 1; n < 600000; n += n < 2000 ? 1 : 97) {
    const double nearest = static_cast<double>(n * 1.57079632679489661923132169163975L);
    for (const double y : {nearest, std::nextafter(nearest, 0.0), std::nextafter(nearest, 1e9)}) {
      x.push_back(y);
      x.push_back(-y);
    }
  }
  for (const Isa isa : talweg::available_isas()) {
    const std::vector<double> s = evaluate(isa, Opcode::sin, x), c = evaluate(isa, Opcode::cos, x),
                              t = evaluate(isa, Opcode::tan, x);
    double worst = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i)
      worst = std::max({worst, ulps(s[i], sinl(x[i])) / 2, ulps(c[i], cosl(x[i])) / 2,
                        ulps(t[i], tanl(x[i])) / 4});
    CHECK(worst <= 1.0);
  }
}
