// The simplifications a tape makes while it records. They keep values to rounding: no sum is taken
// in another order, and 0 * x stays where x may be infinite or NaN.
#include <cmath>
#include <utility>

#include "talweg/tape.hpp"

namespace talweg {
namespace {

bool is_small_integer(double value) { return std::abs(value) <= 64.0 && value == std::rint(value); }

bool is_power_of_two(double value) {
  int exponent = 0;
  return std::isfinite(value) && value != 0.0 && std::abs(std::frexp(value, &exponent)) == 0.5 &&
         std::isnormal(1.0 / value);
}

// Merging constant factors must not overflow or lose digits where the separate ones did not.
bool merges(double factor) { return std::isnormal(factor); }

}  // namespace

Tape::Scaled Tape::scaled(Node node) const {
  const Entry& entry = this->entry(node);
  if (entry.operation == Operation::multiply && is_constant(entry.operands[1]))
    return {this->entry(entry.operands[1]).value, entry.operands[0]};
  if (entry.operation == Operation::negate) return {-1.0, entry.operands[0]};
  return {1.0, node};
}

Node Tape::simplify_add(Node a, Node b) {
  if (is_constant(b, 0.0)) return a;
  const bool negated_a = is_negated(a), negated_b = is_negated(b);
  if (negated_a && negated_b) return negate(add(entry(a).operands[0], entry(b).operands[0]));
  if (negated_b) return subtract(a, entry(b).operands[0]);
  if (negated_a && !is_constant(b)) return subtract(b, entry(a).operands[0]);
  const Scaled left = scaled(a), right = scaled(b);
  if (left.rest == right.rest && !is_constant(b)) {
    const double factor = left.factor + right.factor;
    if (merges(factor) || (factor == 0.0 && entry(left.rest).polynomial))
      return scale(left.rest, factor);
  }
  return make(Operation::add, a, b);
}

Node Tape::simplify_subtract(Node a, Node b) {
  if (is_constant(b)) return add(a, constant(-entry(b).value));
  if (is_constant(a, 0.0)) return negate(b);
  if (is_negated(b)) return add(a, entry(b).operands[0]);
  if (is_negated(a)) return negate(add(entry(a).operands[0], b));
  const Scaled left = scaled(a), right = scaled(b);
  if (left.rest == right.rest) {
    const double factor = left.factor - right.factor;
    if (merges(factor) || (factor == 0.0 && entry(left.rest).polynomial))
      return scale(left.rest, factor);
  }
  return make(Operation::subtract, a, b);
}

Node Tape::simplify_multiply(Node a, Node b) {
  if (is_negated(a) && is_negated(b)) return multiply(entry(a).operands[0], entry(b).operands[0]);
  if (is_constant(b)) {
    const double k = entry(b).value;
    if (k == 1.0) return a;
    if (k == -1.0) return negate(a);
    if (k == 0.0 && entry(a).polynomial) return b;
    const Scaled inner = scaled(a);
    if (inner.factor != 1.0 && merges(inner.factor * k)) return scale(inner.rest, inner.factor * k);
    // (x y) k where x k is there already: one product instead of two.
    if (entry(a).operation == Operation::multiply && !is_constant(entry(a).operands[1])) {
      const auto [x, y, unused] = entry(a).operands;
      if (const Node scaled_x = find(Operation::multiply, x, b); scaled_x != no_node)
        return multiply(scaled_x, y);
      if (const Node scaled_y = find(Operation::multiply, y, b); scaled_y != no_node)
        return multiply(x, scaled_y);
    }
    return make(Operation::multiply, a, b);
  }
  if (is_negated(a)) return negate(multiply(entry(a).operands[0], b));
  if (is_negated(b)) return negate(multiply(a, entry(b).operands[0]));
  const auto base_and_exponent = [this](Node node) -> std::pair<Node, double> {
    const Entry& power = entry(node);
    if (power.operation == Operation::power && is_constant(power.operands[1])) {
      const double exponent = entry(power.operands[1]).value;
      if (exponent > 1.0 && is_small_integer(exponent)) return {power.operands[0], exponent};
    }
    return {node, 1.0};
  };
  const auto left = base_and_exponent(a), right = base_and_exponent(b);
  if (left.first == right.first && left.second + right.second <= 64.0)
    return power(left.first, left.second + right.second);
  return make(Operation::multiply, a, b);
}

Node Tape::simplify_divide(Node a, Node b) {
  if (is_constant(b)) {
    const double k = entry(b).value;
    if (is_power_of_two(k)) return scale(a, 1.0 / k);  // exact
  }
  if (is_negated(a) && is_negated(b)) return divide(entry(a).operands[0], entry(b).operands[0]);
  if (is_negated(a) && !is_constant(b)) return negate(divide(entry(a).operands[0], b));
  if (is_negated(b)) return negate(divide(a, entry(b).operands[0]));
  return make(Operation::divide, a, b);
}

Node Tape::simplify_power(Node a, Node b) {
  if (!is_constant(b)) return make(Operation::power, a, b);
  const double exponent = entry(b).value;
  if (exponent == 0.0) return constant(1.0);
  if (exponent == 1.0) return a;
  if (exponent == -1.0) return divide(constant(1.0), a);
  if (exponent == 0.5) return apply(Operation::sqrt, a);
  if (exponent == -0.5) return divide(constant(1.0), apply(Operation::sqrt, a));
  if (is_small_integer(exponent)) {
    if (is_negated(a)) {
      const Node positive = apply(Operation::power, entry(a).operands[0], b);
      return std::fmod(exponent, 2.0) == 0.0 ? positive : negate(positive);
    }
    const Entry& inner = entry(a);
    if (inner.operation == Operation::power && is_constant(inner.operands[1])) {
      const double inner_exponent = entry(inner.operands[1]).value;
      if (is_small_integer(inner_exponent) && inner_exponent > 0.0 && exponent > 0.0 &&
          is_small_integer(inner_exponent * exponent))
        return power(inner.operands[0], inner_exponent * exponent);
    }
  }
  return make(Operation::power, a, b);
}

Node Tape::simplify_unary(Operation operation, Node a) {
  const Entry& inner = entry(a);
  switch (operation) {
    case Operation::negate:
      if (inner.operation == Operation::negate) return inner.operands[0];
      if (inner.operation == Operation::subtract)
        return subtract(inner.operands[1], inner.operands[0]);
      if (inner.operation == Operation::multiply && is_constant(inner.operands[1]))
        return scale(inner.operands[0], -entry(inner.operands[1]).value);
      break;
    case Operation::sin:
    case Operation::tan:
    case Operation::tanh:
    case Operation::sinh:
    case Operation::atan:
    case Operation::erf:
    case Operation::sign:
      if (inner.operation == Operation::negate) return negate(apply(operation, inner.operands[0]));
      break;
    case Operation::cos:
    case Operation::cosh:
    case Operation::absolute:
      if (inner.operation == Operation::negate) return apply(operation, inner.operands[0]);
      break;
    default:
      break;
  }
  return make(operation, a);
}

Node Tape::simplify_other(Operation operation, Node a, Node b, Node c) {
  if (operation == Operation::select) {
    if (is_constant(a)) return entry(a).value != 0.0 ? b : c;
    if (b == c) return b;
  }
  if ((operation == Operation::minimum || operation == Operation::maximum) && a == b) return a;
  return make(operation, a, b, c);
}

}  // namespace talweg
