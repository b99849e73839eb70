#include <cmath>

#include "talweg/tape.hpp"

namespace talweg {
namespace {

struct Description {
  const char* name;
  unsigned arity;
};

constexpr Description descriptions[operation_count] = {
    {"input", 0},    {"constant", 0}, {"data_column", 0}, {"add", 2},        {"subtract", 2},
    {"multiply", 2}, {"divide", 2},   {"negate", 1},      {"power", 2},      {"exp", 1},
    {"log", 1},      {"sqrt", 1},     {"sin", 1},         {"cos", 1},        {"tan", 1},
    {"tanh", 1},     {"sinh", 1},     {"cosh", 1},        {"atan", 1},       {"erf", 1},
    {"log1p", 1},    {"expm1", 1},    {"sigmoid", 1},     {"absolute", 1},   {"sign", 1},
    {"minimum", 2},  {"maximum", 2},  {"less", 2},        {"less_equal", 2}, {"equal", 2},
    {"select", 3},   {"sum_rows", 1},
};

}  // namespace

const char* name(Operation operation) noexcept {
  return descriptions[static_cast<std::size_t>(operation)].name;
}

unsigned arity(Operation operation) noexcept {
  return descriptions[static_cast<std::size_t>(operation)].arity;
}

double apply(Operation operation, double a, double b, double c) noexcept {
  switch (operation) {
    case Operation::add:
      return a + b;
    case Operation::subtract:
      return a - b;
    case Operation::multiply:
      return a * b;
    case Operation::divide:
      return a / b;
    case Operation::negate:
      return -a;
    case Operation::power:
      return std::pow(a, b);
    case Operation::exp:
      return std::exp(a);
    case Operation::log:
      return std::log(a);
    case Operation::sqrt:
      return std::sqrt(a);
    case Operation::sin:
      return std::sin(a);
    case Operation::cos:
      return std::cos(a);
    case Operation::tan:
      return std::tan(a);
    case Operation::tanh:
      return std::tanh(a);
    case Operation::sinh:
      return std::sinh(a);
    case Operation::cosh:
      return std::cosh(a);
    case Operation::atan:
      return std::atan(a);
    case Operation::erf:
      return std::erf(a);
    case Operation::log1p:
      return std::log1p(a);
    case Operation::expm1:
      return std::expm1(a);
    case Operation::sigmoid:
      return a >= 0.0 ? 1.0 / (1.0 + std::exp(-a)) : std::exp(a) / (1.0 + std::exp(a));
    case Operation::absolute:
      return std::abs(a);
    case Operation::sign:
      return a > 0.0 ? 1.0 : a < 0.0 ? -1.0 : a == 0.0 ? 0.0 : a;
    case Operation::minimum:
      return a != a ? a : b != b ? b : b < a ? b : a;
    case Operation::maximum:
      return a != a ? a : b != b ? b : a < b ? b : a;
    case Operation::less:
      return a < b ? 1.0 : 0.0;
    case Operation::less_equal:
      return a <= b ? 1.0 : 0.0;
    case Operation::equal:
      return a == b ? 1.0 : 0.0;
    case Operation::select:
      return a != 0.0 ? b : c;
    default:
      return std::nan("");
  }
}

}  // namespace talweg
